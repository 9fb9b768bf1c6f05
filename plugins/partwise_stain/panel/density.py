"""How dense is each stain in what is chosen? One histogram, its stain to be chosen."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from partwise_app.api import SectionLabel, button, label, tr
from partwise_stain.panel.case import GRADED, Case
from partwise_stain.panel.histogram import Histogram
from partwise_stain.regional import Told

__all__ = ["Density"]


class Density(QWidget):
    """The histogram of one stain in the slide or in the chosen region, with its thresholds."""

    moved = Signal(int, float, bool)
    """Place of a threshold, where it was put in OD, and whether it is one of the grades."""

    def __init__(self) -> None:
        super().__init__()
        self._case: Case | None = None
        self._told: Told | None = None
        self._place: int | None = None
        self._offered: tuple[str, ...] = ()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Density and thresholds")))
        self._row = QHBoxLayout()
        self._row.setSpacing(4)
        self._row.addStretch()
        box.addLayout(self._row)
        self._group = QButtonGroup(self)
        self._group.buttonClicked.connect(self._on_stain)
        self._buttons: list[QPushButton] = []
        self.histogram = Histogram()
        self.histogram.moved.connect(self._on_moved)
        box.addWidget(self.histogram)
        self._score = label("", "muted", wrap=True)
        box.addWidget(self._score)

    def show_counts(self, case: Case, told: Told | None) -> None:
        """Show the slide or a region; None while it is counted, or before a run."""
        self._case, self._told = case, told
        if case.names != self._offered:
            self._offer(case)
        self._draw()

    def _offer(self, case: Case) -> None:
        for made in self._buttons:
            self._group.removeButton(made)
            self._row.removeWidget(made)
            made.hide()
            made.deleteLater()
        self._buttons = []
        for place, name in enumerate(case.names):
            made = button(name, "toggle", tip=tr("Density of {name}", name=name), checkable=True)
            made.setProperty("place", place)
            self._group.addButton(made)
            self._row.insertWidget(place, made)
            self._buttons.append(made)
        self._offered = case.names
        # The stain that is graded, where there is one, is what people came for.
        graded = [place for place, key in enumerate(case.keys) if key in GRADED]
        self._place = (graded or [0])[0] if case.names else None
        if self._place is not None:
            self._buttons[self._place].setChecked(True)

    def _is_graded(self) -> bool:
        case, place = self._case, self._place
        return case is not None and place == 1 and case.keys[1] in GRADED

    def _draw(self) -> None:
        case, place, told = self._case, self._place, self._told
        if case is None or place is None or told is None or place >= len(told.tally.histogram):
            self.histogram.set_counts(None, "#888888", ())
            self._score.setText("")
            return
        marks = case.grades if self._is_graded() else (case.area_od,)
        self.histogram.set_counts(told.tally.histogram[place], case.colors[place], marks)
        wanted = "H-score by area" if self._is_graded() else f"{case.names[place]}, area"
        number = next((n for n in told.numbers if n.name.endswith(wanted)), None)
        if number is None:
            self._score.setText("")
            return
        unit = "%" if number.unit == "%" else tr("of 300")
        words = f"{told.name}: {wanted.partition(', ')[2] or wanted} {number.value:.1f} {unit}"
        if number.interval is not None:
            low, high = number.interval
            words += tr(", 95 % interval {low} to {high}", low=f"{low:.1f}", high=f"{high:.1f}")
        self._score.setText(words)

    def _on_stain(self, made: QPushButton) -> None:
        self._place = int(made.property("place"))
        self._draw()

    def _on_moved(self, place: int, value: float) -> None:
        self.moved.emit(place, value, self._is_graded())
