"""How does a slide of any size give us a region of any level?"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from partwise.api import FileProblem, Job, Level, LocalJob, halved, stop_if_cancelled
from partwise_stain.afar import STEPS, Afar, see_from_afar
from partwise_stain.rising import Rising
from partwise_stain.sources import UNREADABLE, WHITE, Image, open_source, reason

__all__ = ["SlidePyramid", "hearing"]

_SMALLEST = 256  # px; the short side of the coarsest level we make
_KEPT = 16_000_000  # pixels of a level that we make and keep in memory
_SENT = 6_000_000  # pixels of such a level that goes along to another process
_BLOCK = 2048  # px; side of the finer level's block in memory while a coarser one is made
_CELL = (1 << 16, 1 << 24)  # pixels of the file that are read at once: at least, at most
# Pixels of the file that are worth handing to a thread; of means, four times as many.
_BATCH = 1 << 20
_LONG = 1 << 26  # pixels of the file that are not read without a word
_GIANT = 300_000_000  # pixels of a level whose eighth is taken from afar
_BEGUN = 0.08  # of a run: what it has told by when a slide of one level was read once

_hears = threading.local()


@contextmanager
def hearing(job: Job) -> Iterator[None]:
    """Let this thread tell of making a level, and leave in its midst when its job is cancelled.

    A slide of one level is read from end to end before its first overview; what reads a pyramid
    has no word for leaving early.
    """
    former = getattr(_hears, "job", None)
    _hears.job, _hears.told = job, None
    try:
        yield
    finally:
        _hears.job, _hears.told = former, None


class SlidePyramid:
    """A slide read by region, with the levels of its file and halved ones below them.

    May be read from several threads and sent to another process, which opens the file anew.
    Label and macro images, which may name the patient, are never touched.

    Parameters
    ----------
    path : path

    Raises
    ------
    FileProblem
        The file cannot be read as a slide.
    """

    def __init__(self, path: str | Path) -> None:
        self._open(Path(path))

    def _open(self, path: Path) -> None:
        self.path = path
        self._source = open_source(path)
        self.facts = dict(self._source.facts)
        width, height = self._source.levels[0]
        self._stored = len(self._source.levels)
        sizes = list(self._source.levels)
        while min(sizes[-1]) >= 2 * _SMALLEST:
            sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
        self._levels = tuple(
            Level(width=w, height=h, downsample=math.sqrt((width / w) * (height / h)))
            for w, h in sizes
        )
        base = self._levels[self._stored - 1]
        self._afar: Afar | None = None
        if base.width * base.height > _GIANT:
            self._afar = see_from_afar(path, (base.width, base.height))
        self._made: dict[int, Image] = {}
        # The finest level that is made whole; between it and the file's own, regions are.
        made = range(self._stored, len(sizes))
        self._top = next((k for k in made if sizes[k][0] * sizes[k][1] <= _KEPT), len(sizes))
        self._rising = self._begun() if self._top < len(sizes) else None

    def __getstate__(self) -> dict[str, Any]:
        made = dict(self._made)  # other threads add to it
        small = [k for k, image in made.items() if image.shape[0] * image.shape[1] <= _SENT]
        # To read gigapixels again would take longer than most that is asked of them.
        sent = {k: made[k] for k in sorted(small)[:1]}
        return {"path": self.path, "of": _state(self.path), "made": sent}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._open(state["path"])
        if state["of"] == _state(self.path):
            self._made.update(state["made"])

    @property
    def levels(self) -> tuple[Level, ...]:
        """Resolutions, finest first."""
        return self._levels

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        """Read a region in pixels of `level`; white outside the image."""
        return self._framed(level, (x, y, width, height), partial(self._inside, level))

    def draft(
        self, level: int, x: int, y: int, width: int, height: int, seconds: float
    ) -> tuple[Image, float]:
        """Read a region as it stands after some seconds at most, while its level is being made.

        Returns
        -------
        image : uint8, shape (height, width, 3)
            What is not known yet has the colours of what is around it.
        share : float
            How much of the level is known; 1 where the image is what `read` returns.
        """
        rising, below = self._rising, level - self._top
        if rising is None or below < 0 or level in self._made or rising.draft(seconds) == 1:
            return self.read(level, x, y, width, height), 1.0
        share = rising.share
        seen = partial(rising.seen, below=below)
        return self._framed(level, (x, y, width, height), seen), share

    def _framed(
        self, level: int, box: tuple[int, int, int, int], inside: Callable[..., Image]
    ) -> Image:
        x, y, width, height = box
        out = np.full((height, width, 3), WHITE, np.uint8)
        full = self._levels[level]
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, full.width), min(y + height, full.height)
        if right > left and bottom > top:
            inner = inside(left, top, right - left, bottom - top)
            out[top - y : bottom - y, left - x : right - x] = inner
        return out

    def _inside(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        if level < self._stored:
            return self._stored_region(level, x, y, width, height)
        if level < self._top:
            return self._reduced(level, x, y, width, height)
        return self._whole(level)[y : y + height, x : x + width]

    def _whole(self, level: int) -> Image:
        """Return a level that the file lacks, made once; who comes meanwhile waits for it."""
        if level not in self._made:
            if level == self._top:
                assert self._rising is not None
                self._made[level] = self._rising.whole(_listener(), self._tell)
            else:
                self._made[level] = halved(self._whole(level - 1))
        return self._made[level]

    def _begun(self) -> Rising:
        """Begin to make the finest level that is made whole: of tiles or strips, each read once."""
        size, steps = self._levels[self._top], self._top - self._stored + 1
        width = self._levels[self._stored - 1].width
        grain = self._source.grain(self._stored - 1)
        # A cell ends where pixels of the level do.
        wide, high = (math.lcm(side, 1 << steps) for side in grain)
        in_strips, in_turn = grain[0] == width, False
        if in_strips:
            wide = width
        if wide * high < _CELL[0]:
            high *= -(-_CELL[0] // (wide * high))
        if wide * high > _CELL[1] and in_strips:
            # Parts of strips, which are not decoded twice where one part follows the other.
            high, in_turn = max(_CELL[1] // wide >> steps, 1) << steps, True
        elif wide * high > _CELL[1]:
            wide = high = max(_BLOCK, 1 << steps)
        return Rising(
            (size.width, size.height),
            (-(-wide >> steps), high >> steps),
            partial(self._block, steps),
            many=max(1, _BATCH * (4 if self._afar is not None else 1) // (wide * high)),
            in_turn=in_turn,
        )

    def _tell(self, share: float) -> None:
        """Say how much has been read of the slide that this thread came for first."""
        base = self._levels[self._stored - 1]
        if base.width * base.height > _LONG and getattr(_hears, "told", None) in (None, self):
            _hears.told = self  # not a reference, which is read late in a run
            _listener().report(_BEGUN * share, "Reading the slide from end to end")

    def _reduced(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        """Halve the coarsest level of the file, block by block, so that memory stays small."""
        steps = level - self._stored + 1
        side = max(1, _BLOCK >> steps)
        out = np.empty((height, width, 3), np.uint8)
        for top in range(0, height, side):
            for left in range(0, width, side):
                stop_if_cancelled(_listener())
                wide, high = min(side, width - left), min(side, height - top)
                block = self._block(steps, (x + left, y + top, wide, high))
                out[top : top + high, left : left + wide] = block
        return out

    def _block(self, steps: int, box: tuple[int, int, int, int]) -> Image:
        """Read a box of a level that is so many halvings below the coarsest of the file."""
        far = self._afar if steps >= STEPS else None
        steps -= STEPS if far is not None else 0
        read = far.read if far is not None else partial(self._source.read, self._stored - 1)
        block = self._checked(partial(read, *(value << steps for value in box)))
        for _ in range(steps):
            block = halved(block)
        return block

    def _stored_region(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        return self._checked(partial(self._source.read, level, x, y, width, height))

    def _checked(self, read: Callable[[], Image]) -> Image:
        try:
            return read()
        except UNREADABLE as error:
            raise FileProblem(
                self.path,
                f"a region of it cannot be read ({reason(error)})",
                fix="the file is damaged or was copied in part: copy it again",
            ) from error


def _state(path: Path) -> tuple[int, int]:
    """What changes with a file."""
    try:
        known = path.stat()
    except OSError:
        return 0, 0  # whoever opens it says what is wrong
    return known.st_size, known.st_mtime_ns


def _listener() -> Job:
    """The job that this thread reads for; one that nobody listens to where there is none."""
    return getattr(_hears, "job", None) or LocalJob()
