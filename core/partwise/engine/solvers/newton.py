"""How is one step taken for the Kullback-Leibler divergence? By scalar Newton steps.

Coordinate descent on both factors, extrapolated. An iteration costs two to
three of the multiplicative update and gains as much as ten or more. It is the
bolder of the two: a few multiplicative updates go first, so that no part is
given up before it has taken shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.divergence import newton_rows, padded
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers.mu import Mu
from partwise.engine.solvers.run import Run

__all__ = ["Newton", "can"]

Array = NDArray[Any]
_FIRST = 10  # multiplicative updates


def can(problem: Problem) -> bool:
    """Is this plain: dense, Kullback-Leibler, nothing preferred, missing or fixed?"""
    plain = problem.loss.beta == 1 and problem.weights is None and not problem.sparse
    return plain and not problem.penalised and problem.fixed is None


class Newton:
    """Coordinate descent for the Kullback-Leibler divergence."""

    name = "ccd"

    def __init__(self, problem: Problem, W: Array, H: Array, rng: np.random.Generator) -> None:
        self._problem = problem
        self._rng = rng
        self._first = Mu(problem, W, H)
        self._run: _Divergence | None = None
        self._steps = 0
        self.revived = 0

    def value(self) -> float:
        return self._first.value()

    def step(self, show: bool) -> float:
        self._steps += 1
        if self._steps <= _FIRST:
            return self._first.step(show)
        if self._run is None:
            factors = self._problem.into(*self._first.factors())
            self._run = _Divergence(self._problem.scaled, *factors, self._rng)
            self._run.begin()
        return self._run.step()

    def kkt(self) -> float:
        return np.inf

    def factors(self) -> tuple[Array, Array]:
        if self._run is None:
            return self._first.factors()
        return self._problem.out(self._run.tall, self._run.wide)

    def finish(self) -> float | None:
        return None


class _Divergence(Run):
    """X by row and by column; factors lie in memory sample by sample."""

    _weighs_improved = False  # the divergence is summed before the steps of the same pass

    def __init__(self, X: Array, tall: Array, wide: Array, rng: np.random.Generator) -> None:
        super().__init__(np.asfortranarray(tall), np.asfortranarray(wide), rng)
        self._by_row = np.ascontiguousarray(X)
        self._by_column = np.ascontiguousarray(X.T)
        self._total = float(X.sum(dtype=np.float64))
        # Keeps ratios finite, and is lost in the rounding of the divergence.
        self._floor = X.dtype.type(0.01 * np.finfo(X.dtype).eps * self._total / X.size)
        self._turn = 0

    def _sizes(self) -> tuple[float, float]:
        return float(_sums(self.tall) @ _sums(self.wide)), self._total

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        self._turn += 1
        # Far from the answer a Newton step may jump across it.
        safe = self._turn < 4
        new, value = self._update(self._by_column, wide, tall, safe, loss=True)
        then, _ = self._update(self._by_row, tall, new, safe, loss=False)
        return (then, new), value

    def _update(
        self, X: Array, F: Array, A: Array, safe: bool, *, loss: bool
    ) -> tuple[Array, float]:
        """Improve F (r, rows of X) for given A; with the divergence before, if asked for."""
        rank, length = A.shape
        wide = np.zeros((rank, padded(length)), A.dtype)
        wide[:, :length] = A
        sums = _sums(A).astype(A.dtype)
        rows = np.array(F.T, order="C")
        cuts = blocks(len(rows), max(8, -(-len(rows) // 64)))
        losses = np.zeros(len(cuts))

        def work(slot: int, lo: int, hi: int) -> None:
            losses[slot] = newton_rows(
                X, wide, sums, rows, lo, hi, self._turn, safe, self._floor, loss
            )

        run_blocks(work, cuts)
        return rows.T, float(losses.sum())


def _sums(F: Array) -> Array:
    return np.asarray(F.sum(axis=1, dtype=np.float64))
