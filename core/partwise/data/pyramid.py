"""How does an image of any size give us a region? The promise that readers keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArrayPyramid", "DraftPyramid", "Level", "Pyramid"]

_SMALLEST = 256  # px; a level below this adds nothing that a thumbnail has not


@dataclass(frozen=True)
class Level:
    """One resolution of a pyramid; `downsample` is relative to level 0."""

    width: int
    height: int
    downsample: float


@runtime_checkable
class Pyramid(Protocol):
    """An 8-bit RGB image in one or more resolutions, read by region.

    Implementations can be sent to another process (they reopen their file there) and may be
    read from several threads at once.
    """

    @property
    def levels(self) -> tuple[Level, ...]:
        """Resolutions, finest first; level 0 has downsample 1."""
        ...

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Read a region.

        Parameters
        ----------
        level : int
        x, y, width, height : int
            Region in pixels **of that level**. What lies outside the image is white.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
        """
        ...


@runtime_checkable
class DraftPyramid(Pyramid, Protocol):
    """A pyramid that shows a level while it is being made, where that takes a while."""

    def draft(
        self, level: int, x: int, y: int, width: int, height: int, seconds: float
    ) -> tuple[NDArray[np.uint8], float]:
        """Read a region as it stands after some seconds at most.

        For the eye alone: numbers are of what `read` returns.

        Parameters
        ----------
        level, x, y, width, height : int
            As for `read`.
        seconds : float
            For going on with making the level.

        Returns
        -------
        pixels : ndarray of uint8, shape (height, width, 3)
        share : float
            How much of the level is known; 1 where the pixels are those that `read` returns.
        """
        ...


class ArrayPyramid:
    """A pyramid over an image that is in memory; coarser levels are 2 x 2 means.

    Parameters
    ----------
    image : ndarray of uint8, shape (height, width, 3)
        Kept, not copied.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            msg = f"an 8-bit RGB image is (height, width, 3) uint8, not {image.shape} {image.dtype}"
            raise ValueError(msg)
        # Only here: what compiles loops takes a while to import, and readers name this module.
        from partwise.data.halving import halved

        self._images = [image]
        while min(self._images[-1].shape[:2]) >= 2 * _SMALLEST:
            self._images.append(halved(self._images[-1]))

    @property
    def levels(self) -> tuple[Level, ...]:
        """Resolutions, finest first."""
        return tuple(
            Level(width=image.shape[1], height=image.shape[0], downsample=2.0**k)
            for k, image in enumerate(self._images)
        )

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Read a region of a level; white outside the image."""
        image = self._images[level]
        out = np.full((height, width, 3), 255, np.uint8)
        top, left = max(y, 0), max(x, 0)
        bottom, right = min(y + height, image.shape[0]), min(x + width, image.shape[1])
        if bottom > top and right > left:
            out[top - y : bottom - y, left - x : right - x] = image[top:bottom, left:right]
        return out
