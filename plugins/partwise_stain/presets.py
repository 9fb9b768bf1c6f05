"""What are the stains called, which colours do they have, and where do we expect their vectors?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["STAINS", "Stain", "preset", "published", "swatch", "unit"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Stain:
    """A dye: identity and words."""

    key: str
    name: str


_PAIRS: dict[str, tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...]] = {
    # Ruifrok and Johnston 2001 in two roundings, a second slide of theirs as distributed with
    # ImageJ, Macenko et al. 2009, and QuPath's default.
    "he": (
        ((0.650, 0.704, 0.286), (0.072, 0.990, 0.105)),
        ((0.644, 0.717, 0.267), (0.093, 0.954, 0.283)),
        ((0.490, 0.769, 0.410), (0.046, 0.842, 0.537)),
        ((0.563, 0.720, 0.406), (0.216, 0.801, 0.558)),
        ((0.651, 0.701, 0.290), (0.216, 0.801, 0.558)),
    ),
    # Ruifrok and Johnston 2001, and QuPath's default: nearly the same.
    "hdab": (
        ((0.650, 0.704, 0.286), (0.268, 0.570, 0.776)),
        ((0.651, 0.701, 0.290), (0.269, 0.568, 0.778)),
    ),
}

STAINS: dict[str, tuple[Stain, Stain]] = {
    "he": (Stain("haematoxylin", "Haematoxylin"), Stain("eosin", "Eosin")),
    "hdab": (Stain("haematoxylin", "Haematoxylin"), Stain("dab", "DAB")),
}


def published(stains: str) -> Vector:
    """Return published vectors for ``"he"`` or ``"hdab"``, unit columns, shape (pairs, 3, 2)."""
    return np.stack([unit(np.array(pair).T) for pair in _PAIRS[stains]])


def preset(stains: str) -> Vector:
    """Return the middle of the published vectors, unit columns, shape (3, 2)."""
    return unit(published(stains).mean(axis=0))


def unit(vectors: ArrayLike) -> Vector:
    """Scale a vector, or each column, to unit length."""
    array = np.asarray(vectors, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array, axis=0))


def swatch(vector: ArrayLike) -> str:
    """Return the colour of a stain at an optical density of three quarters, ``#rrggbb``."""
    light = 255 * 10 ** (-0.75 * unit(vector))
    return "#" + "".join(f"{round(level):02x}" for level in light)
