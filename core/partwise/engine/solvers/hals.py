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
from partwise.engine.solvers.leaping import Leaping
from partwise.engine.solvers.products import products_of
from partwise.engine.solvers.weighted import Weighted

__all__ = ["Hals"]

Array = NDArray[Any]
_SWEEPS = 4


class Hals(Leaping):
    """Coordinate descent for the squared error: dense, sparse, weighted, penalised."""

    def __init__(
        self,
        problem: Problem,
        W: Array,
        H: Array,
        rng: np.random.Generator,
        *,
        given: bool = False,
    ) -> None:
        if problem.loss.beta != 2:
            raise InputProblem(
                f"the solver 'hals' minimises the squared error, not {problem.loss.name}",
                argument="solver",
                fix="use solver='mu' or 'auto' for this loss",
            )
        super().__init__(problem, *problem.into(W, H), given=given)
        self._rng = rng
        self._products = products_of(problem)
        self._penalty_W = problem.coefficients("W")
        self._penalty_H = problem.coefficients("H")
        self._kkt = np.inf
        self._set_scale()

    def kkt(self) -> float:
        return self._kkt

    def _set_scale(self) -> None:
        """Put the start at the scale of the data, and what must be held into its ball."""
        side = self._problem.one_sided
        if side:
            ball, other = (self._Wt, self._H) if side == "W" else (self._H, self._Wt)
            first = self._fixed if side == "W" else 0
            norms = np.linalg.norm(ball[first:], axis=1, keepdims=True)
            norms[norms == 0] = 1
            ball[first:] /= norms
            if side == "W" or self._fixed == 0:
                other[first:] *= norms
        if self._fixed == 0:
            loose = [each for each in ("W", "H") if each != side]
            self._to_level(self._products.scale(self._Wt, self._H), loose)

    def _admitted(self, Wt: Array, H: Array) -> tuple[Array, Array]:
        side = self._problem.one_sided
        if side:
            ball = Wt[self._fixed :] if side == "W" else H
            norms = np.linalg.norm(ball, axis=1, keepdims=True)
            ball /= np.maximum(norms, 1)
        return Wt, H

    def _plain(self) -> tuple[Array, Array]:
        Wt, H = self._Wt.copy(), self._H
        if not (Wt.any(axis=1) & H.any(axis=1)).all():
            H = H.copy()
            self._revive(Wt, H)
        side = self._problem.one_sided
        residual = self._update("W", Wt, H, self._fixed, self._penalty_W, side == "W")
        H = H.copy()
        other = self._update("H", H, Wt, 0, self._penalty_H, side == "H")
        self._kkt = max(residual, other)
        return Wt, H

    def _update(
        self, side: str, F: Array, A: Array, first: int, penalty: tuple[Array, Array], ball: bool
    ) -> float:
        """Improve F in place; return its optimality residual beforehand, if known."""
        if isinstance(self._products, Weighted):
            self._products.sweep(side, F, A, first, _SWEEPS, penalty)
            return np.inf
        return _solve(F, A @ A.T, self._products.times(side, A), first, penalty, ball)

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
        kernels.sweeps(gram, atb, F, lo, hi, first, _SWEEPS, linear, ridge)

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
