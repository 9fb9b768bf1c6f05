"""How different does the reconstruction look from the slide? Colour differences that an eye sees.

CIEDE2000 (Sharma, Wu and Dalal, Color Res Appl 30:21, 2005), by scikit-image, with sRGB taken
for the pixels' colour space: 1 is about the least that is seen, 10 is another colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Mixing

__all__ = ["Difference", "delta_e", "reconstruction", "sampled"]

_TISSUE = 0.15  # OD; glass is always reconstructed


@dataclass(frozen=True)
class Difference:
    """ΔE00 over the tissue among some pixels: how many, the median and the 95th percentile."""

    pixels: int
    median: float
    high: float


def delta_e(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return ΔE00 of each pair of pixels, shape (n,), for two arrays (n, 3) of sRGB."""
    from skimage import color

    labs = [color.rgb2lab(pixels[None] / 255.0)[0] for pixels in (first, second)]
    return np.asarray(color.deltaE_ciede2000(*labs))  # type: ignore[no-untyped-call]  # scikit-image's


def reconstruction(pixels: NDArray[np.uint8], mixing: Mixing) -> Difference | None:
    """Compare pixels (n, 3) with what the stains make of them; None where none is tissue."""
    rows = np.ascontiguousarray(pixels)[None]
    strengths = mixing.strengths(rows)[0]
    size = np.linalg.norm(strengths @ mixing.vectors.T.astype(np.float32), axis=1)
    inside = np.hypot(size, np.sqrt(3) * mixing.residual(rows)[0]) > _TISSUE
    if not inside.any():
        return None
    made = mixing.render(rows, [True] * mixing.parts)[0]
    found = delta_e(rows[0][inside], made[inside])
    return Difference(int(inside.sum()), float(np.median(found)), float(np.percentile(found, 95)))


def sampled(regions: Sequence[NDArray[np.uint8]], most: int) -> NDArray[np.uint8]:
    """Return at most about `most` pixels (n, 3), evenly from all regions."""
    total = sum(region.shape[0] * region.shape[1] for region in regions)
    step = max(1, -(-total // most))
    return np.concatenate([region.reshape(-1, 3)[::step] for region in regions])
