"""Which brush is in the hand, and how much of the noise is taken away? The second bar."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from partwise_app.api import Brush, Elided, button, icon, label, tr
from partwise_speech.painted import Kind
from partwise_speech.panel.quality import Quality

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

__all__ = ["ERASER", "NOISE_COLOR", "SPEECH_COLOR", "Teaching"]

SPEECH_COLOR, NOISE_COLOR, _ERASER_COLOR = "#3f8fd2", "#e08a2c", "#d7dbe0"
ERASER = "eraser"
_RADII = 6, 40  # px
_MOST_STRENGTH = 2.0
_STEPS = 50  # per unit of strength
_NARROW, _WIDE = 48, 160  # px of a slider
_BESIDE = 830  # px that all but the two sliders may take


class Teaching(QWidget):
    """Brushes that say what is speech and what is noise, strength, and the original under it."""

    brush_changed = Signal(object)
    """A `Brush`, or None where the hand is empty."""
    strength_changed = Signal(float)
    """While the slider moves."""
    strength_set = Signal(float)
    """When it rests."""
    original_changed = Signal(float)
    """Share of the original under the speech, 0 to 1, while the slider moves."""
    original_set = Signal(float)
    """The same when it rests."""
    cleared = Signal()
    """Nothing shall be marked any more."""

    def __init__(self) -> None:
        super().__init__()
        self._held = ""
        self._tried = False
        self._quieter: float | None = None
        self._quality: Quality | None = None
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 6)
        row.setSpacing(5)
        row.addWidget(label(tr("Paint"), "small"))
        for key, words, tip in (
            (
                "speech",
                tr("Speech"),
                tr("Paint over what is speech: it stays, and what is in sight is fitted anew (S)"),
            ),
            (
                "noise",
                tr("Noise"),
                tr("Paint over what is noise: it goes, and so does its like in sight (N)"),
            ),
            (ERASER, tr("Eraser"), tr("Take marks away (E)")),
        ):
            made = button(
                words, "toggle", name=tr("Paint {name}", name=words), tip=tip, checkable=True
            )
            made.setMinimumHeight(26)
            made.clicked.connect(partial(self.hold, key))
            self.buttons[key] = made
            row.addWidget(made)
        self.radius = _slider(tr("Size of the brush"), *_RADII, 14, 36)
        self.radius.valueChanged.connect(self._on_size)
        self._size = label("⌀", "small")
        self._size.setToolTip(tr("Size of the brush"))
        self._size.setBuddy(self.radius)
        row.addWidget(self._size)
        row.addWidget(self.radius)
        self.clear = button(
            tr("Clear"), "small", name=tr("Clear marks"), tip=tr("Take all marks away")
        )
        self.clear.clicked.connect(self.cleared)
        row.addWidget(self.clear)
        self.atoms = button(
            tr("Atoms"), "toggle", tip=tr("Show what noise and voice are made of"), checkable=True
        )
        self.atoms.setMinimumHeight(26)
        self.atoms.setChecked(True)
        row.addWidget(self.atoms)
        self.note = Elided("", "small")
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.note, 1)
        row.addSpacing(4)
        self.strength = _slider(tr("Strength"), 0, round(_MOST_STRENGTH * _STEPS), _STEPS, _NARROW)
        self.strength.setToolTip(
            tr("How much of the noise to take away: 0 nothing, 1 as found, 2 twice the decibels")
        )
        self._strength = _add_value(row, tr("Strength"), self.strength, 30)
        self.original = _slider(tr("Original under the speech"), 0, 100, 0, _NARROW)
        self.original.setToolTip(
            tr("How much of the recording lies under the speech: 0 % none, 100 % all of it")
        )
        self._original = _add_value(row, tr("Original"), self.original, 36)
        self.strength.valueChanged.connect(self._on_strength)
        self.strength.sliderReleased.connect(self._on_strength_rest)
        self.original.valueChanged.connect(self._on_original)
        self.original.sliderReleased.connect(self._on_original_rest)
        self.set_marked(False)
        self.set_strength(1.0)
        self.set_original(0.0)
        self.radius.hide()
        self._size.hide()
        self._dress()

    @property
    def held(self) -> str:
        """``"speech"``, ``"noise"``, ``"eraser"`` or empty."""
        return self._held

    @property
    def kind(self) -> Kind | None:
        """What a stroke says; None erases."""
        return "speech" if self._held == "speech" else "noise" if self._held == "noise" else None

    @property
    def chosen(self) -> tuple[float, float]:
        """Strength, and share of the original under the speech, as the sliders stand."""
        return self.strength.value() / _STEPS, self.original.value() / 100

    def hold(self, key: str, _checked: bool = False) -> None:
        """Take a brush, or lay it down where it is held already."""
        self._held = "" if key == self._held else key
        for name, made in self.buttons.items():
            made.setChecked(name == self._held)
        self.radius.setVisible(bool(self._held))
        self._size.setVisible(bool(self._held))
        self.brush_changed.emit(self._brush())

    def set_marked(self, marked: bool) -> None:
        """Say whether there is anything to clear."""
        self.clear.setVisible(marked)

    def set_ready(self, paints: bool, strength: bool) -> None:
        """Say whether there is something to paint on, and a result to be weakened."""
        for made in (*self.buttons.values(), self.radius):
            made.setEnabled(paints)
        for slider in (self.strength, self.original):
            slider.setEnabled(strength)
        if not paints and self._held:
            self.hold(self._held)

    def set_strength(self, value: float) -> None:
        """Show a strength; says nothing to anybody."""
        _put(self.strength, round(value * _STEPS))
        if not self.strength.isSliderDown():
            self._strength.setText(f"{value:.2f}")

    def set_original(self, share: float) -> None:
        """Show how much of the original is under the speech, 0 to 1; says nothing to anybody."""
        _put(self.original, round(100 * share))
        if not self.original.isSliderDown():
            self._original.setText(f"{100 * share:.0f} %")

    def set_tried(self, tried: bool) -> None:
        """Say whether something is tried out, and not yet in the result."""
        self._tried = tried
        self._show_note()

    def set_quieter(self, decibels: float | None) -> None:
        """Say by how many dB noise alone is quieter as it is chosen now; None says nothing."""
        self._quieter = decibels
        self._show_note()

    def set_quality(self, quality: Quality | None) -> None:
        """Say how good what is heard is; None says nothing."""
        self._quality = quality
        self._show_note()

    def sizeHint(self) -> QSize:
        return QSize(600, 34)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = min(max((self.width() - _BESIDE) // 2, _NARROW), _WIDE)
        for slider in (self.strength, self.original):
            slider.setFixedWidth(wide)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        super().changeEvent(event)

    def _show_note(self) -> None:
        """What matters most stands first, for the end may be cut off; the tip has all of it."""
        words, tips = [], []
        if self._tried:
            words.append(tr("Run to keep"))
            tips.append(
                tr(
                    "Heard and drawn as chosen where you look; a Run does the same everywhere, "
                    "puts it into files, and renews the numbers"
                )
            )
        found = self._quality
        quieter = self._quieter if found is None or self._quieter is not None else found.quieter
        if quieter is not None:
            words.append(tr("Noise {level} dB", level=_signed(-quieter)))
            tips.append(
                tr(
                    "Noise alone: {level} dB, with this strength and original",
                    level=_signed(-quieter),
                )
            )
        if found is not None:
            both = {"before": _signed(found.before), "after": _signed(found.after)}
            words.append(tr("SNR {before} → {after} dB", **both))
            tips.append(tr("Speech over noise, estimated: {before} → {after} dB", **both))
            share = f"{100 * found.voice:.0f}"
            words.append(tr("voice in residual {share} %", share=share))
            tips.append(
                tr("In sight, {share} % of the residual has the pitch of a voice", share=share)
            )
        self.note.set_full(" · ".join(words))
        self.note.setToolTip("\n".join(tips))

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
        self._strength.setText(f"{strength:.2f}")
        self.strength_changed.emit(strength)
        if not self.strength.isSliderDown():  # by key or wheel: there is no letting go
            self.strength_set.emit(strength)

    def _on_strength_rest(self) -> None:
        self.strength_set.emit(self.strength.value() / _STEPS)

    def _on_original(self, value: int) -> None:
        self._original.setText(f"{value} %")
        self.original_changed.emit(value / 100)
        if not self.original.isSliderDown():
            self.original_set.emit(value / 100)

    def _on_original_rest(self) -> None:
        self.original_set.emit(self.original.value() / 100)

    def _dress(self) -> None:
        signs = {"speech": ("brush", SPEECH_COLOR), "noise": ("brush", NOISE_COLOR)}
        for key, made in self.buttons.items():
            sign, ink = signs.get(key, ("eraser", self.palette().mid().color().name()))
            made.setIcon(icon(sign, ink, 14))
            made.setIconSize(QSize(14, 14))


def _signed(decibels: float) -> str:
    return f"{decibels:.0f}".replace("-", "−")


def _slider(name: str, low: int, high: int, value: int, wide: int) -> QSlider:
    made = QSlider(Qt.Orientation.Horizontal)
    made.setRange(low, high)
    made.setValue(value)
    made.setFixedWidth(wide)
    made.setAccessibleName(name)
    made.setToolTip(name)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return made


def _add_value(row: QHBoxLayout, words: str, slider: QSlider, wide: int) -> QLabel:
    """Put a slider into a row, between its name and its value."""
    name, value = label(words, "small"), label("", "number")
    name.setBuddy(slider)
    value.setMinimumWidth(wide)
    value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    for widget in (name, slider, value):
        row.addWidget(widget)
    return value


def _put(slider: QSlider, value: int) -> None:
    """Show a value, but never against the hand."""
    if not slider.isSliderDown():
        slider.blockSignals(True)
        slider.setValue(value)
        slider.blockSignals(False)
