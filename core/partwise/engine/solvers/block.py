"""How is one step taken when more is asked than a close fit? One part after the other.

For one part, with all else standing still, the squared error is a quadratic in
which the places are independent, whatever the weights. Every penalty has a
quadratic above it that touches where the part stands (see
`partwise.engine.penalty`), every constraint knows its lowest point on such a
quadratic (`partwise.engine.penalties.constraints`), and the squared error under
the present trust in each entry lies above a robust loss. So each step lowers
the objective, and penalties that are quadratic themselves are met exactly:
block coordinate descent by successive upper bounds (Razaviyayn, Hong and Luo,
SIAM J. Optim. 23, 2013).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.penalties.constraints import Box, Constraint, project
from partwise.engine.penalty import Terms
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers.inner import add_part, coupled_sweep, part_terms
from partwise.engine.solvers.leaping import Leaping
from partwise.engine.solvers.products import folded
from partwise.engine.solvers.weighted import Weighted, normal, packed_slope, packed_terms

__all__ = ["Block"]

Array = NDArray[Any]
_SWEEPS = 3
_TOGETHER = 8
_PACKED = 4  # pairs of parts, beside places: more take more memory than they save time


class Block(Leaping):
    """Coordinate descent by parts: every penalty, constraint and weight, and robust losses."""

    def __init__(self, problem: Problem, W: Array, H: Array, *, given: bool = False) -> None:
        Wt = np.array(W.T, dtype=problem.dtype, order="C")
        super().__init__(problem, Wt, np.array(H, dtype=problem.dtype, order="C"), given=given)
        self._data: _Entries | _Folded
        self._data = _Folded(problem) if problem.weights is None else _Entries(problem.unfolded())
        self._set_scale()

    def factors(self) -> tuple[Array, Array]:
        return self._Wt.T, self._H

    def _objective(self, Wt: Array, H: Array) -> float:
        value = self._data.loss(Wt, H)
        return value + self._problem.penalty_W.value(Wt) + self._problem.penalty_H.value(H)

    def _plain(self) -> tuple[Array, Array]:
        Wt, H = self._Wt.copy(), self._H.copy()
        if self._fixed < len(Wt):
            self._improve("W", Wt, H, self._fixed)
        self._improve("H", H, Wt, 0)
        return Wt, H

    def _improve(self, side: str, F: Array, A: Array, first: int) -> None:
        """Lower the objective by moving F (in place), with A as it is."""
        terms, held = self._problem.terms(side), self._problem.held(side)
        view = self._data.view(side, F, A)
        if held is not None and held.joins_parts:
            for _ in range(_TOGETHER):
                d, e = view.together(F)
                linear, ridge = terms.spread(F)
                F[:] = held.best(d + ridge, e - linear, F)
                view.jumped(F)
            return
        for _ in range(_SWEEPS):
            for k in range(first, len(F)):
                d, e = view.part(k, F)
                new = _best_part(d, e, F, k, terms, held).astype(F.dtype)
                view.moved(k, new - F[k])
                F[k] = new

    def _admitted(self, Wt: Array, H: Array) -> tuple[Array, Array]:
        for side, F in (("W", Wt[self._fixed :]), ("H", H)):
            held = self._problem.held(side)
            if held is not None and F.size:
                F[:] = project(held, F)
        return Wt, H

    def _set_scale(self) -> None:
        """Put the start into its sets and at the scale of the data."""
        self._admitted(self._Wt, self._H)
        if self._fixed == 0:
            loose = [side for side in ("W", "H") if self._problem.held(side) is None]
            self._to_level(self._data.scale(self._Wt, self._H), loose)


def _best_part(
    d: Array, e: Array, F: Array, k: int, terms: Terms, held: Constraint | None
) -> Array:
    """The lowest point of ``½ Σ d f² − Σ e f`` and the bound of the penalties, for part k."""
    bound = terms.bound(F, k)
    if bound.along is not None and (held is None or isinstance(held, Box)):
        low, high = (0.0, np.inf) if held is None else (held.low, held.high)
        f: Array = F[k].astype(np.float64)
        Q = bound.along
        curve, pull = np.empty(f.size), np.empty(f.size)
        curve[:], pull[:] = d + bound.ridge, e - bound.linear
        for _ in range(2):
            coupled_sweep(curve, pull, f, Q.indptr, Q.indices, Q.data, low, high)
        return f
    linear, ridge = bound.apart(F[k])
    d, e = d + ridge, e - linear
    if held is None:
        free = np.divide(e, d, out=F[k].astype(np.float64), where=d > 0)
        return np.asarray(np.maximum(free, 0))
    return np.asarray(held.best(d[None], e[None], F[k : k + 1].astype(np.float64))[0])


class _Folded:
    """Data whose weights, if any, are folded into rows and columns."""

    def __init__(self, problem: Problem) -> None:
        self._products = folded(problem)
        m, n = problem.shape
        rows, columns = problem.row_scale, problem.column_scale
        self._scales = {
            "W": np.ones(m, problem.dtype) if rows is None else rows,
            "H": np.ones(n, problem.dtype) if columns is None else columns,
        }

    def loss(self, Wt: Array, H: Array) -> float:
        return self._products.loss(Wt * self._scales["W"], H * self._scales["H"])

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        return self._products.scale(Wt * self._scales["W"], H * self._scales["H"])

    def view(self, side: str, F: Array, A: Array) -> _GramView:
        own = self._scales[side].astype(np.float64)
        scaled = A * self._scales["H" if side == "W" else "W"]
        gram = scaled.astype(np.float64) @ scaled.T.astype(np.float64)
        return _GramView(gram, own * self._products.times(side, scaled), own * own)


class _GramView:
    """One factor's least squares by the other's Gram matrix."""

    def __init__(self, gram: Array, b: Array, weight: Array) -> None:
        self._gram, self._b, self._weight = gram, b, weight

    def part(self, k: int, F: Array) -> tuple[Array, Array]:
        others = self._gram[k] @ F - self._gram[k, k] * F[k]
        return self._weight * self._gram[k, k], self._b[k] - self._weight * others

    def together(self, F: Array) -> tuple[Array, Array]:
        # A matrix lies below the diagonal of its absolute row sums.
        d = self._weight * self._gram.sum(axis=1, keepdims=True)
        return d, d * F - self._weight * (self._gram @ F) + self._b

    def moved(self, k: int, change: Array) -> None:
        """Nothing to keep: the Gram matrix does not know where F is."""

    def jumped(self, F: Array) -> None:
        """Nothing to keep."""


class _Entries:
    """Data with a weight per entry, perhaps with trust that depends on the residual."""

    def __init__(self, problem: Problem) -> None:
        assert problem.weights is not None
        self._problem = problem
        self._products = Weighted(problem.scaled, problem.weights)

    def loss(self, Wt: Array, H: Array) -> float:
        if not self._problem.loss.bend:
            return self._products.loss(Wt, H)
        Y, V = self._products.laid("W")
        cuts = blocks(len(Y), max(8, (1 << 17) // Y.shape[1]))
        parts = np.zeros(len(cuts))

        def work(slot: int, lo: int, hi: int) -> None:
            fitted = Wt[:, lo:hi].T @ H
            parts[slot] = self._problem.loss.divergence(Y[lo:hi], fitted, V[lo:hi])

        run_blocks(work, cuts)
        return float(parts.sum())

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        return self._products.scale(Wt, H)

    def view(self, side: str, F: Array, A: Array) -> _PackedView | _ResidualView:
        Y, V = self._products.laid(side)
        packed = len(A) * (len(A) + 1) <= _PACKED * A.shape[1]
        bent = bool(self._problem.loss.bend)
        residual = np.empty((0, 0), Y.dtype) if packed and not bent else Y - F.T @ A
        if bent:
            V = V * self._problem.loss.trust(residual).astype(V.dtype)
        return _PackedView(*normal(Y, V, A)) if packed else _ResidualView(Y, V, A, residual)


class _PackedView:
    """One factor's least squares by a Gram matrix for each of its places."""

    def __init__(self, gram: Array, b: Array) -> None:
        self._gram, self._b = gram, b

    def part(self, k: int, F: Array) -> tuple[Array, Array]:
        d, e = np.empty(F.shape[1]), np.empty(F.shape[1])
        packed_terms(self._gram, self._b, F, k, d, e)
        return d, e

    def together(self, F: Array) -> tuple[Array, Array]:
        d, slope = np.empty_like(F), np.empty_like(F)
        # A matrix lies below the diagonal of its row sums, as all its entries are >= 0.
        packed_slope(self._gram, np.zeros_like(F), np.ones_like(F), 0, d)
        packed_slope(self._gram, self._b, F, 0, slope)
        return d, d * F - slope

    def moved(self, k: int, change: Array) -> None:
        """Nothing to keep: the Gram matrices do not know where F is."""

    def jumped(self, F: Array) -> None:
        """Nothing to keep."""


class _ResidualView:
    """One factor's least squares by what is left over, one row per place."""

    def __init__(self, Y: Array, V: Array, A: Array, residual: Array) -> None:
        self._Y, self._V, self._A, self._R = Y, V, A, residual
        self._cuts = blocks(len(Y), max(16, (1 << 16) // Y.shape[1]))

    def part(self, k: int, F: Array) -> tuple[Array, Array]:
        d, g = np.empty(F.shape[1]), np.empty(F.shape[1])

        def work(slot: int, lo: int, hi: int) -> None:
            part_terms(self._R[lo:hi], self._V[lo:hi], self._A[k], d[lo:hi], g[lo:hi])

        run_blocks(work, self._cuts)
        return d, g + d * F[k]

    def together(self, F: Array) -> tuple[Array, Array]:
        d = (self._V @ (self._A * self._A.sum(axis=0)).T).T.astype(np.float64)
        pull = ((self._V * self._R) @ self._A.T).T
        return d, d * F + pull

    def moved(self, k: int, change: Array) -> None:
        def work(slot: int, lo: int, hi: int) -> None:
            add_part(self._R[lo:hi], change[lo:hi], self._A[k])

        run_blocks(work, self._cuts)

    def jumped(self, F: Array) -> None:
        self._R = self._Y - F.T @ self._A
