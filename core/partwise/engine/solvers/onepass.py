"""How is one step of coordinate descent taken in a single read of the data?

For a fixed H every row of W stands alone: while a block of rows is in cache,
it gives the objective, its rows of W, and its share of what the next H needs.
The step is that of `hals`, extrapolated in the same way (Ang and Gillis, Neural
Computation 31, 2019), and begins on a sample of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.judge.certify import natural_residual
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers import filled
from partwise.engine.solvers.filled import Filled
from partwise.engine.solvers.placed import Placed
from partwise.engine.solvers.run import Run, gram
from partwise.engine.solvers.thin import Thin
from partwise.engine.stop import Rule

__all__ = ["OnePass", "can"]

Array = NDArray[Any]
_SWEEPS = 4
_COLD = 40  # sweeps where the long factor is not known yet
_ENTRIES = 1 << 17  # of X in a block: half of a second-level cache
_LEAST = 512  # rows of a sample
_CLOSE = 1e-3  # of half the squared data: below, the error is summed entry by entry


def can(problem: Problem) -> bool:
    """Is this plain: the squared error, nothing preferred or fixed?"""
    plain = problem.loss.beta == 2 and not problem.loss.robust
    return plain and not problem.penalised and problem.fixed is None


class OnePass:
    """Extrapolated HALS on the rows of X as they lie in memory."""

    name = "hals"

    def __init__(self, problem: Problem, W: Array, H: Array, rng: np.random.Generator) -> None:
        self._problem = problem
        self._rng = rng
        X = problem.scaled
        # Sparse data are laid out anew, along the longer side; dense stay as they lie.
        along = X.shape[1] >= X.shape[0] if problem.sparse else not X.flags.c_contiguous
        along = along and problem.weights is None
        self._turned = bool(along)
        Wt, Ht = problem.into(W, H)
        tall, wide = (Ht, Wt) if along else (Wt, Ht)
        self._run: _Dense | Thin | Placed | Filled
        if problem.weights is not None:
            way = Filled if filled.pays(problem.weights, problem.rank) else Placed
            self._run = way(X, problem.weights, tall, wide, rng)
        elif problem.sparse:
            self._run = Thin(Thin.laid(X, along=bool(along)), tall, wide, rng)
        else:
            self._run = _Dense(X.T if along else X, tall, wide, rng)
        self._few = self._run.sample()
        self._rehearsal = self._rehearse()
        self.revived = 0

    def rehearse(self) -> Iterator[None]:
        """Find the short factor on a sample, one step for each round of the iterator."""
        return self._rehearsal

    def look(self) -> float:
        return self._run.begin() if self._few is None else self._run.adopt(self._few.wide)

    def value(self) -> float:
        for _ in self._rehearsal:
            pass
        return self.look()

    def step(self, show: bool) -> float:
        value = self._run.step()
        self.revived = self._run.revived
        return value

    def kkt(self) -> float:
        return self._run.residual

    def factors(self) -> tuple[Array, Array]:
        tall, wide = self._run.tall, self._run.wide
        return self._problem.out(*((wide, tall) if self._turned else (tall, wide)))

    def finish(self) -> float | None:
        return self._run.certify()

    def _rehearse(self) -> Iterator[None]:
        few = self._few
        if few is None:
            return
        trace = [few.begin()]
        while len(trace) <= few.rule.max_iter and not few.rule.met(trace, few.residual):
            trace.append(few.step())
            yield


class _Dense(Run):
    """X in C order, one read for a step."""

    rule = Rule(tol=0.0, max_iter=100, gain=1e-4)

    def __init__(self, X: Array, tall: Array, wide: Array, rng: np.random.Generator) -> None:
        super().__init__(tall, wide, rng)
        self.X = X
        rows, columns = X.shape
        # Every block holds a product of its own, so there are not too many.
        self._cuts = blocks(rows, max(8, -(-rows // 48), _ENTRIES // columns))
        self._half_square = self._error(tall[:0], wide[:0])

    def sample(self) -> _Dense | None:
        """The same on some of the rows; None if that would not pay."""
        rows = self.X.shape[0]
        size = max(_LEAST, 20 * len(self.wide), rows // 8)
        if rows < 4 * size or self.X.size < 1 << 20:
            return None
        edges = np.linspace(0, rows, size + 1).astype(np.int64)
        picks = edges[:-1] + (self._rng.random(size) * np.diff(edges)).astype(np.int64)
        tall = np.ascontiguousarray(self.tall[:, picks])
        return _Dense(np.ascontiguousarray(self.X[picks]), tall, self.wide.copy(), self._rng)

    def adopt(self, wide: Array) -> float:
        self.wide = wide.copy()
        small = gram(wide).astype(self.X.dtype)
        product = np.empty_like(self.tall)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.row_products(self.X, wide, lo, hi, product)
            kernels.sweeps(small, product, self.tall, lo, hi, 0, _COLD, self._none, self._none)

        run_blocks(work, self._cuts)
        return self.begin()

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        X, none = self.X, self._none
        gram_wide = gram(wide)
        small = gram_wide.astype(X.dtype)
        new = tall.copy()
        product = np.empty_like(tall)
        # The products hold the objective, too, unless it is so small beside the data that the
        # difference would be made of rounding.
        close = self._value < _CLOSE * self._half_square
        losses = np.zeros(len(self._cuts))
        shares = np.empty((len(self._cuts), *wide.shape), X.dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.row_products(X, wide, lo, hi, product)
            kernels.sweeps(small, product, new, lo, hi, 0, _SWEEPS, none, none)
            if close:
                losses[slot] = kernels.half_squared_error(X, new, wide, lo, hi)
            kernels.column_products(X, new, lo, hi, shares[slot])

        run_blocks(work, self._cuts)
        cross = shares.sum(axis=0)
        gram_tall = gram(new)
        size = float((gram_wide * gram_tall).sum())
        value = float(losses.sum())
        if not close:
            inner = float(np.einsum("kj,kj->k", new, product, dtype=np.float64).sum())
            value = max(0.0, self._half_square - inner + 0.5 * size)
            if value < _CLOSE * self._half_square:
                value = self._error(new, wide)
        residual = natural_residual(new, small @ new - product, size)
        small = gram_tall.astype(X.dtype)
        then = wide.copy()
        self.residual = max(residual, natural_residual(wide, small @ wide - cross, size))
        kernels.sweeps(small, cross, then, 0, then.shape[1], 0, _SWEEPS, none, none)
        return (new, then), value

    def _error(self, tall: Array, wide: Array) -> float:
        """Half the squared error, from the entries themselves."""
        parts = np.empty(len(self._cuts))

        def work(slot: int, lo: int, hi: int) -> None:
            parts[slot] = kernels.half_squared_error(self.X, tall, wide, lo, hi)

        run_blocks(work, self._cuts)
        return float(parts.sum())

    def _sizes(self) -> tuple[float, float]:
        shares = np.empty((len(self._cuts), *self.wide.shape), self.X.dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.column_products(self.X, self.tall, lo, hi, shares[slot])

        run_blocks(work, self._cuts)
        square = float((gram(self.tall) * gram(self.wide)).sum())
        return square, float((shares.sum(axis=0) * self.wide).sum(dtype=np.float64))

    def _some_rows(self) -> tuple[Array, Array]:
        picks = self._rng.integers(0, self.X.shape[0], size=min(64, self.X.shape[0]))
        return self.X[picks], picks
