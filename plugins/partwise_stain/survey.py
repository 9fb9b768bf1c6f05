"""Which parts of a slide do we look at to find its stains?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem, Job, Pyramid, stop_if_cancelled
from partwise_stain.optics import Floats, Mask, White, find_white, halved, optical_density, pen_mask
from partwise_stain.pixels import lengths

__all__ = ["Survey", "as_white", "survey", "tiles"]

_WHOLE = 2_200_000  # pixels looked at completely
_OVERVIEW = 1_600_000  # pixels of the overview of a larger slide
_CHOSEN = 400_000  # pixels of the overview by which regions are chosen
_REGION = 256  # px
_REGIONS = 24
_TILE = 1024
_TISSUE = 0.15  # OD
_BLACK = 40  # levels; twelve bits in sixteen have their white at 16


@dataclass(frozen=True, eq=False)
class Survey:
    """Regions at full resolution that stand for the slide, and its background."""

    regions: tuple[NDArray[np.uint8], ...]
    white: White


def survey(pyramid: Pyramid, job: Job, given: White | None = None) -> Survey:
    """Look at a small image completely, at a large one by its overview and regions of tissue.

    Raises
    ------
    InputProblem
        The image is too small to hold tissue.
    """
    full = pyramid.levels[0]
    if min(full.width, full.height) < 16:
        raise InputProblem(
            f"the image is {full.width} × {full.height} pixels",
            argument="input",
            fix="at least 16 × 16 are needed to tell stains apart",
        )
    if full.width * full.height <= _WHOLE:
        image = pyramid.read(0, 0, 0, full.width, full.height)
        return Survey((image,), given or _white([halved(image)]))
    number = next(
        (k for k, lv in enumerate(pyramid.levels) if lv.width * lv.height <= _OVERVIEW),
        len(pyramid.levels) - 1,
    )
    level = pyramid.levels[number]
    overview = pyramid.read(number, 0, 0, level.width, level.height)
    stop_if_cancelled(job)
    small = halved(overview)
    white = given or _white([small])
    while small.shape[0] * small.shape[1] > _CHOSEN:
        small = halved(small)
    return Survey(_regions(pyramid, small, white, job), white)


def _white(images: list[Floats]) -> White:
    white = find_white(images)
    if max(white.levels) < _BLACK:
        raise InputProblem(
            f"the image is nearly black, its brightest light at level {max(white.levels):.0f} of "
            "255",
            argument="input",
            fix="export 10- or 12-bit colours stretched to 8 or 16 bits, or give the white "
            "(white=R,G,B) where it is as dark as that",
        )
    return white


def _regions(
    pyramid: Pyramid, overview: Floats, white: White, job: Job
) -> tuple[NDArray[np.uint8], ...]:
    """Read regions of level 0 where the overview shows tissue, spread by chance."""
    full = pyramid.levels[0]
    od = optical_density(overview, white.levels)
    tissue = (lengths(od) > _TISSUE) & ~pen_mask(od, brown=True)
    rows, columns = max(full.height // _REGION, 1), max(full.width // _REGION, 1)
    down = full.width / overview.shape[1]
    filled = _means_of(tissue, rows, columns, _REGION / down).ravel()
    order = np.random.default_rng(job.seed).permutation(len(filled))
    order = order[np.argsort(filled[order] < 0.3, kind="stable")][:_REGIONS]
    found = []
    for cell in np.sort(order):
        stop_if_cancelled(job)
        row, column = divmod(int(cell), columns)
        found.append(pyramid.read(0, column * _REGION, row * _REGION, _REGION, _REGION))
    return tuple(found)


def _means_of(mask: Mask, rows: int, columns: int, size: float) -> Floats:
    """Return the share of a mask that is set in each square cell, shape (rows, columns).

    What a row or column of cells leaves over at the end counts to the last one.
    """
    y = np.minimum(np.rint(np.arange(rows) * size).astype(np.intp), mask.shape[0] - 1)
    x = np.minimum(np.rint(np.arange(columns) * size).astype(np.intp), mask.shape[1] - 1)
    along = np.add.reduceat(mask, y, axis=0, dtype=np.int32)
    found = np.add.reduceat(along, x, axis=1, dtype=np.int32)
    high = np.maximum(np.diff(y, append=mask.shape[0]), 1)
    wide = np.maximum(np.diff(x, append=mask.shape[1]), 1)
    return np.asarray(found / (high[:, None] * wide), dtype=np.float32)


def tiles(width: int, height: int, size: int = _TILE) -> list[tuple[int, int, int, int]]:
    """Cut an image into (x, y, width, height), row by row."""
    return [
        (x, y, min(size, width - x), min(size, height - y))
        for y in range(0, height, size)
        for x in range(0, width, size)
    ]


def as_white(text: str) -> White | None:
    """Read ``auto`` (None) or ``R,G,B``; raises `ValueError` otherwise."""
    if text.strip().lower() == "auto":
        return None
    r, g, b = (float(part) for part in text.split(","))
    if not all(1 <= level <= 255 for level in (r, g, b)):
        msg = "levels are 1 to 255"
        raise ValueError(msg)
    return White((r, g, b), "given", 1.0)
