"""Compiled loops give what array expressions give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from partwise_stain.pixels import (
    lengths,
    lowest_around,
    means,
    medians,
    opened,
    relative_noise,
    roughness,
    variance,
)

RNG = np.random.default_rng(3)
LIGHT = RNG.uniform(1, 250, (23, 31, 3)).astype(np.float32)
OD = -np.log10(LIGHT / np.float32(243))


def test_deviations_of_neighbours_are_those_of_filters() -> None:
    def spread(plane: np.ndarray) -> np.ndarray:
        plane = plane.astype(np.float64)
        mean = ndimage.uniform_filter(plane, 3, mode="nearest")
        return np.asarray(ndimage.uniform_filter(plane**2, 3, mode="nearest") - mean**2)

    np.testing.assert_allclose(
        roughness(LIGHT), np.sqrt(spread(LIGHT.mean(axis=2))), rtol=1e-4, atol=1e-3
    )
    for c in range(3):
        np.testing.assert_allclose(variance(OD)[..., c], spread(OD[..., c]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("reach", [1, 2, 40])
def test_the_lowest_around_is_that_of_a_filter(reach: int) -> None:
    size = (2 * reach + 1, 2 * reach + 1, 1)
    np.testing.assert_array_equal(
        lowest_around(OD, reach), ndimage.minimum_filter(OD, size, mode="nearest")
    )


def test_means_and_their_density_are_those_of_the_pixels() -> None:
    image = RNG.integers(0, 256, (23, 30, 3)).astype(np.uint8)
    white = np.array([243, 241, 245])
    levels = [np.maximum(np.arange(255 * n + 1) / n, 0.5)[:, None] for n in (4, 16)]
    fine, wide = (-np.log10(level / white).astype(np.float32) for level in levels)
    lights, ods = means(image, fine, wide)
    for light, od, step in zip(lights, ods, (2, 4), strict=True):
        height, width = 23 // step, 30 // step
        cut = image[: height * step, : width * step].astype(np.float64)
        mean = cut.reshape(height, step, width, step, 3).mean(axis=(1, 3))
        np.testing.assert_array_equal(light, mean)
        plain = -np.log10(np.maximum(mean, 0.5) / white)
        np.testing.assert_allclose(od, plain, atol=1e-6)


@pytest.mark.parametrize("times", [1, 3])
def test_a_mask_is_opened_as_by_filters(times: int) -> None:
    for shape in ((1, 1), (2, 9), (40, 3), (61, 47)):
        mask = ndimage.uniform_filter(RNG.random(shape), 3) > 0.42
        eroded = ndimage.binary_erosion(mask, iterations=times)
        wanted = ndimage.binary_dilation(eroded, iterations=times)
        np.testing.assert_array_equal(opened(mask, times), wanted)


def test_medians_are_those_of_numpy() -> None:
    for count in (1, 2, 7, 100):
        values = RNG.random((count, 3)).astype(np.float32)
        np.testing.assert_array_equal(medians(values), np.median(values, axis=0))


def test_noise_in_density_grows_where_light_is_low() -> None:
    light = np.array([[[200.0, 200.0, 200.0], [20.0, 20.0, 20.0], [0.0, 0.0, 0.0]]], np.float32)
    np.testing.assert_allclose(relative_noise(light)[0] * np.log(10), [1 / 200, 1 / 20, 1 / 4])
    np.testing.assert_allclose(lengths(light)[0], np.sqrt(3) * light[0, :, 0], rtol=1e-6)
