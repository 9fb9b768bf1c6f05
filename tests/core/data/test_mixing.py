"""A mixing finds exact strengths, and draws what the shown parts alone would let through."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

from partwise.api import InputProblem, Mixing

VECTORS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]]).T
VECTORS = VECTORS / np.linalg.norm(VECTORS, axis=0)
WHITE = (243.0, 241.0, 245.0)


def od(rgb: np.ndarray) -> np.ndarray:
    return np.maximum(-np.log10(np.maximum(rgb, 0.5) / np.array(WHITE)), 0)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_strengths_are_the_nonnegative_least_squares_solution(parts: int) -> None:
    rgb = np.random.default_rng(parts).integers(0, 256, (12, 50, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS[:, :parts], WHITE)
    expected = [nnls(mixing.vectors, row)[0] for row in od(rgb).reshape(-1, 3)]
    np.testing.assert_allclose(
        mixing.strengths(rgb).reshape(-1, parts), expected, atol=2e-6, rtol=2e-5
    )


@settings(max_examples=60, deadline=None)
@given(
    vectors=arrays(np.float64, (3, 3), elements=st.floats(0, 1)),
    rgb=arrays(np.uint8, (2, 5, 3)),
    parts=st.integers(1, 3),
)
def test_no_other_strengths_explain_more(vectors: np.ndarray, rgb: np.ndarray, parts: int) -> None:
    vectors = vectors[:, :parts] + 0.02
    mixing = Mixing(vectors, WHITE)
    h = mixing.strengths(rgb).reshape(-1, parts).astype(np.float64)
    values = od(rgb).reshape(-1, 3)
    ours = np.linalg.norm(h @ vectors.T - values, axis=1)
    best = np.array([nnls(vectors, row)[1] for row in values])
    assert (h >= 0).all()
    assert (ours <= best + 2e-4).all()  # float32, also for vectors that are nearly alike


def test_all_parts_and_the_residual_are_the_picture() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS[:, :2], WHITE)
    assert np.array_equal(mixing.render(rgb, [True, True], with_residual=True), rgb)


def test_hiding_a_part_multiplies_its_light_back_in() -> None:
    rgb = np.random.default_rng(1).integers(30, 240, (30, 30, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS[:, :2], WHITE)
    h = mixing.strengths(rgb)
    expected = rgb * 10.0 ** (h[..., 1:] * VECTORS[:, 1])
    shown = mixing.render(rgb, [True, False], with_residual=True)
    assert np.abs(shown - np.clip(expected, 0, 255)).max() <= 1


def test_shown_parts_alone_let_through_what_beer_and_lambert_say() -> None:
    rgb = np.random.default_rng(2).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS, WHITE)
    h = mixing.strengths(rgb)
    expected = np.array(WHITE) * 10.0 ** -(h[..., [0, 2]] @ VECTORS[:, [0, 2]].T)
    assert np.abs(mixing.render(rgb, [True, False, True]) - expected).max() <= 1


def test_nothing_shown_is_white() -> None:
    rgb = np.zeros((3, 4, 3), np.uint8)
    shown = Mixing(VECTORS[:, :2], WHITE).render(rgb, [False, False])
    assert (shown == np.array(WHITE, np.uint8)).all()


def test_remixed_light_is_that_of_the_other_vectors_and_white() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (17, 29, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS[:, :2], WHITE)
    other, white = 0.8 * VECTORS[:, 1:], np.array([250.0, 240.0, 230.0])
    light = white * 10.0 ** -(mixing.strengths(rgb).astype(np.float64) @ other.T)
    assert np.abs(mixing.remixed(rgb, other, white) - light).max() < 1
    with pytest.raises(InputProblem, match="vectors"):
        mixing.remixed(rgb, other[:, :1], white)


def test_a_tint_keeps_how_dark_a_part_is() -> None:
    rgb = np.random.default_rng(3).integers(60, 240, (20, 20, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS[:, :2], WHITE)
    grey = np.array([[100, 100, 100]] * 2)
    tinted = mixing.render(rgb, [True, False], colors=grey)
    h = mixing.strengths(rgb)[..., :1]
    expected = np.array(WHITE) * 10.0 ** (-h / np.sqrt(3))
    assert np.abs(tinted - expected).max() <= 1


def test_residual_is_what_the_strengths_leave() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS[:, :2], WHITE)
    left = od(rgb) - mixing.strengths(rgb) @ VECTORS[:, :2].T
    np.testing.assert_allclose(mixing.residual(rgb), np.sqrt((left**2).mean(axis=2)), atol=2e-6)


def test_identity_adds_up_levels() -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    mixing = Mixing(np.eye(3), transform="identity")
    np.testing.assert_allclose(mixing.strengths(rgb), rgb, atol=1e-3)
    green = mixing.render(rgb, [False, True, False])
    assert np.array_equal(green[..., 1], rgb[..., 1])
    assert (green[..., [0, 2]] == 0).all()


def test_a_reading_agrees_with_the_maps() -> None:
    rgb = np.array([[[120, 60, 140]]], np.uint8)
    mixing = Mixing(VECTORS[:, :2], WHITE)
    told = mixing.reading(rgb[0, 0])
    assert told["rgb"] == [120, 60, 140]
    np.testing.assert_allclose(told["od"], od(rgb)[0, 0], atol=1e-6)
    np.testing.assert_allclose(told["strengths"], mixing.strengths(rgb)[0, 0])


def test_threads_and_tiles_give_the_same_bits() -> None:
    rgb = np.random.default_rng(6).integers(0, 256, (300, 301, 3), dtype=np.uint8)
    mixing = Mixing(VECTORS[:, :2], WHITE)
    whole = mixing.strengths(rgb)
    found: dict[int, np.ndarray] = {}

    def work(k: int) -> None:
        found[k] = mixing.strengths(rgb[k * 100 : (k + 1) * 100, 1:])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(np.concatenate([found[k] for k in range(3)]), whole[:, 1:])


@pytest.mark.parametrize(
    ("vectors", "white"),
    [
        (np.ones((3, 4)), WHITE),
        (np.ones((2, 2)), WHITE),
        (-np.ones((3, 1)), WHITE),
        (np.zeros((3, 1)), WHITE),
        (np.full((3, 1), np.nan), WHITE),
        (np.ones((3, 1)), (0.0, 243.0, 243.0)),
    ],
)
def test_impossible_mixings_are_refused(
    vectors: np.ndarray, white: tuple[float, float, float]
) -> None:
    with pytest.raises(InputProblem):
        Mixing(vectors, white)


def test_pixels_of_another_kind_are_refused() -> None:
    with pytest.raises(InputProblem, match="8-bit"):
        Mixing(VECTORS, WHITE).strengths(np.zeros((2, 2, 3), np.float32))
