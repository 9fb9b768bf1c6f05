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
    "INK",
    "MAYBE_INK",
    "RED_INK",
    "added_ink",
    "brightness",
    "ink_hues",
    "lengths",
    "lowest_around",
    "means",
    "medians",
    "opened",
    "relative_noise",
    "roughness",
    "variance",
]

_Floats = NDArray[np.float32]

INK, MAYBE_INK, RED_INK = 1, 2, 4  # bits of `ink_hues`


def medians(values: _Floats) -> _Floats:
    """Return the median of each column of (n, columns), n > 0."""
    # Sorted whole, in vector registers, these few are quicker than numpy's median of each.
    columns = np.sort(np.ascontiguousarray(values.T), axis=1)
    count = len(values)
    return np.asarray((columns[:, (count - 1) // 2] + columns[:, count // 2]) / np.float32(2))


def means(
    image: NDArray[np.uint8], fine: _Floats, wide: _Floats
) -> tuple[tuple[_Floats, _Floats], tuple[_Floats, _Floats]]:
    """Return light and OD of 2 × 2 and of 4 × 4 means: (light, light), (od, od).

    So few whole levels have few means, so that OD is looked up: 1021 of four, 4081 of sixteen.

    Parameters
    ----------
    image : uint8, shape (h, w, 3)
    fine, wide : float32, shapes (1021, 3) and (4081, 3)
        OD of each fourth and of each sixteenth of a level.
    """
    half = (image.shape[0] // 2, image.shape[1] // 2, 3)
    fourth = (half[0] // 2, half[1] // 2, 3)
    lights = np.empty(half, np.float32), np.empty(fourth, np.float32)
    ods = np.empty(half, np.float32), np.empty(fourth, np.float32)
    _means(np.ascontiguousarray(image), fine, wide, lights, ods)
    return lights, ods


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
    grey = brightness(light)
    out = np.empty_like(grey)
    _spread(grey, 1, out)
    return np.sqrt(out, out=out)


def variance(od: _Floats) -> _Floats:
    """Return the variance of each channel in 3 × 3, shape as `od`."""
    out = np.empty_like(od, order="C")
    height, width, channels = od.shape
    flat = (height, width * channels)
    _spread(np.ascontiguousarray(od).reshape(flat), channels, out.reshape(flat))
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
    out = np.empty_like(od, order="C")
    height, width, channels = od.shape
    flat = (height, width * channels)
    rows = np.ascontiguousarray(od).reshape(flat)
    _lowest_around(rows, channels, reach, out.reshape(flat))
    return out


def opened(mask: NDArray[np.bool_], times: int = 1) -> NDArray[np.bool_]:
    """Return a mask without what is narrower than 2 · `times` + 1 pixels along an axis.

    Eroded and dilated so many times by a pixel and its four neighbours; beyond the border nothing
    is marked.
    """
    now, then = np.array(mask, dtype=np.bool_, order="C"), np.zeros_like(mask, order="C")
    for _ in range(times):
        if not now.any():  # as almost always, and known after a step or two
            return np.zeros_like(mask)
        _eroded(now, then)
        now, then = then, now
    for _ in range(times if now.any() else 0):
        _dilated(now, then)
        now, then = then, now
    return now


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


@compiled
def _means(
    image: NDArray[np.uint8],
    fine: _Floats,
    wide: _Floats,
    lights: tuple[_Floats, _Floats],
    ods: tuple[_Floats, _Floats],
) -> None:
    light, od = lights[0], ods[0]
    quarter = np.float32(0.25)
    for y in range(light.shape[0]):
        above, below = image[2 * y], image[2 * y + 1]
        for x in range(light.shape[1]):
            for c in range(3):
                total = np.int32(above[2 * x, c]) + np.int32(above[2 * x + 1, c])
                total += np.int32(below[2 * x, c]) + np.int32(below[2 * x + 1, c])
                light[y, x, c] = total * quarter
                od[y, x, c] = fine[total, c]
    light4, od4 = lights[1], ods[1]
    for y in range(light4.shape[0]):
        upper, lower = light[2 * y], light[2 * y + 1]
        for x in range(light4.shape[1]):
            for c in range(3):
                four = upper[2 * x, c] + upper[2 * x + 1, c] + lower[2 * x, c] + lower[2 * x + 1, c]
                light4[y, x, c] = four * quarter
                od4[y, x, c] = wide[np.int32(four * np.float32(4)), c]


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
def _spread(rows: _Floats, step: int, out: _Floats) -> None:
    """Variance in 3 × 3, neighbours in a row `step` apart; beyond the border the last goes on."""
    height, length = rows.shape
    inner = max(length - 2 * step, 0)
    for y in range(height):
        above, here, below = rows[max(y - 1, 0)], rows[y], rows[min(y + 1, height - 1)]
        # Three views of each row in place of a look at its ends: so it runs in vector registers.
        _deviations(
            (above[:inner], above[step : step + inner], above[2 * step :]),
            (here[:inner], here[step : step + inner], here[2 * step :]),
            (below[:inner], below[step : step + inner], below[2 * step :]),
            out[y, step : step + inner],
        )
        for edge in range(2 * step):
            i = edge if edge < step else length - 2 * step + edge
            left, right = (i - step if i >= step else i), (i + step if i + step < length else i)
            _deviations(
                (above[left : left + 1], above[i : i + 1], above[right : right + 1]),
                (here[left : left + 1], here[i : i + 1], here[right : right + 1]),
                (below[left : left + 1], below[i : i + 1], below[right : right + 1]),
                out[y, i : i + 1],
            )


_Three = tuple[_Floats, _Floats, _Floats]


@compiled
def _deviations(above: _Three, here: _Three, below: _Three, out: _Floats) -> None:
    ninth = np.float32(1 / 9)
    for i in range(len(out)):
        # From the middle one, so that the squares of large values do not cancel.
        middle = here[1][i]
        a, b, c = above[0][i] - middle, above[1][i] - middle, above[2][i] - middle
        d, e = here[0][i] - middle, here[2][i] - middle
        f, g, h = below[0][i] - middle, below[1][i] - middle, below[2][i] - middle
        mean = (a + b + c + d + e + f + g + h) * ninth
        square = a * a + b * b + c * c + d * d + e * e + f * f + g * g + h * h
        out[i] = max(square * ninth - mean * mean, np.float32(0))


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
def _lowest_around(rows: _Floats, step: int, reach: int, out: _Floats) -> None:
    """Of each value of a row, the least among those up to `reach` times `step` away."""
    height, length = rows.shape
    low = np.empty(length, np.float32)
    for y in range(height):
        low[:] = rows[y]
        for other in range(max(y - reach, 0), min(y + reach + 1, height)):
            for i in range(length):
                low[i] = min(low[i], rows[other, i])
        line = out[y]
        line[:] = low
        for apart in range(step, min(reach * step, length - 1) + 1, step):
            before, after = low[: length - apart], low[apart:]
            first, last = line[: length - apart], line[apart:]
            for i in range(length - apart):
                first[i] = min(first[i], after[i])
            for i in range(length - apart):
                last[i] = min(last[i], before[i])


@compiled
def _eroded(mask: NDArray[np.bool_], out: NDArray[np.bool_]) -> None:
    height, width = mask.shape
    out[:] = False
    if width < 3:
        return
    for y in range(1, height - 1):
        here = mask[y]
        before, middle, after = here[: width - 2], here[1 : width - 1], here[2:]
        above, below = mask[y - 1, 1 : width - 1], mask[y + 1, 1 : width - 1]
        line = out[y, 1 : width - 1]
        for x in range(width - 2):
            line[x] = before[x] & middle[x] & after[x] & above[x] & below[x]


@compiled
def _dilated(mask: NDArray[np.bool_], out: NDArray[np.bool_]) -> None:
    height, width = mask.shape
    for y in range(height):
        here, line = mask[y], out[y]
        above, below = mask[max(y - 1, 0)], mask[min(y + 1, height - 1)]
        for x in range(width):
            line[x] = here[x] | above[x] | below[x]
        before, after, first, last = here[: width - 1], here[1:], line[: width - 1], line[1:]
        for x in range(width - 1):
            first[x] |= after[x]
        for x in range(width - 1):
            last[x] |= before[x]


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
