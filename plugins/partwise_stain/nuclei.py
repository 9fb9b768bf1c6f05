"""How many nuclei are there? Blobs of haematoxylin in fields of a bounded number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from partwise.api import Dataset, Job, Mixing, stop_if_cancelled
from partwise_stain.regions import Region, bounds, mask_of, sampled_mask

__all__ = ["Nuclei", "count_nuclei", "spots"]

_FINE = 0.5  # µm per pixel that we look at, where the file says its scale
_FIELD = 512  # px
_FIELDS = 16
_MARGIN = 24  # px around a field that are looked at too
_SIGMA = 1.5  # µm; found best on synthetic tissue: precision 0.98, recall 0.83
_APART = 2.2  # µm; half the side of the square in which one centre is counted
# How far a nucleus stands out of its surroundings: a share of the slide's darkest nuclei, in OD.
_SHARE, _LEAST, _MOST = 0.12, 0.03, 0.08
_BODY = 2.0  # µm; half the side of the square whose second stain grades a nucleus


@dataclass(frozen=True, eq=False)
class Nuclei:
    """Nuclei of the fields that were looked at.

    Attributes
    ----------
    per_field : int64, shape (fields,)
    tissue : float64, shape (fields,)
        Pixels of tissue in each field, at the counted resolution.
    second : tuple of float32 arrays, one per field
        Mean OD of the second stain in each nucleus.
    pixel : float or None
        µm per counted pixel; None where the file does not say, and 0.5 µm was assumed.
    """

    per_field: NDArray[np.int64]
    tissue: NDArray[np.float64]
    second: tuple[NDArray[np.float32], ...]
    pixel: float | None


def count_nuclei(
    dataset: Dataset,
    mixing: Mixing,
    column: int,
    high: float,
    job: Job,
    region: Region | None = None,
    *,
    left: NDArray[np.bool_] | None = None,
) -> Nuclei:
    """Count nuclei in at most 16 fields of 512 × 512 pixels, spread by chance over the slide.

    Parameters
    ----------
    dataset, mixing, job
    column : int
        Which stain marks nuclei.
    high : float
        99th percentile of that stain in tissue, in OD.
    region : Region, optional
        Only nuclei whose centre lies in it are counted, and only its tissue.
    left : bool array, optional
        Over the whole image at any resolution: where it is true, nothing is counted.
    """
    least = float(np.clip(_SHARE * high, _LEAST, _MOST))
    pyramid = dataset.pyramid
    assert pyramid is not None
    axis = dataset.axis("x")
    step = axis.step if axis.unit == "µm" else None
    scales = [(step or _FINE) * level.downsample for level in pyramid.levels]
    number = int(np.argmin([abs(np.log(scale / _FINE)) for scale in scales]))
    level, scale = pyramid.levels[number], scales[number]
    box = bounds(region, pyramid.levels[0].width, pyramid.levels[0].height) if region else None
    places = _places(level.width, level.height, box, level.downsample)
    order = np.random.default_rng([job.seed, 3]).permutation(len(places))
    found: list[int] = []
    tissue: list[float] = []
    second: list[NDArray[np.float32]] = []
    for place in order:
        stop_if_cancelled(job)
        if len(found) == _FIELDS:
            break
        x, y = places[int(place)]
        width, height = min(_FIELD, level.width - x), min(_FIELD, level.height - y)
        # A nucleus on the border of a field is judged with its surroundings, and counted once.
        before, above = min(x, _MARGIN), min(y, _MARGIN)
        across = min(x + width + _MARGIN, level.width) - x + before
        down = min(y + height + _MARGIN, level.height) - y + above
        cut = (x - before, y - above, across, down)
        strengths = mixing.strengths(pyramid.read(number, *cut))
        drawn = np.zeros(strengths.shape[:2], np.bool_)
        drawn[above : above + height, before : before + width] = True
        if region is not None:
            drawn &= mask_of(region, cut, level.downsample)
        if left is not None:
            full = pyramid.levels[0]
            drawn &= ~sampled_mask(left, cut, level.downsample, (full.width, full.height))
        stained = int((drawn & (strengths.sum(axis=2) > 0.15)).sum())
        if stained < (0.02 * width * height if region is None else 1):
            continue
        at = spots(strengths[..., column], scale, least)
        at = at[drawn[at[:, 0], at[:, 1]]]
        other = strengths[..., 1 - column] if mixing.parts > 1 else strengths[..., column]
        body = ndimage.uniform_filter(other, 1 + 2 * max(1, round(_BODY / scale)))
        found.append(len(at))
        tissue.append(float(stained))
        second.append(body[at[:, 0], at[:, 1]])
    return Nuclei(
        np.array(found, dtype=np.int64),
        np.array(tissue),
        tuple(second),
        scale if step else None,
    )


def _places(
    width: int, height: int, box: tuple[int, int, int, int] | None, down: float
) -> list[tuple[int, int]]:
    """Corners of the fields of a level, or of those that a box of level 0 touches."""
    if box is None:
        return [
            (x, y)
            for y in range(0, max(height - _FIELD // 2, 1), _FIELD)
            for x in range(0, max(width - _FIELD // 2, 1), _FIELD)
        ]
    left, top = int(box[0] / down), int(box[1] / down)
    right = min(width, int(np.ceil((box[0] + box[2]) / down)))
    bottom = min(height, int(np.ceil((box[1] + box[3]) / down)))
    return [(x, y) for y in range(top, bottom, _FIELD) for x in range(left, right, _FIELD)]


def spots(strength: NDArray[np.float32], pixel: float, least: float) -> NDArray[np.int64]:
    """Return the centres of nuclei, rows of (y, x).

    Maxima of the difference of two Gaussians, which answers to blobs of one size (Lindeberg, Int J
    Comput Vis 30:79, 1998). Nuclei that lie one on the other count as one.

    Parameters
    ----------
    strength : float32, shape (h, w)
        Haematoxylin in OD.
    pixel : float
        µm.
    least : float
        OD by which a nucleus stands out.
    """
    sigma = _SIGMA / pixel
    narrow = ndimage.gaussian_filter(strength, sigma, mode="nearest")
    wide = ndimage.gaussian_filter(strength, 2.2 * sigma, mode="nearest")
    blob = narrow - wide
    peak = ndimage.maximum_filter(blob, 1 + 2 * max(1, round(_APART / pixel)), mode="nearest")
    return np.argwhere((blob == peak) & (blob > least)).astype(np.int64)
