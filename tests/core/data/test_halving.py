"""Half as large: means of four, rounded or exact."""

from __future__ import annotations

import numpy as np
import pytest

from partwise.data.halving import halved
from partwise.engine.pool import limit_threads


@pytest.mark.parametrize("shape", [(2, 2, 3), (7, 9, 3), (300, 513, 1), (1, 8, 3)])
def test_each_pixel_is_the_mean_of_four(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    height, width = shape[0] // 2, shape[1] // 2
    four = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, shape[2])
    mean = four.astype(np.float64).mean(axis=(1, 3))
    np.testing.assert_array_equal(halved(image, np.float32), mean)
    np.testing.assert_array_equal(halved(image.astype(np.float32)), mean)
    np.testing.assert_array_equal(halved(image), np.floor(mean + 0.5))
    assert halved(image).dtype == np.uint8


def test_threads_and_strides_make_no_difference() -> None:
    image = np.random.default_rng(2).integers(0, 256, (900, 700, 3), dtype=np.uint8)
    with limit_threads(1):
        alone = halved(image)
    np.testing.assert_array_equal(halved(image), alone)
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    np.testing.assert_array_equal(halved(turned.transpose(1, 0, 2)), alone)
