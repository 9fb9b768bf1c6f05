"""Where does a sequence of small steps lead? Anderson's mixing of the last few.

For a fixed-point map with a handful of unknowns the last residuals tell where
the sequence is heading (Anderson, J. ACM 12, 1965; Walker and Ni, SIAM J.
Numer. Anal. 49, 2011). The caller keeps the proposal only if it is better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Anderson"]

Array = NDArray[Any]


class Anderson:
    """Remembers a few (point, image) pairs of a map and guesses its fixed point."""

    def __init__(self, depth: int = 10) -> None:
        self._depth = depth
        self._steps: Array = np.empty(0)
        self.forget()

    def forget(self) -> None:
        self._count = 0
        self._last: tuple[Array, Array] | None = None

    def guess(self, point: Array, image: Array) -> Array | None:
        """Add a pair and return a proposal of the shape of `image`, or None at first."""
        now = image.ravel()
        residual = now - point.ravel()
        if self._steps.shape != (2, self._depth, now.size):
            self._steps = np.empty((2, self._depth, now.size))
            self._gram = np.zeros((self._depth, self._depth))
        before, self._last = self._last, (now, residual)
        if before is None:
            return None
        # A ring of differences, of the residuals and of the images. Residuals
        # are kept at unit length, so that their Gram matrix is well scaled.
        step = residual - before[1]
        norm = float(np.sqrt(step @ step))
        if not (np.isfinite(norm) and norm > 0):
            return None
        slot = self._count % self._depth
        self._steps[0, slot] = step / norm
        self._steps[1, slot] = (now - before[0]) / norm
        self._count += 1
        held = min(self._count, self._depth)
        steps, moves = self._steps[:, :held]
        row = steps @ steps[slot]
        self._gram[slot, :held] = row
        self._gram[:held, slot] = row
        gram = self._gram[:held, :held] + _RIDGE * np.eye(held)
        mix = np.linalg.solve(gram, steps @ residual)
        moved = now - mix @ moves
        if not np.isfinite(moved).all():
            return None
        return np.asarray(np.maximum(moved.reshape(image.shape), 0))


# Holds back directions that the last steps do not tell apart.
_RIDGE = 1e-12
