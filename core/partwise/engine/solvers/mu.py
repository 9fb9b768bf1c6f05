"""How is one step taken by multiplicative updates? Any beta-divergence.

The updates of Lee and Seung (NIPS 2000) in the form that descends for every
beta (Févotte and Idier, Neural Computation 23, 2011), extrapolated with care
for zeros (Hien, Leplat and Gillis, arXiv 2401.06646). W H is formed in blocks
of columns that stay in cache, and is never stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.errors import InputProblem
from partwise.engine.pool import blocks, run_blocks, single_blas
from partwise.engine.problem import Problem
from partwise.engine.solvers.hals import sparse_inner
from partwise.engine.solvers.momentum import Momentum

__all__ = ["Mu"]

Array = NDArray[Any]
_BLOCK = 1 << 17  # entries of X per block: 512 kB in float32, half a second-level cache


class Mu:
    """Multiplicative updates for a beta-divergence, dense, sparse or weighted."""

    name = "mu"

    def __init__(self, problem: Problem, W: Array, H: Array) -> None:
        _check(problem)
        self._problem = problem
        self._fixed = problem.fixed_count
        self._X = problem.scaled
        self._Wt, self._H = problem.into(W, H)
        self._linear = {"W": problem.coefficients("W"), "H": problem.coefficients("H")}
        self._by_column = self._X.T.tocsr() if problem.sparse else None
        # Below this an entry counts as zero. It is no exact zero, because a
        # multiplicative update could never leave that again.
        self._floor = np.finfo(problem.dtype).eps ** 2
        self._momentum = Momentum(positive_only=True)
        self.revived = 0
        self._value = np.inf
        self._lift(self._Wt[self._fixed :])
        self._lift(self._H)
        self._set_scale()

    def value(self) -> float:
        self._after = self._update(self._Wt, self._H)
        return self._value

    def step(self, show: bool) -> float:
        # One update gives two things at once: the objective where it began and
        # the point it leads to. So a leap is judged by the update that starts
        # from it, and costs nothing when it is kept.
        Wt, H = self._after
        before = self._value
        ahead = self._momentum.leap(Wt, H, self._fixed)
        if ahead is not None:
            self._lift(ahead[0][self._fixed :])
            self._lift(ahead[1])
            after = self._update(*ahead)
            if self._value <= before:
                self._momentum.good()
                self._Wt, self._H = ahead
                self._after = after
                return self._value
            self._momentum.bad()
        after = self._update(Wt, H)
        if self._value <= before:
            self._Wt, self._H, self._after = Wt, H, after
        else:
            self._value = before  # rounding is all that is left to gain
        return self._value

    def kkt(self) -> float:
        return np.inf

    def factors(self) -> tuple[Array, Array]:
        return self._problem.out(self._Wt, self._H)

    def finish(self) -> float | None:
        return None

    def _lift(self, F: Array) -> None:
        np.maximum(F, F.dtype.type(self._floor) * max(float(F.max(initial=0)), 1e-30), out=F)

    def _set_scale(self) -> None:
        """Sum of X and of W H alike: the best common scale for KL, a fair one for all."""
        if self._fixed:
            return
        if self._problem.weights is None:
            total = float(self._X.sum(dtype=np.float64))
            sums = self._Wt.sum(axis=1, dtype=np.float64), self._H.sum(axis=1, dtype=np.float64)
            fitted = float(sums[0] @ sums[1])
        else:
            V = self._problem.weights
            total = float((V * self._X).sum(dtype=np.float64))
            fitted = float((V * (self._Wt.T @ self._H)).sum(dtype=np.float64))
        if total > 0 and fitted > 0:
            root = self._Wt.dtype.type(np.sqrt(total / fitted))
            self._Wt *= root
            self._H *= root

    def _update(self, Wt: Array, H: Array) -> tuple[Array, Array]:
        """Return the updated factors; the objective at (Wt, H) goes to `_value`."""
        if self._problem.sparse:
            loss, new_W, new_H = self._sparse(Wt, H)
        else:
            loss, new_W, new_H = self._dense(Wt, H)
        self._value = loss + self._problem.penalty(Wt, H)
        return new_W, new_H

    def _dense(self, Wt: Array, H: Array) -> tuple[float, Array, Array]:
        X, V = self._X, self._problem.weights
        rank, m = Wt.shape
        cuts = blocks(X.shape[1], max(16, _BLOCK // m))
        new_H = np.empty_like(H)
        losses = np.zeros(len(cuts))
        tops = np.zeros((len(cuts), rank, m), H.dtype)
        shared = self._problem.loss.beta == 1 and V is None
        bottoms = np.zeros((1 if shared else len(cuts), rank, m), H.dtype)
        sum_W = Wt.sum(axis=1, dtype=np.float64).astype(H.dtype)[:, None]
        W = np.ascontiguousarray(Wt.T)

        def work(slot: int, lo: int, hi: int) -> None:
            x = X[:, lo:hi]
            v = None if V is None else V[:, lo:hi]
            h = H[:, lo:hi]
            y = self._fit(W, h)
            losses[slot] = self._problem.loss.divergence(x, y, v)
            n, p = self._halves(x, y, v)
            bottom = sum_W if shared else Wt @ p
            linear = self._linear["H"]
            h = self._ratio(h, Wt @ n, bottom, (linear[0][lo:hi], linear[1][lo:hi]))
            new_H[:, lo:hi] = h
            n, p = self._halves(x, self._fit(W, h), v)
            tops[slot] = h @ n.T
            if not shared:
                bottoms[slot] = h @ p.T

        with single_blas():
            run_blocks(work, cuts)
        if shared:
            bottom = new_H.sum(axis=1, dtype=np.float64).astype(H.dtype)[:, None]
        else:
            bottom = bottoms.sum(axis=0)
        new_W = self._ratio(Wt, tops.sum(axis=0), bottom, self._linear["W"])
        new_W[: self._fixed] = Wt[: self._fixed]
        return float(losses.sum()), new_W, new_H

    @staticmethod
    def _fit(W: Array, h: Array) -> Array:
        y = W @ h
        # Keeps X / Y finite in float32 where a whole row of W is next to zero.
        return np.asarray(np.maximum(y, np.finfo(y.dtype).tiny * 1e8, out=y))

    def _halves(self, x: Array, y: Array, v: Array | None) -> tuple[Array, Array]:
        if self._problem.loss.beta == 1 and v is None:
            return np.divide(x, y, out=y), y  # the second is not used: its sum is known
        n, p = self._problem.loss.factors_of_gradient(x, y)
        return (n, p) if v is None else (n * v, p * v)

    def _sparse(self, Wt: Array, H: Array) -> tuple[float, Array, Array]:
        X, columns = self._X, self._by_column
        assert columns is not None  # a sparse problem has both orders
        sum_W = Wt.sum(axis=1, dtype=np.float64)
        sum_H = H.sum(axis=1, dtype=np.float64)
        fitted = np.maximum(sparse_inner(X, Wt, H), np.finfo(X.dtype).tiny * 1e8)
        # Entries that are not stored are zeros, whose divergence is W H itself.
        data = X.data
        logs = data * np.log(np.where(data > 0, data / fitted, 1)) - data
        loss = float(logs.sum(dtype=np.float64) + sum_W @ sum_H)
        fitted = np.maximum(sparse_inner(columns, H, Wt), np.finfo(X.dtype).tiny * 1e8)
        top = _times(columns, columns.data / fitted, Wt)
        new_H = self._ratio(H, top, sum_W.astype(H.dtype)[:, None], self._linear["H"])
        fitted = np.maximum(sparse_inner(X, Wt, new_H), np.finfo(X.dtype).tiny * 1e8)
        top = _times(X, data / fitted, new_H)
        bottom = new_H.sum(axis=1, dtype=np.float64).astype(H.dtype)[:, None]
        new_W = self._ratio(Wt, top, bottom, self._linear["W"])
        new_W[: self._fixed] = Wt[: self._fixed]
        return loss, new_W, new_H

    def _ratio(self, F: Array, top: Array, bottom: Array, penalty: tuple[Array, Array]) -> Array:
        linear, ridge = penalty
        beta = self._problem.loss.beta
        if linear.size:
            bottom = bottom + linear
        if ridge.size and ridge.any() and beta == 1:
            # Majoriser ridge h^2 / 2 + bottom h - top F log h: a quadratic in h.
            root = np.sqrt(bottom * bottom + 4 * ridge * top * F)
            new = 2 * top * F / np.maximum(bottom + root, np.finfo(F.dtype).tiny)
        else:
            if ridge.size:
                bottom = bottom + ridge * F
            ratio = top / np.maximum(bottom, np.finfo(F.dtype).tiny)
            exponent = self._problem.loss.exponent
            new = F * (ratio if exponent == 1 else ratio**exponent)
        self._lift(new)
        return np.asarray(new)


def _times(X: Any, data: Array, F: Array) -> Array:
    dense = np.ascontiguousarray(F.T)
    out = np.empty((X.shape[0], F.shape[0]), F.dtype)

    def work(slot: int, lo: int, hi: int) -> None:
        kernels.csr_times(X.indptr, X.indices, data, dense, lo, hi, out)

    run_blocks(work, blocks(X.shape[0], max(64, X.shape[0] // 64)))
    return np.ascontiguousarray(out.T)


def _check(problem: Problem) -> None:
    beta = problem.loss.beta
    if problem.sparse and beta != 1:
        raise InputProblem(
            f"the solver 'mu' takes a sparse X for the loss 'kl' only, not {problem.loss.name}",
            argument="solver",
            fix="use solver='hals' with 'frobenius', or a dense X",
        )
    if problem.one_sided and problem.penalised:
        side = "H" if problem.one_sided == "W" else "W"
        raise InputProblem(
            f"a penalty on {side} alone has no minimum: the other factor grows without end",
            argument=f"penalty_{side}",
            fix="penalise both factors, for example the other with a weak L2, "
            "or use the loss 'frobenius', where the other is held to unit length",
        )
    ridged = problem.penalty_W.quadratic or problem.penalty_H.quadratic
    if (problem.penalised and not 0 <= beta <= 2) or (ridged and beta not in (1, 2)):
        raise InputProblem(
            f"this penalty cannot be combined with the loss {problem.loss.name!r}",
            argument="penalty_H",
            fix="use L1 for beta from 0 to 2, and L2 for 'frobenius' or 'kl'",
        )
