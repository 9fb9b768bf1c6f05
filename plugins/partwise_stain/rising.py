"""How does a level that the file lacks come to be, and what is seen of it meanwhile?

Its cells are made all over the slide at first and between those later, as in interlaced pictures,
so that a few hundredths of a gigapixel show where tissue lies long before the rest is read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from scipy import ndimage

from partwise.api import Job, LocalJob, halved, stop_if_cancelled
from partwise_stain.ahead import ahead
from partwise_stain.sources import Image

__all__ = ["Rising"]

_APART = 8  # cells between those that are made first
_PATIENCE = 0.1  # s between looks at whether to leave, while another makes what is waited for

_Cell = tuple[int, int]  # row, column


class Rising:
    """A level in the making, cell by cell, by whoever waits for it; safe to use from threads.

    Parameters
    ----------
    size : (int, int)
        Width and height of the level.
    cell : (int, int)
        Width and height of what is made at once.
    make : callable
        Returns a box (x, y, width, height) of the level.
    many : int
        Cells that are worth handing to a thread.
    in_turn : bool
        Whether cells are made from top to bottom, since neighbours share what is read.
    """

    def __init__(
        self,
        size: tuple[int, int],
        cell: tuple[int, int],
        make: Callable[[tuple[int, int, int, int]], Image],
        *,
        many: int = 1,
        in_turn: bool = False,
    ) -> None:
        width, height = size
        self._cell, self._make = cell, make
        self._image = np.zeros((height, width, 3), np.uint8)
        rows, columns = -(-height // cell[1]), -(-width // cell[0])
        self._means = np.zeros((rows, columns, 3), np.float32)
        self._done = np.zeros((rows, columns), np.bool_)
        self._order = _interlaced(rows, columns, 1 if in_turn else _APART)
        self._many = many
        self._lock = threading.Lock()

    @property
    def share(self) -> float:
        """How much of it has been made."""
        return float(self._done.mean())

    def whole(self, job: Job, tell: Callable[[float], None]) -> Image:
        """Return the level, making what it lacks.

        Parameters
        ----------
        job : Job
            May leave; what was made by then stays.
        tell : callable
            Hears the share that is made.

        Raises
        ------
        Cancelled
        """
        while not self._lock.acquire(timeout=_PATIENCE):
            stop_if_cancelled(job)
        try:
            for _ in self._go_on(job):
                tell(self.share)
        finally:
            self._lock.release()
        return self._image

    def draft(self, seconds: float) -> float:
        """Make what can be made in some seconds, or wait for another to do so; return the share."""
        end = time.monotonic() + seconds
        if self._lock.acquire(timeout=seconds):
            try:
                for _ in self._go_on(LocalJob()):
                    if time.monotonic() > end:
                        break
            finally:
                self._lock.release()
        return self.share

    def seen(self, x: int, y: int, width: int, height: int, below: int) -> Image:
        """Return a region as it stands, `below` halvings below the level, inside of it.

        What is not made yet is filled with the colours of what was made around it.
        """
        done = self._done.copy()  # before the pixels, which others go on making
        made = self._image[y << below : (y + height) << below, x << below : (x + width) << below]
        for _ in range(below):
            made = halved(made)
        wide, high = (side / (1 << below) for side in self._cell)
        rows = ((y + np.arange(height) + 0.5) / high).astype(np.intp)
        columns = ((x + np.arange(width) + 0.5) / wide).astype(np.intp)
        around = Pictures.fromarray(_spread(self._means, done)).resize(
            (width, height),
            Pictures.Resampling.BILINEAR,
            box=(x / wide, y / high, (x + width) / wide, (y + height) / high),
        )
        return np.where(done[rows][:, columns, None], made, np.asarray(around))

    def _go_on(self, job: Job) -> Iterator[None]:
        left = [cell for cell in self._order if not self._done[cell]]
        batches = [left[k : k + self._many] for k in range(0, len(left), self._many)]

        def work(cells: list[_Cell]) -> None:
            for cell in cells:
                stop_if_cancelled(job)
                self._fill(cell)

        yield from ahead(batches, work, job)

    def _fill(self, cell: _Cell) -> None:
        wide, high = self._cell
        x, y = cell[1] * wide, cell[0] * high
        place = self._image[y : y + high, x : x + wide]
        place[:] = self._make((x, y, place.shape[1], place.shape[0]))
        self._means[cell] = place[::2, ::2].mean(axis=(0, 1), dtype=np.float32)
        self._done[cell] = True


def _interlaced(rows: int, columns: int, step: int) -> list[_Cell]:
    """All cells: one of each `step` × `step`, then of each half as wide that has none yet.

    By chance, since what repeats on a slide (an array of cores) would look alike everywhere to
    steps of the same length.
    """
    rng = np.random.default_rng(0)
    chance = rng.permutation(rows * columns)
    row, column = np.divmod(np.arange(rows * columns), columns)
    taken = np.zeros(rows * columns, np.bool_)
    found = []
    while step:
        block = (row // step) * columns + column // step
        free = np.flatnonzero(~np.isin(block, block[taken]))
        free = free[np.argsort(chance[free])]
        chosen = free[np.unique(block[free], return_index=True)[1]]
        # However few of these are made, they lie all over; the last are read as they are stored.
        chosen = chosen[np.argsort(chance[chosen])] if step > 1 else np.sort(chosen)
        taken[chosen] = True
        found += [(int(row[k]), int(column[k])) for k in chosen]
        step //= 2
    return found


def _spread(means: NDArray[np.float32], done: NDArray[np.bool_]) -> Image:
    """Fill cells that are not made with colours of the nearest ones, softened by their distance."""
    if not done.any():
        return np.full(means.shape, 255, np.uint8)
    nearest = ndimage.distance_transform_edt(~done, return_distances=False, return_indices=True)
    filled = means[tuple(nearest)]
    apart = 1 / np.sqrt(done.mean())
    soft = ndimage.gaussian_filter(filled, (apart / 2, apart / 2, 0))
    return np.where(done[..., None], means, soft).astype(np.uint8)
