"""Are places alike that are joined? A graph over them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import plain
from partwise.engine.penalty import Bound

__all__ = ["Graph"]

Array = NDArray[Any]
_FIX = "give who is joined with whom, both ways, as weights of at least 0"


@dataclass(frozen=True, eq=False)
class Graph:
    """``strength / 2 · Σ_k f_kᵀ L f_k`` with the Laplacian L of a graph over the places.

    That is half the sum of ``A_ij (f_i − f_j)²`` over all joined pairs.

    Parameters
    ----------
    strength
        How much the term counts beside the loss; at least 0.
    adjacency
        (places, places), symmetric, sparse or dense, weights of at least 0: who
        is joined with whom. Its diagonal does not count.

    Notes
    -----
    Cai, He, Han and Huang, IEEE Trans. Pattern Anal. Mach. Intell. 33 (2011).
    """

    strength: float
    adjacency: Any
    _laplacian: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        A = sp.csr_array(plain(self.adjacency), dtype=np.float64)
        if A.shape[0] != A.shape[1]:
            raise InputProblem(
                f"an adjacency is square, got {A.shape}", argument="penalty", fix=_FIX
            )
        if A.nnz and (not np.isfinite(A.data).all() or A.data.min() < 0):
            raise InputProblem(
                "an adjacency holds finite weights of 0 or more", argument="penalty", fix=_FIX
            )
        if abs(A - A.T).max() > 1e-12 * max(1.0, abs(A).max()):
            raise InputProblem(
                "an adjacency is symmetric: who is joined is joined both ways",
                argument="penalty",
                fix=_FIX,
            )
        A = A - sp.diags_array(A.diagonal())
        L = sp.csr_array(sp.diags_array(A.sum(axis=1)) - A)
        object.__setattr__(self, "_laplacian", L)

    @property
    def shrinks(self) -> bool:
        return True

    def check(self, rank: int, places: int) -> str:
        size = self._laplacian.shape[0]
        return "" if size == places else f"joins {size} places, but the factor has {places}"

    def value(self, F: Array) -> float:
        F = np.asarray(F, dtype=np.float64)
        return 0.5 * self.strength * float((F * (self._laplacian @ F.T).T).sum())

    def gradient(self, F: Array) -> Array:
        return np.asarray(self.strength * (self._laplacian @ np.asarray(F, np.float64).T).T)

    def bound(self, F: Array, part: int) -> Bound:
        return Bound(along=self.strength * self._laplacian)

    def spread(self, F: Array) -> tuple[Any, Any]:
        reach = self.strength * abs(self._laplacian).sum(axis=1)
        return self.gradient(F) - reach * F, reach
