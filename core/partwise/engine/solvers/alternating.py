"""How is one step taken by solving for one factor at a time? Four ways to solve.

Alternating nonnegative least squares: the other factor stands still, and this
one is found exactly ("bpp", "active_set") or improved a good deal ("pg",
"nenmf").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers.gradient import nesterov, projected
from partwise.engine.solvers.inner import active_set_columns, normal_equations, pivot_columns
from partwise.engine.solvers.leaping import Leaping
from partwise.engine.solvers.products import products_of
from partwise.engine.solvers.weighted import Weighted

__all__ = ["RULES", "Alternating"]

Array = NDArray[Any]
RULES = ("bpp", "active_set", "pg", "nenmf")


class Alternating(Leaping):
    """Alternating least squares by one of `RULES`."""

    def __init__(
        self, problem: Problem, W: Array, H: Array, rule: str, *, given: bool = False
    ) -> None:
        # Exact steps gain from a leap; the other two have momentum inside.
        super().__init__(problem, *problem.into(W, H), given=given)
        self.name = rule
        self._products = products_of(problem)
        self._penalties = {side: problem.coefficients(side) for side in ("W", "H")}
        self._solve = {
            "bpp": self._exactly(pivot_columns),
            "active_set": self._exactly(active_set_columns),
            "pg": self._nearly(projected),
            "nenmf": self._nearly(nesterov),
        }[rule]
        if self._fixed == 0:
            self._to_level(self._products.scale(self._Wt, self._H))

    def _plain(self) -> tuple[Array, Array]:
        Wt, H = self._Wt.copy(), self._H.copy()
        if self._fixed < len(Wt):
            self._solve("W", Wt, H, self._fixed)
        self._solve("H", H, Wt, 0)
        return Wt, H

    def _objective(self, Wt: Array, H: Array) -> float:
        return self._products.loss(Wt, H) + self._problem.penalty(Wt, H)

    def _exactly(
        self, columns: Callable[[Array, Array, Array], None]
    ) -> Callable[[str, Array, Array, int], None]:
        def solve(side: str, F: Array, A: Array, first: int) -> None:
            linear, ridge = self._penalties[side]
            rank = len(A)
            wide = A.astype(np.float64)
            free = slice(first, None)
            if not isinstance(self._products, Weighted):
                gram = wide @ wide.T
                pull = self._products.times(side, A).astype(np.float64)
            eye = np.eye(rank)

            def work(slot: int, lo: int, hi: int) -> None:
                if isinstance(self._products, Weighted):
                    Y, V = self._products.laid(side)
                    grams, b = np.empty((hi - lo, rank, rank)), np.empty((hi - lo, rank))
                    normal_equations(Y[lo:hi], V[lo:hi], A, grams, b)
                else:
                    grams, b = gram[None], np.ascontiguousarray(pull[:, lo:hi].T)
                if linear.size:
                    b = b - linear[lo:hi, None]
                    own = ridge[lo:hi]
                    shared = len(grams) == 1 and (own == own[0]).all()
                    grams = grams + (own[:1] if shared else own)[:, None, None] * eye
                if first:
                    b = b[:, free] - np.einsum(
                        "jkl,lj->jk", grams[:, free, :first], F[:first, lo:hi]
                    )
                    grams = np.ascontiguousarray(grams[:, free, free])
                columns(grams, np.ascontiguousarray(b), F[free, lo:hi])

            run_blocks(work, blocks(F.shape[1], max(64, (1 << 16) // (rank * rank))))

        return solve

    def _nearly(self, descend: Callable[..., Array]) -> Callable[[str, Array, Array, int], None]:
        def solve(side: str, F: Array, A: Array, first: int) -> None:
            linear, ridge = self._penalties[side]
            wide = A.astype(np.float64)
            moving: Array = wide[first:]
            if isinstance(self._products, Weighted):
                Y, V = self._products.laid(side)
                start = ((V * (F.T @ A - Y)) @ moving.T).T

                def curve(D: Array) -> Array:
                    return np.asarray(((V * (D.T @ moving)) @ moving.T).T)

                reach = np.abs((V @ (moving * moving.sum(axis=0)).T).T)
            else:
                gram = moving @ moving.T
                start = moving @ wide.T @ F - self._products.times(side, A)[first:]

                def curve(D: Array) -> Array:
                    return gram @ D

                reach = np.full((1, 1), np.linalg.eigvalsh(gram)[-1] if len(gram) else 0.0)
            if linear.size:
                start = start + linear + ridge * F[first:]
                reach = reach + ridge

            def bent(D: Array) -> Array:
                return curve(D) + ridge * D if linear.size else curve(D)

            F[first:] = descend(F[first:].astype(np.float64), start, bent, reach)

        return solve
