"""What is laid over clean tissue by hand is flagged where it was laid, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from partwise.api import ArrayPyramid, LocalJob, Mixing
from partwise_stain.optics import White
from partwise_stain.quality import FLAGS, inspect_slide, judge_stains
from partwise_stain.readers import load_slide
from partwise_stain.tissue import Tissue, make_tissue

VECTORS = np.array([(0.65, 0.70, 0.29), (0.07, 0.99, 0.11)])


@pytest.fixture(scope="module")
def made() -> Tissue:
    return make_tissue(640, 512, seed=11)


@pytest.fixture(scope="module")
def clean(made: Tissue) -> np.ndarray:
    return made.rgb


def test_clean_tissue_has_no_flag_worth_a_look(clean: np.ndarray) -> None:
    found = inspect_slide(ArrayPyramid(clean), LocalJob())
    assert found.shares["tissue"] > 0.6
    for key in ("pen", "blur", "clipped", "bright"):
        assert found.shares[key] < 0.01, key
    assert found.shares["fold"] < 0.02
    assert set(found.masks) <= {flag.key for flag in FLAGS}


def test_a_blurred_half_is_out_of_focus(clean: np.ndarray) -> None:
    soft = ndimage.gaussian_filter(clean.astype(np.float32), (2.0, 2.0, 0))
    noise = np.random.default_rng(0).normal(0, 1, soft.shape)
    half = clean.copy()
    half[:, 320:] = np.clip(soft + noise, 0, 255)[:, 320:]
    mask = inspect_slide(ArrayPyramid(half), LocalJob()).masks["blur"]
    tissue = inspect_slide(ArrayPyramid(clean), LocalJob()).masks["tissue"]
    assert mask[:, 400:].sum() > 0.8 * tissue[:, 400:].sum()
    assert mask[:, :240].sum() < 0.02 * tissue[:, :240].sum()


def test_a_white_set_too_low_is_seen(clean: np.ndarray) -> None:
    low = inspect_slide(ArrayPyramid(clean), LocalJob(), White((215, 215, 215), "given", 1.0))
    assert low.shares["bright"] > 0.05


def test_black_pixels_are_too_dark_to_measure(clean: np.ndarray) -> None:
    dark = clean.copy()
    spots = np.zeros(dark.shape[:2], bool)
    spots[5::40, 5::40] = spots[6::40, 5::40] = True
    dark[spots] = (2, 1, 3)
    found = inspect_slide(ArrayPyramid(dark), LocalJob())
    np.testing.assert_array_equal(found.masks["clipped"], spots & found.masks["tissue"])
    assert 0.0005 < found.shares["clipped"] < 0.002


def test_another_batch_of_stain_in_one_half_tilts_the_balance(
    made: Tissue, clean: np.ndarray
) -> None:
    mixing = Mixing(made.vectors, made.white)
    plain = judge_stains(inspect_slide(ArrayPyramid(clean), LocalJob()), mixing, brown=False)
    od = -np.log10(np.maximum(clean, 1) / np.array(made.white))
    od[:, 400:, 2] *= 1.8
    tinted = np.clip(np.array(made.white) * 10**-od, 0, 255).astype(np.uint8)
    seen = judge_stains(inspect_slide(ArrayPyramid(tinted), LocalJob()), mixing, brown=False)
    tissue = seen.masks["tissue"]
    assert seen.masks["balance"][:, 480:].sum() > 0.6 * tissue[:, 480:].sum()
    assert plain.shares["balance"] < 0.1
    assert seen.masks["balance"][:, :320].sum() < 0.15 * tissue[:, :320].sum()


def test_pen_of_both_colours_is_found_on_real_tiles(real: Path) -> None:
    for name, share in (("medium-nuclei-score-green", 0.4), ("very-low-nuclei-score-red", 0.2)):
        path = next(real.glob(f"histolab_{name}*"))
        pyramid = load_slide(path).pyramid
        assert pyramid is not None
        slide = inspect_slide(pyramid, LocalJob())
        seen = judge_stains(slide, Mixing(VECTORS.T, slide.white.levels), brown=False)
        assert seen.shares["pen"] > share
        assert not (seen.masks["pen"] & seen.masks["tissue"]).any()
