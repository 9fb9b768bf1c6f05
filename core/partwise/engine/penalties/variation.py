"""Is the factor flat, with few sharp edges? Total variation in 1, 2 or 3 dimensions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.penalty import Bound

__all__ = ["TotalVariation"]

Array = NDArray[Any]
_FIX = "give the shape of the line, image or volume, and a small soft"


@dataclass(frozen=True, slots=True)
class TotalVariation:
    """``strength · Σ_k Σ_p φ(|∇f_k|(p))``: flat regions, edges as sharp as the data.

    Parameters
    ----------
    strength
        How much the term counts beside the loss; at least 0.
    shape
        How the places lie: (rows, columns) of an image or (z, rows, columns) of
        a volume, in C order. None: along one line.
    soft
        Below it a difference is noise and counts squared, ``φ(g) = g² / (2 soft)``,
        above it in full, ``φ(g) = g − soft / 2`` (Huber). In units of the factor.

    Notes
    -----
    Rudin, Osher and Fatemi, Physica D 60 (1992), isotropic: the length of the
    forward differences in all directions. Bounded above by a quadratic with the
    weights 1 / max(g, soft) (Vogel and Oman, SIAM J. Sci. Comput. 17, 1996).
    """

    strength: float
    shape: tuple[int, ...] | None = None
    soft: float = 1e-3

    def __post_init__(self) -> None:
        if not self.soft > 0:
            raise InputProblem(
                f"TotalVariation needs soft above 0, got {self.soft}", argument="penalty", fix=_FIX
            )
        if self.shape is not None and not 1 <= len(self.shape) <= 3:
            raise InputProblem(
                f"TotalVariation takes 1, 2 or 3 dimensions, not {self.shape}",
                argument="penalty",
                fix=_FIX,
            )

    @property
    def shrinks(self) -> bool:
        return True

    def check(self, rank: int, places: int) -> str:
        if self.shape is None or math.prod(self.shape) == places:
            return ""
        return f"has shape {self.shape}, but the factor has {places} places"

    def value(self, F: Array) -> float:
        total = 0.0
        for f in np.asarray(F, dtype=np.float64):
            g = self._slopes(f)
            total += float(
                np.where(g < self.soft, g * g / (2 * self.soft), g - self.soft / 2).sum()
            )
        return self.strength * total

    def gradient(self, F: Array) -> Array:
        F = np.asarray(F, dtype=np.float64)
        return np.stack([self._matrix(f) @ f for f in F])

    def bound(self, F: Array, part: int) -> Bound:
        return Bound(along=self._matrix(np.asarray(F[part], dtype=np.float64)))

    def spread(self, F: Array) -> tuple[Any, Any]:
        pairs = [self.bound(F, k).apart(np.asarray(F[k], np.float64)) for k in range(len(F))]
        return np.stack([linear for linear, _ in pairs]), np.stack([ridge for _, ridge in pairs])

    def _grid(self, places: int) -> _Grid:
        return _grid(tuple(self.shape) if self.shape is not None else (places,))

    def _slopes(self, f: Array) -> Array:
        grid = self._grid(f.size)
        squares = np.square(f[grid.far] - f[grid.near])
        return np.sqrt(np.bincount(grid.near, squares, minlength=f.size))

    def _matrix(self, f: Array) -> Any:
        """Dᵀ diag(1 / max(|∇f|, soft)) D times the strength, on a pattern that is known."""
        grid = self._grid(f.size)
        weight = self.strength / np.maximum(self._slopes(f), self.soft)
        pulls = weight[grid.near]
        diagonal = np.bincount(grid.near, pulls, minlength=f.size)
        diagonal += np.bincount(grid.far, pulls, minlength=f.size)
        data = np.concatenate([-pulls, -pulls, diagonal])[grid.source]
        return sp.csr_array((data, grid.indices, grid.indptr), shape=(f.size, f.size))


@dataclass(frozen=True)
class _Grid:
    near: Array  # one entry per edge: the pixel that owns the difference
    far: Array
    source: Array  # where each stored entry of the matrix is taken from
    indices: Array
    indptr: Array


@lru_cache(maxsize=8)
def _grid(shape: tuple[int, ...]) -> _Grid:
    number = np.arange(math.prod(shape)).reshape(shape)
    near, far = [], []
    for axis in range(len(shape)):
        ahead = np.moveaxis(number, axis, 0)
        near.append(ahead[:-1].ravel())
        far.append(ahead[1:].ravel())
    a, b = np.concatenate(near), np.concatenate(far)
    rows = np.concatenate([a, b, number.ravel()])
    columns = np.concatenate([b, a, number.ravel()])
    source = np.lexsort((columns, rows))
    counts = np.bincount(rows, minlength=number.size)
    return _Grid(a, b, source, columns[source], np.append(0, np.cumsum(counts)))
