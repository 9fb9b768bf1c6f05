"""The compiled loops over pixels: what takes most of the way from a slide to its colours.

Each does in one pass, channel by channel, what array expressions do in many: three channels are
too few for those to be quick.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import compiled

__all__ = [
    "BINS",
    "INK",
    "MAYBE_INK",
    "RED_INK",
    "add_up",
    "added_ink",
    "bin_numbers",
    "brightness",
    "chosen_colours",
    "ink_hues",
    "lengths",
    "lowest_around",
    "relative_noise",
    "roughness",
    "variance",
]

_Floats = NDArray[np.float32]

_HUES = 100  # steps of the share that red, or blue, has in a colour's OD: about a degree
_SIZES = 48  # steps of its sum over the channels: up to three times what 8 bits resolve
_SMALL, _LARGER = 0.05, 1.12  # OD; the first of them, and how many times the next
BINS = _SIZES * (_HUES + 1) ** 2

INK, MAYBE_INK, RED_INK = 1, 2, 4  # bits of `ink_hues`


def lengths(od: _Floats) -> _Floats:
    """Return the length of each pixel's OD, shape (h, w)."""
    out = np.empty(od.shape[:2], np.float32)
    _lengths(od, out)
    return out


def brightness(light: _Floats) -> _Floats:
    """Return the mean of the channels, shape (h, w)."""
    out = np.empty(light.shape[:2], np.float32)
    _brightness(light, out)
    return out


def roughness(light: _Floats) -> _Floats:
    """Return the standard deviation of brightness in 3 × 3, shape (h, w)."""
    out = np.empty(light.shape[:2], np.float32)
    _spread(brightness(light), out)
    return np.sqrt(out, out=out)


def variance(od: _Floats) -> _Floats:
    """Return the variance of each channel in 3 × 3, shape as `od`."""
    out = np.empty_like(od)
    for c in range(od.shape[2]):
        plane = np.ascontiguousarray(od[..., c])
        spread = np.empty_like(plane)
        _spread(plane, spread)
        out[..., c] = spread
    return out


def relative_noise(light: NDArray[Any]) -> NDArray[Any]:
    """Return the expected deviation of OD per level of noise, shape (...) for light (..., 3).

    The root of the mean square over the channels; a light below four levels counts as four.
    """
    out = np.empty(light.shape[:-1], light.dtype)
    _relative_noise(light.reshape(-1, 3), out.reshape(-1))
    return out


def ink_hues(od: _Floats, *, brown: bool, inky: bool) -> NDArray[np.uint8]:
    """Return bits that tell which pixels have the hue of ink, shape (h, w).

    `INK` for hues that no stain of tissue has, `MAYBE_INK` for mixtures of those with tissue,
    `RED_INK` for red ink, where no brown chromogen is expected; see `optics.pen_mask`.
    """
    out = np.empty(od.shape[:2], np.uint8)
    _ink_hues(od, brown, inky, out)
    return out


def lowest_around(od: _Floats, reach: int) -> _Floats:
    """Return the least of each channel within `reach` pixels along both axes, shape as `od`."""
    out = np.empty_like(od)
    _lowest_around(od, reach, out)
    return out


def added_ink(
    low: _Floats,
    usual: _Floats,
    above: tuple[float, float],
    *,
    brown: bool,
    inky: bool,
) -> NDArray[np.bool_]:
    """Mark where the faintest light has ink above what is usual, shape (h, w).

    Parameters
    ----------
    low : float32, shape (h, w, 3)
        OD of the faintest light around.
    usual : float32, shape (3,)
    above : two numbers
        OD above the usual from which it is cold ink, red ink.
    brown, inky : bool
        As in `optics.pen_mask`.
    """
    out = np.zeros(low.shape[:2], np.bool_)
    _added_ink(low, usual, np.float32(above[0]), np.float32(above[1]), brown, inky, out)
    return out


def chosen_colours(
    light: _Floats,
    od: _Floats,
    weight: _Floats,
    free: NDArray[np.bool_],
    limits: tuple[float, float, float],
    cells: int,
) -> tuple[_Floats, _Floats, NDArray[np.int64]]:
    """Return OD (n, 3), weight (n,) and cell (n,) of the pixels that tell something of stains.

    Parameters
    ----------
    light, od : float32, shape (h, w, 3)
    weight : float32, shape (h, w)
    free : bool, shape (h, w)
        Whether a pixel may be chosen.
    limits : three numbers
        OD from which a colour is not faint; OD below the background that is no tissue; level at
        which light is clipped.
    cells : int
        The image is cut into so many along both axes.
    """
    most = int(np.count_nonzero(free))
    ods = np.empty((most, 3), np.float32)
    weights, numbers = np.empty(most, np.float32), np.empty(most, np.int64)
    faint, below, clipped = (np.float32(limit) for limit in limits)
    asked = (faint, below, clipped)
    count = _chosen(light, od, weight, free, asked, cells, ods, weights, numbers)
    return ods[:count], weights[:count], numbers[:count]


def bin_numbers(od: NDArray[Any], wider: float = 1.0) -> NDArray[np.int64]:
    """Number colours (n, 3) by the shares of red and blue in their OD, and by its sum; (n,).

    Pale colours then have bins as narrow in angle as dark ones. Numbers are below `BINS`; bins are
    `wider` times as wide as usual.
    """
    out = np.empty(len(od), np.int64)
    _bin_numbers(od, _HUES / wider, 1 / (wider * np.log(_LARGER)), out)
    return out


@compiled
def add_up(
    index: NDArray[np.int32],
    weight: _Floats,
    od: _Floats,
    cell: NDArray[np.int64],
    sums: NDArray[np.float64],
    cells: NDArray[np.float64],
) -> None:
    """Add weighted OD (n, 3) to `sums` (bins, 3), and weight to `cells` (cells, bins), by index."""
    for i in range(len(index)):
        k, w = index[i], np.float64(weight[i])
        cells[cell[i], k] += w
        for c in range(3):
            sums[k, c] += w * od[i, c]


@compiled
def _lengths(od: _Floats, out: _Floats) -> None:
    for y in range(od.shape[0]):
        for x in range(od.shape[1]):
            r, g, b = od[y, x, 0], od[y, x, 1], od[y, x, 2]
            out[y, x] = np.sqrt(r * r + g * g + b * b)


@compiled
def _brightness(light: _Floats, out: _Floats) -> None:
    third = np.float32(1 / 3)
    for y in range(light.shape[0]):
        for x in range(light.shape[1]):
            out[y, x] = (light[y, x, 0] + light[y, x, 1] + light[y, x, 2]) * third


@compiled
def _relative_noise(light: NDArray[Any], out: NDArray[Any]) -> None:
    for i in range(len(light)):
        r, g, b = max(light[i, 0], 4.0), max(light[i, 1], 4.0), max(light[i, 2], 4.0)
        mean = (1 / (r * r) + 1 / (g * g) + 1 / (b * b)) / 3
        out[i] = np.sqrt(mean) / np.log(10)


@compiled
def _spread(plane: _Floats, out: _Floats) -> None:
    """Variance in 3 × 3; beyond the border the last pixel goes on."""
    height, width = plane.shape
    ninth = np.float32(1 / 9)
    for y in range(height):
        above, here, below = plane[max(y - 1, 0)], plane[y], plane[min(y + 1, height - 1)]
        row = out[y]
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            # From the middle one, so that the squares of large values do not cancel.
            middle = here[x]
            a, b, c = above[left] - middle, above[x] - middle, above[right] - middle
            d, e = here[left] - middle, here[right] - middle
            f, g, h = below[left] - middle, below[x] - middle, below[right] - middle
            mean = (a + b + c + d + e + f + g + h) * ninth
            square = a * a + b * b + c * c + d * d + e * e + f * f + g * g + h * h
            row[x] = max(square * ninth - mean * mean, np.float32(0))


@compiled
def _ink_hues(od: _Floats, brown: bool, inky: bool, out: NDArray[np.uint8]) -> None:
    for y in range(od.shape[0]):
        for x in range(od.shape[1]):
            r, g, b = od[y, x, 0], od[y, x, 1], od[y, x, 2]
            size = np.sqrt(r * r + g * g + b * b)
            bits = 0
            if size > np.float32(0.2):
                scale = np.float32(1) / size
                r, g, b = r * scale, g * scale, b * scale
                low = min(r, b)
                if size > np.float32(1.4) and min(low, g) > np.float32(0.5):  # black
                    bits |= 3
                if not inky:  # green, blue
                    if g < np.float32(0.93) * low or (
                        r > np.float32(1.32) * g and r > np.float32(0.68)
                    ):
                        bits |= 1
                    if g < low or (r > np.float32(1.12) * g and r > np.float32(0.64)):
                        bits |= 2
                if not brown and g > np.float32(0.5):
                    if size > np.float32(0.5) and r < np.float32(0.12) and b > np.float32(0.62):
                        bits |= 4
                    if r < np.float32(0.18) and b > np.float32(0.58):
                        bits |= 2
            out[y, x] = bits


@compiled
def _lowest_around(od: _Floats, reach: int, out: _Floats) -> None:
    height, width = od.shape[0], od.shape[1]
    column = np.empty((width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                least = od[y, x, c]
                for other in range(max(y - reach, 0), min(y + reach + 1, height)):
                    least = min(least, od[other, x, c])
                column[x, c] = least
        for x in range(width):
            for c in range(3):
                least = column[x, c]
                for other in range(max(x - reach, 0), min(x + reach + 1, width)):
                    least = min(least, column[other, c])
                out[y, x, c] = least


@compiled
def _added_ink(
    low: _Floats,
    usual: _Floats,
    cold: np.float32,
    warm: np.float32,
    brown: bool,
    inky: bool,
    out: NDArray[np.bool_],
) -> None:
    zero = np.float32(0)
    for y in range(low.shape[0]):
        for x in range(low.shape[1]):
            red, green, blue = low[y, x, 0], low[y, x, 1], low[y, x, 2]
            r = max(red - usual[0], zero)
            g = max(green - usual[1], zero)
            b = max(blue - usual[2], zero)
            size = np.sqrt(r * r + g * g + b * b)
            if size <= min(cold, warm):
                continue
            r, g, b = r / size, g / size, b / size
            # Where one stain stands in for the other nothing is added: so wide a patch of
            # haematoxylin has still more green than red, and one of eosin more green than blue.
            if not inky and size > cold and red > green:
                hue = g < np.float32(0.95) * min(r, b)
                out[y, x] = hue or (r > np.float32(1.12) * g and r > np.float32(0.6))
            if not brown and size > warm and blue > np.float32(0.77) * green:
                hue = r < np.float32(0.2) and b > np.float32(0.85) * g
                out[y, x] |= hue and g > np.float32(0.5)


@compiled
def _chosen(
    light: _Floats,
    od: _Floats,
    weight: _Floats,
    free: NDArray[np.bool_],
    limits: tuple[np.float32, np.float32, np.float32],
    cells: int,
    ods: _Floats,
    weights: _Floats,
    numbers: NDArray[np.int64],
) -> int:
    faint, below, clipped = limits
    height, width = free.shape
    zero = np.float32(0)
    count = 0
    for y in range(height):
        row = y * cells // height
        for x in range(width):
            if not free[y, x]:
                continue
            r, g, b = od[y, x, 0], od[y, x, 1], od[y, x, 2]
            if np.sqrt(r * r + g * g + b * b) <= faint or min(r, g, b) <= -below:
                continue
            if min(light[y, x, 0], light[y, x, 1], light[y, x, 2]) <= clipped:
                continue
            ods[count, 0], ods[count, 1], ods[count, 2] = max(r, zero), max(g, zero), max(b, zero)
            weights[count] = weight[y, x]
            numbers[count] = row * cells + x * cells // width
            count += 1
    return count


@compiled
def _bin_numbers(od: NDArray[Any], hues: float, sizes: float, out: NDArray[np.int64]) -> None:
    for i in range(len(od)):
        total = max(od[i, 0] + od[i, 1] + od[i, 2], 1e-3)
        red, blue = int(od[i, 0] / total * hues), int(od[i, 2] / total * hues)
        size = int(min(max(np.log(total / _SMALL) * sizes, 0.0), _SIZES - 1.0))
        out[i] = (size * (_HUES + 1) + red) * (_HUES + 1) + blue
