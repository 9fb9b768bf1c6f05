"""How is one step taken when one side of X is small? Exactly, in one read of the data.

H is the exact (or, above three parts, nearly exact) answer to the small factor
W, so the fit is a search in W alone: a map from W to the best W for the H that
belongs to it, accelerated by Anderson mixing. It begins on samples of the
columns, a small one and a larger one, which find W nearly, and is finished on
all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.fused import EXACT, fused_block, support_inverses
from partwise.engine.judge.certify import natural_residual
from partwise.engine.kernels import nnls_columns
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers.anderson import Anderson
from partwise.engine.stop import Rule

__all__ = ["LIMIT", "Skinny", "can", "lying", "samples"]

Array = NDArray[Any]
LIMIT = 64  # features; beyond, a tile no longer fits the second-level cache
_COLD = 100  # sweeps at most where H is not known yet
_WARM = 8
_RUN = 64  # neighbouring columns drawn together: a cache line's worth and more
_LEAST = 2048  # columns of the first sample
# A small sample costs next to nothing and has plateaus like the whole: patience
# pays. The larger one only mends what the small one could not know.
_RULES = (Rule(tol=0.0, max_iter=300, gain=1e-6), Rule(tol=0.0, max_iter=40, gain=1e-5))


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


def samples(problem: Problem, rng: np.random.Generator) -> list[Problem]:
    """Ever larger samples of the columns of a lying problem; none if it is small.

    A W from n columns is worse on all of them by about rank / n of the
    objective, so a later sample only has to put right what is left of that.
    """
    n = problem.shape[1]
    sizes = [_LEAST, max(4 * _LEAST, n // 64)]
    return [_sample(problem, size, rng) for size in sizes if n >= 4 * size]


def _sample(problem: Problem, size: int, rng: np.random.Generator) -> Problem:
    """`size` columns in runs spread evenly."""
    m, n = problem.shape
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

    def __init__(
        self,
        problem: Problem,
        W: Array,
        H: Array | None,
        *,
        turned: bool,
        levels: list[Problem] | None = None,
    ) -> None:
        """Take a lying problem, W (m, r) and perhaps H (r, n), in the user's terms.

        With `levels`, from `samples`, W is found on those first; H is then not
        looked at.
        """
        self._problem = problem
        self._levels = levels or []
        self._rehearsal = self._rehearse()
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
        self._closed = rank <= 3
        self._none = np.empty((rank, 0), problem.dtype)
        self._H = self._none
        self._spare = self._none
        scale = self._unit(self._W)
        self._warm_scale = np.ones(rank)
        if not self._closed and H is not None and not self._levels:
            self._H = np.array(H, dtype=problem.dtype, order="C")
            self._warm_scale = scale
        self._anderson = Anderson()
        # A block is worth a few tenths of a millisecond: what has only one is
        # done by one thread, which no busy neighbour can keep waiting.
        self._cuts = blocks(n, max(8192, (1 << 20) // (m * rank) // 512 * 512))
        self._length = rank * rank + m * rank + 2
        self.revived = 0

    def rehearse(self) -> Iterator[None]:
        """Find W on the samples, one step for each round of the iterator."""
        return self._rehearsal

    def _rehearse(self) -> Iterator[None]:
        for problem, rule in zip(self._levels, _RULES, strict=False):
            few = Skinny(problem, np.ones(self._W.shape), None, turned=False)
            few._W = self._W
            trace = [few.value()]
            while len(trace) <= rule.max_iter and not rule.met(trace, np.inf):
                trace.append(few.step(False))
                self._W = few._W
                yield
            self.revived += few.revived

    def look(self) -> float:
        """Write H for W as it stands, and return the objective."""
        self._forget()
        self._take(self._pass(self._W, True, _COLD, self._warm_scale))
        return self._value

    def value(self) -> float:
        for _ in self._rehearsal:
            self._forget()
        cold = _COLD if not self._H.shape[1] else _WARM
        self._take(self._pass(self._W, not self._closed, cold, self._warm_scale))
        return self._value

    def _forget(self) -> None:
        """H belongs to a W that is left behind: only its memory is of use."""
        if self._H.shape[1]:
            self._H, self._spare = self._none, self._H

    def step(self, show: bool) -> float:
        image = self._best_small()
        scale = self._unit(image)
        write = show or not self._closed
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
        number = 0 if self._H.shape[1] else _COLD
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
        warm = self._none if self._closed else self._H
        # The first H is exact, where that is cheap; from there a few sweeps follow W.
        supports = 3 < rank <= EXACT and not warm.shape[1]
        inverses = support_inverses(W.T @ W if supports else np.empty((0, 0)), dtype)
        out = self._none
        if write:
            out = self._spare if self._spare.shape[1] else np.empty((rank, n), dtype)
            self._spare = out
        scale = warm_scale.astype(dtype)
        reach = np.empty(0) if reach is None else reach
        acc = np.zeros((len(self._cuts), self._length))

        def work(slot: int, lo: int, hi: int) -> None:
            fused_block(
                problem.X, small, gram, inverses, lo, hi, warm, scale, number, out,
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
