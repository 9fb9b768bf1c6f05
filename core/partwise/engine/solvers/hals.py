"""How is one step taken by coordinate descent? HALS, extrapolated.

Hierarchical alternating least squares (Cichocki and Phan, IEICE Trans. E92-A,
2009) with several inner sweeps (Gillis and Glineur, Neural Computation 24,
2012): each factor is improved component by component against one product with
the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.errors import InputProblem
from partwise.engine.judge.certify import natural_residual
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers.momentum import Momentum

__all__ = ["Hals"]

Array = NDArray[Any]
_SWEEPS = 4


class Hals:
    """Coordinate descent for the squared error: dense, sparse, weighted, penalised."""

    name = "hals"

    def __init__(self, problem: Problem, W: Array, H: Array, rng: np.random.Generator) -> None:
        if problem.loss.beta != 2:
            raise InputProblem(
                f"the solver 'hals' minimises the squared error, not {problem.loss.name}",
                argument="solver",
                fix="use solver='mu' or 'auto' for this loss",
            )
        self._problem = problem
        self._rng = rng
        self._fixed = problem.fixed_count
        self._products = _products(problem)
        self._Wt, self._H = problem.into(W, H)
        self._penalty_W = problem.coefficients("W")
        self._penalty_H = problem.coefficients("H")
        self._momentum = Momentum()
        self._kkt = np.inf
        self.revived = 0
        self._set_scale()

    def value(self) -> float:
        self._value = self._objective(self._Wt, self._H)
        return self._value

    def step(self, show: bool) -> float:
        Wt, H = self._plain()
        ahead = self._momentum.leap(Wt, H, self._fixed)
        if ahead is not None:
            self._into_ball(*ahead)
            value = self._objective(*ahead)
            if value <= self._value:
                self._momentum.good()
                self._Wt, self._H = ahead
                self._value = value
                return value
            self._momentum.bad()
        value = self._objective(Wt, H)
        if value <= self._value:  # else rounding is all that is left to gain
            self._Wt, self._H, self._value = Wt, H, value
        return self._value

    def kkt(self) -> float:
        return self._kkt

    def factors(self) -> tuple[Array, Array]:
        return self._problem.out(self._Wt, self._H)

    def finish(self) -> float | None:
        return None

    def _set_scale(self) -> None:
        """Put the start at the scale of the data: a start far off stops a fit at once."""
        if self._fixed == 0:
            cross, square = self._products.scale(self._Wt, self._H)
            if cross > 0 and square > 0:
                root = np.sqrt(cross / square)
                self._Wt *= self._Wt.dtype.type(root)
                self._H *= self._H.dtype.type(root)
        side = self._problem.one_sided
        if side:
            ball, other = (self._Wt, self._H) if side == "W" else (self._H, self._Wt)
            first = self._fixed if side == "W" else 0
            norms = np.linalg.norm(ball[first:], axis=1, keepdims=True)
            norms[norms == 0] = 1
            ball[first:] /= norms
            if side == "W" or self._fixed == 0:
                other[first:] *= norms

    def _into_ball(self, Wt: Array, H: Array) -> None:
        side = self._problem.one_sided
        if side:
            ball = Wt[self._fixed :] if side == "W" else H
            norms = np.linalg.norm(ball, axis=1, keepdims=True)
            ball /= np.maximum(norms, 1)

    def _plain(self) -> tuple[Array, Array]:
        Wt, H = self._Wt.copy(), self._H
        if not (Wt.any(axis=1) & H.any(axis=1)).all():
            H = H.copy()
            self._revive(Wt, H)
        side = self._problem.one_sided
        residual = self._products.update("W", Wt, H, self._fixed, self._penalty_W, side == "W")
        H = H.copy()
        other = self._products.update("H", H, Wt, 0, self._penalty_H, side == "H")
        self._kkt = max(residual, other)
        return Wt, H

    def _revive(self, Wt: Array, H: Array) -> None:
        """Point parts that explain nothing at what is left over.

        Their activation is zero, so this leaves the objective where it is.
        """
        if self.revived >= 5 * H.shape[0] or self._problem.penalised:
            return
        dead = (~Wt.any(axis=1) | ~H.any(axis=1)) & (np.arange(len(H)) >= self._fixed)
        for k in np.flatnonzero(dead):
            direction = self._products.leftover(Wt, H, self._rng)
            if direction is None:
                return
            H[k] = 0
            Wt[k] = direction
            self._products.fill(Wt, H, int(k))
            self.revived += 1

    def _objective(self, Wt: Array, H: Array) -> float:
        return self._products.loss(Wt, H) + self._problem.penalty(Wt, H)


def _products(problem: Problem) -> _Dense | _Sparse | _Weighted:
    if problem.sparse:
        return _Sparse(problem.scaled)
    if problem.weights is not None:
        return _Weighted(problem.scaled, problem.weights)
    return _Dense(problem.scaled)


def _solve(
    F: Array, gram: Array, atb: Array, first: int, penalty: tuple[Array, Array], ball: bool
) -> float:
    """Sweep over one factor in place; return its optimality residual beforehand."""
    linear, ridge = penalty
    gradient = gram @ F - atb
    if linear.size:
        gradient += linear + ridge * F
    size = float((gram.astype(np.float64) * (F @ F.T)).sum())
    residual = natural_residual(F[first:], gradient[first:], size, ball)
    if ball:
        for _ in range(_SWEEPS):
            _ball_sweep(F, gram, atb, first)
        return residual
    gram = np.ascontiguousarray(gram)

    def work(slot: int, lo: int, hi: int) -> None:
        kernels.sweeps(
            gram, atb[:, lo:hi], F[:, lo:hi], first, _SWEEPS, linear[lo:hi], ridge[lo:hi]
        )

    run_blocks(work, blocks(F.shape[1], 1 << 14))
    return residual


def _ball_sweep(F: Array, gram: Array, atb: Array, first: int) -> None:
    """One sweep with every component kept inside the unit ball.

    The curvature is the same in all directions of a component, so scaling the
    positive part back onto the ball is the exact minimiser.
    """
    for k in range(first, F.shape[0]):
        if gram[k, k] > 0:
            move = F[k] + (atb[k] - gram[k] @ F) / gram[k, k]
            np.maximum(move, 0, out=move)
            F[k] = move / max(1.0, float(np.linalg.norm(move)))


class _Dense:
    def __init__(self, X: Array) -> None:
        self._X = X
        self._turned = not X.flags.c_contiguous
        self._rows = X.T if self._turned else X
        m, n = self._rows.shape
        # A block is read twice and fits the second-level cache in between.
        self._cuts = blocks(m, max(8, (1 << 18) // n))
        self._wide = blocks(m, max(-(-m // 16), (1 << 18) // n))
        self._product: tuple[Array, Array] | None = None

    def update(
        self, side: str, F: Array, A: Array, first: int, penalty: tuple[Array, Array], ball: bool
    ) -> float:
        if self._product is not None and self._product[0] is A:
            atb = self._product[1]
        elif (side == "W") != self._turned:
            atb = np.empty((A.shape[0], self._rows.shape[0]), A.dtype)

            def along(slot: int, lo: int, hi: int) -> None:
                kernels.row_products(self._rows, A, lo, hi, atb)

            run_blocks(along, self._cuts)
        else:
            parts = np.empty((len(self._wide), A.shape[0], self._rows.shape[1]), A.dtype)

            def across(slot: int, lo: int, hi: int) -> None:
                kernels.column_products(self._rows, A, lo, hi, parts[slot])

            run_blocks(across, self._wide)
            atb = parts.sum(axis=0)
        return _solve(F, A @ A.T, atb, first, penalty, ball)

    def loss(self, Wt: Array, H: Array) -> float:
        """Half the squared error; the same read of X gives the next product with it."""
        tall, wide = (H, Wt) if self._turned else (Wt, H)
        parts = np.zeros(len(self._cuts))
        product = np.empty_like(tall)

        def work(slot: int, lo: int, hi: int) -> None:
            parts[slot] = kernels.half_squared_error(self._rows, tall, wide, lo, hi)
            kernels.row_products(self._rows, wide, lo, hi, product)

        run_blocks(work, self._cuts)
        self._product = (wide, product)
        return float(parts.sum())

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        cross = float(((Wt @ self._X).astype(np.float64) * H).sum())
        return cross, float(((Wt @ Wt.T).astype(np.float64) * (H @ H.T)).sum())

    def leftover(self, Wt: Array, H: Array, rng: np.random.Generator) -> Array | None:
        """Positive part of the worst-fitted column among a few, at unit length."""
        picks = rng.integers(0, H.shape[1], size=min(64, H.shape[1]))
        left = np.maximum(self._X[:, picks] - Wt.T @ H[:, picks], 0)
        return _unit(left)

    def fill(self, Wt: Array, H: Array, k: int) -> None:
        left = Wt[k] @ self._X - (Wt[k] @ Wt.T) @ H
        H[k] = np.maximum(left, 0) / (Wt[k] @ Wt[k])


def _unit(left: Array) -> Array | None:
    norms = np.linalg.norm(left, axis=0)
    worst = int(norms.argmax())
    return np.asarray(left[:, worst] / norms[worst]) if norms[worst] > 0 else None


class _Sparse:
    def __init__(self, X: Any) -> None:
        self._by_row = X
        self._by_column = X.T.tocsr()
        self._square = float(np.square(X.data, dtype=np.float64).sum())
        self._product: tuple[Array, Array] | None = None

    def update(
        self, side: str, F: Array, A: Array, first: int, penalty: tuple[Array, Array], ball: bool
    ) -> float:
        if side == "W" and self._product is not None and self._product[0] is A:
            atb = self._product[1].astype(A.dtype)
        else:
            data = self._by_row if side == "W" else self._by_column
            atb = self._times(data, A, A.dtype)
        return _solve(F, A @ A.T, atb, first, penalty, ball)

    @staticmethod
    def _times(X: Any, A: Array, dtype: Any) -> Array:
        """A (r, columns) times X', as (r, rows)."""
        dense = np.ascontiguousarray(A.T)
        out = np.empty((X.shape[0], A.shape[0]), dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.csr_times(X.indptr, X.indices, X.data, dense, lo, hi, out)

        run_blocks(work, blocks(X.shape[0], max(64, X.shape[0] // 64)))
        return np.ascontiguousarray(out.T)

    def loss(self, Wt: Array, H: Array) -> float:
        # Forming W H would fill the zeros. All three terms are taken in
        # float64, and the product is the one that the next step needs.
        product = self._times(self._by_row, H, np.float64)
        self._product = (H, product)
        gram = (Wt @ Wt.T.astype(np.float64)) * (H @ H.T.astype(np.float64))
        cross = float(np.einsum("kj,kj->k", product, Wt).sum())
        return max(0.0, 0.5 * self._square - cross + 0.5 * float(gram.sum()))

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        cross = float(np.dot(self._by_row.data, sparse_inner(self._by_row, Wt, H)))
        return cross, float(((Wt @ Wt.T).astype(np.float64) * (H @ H.T)).sum())

    def leftover(self, Wt: Array, H: Array, rng: np.random.Generator) -> Array | None:
        picks = rng.integers(0, H.shape[1], size=min(64, H.shape[1]))
        left = self._by_column[picks].toarray().T - Wt.T @ H[:, picks]
        return _unit(np.maximum(left, 0))

    def fill(self, Wt: Array, H: Array, k: int) -> None:
        left = self._by_column @ Wt[k] - (Wt[k] @ Wt.T) @ H
        H[k] = np.maximum(left, 0) / (Wt[k] @ Wt[k])


def sparse_inner(X: Any, Wt: Array, H: Array) -> Array:
    """W H at the stored entries of a CSR matrix."""
    W, Ht = np.ascontiguousarray(Wt.T), np.ascontiguousarray(H.T)
    out = np.empty(X.nnz, W.dtype)

    def work(slot: int, lo: int, hi: int) -> None:
        kernels.csr_inner(X.indptr, X.indices, W, Ht, lo, hi, out)

    run_blocks(work, blocks(X.shape[0], max(64, X.shape[0] // 64)))
    return out


class _Weighted:
    """Every sample has its own Gram matrix where entries are missing or weighted."""

    def __init__(self, X: Array, weights: Array) -> None:
        self._X = X
        self._V = weights
        self._rows = np.ascontiguousarray(X), np.ascontiguousarray(weights)
        self._columns = np.ascontiguousarray(X.T), np.ascontiguousarray(weights.T)

    def update(
        self, side: str, F: Array, A: Array, first: int, penalty: tuple[Array, Array], ball: bool
    ) -> float:
        Y, V = self._rows if side == "W" else self._columns
        if ball:
            raise InputProblem(
                "a penalty on one factor alone cannot be combined with missing or weighted entries",
                argument=f"penalty_{'H' if side == 'W' else 'W'}",
                fix="penalise both factors, for example the other with a weak L2",
            )
        linear, ridge = penalty

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.weighted_sweeps(
                Y[lo:hi],
                V[lo:hi],
                A,
                F[:, lo:hi],
                first,
                _SWEEPS,
                linear[lo:hi],
                ridge[lo:hi],
            )

        run_blocks(work, blocks(F.shape[1], max(16, (1 << 16) // A.shape[1])))
        return np.inf

    def loss(self, Wt: Array, H: Array) -> float:
        Y, V = self._rows
        cuts = blocks(Y.shape[0], max(8, (1 << 17) // Y.shape[1]))
        parts = np.zeros(len(cuts))

        def work(slot: int, lo: int, hi: int) -> None:
            parts[slot] = kernels.weighted_loss(Y[lo:hi], V[lo:hi], H, Wt[:, lo:hi])

        run_blocks(work, cuts)
        return float(parts.sum())

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        Y = Wt.T @ H
        weighted = self._V * Y
        return float((weighted * self._X).sum()), float((weighted * Y).sum())

    def leftover(self, Wt: Array, H: Array, rng: np.random.Generator) -> Array | None:
        picks = rng.integers(0, H.shape[1], size=min(64, H.shape[1]))
        left = (self._X[:, picks] - Wt.T @ H[:, picks]) * (self._V[:, picks] > 0)
        return _unit(np.maximum(left, 0))

    def fill(self, Wt: Array, H: Array, k: int) -> None:
        left = Wt[k] @ (self._V * (self._X - Wt.T @ H))
        square = (Wt[k] * Wt[k]) @ self._V
        H[k] = np.divide(np.maximum(left, 0), square, out=np.zeros_like(left), where=square > 0)
