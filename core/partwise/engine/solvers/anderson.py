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
        self.forget()

    def forget(self) -> None:
        self._images: list[Array] = []
        self._residuals: list[Array] = []

    def guess(self, point: Array, image: Array) -> Array | None:
        """Add a pair and return a proposal of the shape of `image`, or None at first."""
        self._images.append(image.ravel())
        self._residuals.append((image - point).ravel())
        if len(self._images) > self._depth + 1:
            del self._images[0], self._residuals[0]
        if len(self._images) < 2:
            return None
        steps = np.diff(np.array(self._residuals), axis=0).T
        scale = np.linalg.norm(steps, axis=0)
        if not (scale > 0).all():
            return None
        mix = np.linalg.lstsq(steps / scale, self._residuals[-1], rcond=1e-6)[0] / scale
        moved = image.ravel() - np.diff(np.array(self._images), axis=0).T @ mix
        if not np.isfinite(moved).all():
            return None
        return np.asarray(np.maximum(moved.reshape(image.shape), 0))
