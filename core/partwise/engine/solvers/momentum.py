"""How far may we leap ahead? Extrapolation that never lets the objective rise.

A plain step F maps a point z to a better one. The leap ``F(z) + b (F(z) - F(z'))``
along the last two plain steps is kept if it is no worse than z, else the plain
step is taken. The factor b grows with success and shrinks with failure, as in
Ang and Gillis (Neural Computation 31, 2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Momentum"]

Array = NDArray[Any]


class Momentum:
    """Holds the last plain step and how boldly to leap."""

    def __init__(self, *, positive_only: bool = False) -> None:
        self.size = 0.5
        self._cap = 1.0
        # Multiplicative updates never come back from zero: with
        # `positive_only` the leap adds and never takes away (Hien, Leplat and
        # Gillis, arXiv 2401.06646).
        self._positive_only = positive_only
        self._before: tuple[Array, Array] | None = None

    def leap(self, W: Array, H: Array, fixed: int) -> tuple[Array, Array] | None:
        """Propose a point beyond the plain step (W, H), or None the first time."""
        before, self._before = self._before, (W, H)
        if before is None:
            return None
        ahead_W = self._ahead(W, before[0])
        if fixed:
            ahead_W[:fixed] = W[:fixed]
        return ahead_W, self._ahead(H, before[1])

    def _ahead(self, now: Array, before: Array) -> Array:
        move = now - before
        if self._positive_only:
            np.maximum(move, 0, out=move)
        move *= now.dtype.type(self.size)
        move += now
        np.maximum(move, 0, out=move)
        return move

    def good(self) -> None:
        """The last leap was kept."""
        self._cap = min(1.0, 1.05 * self._cap)
        self.size = min(self._cap, 1.1 * self.size)

    def bad(self) -> None:
        """The last leap was refused; forget where it came from."""
        self._cap = max(0.1, self.size)
        self.size /= 1.7
        self._before = None
