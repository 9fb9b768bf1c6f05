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
from partwise.engine.penalties.constraints import Ball, Box, Constraint, Simplex, UnitL1
from partwise.engine.pool import blocks, run_blocks, single_blas
from partwise.engine.problem import Problem
from partwise.engine.solvers.majorant import lowest
from partwise.engine.solvers.momentum import Momentum
from partwise.engine.solvers.products import sparse_inner

__all__ = ["Mu"]

Array = NDArray[Any]
_BLOCK = 1 << 17  # entries of X per block: 512 kB in float32, half a second-level cache


class Mu:
    """Multiplicative updates for a beta-divergence, dense, sparse or weighted.

    Penalties enter by their bound while all parts move, and the step goes to
    the lowest point of the sum of the two bounds, so that it descends for every
    beta (see `majorant`).
    """

    name = "mu"

    def __init__(self, problem: Problem, W: Array, H: Array) -> None:
        if problem.structured:
            problem = problem.unfolded()  # sets and neighbours are meant unscaled
        self._problem = problem
        self._fixed = problem.fixed_count
        self._X = problem.scaled
        self._Wt, self._H = problem.into(W, H)
        # Zeros of a sparse X that is fitted by KL add up to a sum that is
        # known; for other losses W H is formed there as well, in blocks.
        self._thin = problem.sparse and problem.loss.beta == 1
        self._by_column = self._X.T.tocsr() if problem.sparse else None
        # Below this an entry counts as zero. It is no exact zero, because a
        # multiplicative update could never leave that again.
        self._floor = np.finfo(problem.dtype).eps ** 2
        self._momentum = Momentum(positive_only=True)
        self.revived = 0
        self._value = np.inf
        _unlock(self._Wt[self._fixed :])
        _unlock(self._H)
        self._inside(self._Wt, self._H)
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
            self._inside(*ahead)
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
        loose = [side for side in ("W", "H") if self._problem.held(side) is None]
        if self._fixed or not loose:
            return
        if self._problem.weights is None:
            total = float(self._X.sum(dtype=np.float64))
            sums = self._Wt.sum(axis=1, dtype=np.float64), self._H.sum(axis=1, dtype=np.float64)
            fitted = float(sums[0] @ sums[1])
        else:
            V = self._problem.weights
            total = float((V * self._X).sum(dtype=np.float64))
            fitted = float((V * (self._Wt.T @ self._H)).sum(dtype=np.float64))
        # Only a start that is far off: one that was a fit already goes on from there.
        if total > 0 and fitted > 0 and not 0.8 < total / fitted < 1.25:
            root = self._Wt.dtype.type((total / fitted) ** (1 / len(loose)))
            for side in loose:
                F = self._Wt if side == "W" else self._H
                F *= root

    def _inside(self, Wt: Array, H: Array) -> None:
        """Bring factors into their sets by scaling, which makes no zeros, and off zero."""
        for side, F in (("W", Wt[self._fixed :]), ("H", H)):
            self._lift(F)
            _rescale(F, self._problem.held(side))

    def _update(self, Wt: Array, H: Array) -> tuple[Array, Array]:
        """Return the updated factors; the objective at (Wt, H) goes to `_value`."""
        if self._thin:
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
        # A set that ties the samples of a part together can be met only when
        # all of them are known.
        whole = isinstance(self._problem.held("H"), Ball | UnitL1)
        terms = self._spread("H", H)
        tops_H, bottoms_H = (np.empty_like(H), np.empty_like(H)) if whole else (H, H)
        bottoms = np.zeros((1 if shared else len(cuts), rank, m), H.dtype)
        sum_W = Wt.sum(axis=1, dtype=np.float64).astype(H.dtype)[:, None]
        W = np.ascontiguousarray(Wt.T)

        def work(slot: int, lo: int, hi: int) -> None:
            x = self._block(lo, hi)
            v = None if V is None else V[:, lo:hi]
            h = H[:, lo:hi]
            y = self._fit(W, h)
            losses[slot] = self._problem.loss.divergence(x, y, v)
            n, p = self._halves(x, y, v)
            bottom = sum_W if shared else Wt @ p
            if whole:
                tops_H[:, lo:hi], bottoms_H[:, lo:hi] = Wt @ n, bottom
                return
            h = self._ratio("H", h, Wt @ n, bottom, _cut(terms, lo, hi))
            new_H[:, lo:hi] = h
            gather(slot, x, v, h)

        def gather(slot: int, x: Array, v: Array | None, h: Array) -> None:
            n, p = self._halves(x, self._fit(W, h), v)
            tops[slot] = h @ n.T
            if not shared:
                bottoms[slot] = h @ p.T

        def again(slot: int, lo: int, hi: int) -> None:
            v = None if V is None else V[:, lo:hi]
            gather(slot, self._block(lo, hi), v, new_H[:, lo:hi])

        with single_blas():
            run_blocks(work, cuts)
            if whole:
                new_H = self._ratio("H", H, tops_H, bottoms_H, terms)
                run_blocks(again, cuts)
        if shared:
            bottom = new_H.sum(axis=1, dtype=np.float64).astype(H.dtype)[:, None]
        else:
            bottom = bottoms.sum(axis=0)
        return float(losses.sum()), self._dictionary(Wt, tops.sum(axis=0), bottom), new_H

    def _block(self, lo: int, hi: int) -> Array:
        if self._by_column is not None:
            return np.ascontiguousarray(self._by_column[lo:hi].toarray().T)
        return np.asarray(self._X[:, lo:hi])

    def _dictionary(self, Wt: Array, top: Array, bottom: Array) -> Array:
        new = Wt.copy()
        free = slice(self._fixed, None)
        if self._fixed < len(Wt):
            terms = self._spread("W", Wt)
            if terms is not None:
                terms = terms[0][free], terms[1][free]
            bottom = np.broadcast_to(bottom, Wt.shape)[free]
            new[free] = self._ratio("W", Wt[free], top[free], bottom, terms)
        return new

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
        new_H = self._ratio("H", H, top, sum_W.astype(H.dtype)[:, None], self._spread("H", H))
        fitted = np.maximum(sparse_inner(X, Wt, new_H), np.finfo(X.dtype).tiny * 1e8)
        top = _times(X, data / fitted, new_H)
        bottom = new_H.sum(axis=1, dtype=np.float64).astype(H.dtype)[:, None]
        return loss, self._dictionary(Wt, top, bottom), new_H

    def _spread(self, side: str, F: Array) -> tuple[Array, Array] | None:
        """(linear, ridge) of the penalties' bound at F, in scaled terms; None without any."""
        terms = self._problem.terms(side)
        if not terms:
            return None
        if not terms.structured:
            linear, ridge = self._problem.coefficients(side)
            shape = F.shape
            return np.broadcast_to(linear, shape), np.broadcast_to(ridge, shape)
        linear, ridge = terms.spread(F)
        return linear.astype(F.dtype), ridge.astype(F.dtype)

    def _ratio(
        self, side: str, F: Array, top: Array, bottom: Array, terms: tuple[Array, Array] | None
    ) -> Array:
        """The updated factor, in its set and off zero."""
        held = self._problem.held(side)
        if terms is None and held is None:
            ratio = top / np.maximum(bottom, np.finfo(F.dtype).tiny)
            exponent = self._problem.loss.exponent
            new = F * (ratio if exponent == 1 else ratio**exponent)
        else:
            linear, ridge = (np.zeros_like(F),) * 2 if terms is None else terms
            new = lowest(self._problem.loss.beta, held, F, top, bottom, linear, ridge)
        self._lift(new)
        return np.asarray(new)


def _cut(terms: tuple[Array, Array] | None, lo: int, hi: int) -> tuple[Array, Array] | None:
    return None if terms is None else (terms[0][:, lo:hi], terms[1][:, lo:hi])


def _unlock(F: Array) -> None:
    """Lift exact zeros of a start, which no multiplication would ever move."""
    mean = float(F.mean(dtype=np.float64)) if F.size else 0.0
    F[F == 0] = F.dtype.type(1e-4 * mean if mean > 0 else 1e-30)


def _rescale(F: Array, held: Constraint | None) -> None:
    if isinstance(held, Box):
        np.clip(F, held.low, held.high, out=F)
    elif isinstance(held, Ball):
        F /= np.maximum(np.linalg.norm(F, axis=1, keepdims=True), 1)
    elif isinstance(held, UnitL1):
        F /= F.sum(axis=1, keepdims=True)
    elif isinstance(held, Simplex):
        F /= F.sum(axis=0, keepdims=True)


def _times(X: Any, data: Array, F: Array) -> Array:
    dense = np.ascontiguousarray(F.T)
    out = np.empty((X.shape[0], F.shape[0]), F.dtype)

    def work(slot: int, lo: int, hi: int) -> None:
        kernels.csr_times(X.indptr, X.indices, data, dense, lo, hi, out)

    run_blocks(work, blocks(X.shape[0], max(64, X.shape[0] // 64)))
    return np.ascontiguousarray(out.T)
