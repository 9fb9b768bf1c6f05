"""How do tiles get read and drawn without the window waiting?

Loader threads read tiles of the display pyramid and draw them by recipe; the newest request
comes first, and what nobody wants any more is dropped. Pixels of the whole are kept beside the
drawn tiles, so that an edit draws anew without reading.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise.data.pyramid import DraftPyramid
from partwise_app.viewers.layers import Recipe
from partwise_app.viewers.viewport import TILE, Box, Grid, Tile

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from partwise.data.pyramid import Level, Pyramid

__all__ = ["ByteCache", "TileService", "Wish", "read_tile"]

_log = logging.getLogger(__name__)
_BUDGET = 256 << 20  # bytes of pixels and drawn tiles
_TILE_BYTES = TILE * TILE * 7  # three of pixels, four drawn
_THREADS = 2
_STRIP = 1 << 22  # source pixels read at once where a level has to be made up
_DRAFT_SECONDS = 0.1  # until a level in the making is drawn again
_JOIN_SECONDS = 5.0


class Wish(NamedTuple):
    """A tile that a pane would like to have, drawn by a recipe; without one, its pixels alone."""

    tile: Tile
    recipe: Recipe | None = None


class ByteCache:
    """Least recently used first out, by bytes; not thread-safe by itself."""

    def __init__(self, budget: int = _BUDGET) -> None:
        self.budget = budget
        self._bytes = 0
        self._entries: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()

    @property
    def bytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def get(self, key: Hashable) -> object | None:
        """Return an entry and mark it as used, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: object, size: int) -> None:
        """Keep an entry of `size` bytes; the newest stays whatever its size."""
        old = self._entries.pop(key, None)
        self._bytes += size - (old[1] if old else 0)
        self._entries[key] = (value, size)
        while self._bytes > self.budget and len(self._entries) > 1:
            _, (_, freed) = self._entries.popitem(last=False)
            self._bytes -= freed

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)


class _Stopped(Exception):
    """The image is no longer wanted."""


def _place(wish: Wish) -> tuple[Tile, str]:
    """What a wish is drawn for, whatever the recipe."""
    return wish.tile, wish.recipe.layer if wish.recipe is not None else ""


class _AsItStands:
    """Reads a pyramid without waiting for levels that are still being made."""

    def __init__(self, pyramid: Pyramid) -> None:
        self._pyramid = pyramid
        self.known = 1.0  # least share of what was read

    @property
    def levels(self) -> tuple[Level, ...]:
        return self._pyramid.levels

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        if not isinstance(self._pyramid, DraftPyramid):
            return self._pyramid.read(level, x, y, width, height)
        pixels, share = self._pyramid.draft(level, x, y, width, height, _DRAFT_SECONDS)
        self.known = min(self.known, share)
        return pixels


class _Loader:
    """The threads and what they share; knows no widget, so that it can outlive one."""

    def __init__(self, owner: TileService, threads: int) -> None:
        self._owner = weakref.ref(owner)
        self._free = threading.Condition()
        self.cache = ByteCache()
        self._pyramid: Pyramid | None = None
        self._grid = Grid(1, 1)
        self.known = 1.0  # of the image, as seen from afar
        self._image = 0  # generation of the image
        self._wishes: dict[str, list[Wish]] = {}
        self._rooms: dict[str, int] = {}  # tiles that each pane shows
        self._latest: dict[str, Recipe] = {}  # by layer
        self._queue: deque[Wish] = deque()
        self._busy: set[Tile] = set()
        self._broken: set[Tile] = set()
        self._drafts: dict[tuple[Tile, str], int] = {}  # of tile and layer, by when it was drawn
        self._told = False
        self._closed = False
        self._count = threads
        self._threads: list[threading.Thread] = []

    def open(self, pyramid: Pyramid | None, grid: Grid) -> None:
        with self._free:
            self._pyramid, self._grid = pyramid, grid
            self.known = 1.0
            self._image += 1
            self._wishes.clear()
            self._rooms.clear()
            self._latest.clear()
            self._queue.clear()
            self._broken.clear()
            self._drafts.clear()
            self.cache.clear()
            self.cache.budget = _BUDGET
            self._free.notify_all()

    def want(self, pane: str, wishes: Sequence[Wish], room: int) -> None:
        with self._free:
            if self._closed or self._pyramid is None:
                return
            self._rooms[pane] = room
            # Less room than the screen needs would read the same tiles for ever.
            needed = sum(self._rooms.values()) * _TILE_BYTES * 5 // 4
            self.cache.budget = max(_BUDGET, needed)
            self._wishes.pop(pane, None)
            if wishes:
                self._wishes[pane] = list(wishes)
                recipes = (wish.recipe for wish in wishes if wish.recipe is not None)
                self._latest.update({recipe.layer: recipe for recipe in recipes})
            newest_first = list(reversed(self._wishes.values()))
            rounds: Iterable[tuple[Wish | None, ...]] = zip_longest(*newest_first)
            wishes = [wish for some in rounds for wish in some if wish is not None]
            # Drafts take turns, behind what has not been drawn at all.
            self._queue = deque(sorted(wishes, key=self._turn) if self._drafts else wishes)
            if self._queue and not self._threads:
                self._start()
            self._free.notify_all()

    def drawn(self, layer: str, tile: Tile) -> tuple[Recipe | None, QImage] | None:
        with self._free:
            return self.cache.get((layer, tile))  # type: ignore[return-value]  # kept by _keep

    def pixels(self, tile: Tile) -> NDArray[np.uint8] | None:
        with self._free:
            return self.cache.get(tile)  # type: ignore[return-value]  # kept by _keep

    def wait_for(self, tiles: Sequence[Tile], seconds: float) -> list[NDArray[np.uint8]] | None:
        """Return the pixels of all tiles, or None where some have not come in time."""

        def come() -> bool:
            return self._closed or all(
                tile in self._broken or self.cache.get(tile) is not None for tile in tiles
            )

        with self._free:
            self._free.wait_for(come, timeout=seconds)
            found = [self.cache.get(tile) for tile in tiles]
        return None if any(pixels is None for pixels in found) else found  # type: ignore[return-value]  # kept by _keep

    def heard(self) -> None:
        with self._free:
            self._told = False

    def close(self) -> None:
        with self._free:
            self._closed = True
            self._image += 1
            self._queue.clear()
            self._wishes.clear()
            self.cache.clear()
            self._free.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def _start(self) -> None:
        for number in range(self._count):
            # Daemons: a reader that hangs on a lost network drive must not keep the program.
            thread = threading.Thread(target=self._work, name=f"tiles-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            with self._free:
                wish = self._next()
                while wish is None and not self._closed:
                    self._free.wait()
                    wish = self._next()
                if wish is None or self._pyramid is None or self._closed:
                    return
                self._busy.add(wish.tile)
                image, pyramid, grid = self._image, self._pyramid, self._grid
                pixels: NDArray[np.uint8] | None = self.cache.get(wish.tile)  # type: ignore[assignment]  # kept by _keep
            try:
                self._serve(wish, image, pyramid, grid, pixels)
            except _Stopped:
                pass
            except Exception as error:  # noqa: BLE001  a reader may raise anything; others go on
                _log.exception("tile %s cannot be read", wish.tile)
                self._fail(wish.tile, image, str(error) or type(error).__name__)
            finally:
                with self._free:
                    self._busy.discard(wish.tile)
                    self._free.notify_all()

    def _serve(
        self,
        wish: Wish,
        image: int,
        pyramid: Pyramid,
        grid: Grid,
        pixels: NDArray[np.uint8] | None,
    ) -> None:
        if pixels is None:
            reader = _AsItStands(pyramid)
            pixels = read_tile(reader, grid, wish.tile, lambda: self._image != image)
            if reader.known < 1:
                self._draft(wish, image, pixels, reader.known)
                return
            self._keep(image, wish.tile, pixels, pixels.nbytes)
            if wish.tile.level == grid.top:
                self._finish(image)
            if wish.recipe is not None and self._latest.get(wish.recipe.layer) != wish.recipe:
                return  # an edit came while we read: its own wish finds the pixels here
        if wish.recipe is None:
            return
        drawn = wish.recipe.draw(pixels)
        # No newer drawing can be replaced here: a tile is in the hands of one thread at a time.
        self._keep(image, (wish.recipe.layer, wish.tile), (wish.recipe, drawn), drawn.sizeInBytes())

    def _draft(self, wish: Wish, image: int, pixels: NDArray[np.uint8], known: float) -> None:
        """Draw what is known of a tile, and come back to it when nothing else is wished for.

        Its pixels are not kept: nobody shall count them, and an edit draws it anew.
        """
        with self._free:
            if image != self._image:
                return
            self.known = known
            self._drafts[_place(wish)] = max(self._drafts.values(), default=0) + 1
            self._queue.append(wish)
        if wish.recipe is not None and known > 0:
            drawn = wish.recipe.draw(pixels)
            self._keep(image, (wish.recipe.layer, wish.tile), (None, drawn), drawn.sizeInBytes())

    def _finish(self, image: int) -> None:
        """Nothing is a draft any more."""
        with self._free:
            if image == self._image:
                self.known = 1.0
                self._drafts.clear()

    def _turn(self, wish: Wish) -> int:
        return self._drafts.get(_place(wish), 0)

    def _next(self) -> Wish | None:
        waiting: list[Wish] = []
        found: Wish | None = None
        while self._queue and found is None:
            wish = self._queue.popleft()
            if wish.tile in self._busy:
                waiting.append(wish)
            elif wish.tile not in self._broken and not self._has(wish):
                found = wish
        self._queue.extendleft(reversed(waiting))
        return found

    def _has(self, wish: Wish) -> bool:
        if wish.recipe is None:
            return self.cache.get(wish.tile) is not None
        entry = self.cache.get((wish.recipe.layer, wish.tile))
        return isinstance(entry, tuple) and entry[0] == wish.recipe

    def _keep(self, image: int, key: Hashable, value: object, size: int) -> None:
        with self._free:
            if image != self._image:
                raise _Stopped
            self.cache.put(key, value, size)
            self._free.notify_all()
        self._tell()

    def _fail(self, tile: Tile, image: int, text: str) -> None:
        with self._free:
            if image != self._image:
                return
            first = not self._broken
            self._broken.add(tile)
            self._free.notify_all()
        if first:
            self._tell(text)

    def _tell(self, problem: str = "") -> None:
        owner = self._owner()
        if owner is None:
            return
        try:
            if problem:
                owner.failed.emit(problem)
                return
            with self._free:
                told, self._told = self._told, True
            if not told:
                owner.arrived.emit()
        except RuntimeError:  # the window went away between looking and telling
            return


class TileService(QObject):
    """Tiles for the panes of one stage.

    Its threads start with the first wish, and end when it is closed, deleted, or when the program
    ends. Read from and told of in the GUI thread only.
    """

    arrived = Signal()
    """Some tiles are new; told once until `heard`."""
    failed = Signal(str)
    """A tile cannot be read; told once per image, with the reader's words."""

    def __init__(self, parent: QObject | None = None, threads: int = _THREADS) -> None:
        super().__init__(parent)
        self._loader = _Loader(self, threads)
        self.grid = Grid(1, 1)
        self.destroyed.connect(self._loader.close)
        weakref.finalize(self, self._loader.close)

    def open(self, pyramid: Pyramid | None) -> None:
        """Serve tiles of another image, or of none; all earlier ones are dropped."""
        level = pyramid.levels[0] if pyramid is not None else None
        self.grid = Grid(level.width, level.height) if level else Grid(1, 1)
        self._loader.open(pyramid, self.grid)
        # The overview stands in for everything that is still on its way, so it is read first.
        self._loader.want("overview", [Wish(Tile(self.grid.top, 0, 0))], 1)

    def want(self, pane: str, wishes: Sequence[Wish], room: int = 0) -> None:
        """Replace what a pane would like to have, most wanted first.

        `room` is the number of tiles that the pane shows: the cache holds all of them at least.
        """
        self._loader.want(pane, wishes, room)

    @property
    def known(self) -> float:
        """How much of the image was read for seeing it from afar; below 1, tiles are drafts."""
        return self._loader.known

    def drawn(self, layer: str, tile: Tile) -> tuple[Recipe | None, QImage] | None:
        """Return the latest drawing of a tile and the recipe it follows, which may be older.

        Without a recipe it is a draft: its level is still being made.
        """
        return self._loader.drawn(layer, tile)

    def pixels(self, tile: Tile) -> NDArray[np.uint8] | None:
        """Return the pixels of a tile of the whole, where they are at hand."""
        return self._loader.pixels(tile)

    def overview(self, seconds: float = 0.0) -> NDArray[np.uint8] | None:
        """Return the whole image in one tile, waiting for it at most `seconds`."""
        return self.whole(self.grid.top, seconds)

    def whole(self, level: int, seconds: float) -> NDArray[np.uint8] | None:
        """Return the whole image at a level, waiting for it at most `seconds`; None if it is late.

        For coarse levels: all of it is read.
        """
        grid = self.grid
        tiles = sorted(
            grid.tiles(level, Box(0, 0, grid.width, grid.height)),
            key=lambda tile: (tile.row, tile.column),
        )
        if level != grid.top:
            self.want("figure", [Wish(tile) for tile in tiles])
        found = self._loader.wait_for(tiles, seconds)
        if found is None:
            return None
        across = tiles[-1].column + 1
        rows = [np.hstack(found[k : k + across]) for k in range(0, len(found), across)]
        return np.vstack(rows)

    def heard(self) -> None:
        """`arrived` was heard; tell of the next tiles."""
        self._loader.heard()

    def close(self) -> None:
        """End the threads; nothing is served afterwards."""
        self._loader.close()


def read_tile(
    pyramid: Pyramid, grid: Grid, tile: Tile, stopped: Callable[[], bool] | None = None
) -> NDArray[np.uint8]:
    """Read a tile of the display pyramid from the coarsest level that is fine enough.

    Where the file's levels lie further apart than a factor of two, means of its pixels fill the
    gap. The tile is about `TILE` pixels wide, up to twice that for odd steps between levels.

    Raises
    ------
    _Stopped
        `stopped` said so between two strips.
    """
    wanted = float(1 << tile.level)
    levels = pyramid.levels
    native = max(
        (k for k, level in enumerate(levels) if level.downsample <= wanted * 1.02), default=0
    )
    step = levels[native].downsample
    reduce = max(1, int(wanted / step + 0.02))
    box = grid.box(tile)
    left, top = round(box.x / step), round(box.y / step)
    width = max(1, round(box.width / step / reduce))
    height = max(1, round(box.height / step / reduce))
    if reduce == 1:
        return pyramid.read(native, left, top, width, height)
    out = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP // (width * reduce * reduce))
    for row in range(0, height, rows):
        if stopped is not None and stopped():
            raise _Stopped
        count = min(rows, height - row)
        # Stay inside: white from beyond the border would lighten the last row and column.
        wide = min(width * reduce, levels[native].width - left)
        high = min(count * reduce, levels[native].height - top - row * reduce)
        block = pyramid.read(native, left, top + row * reduce, max(wide, 1), max(high, 1))
        out[row : row + count] = _mean(_grown(block, count * reduce, width * reduce), reduce)
    return out


def _grown(block: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    short = height - block.shape[0], width - block.shape[1]
    if short == (0, 0):
        return block
    return np.pad(block, ((0, short[0]), (0, short[1]), (0, 0)), mode="edge")


def _mean(block: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    total = np.zeros((block.shape[0] // factor, block.shape[1] // factor, 3), np.uint32)
    for dy in range(factor):
        for dx in range(factor):
            total += block[dy::factor, dx::factor]
    area = factor * factor
    return ((total + area // 2) // area).astype(np.uint8)
