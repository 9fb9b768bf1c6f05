"""How is a table of a result read? In rows and columns, numbers to the right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from partwise.result import Table
from partwise_app.controls import SectionLabel
from partwise_app.viewers.plotting import number
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

__all__ = ["TablesView"]

_MOST_ROWS = 500
_ROW = 27
_DIGITS, _MOST_DIGITS = 4, 5  # of the number in the middle of a column, of the largest
_MOST_DECIMALS = 6
_DUST = 1e-3  # of the largest of a column; less has no say in its decimals
_TOO_LARGE = 1e9  # from here on by powers of ten


class TablesView(QWidget):
    """The tables of a result, one below the other; made when somebody looks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(18, 14, 18, 18)
        self._box.setSpacing(8)
        self._tables: tuple[Table, ...] = ()
        self._made: tuple[Table, ...] = ()
        self.setAccessibleName(tr("Tables"))

    def set_tables(self, tables: Sequence[Table]) -> None:
        """Show other tables."""
        self._tables = tuple(tables)
        if self.isVisible():
            self.make()

    def showEvent(self, event: QShowEvent) -> None:
        self.make()
        super().showEvent(event)

    def make(self) -> None:
        """Make what there is to see; called where it is shown, or a picture is taken unseen."""
        if self._tables == self._made:
            return
        self._made = self._tables
        while self._box.count():
            item = self._box.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for table in self._tables:
            self._box.addWidget(SectionLabel(table.title))
            self._box.addWidget(_made(table))
        self._box.addStretch(1)


def _made(table: Table) -> QTableWidget:
    rows = table.rows[:_MOST_ROWS]
    made = _Sheet(len(rows), len(table.columns))
    made.setAccessibleName(table.title)
    made.setHorizontalHeaderLabels(list(table.columns))
    made.verticalHeader().hide()
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setShowGrid(False)
    made.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    made.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    head = made.horizontalHeader()
    head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    said = bool(rows) and any(isinstance(row[-1], str) and row[-1] for row in rows)
    head.setStretchLastSection(said)  # numbers stay beside their like
    head.setHighlightSections(False)
    left, right = (
        Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
    )
    for c in range(len(table.columns)):
        numeric = bool(rows) and not any(isinstance(row[c], str) and row[c] for row in rows)
        item = made.horizontalHeaderItem(c)
        if item is not None:
            item.setTextAlignment(right if numeric else left)
        for r, words in enumerate(_written([row[c] for row in rows])):
            entry = QTableWidgetItem(words)
            entry.setTextAlignment(right if numeric else left)
            made.setItem(r, c, entry)
    for r in range(len(rows)):
        made.setRowHeight(r, _ROW)
    made.fit()
    return made


def _written(column: Sequence[str | float]) -> list[str]:
    """Write the cells of a column: its numbers with the same decimals, so that they compare.

    A number that these decimals would make 0 is told as below the last of them.
    """
    sizes = sorted(abs(v) for v in column if not isinstance(v, str) and math.isfinite(v) and v)
    if not sizes or sizes[-1] >= _TOO_LARGE:
        return [cell if isinstance(cell, str) else number(float(cell), _DIGITS) for cell in column]
    decimals = 0
    if any(size % 1 for size in sizes):
        seen = [size for size in sizes if size >= _DUST * sizes[-1]]
        middle = seen[(len(seen) - 1) // 2]
        wanted = _DIGITS - 1 - math.floor(math.log10(middle))
        most = _MOST_DIGITS - 1 - math.floor(math.log10(sizes[-1]))
        told = max(_decimals_of(size) for size in sizes)
        decimals = max(min(wanted, most, told), 0)
    return [cell if isinstance(cell, str) else _fixed(float(cell), decimals) for cell in column]


def _decimals_of(size: float) -> int:
    """How many decimals a number has, of those that may be shown."""
    return len(f"{size:.{_MOST_DECIMALS}f}".rstrip("0").partition(".")[2])


def _fixed(value: float, decimals: int) -> str:
    if value == 0 or not math.isfinite(value):
        return number(value)
    least = 10.0**-decimals
    if abs(value) < least / 2:
        return f"< {least:.{decimals}f}" if value > 0 else f"> −{least:.{decimals}f}"
    return f"{value:,.{decimals}f}".replace("-", "−")


class _Sheet(QTableWidget):
    """A table as large as its cells, and its scroll bar where it is wider than its place."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(rows, columns)
        self.horizontalScrollBar().rangeChanged.connect(self.fit)
        self.horizontalHeader().sectionResized.connect(self.fit)

    def fit(self, *_: int) -> None:
        """Take the height of all rows, and no more than the width of all columns."""
        bar, head = self.horizontalScrollBar(), self.horizontalHeader()
        room = bar.sizeHint().height() if bar.maximum() > bar.minimum() else 0
        self.setFixedHeight(36 + _ROW * self.rowCount() + room)
        if not head.stretchLastSection():
            self.setMaximumWidth(head.length() + 2 * self.frameWidth())
