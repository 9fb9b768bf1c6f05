"""How is a table of a result read? In rows and columns, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence

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

__all__ = ["TablesView"]

_MOST_ROWS = 500
_ROW = 27


class TablesView(QWidget):
    """The tables of a result, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(18, 14, 18, 18)
        self._box.setSpacing(8)
        self._shown: tuple[Table, ...] = ()
        self.setAccessibleName(tr("Tables"))

    def set_tables(self, tables: Sequence[Table]) -> None:
        """Show other tables."""
        if tuple(tables) == self._shown:
            return
        self._shown = tuple(tables)
        while self._box.count():
            item = self._box.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for table in tables:
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
        for r, row in enumerate(rows):
            cell = row[c]
            words = cell if isinstance(cell, str) else number(float(cell), 4)
            entry = QTableWidgetItem(words)
            entry.setTextAlignment(right if numeric else left)
            made.setItem(r, c, entry)
    for r in range(len(rows)):
        made.setRowHeight(r, _ROW)
    made.fit()
    return made


class _Sheet(QTableWidget):
    """A table as high as its rows, and its scroll bar where it is wider than its place."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(rows, columns)
        self.horizontalScrollBar().rangeChanged.connect(self.fit)

    def fit(self, *_: int) -> None:
        """Take the height of all rows."""
        bar = self.horizontalScrollBar()
        room = bar.sizeHint().height() if bar.maximum() > bar.minimum() else 0
        self.setFixedHeight(36 + _ROW * self.rowCount() + room)
