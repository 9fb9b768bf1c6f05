"""A strip of the mixer in the smallest window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
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


def _right_edge(edit: QLineEdit) -> int:
    """How many columns at the right end of a field words are written in."""
    picture = edit.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), -1)
    inner = rows[3:-3, picture.width() - 4 : picture.width()].astype(int)
    return int((np.ptp(inner, axis=0) > 40).sum())


def test_a_name_that_is_too_long_ends_in_the_field(qtbot: Any, theme: Theme) -> None:
    theme.set_mode("dark")
    strip = Strip("a", "Haematoxylin of the nuclei in the wide lumen", "#d1495b")
    view = StripView(strip)
    qtbot.addWidget(view)
    view.draw(strip, None, dimmed=False, live=False)
    view.resize(WIDTHS[1], 180)
    view.show()
    QApplication.processEvents()
    edit = view.findChild(QLineEdit)
    assert isinstance(edit, QLineEdit)
    assert _right_edge(edit) == 0, "no letter is cut at the right end"
    assert strip.name in edit.toolTip()
    assert edit.text() == strip.name
