"""How is a line of a thousand columns drawn in no time? By how much of each pixel it covers.

Qt's line painter takes a time that grows with how restless a line is; here it depends on the
number of pixels alone. All is worked out in a lane: the rows of the screen that a line may use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

__all__ = ["coverage", "laid", "lane_image", "lane_of"]

Cover = NDArray[np.float32]


def coverage(top: NDArray[Any], bottom: NDArray[Any], rows: int) -> Cover:
    """Return how much of each pixel lies between two lines, 0 to 1.

    Parameters
    ----------
    top, bottom : ndarray, shape (width,)
        In rows from the upper border of the lane; NaN where there is nothing.
    rows : int
        Height of the lane.

    Returns
    -------
    ndarray, shape (rows, width)
    """
    upper = np.asarray(np.nan_to_num(top, nan=-9.0), np.float32)
    lower = np.asarray(np.nan_to_num(bottom, nan=-9.0), np.float32)
    row = np.arange(rows, dtype=np.float32)[:, None]
    out: Cover = np.minimum(lower, row + 1)
    out -= np.maximum(upper, row)
    np.maximum(out, 0, out=out)
    return out


def lane_of(rows: int, width: int) -> Cover:
    """Return an empty lane: blue, green, red and opacity, each (rows, width), premultiplied."""
    return np.zeros((4, rows, width), np.float32)


def laid(lane: Cover, cover: Cover, color: QColor) -> None:
    """Lay a colour over a lane where it covers."""
    tint = cover * np.float32(color.alphaF())
    rest = 1 - tint
    for channel, value in enumerate((color.blueF(), color.greenF(), color.redF(), 1.0)):
        lane[channel] *= rest
        lane[channel] += tint * np.float32(value)


def lane_image(lane: Cover) -> QImage:
    """Return a lane as a picture that can be drawn over others."""
    _, rows, width = lane.shape
    pixels = np.empty((rows, width, 4), np.uint8)
    for channel in range(4):
        pixels[..., channel] = lane[channel] * 255 + np.float32(0.5)
    form = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.data, width, rows, 4 * width, form).copy()
