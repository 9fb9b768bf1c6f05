"""Which stain, or which white, do some pixels show?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem, Pyramid
from partwise_stain.presets import unit

if TYPE_CHECKING:
    from partwise_stain.quality import Slide

__all__ = ["colours_of", "pixels_in", "stain_of", "tissue_of", "white_of"]

_SIDE = 256  # px; of a larger box a coarser level is read
_POINT = 5  # px around a single click
_SEEN = 20_000  # pixels of tissue whose colours are drawn
_STRONG = 0.2  # OD from which the hue of a single pixel says something
_PALE = 0.08  # OD; below, a colour says nothing
_UNEVEN = 12.0  # levels; deviation in a box that is no background
_DARK = 60.0  # levels


def pixels_in(
    pyramid: Pyramid, box: tuple[float, float, float, float], downsample: float = 1.0
) -> NDArray[np.uint8]:
    """Read the pixels of a box (x, y, width, height) of level 0; a click takes 5 × 5 around it.

    Parameters
    ----------
    pyramid : Pyramid
    box : four numbers
    downsample : float
        Level-0 pixels per pixel that the person saw: a click means what was seen.

    Returns
    -------
    ndarray of uint8, shape (n, 3)
        Without what lies beyond the image.
    """
    x, y, width, height = box
    least = _POINT * max(downsample, 1.0)
    if max(width, height) < least:
        x, y = x + width / 2 - least / 2, y + height / 2 - least / 2
        width = height = least
    wanted = max(max(width, height) / _SIDE, min(downsample, 1.0))
    number = max(
        (k for k, level in enumerate(pyramid.levels) if level.downsample <= max(wanted, 1.0)),
        default=0,
    )
    level = pyramid.levels[number]
    down = level.downsample
    left, right = _span(x / down, width / down, level.width)
    top, bottom = _span(y / down, height / down, level.height)
    if right <= left or bottom <= top:
        return np.empty((0, 3), np.uint8)
    return pyramid.read(number, left, top, right - left, bottom - top).reshape(-1, 3)


def _span(start: float, size: float, most: int) -> tuple[int, int]:
    """First pixel, and the one after the last, of a stretch within an image."""
    first = math.floor(start + 0.5)
    return max(first, 0), min(first + max(math.floor(size + 0.5), 1), most)


def stain_of(
    pixels: NDArray[np.uint8], white: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Return the unit vector in OD of what pixels (n, 3) show.

    Raises
    ------
    InputProblem
        They are background.
    """
    light = np.maximum(pixels.astype(np.float64), 0.5)
    od = np.maximum(-np.log10(light / np.array(white)), 0) if len(pixels) else np.zeros((1, 3))
    size = np.linalg.norm(od, axis=1)
    mean = od[size >= np.median(size)].mean(axis=0)
    if np.linalg.norm(mean) < _PALE:
        raise InputProblem(
            "there is too little stain to tell its colour",
            argument="pixels",
            fix="pick where this stain is strong and alone",
        )
    r, g, b = (float(value) for value in unit(mean))
    return r, g, b


def tissue_of(slide: Slide) -> NDArray[np.uint8]:
    """Return pixels of tissue and ink on the overview, thinned out evenly, shape (n, 3)."""
    there = np.flatnonzero(slide.masks["tissue"] | slide.masks["pen"])
    return slide.rgb.reshape(-1, 3)[there[:: max(1, len(there) // _SEEN)]]


def colours_of(pixels: NDArray[np.uint8], white: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the OD of those pixels (n, 3) that are dark enough to have a hue, shape (m, 3)."""
    light = np.maximum(pixels, 0.5)
    od = np.maximum(-np.log10(light / np.array(white)), 0)
    return np.asarray(od[np.linalg.norm(od, axis=1) > _STRONG])


def white_of(pixels: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return the light of the background in pixels (n, 3), one decimal.

    Raises
    ------
    InputProblem
        They are not even, or dark.
    """
    light = pixels.astype(np.float64) if len(pixels) else np.zeros((1, 3))
    if light.std(axis=0).max() > _UNEVEN or light.mean(axis=0).min() < _DARK:
        raise InputProblem(
            "these pixels are no even, bright background",
            argument="pixels",
            fix="pick glass without tissue",
        )
    r, g, b = (round(float(value), 1) for value in np.median(light, axis=0))
    return r, g, b
