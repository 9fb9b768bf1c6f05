"""The ends of a cone are found where the tissue ends, not where noise does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from partwise_stain.coreset import Coreset
from partwise_stain.ends import tails, true_angles, weighted_quantile
from partwise_stain.presets import preset, unit

VECTORS = preset("he")
NORMAL = unit(np.cross(VECTORS[:, 0], VECTORS[:, 1]))
SHARES = (0.03, 0.045)


def colours(fraction: np.ndarray, noise: float, seed: int = 1) -> Coreset:
    """Colours of a known share of haematoxylin, at densities of 0.2 to 0.8 OD, with noise."""
    rng = np.random.default_rng(seed)
    density = rng.uniform(0.2, 0.8, len(fraction))
    od = density[:, None] * (np.stack([fraction, 1 - fraction], axis=1) @ VECTORS.T)
    od = od + rng.normal(0, noise, od.shape)
    count = len(od)
    return Coreset(
        od, np.full(count, noise), sparse.csr_array(np.ones((1, count))), tissue=1.0, pen=0.0
    )


def ends(coreset: Coreset, shares: tuple[float, float] = SHARES) -> tuple[float, float]:
    """Degrees of both ends from the truth, positive outside."""
    angles = true_angles(coreset, coreset.counts(), NORMAL, VECTORS)
    upper, lower = tails(angles, shares, 0.0012)
    return upper.end - angles.angle(VECTORS[:, 0]), angles.angle(VECTORS[:, 1]) - lower.end


def mixture(pure_h: float, pure_e: float, count: int = 20_000) -> np.ndarray:
    place = np.random.default_rng(2).uniform(0, 1, count)
    return np.clip((place - pure_e) / (1 - pure_e - pure_h), 0, 1)


@pytest.mark.parametrize("noise", [0.005, 0.015, 0.03])
def test_noise_does_not_widen_the_cone(noise: float) -> None:
    coreset = colours(mixture(0.06, 0.15), noise)
    upper, lower = ends(coreset)
    assert abs(upper) < 1.5
    assert abs(lower) < 1.5
    if noise < 0.03:
        return
    angles = true_angles(coreset, coreset.counts(), NORMAL, VECTORS)
    seen = np.degrees(np.arctan2(coreset.od @ angles.across, coreset.od @ angles.middle))
    # Without deconvolution the same tail lies far outside.
    assert np.percentile(seen, 99) - angles.angle(VECTORS[:, 0]) > 2.5


def test_a_rare_stain_is_judged_by_its_own_pixels() -> None:
    common = np.random.default_rng(3).uniform(0, 0.2, 20_000)
    rare = np.concatenate([common, np.ones(200), np.random.default_rng(4).uniform(0, 1, 600)])
    upper, _lower = ends(colours(rare, 0.01))
    assert abs(upper) < 2


def test_where_nothing_is_pure_the_ends_lie_inside() -> None:
    upper, lower = ends(colours(0.15 + 0.7 * mixture(0.06, 0.15), 0.01))
    assert upper < -2
    assert lower < -2


def test_colours_beside_the_plane_have_no_say() -> None:
    coreset = colours(mixture(0.06, 0.15), 0.01)
    stray = 0.5 * unit(VECTORS.mean(axis=1) + 0.6 * NORMAL)
    coreset.od[:2000] = np.abs(stray)
    upper, lower = ends(coreset)
    assert abs(upper) < 1.5
    assert abs(lower) < 1.5
    angles = true_angles(coreset, coreset.counts(), NORMAL, VECTORS)
    assert angles.aside == pytest.approx(0.1, abs=0.03)
    for other, share in ((-1.0, 0.1), (1.0, 0.0)):  # where something else may lie, it may
        angles = true_angles(coreset, coreset.counts(), NORMAL, VECTORS, other)
        assert angles.aside == pytest.approx(share, abs=0.03)


def test_angle_and_vector_are_inverse() -> None:
    angles = true_angles(colours(mixture(0.05, 0.1), 0.01), np.ones(20_000), NORMAL, VECTORS)
    for k in range(2):
        again = angles.vector(angles.angle(VECTORS[:, k]))
        np.testing.assert_allclose(again, VECTORS[:, k], atol=1e-9)
    assert angles.share.sum() == pytest.approx(1)
    assert (angles.share >= 0).all()


def test_the_weighted_quantile_counts_each_value_as_often_as_its_weight() -> None:
    values = np.array([5.0, 1.0, 3.0])
    assert weighted_quantile(values, np.array([1.0, 1.0, 1.0]), 0.5) == 3
    assert weighted_quantile(values, np.array([5.0, 1.0, 1.0]), 0.5) == 5
    assert weighted_quantile(values, np.array([1.0, 1.0, 1.0]), 0.2) == 1
