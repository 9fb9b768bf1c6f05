"""What does a first run need compiled? A run on a picture of two dyes, made here, finds out."""

from __future__ import annotations

import numpy as np

from partwise.api import ArrayPyramid, Axis, Dataset

__all__ = ["two_dyes"]

_SIDE = 320  # px; fewer hold too little tissue to be looked at
_MICRONS = 0.5
_DYES = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])  # Ruifrok and Johnston 2001


def two_dyes() -> Dataset:
    """Return a small field of round nuclei on a lighter ground, with a bright margin."""
    y, x = np.mgrid[:_SIDE, :_SIDE] / 8.0
    nuclei = np.clip(2 * np.sin(y) * np.sin(1.3 * x) - 0.7, 0, 1.2)
    ground = np.clip(0.5 + 0.3 * np.sin(0.7 * y + np.sin(0.5 * x)), 0, 1)
    ground[:, : _SIDE // 6] = nuclei[:, : _SIDE // 6] = 0
    od = nuclei[..., None] * _DYES[0] + ground[..., None] * _DYES[1]
    grain = np.random.default_rng(0).normal(0, 1.5, od.shape)
    pixels = np.clip(243 * 10.0**-od + grain, 0, 255).astype(np.uint8)
    axes = Axis("y", _SIDE, "µm", _MICRONS), Axis("x", _SIDE, "µm", _MICRONS)
    facts = {"mpp": (_MICRONS, _MICRONS), "levels": 1}
    return Dataset("image", "two dyes", axes, pyramid=ArrayPyramid(pixels), meta=facts)
