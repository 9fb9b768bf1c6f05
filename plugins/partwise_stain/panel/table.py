"""What is in each region? A row of numbers for each, the slide first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from partwise_app.api import tr
from partwise_stain.numbers import Number
from partwise_stain.regional import Told

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

__all__ = ["RegionTable", "shown_numbers"]

_HEIGHT, _ROW = 132, 24  # px


class RegionTable(QTableWidget):
    """Regions and their numbers, each with its 95 % interval below it in the tooltip."""

    chosen = Signal(str)
    """Key of the region whose row is chosen, "" for the slide."""
    renamed = Signal(str, str)
    """Key of a region and the name that was typed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filling = False
        self._shown: object = None
        self._held: list[Told | None] = []
        self._heads: list[Number] = []
        self.setAccessibleName(tr("Regions and their numbers"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        middle = Qt.AlignmentFlag.AlignVCenter
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight | middle)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.itemChanged.connect(self._on_edited)

    def sizeHint(self) -> QSize:
        """As high as its rows while they are few: the room is the image's."""
        bar = self.horizontalScrollBar()
        edge = 2 * self.frameWidth() + (bar.sizeHint().height() if bar.isVisible() else 0)
        rows = self.horizontalHeader().sizeHint().height() + _ROW * self.rowCount()
        return QSize(super().sizeHint().width(), min(rows + edge, _HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()  # with or without a scroll bar

    def set_rows(
        self, rows: Sequence[tuple[str, str, Told | None]], grades: bool, chosen: str
    ) -> None:
        """Show (key, name, numbers) rows; numbers are None while they are counted."""
        asked = ([(key, name, id(told)) for key, name, told in rows], grades)
        if asked == self._shown:
            self._select([key for key, *_ in rows], chosen)
            return
        self._shown = asked
        self.setUpdatesEnabled(False)
        self._held = [told for *_, told in rows]  # so that no other has the same identity
        self._filling = True
        told = [entry for _key, _name, entry in rows if entry is not None]
        # While all are counted anew the columns stay, so that nothing jumps.
        self._heads = heads = shown_numbers(told[0].numbers, grades) if told else self._heads
        titles = [tr("Region"), tr("Tissue"), *(_title(head) for head in heads)]
        titles.append(tr("Not explained"))
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(titles)
        first = self.horizontalHeaderItem(0)
        if first is not None:
            first.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setRowCount(len(rows))
        for row, (key, name, entry) in enumerate(rows):
            self._put(row, 0, name, key, editable=bool(key))
            if entry is None:
                for column in range(1, len(titles)):
                    self._put(row, column, "…")
                continue
            self._put(row, 1, _size(entry))
            known = {number.name: number for number in entry.numbers}
            for column, head in enumerate(heads, 2):
                number = known.get(head.name)
                self._put(row, column, _words(number), tip=_interval(number))
            self._put(row, len(titles) - 1, f"{100 * entry.tally.missed:.1f} %")
        self._filling = False
        if told:
            # Once for all cells: a header that watches them would count anew for each.
            self.resizeColumnsToContents()
        self.setUpdatesEnabled(True)
        self.updateGeometry()
        self._select([key for key, *_ in rows], chosen)

    def _select(self, keys: Sequence[str], chosen: str) -> None:
        place = keys.index(chosen) if chosen in keys else 0
        if keys and self.currentRow() != place:
            self._filling = True
            self.selectRow(place)
            self._filling = False

    def selectionChanged(self, chosen: QItemSelection, left: QItemSelection) -> None:
        super().selectionChanged(chosen, left)
        rows = self.selectionModel().selectedRows()
        if rows and not self._filling:
            self.chosen.emit(str(rows[0].data(Qt.ItemDataRole.UserRole) or ""))

    def _put(
        self,
        row: int,
        column: int,
        text: str,
        key: str = "",
        *,
        tip: str = "",
        editable: bool = False,
    ) -> None:
        tip = tip or (tr("Double-click to rename") if editable else "")
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        # Each of these tells the whole table, and most cells stay.
        if item.text() != text:
            item.setText(text)
        if item.data(Qt.ItemDataRole.UserRole) != key:
            item.setData(Qt.ItemDataRole.UserRole, key)
        if item.toolTip() != tip:
            item.setToolTip(tip)

    def _on_edited(self, item: QTableWidgetItem) -> None:
        key = str(item.data(Qt.ItemDataRole.UserRole) or "")
        if not self._filling and key and item.text().strip():
            self.renamed.emit(key, item.text().strip()[:80])


def shown_numbers(numbers: Sequence[Number], grades: bool) -> list[Number]:
    """Return the numbers that have a column on the screen; the file has all of them."""
    kept = []
    for number in numbers:
        graded = number.name.endswith(("positive tissue", "H-score by area"))
        if number.name.endswith(", area") or (graded and grades) or "uclei" in number.name:
            kept.append(number)
    return kept


def _title(number: Number) -> str:
    return f"{number.name} ({number.unit})" if number.unit not in ("%", "of 300") else number.name


def _words(number: Number | None) -> str:
    if number is None:
        return "–"
    text = f"{number.value:.1f}" if number.value < 1000 else f"{number.value:.0f}"
    text += " %" if number.unit == "%" else ""
    if number.interval is None:
        return text
    low, high = (f"{v:.1f}" if v < 1000 else f"{v:.0f}" for v in number.interval)
    return f"{text}  ({low} to {high})"


def _interval(number: Number | None) -> str:
    if number is None:
        return ""
    if number.interval is None:
        return tr("Too few fields for an interval")
    return number.meaning + tr(" 95 % interval over fields in brackets.")


def _size(entry: Told) -> str:
    if entry.mm2 is None:
        return f"{entry.tally.area:,.0f} px"
    return f"{entry.mm2:.3g} mm²" if entry.mm2 >= 0.001 else f"{1e6 * entry.mm2:.0f} µm²"
