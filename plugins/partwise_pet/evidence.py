"""What was found out about one answer?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise_pet.blood import Samples
from partwise_pet.core import Core
from partwise_pet.count import Counted
from partwise_pet.doubt import Band, Blood
from partwise_pet.graphical import Graphical
from partwise_pet.question import Factors
from partwise_pet.series import Series
from partwise_pet.uptake import Uptake

__all__ = ["OFF", "Evidence", "band_width", "late_of", "since"]

Array = NDArray[np.float64]

OFF = 0.10, 0.22
"""Late blood beside its own core: above the first look, above the second do not use it.

The second was set on twelve simulated hearts; how often it warns is measured on others by
tests/bench/pet.py.
"""
_LATE = 1 / 3


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that was found out about one answer."""

    series: Series
    found: Factors
    cores: tuple[Core, ...]
    roi: tuple[Array, ...]
    blood: tuple[Blood, ...]
    band: Band | None
    drawn: Band | None
    counted: Counted | None
    explained: float
    anchored: bool
    samples: Samples | None
    plots: Graphical | None
    blur_given: bool = False
    filter_mm: float | None = None
    uptakes: tuple[Uptake, ...] = ()


def band_width(evidence: Evidence, k: int) -> tuple[float, float]:
    """Return how far below and above the late part of a curve other good fits lie, as shares."""
    assert evidence.band is not None
    series = evidence.series
    late = late_of(series)
    share = series.seconds[late] / series.seconds[late].sum()
    own = float(share @ evidence.found.W[late, k])
    if own <= 0:
        return 0.0, 0.0
    low = float(share @ evidence.band.low[late, k]) / own - 1
    high = float(share @ evidence.band.high[late, k]) / own - 1
    return low, high


def late_of(series: Series) -> NDArray[np.bool_]:
    """Return which frames lie after the first third of the scan, or the last one."""
    middle = series.frames.mean(axis=1)
    first, last = series.frames[0, 0], series.frames[-1, 1]
    late = middle >= first + _LATE * (last - first)
    return np.asarray(late if late.any() else middle >= middle[-1])


def since(series: Series) -> str:
    """Return from when on that is, in words."""
    first, last = series.frames[0, 0], series.frames[-1, 1]
    return f"{(first + _LATE * (last - first)) / 60:.0f} min"
