"""What must hold exactly? Sets that a factor has to stay in.

Every set can say which of its points is lowest on a quadratic in which the
entries are independent, ``½ Σ d f² − Σ e f``; that is all a solver needs, and
with d = 1 it is the projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.jit import compiled

__all__ = ["Ball", "Box", "Constraint", "Simplex", "UnitL1", "UnitL2", "project"]

Array = NDArray[Any]
_TINY = 1e-300
_TILE = 256  # columns that are worked on together


@runtime_checkable
class Constraint(Protocol):
    """A set of factors F (parts, places) of at least 0."""

    @property
    def joins_parts(self) -> bool:
        """Does it tie the parts of a place together, so that none can move alone?"""

    def best(self, d: Array, e: Array, F: Array) -> Array:
        """The lowest point of ``½ Σ d f² − Σ e f`` in the set; F is where we stand."""


@dataclass(frozen=True, slots=True)
class Box:
    """Every entry lies between `low` and `high`."""

    low: float = 0.0
    high: float = np.inf

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high or self.high == 0:
            raise InputProblem(
                f"a box from {self.low} to {self.high} holds no factor",
                argument="constraint",
                fix="use 0 <= low <= high with high above 0",
            )

    @property
    def joins_parts(self) -> bool:
        return False

    def best(self, d: Array, e: Array, F: Array) -> Array:
        free = np.divide(e, d, out=np.array(F, dtype=np.float64), where=d > 0)
        return np.clip(free, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Ball:
    """No part is longer than 1: what keeps a penalty on the other factor in place."""

    @property
    def joins_parts(self) -> bool:
        return False

    def best(self, d: Array, e: Array, F: Array) -> Array:
        free = np.where(d > 0, e / np.maximum(d, _TINY), F)
        np.maximum(free, 0, out=free)
        for k in np.flatnonzero(np.square(free).sum(axis=1) > 1):
            pull = np.maximum(e[k], 0)
            # Without any pull (the other factor is empty there) all points are alike.
            free[k] = _on_ball(np.broadcast_to(d, free.shape)[k], pull) if pull.any() else F[k]
        return free


@dataclass(frozen=True, slots=True)
class UnitL2:
    """Every part has Euclidean length 1."""

    @property
    def joins_parts(self) -> bool:
        return False

    def best(self, d: Array, e: Array, F: Array) -> Array:
        # On the sphere a uniform curvature is a constant. Raising d to its
        # maximum keeps an upper bound that touches at F.
        top = np.max(d, axis=1, keepdims=True) if np.ndim(d) == 2 else np.max(d)
        pull = np.maximum(e + (top - d) * F, 0)
        norms = np.linalg.norm(pull, axis=1, keepdims=True)
        lost = norms[:, 0] <= _TINY
        if lost.any():
            # Nothing pulls inside the set: its lowest point is a corner of it.
            pull[lost] = 0
            reach = e + (top - d) * F
            pull[lost, reach[lost].argmax(axis=1)] = 1
            norms[lost] = 1
        return np.asarray(pull / norms)


@dataclass(frozen=True, slots=True)
class UnitL1:
    """The entries of every part sum to 1."""

    @property
    def joins_parts(self) -> bool:
        return False

    def best(self, d: Array, e: Array, F: Array) -> Array:
        return _on_simplex(np.broadcast_to(d, e.shape), e)


@dataclass(frozen=True, slots=True)
class Simplex:
    """At every place the parts sum to 1: shares of a whole."""

    @property
    def joins_parts(self) -> bool:
        return True

    def best(self, d: Array, e: Array, F: Array) -> Array:
        D, E = (np.array(np.broadcast_to(A, e.shape), np.float64, order="C") for A in (d, e))
        _shares(D, E, E)
        return E


def project(constraint: Constraint | None, F: Array) -> Array:
    """The point of the set (or of F >= 0) that is nearest to F."""
    if constraint is None:
        return np.maximum(F, 0)
    return constraint.best(np.ones(F.shape), np.asarray(F, dtype=np.float64), F)


def _on_ball(d: Array, e: Array) -> Array:
    """Minimise ``½ Σ d f² − Σ e f`` on the sphere, for e, d >= 0 and a minimum outside."""
    if (d == d[0]).all():
        return np.asarray(e / np.linalg.norm(e))
    # f = e / (d + t) with length 1. As a function of t, 1 / length is concave
    # and rises, so Newton's method from the left does not overshoot (Reinsch,
    # Numer. Math. 16, 1971).
    t = 0.0
    f = e
    for _ in range(60):
        f = e / np.maximum(d + t, _TINY)
        length = float(np.linalg.norm(f))
        if length <= 1 + 1e-12:
            break
        slope = float((f * f / np.maximum(d + t, _TINY)).sum()) / length**3
        t += (1 - 1 / length) / max(slope, _TINY)
    return np.asarray(f / max(1.0, float(np.linalg.norm(f))))


def _on_simplex(d: Array, e: Array) -> Array:
    """Minimise ``½ Σ d f² − Σ e f`` over f >= 0 that sum to 1 along each row.

    f = max(0, (e − t) / d); entries that the common t makes negative leave for
    good, so it ends after finitely many rounds (Michelot, J. Optim. Theory
    Appl. 50, 1986).
    """
    least = 1e-12 * np.max(d, axis=1, keepdims=True) + _TINY
    share = 1 / np.maximum(d, least)
    held = np.ones(e.shape, dtype=bool)
    while True:
        weight = np.where(held, share, 0)
        t = ((weight * e).sum(axis=1, keepdims=True) - 1) / weight.sum(axis=1, keepdims=True)
        leaves = held & (e <= t)
        if not leaves.any():
            break
        held &= ~leaves
    f = np.where(held, (e - t) * share, 0)
    # Rounding may leave the sum beside 1 where the entries were far apart.
    return np.asarray(f / f.sum(axis=1, keepdims=True))


@compiled
def _shares(d: Array, e: Array, out: Array) -> None:
    """The same along the columns, of which there are many: a tile of them together."""
    count, columns = e.shape
    weight, level, sums = np.empty((count, _TILE)), np.empty(_TILE), np.empty(_TILE)
    for lo in range(0, columns, _TILE):
        width = min(_TILE, columns - lo)
        t, total = level[:width], sums[:width]
        _weigh(d, lo, weight, total)
        while _leave(e, lo, weight, t, total):
            pass
        total[:] = 0.0
        for k in range(count):
            ek, w, f = e[k, lo : lo + width], weight[k, :width], out[k, lo : lo + width]
            for j in range(width):
                f[j] = (ek[j] - t[j]) * w[j]
                total[j] += f[j]
        for k in range(count):
            f = out[k, lo : lo + width]
            for j in range(width):
                f[j] /= total[j]


@compiled
def _weigh(d: Array, lo: int, weight: Array, most: Array) -> None:
    width = most.shape[0]
    most[:] = 0.0
    for k in range(d.shape[0]):
        dk = d[k, lo : lo + width]
        for j in range(width):
            most[j] = max(most[j], dk[j])
    for k in range(d.shape[0]):
        dk, w = d[k, lo : lo + width], weight[k, :width]
        for j in range(width):
            w[j] = 1.0 / max(dk[j], 1e-12 * most[j] + _TINY)


@compiled
def _leave(e: Array, lo: int, weight: Array, t: Array, total: Array) -> bool:
    """One round: the common t, and no weight for what it makes negative. Did anything leave?"""
    width = t.shape[0]
    t[:] = -1.0
    total[:] = 0.0
    for k in range(e.shape[0]):
        ek, w = e[k, lo : lo + width], weight[k, :width]
        for j in range(width):
            t[j] += w[j] * ek[j]
            total[j] += w[j]
    for j in range(width):
        t[j] /= total[j]
    left = 0
    for k in range(e.shape[0]):
        ek, w = e[k, lo : lo + width], weight[k, :width]
        for j in range(width):
            gone = w[j] > 0 and ek[j] <= t[j]
            left += 1 if gone else 0
            w[j] = 0.0 if gone else w[j]
    return left > 0
