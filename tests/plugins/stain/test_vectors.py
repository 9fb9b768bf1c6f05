"""Stain vectors are found from the colours; what is published helps where they do not tell."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, sparse

from partwise_stain.coreset import Coreset, gather
from partwise_stain.foreign import left_out
from partwise_stain.optics import White, find_white, halved
from partwise_stain.presets import published, unit
from partwise_stain.tissue import make_tissue
from partwise_stain.vectors import angle_between, find_vectors

PRIOR = published("he")
# Of no publication: six and more degrees from each published pair.
NOVEL = ((0.72, 0.64, 0.28), (0.18, 0.96, 0.22))


def fitted(
    vectors: tuple[tuple[float, ...], ...], seed: int = 12, **asked: object
) -> tuple[list[float], Coreset]:
    made = make_tissue(400, 400, seed, vectors=vectors, **asked)  # type: ignore[arg-type]  # by name
    coreset = gather([made.rgb], White(made.white, "given", 1.0), brown=False)
    found = find_vectors(coreset, PRIOR).vectors
    return [angle_between(found[:, k], made.vectors[:, k]) for k in range(2)], coreset


def test_vectors_of_no_publication_are_found() -> None:
    nearest = min(angle_between(pair[:, 0], np.array(NOVEL[0])) for pair in PRIOR)
    assert nearest > 5
    h, e = fitted(NOVEL)[0]
    assert h < 2.5
    assert e < 3


def test_red_cells_pigment_and_a_fold_do_not_turn_them() -> None:
    vectors = ((0.650, 0.704, 0.286), (0.216, 0.801, 0.558))
    off = np.array([fitted(vectors, seed, blemishes=True)[0] for seed in (12, 14)])
    assert off[:, 0].max() < 2.5
    assert off[:, 1].mean() < 3
    assert off[:, 1].max() < 4


@pytest.mark.parametrize(("seed", "bled"), [(1, 0.05), (2, 0.05), (3, 0.1)])
def test_red_cells_beside_little_tissue_are_not_its_eosin(seed: int, bled: float) -> None:
    vectors = ((0.650, 0.704, 0.286), (0.216, 0.801, 0.558))
    made = make_tissue(400, 400, seed, vectors=vectors, jpeg=0)
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(400, 400)), 4)
    cells = ndimage.gaussian_filter((noise > np.quantile(noise, 1 - bled)).astype(float), 0.8)
    red = 0.6 * np.array([0.10, 0.75, 0.65])
    light = np.broadcast_to(np.array(made.white), made.rgb.shape).copy()
    light[154:246, 154:246] = made.rgb[154:246, 154:246]
    light *= 10.0 ** (-cells[..., None] * red)
    rgb = np.clip(np.rint(light + rng.normal(0, 1.5, light.shape)), 0, 255).astype(np.uint8)
    file = io.BytesIO()  # a scanner's compression spreads hues over the rims
    Image.fromarray(rgb).save(file, "JPEG", quality=80, subsampling="4:2:2")
    coreset = gather([np.asarray(Image.open(file))], White(made.white, "given", 1.0), brown=False)
    found = find_vectors(coreset, PRIOR).vectors
    assert max(angle_between(found[:, k], made.vectors[:, k]) for k in range(2)) < 2.5


@pytest.mark.parametrize(
    ("eosin", "share"),
    [((0.072, 0.990, 0.105), 0.5), ((0.093, 0.954, 0.283), 0.5), (NOVEL[1], 0.8)],
)
def test_blood_over_most_of_the_tissue_does_not_turn_them(
    eosin: tuple[float, ...], share: float
) -> None:
    vectors = ((0.650, 0.704, 0.286), eosin)
    made = make_tissue(320, 320, 2, vectors=vectors, jpeg=0)
    noise = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=(320, 320)), 8)
    over = noise > np.quantile(noise, 1 - share)
    blood = ndimage.gaussian_filter(over.astype(float), 0.8)
    light = made.rgb * 10.0 ** (-0.5 * blood[..., None] * np.array([0.10, 0.75, 0.65]))
    rgb = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    coreset = gather([rgb], White(made.white, "given", 1.0), brown=False)
    found = find_vectors(coreset, PRIOR).vectors
    assert max(angle_between(found[:, k], made.vectors[:, k]) for k in range(2)) < 2.5


def test_colours_far_from_all_published_planes_have_an_answer_too() -> None:
    od = np.random.default_rng(3).uniform(0.3, 0.9, (200, 1)) * unit(np.array([0.1, 0.3, 0.95]))
    coreset = Coreset(od, np.full(200, 0.004), sparse.csr_array(np.ones((1, 200))), 1.0, 0.0)
    counts = np.repeat([1.0, 0.0], 100)  # as when tissue is resampled
    found = find_vectors(coreset, PRIOR, counts=counts).vectors
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1)


def test_an_eosin_as_blue_as_blood_is_found() -> None:
    blue = ((0.600, 0.720, 0.350), (0.100, 0.740, 0.666))
    made = make_tissue(320, 320, 4, vectors=blue, jpeg=0)
    coreset = gather([made.rgb], White(made.white, "given", 1.0), brown=False)
    bare = gather([made.rgb], White(made.white, "given", 1.0), brown=False, left=left_out("pen"))
    found = find_vectors(coreset, PRIOR).vectors
    np.testing.assert_array_equal(coreset.counts(), bare.counts())  # nothing was left out
    assert angle_between(found[:, 1], made.vectors[:, 1]) < 4


def test_brighter_light_makes_no_difference() -> None:
    bright = make_tissue(320, 320, 5, jpeg=0)
    dim = make_tissue(320, 320, 5, jpeg=0, white=(200.0, 200.0, 205.0))
    found = []
    for made in (bright, dim):
        white = find_white([halved(made.rgb)])
        found.append(find_vectors(gather([made.rgb], white, brown=False), PRIOR).vectors)
    assert max(angle_between(found[0][:, k], found[1][:, k]) for k in range(2)) < 1


def test_counts_matter_only_in_proportion() -> None:
    coreset = fitted(NOVEL)[1]
    once = find_vectors(coreset, PRIOR).vectors
    many = find_vectors(coreset, PRIOR, counts=7 * coreset.counts()).vectors
    np.testing.assert_allclose(once, many, atol=1e-6)


@pytest.mark.parametrize("column", [0, 1])
def test_a_kept_vector_stays_bit_for_bit(column: int) -> None:
    coreset = fitted(NOVEL)[1]
    vector = unit(np.array(NOVEL[column]))
    cone = find_vectors(coreset, PRIOR, kept={column: vector})
    assert np.array_equal(cone.vectors[:, column], vector)
    assert abs(cone.normal @ vector) < 1e-9
    other = 1 - column
    assert angle_between(cone.vectors[:, other], np.array(NOVEL[other])) < 4


def test_both_kept_is_an_answer() -> None:
    coreset = fitted(NOVEL)[1]
    vectors = unit(np.array(NOVEL).T)
    cone = find_vectors(coreset, PRIOR, kept={0: vectors[:, 0], 1: vectors[:, 1]})
    assert np.array_equal(cone.vectors, vectors)


def test_every_pair_is_reported_with_the_least_cost_so_far() -> None:
    coreset = fitted(NOVEL)[1]
    costs: list[float] = []

    def heard(vectors: np.ndarray, cost: float) -> None:
        assert vectors.shape == (3, 2)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1)
        costs.append(cost)

    find_vectors(coreset, PRIOR, on_step=heard)
    assert len(costs) == len(PRIOR)
    assert costs == sorted(costs, reverse=True)


def test_small_angles_keep_their_digits() -> None:
    a = np.array([1.0, 0, 0])
    b = np.array([1.0, 1e-9, 0])
    assert angle_between(a, b) == pytest.approx(np.degrees(1e-9), rel=1e-6)
    assert angle_between(a, np.array([0, 1.0, 0])) == pytest.approx(90)
