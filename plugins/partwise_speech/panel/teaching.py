"""Which brush is in the hand, and how strongly is noise taken away? The second bar."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QWidget

from partwise_app.api import Brush, button, icon, label, tr
from partwise_speech.painted import Kind

__all__ = ["ERASER", "NOISE_COLOR", "SPEECH_COLOR", "Teaching"]

SPEECH_COLOR, NOISE_COLOR, _ERASER_COLOR = "#3f8fd2", "#e08a2c", "#d7dbe0"
ERASER = "eraser"
_RADII = 6, 40  # px
_MOST_STRENGTH = 2.0
_STEPS = 50  # per unit of strength


class Teaching(QWidget):
    """Brushes that say what is speech and what is noise, and the strength."""

    brush_changed = Signal(object)
    """A `Brush`, or None where the hand is empty."""
    strength_changed = Signal(float)
    """While the slider moves."""
    strength_set = Signal(float)
    """When it rests."""
    cleared = Signal()
    """Nothing shall be marked any more."""

    def __init__(self) -> None:
        super().__init__()
        self._held = ""
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 6)
        row.setSpacing(6)
        row.addWidget(label(tr("Paint"), "small"))
        for key, words, tip in (
            (
                "speech",
                tr("Speech"),
                tr("Paint over what is speech; the next run learns from it (S)"),
            ),
            ("noise", tr("Noise"), tr("Paint over what is noise; the next run learns from it (N)")),
            (ERASER, tr("Eraser"), tr("Take marks away (E)")),
        ):
            made = button(
                words, "toggle", name=tr("Paint {name}", name=words), tip=tip, checkable=True
            )
            made.setMinimumHeight(26)
            made.clicked.connect(partial(self.hold, key))
            self.buttons[key] = made
            row.addWidget(made)
        self.radius = _slider(tr("Size of the brush"), *_RADII, 14, 70)
        self.radius.valueChanged.connect(self._on_size)
        row.addWidget(self.radius)
        self.clear = button(tr("Clear marks"), "link", tip=tr("Take all marks away"))
        self.clear.clicked.connect(self.cleared)
        row.addWidget(self.clear)
        row.addStretch(1)
        name = label(tr("Strength"), "small")
        self.strength = _slider(tr("Strength"), 0, round(_MOST_STRENGTH * _STEPS), _STEPS, 130)
        self.strength.setToolTip(
            tr("How much of the noise to take away: 0 nothing, 1 as found, 2 twice the decibels")
        )
        name.setBuddy(self.strength)
        self._value = label("", "number")
        self._value.setMinimumWidth(34)
        self._value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.note = label("", "small")
        for widget in (self.note, name, self.strength, self._value):
            row.addWidget(widget)
        self.strength.valueChanged.connect(self._on_strength)
        self.strength.sliderReleased.connect(self._on_rest)
        self.set_marked(False)
        self.set_strength(1.0)
        self._dress()

    @property
    def held(self) -> str:
        """``"speech"``, ``"noise"``, ``"eraser"`` or empty."""
        return self._held

    @property
    def kind(self) -> Kind | None:
        """What a stroke says; None erases."""
        return "speech" if self._held == "speech" else "noise" if self._held == "noise" else None

    def hold(self, key: str, _checked: bool = False) -> None:
        """Take a brush, or lay it down where it is held already."""
        self._held = "" if key == self._held else key
        for name, made in self.buttons.items():
            made.setChecked(name == self._held)
        self.brush_changed.emit(self._brush())

    def set_marked(self, marked: bool) -> None:
        """Say whether there is anything to clear."""
        self.clear.setVisible(marked)

    def set_ready(self, paints: bool, strength: bool) -> None:
        """Say whether there is something to paint on, and a result to be weakened."""
        for made in (*self.buttons.values(), self.radius):
            made.setEnabled(paints)
        self.strength.setEnabled(strength)
        if not paints and self._held:
            self.hold(self._held)

    def set_strength(self, value: float) -> None:
        """Show a strength; says nothing to anybody."""
        if not self.strength.isSliderDown():
            self.strength.blockSignals(True)
            self.strength.setValue(round(value * _STEPS))
            self.strength.blockSignals(False)
            self._value.setText(f"{value:.2f}")

    def set_tried(self, tried: bool) -> None:
        """Say whether the strength is tried out, and not yet that of the result."""
        self.note.setText(tr("tried out, Run to keep") if tried else "")

    def sizeHint(self) -> QSize:
        return QSize(600, 34)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        super().changeEvent(event)

    def _brush(self) -> Brush | None:
        color = {"speech": SPEECH_COLOR, "noise": NOISE_COLOR, ERASER: _ERASER_COLOR}.get(
            self._held
        )
        return Brush(self._held, color, float(self.radius.value())) if color else None

    def _on_size(self, value: int) -> None:
        if self._held:
            self.brush_changed.emit(self._brush())

    def _on_strength(self, value: int) -> None:
        strength = value / _STEPS
        self._value.setText(f"{strength:.2f}")
        self.strength_changed.emit(strength)
        if not self.strength.isSliderDown():  # by key or wheel: there is no letting go
            self.strength_set.emit(strength)

    def _on_rest(self) -> None:
        self.strength_set.emit(self.strength.value() / _STEPS)

    def _dress(self) -> None:
        signs = {"speech": ("brush", SPEECH_COLOR), "noise": ("brush", NOISE_COLOR)}
        for key, made in self.buttons.items():
            sign, ink = signs.get(key, ("eraser", self.palette().mid().color().name()))
            made.setIcon(icon(sign, ink, 14))
            made.setIconSize(QSize(14, 14))


def _slider(name: str, low: int, high: int, value: int, wide: int) -> QSlider:
    made = QSlider(Qt.Orientation.Horizontal)
    made.setRange(low, high)
    made.setValue(value)
    made.setFixedWidth(wide)
    made.setAccessibleName(name)
    made.setToolTip(name)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return made
