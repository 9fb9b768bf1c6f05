"""Compiled loops give what array expressions give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from partwise_stain.pixels import (
    BINS,
    bin_numbers,
    chosen_colours,
    lengths,
    lowest_around,
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


def test_chosen_colours_are_neither_faint_nor_clipped_nor_left_out() -> None:
    free = RNG.random(LIGHT.shape[:2]) < 0.7
    weight = RNG.random(LIGHT.shape[:2]).astype(np.float32)
    ods, weights, cells = chosen_colours(LIGHT, OD, weight, free, (0.3, 0.0, 20.0), 4)
    wanted = free & (np.linalg.norm(OD, axis=2) > 0.3)
    wanted &= (LIGHT > 20).all(axis=2) & (OD > 0).all(axis=2)
    np.testing.assert_allclose(ods, OD[wanted])
    np.testing.assert_array_equal(weights, weight[wanted])
    y, x = np.nonzero(wanted)
    np.testing.assert_array_equal(cells, y * 4 // 23 * 4 + x * 4 // 31)


def test_bins_part_hues_and_sizes() -> None:
    hue = np.array([0.505, 0.29, 0.205])
    same, darker, other = 0.31 * hue, 0.6 * hue, 0.31 * hue[::-1]
    numbers = bin_numbers(np.array([same, same * 1.001, darker, other, 0 * hue, 99 * hue]))
    assert numbers[0] == numbers[1]
    assert len(set(numbers.tolist())) == 5
    assert 0 <= numbers.min() <= numbers.max() < BINS


def test_noise_in_density_grows_where_light_is_low() -> None:
    light = np.array([[[200.0, 200.0, 200.0], [20.0, 20.0, 20.0], [0.0, 0.0, 0.0]]], np.float32)
    np.testing.assert_allclose(relative_noise(light)[0] * np.log(10), [1 / 200, 1 / 20, 1 / 4])
    np.testing.assert_allclose(lengths(light)[0], np.sqrt(3) * light[0, :, 0], rtol=1e-6)
