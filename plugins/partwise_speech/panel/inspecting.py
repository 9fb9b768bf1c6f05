"""What is in a saved dictionary? Where it comes from, and its atoms to be seen and heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from partwise_app.api import label, tr
from partwise_speech import device
from partwise_speech.dictionary import Dictionary
from partwise_speech.frames import RATE
from partwise_speech.panel.single import shaped_noise
from partwise_speech.panel.teaching import NOISE_COLOR, SPEECH_COLOR
from partwise_speech.panel.tile import NOISE, VOICE, AtomTile
from partwise_speech.player import NoSound, Player

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent

__all__ = ["Inspector"]

_MOST = 72
_ACROSS, _LARGE = 8, 24  # tiles in a row; up to how many they are drawn twice as wide
_FEW = 6  # recordings that are named
_WORDS = (
    "source",
    "files",
    "span_s",
    "seconds",
    "learned",
    "licence",
    "attribution",
    "corpus",
    "talkers",
)


class Inspector(QDialog):
    """One dictionary; a click on an atom plays it where there is something to play on.

    Parameters
    ----------
    dictionary : Dictionary
    parent : QWidget
    """

    def __init__(self, dictionary: Dictionary, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(dictionary.name)
        self._dictionary = dictionary
        self._player = Player(device.open_speaker)
        self.tiles: list[AtomTile] = []
        self._said = label("", "small", wrap=True)
        box = QVBoxLayout(self)
        box.setContentsMargins(18, 16, 18, 16)
        box.setSpacing(10)
        box.addWidget(label(dictionary.name, "title"))
        for line in _about(dictionary.about):
            box.addWidget(label(line, "muted", wrap=True))
        shown = _chosen(dictionary.count)
        box.addWidget(
            label(
                tr("{shown} of {count} atoms; 0 to 8 kHz in bands, 40 dB high, 64 ms long",
                   shown=len(shown), count=f"{dictionary.count:,}"),
                "small",
            )
        )  # fmt: skip
        box.addWidget(self._grid(shown), 1)
        box.addWidget(self._said)
        self.resize(620, 520)

    def hear(self, number: int) -> None:
        """Play the atom of that number."""
        atom = self._dictionary.atoms[:, number]
        self._player.close()
        self._player.load({"atom": shaped_noise(atom, seed=number)}, RATE)
        self._player.choose({"atom": 1.0})
        self._player.seek(0.0)
        try:
            self._player.play()
        except NoSound as reason:
            self._said.setText(tr("No sound: {why}", why=str(reason)))

    def closeEvent(self, event: QCloseEvent) -> None:
        self._player.close()
        super().closeEvent(event)

    def _grid(self, shown: list[int]) -> QWidget:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        spectra = self._dictionary.spectra()
        voice = self._dictionary.kind == "voice"
        across = _ACROSS if len(shown) > _LARGE else _ACROSS // 2
        side, color = (VOICE, SPEECH_COLOR) if voice else (NOISE, NOISE_COLOR)
        for place, number in enumerate(shown):
            tile = AtomTile(side, number + 1, color, self._dictionary.name)
            tile.setCheckable(False)
            tile.set_spectrum(spectra[number], None)
            tile.clicked.connect(self._on_tile)
            if across < _ACROSS:
                tile.setMinimumHeight(72)
            grid.addWidget(tile, place // across, place % across)
            self.tiles.append(tile)
        grid.setRowStretch(grid.rowCount(), 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        return scroll

    def _on_tile(self) -> None:
        tile = self.sender()
        assert isinstance(tile, AtomTile)
        self.hear(tile.number - 1)


def _chosen(count: int) -> list[int]:
    """Atoms to show: all of a few, else some from the first to the last."""
    if count <= _MOST:
        return list(range(count))
    return [int(k) for k in np.unique(np.linspace(0, count - 1, _MOST).astype(int))]


def _about(about: Mapping[str, object]) -> list[str]:
    """Lines that say where a dictionary comes from."""
    names = {
        "source": tr("From"),
        "files": tr("Recordings"),
        "span_s": tr("Seconds"),
        "seconds": tr("Length in s"),
        "learned": tr("Learned on"),
        "licence": tr("Licence"),
        "attribution": tr("Attribution"),
        "corpus": tr("Corpus"),
        "talkers": tr("Talkers"),
    }
    found = []
    for key in _WORDS:
        value = about.get(key)
        if isinstance(value, list | tuple):
            value = _joined(key, value)
        if value not in (None, ""):
            found.append(f"{names[key]}: {value}")
    return found


def _joined(key: str, values: Sequence[object]) -> str:
    """A span by its ends, names one after the other, many of them by the first."""
    words = [str(one) for one in values]
    if key == "span_s":
        return " – ".join(words)
    if len(words) > _FEW:
        more = tr("and {count} more", count=len(words) - _FEW)
        return ", ".join(words[:_FEW]) + " " + more
    return ", ".join(words)
