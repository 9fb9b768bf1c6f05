"""Which directions of optical density are the stains? A robust cone with a prior that lets go.

The colours of two stains fill a cone in a plane of the OD space. The plane is fitted with both
stains counting alike, for else the commoner one tilts it; the edges of the cone are a robust
minimum-volume factorization with a wide prior (Fu, Huang, Sidiropoulos and Ma, IEEE Signal
Process Mag 36:59, 2019, for minimum volume; Macenko et al., ISBI 2009, for the plane).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partwise_stain.coreset import Coreset
from partwise_stain.presets import unit

__all__ = ["Cone", "angle_between", "find_vectors"]

Vector = NDArray[np.float64]
_OnStep = Callable[[Vector, float], None]

_ROUNDS = 12
_GRID = np.arange(-60.0, 60.01, 0.25)  # degrees in the plane, from the middle of the prior


@dataclass(frozen=True)
class Tuning:
    """Constants of the front end.

    Found by random search on the tuning split of ``tests/bench/stain.py`` (two tiles, half of
    the cases with vectors of no publication); tiles and seeds of its verdict played no part.

    Attributes
    ----------
    plane_power, edge_power : float
        Exponent of the counts: how much a common colour outvotes a rare one.
    balance : float
        The rarer stain's half of the plane is raised at most this many times.
    plane_noise, edge_noise : float
        Scale of the expected noise of a colour.
    tukey : float
        Deviations at which a colour off the plane has no say.
    plane_prior : float
        Weight of the published vectors in the plane.
    off : float
        Deviations off the plane at which a colour counts less for the edges.
    cap : float
        Deviations outside the cone beyond which a colour is something else.
    width, width_e : float
        Cost of one degree of cone at the first and the second stain.
    kappa, lets_go : float
        Strength of the prior of an edge, and degrees from it where it begins to let go.
    tilt : float
        Strength of the plane's tilt in the choice among published pairs.
    aside, mass_power : float
        Cost of the colours that a plane leaves aside in that choice, and exponent of their counts.
    """

    plane_power: float = 1.0
    edge_power: float = 0.58
    balance: float = 29.5
    plane_noise: float = 0.20
    edge_noise: float = 0.55
    tukey: float = 4.9
    plane_prior: float = 0.0015
    off: float = 1.0
    cap: float = 12.0
    width: float = 0.025
    width_e: float = 0.034
    kappa: float = 0.30
    lets_go: float = 4.0
    tilt: float = 1.5
    aside: float = 0.83
    mass_power: float = 1.0


@dataclass(frozen=True, eq=False)
class Cone:
    """Stain vectors and how the colours lie about them.

    Attributes
    ----------
    vectors : float64, shape (3, 2)
        Unit columns.
    normal : float64, shape (3,)
        Of the plane.
    """

    vectors: Vector
    normal: Vector


def find_vectors(
    coreset: Coreset,
    prior: Vector,
    *,
    counts: Vector | None = None,
    kept: dict[int, Vector] | None = None,
    tuning: Tuning | None = None,
    on_step: _OnStep | None = None,
) -> Cone:
    """Find two stain vectors.

    Parameters
    ----------
    coreset : Coreset
    prior : shape (pairs, 3, 2)
        Published vectors, unit columns; the nearest pair counts.
    counts : shape (n,), optional
        Of the bins, for resampling; by default those of the coreset.
    kept : mapping of column to vector, optional
        Vectors that stay bit for bit while the other is found.
    on_step : callable, optional
        Called after each pair with the best vectors so far (3, 2) and their cost.
    """
    kept = kept or {}
    tuning = tuning or Tuning()
    weight = coreset.counts() if counts is None else counts
    best: tuple[float, Cone] | None = None
    for pair in prior:
        # The reweighting has more than one fixed point where pigment or ink outnumbers a stain,
        # so each published pair is a start of its own, and the least cost decides.
        start = pair.copy()
        for column, vector in kept.items():
            start[:, column] = vector
        normal = unit(np.cross(start[:, 0], start[:, 1]))
        if len(kept) == 2:
            return Cone(start, normal)
        normal = _plane(coreset, weight, start, kept, tuning)
        cost, vectors = _edges(coreset, weight, normal, start, kept, tuning)
        if best is None or cost < best[0]:
            best = (cost, Cone(vectors, normal))
        if on_step:
            on_step(best[1].vectors, best[0])
    assert best is not None
    return best[1]


def angle_between(a: ArrayLike, b: ArrayLike) -> float:
    """Angle in degrees between two vectors."""
    # The arc sine form keeps its digits for small angles, the arc cosine does not.
    return float(
        np.degrees(2 * np.arcsin(min(1.0, 0.5 * float(np.linalg.norm(unit(a) - unit(b))))))
    )


def _plane(
    coreset: Coreset,
    counts: Vector,
    start: Vector,
    kept: dict[int, Vector],
    tuning: Tuning,
) -> Vector:
    """Return the plane's unit normal by reweighted least squares, both stains counting alike."""
    size = np.linalg.norm(coreset.od, axis=1)
    toward = coreset.od / size[:, None]
    noise = tuning.plane_noise * coreset.sigma / size
    weight = counts**tuning.plane_power
    weight /= weight.sum()
    # With a vector kept, the plane turns about it: its normal stays at right angles to it.
    basis = np.eye(3)
    for vector in kept.values():
        basis = np.linalg.svd(vector[None])[2][1:].T
    expected = unit(np.cross(start[:, 0], start[:, 1]))
    normal = expected
    for _ in range(_ROUNDS):
        vectors = _into_plane(start, normal)
        first = toward @ (vectors[:, 0] - vectors[:, 1]) > 0
        balanced = weight.copy()
        for half in (first, ~first):
            mass = weight[half].sum()
            balanced[half] *= min(0.5 / max(mass, 1e-9), tuning.balance)
        off = (toward @ normal) / noise
        scale = max(1.0, _weighted_median(np.abs(off), balanced) / 0.6745)
        pull = np.clip(1 - (off / (tuning.tukey * scale)) ** 2, 0, None) ** 2
        trust = balanced * pull / noise**2
        trust /= trust.sum()
        scatter = (toward * trust[:, None]).T @ toward
        scatter += tuning.plane_prior * (start @ start.T)
        _values, axes = np.linalg.eigh(basis.T @ scatter @ basis)
        found = basis @ axes[:, 0]
        found *= np.sign(found @ expected) or 1.0
        moved = np.linalg.norm(found - normal)
        normal = found
        if moved < 1e-4:
            break
    return np.asarray(normal)


def _edges(
    coreset: Coreset,
    counts: Vector,
    normal: Vector,
    start: Vector,
    kept: dict[int, Vector],
    tuning: Tuning,
) -> tuple[float, Vector]:
    """Return the cost and both edges of the cone, shape (3, 2); the two do not interact."""
    usual = _into_plane(start, normal)
    middle = unit(usual.sum(axis=1))
    across = unit(usual[:, 0] - usual[:, 1])
    angle = np.degrees(np.arctan2(coreset.od @ across, coreset.od @ middle))
    noise = tuning.edge_noise * np.degrees(coreset.sigma / np.linalg.norm(coreset.od, axis=1))
    on_plane = np.exp(-0.5 * (coreset.od @ normal / (tuning.off * coreset.sigma)) ** 2)
    weight = counts**tuning.edge_power * on_plane
    weight /= weight.sum()
    mass = counts**tuning.mass_power
    # How far the plane lies from the pair's, and how many colours it leaves aside.
    lean = np.degrees(np.arcsin(min(1.0, float(np.abs(start.T @ normal).max()))))
    total = tuning.kappa * tuning.tilt * np.log1p((lean / tuning.lets_go) ** 2)
    total += tuning.aside * (1 - (mass @ on_plane) / mass.sum())
    vectors = start.copy()
    for column, (sign, width) in enumerate(((1.0, tuning.width), (-1.0, tuning.width_e))):
        if column in kept:
            continue
        place = sign * np.degrees(np.arctan2(usual[:, column] @ across, usual[:, column] @ middle))
        cost = _outside(angle * sign, noise, weight, tuning.cap) + width * _GRID
        cost += tuning.kappa * np.log1p(((_GRID - place) / tuning.lets_go) ** 2)
        total += float(cost.min())
        edge = np.radians(_parabola(cost)) * sign
        vectors[:, column] = unit(np.maximum(middle * np.cos(edge) + across * np.sin(edge), 0))
    return float(total), vectors


def _outside(angle: Vector, noise: Vector, weight: Vector, cap: float) -> Vector:
    """Return Σ w·min(max(angle - g, 0) / noise, cap) for every g of the grid.

    A capped ramp is the difference of two ramps, and Σ w·max(x - g, 0) over all x follows from
    sums over the x beyond g: exact, and no table of all colours by all angles is made.
    """
    slope = weight / noise
    cost = np.zeros(len(_GRID))
    for x, sign in ((angle, 1.0), (angle - cap * noise, -1.0)):
        place = np.searchsorted(_GRID, x, side="left")  # x lies beyond the grid points before it
        mass = np.bincount(place, slope, len(_GRID) + 1)
        moment = np.bincount(place, slope * x, len(_GRID) + 1)
        beyond = np.cumsum(mass[::-1])[::-1][1:]
        cost += sign * (np.cumsum(moment[::-1])[::-1][1:] - _GRID * beyond)
    return cost


def _parabola(cost: Vector) -> float:
    """Angle of the least cost, between the points of the grid."""
    k = int(np.argmin(cost))
    if not 0 < k < len(cost) - 1:
        return float(_GRID[k])
    left, here, right = cost[k - 1 : k + 2]
    bend = left - 2 * here + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(_GRID[k] + shift * (_GRID[1] - _GRID[0]))


def _into_plane(vectors: Vector, normal: Vector) -> Vector:
    return unit(vectors - np.outer(normal, normal @ vectors))


def _weighted_median(values: Vector, weight: Vector) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])
