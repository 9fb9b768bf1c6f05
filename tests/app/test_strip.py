"""A strip of the mixer in the smallest window."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QStyle, QStyleOptionFrame

from partwise.project.document import Strip
from partwise_app.strip import WIDTHS, StripView
from partwise_app.theme import Theme


@pytest.mark.parametrize(("name", "numbered"), [("Arterial blood", False), ("Residue", True)])
def test_a_long_name_is_whole_where_strips_are_narrow(
    qtbot: Any, theme: Theme, name: str, numbered: bool
) -> None:
    theme.set_mode("dark")
    strip = Strip("blood-1", name, "#d1495b")
    view = StripView(strip)
    qtbot.addWidget(view)
    view.set_number(1)
    view.draw(strip, None, dimmed=False, live=False)
    view.resize(WIDTHS[0], 180)
    view.show()
    QApplication.processEvents()
    edit = view.findChild(QLineEdit)
    assert isinstance(edit, QLineEdit)
    option = QStyleOptionFrame()
    edit.initStyleOption(option)
    field = edit.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, edit)
    assert edit.fontMetrics().horizontalAdvance(name) <= field.width()
    number = next(each for each in view.findChildren(QLabel) if each.text() == "1")
    assert number.isVisible() is numbered
    view.resize(WIDTHS[1], 180)
    QApplication.processEvents()
    assert number.isVisible()
