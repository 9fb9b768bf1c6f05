"""What do noise and voice consist of? Atoms on two sides, to be heard, muted and moved across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from partwise_app.api import SectionLabel, tr
from partwise_speech.moved import Moved
from partwise_speech.panel.atombar import AtomBar
from partwise_speech.panel.teaching import NOISE_COLOR, SPEECH_COLOR
from partwise_speech.panel.tile import MIME, NOISE, VOICE, AtomTile

__all__ = ["AtomBoard", "Picked", "Side"]

_ROWS = 2
_HEAD = 24  # px
_TITLE = 152  # px of the heading
_WIDE = 46  # px of a tile below which there are two rows of them


class Picked(NamedTuple):
    """Atoms of the noise and groups of the voice that are heard, by their numbers from 0 on."""

    noise: tuple[int, ...] = ()
    voice: tuple[int, ...] = ()

    @property
    def many(self) -> int:
        """How many they are."""
        return len(self.noise) + len(self.voice)


class Side(QWidget):
    """The atoms that count on one side; a tile of the other one can be dropped here.

    Parameters
    ----------
    side : {"noise", "voice"}
    """

    dropped = Signal(str, int)
    """An atom of that side and number, from 1 on, shall count here."""

    def __init__(self, side: str) -> None:
        super().__init__()
        self.side = side
        self._over = False
        self.grid = QGridLayout()
        self.grid.setSpacing(3)
        words = tr("Counts as noise") if side == NOISE else tr("Counts as speech")
        self.title = SectionLabel(words)
        scale = tr("Each is 0 to 8 kHz in bands, and 40 dB high.")
        self.title.setToolTip(
            tr("{scale} Click to hear and see one, drag or T to move it across", scale=scale)
        )
        self.bar = AtomBar()
        self.head = QWidget()
        self.head.setFixedHeight(_HEAD)
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.title.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.title.setFixedWidth(_TITLE)
        row.addWidget(self.title, 0, Qt.AlignmentFlag.AlignLeft)
        row.addWidget(self.bar, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        box.addWidget(self.head)
        box.addLayout(self.grid)
        box.addStretch(1)
        self.setAcceptDrops(True)
        self.setAccessibleName(words)

    def stand_for(self, tile: AtomTile | None) -> None:
        """Show what can be done with an atom; None shows the heading alone."""
        if tile is not None:
            self.bar.follow(tile)
        self.bar.setVisible(tile is not None)
        self._share_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_out()

    def _share_out(self) -> None:
        """Where there is no room for both, what can be done stands in place of the heading."""
        room = self.bar.isHidden() or self.width() >= self.bar.needed + _TITLE + 8
        self.title.setVisible(room)

    def show_tiles(self, tiles: Sequence[AtomTile], rows: int) -> None:
        """Lay tiles out in so many rows, in their order."""
        while self.grid.count():
            self.grid.takeAt(0)
        across = max(-(-len(tiles) // rows), 1)
        for place, tile in enumerate(tiles):
            self.grid.addWidget(tile, place // across, place % across)
            tile.show()
        for column in range(max(self.grid.columnCount(), across)):
            self.grid.setColumnStretch(column, 1 if column < across else 0)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._carried(event.mimeData()) is not None:
            self._set_over(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_over(False)
        carried = self._carried(event.mimeData())
        if carried is not None:
            event.acceptProposedAction()
            self.dropped.emit(*carried)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._over:
            painter = QPainter(self)
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
            painter.end()

    def _carried(self, data: QMimeData) -> tuple[str, int] | None:
        if not data.hasFormat(MIME):
            return None
        side, _, number = data.data(MIME).toStdString().partition(" ")
        return (side, int(number)) if side in (NOISE, VOICE) and number.isdigit() else None

    def _set_over(self, over: bool) -> None:
        self._over = over
        self.update()


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
