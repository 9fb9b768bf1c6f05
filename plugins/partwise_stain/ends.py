"""Where do the angles of the colours end, once noise is taken out of them?

A pixel of pure stain lies on an edge of the cone, but noise carries it beyond, the farther the
paler it is. Noise beside the plane of the stains is seen directly, since nothing else lies there,
and noise within the plane is as large. So the angles are deconvolved with it: the distribution
of true angles that makes the seen ones most likely (Laird, J Am Stat Assoc 73:805, 1978), found
by the expectation-maximization steps that are also Richardson's and Lucy's (Lucy, Astron J
79:745, 1974). Its tails are those of the tissue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise_stain.coreset import Coreset
from partwise_stain.presets import unit

__all__ = ["Angles", "Tail", "tails", "true_angles", "weighted_quantile", "weighted_quantiles"]

Vector = NDArray[np.float64]

_STEP = 0.5  # degrees
_GRID = np.arange(-45.0, 45.0 + _STEP / 2, _STEP)  # of true angles, from the middle of the frame
_CLASSES = 0.35 * 1.35 ** np.arange(10)  # degrees; deviations that are told apart
_RATIO = 1.35
_MARGIN = 8  # steps of the grid beyond the last angle seen
_ROUNDS = 60
_WIDE, _WIDER = 0.1, 2.5  # share of colours whose noise is larger, and how many times
_STRAY = 0.003  # share of colours that are neither stain nor noise
_NEAR = 4.0  # expected deviations beside the plane within which noise is measured
_ON = 2.0  # measured deviations beside the plane up to which a colour counts fully
_FEW = 20  # colours that tell the noise


@dataclass(frozen=True, eq=False)
class Angles:
    """True angles of the colours in a plane.

    Attributes
    ----------
    middle, across : float64, shape (3,)
        Axes of the plane: angles are from `middle`, positive towards the first stain.
    share : float64, shape (grid,)
        Share of the colours at each angle of the grid.
    aside : float
        Share of the colours that lie beside the plane, where stains should not.
    """

    middle: Vector
    across: Vector
    share: Vector
    aside: float

    def angle(self, vector: Vector) -> float:
        """Degrees of a vector's projection."""
        return float(np.degrees(np.arctan2(vector @ self.across, vector @ self.middle)))

    def vector(self, degrees: float) -> Vector:
        """Unit vector at an angle; what would be negative is 0."""
        turn = np.radians(degrees)
        return unit(np.maximum(self.middle * np.cos(turn) + self.across * np.sin(turn), 0))


@dataclass(frozen=True)
class Tail:
    """Where the angles end on one side, and how sharply, in degrees."""

    end: float
    blur: float


def true_angles(
    coreset: Coreset, counts: Vector, normal: Vector, usual: Vector, other: float = 0.0
) -> Angles:
    """Deconvolve the angles of the colours.

    Parameters
    ----------
    coreset : Coreset
    counts : shape (n,)
        Of its colours.
    normal : shape (3,)
        Of the plane.
    usual : shape (3, 2)
        Vectors in the plane, first and second stain, that set the frame.
    other : float
        Sign of the side of the plane on which something else than stains may lie; 0 for none.
    """
    middle, across = unit(usual.sum(axis=1)), unit(usual[:, 0] - usual[:, 1])
    size = np.linalg.norm(coreset.od, axis=1)
    angle = np.degrees(np.arctan2(coreset.od @ across, coreset.od @ middle))
    noise = np.degrees(coreset.sigma / size)
    beside = np.degrees(np.arcsin(np.clip(coreset.od @ normal / size, -1, 1))) / noise
    off = np.abs(beside)
    # Smooth fibres carry less noise than nuclei, so that each side is measured for itself.
    scale = np.empty(len(off))
    for half in (angle > 0, angle <= 0):
        near = half & (off < _NEAR)
        few = np.count_nonzero(near) <= _FEW
        scale[half] = (
            0.8 if few else max(weighted_quantile(off[near], counts[near], 0.5) / 0.6745, 0.2)
        )
    weight = counts * np.exp(-0.5 * np.maximum(off / scale - _ON, 0) ** 2)
    sort = np.rint(np.log(scale * noise / _CLASSES[0]) / np.log(_RATIO))
    sort = np.clip(sort, 0, len(_CLASSES) - 1).astype(np.int64)
    place = np.clip(np.rint((angle - _GRID[0]) / _STEP), 0, len(_GRID) - 1).astype(np.int64)
    seen = np.bincount(sort * len(_GRID) + place, weight, len(_CLASSES) * len(_GRID))
    lost = (counts - weight)[beside * other <= 0]
    aside = float(lost.sum() / counts.sum())
    return Angles(middle, across, _deconvolved(seen), aside)


def tails(angles: Angles, shares: tuple[float, float], least: float) -> tuple[Tail, Tail]:
    """Return the upper and the lower end of the true angles.

    Parameters
    ----------
    angles : Angles
    shares : two numbers
        Of the angles of a stain's own half, how many lie beyond its end: a rare stain is then
        judged by its own pixels, not by the other's.
    least : float
        Share of all angles below which no end is believed.
    """
    sums = np.cumsum(angles.share)
    middle = 0.0
    for _ in range(3):  # the halves meet midway between the ends, which depend on the halves
        below = float(np.interp(middle, _GRID, sums))
        beyond = np.array([1 / 3, 1, 3]) * max(shares[0] * (1 - below), least)
        low, upper, high = np.interp(1 - beyond, sums, _GRID)
        first = Tail(float(upper), float(abs(low - high)))
        beyond = np.array([1 / 3, 1, 3]) * max(shares[1] * below, least)
        low, lower, high = np.interp(beyond, sums, _GRID)
        second = Tail(float(lower), float(abs(low - high)))
        middle = (first.end + second.end) / 2
    return first, second


def _deconvolved(seen: NDArray[Any]) -> Vector:
    """Shares of true angles from counts of seen ones, by class of noise and angle."""
    some = np.flatnonzero(seen)
    place = some % len(_GRID)
    # What lies far from all that is seen has no share; half the kernel is then left out.
    low, high = max(int(place.min()) - _MARGIN, 0), int(place.max()) + _MARGIN + 1
    spread = np.ascontiguousarray(_kernels()[some, low:high])
    back = np.ascontiguousarray(spread.T)
    weight = seen[some] / seen.sum()
    share = np.full(spread.shape[1], 1 / spread.shape[1])
    for _ in range(_ROUNDS):
        share *= back @ (weight / ((1 - _STRAY) * (spread @ share) + _STRAY / len(_GRID)))
        share /= share.sum()
    whole = np.zeros(len(_GRID))
    whole[low:high] = share
    return whole


@cache
def _kernels() -> Vector:
    """Chance of a seen angle for each true one, rows by class and angle: (classes·grid, grid)."""
    apart = _GRID[:, None] - _GRID
    kernels = []
    for deviation in _CLASSES:
        kernel = (1 - _WIDE) * np.exp(-0.5 * (apart / deviation) ** 2)
        kernel += _WIDE / _WIDER * np.exp(-0.5 * (apart / (_WIDER * deviation)) ** 2)
        kernels.append(kernel * _STEP / (deviation * np.sqrt(2 * np.pi)))
    return np.concatenate(kernels)


def weighted_quantile(values: Vector, weight: Vector, share: float) -> float:
    """Least value that a share of the values does not exceed, each counting as its weight."""
    return weighted_quantiles(values, weight, (share,))[0]


def weighted_quantiles(values: Vector, weight: Vector, shares: Sequence[float]) -> list[float]:
    """Return the same for each of several shares, sorting once."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return [float(values[order[np.searchsorted(total, share * total[-1])]]) for share in shares]
