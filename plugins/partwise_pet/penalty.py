"""Which factors keep out of which others' way, and where may a factor not be at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Apart", "settled_images"]

Array = NDArray[Any]

_TILE = 1 << 14  # places that stay in cache
_SWEEPS, _STILL = 60, 1e-4


@dataclass(frozen=True)
class _Bound:
    """A line above the penalty, as the engine's solvers ask for it."""

    linear: Any
    ridge: Any = 0.0
    along: Any = None

    def apart(self, f: Array) -> tuple[Any, Any]:
        return self.linear, self.ridge


@dataclass(frozen=True, eq=False)
class Apart:
    """``½ Σ_kl pairs_kl f_k · f_l + Σ barred · f``: overlap of some pairs, and forbidden places.

    The engine's `Overlap` treats all pairs alike. Blood runs through every tissue, so that blood
    and tissue must be let meet; two tissues, or two pools of blood, need not.

    Attributes
    ----------
    pairs : float64, shape (parts, parts)
        Symmetric, at least 0, zero on the diagonal.
    barred : float64, shape (parts, places), or None
        What a part costs at a place; far above the data it bars the part from there.
    """

    pairs: NDArray[np.float64]
    barred: NDArray[np.float64] | None = None

    @property
    def strength(self) -> float:
        reach = float(self.pairs.max(initial=0.0))
        return max(reach, float(self.barred.max(initial=0.0)) if self.barred is not None else 0.0)

    @property
    def shrinks(self) -> bool:
        return True

    def value(self, F: Array) -> float:
        F = np.asarray(F, dtype=np.float64)
        gram = F @ F.T
        told = 0.5 * float((self.pairs * gram).sum())
        return told + (float((self.barred * F).sum()) if self.barred is not None else 0.0)

    def gradient(self, F: Array) -> Array:
        slope = self.pairs @ np.asarray(F, dtype=np.float64)
        return np.asarray(slope + self.barred if self.barred is not None else slope)

    def bound(self, F: Array, part: int) -> _Bound:
        linear = self.pairs[part] @ np.asarray(F, dtype=np.float64)
        return _Bound(linear + self.barred[part] if self.barred is not None else linear)


def settled_images(
    gram: NDArray[np.float64],
    cross: NDArray[np.float64],
    pairs: NDArray[np.float64],
    barred: NDArray[np.float64] | None,
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the images H >= 0 for fixed curves under `Apart`, one factor after the other.

    Parameters
    ----------
    gram : float64, shape (parts, parts)
        WᵀW.
    cross : float64, shape (parts, places)
        WᵀX.
    pairs, barred
        As in `Apart`.
    start : float64, shape (parts, places), optional
        Where to begin: parts that keep apart may settle in more ways than one.
    """
    H = np.zeros_like(cross) if start is None else start.copy()
    pull = gram + pairs
    own = np.maximum(np.diag(gram), 1e-30)
    for first in range(0, cross.shape[1], _TILE):
        piece = slice(first, first + _TILE)
        part = H[:, piece]
        wanted = cross[:, piece] - (barred[:, piece] if barred is not None else 0.0)
        for _ in range(_SWEEPS):
            moved = 0.0
            for k in range(len(part)):
                new = np.maximum(part[k] + (wanted[k] - pull[k] @ part) / own[k], 0)
                moved = max(moved, float(np.abs(new - part[k]).max(initial=0)))
                part[k] = new
            if moved <= _STILL * float(part.max(initial=0)):
                break
    return H
