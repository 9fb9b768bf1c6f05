"""Background, ink and blur are told from tissue by what light does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from partwise_stain.optics import find_white, halved, optical_density, pen_mask
from partwise_stain.pixels import variance
from partwise_stain.presets import PROTOCOLS, is_inky, preset, published, unit
from partwise_stain.tissue import Tissue, make_tissue

INKS = {"green": (0.80, 0.25, 0.55), "blue": (0.85, 0.50, 0.12), "red": (0.05, 0.72, 0.69)}
VECTORS = preset("he")


def dense_tissue(seed: int = 1, size: int = 360) -> np.ndarray:
    """OD of tissue without a gap: eosin of uneven density, nuclei everywhere."""
    rng = np.random.default_rng(seed)
    eosin = 0.35 + 0.08 * smooth(rng, size, 6) + 0.04 * smooth(rng, size, 40)
    nuclei = (smooth(rng, size, 4) > 1.0).astype(float)
    nuclei = ndimage.gaussian_filter(nuclei, 0.8)
    od = np.clip(eosin, 0.1, None)[..., None] * VECTORS[:, 1]
    return np.asarray(od * (1 - 0.7 * nuclei[..., None]) + 0.6 * nuclei[..., None] * VECTORS[:, 0])


def smooth(rng: np.random.Generator, size: int, scale: float) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.normal(size=(size, size)), scale)
    return np.asarray(field / field.std())


def picture(od: np.ndarray, white: np.ndarray, seed: int = 0) -> np.ndarray:
    light = white * 10.0**-od + np.random.default_rng(seed).normal(0, 1.0, od.shape)
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("ink", sorted(INKS))
def test_ink_over_dense_tissue_is_found(ink: str) -> None:
    od = dense_tissue()
    band = np.zeros(od.shape[:2])
    band[150:210] = 1
    band = ndimage.gaussian_filter(band, 3)
    od = od + 0.8 * band[..., None] * unit(INKS[ink])
    white = np.array([243.0, 241.0, 245.0])
    light = halved(picture(od, white))
    found = pen_mask(optical_density(light, white), brown=False)
    assert found[78:102].mean() > 0.95
    assert found[:60].mean() < 0.02
    assert found[120:].mean() < 0.02


def test_a_stroke_of_ink_is_followed_over_dense_eosin() -> None:
    """There it has the hue of haematoxylin."""
    od = dense_tissue()
    od[:, 150:270] += 0.35 * VECTORS[:, 1]
    band = np.zeros(od.shape[:2])
    band[150:210] = 1
    od = od + 0.6 * ndimage.gaussian_filter(band, 3)[..., None] * unit(INKS["blue"])
    white = np.array([243.0, 241.0, 245.0])
    found = pen_mask(optical_density(halved(picture(od, white)), white), brown=False)
    assert found[78:102].mean() > 0.95
    assert found[:60].mean() < 0.02
    assert found[120:].mean() < 0.02


@pytest.mark.parametrize("brown", [False, True])
def test_tissue_is_no_ink(brown: bool, tissue: Tissue) -> None:
    white = np.array([243.0, 241.0, 245.0])
    dense = optical_density(halved(picture(dense_tissue(2), white)), white)
    assert pen_mask(dense, brown=brown).mean() < 0.002
    drawn = optical_density(halved(tissue.rgb), tissue.white)
    assert pen_mask(drawn, brown=brown).mean() < 0.002


@pytest.mark.parametrize("protocol", [key for key, p in PROTOCOLS.items() if len(p.stains) == 2])
def test_stains_of_a_protocol_are_no_ink(protocol: str) -> None:
    white = np.array([243.0, 241.0, 245.0])
    rng = np.random.default_rng(4)
    share = (smooth(rng, 240, 8) > 0).astype(float)
    share = ndimage.gaussian_filter(share, 1.5)[..., None]
    first, second = published(protocol)[0].T
    od = 0.6 * (share * first + (1 - share) * second)
    density = optical_density(halved(picture(od, white)), white)
    assert pen_mask(density, brown=protocol != "he", inky=is_inky(protocol)).mean() < 0.01


def test_a_dim_and_tinted_background_is_found() -> None:
    made = make_tissue(320, 320, 8, white=(201.0, 214.0, 192.0))
    white = find_white([halved(made.rgb)])
    assert white.how == "background"
    np.testing.assert_allclose(white.levels, made.white, atol=2.5)


@pytest.mark.parametrize("true", [(243.0, 236.0, 228.0), (226.0, 223.0, 197.0)])
def test_without_background_the_plane_of_the_colours_passes_the_origin(
    true: tuple[float, float, float],
) -> None:
    light = halved(picture(dense_tissue(3), np.array(true)))
    white = find_white([light])
    assert white.how == "brightest"
    normal = unit(np.cross(VECTORS[:, 0], VECTORS[:, 1]))
    beside = abs(float(np.log10(np.array(white.levels) / np.array(true)) @ normal))
    assert beside < 0.006


def test_variance_is_that_of_each_channel() -> None:
    od = np.zeros((9, 9, 3), np.float32)
    od[..., 1] = np.arange(9) % 3  # every 3 × 3 holds 0, 1 and 2 three times
    found = variance(od)
    assert found.shape == od.shape
    np.testing.assert_allclose(found[1:-1, 1:-1, 1], 2 / 3, atol=1e-5)
    assert (found[..., [0, 2]] == 0).all()


def test_halved_is_the_mean_of_four_and_drops_an_odd_edge() -> None:
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    found = halved(image)
    assert found.shape == (2, 3, 3)
    np.testing.assert_allclose(found[1, 2], image[2:4, 4:6].mean(axis=(0, 1)))
