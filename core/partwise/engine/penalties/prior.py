"""Is something known of the parts beforehand?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import numbers
from partwise.engine.penalty import Bound

__all__ = ["Prior"]

Array = NDArray[Any]
_FIX = "give one column per part, NaN where nothing is known"


@dataclass(frozen=True, eq=False)
class Prior:
    """``strength / 2 · Σ (f_k − g_k)²``: the distance of the first parts to given ones.

    Softer than fixed columns: the data may bend what was given. The scale is
    that of what was given.

    Parameters
    ----------
    strength
        How much the term counts beside the loss; at least 0.
    given
        (places, parts): one column per part, features × parts for W and
        samples × parts for H; NaN where nothing is known. Parts beyond its
        columns are free.
    """

    strength: float
    given: Any

    def __post_init__(self) -> None:
        given = numbers(self.given, "penalty", np.float64)
        if given.ndim != 2 or np.isinf(given).any() or (given < 0).any():
            raise InputProblem(
                "Prior takes a table of columns with finite values of 0 or more",
                argument="penalty",
                fix=_FIX,
            )
        object.__setattr__(self, "given", given)

    @property
    def shrinks(self) -> bool:
        return False

    def check(self, rank: int, places: int) -> str:
        rows, columns = self.given.shape
        if rows != places:
            return f"gives {rows} values per part, but the factor has {places} places"
        return f"gives {columns} parts for a rank of {rank}" if columns > rank else ""

    def value(self, F: Array) -> float:
        return 0.5 * self.strength * float(np.square(self._off(F)).sum())

    def gradient(self, F: Array) -> Array:
        total = np.zeros(F.shape)
        total[: self.given.shape[1]] = self.strength * self._off(F)
        return total

    def bound(self, F: Array, part: int) -> Bound:
        if part >= self.given.shape[1]:
            return Bound()
        known = ~np.isnan(self.given[:, part])
        pull = np.where(known, self.given[:, part], 0)
        return Bound(linear=-self.strength * pull, ridge=self.strength * known)

    def spread(self, F: Array) -> tuple[Any, Any]:
        linear, ridge = np.zeros(F.shape), np.zeros(F.shape)
        for k in range(self.given.shape[1]):
            one = self.bound(F, k)
            linear[k], ridge[k] = one.linear, one.ridge
        return linear, ridge

    def _off(self, F: Array) -> Array:
        given = self.given.T
        first = np.asarray(F[: len(given)], dtype=np.float64)
        return np.where(np.isnan(given), 0, first - given)
