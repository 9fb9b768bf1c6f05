"""Where on a wheel of colours does a stain lie? Hue and saturation in optical density.

The chromaticity of van der Laak, Pahlplatz, Hanselaar and de Wilde (Cytometry 39:275, 2000): it
does not change with the amount of a stain, so that a stain is a point, and mixtures of two lie on
the line between them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["CORNERS", "chroma", "vector_at"]

_ROOT = math.sqrt(3)
CORNERS = ((2.0, 0.0), (-1.0, _ROOT), (-1.0, -_ROOT))
"""Where density in one channel alone lies; nothing is outside this triangle."""


def chroma(od: ArrayLike) -> NDArray[np.float64]:
    """Return (x, y) of densities (..., 3); grey is (0, 0), and nothing at all is NaN."""
    values = np.asarray(od, dtype=np.float64)
    mean = values.mean(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = values[..., 0] / mean - 1
        y = (values[..., 1] - values[..., 2]) / (_ROOT * mean)
    return np.stack([x, y], axis=-1)


def vector_at(x: float, y: float) -> tuple[float, float, float]:
    """Return the unit vector in OD at a point, of the nearest that can be where it is outside."""
    raw = np.array([x + 1, (2 - x + _ROOT * y) / 2, (2 - x - _ROOT * y) / 2])
    # Negative densities are cut: towards the edge of the triangle.
    held = np.maximum(raw, 0)
    r, g, b = (float(value) for value in held / np.linalg.norm(held))
    return r, g, b
