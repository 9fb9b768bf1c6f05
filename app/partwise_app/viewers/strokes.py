"""How is a line of a thousand columns drawn in no time? By how much of each pixel it covers.

Qt's line painter takes a time that grows with how restless a line is; here it depends on the
number of pixels alone. All is worked out in a lane: the rows of the screen that a line may use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

__all__ = ["Layer", "coverage", "lane_image", "layer_of"]

Cover = NDArray[np.float32]
_FILL = 0.28  # opacity of what lies below a line


class Layer(NamedTuple):
    """A line in a lane: how much it covers, from row `first` on, and its colour, ``#rrggbb``."""

    first: int
    cover: Cover
    color: str


def coverage(top: NDArray[Any], bottom: NDArray[Any], first: int, last: int) -> Cover:
    """Return how much of each pixel lies between two lines, 0 to 1.

    Parameters
    ----------
    top, bottom : ndarray, shape (width,)
        In rows from the upper border of the lane; NaN where there is nothing.
    first, last : int
        Rows wanted, the last one excluded.

    Returns
    -------
    ndarray, shape (last - first, width)
    """
    upper = np.asarray(np.nan_to_num(top, nan=-9.0), np.float32)
    lower = np.asarray(np.nan_to_num(bottom, nan=-9.0), np.float32)
    row = np.arange(first, last, dtype=np.float32)[:, None]
    out: Cover = np.minimum(lower, row + 1)
    out -= np.maximum(upper, row)
    np.maximum(out, 0, out=out)
    return out


def layer_of(
    top: NDArray[Any],
    bottom: NDArray[Any],
    rows: int,
    color: str,
    *,
    pen: float,
    base: float | None = None,
) -> Layer:
    """Return a line that reaches from `top` to `bottom` in each column, as wide as a pen.

    Only the rows that it touches are worked out, which is most of what makes it fast.

    Parameters
    ----------
    top, bottom : ndarray, shape (width,)
        In rows from the upper border of the lane; NaN where there is nothing.
    rows : int
        Height of the lane.
    color : str
    pen : float
        Half the width of the line, in rows.
    base : float, optional
        The row down to which the colour is laid thinly below the line.
    """
    if np.isnan(top).all():
        return Layer(0, np.zeros((0, len(top)), np.float32), color)
    low = float(np.nanmax(bottom)) + pen
    low = max(low, base) if base is not None else low
    first = min(max(int(np.floor(float(np.nanmin(top)) - pen)), 0), rows)
    last = min(max(int(np.ceil(low)), first), rows)
    cover = coverage(top - pen, bottom + pen, first, last)
    if base is not None:
        below = coverage(top, np.where(np.isnan(top), np.nan, base), first, last)
        below *= np.float32(_FILL)
        np.maximum(cover, below, out=cover)
    return Layer(first, cover, color)


def lane_image(layers: Sequence[Layer], rows: int, width: int) -> QImage:
    """Return layers over one another, the lowest first, as a picture to draw over others."""
    pixels = np.zeros((4, rows, width), np.float32)
    through = np.ones((rows, width), np.float32)
    # From the top down: each layer shows as much as those above it let through.
    for first, cover, name in reversed(layers):
        seen = slice(first, first + len(cover))
        shown = cover * through[seen]
        through[seen] -= shown
        color = QColor(name)
        for channel, value in enumerate((color.blue(), color.green(), color.red())):
            if value:
                pixels[channel, seen] += shown * np.float32(value)
    np.subtract(1, through, out=pixels[3])
    pixels[3] *= np.float32(255)
    pixels += np.float32(0.5)
    packed = np.empty((rows, width, 4), np.uint8)
    for channel in range(4):
        packed[..., channel] = pixels[channel]
    form = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(packed.data, width, rows, 4 * width, form).copy()
