"""What do a million samples look like in a thousand columns? Lowest and highest of each column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MinMax"]

Rows = NDArray[np.floating[Any]]

_FACTOR = 4
_LEAST = 64  # values of the coarsest level; below, nothing is gained
_FEW = 2.0  # samples per column below which the line between samples is followed


class MinMax:
    """Lowest and highest of blocks of 4, 16, 64 … samples of some channels.

    Missing values (NaN) are passed over; a block of nothing else is NaN.

    Parameters
    ----------
    values : ndarray, shape (channels, samples)
        Kept, not copied.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        if values.ndim != 2:
            raise ValueError(f"channels by samples, got shape {values.shape}")
        self.values = values
        self._levels: list[tuple[Rows, Rows]] = []
        low = high = values
        while low.shape[1] > _LEAST:
            low, high = _blocks(low, np.fmin), _blocks(high, np.fmax)
            self._levels.append((low, high))

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(self.values.shape[1])

    def range(self) -> tuple[Rows, Rows]:
        """Return the lowest and the highest of each channel, shape (channels,)."""
        low, high = self._levels[-1] if self._levels else (self.values, self.values)
        return _all(low, np.fmin), _all(high, np.fmax)

    def columns(self, first: float, last: float, width: int) -> tuple[Rows, Rows]:
        """Return what each of `width` columns spans, as a line through the samples would.

        Neighbouring columns share the block on their border, so that the line has no gaps.

        Parameters
        ----------
        first, last : float
            Sample positions of the left and the right border; may lie beyond the samples.
        width : int

        Returns
        -------
        low, high : ndarray, shape (channels, width)
            NaN where there are no samples.
        """
        per_column = (last - first) / width
        if per_column < _FEW:
            return self._between(first, last, width)
        level, block = 0, 1
        while level < len(self._levels) and block * _FACTOR * 2 <= per_column:
            level, block = level + 1, block * _FACTOR
        low, high = self._levels[level - 1] if level else (self.values, self.values)
        borders = np.floor(np.linspace(first, last, width + 1) / block).astype(np.intp)
        return _spans(low, borders, np.fmin), _spans(high, borders, np.fmax)

    def _between(self, first: float, last: float, width: int) -> tuple[Rows, Rows]:
        """Columns of a line that is drawn straight from sample to sample."""
        borders = np.linspace(first, last, width + 1)
        start = max(int(np.floor(first)) - 1, 0)
        stop = min(int(np.ceil(last)) + 2, self.size)
        near = self.values[:, start:stop]
        count = near.shape[1]
        if count == 0:
            empty = np.full((len(near), width), np.nan)
            return empty, empty
        left = np.clip(np.floor(borders).astype(np.intp) - start, 0, count - 1)
        right = np.minimum(left + 1, count - 1)
        share = np.clip(borders - start - left, 0.0, 1.0)
        ends = near[:, left] * (1 - share) + near[:, right] * share
        ends[:, (borders < 0) | (borders > self.size - 1)] = np.nan
        low, high = np.fmin(ends[:, :-1], ends[:, 1:]), np.fmax(ends[:, :-1], ends[:, 1:])
        # A sample within a column, of which there are at most two, may stand out of its ends.
        for step in (1, 2):
            place = np.floor(borders[:-1]).astype(np.intp) + step
            within = np.flatnonzero((place <= borders[1:]) & (place >= 0) & (place < self.size))
            inner = near[:, place[within] - start]
            low[:, within] = np.fmin(low[:, within], inner)
            high[:, within] = np.fmax(high[:, within], inner)
        return low, high


def _blocks(values: Rows, least: np.ufunc) -> Rows:
    """Reduce runs of four; the last may be shorter."""
    whole = values.shape[1] // _FACTOR * _FACTOR
    out = np.empty((len(values), -(-values.shape[1] // _FACTOR)), values.dtype)
    quarters = [values[:, k:whole:_FACTOR] for k in range(_FACTOR)]
    body = out[:, : whole // _FACTOR]
    least(least(quarters[0], quarters[1]), least(quarters[2], quarters[3]), out=body)
    if whole < values.shape[1]:
        out[:, -1] = least.reduce(values[:, whole:], axis=1)
    return out


def _all(values: Rows, least: np.ufunc) -> Rows:
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    return np.asarray(least.reduce(values, axis=1))


def _spans(blocks: Rows, borders: NDArray[np.intp], least: np.ufunc) -> Rows:
    """Reduce blocks from each border up to and with the next; NaN beyond the ends."""
    count = blocks.shape[1]
    out = np.full((len(blocks), len(borders) - 1), np.nan, blocks.dtype)
    start, stop = np.clip(borders[:-1], 0, count), np.clip(borders[1:] + 1, 0, count)
    known = np.flatnonzero(stop > start)
    if not known.size:
        return out
    base = int(start[known[0]])
    # One more column at the end, for `reduceat` takes no index past the last.
    near = blocks[:, base : int(stop[known[-1]])]
    near = np.concatenate([near, near[:, -1:]], axis=1)
    pairs = np.stack([start[known], stop[known]], axis=1).ravel() - base
    out[:, known] = least.reduceat(near, pairs, axis=1)[:, ::2]
    return out
