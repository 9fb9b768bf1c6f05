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
from partwise_stain.ahead import ahead
from partwise_stain.sources import UNREADABLE, WHITE, Image, open_source, reason

__all__ = ["SlidePyramid", "hearing"]

_SMALLEST = 256  # px; the short side of the coarsest level we make
_KEPT = 16_000_000  # pixels of a level that we make and keep in memory
_BLOCK = 2048  # px; side of the finer level's block in memory while a coarser one is made
_MANY = 16  # blocks that are worth several threads
_GIANT = 300_000_000  # pixels of a level whose eighth is taken from afar
_BEGUN = 0.08  # of a run: what it has told by when a slide of one level was read once
_PATIENCE = 0.1  # s between looks at whether to leave, while another makes what is waited for

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
        self._made: dict[int, Image] = {}
        self._lock = threading.RLock()
        base = self._levels[self._stored - 1]
        self._afar: Afar | None = None
        if base.width * base.height > _GIANT:
            self._afar = see_from_afar(path, (base.width, base.height))

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._open(state["path"])

    @property
    def levels(self) -> tuple[Level, ...]:
        """Resolutions, finest first."""
        return self._levels

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        """Read a region in pixels of `level`; white outside the image."""
        out = np.full((height, width, 3), WHITE, np.uint8)
        full = self._levels[level]
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, full.width), min(y + height, full.height)
        if right > left and bottom > top:
            inner = self._inside(level, left, top, right - left, bottom - top)
            out[top - y : bottom - y, left - x : right - x] = inner
        return out

    def _inside(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        if level < self._stored:
            return self._stored_region(level, x, y, width, height)
        size = self._levels[level]
        if size.width * size.height > _KEPT:
            return self._reduced(level, x, y, width, height)
        return self._whole(level)[y : y + height, x : x + width]

    def _whole(self, level: int) -> Image:
        """Return a level that the file lacks, made once; who comes meanwhile waits for it."""
        kept = self._made.get(level)
        if kept is not None:
            return kept
        while not self._lock.acquire(timeout=_PATIENCE):
            stop_if_cancelled(_listener())
        try:
            if level not in self._made:
                size, finer = self._levels[level], self._levels[level - 1]
                if level > self._stored and finer.width * finer.height <= _KEPT:
                    self._made[level] = halved(self._whole(level - 1))
                else:
                    self._made[level] = self._reduced(level, 0, 0, size.width, size.height)
            return self._made[level]
        finally:
            self._lock.release()

    def _reduced(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        """Halve the coarsest level of the file, block by block, so that memory stays small."""
        steps = level - self._stored + 1
        side = max(1, _BLOCK >> steps)
        out = np.empty((height, width, 3), np.uint8)
        job = _listener()

        def make(place: tuple[int, int]) -> None:
            stop_if_cancelled(job)
            left, top = place
            wide, high = min(side, width - left), min(side, height - top)
            block = self._block(steps, (x + left, y + top, wide, high))
            out[top : top + high, left : left + wide] = block

        places = [(left, top) for top in range(0, height, side) for left in range(0, width, side)]
        if len(places) < _MANY:
            for place in places:
                make(place)
            return out
        whole = (width, height) == (self._levels[level].width, self._levels[level].height)
        for done, _ in enumerate(ahead(places, make, job), 1):
            if whole and getattr(_hears, "told", None) in (None, self):
                _hears.told = self  # not a reference, which is read late in a run
                job.report(_BEGUN * done / len(places), "Reading the slide from end to end")
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


def _listener() -> Job:
    """The job that this thread reads for; one that nobody listens to where there is none."""
    return getattr(_hears, "job", None) or LocalJob()
