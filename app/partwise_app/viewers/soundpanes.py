"""Which pictures stand below the waveform? Whole, a sum of parts, each part, the gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.project.document import Strip
from partwise_app.viewers.minmax import MinMax
from partwise_app.viewers.peaks import Peaks, summed_levels
from partwise_app.viewers.plotting import Series

__all__ = [
    "COMPARE",
    "GAIN",
    "LAYERS",
    "PARTS",
    "WHOLE",
    "Detail",
    "Drawn",
    "Pane",
    "build",
    "cells",
    "panes_of",
]

WHOLE, COMPARE, PARTS, GAIN = "whole", "compare", "parts", "gain"
LAYERS = ((WHOLE, "Whole"), (COMPARE, "Compare"), (PARTS, "Parts"), (GAIN, "Gain"))

_MOST = 4  # panes below one another; more parts are summed

Key = tuple[int, ...]  # places of the parts summed; the two below are no places
_WHOLE_KEY: Key = (-1,)
_GAIN_KEY: Key = (-2,)


@dataclass(frozen=True)
class Pane:
    """One picture: what it sums, its name, and its colour where it is one part's.

    Attributes
    ----------
    key : tuple of int
        Places of the parts.
    """

    key: Key
    name: str
    color: str = ""

    @property
    def is_gain(self) -> bool:
        """Whether it is drawn in levels of its own."""
        return self.key == _GAIN_KEY

    @property
    def is_whole(self) -> bool:
        return self.key == _WHOLE_KEY


@dataclass(frozen=True, eq=False)
class Drawn:
    """What is ready to be drawn."""

    wave: MinMax | None
    peaks: Mapping[Key, Peaks]


class Detail:
    """A stretch in fine columns; its pictures are prepared when they are first drawn.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Like those of the view.
    start, step : float
        In the unit of time.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], start: float, step: float) -> None:
        self._arrays, self.start, self.step = arrays, start, step
        self._peaks: dict[Key, Peaks] = {}

    def covers(self, low: float, high: float) -> bool:
        """Whether all between two moments lies in it."""
        end = self.start + self._arrays["whole"].shape[1] * self.step
        return self.start - self.step <= low and high <= end + self.step

    def peaks(self, pane: Pane, level: tuple[float, float]) -> Peaks | None:
        """Return what a picture needs; None where it is not held."""
        needed = "whole" if pane.is_whole else "gain" if pane.is_gain else "parts"
        if needed not in self._arrays:
            return None
        if pane.key not in self._peaks:
            self._peaks[pane.key] = Peaks(_levels(self._arrays, pane.key, level))
        return self._peaks[pane.key]


def panes_of(
    layer: str,
    series: Sequence[Series],
    strips: Sequence[Strip],
    *,
    has_gain: bool,
    whole: str = "Whole",
    gain: str = "Gain",
) -> tuple[Pane, ...]:
    """Return the pictures of a layer, from top to bottom.

    Comparing shows the whole and, while the mixer is as it was found, the first part alone: the
    sum of all would be the whole again. Whoever shows, hides or solos sees that.

    Parameters
    ----------
    layer : str
        One of `LAYERS`.
    series : sequence of Series
        The parts that are shown.
    strips : sequence of Strip
    has_gain : bool
    whole, gain : str
        What these are called.
    """
    top = Pane(_WHOLE_KEY, whole)
    if layer == GAIN and has_gain:
        return (Pane(_GAIN_KEY, gain),)
    if layer == WHOLE or not series:
        return (top,)
    if layer == PARTS:
        if len(series) <= _MOST:
            return tuple(_single(one) for one in series)
        return (_sum(series),)
    untouched = all(strip.show for strip in strips if strip.key != "residual")
    untouched = untouched and not any(strip.solo for strip in strips)
    return top, _single(series[0]) if untouched else _sum(series)


def build(
    arrays: Mapping[str, NDArray[Any]],
    panes: Sequence[Pane],
    level: tuple[float, float],
    known: Drawn | None,
) -> Drawn:
    """Prepare what some pictures need; what is known is kept.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Of the view.
    panes : sequence of Pane
    level : (low, high)
        What 0 and 255 are, in dB.
    known : Drawn or None
    """
    peaks = dict(known.peaks) if known is not None else {}
    for pane in panes:
        if pane.key not in peaks:
            peaks[pane.key] = Peaks(_levels(arrays, pane.key, level))
    if known is not None:
        return Drawn(known.wave, peaks)
    wave = arrays.get("wave")
    line = MinMax(np.atleast_2d(wave)) if wave is not None and np.size(wave) else None
    return Drawn(line, peaks)


def cells(arrays: Mapping[str, NDArray[Any]], panes: Sequence[Pane], known: Drawn | None) -> int:
    """Return how much `build` has to go through."""
    size = 0 if known is not None else int(np.size(arrays.get("wave", ())))
    for pane in panes:
        if known is None or pane.key not in known.peaks:
            size += int(np.size(arrays["whole"])) * len(pane.key)
    return size


def _levels(
    arrays: Mapping[str, NDArray[Any]], key: Key, level: tuple[float, float]
) -> NDArray[np.uint8]:
    if key == _WHOLE_KEY:
        return np.asarray(arrays["whole"])
    if key == _GAIN_KEY:
        return np.asarray(arrays["gain"])
    parts = arrays["parts"]
    return summed_levels(parts[list(key)] if len(key) > 1 else parts[key[0]][None], *level)


def _single(series: Series) -> Pane:
    return Pane((series.place,), series.name, series.color)


def _sum(series: Sequence[Series]) -> Pane:
    if len(series) == 1:
        return _single(series[0])
    return Pane(tuple(s.place for s in series), " + ".join(s.name for s in series))
