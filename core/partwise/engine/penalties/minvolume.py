"""Do the parts hug the data? The volume that they span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.penalty import Bound

__all__ = ["MinVolume"]

Array = NDArray[Any]
_FIX = "use a delta such as 0.1"


@dataclass(frozen=True, slots=True)
class MinVolume:
    """``strength / 2 · log det(F Fᵀ + delta · I)``, less its value at 0.

    Small when the parts lie close to each other. Meant for W while H's samples
    are held to a sum (`Simplex`), so that the parts are pulled in until the data
    stop them: identifies parts where no sample is pure (Leplat, Ang and Gillis,
    ICASSP 2019; Fu, Huang and Sidiropoulos, IEEE Signal Process. Lett. 22, 2015).

    Parameters
    ----------
    strength
        How much the term counts beside the loss; at least 0.
    delta
        Above 0, in units of the factor squared: keeps a factor that lacks rank
        from being infinitely good.
    """

    strength: float
    delta: float = 0.1

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise InputProblem(
                f"MinVolume needs delta above 0, got {self.delta}", argument="penalty", fix=_FIX
            )

    @property
    def shrinks(self) -> bool:
        return True

    def value(self, F: Array) -> float:
        gram = self._gram(F) / self.delta
        return 0.5 * self.strength * float(np.linalg.slogdet(gram)[1])

    def gradient(self, F: Array) -> Array:
        return np.asarray(self.strength * np.linalg.solve(self._gram(F), F.astype(np.float64)))

    def bound(self, F: Array, part: int) -> Bound:
        # log det is concave in the Gram matrix: its tangent lies above it.
        slope = self.strength * np.linalg.inv(self._gram(F))[part]
        ridge = float(slope[part])
        return Bound(linear=slope @ F - ridge * F[part], ridge=ridge)

    def spread(self, F: Array) -> tuple[Any, Any]:
        slope = self.strength * np.linalg.inv(self._gram(F))
        reach = abs(slope).sum(axis=1, keepdims=True)
        return slope @ F - reach * F, reach

    def _gram(self, F: Array) -> Array:
        F = np.asarray(F, dtype=np.float64)
        return np.asarray(F @ F.T + self.delta * np.eye(len(F)))
