"""What happened to the voice itself? Its measures before and after, and a warning."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from partwise.api import Result, Table
from partwise_app.api import SectionLabel, label, tr

__all__ = ["Drift", "drift_of"]

_LARGE = 10.0  # from which a second decimal tells nothing


class Drift(QWidget):
    """A small table: measure, whole, speech; hidden where nothing was measured."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(0, 1)
        self._tag = label(tr("Processed: not for acoustic measurement"), "small", wrap=True)
        self._cells: list[QLabel] = []
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Measures of the voice")))
        box.addLayout(self._grid)
        box.addWidget(self._tag)
        self.hide()

    def show_table(self, table: Table | None) -> None:
        """Show a table; None hides all."""
        for cell in self._cells:
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        self._cells = []
        self.setVisible(table is not None)
        if table is None:
            return
        for column, words in enumerate(table.columns):
            self._put(0, column, words, "small")
        for row, cells in enumerate(table.rows, 1):
            for column, text in enumerate(_in_words(cells)):
                self._put(row, column, text, "number" if column else "")

    def _put(self, row: int, column: int, text: str, tone: str) -> None:
        cell = label(text, tone, wrap=not column)
        if column:
            cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(cell, row, column)
        self._cells.append(cell)


def _in_words(cells: Sequence[str | float]) -> list[str]:
    """A row with the same decimals in all of its numbers, the change with its sign."""
    numbers = [abs(value) for value in cells if not isinstance(value, str)]
    places = 1 if max(numbers, default=0.0) >= _LARGE else 2
    last = len(cells) - 1
    told = []
    for column, value in enumerate(cells):
        if isinstance(value, str):
            told.append(value)
        elif math.isnan(value):
            told.append(tr("none"))
        else:
            sign = "+" if column == last else ""
            told.append(f"{value:{sign}.{places}f}".replace("-", "−"))
    return told


def drift_of(result: Result | None) -> Table | None:
    """Return the table of voice measures of a result, or None where it has none."""
    tables = result.tables if result is not None else ()
    return next((t for t in tables if "voice" in t.title.lower() and len(t.columns) > 2), None)
