"""Which parts, or which places, are not needed at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.penalty import Bound

__all__ = ["L21"]

Array = NDArray[Any]
_FIX = 'use over="parts" or "places" and a small soft'


@dataclass(frozen=True, slots=True)
class L21:
    """``strength · Σ_g ‖F_g‖``: empties whole groups, not single entries.

    Parameters
    ----------
    strength
        How much the term counts beside the loss; at least 0.
    over
        "parts": a group is a part, so that of a dictionary (`fixed_W`) those
        which are not needed vanish (halving a free part into two costs nothing);
        "places": a group is a feature (of W) or a sample (of H) across all
        parts, so that those which carry nothing are left out.
    soft
        ``√(‖g‖² + soft²) − soft`` stands for the norm, so that a gradient exists
        at 0; a group that vanishes ends near `soft`.

    Notes
    -----
    Ding, Zhou, He and Zha, ICML 2006; bounded above by a quadratic with the
    present norm, as in iteratively reweighted least squares.
    """

    strength: float
    over: str = "places"
    soft: float = 1e-6

    def __post_init__(self) -> None:
        if self.over not in ("parts", "places"):
            raise InputProblem(
                f"L21 groups over 'parts' or 'places', not {self.over!r}",
                argument="penalty",
                fix=_FIX,
            )
        if not self.soft > 0:
            raise InputProblem(
                f"L21 needs soft above 0, got {self.soft}", argument="penalty", fix=_FIX
            )

    @property
    def shrinks(self) -> bool:
        return True

    def value(self, F: Array) -> float:
        return self.strength * float((self._norms(F) - self.soft).sum())

    def gradient(self, F: Array) -> Array:
        return np.asarray(self.strength * F / self._norms(F))

    def bound(self, F: Array, part: int) -> Bound:
        norms = self._norms(F[part : part + 1] if self.over == "parts" else F)
        return Bound(ridge=self.strength / norms[0])

    def spread(self, F: Array) -> tuple[Any, Any]:
        return 0.0, self.strength / self._norms(F)

    def _norms(self, F: Array) -> Array:
        axis = 1 if self.over == "parts" else 0
        squares = np.square(F, dtype=np.float64).sum(axis=axis, keepdims=True)
        return np.asarray(np.sqrt(squares + self.soft**2))
