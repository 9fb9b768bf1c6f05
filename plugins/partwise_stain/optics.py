"""How bright is the light that met no tissue, and what is pen, blank or clipped?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from partwise.api import halved as means_of_four
from partwise_stain.pixels import (
    INK,
    MAYBE_INK,
    RED_INK,
    added_ink,
    brightness,
    ink_hues,
    lengths,
    lowest_around,
    medians,
    opened,
    roughness,
)

__all__ = ["White", "find_white", "halved", "optical_density", "pen_mask"]

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_FLAT = (2.5, 4.0)  # levels; deviation in 3 × 3 below which a spot is even: usual, noisy camera
_POPULATED = 0.004  # share of all pixels within two levels of a mode that is believed
_TIGHT = 3.0  # levels; deviation of a believed mode
_COLOURED = 42.0  # levels between channels; a background beyond is pale stain
# In 2 × 2 means: half the width of a stroke of ink, the width of a red one, holes in that.
_THICK, _WIDE_RED, _HOLE_RED = 3, 15, 7
_BRIGHTER = (8.0, 0.02)  # a mode is not background if more than this share is this much brighter
# Without background: percentile of the brightest light, how far its lower channels are raised
# towards grey (tuning split, fields without background).
_BRIGHT, _GREY = 99.9, 0.7
# The plane of its stains: OD of tissue, levels of what is too dark, pixels needed and taken, share
# of them by evenness.
_TISSUE, _DARK, _ENOUGH, _MOST, _EVEN = 0.1, 20.0, 200, 20_000, 0.4
# Ink over tissue, in 4 × 4 means: neighbourhood whose faintest light is looked at, OD above what
# is usual there; the same for red ink; how far a stroke is followed.
_AROUND, _ABOVE, _ABOVE_RED, _STROKE = 5, 0.2, 0.3, 20


@dataclass(frozen=True)
class White:
    """Light without tissue: level per channel, how it was found, and on how much of the image."""

    levels: tuple[float, float, float]
    how: str  # "background", "brightest", "given"
    share: float = 0.0


def halved(image: NDArray[Any]) -> Floats:
    """Return means of 2 × 2 pixels, shape (h // 2, w // 2, channels), float32."""
    return means_of_four(image, np.float32)


def optical_density(light: NDArray[Any], white: ArrayLike) -> Floats:
    """Return -log10(I / I0), shape as `light`; a level below one half counts as one half."""
    levels = np.asarray(white, dtype=np.float32)
    if light.dtype == np.uint8:
        table = optical_density(np.arange(256, dtype=np.float32)[:, None], levels)
        out = np.empty(light.shape, np.float32)
        for channel in range(light.shape[-1]):
            out[..., channel] = table[:, channel][light[..., channel]]
        return out
    od = np.log(np.maximum(light, np.float32(0.5)))  # the common logarithm takes four times as long
    od *= np.float32(-1 / np.log(10))
    return np.asarray(od + np.log10(levels))


def find_white(lights: Sequence[Floats]) -> White:
    """Find the background: the brightest well-populated, tight mode of flat spots.

    No absolute brightness is asked for, so dim and tinted scans are found too.

    Parameters
    ----------
    lights : sequence of float32 arrays, shape (h, w, 3)
        2 × 2 means of an overview or of regions.
    """
    total = sum(light.shape[0] * light.shape[1] for light in lights)
    rough = [roughness(light) for light in lights]
    grey = np.concatenate([brightness(light).ravel() for light in lights])
    for limit in _FLAT:
        flat = np.concatenate([lt[r < limit] for lt, r in zip(lights, rough, strict=True)])
        found = _brightest_mode(flat, grey, total)
        if found is not None:
            return found
    # No spot of this image is surely free of tissue. Its brightest light is a bound from below
    # for each channel; a lamp is nearly grey, so the lower channels are raised most of the way. But
    # what lies over the brightest light is a little of the stains, and no more is taken off.
    coarse = np.concatenate([halved(light).reshape(-1, 3) for light in lights])
    brightest = np.clip(np.percentile(coarse, _BRIGHT, axis=0), 1, 255)
    guess = brightest + _GREY * (brightest.max() - brightest)
    above = np.log10(guess / brightest)
    for _ in range(3):  # the plane is that of OD, so that it depends on the white
        normal = _beside(lights, rough, guess)
        guess = np.clip(brightest * 10.0 ** (above - normal * (normal @ above)), 1, 255)
    return White((float(guess[0]), float(guess[1]), float(guess[2])), "brightest")


def _beside(
    lights: Sequence[Floats], rough: Sequence[Floats], white: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the direction in OD that the stains of tissue have least of, shape (3,).

    Two stains fill a plane through the origin, and this is its unit normal; 0 where too little
    tissue tells.
    """
    light = np.concatenate([lt.reshape(-1, 3) for lt in lights])
    even = np.concatenate([r.ravel() for r in rough])
    od = optical_density(light, white)
    size = np.linalg.norm(od, axis=1)
    tissue = (size > _TISSUE) & (light.min(axis=1) > _DARK)
    if np.count_nonzero(tissue) < _ENOUGH:
        return np.zeros(3)
    tissue &= even <= np.quantile(even[tissue], _EVEN)  # all of it where one colour fills it
    toward = (od[tissue] / size[tissue, None])[:: max(1, np.count_nonzero(tissue) // _MOST)]
    toward = toward.astype(np.float64)
    near = np.ones(len(toward), dtype=np.bool_)
    for _ in range(6):
        axis = np.linalg.eigh(toward[near].T @ toward[near])[1][:, 0]
        off = np.abs(toward @ axis)
        near = off <= 3 * 1.4826 * np.median(off) + 1e-9
    return np.asarray(axis)


def _brightest_mode(flat: Floats, every: Floats, total: int) -> White | None:
    if len(flat) < 64:
        return None
    grey = flat.mean(axis=1)
    counts = np.bincount(np.clip(np.rint(grey), 0, 255).astype(np.int64), minlength=256)
    near = np.convolve(counts, np.ones(5), mode="same")
    enough = max(_POPULATED * total, 64)
    for level in range(255, 0, -1):
        window = near[max(level - 4, 0) : level + 5]
        if near[level] < enough or near[level] < window.max():
            continue
        if (every > level + _BRIGHTER[0]).mean() > _BRIGHTER[1]:
            return None
        inside = flat[np.abs(grey - level) <= 3]
        middle = np.median(inside, axis=0)
        spread = 1.4826 * np.median(np.abs(inside - middle), axis=0).max()
        if spread > _TIGHT or np.ptp(middle) > _COLOURED:
            continue
        return White(
            (float(middle[0]), float(middle[1]), float(middle[2])),
            "background",
            float(near[level] / total),
        )
    return None


def pen_mask(od: Floats, *, brown: bool, inky: bool = False) -> Mask:
    """Mark felt pen with a margin, shape (h, w).

    Ink is told by hues that no stain of tissue has, over areas that no nucleus fills.

    Parameters
    ----------
    od : float32, shape (h, w, 3)
        Of 2 × 2 means.
    brown : bool
        Whether a brown chromogen is expected, so that red and brown are no sign of ink.
    inky : bool
        Whether a stain has the hue of ink, so that blue and green are no sign of it.
    """
    hues = ink_hues(od, brown=brown, inky=inky)
    # Ink over tissue is a mixture of both: pure ink is the seed, and grows into what may be mixed.
    sure, red = (hues & INK) > 0, (hues & RED_INK) > 0
    core = opened(sure, _THICK)
    thick = opened(red, _THICK)
    if thick.any():
        # Red cells have nearly the hue of red ink, but fill no area as wide as a stroke.
        # What a stroke covers shows through: nuclei are no holes in it.
        filled = ndimage.maximum_filter((hues & (RED_INK | MAYBE_INK)) > 0, _HOLE_RED)
        wide = ndimage.minimum_filter(filled, _WIDE_RED + _HOLE_RED - 1)
        core |= thick & ndimage.maximum_filter(wide, _WIDE_RED)
    over = _ink_over_tissue(od, brown=brown, inky=inky)
    if not core.any():
        return over
    # Ink bleeds: its fringe is a mixture with tissue and pulls the cone.
    body = ndimage.binary_propagation(core, mask=ndimage.binary_dilation(hues > 0))
    return np.asarray(ndimage.binary_dilation(body, iterations=8) | over)


def _ink_over_tissue(od: Floats, *, brown: bool, inky: bool) -> Mask:
    """Mark ink that is told from tissue only by what it adds everywhere, shape (h, w).

    Between nuclei and fibres there is paler tissue within a few cells' reach, and ink adds to
    that too: what the faintest colour of a neighbourhood has above the usual is the ink alone.
    """
    coarse = halved(od)
    found = np.zeros(od.shape[:2], dtype=np.bool_)
    tissue = lengths(coarse) > 1.5 * _TISSUE
    if not tissue.any():
        return found
    low = lowest_around(coarse, _AROUND // 2)
    usual = medians(low[tissue])
    ink = added_ink(low, usual, (_ABOVE, _ABOVE_RED), brown=brown, inky=inky)
    core = opened(ink, 2)
    if not core.any():
        return found
    body = ndimage.binary_propagation(core, mask=ink)
    # Blue ink over much eosin has the hue of haematoxylin, but leaves no paler red light between
    # nuclei; that is ink where a stroke goes on.
    blocked = low[..., 0] > usual[0] + _ABOVE
    body = ndimage.binary_dilation(body, iterations=_STROKE, mask=body | blocked)
    body = ndimage.binary_dilation(body, iterations=_AROUND // 2 + 3)
    found[: 2 * body.shape[0], : 2 * body.shape[1]] = body.repeat(2, axis=0).repeat(2, axis=1)
    return found
