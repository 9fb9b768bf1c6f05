"""What can be played? Samples, or the same samples with a stretch of them put in place."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Patched", "Track", "silence"]

Samples = NDArray[np.float32]


class Track(Protocol):
    """Samples by place, (samples, channels); an array is one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice, /) -> Any: ...


class Patched:
    """A track with another stretch in it, neither of which is copied: an hour takes no room.

    Parameters
    ----------
    base : Track
    start : int
        Sample that the stretch begins with.
    piece : ndarray of float32, shape (samples, channels)
        What lies beyond the end of the base is left out.

    Attributes
    ----------
    base : Track
    piece : ndarray of float32, shape (samples, channels)
    """

    def __init__(self, base: Track, start: int, piece: Samples) -> None:
        self.base, self._start = base, start
        self.piece = piece[: max(len(base) - start, 0)]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, place: slice, /) -> Samples:
        first, last, step = place.indices(len(self))
        low, high = self._start, self._start + len(self.piece)
        found = self.base[first:last]
        if first < high and low < last:
            found = np.array(found)
            begin, end = max(first, low), min(last, high)
            found[begin - first : end - first] = self.piece[begin - low : end - low]
        return np.asarray(found[::step], np.float32)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[:], dtype)


def silence(like: Track) -> Samples:
    """Return a track of zeros as long as another one, that takes no room."""
    return np.broadcast_to(np.float32(0), like.shape)
