"""Which numbers did the analysis measure? A table with units, values at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

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
        self._body: QWidget | None = None
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
        self.hide()

    def set_measures(self, measures: Sequence[Measure]) -> None:
        """Show measures; the card is away where there are none."""
        self._measures = tuple(measures)
        if self._body is not None:
            self._box.removeWidget(self._body)
            self._body.hide()
            self._body.deleteLater()
        self._body = QWidget()
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        for row, measure in enumerate(measures):
            name = label(measure.name, "muted", wrap=True)
            value = label(number(measure.value, _DIGITS), "number")
            unit = label(measure.unit, "muted")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            unit.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            for column, widget in enumerate((name, value, unit)):
                widget.setToolTip(measure.meaning)
                grid.addWidget(widget, row, column)
        self._box.addWidget(self._body)
        self.setVisible(bool(measures))

    def _on_copy(self) -> None:
        lines = ["Measure\tValue\tUnit"]
        lines += [f"{m.name}\t{m.value:.6g}\t{m.unit}" for m in self._measures]
        QGuiApplication.clipboard().setText("\n".join(lines) + "\n")
