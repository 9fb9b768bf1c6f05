"""Which numbers did the analysis measure? A table with units, values at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from partwise.result import Measure
from partwise_app.controls import SectionLabel, button, label
from partwise_app.viewers.plotting import number
from partwise_app.words import tr

__all__ = ["MeasuresCard"]

_DIGITS = 4


class MeasuresCard(QWidget):
    """Measures of a result: name, value, unit; what each counts is in its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[QLabel, QLabel, QLabel]] = []
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(14, 12, 14, 14)
        self._box.setSpacing(8)
        self._measures: tuple[Measure, ...] = ()
        self._copy = button(
            tr("Copy"), "link", name=tr("Copy the measures"), tip=tr("Copy as a table")
        )
        self._copy.clicked.connect(self._on_copy)
        head = QHBoxLayout()
        head.addWidget(SectionLabel(tr("Measures")), 1)
        head.addWidget(self._copy)
        self._box.addLayout(head)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self._box.addLayout(self._grid)
        self.hide()

    def set_measures(self, measures: Sequence[Measure]) -> None:
        """Show measures; the card is away where there are none."""
        self._measures = tuple(measures)
        # Rows are kept: to dress new ones takes longer than all else here; and each that is shown
        # in sight would lay out the whole window.
        self.hide()
        while len(self._rows) < len(self._measures):
            self._add_row()
        for place, row in enumerate(self._rows):
            measure = self._measures[place] if place < len(self._measures) else None
            for widget in row:
                widget.setVisible(measure is not None)
            if measure is None:
                continue
            words = measure.name, number(measure.value, _DIGITS), measure.unit
            for widget, text in zip(row, words, strict=True):
                widget.setText(text)
                widget.setToolTip(measure.meaning)
        self.setVisible(bool(measures))

    def prepare(self, count: int) -> None:
        """Dress rows for measures to come, up to `count` in all."""
        while len(self._rows) < count:
            self._add_row()
            for widget in self._rows[-1]:
                widget.hide()
                widget.ensurePolished()

    def _add_row(self) -> None:
        name, value, unit = label("", "muted", wrap=True), label("", "number"), label("", "muted")
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        unit.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        for column, widget in enumerate((name, value, unit)):
            self._grid.addWidget(widget, len(self._rows), column)
        self._rows.append((name, value, unit))

    def _on_copy(self) -> None:
        lines = ["Measure\tValue\tUnit"]
        lines += [f"{m.name}\t{m.value:.6g}\t{m.unit}" for m in self._measures]
        QGuiApplication.clipboard().setText("\n".join(lines) + "\n")
