"""What does an hour of a spectrogram look like in a thousand columns? The loudest of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrequencyRows", "Peaks", "summed_levels"]

Levels = NDArray[np.uint8]

_FACTOR = 4
_LEAST = 64
_AT_ONCE = 1 << 22  # cells worked on together, so that memory stays bounded


class Peaks:
    """The largest of runs of 4, 16, 64 … columns of an array of levels.

    Parameters
    ----------
    levels : ndarray of uint8, shape (bins, columns)
        Kept, not copied.
    """

    def __init__(self, levels: Levels) -> None:
        if levels.ndim != 2 or levels.dtype != np.uint8:
            raise ValueError(f"bins by columns of uint8, got {levels.dtype} of {levels.shape}")
        self.levels = levels
        self._coarser: list[Levels] = []
        while levels.shape[1] > _LEAST:
            levels = _quartered(levels)
            self._coarser.append(levels)

    @property
    def size(self) -> int:
        """Number of columns."""
        return int(self.levels.shape[1])

    def columns(self, first: float, last: float, width: int) -> Levels:
        """Return the levels of `width` columns of the screen, shape (bins, width).

        Where a column of the screen holds more than one of the data it is the largest of them,
        so that no click is lost; where it holds less, levels lie between their neighbours.

        Parameters
        ----------
        first, last : float
            Positions of the left and the right border; column i of the data reaches from
            ``i - 0.5`` to ``i + 0.5``.
        width : int
        """
        per_column = (last - first) / width
        if per_column < 1:
            return _between(self.levels, np.linspace(first, last, width + 1))
        level, block = 0, 1
        while level < len(self._coarser) and block * _FACTOR <= per_column:
            level, block = level + 1, block * _FACTOR
        source = self._coarser[level - 1] if level else self.levels
        count = source.shape[1]
        borders = np.linspace(first + 0.5, last + 0.5, width + 1) / block
        start = np.clip(np.floor(borders[:-1]).astype(np.intp), 0, count - 1)
        stop = np.clip(np.ceil(borders[1:]).astype(np.intp), start + 1, count)
        # A column of the screen holds few blocks: taking each place in turn is several times
        # faster than reducing runs of different lengths.
        out = np.take(source, start, axis=1)
        for k in range(1, int((stop - start).max())):
            np.maximum(out, np.take(source, np.minimum(start + k, stop - 1), axis=1), out=out)
        return out


class FrequencyRows:
    """Which bins does each row of the screen show, the highest frequency on top?

    Parameters
    ----------
    start, step : float
        Frequency of bin i is ``start + i * step``, in Hz.
    bins : int
    low, high : float
        Frequencies at the lower and the upper border, in Hz; `low` above 0 where logarithmic.
    logarithmic : bool
    height : int
        Rows of the screen.
    """

    def __init__(
        self,
        start: float,
        step: float,
        bins: int,
        low: float,
        high: float,
        *,
        logarithmic: bool,
        height: int,
    ) -> None:
        spaced = np.geomspace if logarithmic else np.linspace
        borders = (np.asarray(spaced(high, low, height + 1)) - start) / step
        upper, lower = borders[:-1], borders[1:]
        middles = np.clip((upper + lower) / 2, 0, bins - 1)
        self._left = np.floor(middles).astype(np.intp)
        self._right = np.minimum(self._left + 1, bins - 1)
        share = np.rint(256 * (middles - self._left))
        self._share = share.astype(np.uint16)[:, None]  # in 256ths
        # A row that holds the middle of a bin shows that bin, or the largest of several: between
        # two rows a line would lose its height.
        first = np.clip(np.ceil(lower).astype(np.intp), 0, bins - 1)
        last = np.clip(np.floor(upper).astype(np.intp), 0, bins - 1)
        self._whole = np.flatnonzero((last >= first) & (np.ceil(lower) <= np.floor(upper)))
        self._pairs = np.stack([first, last + 1], axis=1)[self._whole].ravel()

    def taken(self, columns: Levels) -> Levels:
        """Return the rows of some columns, shape (height, width): the largest, or between two."""
        mixed = columns[self._left] * (np.uint16(256) - self._share)
        mixed += columns[self._right] * self._share
        mixed += np.uint16(128)
        mixed >>= np.uint16(8)
        out: Levels = mixed.astype(np.uint8)
        if self._whole.size:
            padded = np.concatenate([columns, columns[-1:]], axis=0)
            out[self._whole] = np.maximum.reduceat(padded, self._pairs, axis=0)[::2]
        return out


def summed_levels(parts: NDArray[Any], low: float, high: float) -> Levels:
    """Return the levels of the sum of parts whose powers add.

    Parameters
    ----------
    parts : ndarray of uint8, shape (parts, bins, columns)
        0 is `low` or below and counts as silence, 255 is `high`.
    low, high : float
        In dB.
    """
    if len(parts) == 1:
        return np.asarray(parts[0])
    span = high - low
    power = (10.0 ** ((np.arange(256) / 255 * span) / 10)).astype(np.float32)
    power[0] = 0.0
    out = np.empty(parts.shape[1:], np.uint8)
    step = max(_AT_ONCE // max(parts.shape[1], 1), 1)
    for start in range(0, parts.shape[2], step):
        columns = slice(start, start + step)
        total = power[parts[0, :, columns]]
        for part in parts[1:]:
            total += power[part[:, columns]]
        level = 10 * np.log10(np.maximum(total, 1.0)) * np.float32(255 / span)
        out[:, columns] = np.minimum(level + np.float32(0.5), 255)
    return out


def _quartered(levels: Levels) -> Levels:
    whole = levels.shape[1] // _FACTOR * _FACTOR
    out = np.empty((len(levels), -(-levels.shape[1] // _FACTOR)), np.uint8)
    a, b, c, d = (levels[:, k:whole:_FACTOR] for k in range(_FACTOR))
    np.maximum(np.maximum(a, b), np.maximum(c, d), out=out[:, : whole // _FACTOR])
    if whole < levels.shape[1]:
        out[:, -1] = levels[:, whole:].max(axis=1)
    return out


def _between(levels: Levels, borders: NDArray[np.float64]) -> Levels:
    """Columns narrower than those of the data: the one whose middle they hold, else a mixture."""
    last = levels.shape[1] - 1
    at = np.clip((borders[:-1] + borders[1:]) / 2, 0, last)
    base, end = int(at[0]), int(np.ceil(at[-1])) + 1
    near = levels[:, base : min(end, last) + 1]
    left = np.floor(at).astype(np.intp) - base
    right = np.minimum(left + 1, near.shape[1] - 1)
    share = (at - base - left).astype(np.float32)
    mixed = near[:, left] + (near[:, right].astype(np.float32) - near[:, left]) * share
    out: Levels = (mixed + np.float32(0.5)).astype(np.uint8)
    held = np.ceil(borders[:-1]).astype(np.intp)
    within = np.flatnonzero((held <= borders[1:]) & (held >= 0) & (held <= last))
    out[:, within] = levels[:, held[within]]
    return out
