"""What do noise and voice consist of? Atoms on two sides, to be heard, muted and moved across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from partwise_app.api import tr
from partwise_speech.moved import Moved
from partwise_speech.panel.side import Side
from partwise_speech.panel.teaching import NOISE_COLOR, SPEECH_COLOR
from partwise_speech.panel.tile import NOISE, VOICE, AtomTile

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

__all__ = ["AtomBoard", "Picked"]

_ROWS = 2
_WIDE = 46  # px of a tile below which there are two rows of them


class Picked(NamedTuple):
    """Atoms of the noise and groups of the voice that are heard, by their numbers from 0 on."""

    noise: tuple[int, ...] = ()
    voice: tuple[int, ...] = ()

    @property
    def many(self) -> int:
        """How many they are."""
        return len(self.noise) + len(self.voice)


class AtomBoard(QWidget):
    """Atoms of the noise and groups of the voice, each on the side that it counts to.

    What is soloed or muted is heard so, and changes no result; what is moved to the other side
    changes what counts as speech.
    """

    changed = Signal()
    """Others are heard."""
    shown = Signal()
    """Others are drawn alone, or none."""
    turn_asked = Signal(str, int)
    """An atom of that side, by its number from 0 on, shall count on the other one."""

    def __init__(self) -> None:
        super().__init__()
        self.tiles: dict[str, list[AtomTile]] = {NOISE: [], VOICE: []}
        self._shares: dict[str, Sequence[float] | None] = {NOISE: None, VOICE: None}
        self._moved = Moved()
        self._placed: dict[str, list[AtomTile]] = {NOISE: [], VOICE: []}
        self._rows = 0
        self._taken: AtomTile | None = None  # whose buttons are seen
        self.sides = {VOICE: Side(VOICE), NOISE: Side(NOISE)}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 2, 12, 8)
        self._row.setSpacing(14)
        for side in self.sides.values():
            self._row.addWidget(side)
            side.dropped.connect(self._on_dropped)
            side.bar.show_asked.connect(self._show_taken)
            side.bar.solo_asked.connect(self._solo_taken)
            side.bar.mute_asked.connect(self._mute_taken)
            side.bar.turn_asked.connect(self._turn_taken)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    @property
    def has_any(self) -> bool:
        """Whether there are atoms."""
        return any(self.tiles.values())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def show_noise(
        self, spectra: NDArray[np.floating] | None, shares: Sequence[float] | None
    ) -> None:
        """Show the atoms of the noise, shape (atoms, bands); without shares as they still form."""
        self._show(NOISE, spectra, shares, NOISE_COLOR)

    def show_voice(
        self, spectra: NDArray[np.floating] | None, shares: Sequence[float] | None
    ) -> None:
        """Show the groups of the voice, shape (groups, bands)."""
        self._show(VOICE, spectra, shares, SPEECH_COLOR)

    def set_moved(self, moved: Moved) -> None:
        """Put atoms on the sides that they count to."""
        if moved != self._moved:
            self._moved = moved
            self._lay_out()

    def heard(self) -> Picked | None:
        """Return which are to be heard; None while all are, as in speech and residual."""
        solo = {s: _numbers(t for t in tiles if t.isChecked()) for s, tiles in self.tiles.items()}
        if any(solo.values()):
            return Picked(solo[NOISE], solo[VOICE])
        left = {}
        for side, tiles in self.tiles.items():
            rest = _numbers(t for t in tiles if not t.muted)
            left[side] = rest if len(rest) < len(tiles) else ()
        picked = Picked(left[NOISE], left[VOICE])
        muted = any(t.muted for tiles in self.tiles.values() for t in tiles)
        return picked if muted else None

    def seen(self) -> Picked | None:
        """Return which are drawn alone; None where none is."""
        numbers = {s: _numbers(t for t in tiles if t.shown) for s, tiles in self.tiles.items()}
        picked = Picked(numbers[NOISE], numbers[VOICE])
        return picked if picked.many else None

    def release(self) -> None:
        """Something else is heard: none is alone or muted any more."""
        for tile in self._all():
            tile.blockSignals(True)
            tile.setChecked(False)
            tile.blockSignals(False)
            tile.set_state(muted=False, shown=False)
        self._follow_taken()
        self.shown.emit()

    def show_none(self) -> None:
        """Draw none alone any more."""
        for tile in self._all():
            tile.set_state(shown=False)
        self._follow_taken()

    def _all(self) -> list[AtomTile]:
        return [tile for tiles in self.tiles.values() for tile in tiles]

    def _show(
        self,
        side: str,
        spectra: NDArray[np.floating] | None,
        shares: Sequence[float] | None,
        color: str,
    ) -> None:
        tiles, count = self.tiles[side], 0 if spectra is None else len(spectra)
        while len(tiles) > count:
            tile = tiles.pop()
            tile.hide()
            if tile is self._taken:
                self._taken = None
            tile.deleteLater()
        while len(tiles) < count:
            tile = AtomTile(side, len(tiles) + 1, color)
            tile.toggled.connect(self._on_toggled)
            tile.muted_asked.connect(self._on_muted)
            tile.turn_asked.connect(self._on_turn)
            tile.show_asked.connect(self._on_show)
            tile.taken_up.connect(self._on_taken_up)
            tiles.append(tile)
        for k, tile in enumerate(tiles):
            assert spectra is not None
            tile.blockSignals(True)
            tile.setChecked(False)
            tile.blockSignals(False)
            tile.movable = shares is not None
            tile.setEnabled(shares is not None)
            tile.set_state(muted=False, shown=False)
            tile.set_spectrum(spectra[k], shares[k] if shares is not None else 0.0)
        self._shares[side] = shares
        self._lay_out()

    def _lay_out(self) -> None:
        """Each tile on its side, the strongest of each kind first."""
        found: dict[str, list[AtomTile]] = {NOISE: [], VOICE: []}
        for side, tiles in self.tiles.items():
            shares = self._shares[side]
            weight = np.zeros(len(tiles)) if shares is None else np.asarray(shares)
            turned = self._moved.noise if side == NOISE else self._moved.voice
            other = VOICE if side == NOISE else NOISE
            for k in np.argsort(-weight, kind="stable").tolist():
                tiles[k].set_state(turned=k in turned)
                found[other if k in turned else side].append(tiles[k])
        self._placed, self._rows = found, 0
        self.sides[VOICE].setVisible(bool(found[VOICE]) or bool(self.tiles[VOICE]))
        forming = bool(self.tiles[NOISE]) and not self.tiles[NOISE][0].movable
        words = tr("Noise, being learned") if forming else tr("Counts as noise")
        self.sides[NOISE].title.set_words(words)
        self._arrange()
        self._follow_taken()

    def _follow_taken(self) -> None:
        """Show the buttons of the atom that was taken up, on the side where it stands."""
        for name, side in self.sides.items():
            mine = self._taken if self._taken in self._placed[name] else None
            side.stand_for(mine if mine is not None and mine.isEnabled() else None)

    def _arrange(self) -> None:
        """Lay out in one row where there is room, else in two."""
        count = sum(len(tiles) for tiles in self._placed.values())
        rows = 1 if self.width() >= _WIDE * count else _ROWS
        if rows == self._rows:
            return
        self._rows = rows
        for place, (side, tiles) in enumerate((s, self._placed[s]) for s in self.sides):
            self.sides[side].show_tiles(tiles, rows)
            self._row.setStretch(place, max(len(tiles), 2))

    def _on_dropped(self, side: str, number: int) -> None:
        tiles = self.tiles[side]
        if not 1 <= number <= len(tiles):
            return
        target = self.sender()
        assert isinstance(target, Side)
        stands = side if not tiles[number - 1].turned else (VOICE if side == NOISE else NOISE)
        if target.side != stands:
            self.turn_asked.emit(side, number - 1)

    def _on_taken_up(self) -> None:
        tile = self.sender()
        assert isinstance(tile, AtomTile)
        self._taken = tile
        self._follow_taken()

    def _on_toggled(self, on: bool) -> None:
        """What is heard alone is drawn alone."""
        tile = self.sender()
        assert isinstance(tile, AtomTile)
        self._taken = tile
        for other in self._all():
            other.set_state(shown=other.isChecked())
        self._follow_taken()
        self.changed.emit()
        self.shown.emit()

    def _on_muted(self) -> None:
        self._mute(self.sender())

    def _on_turn(self) -> None:
        self._turn(self.sender())

    def _on_show(self) -> None:
        self._draw_alone(self.sender())

    def _show_taken(self) -> None:
        self._draw_alone(self._taken)

    def _solo_taken(self) -> None:
        if self._taken is not None:
            self._taken.setChecked(not self._taken.isChecked())

    def _mute_taken(self) -> None:
        self._mute(self._taken)

    def _turn_taken(self) -> None:
        self._turn(self._taken)

    def _draw_alone(self, tile: object) -> None:
        assert isinstance(tile, AtomTile)
        self._taken = tile
        tile.set_state(shown=not tile.shown)
        self._follow_taken()
        self.shown.emit()

    def _mute(self, tile: object) -> None:
        assert isinstance(tile, AtomTile)
        self._taken = tile
        tile.set_state(muted=not tile.muted)
        self._follow_taken()
        self.changed.emit()

    def _turn(self, tile: object) -> None:
        assert isinstance(tile, AtomTile)
        self._taken = tile
        self.turn_asked.emit(tile.side, tile.number - 1)


def _numbers(tiles: Iterable[AtomTile]) -> tuple[int, ...]:
    return tuple(tile.number - 1 for tile in tiles)
