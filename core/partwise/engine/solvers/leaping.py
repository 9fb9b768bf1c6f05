"""How is a plain step made bolder, without ever letting the objective rise?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.problem import Problem
from partwise.engine.solvers.momentum import Momentum

__all__ = ["Leaping"]

Array = NDArray[Any]
_NEAR = 4.0  # times the scale of the data


class Leaping:
    """A solver that keeps a leap beyond its plain step where that is no worse.

    Says `_plain`, where one step leads, and `_objective`; `_admitted` brings a leap back into
    the sets that the factors must stay in. Factors are held one part per row. `given` says that
    the start was not made here, and may be a fit already.
    """

    name = "hals"

    def __init__(self, problem: Problem, Wt: Array, H: Array, *, given: bool = False) -> None:
        self._problem = problem
        self._given = given
        self._fixed = problem.fixed_count
        self._Wt, self._H = Wt, H
        self._momentum = Momentum()
        self._value = np.inf
        self.revived = 0

    def value(self) -> float:
        self._value = self._objective(self._Wt, self._H)
        return self._value

    def step(self, show: bool) -> float:
        Wt, H = self._plain()
        ahead = self._momentum.leap(Wt, H, self._fixed)
        if ahead is not None:
            ahead = self._admitted(*ahead)
            value = self._objective(*ahead)
            if value <= self._value:
                self._momentum.good()
                (self._Wt, self._H), self._value = ahead, value
                return value
            self._momentum.bad()
        value = self._objective(Wt, H)
        if value <= self._value:  # else rounding is all that is left to gain
            self._Wt, self._H, self._value = Wt, H, value
        return self._value

    def _to_level(self, level: tuple[float, float], sides: Sequence[str] = ("W", "H")) -> None:
        """Put the start at the scale of the data: a start far off stops a fit at once.

        A fit with a penalty, or one that spares outliers, lies at another scale than the data;
        one that begins there goes on from there.
        """
        cross, square = level
        if not (cross > 0 and square > 0 and sides):
            return
        ratio = cross / square
        factors = [F for F, side in ((self._Wt, "W"), (self._H, "H")) if side in sides]
        root = factors[0].dtype.type(ratio ** (1 / len(sides)))
        elsewhere = self._given and (self._problem.penalised or self._problem.loss.robust)
        before = np.inf
        if elsewhere and 1 / _NEAR < ratio < _NEAR:
            before = self._objective(self._Wt, self._H)
        kept = [F.copy() for F in factors] if before < np.inf else []
        for F in factors:
            np.multiply(F, root, out=F)
        if kept and before <= self._objective(self._Wt, self._H):
            for F, was in zip(factors, kept, strict=True):
                F[:] = was

    def kkt(self) -> float:
        return np.inf

    def factors(self) -> tuple[Array, Array]:
        return self._problem.out(self._Wt, self._H)

    def finish(self) -> float | None:
        return None

    def _plain(self) -> tuple[Array, Array]:
        """New factors, one step on from those held."""
        raise NotImplementedError

    def _objective(self, Wt: Array, H: Array) -> float:
        raise NotImplementedError

    def _admitted(self, Wt: Array, H: Array) -> tuple[Array, Array]:
        return Wt, H
