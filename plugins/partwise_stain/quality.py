"""What on a slide deserves a look before its stains are believed? Flags over its overview.

Tissue, pen, folds, blur, clipped light, light brighter than the white, and after the stains are
known what they do not explain and where another balance of stains holds. Each flag is a mask
over the overview and a share, told of the tissue or of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from partwise.api import Job, Mixing, Pyramid, stop_if_cancelled
from partwise_stain.foreign import kinds_of
from partwise_stain.optics import White, find_white, halved, optical_density, pen_mask
from partwise_stain.pixels import lengths
from partwise_stain.slide import hearing
from partwise_stain.unmix import CLIPPED, MISSED_OD

__all__ = ["FLAGS", "LEFT_OUT", "Flag", "Slide", "inspect_slide", "judge_stains", "unclean"]

_OVERVIEW = 1_600_000  # pixels
_TISSUE = 0.12  # OD
_SPECK = 0.0002  # share of the overview; smaller pieces are dust
_BRIGHTER = 5.0  # levels above the white, in 3 × 3 means
# A fold lies double: its smoothed density is twice the tissue's usual, and dark in itself.
_DOUBLE, _DARK, _FOLD_SIGMA = 1.9, 0.55, 2.5  # px of an overview
_CELLS = 9  # places along the longer side whose sharpness is looked at
_PATCH = 128  # px at full resolution
# Deviation below one pixel's scale against that of three: on sharp scans 0.33 to 1.2, after a
# blur of 1.5 pixels 0.20 to 0.35, of 2 pixels 0.14 to 0.26 (ten tiles of four sources).
_BLURRED, _BLURRED_SHARE = 0.27, 0.6
_NOISE = 2.0  # levels of one pixel after JPEG
_TILT = 3.0  # degrees out of the plane of the slide's stains
_BLOCK = 0.1  # of the longer side: in less, tissue that binds a stain otherwise tilts it too
_FIELD_SIGMA = 64  # of a field at full resolution, smoothing is its longer side by this
_FOREIGN_NOISE = 0.03  # OD

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Flag:
    """What a mask marks: identity, words, colour, and whether its share is of tissue."""

    key: str
    name: str
    color: str
    help: str
    of_tissue: bool = True


# Colours of Okabe and Ito, told apart by colour-blind eyes.
FLAGS = (
    Flag("tissue", "Tissue", "#56b4e9", "Darker than the background.", of_tissue=False),
    Flag("pen", "Felt pen", "#009e73", "With its fringe; a wide bleeding may look the same."),
    Flag("fold", "Folds", "#cc79a7", "Twice as dark as the tissue around, in wide pieces."),
    Flag("blur", "Out of focus", "#f0e442", "Without the detail that the rest of the slide has."),
    Flag("clipped", "Too dark to measure", "#d55e00", "A channel has no light left."),
    Flag(
        "bright",
        "Brighter than white",
        "#0072b2",
        "Light above the white: it is set too low there, or the lamp is uneven.",
        of_tissue=False,
    ),
    Flag("missed", "Not explained", "#e69f00", f"The stains leave more than {MISSED_OD:g} OD."),
    Flag("red-cells", "Red cells", "#e31a1c", "By hue, where the stains do not explain it."),
    Flag(
        "pigment",
        "Brown pigment",
        "#b15928",
        "By hue; melanin or haemosiderin, which differ too little.",
    ),
    Flag("balance", "Another stain balance", "#6a3d9a", "Colours out of the slide's plane."),
)


LEFT_OUT = ("pen", "fold", "blur", "clipped", "red-cells", "pigment")
"""Flags whose tissue can be left out of the numbers."""


@dataclass(frozen=True, eq=False)
class Slide:
    """An overview, its white, and what was flagged.

    Attributes
    ----------
    level : int
    rgb : uint8, shape (height, width, 3)
    white : White
    masks : mapping of str to bool array, shape (height, width)
    shares : mapping of str to float
        Of tissue, or of the whole, as the flag says.
    """

    level: int
    rgb: NDArray[np.uint8]
    white: White
    masks: Mapping[str, _Mask]
    shares: Mapping[str, float]


def inspect_slide(pyramid: Pyramid, job: Job, white: White | None = None) -> Slide:
    """Flag what can be seen before the stains are known.

    Parameters
    ----------
    pyramid, job
    white : White, optional
        Found on the overview where it is not given.
    """
    number = next(
        (k for k, lv in enumerate(pyramid.levels) if lv.width * lv.height <= _OVERVIEW),
        len(pyramid.levels) - 1,
    )
    level = pyramid.levels[number]
    with hearing(job):
        rgb = pyramid.read(number, 0, 0, level.width, level.height)
    stop_if_cancelled(job)
    white = white or find_white([halved(rgb)])
    size = lengths(np.maximum(optical_density(rgb, white.levels), 0))
    ink = _doubled(pen_mask(optical_density(halved(rgb), white.levels), brown=True), size.shape)
    tissue = _without_specks(ndimage.binary_closing(ndimage.uniform_filter(size, 3) > _TISSUE))
    tissue &= ~ink
    stop_if_cancelled(job)
    even = ndimage.uniform_filter(rgb.astype(np.float32), (3, 3, 0))
    masks = {
        "tissue": tissue,
        "pen": ink,
        "fold": _folds(size, tissue, _FOLD_SIGMA if number else max(size.shape) / _FIELD_SIGMA),
        "blur": _blurred(pyramid, tissue, white, job),
        "clipped": (rgb.min(axis=2) <= CLIPPED) & tissue,
        "bright": (even > np.asarray(white.levels, np.float32) + _BRIGHTER).any(axis=2),
    }
    return Slide(number, rgb, white, masks, _shares(masks))


def judge_stains(slide: Slide, mixing: Mixing, *, brown: bool) -> Slide:
    """Add the flags that follow from the stains.

    Parameters
    ----------
    slide : Slide
    mixing : Mixing
    brown : bool
        Whether a brown chromogen is expected, so that brown and red are no sign of pigment.
    """
    masks = dict(slide.masks)
    if not brown:  # red and brown are signs of ink then
        thin = optical_density(halved(slide.rgb), mixing.white)
        masks["pen"] = _doubled(pen_mask(thin, brown=False), slide.rgb.shape[:2])
        masks["tissue"] = masks["tissue"] & ~masks["pen"]
    tissue, ink = masks["tissue"], masks["pen"]
    missed = (mixing.residual(slide.rgb) > MISSED_OD) & (tissue | ink)
    masks["missed"] = missed
    od = optical_density(slide.rgb, mixing.white)
    if not brown:
        red, pigment = kinds_of(od, _FOREIGN_NOISE)
        masks["red-cells"], masks["pigment"] = red & missed & tissue, pigment & missed & tissue
    if mixing.parts > 1:
        masks["balance"] = _unbalanced(od, tissue, mixing)
    return Slide(slide.level, slide.rgb, slide.white, masks, _shares(masks))


def unclean(slide: Slide) -> _Mask:
    """Return where any flag of `LEFT_OUT` is, shape (height, width) of the overview."""
    found = np.zeros_like(slide.masks["tissue"])
    for key in LEFT_OUT:
        if key in slide.masks:
            found |= slide.masks[key]
    return found


def _shares(masks: Mapping[str, _Mask]) -> dict[str, float]:
    tissue = max(int(masks["tissue"].sum()), 1)
    of_tissue = {flag.key: flag.of_tissue for flag in FLAGS}
    return {
        key: float((mask & masks["tissue"]).sum() / tissue if inside else mask.mean())
        for key, mask in masks.items()
        for inside in (of_tissue[key] and key != "pen",)
    }


def _doubled(mask: _Mask, shape: tuple[int, ...]) -> _Mask:
    """A mask of 2 × 2 means at full size."""
    out = np.zeros(shape, np.bool_)
    twice = mask.repeat(2, axis=0).repeat(2, axis=1)
    out[: twice.shape[0], : twice.shape[1]] = twice
    return out


def _without_specks(mask: _Mask) -> _Mask:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    kept = sizes >= max(_SPECK * mask.size, 16)
    kept[0] = False
    return np.asarray(kept[labels])


def _folds(size: NDArray[np.float32], tissue: _Mask, sigma: float) -> _Mask:
    if not tissue.any():
        return np.zeros_like(tissue)
    usual = float(np.median(size[tissue]))
    smooth = ndimage.gaussian_filter(size, sigma)
    found = (smooth > max(_DOUBLE * usual, _DARK)) & tissue
    # Crowded nuclei are as dark in places, but leave gaps; a fold is closed.
    found = ndimage.binary_opening(found, iterations=2)
    labels, count = ndimage.label(found)
    if count == 0:
        return np.asarray(found)
    sizes = np.bincount(labels.ravel())
    long = np.zeros(count + 1, np.bool_)
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        reach = max(part.stop - part.start for part in place)
        long[number] = sizes[number] >= 40 and reach >= 2.0 * np.sqrt(sizes[number])
    return np.asarray(long[labels])


def _blurred(pyramid: Pyramid, tissue: _Mask, white: White, job: Job) -> _Mask:
    """Cells of the slide whose patch at full resolution has no fine detail."""
    full = pyramid.levels[0]
    blurred = np.zeros_like(tissue)
    found = []
    for place, corner in _patches(full.width, full.height, tissue):
        stop_if_cancelled(job)
        rgb = pyramid.read(0, *corner)
        ratio = _sharpness(rgb, white)
        if ratio is not None:
            found.append((place, ratio))
    if not found:
        return blurred
    limit = max(_BLURRED, _BLURRED_SHARE * float(np.median([ratio for _, ratio in found])))
    limit = min(limit, 1.2 * _BLURRED)
    for place, ratio in found:
        blurred[place] = ratio < limit
    return blurred & tissue


def _patches(
    width: int, height: int, tissue: _Mask
) -> Iterator[tuple[tuple[slice, slice], tuple[int, int, int, int]]]:
    """Cells of the overview that hold tissue, each with a patch of level 0 in it."""
    longest = max(width, height)
    span = max(longest / _CELLS, min(_PATCH, longest))
    rows, columns = max(1, round(height / span)), max(1, round(width / span))
    for row in range(rows):
        for column in range(columns):
            top, bottom = (tissue.shape[0] * k // rows for k in (row, row + 1))
            left, right = (tissue.shape[1] * k // columns for k in (column, column + 1))
            inside = tissue[top:bottom, left:right]
            if inside.size == 0 or inside.mean() < 0.25:
                continue
            # The patch lies on tissue, not in the middle of a cell that has it at its border.
            ys, xs = np.nonzero(inside)
            y = (top + float(np.median(ys)) + 0.5) * height / tissue.shape[0]
            x = (left + float(np.median(xs)) + 0.5) * width / tissue.shape[1]
            wide, high = min(_PATCH, width), min(_PATCH, height)
            corner = (
                int(np.clip(x - wide / 2, 0, width - wide)),
                int(np.clip(y - high / 2, 0, height - high)),
            )
            yield (slice(top, bottom), slice(left, right)), (*corner, wide, high)


def _sharpness(rgb: NDArray[np.uint8], white: White) -> float | None:
    """Deviation at the scale of one pixel against that of three; None without tissue."""
    light = np.maximum(rgb.astype(np.float32).mean(axis=2), 1)
    od = np.log10(float(np.mean(white.levels)) / light)
    if (od > 0.06).mean() < 0.3:
        return None
    fine, coarse = ndimage.gaussian_filter(od, 1.0), ndimage.gaussian_filter(od, 3.0)
    noise = float(((_NOISE / np.log(10) / np.maximum(light, 4)) ** 2).mean()) / 3 * 0.8
    small = max(float((od - fine).var()) - noise, 0.0)
    return float(np.sqrt(small) / np.sqrt(float((fine - coarse).var()) + 1e-6))


def _unbalanced(od: NDArray[np.float32], tissue: _Mask, mixing: Mixing) -> _Mask:
    """Blocks whose mean colour lies out of the plane of the slide's stains.

    Where stains only differ in their amounts, the mean stays in the plane; another batch of a
    stain, a faded corner or a lamp of another colour tilts it.
    """
    normal = np.cross(mixing.vectors[:, 0], mixing.vectors[:, 1])
    length = float(np.linalg.norm(normal))
    found = np.zeros_like(tissue)
    if length < 1e-6 or mixing.parts > 2:
        return found
    beside = od @ (normal / length).astype(np.float32)
    size = lengths(od)
    weight = tissue.astype(np.float32)
    side = max(8, round(_BLOCK * max(tissue.shape)))
    held = ndimage.uniform_filter(weight, side)
    mean = ndimage.uniform_filter(beside * weight, side)
    along = ndimage.uniform_filter(size * weight, side)
    enough = (held > 0.2) & (along > 0.02)
    tilt = np.degrees(np.arctan2(np.abs(mean), np.maximum(along, 1e-6)))
    return np.asarray(enough & (tilt > _TILT) & tissue)
