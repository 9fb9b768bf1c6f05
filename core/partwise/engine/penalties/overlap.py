"""Do parts keep out of each other's way?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.penalty import Bound

__all__ = ["Orthogonal", "Overlap"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Overlap:
    """``strength · Σ_{k<l} f_k · f_l``: what two parts hold at the same place.

    For factors of at least 0 it vanishes only where every place belongs to one
    part. Exclusive, like an L1 norm squared across the parts (Kong et al., Proc.
    NIPS 2014).
    """

    strength: float

    @property
    def shrinks(self) -> bool:
        return True

    def value(self, F: Array) -> float:
        F = np.asarray(F, dtype=np.float64)
        return 0.5 * self.strength * float(np.square(F.sum(axis=0)).sum() - np.square(F).sum())

    def gradient(self, F: Array) -> Array:
        F = np.asarray(F, dtype=np.float64)
        return np.asarray(self.strength * (F.sum(axis=0) - F))

    def bound(self, F: Array, part: int) -> Bound:
        others = F.sum(axis=0, dtype=np.float64) - F[part]
        return Bound(linear=self.strength * np.maximum(others, 0))

    def spread(self, F: Array) -> tuple[Any, Any]:
        # Ones without the diagonal lie below (r − 1) times the identity.
        reach = self.strength * (len(F) - 1)
        return self.gradient(F) - reach * F, reach


@dataclass(frozen=True, slots=True)
class Orthogonal:
    """``strength / 2 · Σ_{k<l} (f_k · f_l)²``: parts at right angles to each other.

    Weak where parts hardly meet and strong where they are parallel, unlike
    `Overlap`, which counts every meeting alike (Choi, IJCNN 2008). Of degree
    four in the factor, so it has no quadratic bound while all parts move, and
    multiplicative updates cannot take it.
    """

    strength: float

    @property
    def shrinks(self) -> bool:
        return True

    def value(self, F: Array) -> float:
        gram = _meetings(F)
        return 0.25 * self.strength * float(np.square(gram).sum())

    def gradient(self, F: Array) -> Array:
        return np.asarray(self.strength * _meetings(F) @ np.asarray(F, dtype=np.float64))

    def bound(self, F: Array, part: int) -> Bound:
        F = np.asarray(F, dtype=np.float64)
        others = np.delete(F, part, axis=0)
        # B = Σ f_l f_lᵀ has no negative entry, so it lies below its row sums.
        reach = self.strength * (others.sum(axis=1) @ others)
        pull = self.strength * ((others @ F[part]) @ others)
        return Bound(linear=pull - reach * F[part], ridge=reach)


def _meetings(F: Array) -> Array:
    F = np.asarray(F, dtype=np.float64)
    gram = F @ F.T
    np.fill_diagonal(gram, 0)
    return np.asarray(gram)
