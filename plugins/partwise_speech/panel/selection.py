"""What can be done with the stretch that is selected? The bar that comes with a selection."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from partwise_app.api import button, label, tr

__all__ = ["Selection"]


class Selection(QWidget):
    """Words for the stretch, and what to make of it; before a first run, what to do."""

    noise_asked = Signal()
    voice_asked = Signal()
    marked = Signal(str)
    """All of it is ``"speech"`` or ``"noise"``."""
    dropped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._words = label("", "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 6)
        row.setSpacing(6)
        row.addWidget(self._words)
        self.noise = button(
            tr("Learn noise here"),
            "small",
            tip=tr("There is noise and no speech in it: run with it"),
        )
        self.voice = button(
            tr("Learn voice here"),
            "small",
            tip=tr("There is clean speech in it: keep it as a voice for this and later recordings"),
        )
        self.is_noise = button(
            tr("Mark as noise"),
            "small",
            tip=tr("All frequencies of it are noise: it goes, and so does its like in sight"),
        )
        self.drop = button(
            "×", "small", name=tr("Drop the selection"), tip=tr("Drop the selection (Esc)")
        )
        for made in (self.noise, self.voice, self.is_noise):
            row.addWidget(made)
        row.addStretch(1)
        row.addWidget(self.drop)
        self.noise.clicked.connect(self.noise_asked)
        self.voice.clicked.connect(self.voice_asked)
        self.is_noise.clicked.connect(self._on_noise)
        self.drop.clicked.connect(self.dropped)
        self.hide()

    def show_stretch(self, stretch: tuple[float, float] | None, *, hint: bool = False) -> None:
        """Show what is selected; without, what to do first, or nothing at all."""
        self.setVisible(stretch is not None or hint)
        for made in (self.noise, self.voice, self.is_noise, self.drop):
            made.setVisible(stretch is not None)
        if stretch is None:
            self._words.setText(
                tr("Drag over the waveform where there is noise alone, or Run to have it found.")
            )
        if stretch is not None:
            start, end = stretch
            self._words.setText(
                tr(
                    "Selected {start} – {end} s ({length} s)",
                    start=f"{start:.2f}",
                    end=f"{end:.2f}",
                    length=f"{end - start:.2f}",
                )
            )

    def _on_noise(self) -> None:
        self.marked.emit("noise")
