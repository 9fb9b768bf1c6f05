"""Colours that tell of stains are chosen, numbered and counted as array expressions would."""

from __future__ import annotations

import numpy as np

from partwise_stain.colours import BINS, bin_numbers, chosen_colours
from partwise_stain.pixels import roughness, variance

RNG = np.random.default_rng(3)
LIGHT = RNG.uniform(1, 250, (23, 31, 3)).astype(np.float32)
OD = -np.log10(LIGHT / np.float32(243))


def _halved(values: np.ndarray) -> np.ndarray:
    return np.asarray(values[:22, :30].reshape(11, 2, 15, 2, -1).mean(axis=(1, 3)))


def test_chosen_colours_are_neither_faint_nor_clipped_nor_left_out() -> None:
    barred = RNG.random(LIGHT.shape[:2]) < 0.1
    light4, od4 = _halved(LIGHT).astype(np.float32), _halved(OD).astype(np.float32)
    chosen = chosen_colours((LIGHT, light4), (OD, od4), barred, (0.3, 0.0, 20.0), 4.0, 0.0, 4)
    barred4 = _halved(barred.astype(float)[..., None])[..., 0] > 0
    flat = 1 / (1 + (roughness(LIGHT) / 4.0) ** 2)
    at = 0
    for light, od, left, weight in (
        (LIGHT, OD, barred, np.ones_like(flat)),
        (light4, od4, barred4, 4 * _halved(flat[..., None])[..., 0]),
    ):
        wanted = ~left & (np.linalg.norm(od, axis=2) > 0.3)
        wanted &= (light > 20).all(axis=2) & (od > 0).all(axis=2)
        y, x = np.nonzero(wanted)
        here = slice(at, at + len(y))
        np.testing.assert_allclose(chosen.od[here], od[wanted])
        np.testing.assert_allclose(chosen.weight[here], weight[wanted], rtol=1e-5)
        rows, columns = left.shape
        np.testing.assert_array_equal(chosen.cell[here], y * 4 // rows * 4 + x * 4 // columns)
        first = 0 if at == 0 else BINS
        np.testing.assert_array_equal(chosen.bins[here], first + bin_numbers(od[wanted]))
        at += len(y)
    assert at == len(chosen.od) == len(chosen.weight)


def test_light_of_two_colours_is_corrected_by_its_variance() -> None:
    clear = np.zeros(LIGHT.shape[:2], np.bool_)
    light4, od4 = LIGHT[:11, :15], OD[:11, :15]
    chosen = chosen_colours((LIGHT, light4), (OD, od4), clear, (0.0, 9.0, 0.0), 4.0, 2.0, 1)
    true = np.maximum(OD + 2 * variance(OD), 0).reshape(-1, 3)
    np.testing.assert_allclose(chosen.od[: len(true)], true, rtol=1e-5, atol=1e-6)


def test_bins_part_hues_and_sizes() -> None:
    hue = np.array([0.505, 0.29, 0.205])
    same, darker, other = 0.31 * hue, 0.6 * hue, 0.31 * hue[::-1]
    numbers = bin_numbers(np.array([same, same * 1.001, darker, other, 0 * hue, 99 * hue]))
    assert numbers[0] == numbers[1]
    assert len(set(numbers.tolist())) == 5
    assert 0 <= numbers.min() <= numbers.max() < BINS
