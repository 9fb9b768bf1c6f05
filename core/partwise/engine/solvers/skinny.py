"""How is one step taken when one side of X is small? Exactly, in one read of the data.

H is the exact (or, above three parts, nearly exact) answer to the small factor
W, so the fit is a search in W alone: a map from W to the best W for the H that
belongs to it, accelerated by Anderson mixing. It begins on a sample of the
columns, which finds W nearly, and is finished on all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.fused import fused_block
from partwise.engine.judge.certify import natural_residual
from partwise.engine.kernels import nnls_columns
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers.anderson import Anderson

__all__ = ["LIMIT", "Skinny", "can", "lying", "sample"]

Array = NDArray[Any]
LIMIT = 64  # features; beyond, a tile no longer fits the second-level cache
_COLD = 100  # sweeps at most where H is not known yet
_WARM = 20
_RUN = 64  # neighbouring columns drawn together: a cache line's worth and more


def can(problem: Problem) -> bool:
    """Is this a problem for the skinny solver?"""
    m, n = problem.shape
    plain = problem.loss.beta == 2 and problem.weights is None and not problem.sparse
    lies_right = m <= n or problem.fixed is None
    return plain and not problem.penalised and min(m, n) <= LIMIT and lies_right


def lying(problem: Problem) -> Problem:
    """The same problem with its small side as rows (transposed if need be)."""
    if problem.shape[0] <= problem.shape[1]:
        return problem
    return replace(
        problem,
        X=problem.X.T,
        row_scale=problem.column_scale,
        column_scale=problem.row_scale,
    )


def sample(problem: Problem, rng: np.random.Generator) -> Problem | None:
    """Some of the columns of a lying problem, in runs spread evenly; None if it is small."""
    m, n = problem.shape
    size = max(8192, n // 64)
    if n < 4 * size:
        return None
    runs = size // _RUN
    first = ((np.arange(runs) + rng.random(runs)) * ((n - _RUN) / runs)).astype(np.int64)
    picks = (first[:, None] + np.arange(_RUN)).ravel()
    scale = None if problem.column_scale is None else problem.column_scale[picks]
    # A view of runs: fancy indexing alone would walk the data once per column.
    X = np.empty((m, picks.size), problem.dtype)
    for slot, at in enumerate(first):
        X[:, slot * _RUN : (slot + 1) * _RUN] = problem.X[:, at : at + _RUN]
    return replace(problem, X=X, column_scale=scale)


class Skinny:
    """Alternating exact steps, seen as a fixed point in the small factor."""

    name = "skinny"

    def __init__(self, problem: Problem, W: Array, H: Array | None, *, turned: bool) -> None:
        """Take a lying problem, W (m, r) and perhaps H (r, n), in the user's terms."""
        self._problem = problem
        self._turned = turned
        self._fixed = problem.fixed_count
        m, n = problem.shape
        rank = W.shape[1]
        empty = np.empty(0, problem.dtype)
        self._rows = empty if problem.row_scale is None else problem.row_scale
        self._columns = empty if problem.column_scale is None else problem.column_scale
        self._W = W.astype(np.float64)
        if self._rows.size:
            self._W *= self._rows[:, None]
        self._exact = rank <= 3
        self._none = np.empty((rank, 0), problem.dtype)
        self._H = self._none
        self._spare = self._none
        scale = self._unit(self._W)
        self._warm_scale = np.ones(rank)
        if not self._exact and H is not None:
            self._H = np.array(H, dtype=problem.dtype, order="C")
            self._warm_scale = scale
        self._anderson = Anderson()
        self._cuts = blocks(n, max(4096, (1 << 17) // m // 512 * 512))
        self._length = rank * rank + m * rank + 2
        self.revived = 0

    def value(self) -> float:
        cold = _COLD if not self._H.shape[1] else _WARM
        self._take(self._pass(self._W, not self._exact, cold, self._warm_scale))
        return self._value

    def step(self, show: bool) -> float:
        image = self._best_small()
        scale = self._unit(image)
        write = show or not self._exact
        guess = self._anderson.guess(self._W, image)
        if guess is not None:
            guess[:, : self._fixed] = image[:, : self._fixed]
            if guess.any(axis=0).all():
                stretch = scale * self._unit(guess)
                found = self._pass(guess, write, _WARM, stretch)
                if found[0] <= self._value:
                    self._W = guess
                    self._take(found)
                    return self._value
            self._anderson.forget()
        found = self._pass(image, write, _WARM, scale)
        # Otherwise rounding is all that is left to gain: stay.
        if found[0] <= self._value:
            self._W = image
            self._take(found)
        elif show and self._H.shape[1] == 0:
            self._take(self._pass(self._W, True, _WARM, np.ones(len(scale))))
        return self._value

    def kkt(self) -> float:
        gradient = self._W @ self._gram_H - self._cross
        size = float(((self._W.T @ self._W) * self._gram_H).sum())
        free = slice(self._fixed, None)
        return natural_residual(self._W.T[free], gradient.T[free], size)

    def factors(self) -> tuple[Array, Array]:
        W, H = self._W.astype(self._problem.dtype), self._H
        if self._rows.size:
            inverse = np.divide(1, self._rows, out=np.zeros_like(self._rows), where=self._rows > 0)
            W = W * inverse[:, None]
        return (H.T, W.T) if self._turned else (W, H)

    def finish(self) -> float | None:
        """Write H for the final W, certified in the same read."""
        norms = np.sqrt(np.diag(self._gram_H))
        size = float(((self._W.T @ self._W) * self._gram_H).sum())
        reach = np.append(norms, size) if size > 0 else np.empty(0)
        number = 0 if not self._exact else _WARM
        ones = np.ones(self._W.shape[1])
        self._take(self._pass(self._W, True, number, ones, reach))
        if self._columns.size and not self._columns.all():
            self._H[:, self._columns == 0] = 0
        return max(self.kkt(), float(np.sqrt(self._seen)))

    def _unit(self, W: Array) -> Array:
        """Scale the free columns to unit length in place; return what H must gain."""
        norms = np.linalg.norm(W, axis=0)
        norms[: self._fixed] = 1
        norms[norms == 0] = 1
        W /= norms
        return np.asarray(norms)

    def _best_small(self) -> Array:
        """The exact best W for the H at hand, from the two Gram matrices."""
        first = self._fixed
        cross = self._cross[:, first:] - self._W[:, :first] @ self._gram_H[:first, first:]
        gram = np.ascontiguousarray(self._gram_H[first:, first:])
        best = np.empty((gram.shape[0], cross.shape[0]))
        nnls_columns(gram, np.ascontiguousarray(cross.T), best)
        W = self._W.copy()
        W[:, first:] = best.T
        dead = np.asarray(~W.any(axis=0))
        dead[:first] = False
        if dead.any():
            self._revive(W, dead)
        return W

    def _revive(self, W: Array, dead: Array) -> None:
        """Give parts that died out a direction that the others leave over.

        H is the best for any W, so a new direction can only help.
        """
        if self.revived >= 5 * W.shape[1]:
            W[:, dead] = self._W[:, dead]
            return
        live = ~dead
        X = self._problem.X
        some = np.linspace(0, X.shape[1] - 1, min(2048, X.shape[1])).astype(np.int64)
        left = X[:, some].astype(np.float64)
        if self._rows.size:
            left *= self._rows[:, None]
        basis = np.ascontiguousarray(W[:, live])
        h = np.empty((basis.shape[1], some.size))
        nnls_columns(np.ascontiguousarray(basis.T @ basis), np.ascontiguousarray(basis.T @ left), h)
        left = np.maximum(left - basis @ h, 0)
        for k in np.flatnonzero(dead):
            norms = np.linalg.norm(left, axis=0)
            worst = int(norms.argmax())
            if norms[worst] <= 1e-7 * np.linalg.norm(X[:, some[worst]]):
                W[:, k] = self._W[:, k]  # nothing is left: its activation is zero
                continue
            W[:, k] = left[:, worst] / norms[worst]
            left = np.maximum(left - np.outer(W[:, k], np.maximum(W[:, k] @ left, 0)), 0)
            self.revived += 1

    def _pass(
        self, W: Array, write: bool, number: int, warm_scale: Array, reach: Array | None = None
    ) -> tuple[float, Array, Array, float, Array]:
        """One read of the data: objective, H H', X H', residual of H, and H if written."""
        problem = self._problem
        m, n = problem.shape
        rank = W.shape[1]
        dtype = problem.dtype
        small = np.ascontiguousarray(W, dtype=dtype)
        gram = np.ascontiguousarray(W.T @ W, dtype=dtype)
        out = self._none
        if write:
            out = self._spare if self._spare.shape[1] else np.empty((rank, n), dtype)
            self._spare = out
        scale = warm_scale.astype(dtype)
        reach = np.empty(0) if reach is None else reach
        acc = np.zeros((len(self._cuts), self._length))
        warm = self._none if self._exact else self._H

        def work(slot: int, lo: int, hi: int) -> None:
            fused_block(
                problem.X, small, gram, lo, hi, warm, scale, number, out,
                self._rows, self._columns, reach, acc[slot],
            )  # fmt: skip

        run_blocks(work, self._cuts)
        total = acc.sum(axis=0)
        gram_H = total[: rank * rank].reshape(rank, rank)
        cross = total[rank * rank : -2].reshape(m, rank)
        return float(total[-2]), gram_H, cross, float(total[-1]), out

    def _take(self, found: tuple[float, Array, Array, float, Array]) -> None:
        self._value, self._gram_H, self._cross, self._seen, out = found
        if out.shape[1]:
            self._H, self._spare = out, self._H
