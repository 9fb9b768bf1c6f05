"""Pyramids in memory: coarser levels are means, what lies outside is white."""

from __future__ import annotations

import numpy as np
import pytest

from partwise.data.pyramid import ArrayPyramid, Pyramid


def _image(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_levels_halve_and_hold_means() -> None:
    image = _image(1100, 1501)
    pyramid = ArrayPyramid(image)
    assert isinstance(pyramid, Pyramid)
    assert [(level.width, level.height) for level in pyramid.levels] == [
        (1501, 1100),
        (750, 550),
        (375, 275),
    ]
    coarse = pyramid.read(1, 10, 20, 5, 4)
    blocks = image[40:48, 20:30].reshape(4, 2, 5, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(coarse - blocks).max() <= 0.5


def test_what_lies_outside_is_white() -> None:
    image = _image(40, 30)
    pyramid = ArrayPyramid(image)
    region = pyramid.read(0, -5, 35, 40, 10)
    assert (region[:5, 5:35] == image[35:40]).all()
    assert (region[5:] == 255).all()
    assert (region[:, :5] == 255).all()
    assert (pyramid.read(0, 100, 100, 3, 2) == 255).all()


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="8-bit RGB"):
        ArrayPyramid(np.zeros((5, 5), np.uint8))
