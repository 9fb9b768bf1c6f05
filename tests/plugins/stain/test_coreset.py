"""A few thousand colours stand for all pixels: nothing is lost, and edges of nuclei do not lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from partwise_stain.coreset import Coreset, gather
from partwise_stain.optics import White
from partwise_stain.presets import preset, unit
from partwise_stain.tissue import Tissue

VECTORS = preset("he")
WHITE = White((243.0, 241.0, 245.0), "given", 1.0)


@pytest.fixture(scope="module")
def coreset(tissue: Tissue) -> Coreset:
    return gather([tissue.rgb], White(tissue.white, "given", 1.0), brown=False)


def test_merging_keeps_counts_and_the_mean_colour(coreset: Coreset) -> None:
    merged = coreset.coarser(800)
    assert len(merged.od) <= 800 < len(coreset.od)
    assert merged.counts().sum() == pytest.approx(coreset.counts().sum())
    np.testing.assert_allclose(
        merged.counts() @ merged.od, coreset.counts() @ coreset.od, rtol=1e-9
    )
    np.testing.assert_allclose(
        merged.cells.sum(axis=1), coreset.cells.sum(axis=1), rtol=1e-9
    )  # each cell keeps what it holds


def test_few_enough_colours_stay_as_they_are(coreset: Coreset) -> None:
    assert coreset.coarser(10**6) is coreset


def test_cells_are_counted_as_often_as_asked(coreset: Coreset) -> None:
    cells = coreset.cells.shape[0]
    halves = [coreset.counts((np.arange(cells) % 2 == side).astype(float)) for side in (0, 1)]
    np.testing.assert_allclose(halves[0] + halves[1], coreset.counts())


def test_light_of_two_colours_in_one_pixel_stays_in_the_plane() -> None:
    """Edges of small nuclei beside bright gaps: their mean light is no mixture of their OD."""
    rng = np.random.default_rng(5)
    nuclei = ndimage.gaussian_filter(rng.normal(size=(480, 480)), 2.5)
    nuclei = (nuclei > 0.8 * nuclei.std()).astype(float)
    od = nuclei[..., None] * 0.8 * VECTORS[:, 0] + 0.12 * VECTORS[:, 1]
    light = ndimage.gaussian_filter(np.array(WHITE.levels) * 10.0**-od, (1.2, 1.2, 0))
    rgb = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    found = gather([rgb], WHITE, brown=False)
    normal = unit(np.cross(VECTORS[:, 0], VECTORS[:, 1]))
    beside = np.abs(found.counts() @ (found.od @ normal)) / found.counts().sum()
    means = light.reshape(240, 2, 240, 2, 3).mean(axis=(1, 3))
    plain = -np.log10(means / np.array(WHITE.levels))
    tissue = np.linalg.norm(plain, axis=2) > 0.15
    assert beside < 0.5 * abs(float((plain[tissue] @ normal).mean()))


def test_pale_colours_are_told_apart_as_finely_as_dark_ones() -> None:
    rng = np.random.default_rng(6)
    patches = []
    for density in (0.25, 0.75):
        fraction = np.kron(rng.uniform(0, 1, (40, 40)), np.ones((8, 8)))
        mixed = np.stack([fraction, 1 - fraction], axis=2) @ VECTORS.T
        light = np.array(WHITE.levels) * 10.0 ** -(density * mixed)
        patches.append(np.rint(light).astype(np.uint8))
    pale, dark = (gather([patch], WHITE, brown=False) for patch in patches)
    assert len(pale.od) > 0.4 * len(dark.od)


def test_a_bleeding_beside_little_tissue_is_left_out() -> None:
    rng = np.random.default_rng(8)
    od = np.zeros((320, 320, 3))
    fraction = rng.uniform(0, 1, (320, 100, 1))
    od[:, :100] = 0.5 * (fraction * VECTORS[:, 0] + (1 - fraction) * VECTORS[:, 1])
    od[:, 200:275] = 0.6 * unit(np.array([0.10, 0.75, 0.65])) * rng.uniform(0.8, 1.2, (320, 75, 1))
    rgb = np.rint(np.array(WHITE.levels) * 10.0**-od).astype(np.uint8)
    found = gather([rgb], WHITE, brown=False)
    blue = found.od[:, 2] > 0.85 * found.od[:, 1]
    assert found.counts()[blue].sum() < 0.02 * found.counts().sum()


def test_blood_is_told_though_it_is_left_out(coreset: Coreset) -> None:
    y, x = np.mgrid[:320, :320]
    fraction = ((x // 12 + y // 20) % 3 / 2)[..., None]
    od = 0.5 * (fraction * VECTORS[:, 0] + (1 - fraction) * VECTORS[:, 1])
    cells = np.hypot(x % 40 - 20, y % 40 - 20) < 8
    od[cells] = 0.6 * unit(np.array([0.10, 0.75, 0.65]))
    rgb = np.rint(np.array(WHITE.levels) * 10.0**-od).astype(np.uint8)
    found = gather([rgb], WHITE, brown=False)
    assert 0.5 * cells.mean() < found.blood <= cells.mean()  # rims are mixtures
    assert (found.od[:, 2] < 0.85 * found.od[:, 1]).all()
    assert coreset.blood < 0.03
