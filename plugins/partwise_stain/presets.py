"""What are the stains called, which colours do they have, and where do we expect their vectors?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PRESETS", "Stain", "preset", "swatch", "unit"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Stain:
    """A dye: identity, words, and the usual direction of its optical density (r, g, b)."""

    key: str
    name: str
    usual: tuple[float, float, float]

    @property
    def vector(self) -> Vector:
        """The usual direction with unit length, shape (3,)."""
        return unit(self.usual)


# The middle of vectors published for haematoxylin and eosin: Ruifrok and Johnston 2001,
# Macenko et al. 2009, and the presets of widely used image-analysis programs.
_HAEMATOXYLIN = Stain("haematoxylin", "Haematoxylin", (0.60, 0.73, 0.33))
_EOSIN = Stain("eosin", "Eosin", (0.14, 0.89, 0.43))
# Haematoxylin beside DAB is usually a weak, bluer counterstain: Ruifrok and Johnston 2001.
_COUNTER = Stain("haematoxylin", "Haematoxylin", (0.65, 0.70, 0.29))
_DAB = Stain("dab", "DAB", (0.27, 0.57, 0.78))

PRESETS: dict[str, tuple[Stain, Stain]] = {
    "he": (_HAEMATOXYLIN, _EOSIN),
    "hdab": (_COUNTER, _DAB),
}


def preset(stains: str) -> Vector:
    """Return the usual vectors, shape (3, 2), for ``"he"`` or ``"hdab"``."""
    return np.stack([stain.vector for stain in PRESETS[stains]], axis=1)


def unit(vectors: ArrayLike) -> Vector:
    """Scale a vector, or each column, to unit length."""
    array = np.asarray(vectors, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array, axis=0))


def swatch(vector: ArrayLike) -> str:
    """Return the colour of a stain at an optical density of one half per unit, ``#rrggbb``."""
    light = 255 * 10 ** (-0.75 * unit(vector))
    return "#" + "".join(f"{round(level):02x}" for level in light)
