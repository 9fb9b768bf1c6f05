"""Do words and tables get the room they need, and units their letters?"""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QListView, QListWidget, QTableWidget
from pytestqt.qtbot import QtBot

from partwise.result import Table
from partwise_app.controls import Elided, SectionLabel
from partwise_app.dialogs.choose import ChooseDialog
from partwise_app.rows import broken
from partwise_app.tree import Entry, ProjectTree
from partwise_app.viewers.table import TablesView


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Curves, kBq/mL", "CURVES, kBq/mL"),
        ("Trust", "TRUST"),
        ("Measures of the voice", "MEASURES OF THE VOICE"),
        ("Noise, dB", "NOISE, dB"),
    ],
)
def test_a_heading_in_capitals_leaves_units_as_they_are(
    qtbot: QtBot, words: str, shown: str
) -> None:
    heading = SectionLabel(words)
    qtbot.addWidget(heading)
    heading.resize(600, 20)
    heading.show()
    assert heading.text() == shown
    assert heading.accessibleName() == words


def test_a_choice_in_many_words_is_read_in_full(qtbot: QtBot) -> None:
    long = "Dynamic PET · Takes a series apart into blood and tissue, with the doubt shown. " * 2
    dialog = ChooseDialog(None, "Which?", "", [("a", long), ("b", "Short")], go="Open")
    qtbot.addWidget(dialog)
    dialog.show()
    offered = dialog.findChild(QListWidget)
    assert offered is not None
    assert not offered.horizontalScrollBar().isVisible()
    assert not offered.verticalScrollBar().isVisible()
    lines = offered.fontMetrics().horizontalAdvance(long) / offered.viewport().width()
    first = offered.visualItemRect(offered.item(0)).height()
    assert first >= lines * offered.fontMetrics().lineSpacing()
    assert first > offered.visualItemRect(offered.item(1)).height()


@pytest.mark.parametrize("columns", [2, 30])
def test_the_last_row_of_a_table_is_never_under_its_scroll_bar(qtbot: QtBot, columns: int) -> None:
    view = TablesView()
    qtbot.addWidget(view)
    rows = tuple(tuple(float(r + c) for c in range(columns)) for r in range(4))
    names = tuple(f"Column {c}" for c in range(columns))
    view.resize(700, 500)
    view.set_tables((Table("Numbers", names, rows),))
    view.show()
    sheet = view.findChild(QTableWidget)
    assert sheet is not None
    wide = columns > 2
    qtbot.waitUntil(lambda: sheet.horizontalScrollBar().isVisible() == wide)
    last = sheet.item(3, 0)
    assert last is not None
    foot = sheet.visualItemRect(last).bottom()
    assert 0 < foot <= sheet.viewport().height()


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ((0.3506, 0.5, 0.0, 0.0244), ("0.3506", "0.5000", "0", "0.0244")),
        ((102.8, 31.5, 3e-14, -4e-16, 0.0038), ("102.80", "31.50", "< 0.01", "> −0.01", "< 0.01")),
        ((0.70833, 57.5, 1.75, 0.458), ("0.708", "57.500", "1.750", "0.458")),
        ((0.593, 0.0473, 0.0042, 0.099), ("0.5930", "0.0473", "0.0042", "0.0990")),
        ((6.12e7, 342_663.4), ("61,200,000", "342,663")),
        ((3.0, 12.0, float("nan")), ("3", "12", "missing")),
        ((4e12, 2.0), ("4 × 10¹²", "2")),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(
    qtbot: QtBot, column: tuple[float, ...], written: tuple[str, ...]
) -> None:
    view = TablesView()
    qtbot.addWidget(view)
    view.set_tables((Table("Numbers", ("One",), tuple((value,) for value in column)),))
    view.show()
    sheet = view.findChild(QTableWidget)
    assert sheet is not None
    cells = [sheet.item(row, 0) for row in range(len(column))]
    assert tuple(cell.text() for cell in cells if cell is not None) == written


@pytest.mark.parametrize(
    ("words", "before"),
    [
        ("12 channels · 10.1 s · 1,000 Hz", "12 channels · 10.1 s"),
        ("a_long_name.csv", "a_long_"),
    ],
)
def test_words_of_the_list_are_broken_between_words_and_lose_none(
    qapp: QApplication, words: str, before: str
) -> None:
    metrics = QFontMetrics(qapp.font())
    lines = broken(words, metrics, metrics.horizontalAdvance(before + "WW"))
    assert lines[0] == before
    letters = "".join(filter(str.isalnum, words))
    assert "".join(filter(str.isalnum, "".join(lines))) == letters
    assert broken(words, metrics, 4000) == (words,)


def test_rows_of_the_list_make_room_for_one_that_needs_more_lines(qtbot: QtBot) -> None:
    tree = ProjectTree()
    qtbot.addWidget(tree)
    tree.resize(216, 400)
    tree.show()
    view = tree.findChild(QListView)
    assert view is not None
    first, run = Entry("a", False, "grains", "not read yet"), Entry("b", True, "Run 1", "2 parts")
    tree.set_entries((first, run), "a")

    def top() -> int:
        return view.visualRect(view.model().index(1, 0)).top()

    qtbot.waitUntil(lambda: top() > 0)
    QApplication.processEvents()
    before = top()
    longer = dataclasses.replace(first, title="recording of the second visit")
    tree.set_entries((longer, run), "a")
    qtbot.waitUntil(lambda: top() > before)


def test_a_line_of_facts_is_shortened_by_whole_facts(qtbot: QtBot) -> None:
    said = Elided("Noise −25 dB · SNR 4 → 28 dB · voice 3 %")
    qtbot.addWidget(said)
    wide = said.fontMetrics().horizontalAdvance
    said.resize(wide("Noise −25 dB · SNR 4 → 28 d"), 20)
    said.show()
    assert said.text() == "Noise −25 dB …"
    said.resize(wide(said.full()) + 4, 20)
    qtbot.waitUntil(lambda: said.text() == said.full())
    said.resize(wide("Noise"), 20)
    qtbot.waitUntil(lambda: said.text().endswith("…") and said.text() != "Noise −25 dB …")
