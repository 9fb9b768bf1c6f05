"""Do neighbouring places look alike? Squared differences along one way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.penalty import Bound

__all__ = ["Smooth"]

Array = NDArray[Any]
_FIX = "use order=1 or order=2"


@dataclass(frozen=True, slots=True)
class Smooth:
    """``strength / 2 · Σ_k ‖Dᵒʳᵈᵉʳ f_k‖²`` over neighbouring places in their order.

    Parameters
    ----------
    strength
        How much the term counts beside the loss; at least 0.
    order
        1 pulls neighbours together (flat), 2 keeps the slope (straight; Eilers,
        Anal. Chem. 75, 2003).
    """

    strength: float
    order: int = 1

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise InputProblem(
                f"Smooth takes order 1 or 2, not {self.order!r}", argument="penalty", fix=_FIX
            )

    @property
    def shrinks(self) -> bool:
        return True

    def value(self, F: Array) -> float:
        steps = np.diff(np.asarray(F, dtype=np.float64), n=self.order, axis=1)
        return 0.5 * self.strength * float(np.square(steps).sum())

    def gradient(self, F: Array) -> Array:
        return np.asarray(self.strength * (_matrix(F.shape[1], self.order) @ F.T).T)

    def bound(self, F: Array, part: int) -> Bound:
        return Bound(along=self.strength * _matrix(F.shape[1], self.order))

    def spread(self, F: Array) -> tuple[Any, Any]:
        reach = self.strength * abs(_matrix(F.shape[1], self.order)).sum(axis=1)
        return self.gradient(F) - reach * F, reach


@lru_cache(maxsize=8)
def _matrix(places: int, order: int) -> Any:
    D = sp.eye_array(places, format="csr")
    for _ in range(order):
        D = (D[1:] - D[:-1]).tocsr()
    return (D.T @ D).tocsr()
