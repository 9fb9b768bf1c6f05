"""What shall be done with one atom? It is named, and seen, heard, muted or moved by buttons."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from partwise_app.api import Elided, button, tr
from partwise_speech.panel.tile import AtomTile

__all__ = ["AtomBar"]

_SPACING = 3  # px


class AtomBar(QWidget):
    """Show, Solo, Mute and the other side, for the atom that was taken up last."""

    show_asked = Signal()
    solo_asked = Signal()
    mute_asked = Signal()
    turn_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = Elided("", "small")
        self.show_ = _toggle(tr("Show"), tr("Draw it alone in the lower picture"))
        self.solo = _toggle(tr("Solo"), tr("Hear it alone"))
        self.mute = _toggle(tr("Mute"), tr("Hear the rest without it (M)"))
        self.turn = button("", "toggle")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_SPACING)
        row.addWidget(self.name, 1)
        for made, asked in (
            (self.show_, self.show_asked),
            (self.solo, self.solo_asked),
            (self.mute, self.mute_asked),
            (self.turn, self.turn_asked),
        ):
            made.clicked.connect(asked)
            row.addWidget(made)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    @property
    def needed(self) -> int:
        """How wide it is with all of the name, in px."""
        parts = (self.name, self.show_, self.solo, self.mute, self.turn)
        return sum(part.sizeHint().width() + _SPACING for part in parts)

    def follow(self, tile: AtomTile) -> None:
        """Stand for an atom, as it is now."""
        self.name.set_full(tile.short_name)
        self.name.setToolTip(tile.accessibleName())
        states = ((self.show_, tile.shown), (self.solo, tile.isChecked()), (self.mute, tile.muted))
        for made, on in states:
            made.setChecked(on)
            made.setAccessibleName(f"{made.text()}, {tile.short_name}")
        words = tile.turn_words
        self.turn.setText(tr("To speech") if tile.turns_to_speech else tr("To noise"))
        self.turn.setAccessibleName(f"{words}, {tile.short_name}")
        self.turn.setToolTip(tr("{turn} (T, or drag it there)", turn=words))
        self.turn.setEnabled(tile.movable)


def _toggle(words: str, tip: str) -> QPushButton:
    return button(words, "toggle", tip=tip, checkable=True)
