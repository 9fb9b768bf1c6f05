"""Which directions of optical density are the stains? A robust cone with a prior that lets go.

The colours of two stains fill a cone in a plane of the OD space (Macenko et al., ISBI 2009). The
plane is fitted with both stains counting alike, for else the commoner one tilts it; the edges are
where the angles in the plane end once noise is taken out of them, and move outwards, to a
published vector, where no pixel may be pure.

What is no stain, red cells and brown pigment, lies beside that plane on one side: it takes more
blue light than eosin does. So the plane of the stains is the last one that holds colours before
the other side, where nothing is, however many red cells lie over the tissue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partwise_stain.coreset import Coreset
from partwise_stain.ends import Angles, tails, true_angles, weighted_quantile, weighted_quantiles
from partwise_stain.foreign import BEYOND
from partwise_stain.presets import unit

__all__ = ["Cone", "angle_between", "blood_beside", "find_vectors"]

Vector = NDArray[np.float64]
_OnStep = Callable[[Vector, float], None]

_ROUNDS = 40
_ONE_SIDED = 5  # the first of them, in which what lies on the empty side keeps its say
_STILL = 3e-4  # a plane that moves less has arrived: 0.02 degrees
_LEAST_SCALE = 0.2  # expected deviations; colours never lie nearer to a plane than that
# While the plane is sought, how far colours stray is told by the nearest fifth of them, for red
# cells may be more than half, and taken for no more than so many expected deviations, but for as
# many as leave a few colours their say.
_NEAREST, _NARROW, _FEWEST = 0.2, 1.25, 0.02
# Within how many standard deviations half, and the nearest share, of what is normal lies.
_OF_HALF, _OF_NEAREST = (NormalDist().inv_cdf((1 + share) / 2) for share in (0.5, _NEAREST))
_OFF = 3.0  # expected deviations; what is farther from the plane lies beside it
# Degrees within which a plane holds the direction of blood, and the share of a stain that blood
# has to be for it to be taken for one. Where blood passed for eosin it was 1 degree and 0.22 to
# 0.31; beside a true one 1.5 to 10 and up to 0.21 (tuning split, with little eosin).
_HOLDS, _MUCH = 2.0, 0.25
_LEAST_BESIDE = 0.05  # sine of the angle from a plane to what lies beside it, to tell its side
_EDGES = np.arange(-50.0, 50.01, 0.25)  # degrees in the plane, from the middle of the prior
_SAME = 0.1  # degrees; planes nearer are one


@dataclass(frozen=True)
class Tuning:
    """Constants of the front end.

    Found by random search on the tuning split of ``tests/bench/stain.py`` (half of its cases with
    vectors of no publication); tiles and seeds of its verdict played no part.

    Attributes
    ----------
    balance : float
        The rarer stain's half of the plane is raised at most this many times.
    tukey : float
        Deviations at which a colour off the plane has no say.
    empty, below : float
        The same for the side on which nothing should lie, while the plane is sought; cost of the
        share of colours that lie there, beyond those on the other side.
    bloody : float
        Cost of a plane in which blood stands for a stain.
    plane_prior : float
        Weight of the published vectors in the plane.
    tail, tail_e, least : float
        Share of a stain's half of the angles that lies beyond its edge, for the first and the
        second stain, and the least share of all angles that does.
    inside, outside : float
        Degrees that an edge may lie inside the end of the angles, and outside, at little cost.
    blur : float
        What the blur of that end adds to both, in degrees per degree.
    inward, outward : float
        Cost of an edge inside and outside the end of the angles.
    shift, shift_e : float
        Degrees from that end to the edge.
    kappa, lets_go : float
        Strength of the prior of an edge, and degrees from it where it begins to let go.
    tilt, aside : float
        Strength of the plane's tilt in the choice among published pairs, and of the colours that
        it leaves beside it.
    """

    balance: float = 29.5
    tukey: float = 3.0
    empty: float = 6.0
    below: float = 10.0
    bloody: float = 1.5
    plane_prior: float = 0.005
    tail: float = 0.032
    tail_e: float = 0.045
    least: float = 0.0012
    inside: float = 2.76
    outside: float = 4.70
    blur: float = 1.15
    inward: float = 1.0
    outward: float = 0.276
    shift: float = 1.04
    shift_e: float = -0.13
    kappa: float = 0.207
    lets_go: float = 4.34
    tilt: float = 3.41
    aside: float = 2.05


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
    rays = _rays(coreset)
    best: tuple[float, Cone] | None = None
    planes: list[Angles] = []
    normals: list[Vector] = []
    for pair in prior:
        # The reweighting has more than one fixed point where pigment or ink outnumbers a stain,
        # so each published pair is a start of its own, and the least cost decides.
        start = pair.copy()
        for column, vector in kept.items():
            start[:, column] = vector
        normal = unit(np.cross(start[:, 0], start[:, 1]))
        if len(kept) == 2:
            return Cone(start, normal)
        normal = _plane(rays, weight, start, kept, tuning)
        known = [k for k, other in enumerate(normals) if angle_between(normal, other) < _SAME]
        if not known:
            usual = _into_plane(unit(prior.mean(axis=0)), normal)
            # However much blood lies over tissue, it is no argument against the tissue's plane.
            planes.append(true_angles(coreset, weight, normal, usual, _beside(normal)))
            normals.append(normal)
        at = known[0] if known else -1
        cost, vectors = _edges(planes[at], normals[at], start, kept, tuning)
        cost += tuning.below * _wrong_side(rays, weight, normals[at])
        cost += tuning.bloody * _blood_for_stain(coreset, weight, normals[at], vectors)
        if best is None or cost < best[0]:
            best = (cost, Cone(vectors, normals[at]))
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


def blood_beside(coreset: Coreset, vectors: Vector, counts: Vector | None = None) -> float:
    """Share of blood in what has its hue or is nearer to the second stain than to the first."""
    weight = coreset.counts() if counts is None else counts
    second = coreset.od @ (vectors[:, 0] - vectors[:, 1]) < 0
    half = float(weight[second].sum() / max(weight.sum(), 1e-12))
    return coreset.blood / max(coreset.blood + half, 1e-9)


@dataclass(frozen=True, eq=False)
class _Rays:
    """Directions of the colours: unit rows, these by their noise, and their weights by it."""

    toward: Vector
    sharp: Vector
    weight: Vector


def _rays(coreset: Coreset) -> _Rays:
    size = np.linalg.norm(coreset.od, axis=1)
    toward, noise = coreset.od / size[:, None], coreset.sigma / size
    return _Rays(toward, toward / noise[:, None], noise**-2)


def _plane(
    rays: _Rays,
    counts: Vector,
    start: Vector,
    kept: dict[int, Vector],
    tuning: Tuning,
) -> Vector:
    """Return the plane's unit normal by reweighted least squares, both stains counting alike."""
    weight = counts / counts.sum()
    # With a vector kept, the plane turns about it: its normal stays at right angles to it.
    basis = np.eye(3)
    for vector in kept.values():
        basis = np.linalg.svd(vector[None])[2][1:].T
    expected = unit(np.cross(start[:, 0], start[:, 1]))
    normal = expected
    for turn in range(_ROUNDS):
        vectors = _into_plane(start, normal)
        first = rays.toward @ (vectors[:, 0] - vectors[:, 1]) > 0
        mass = float(weight @ first)
        # Both halves count alike, as far as the rarer one may be raised.
        rarer = [min(0.5 / max(half, 1e-9), tuning.balance) for half in (mass, 1 - mass)]
        balanced = weight * np.where(first, *rarer)
        off = rays.sharp @ normal
        away = off * _beside(normal)
        seeks = turn < _ONE_SIDED
        scale = _scale(off, away, balanced, seeks=seeks)
        # Drawn by the colours that it leaves on the empty side, the plane goes past red cells; and
        # once it is there, noise is the same on both.
        reach = np.where(seeks & (away < 0), tuning.empty, tuning.tukey) * scale
        pull = np.clip(1 - (off / reach) ** 2, 0, None) ** 2
        trust = balanced * pull
        scatter = (rays.sharp * (trust / (trust @ rays.weight))[:, None]).T @ rays.sharp
        scatter += tuning.plane_prior * (start @ start.T)
        _values, axes = np.linalg.eigh(basis.T @ scatter @ basis)
        found = basis @ axes[:, 0]
        found *= np.sign(found @ expected) or 1.0
        moved = np.linalg.norm(found - normal)
        normal = found
        if moved < _STILL and turn >= _ONE_SIDED:
            break
    return np.asarray(normal)


def _beside(normal: Vector) -> float:
    """Sign of the side of a plane where red cells and pigment lie; 0 where they lie on both."""
    beside = BEYOND @ normal
    told = beside.min() > _LEAST_BESIDE or beside.max() < -_LEAST_BESIDE
    return float(np.sign(beside[0])) if told else 0.0


def _scale(off: Vector, away: Vector, weight: Vector, *, seeks: bool) -> float:
    """How far colours of the stains stray from a plane, in expected deviations."""
    empty = (away < 0) & (weight > 0)
    if not empty.any():
        return max(_deviation(off, weight), _LEAST_SCALE)
    if not seeks:
        # Red cells lie on the one side; the other tells how far the stains' own colours stray.
        return max(_deviation(off[empty], weight[empty]), _LEAST_SCALE)
    nearest, least = weighted_quantiles(np.abs(off), weight, (_NEAREST, _FEWEST))
    return max(min(nearest / _OF_NEAREST, _NARROW), least, _LEAST_SCALE)


def _deviation(off: Vector, weight: Vector) -> float:
    """Standard deviation of what strays about 0, told by the nearer half of it."""
    return weighted_quantile(np.abs(off), weight, 0.5) / _OF_HALF


def _wrong_side(rays: _Rays, weight: Vector, normal: Vector) -> float:
    """Share by which colours outnumber, on the side where nothing should be, those on the other.

    An eosin whose hue varies from fibre to fibre lies on both alike.
    """
    away = rays.sharp @ normal * _beside(normal)
    more = weight[away < -_OFF].sum() - weight[away > _OFF].sum()
    return max(0.0, float(more / weight.sum()))


def _blood_for_stain(coreset: Coreset, weight: Vector, normal: Vector, vectors: Vector) -> float:
    """How far a plane is that of one stain and blood, 0 to 1.

    It then holds the direction of blood itself, and what has the hue of blood is as much as a good
    part of all that is said to be the second stain.
    """
    apart = np.degrees(np.arcsin(min(1.0, abs(float(BEYOND[0] @ normal)))))
    share = blood_beside(coreset, vectors, weight)
    return float(min(1.0, (share / _MUCH) ** 2) * np.exp(-((apart / _HOLDS) ** 2)))


def _edges(
    angles: Angles, normal: Vector, start: Vector, kept: dict[int, Vector], tuning: Tuning
) -> tuple[float, Vector]:
    """Return the cost and both edges of the cone, shape (3, 2); the two do not interact.

    No colour says how far outside the end of its angles a stain is where no pixel is pure: the
    cost outside is low and lets go, so that a published vector near there is believed.
    """
    lean = np.degrees(np.arcsin(min(1.0, float(np.abs(start.T @ normal).max()))))
    total = tuning.kappa * tuning.tilt * np.log1p((lean / tuning.lets_go) ** 2)
    total += tuning.aside * angles.aside
    vectors = start.copy()
    found = tails(angles, (tuning.tail, tuning.tail_e), tuning.least)
    for column, (sign, shift) in enumerate(((1.0, tuning.shift), (-1.0, tuning.shift_e))):
        if column in kept:
            continue
        beyond = _EDGES - (sign * found[column].end + shift)
        blur = tuning.blur * found[column].blur
        inside = np.log1p(0.5 * (beyond / np.hypot(tuning.inside, blur)) ** 2)
        outside = np.log1p((beyond / np.hypot(tuning.outside, blur)) ** 2)
        cost = np.where(beyond < 0, tuning.inward * inside, tuning.outward * outside)
        place = sign * angles.angle(start[:, column])
        cost += tuning.kappa * np.log1p(((_EDGES - place) / tuning.lets_go) ** 2)
        total += float(cost.min())
        vectors[:, column] = angles.vector(sign * _parabola(cost))
    return float(total), vectors


def _parabola(cost: Vector) -> float:
    """Angle of the least cost, between the points of the grid."""
    k = int(np.argmin(cost))
    if not 0 < k < len(cost) - 1:
        return float(_EDGES[k])
    left, here, right = cost[k - 1 : k + 2]
    bend = left - 2 * here + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(_EDGES[k] + shift * (_EDGES[1] - _EDGES[0]))


def _into_plane(vectors: Vector, normal: Vector) -> Vector:
    return unit(vectors - np.outer(normal, normal @ vectors))
