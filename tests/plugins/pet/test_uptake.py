"""What a tissue's core is made of, the scale that follows, and the band of Ki."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import erf, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from partwise_pet.beside import Beside, beside_of
from partwise_pet.core import Core, cores_of
from partwise_pet.factors import find_factors
from partwise_pet.kinetics import Line, patlak
from partwise_pet.nifti import load_nifti
from partwise_pet.outside import Edge
from partwise_pet.phantom import (
    FRAMES,
    HALF_LIFE_S,
    Body,
    Ellipsoid,
    Phantom,
    Tissue,
    frame_means,
    make_phantom,
    plasma_input,
    tissue_curve,
)
from partwise_pet.question import Factors, Own, Question, Spill, blood_of
from partwise_pet.scale import scaled_by_core
from partwise_pet.series import frame_weights
from partwise_pet.uptake import Uptake, uptakes_of
from partwise_pet.vascular import answers_to, blood_within, first_pass_seen

FWHM = 2 * np.sqrt(2 * np.log(2))
STEP = 0.5 / 60


def fine_blood(delay_min: float) -> Any:
    return plasma_input(STEP * np.arange(7201.0) - delay_min)


BLOOD = frame_means(fine_blood(0.3), FRAMES)
VENOUS = frame_means(fine_blood(0.15), FRAMES)


def spread(delay_min: float, seconds: float) -> Any:
    """Blood that comes later and less sharply."""
    once = Tissue(60 / seconds, 60 / seconds)
    return frame_means(tissue_curve(once, fine_blood(delay_min), STEP), FRAMES)


def curve_of(tissue: Tissue) -> Any:
    return frame_means(tissue_curve(tissue, fine_blood(0.3), STEP), FRAMES)


# Blood in a curve


@pytest.mark.parametrize("tissue", [Tissue(0.6, 1.2, 0.1), Tissue(0.1, 0.13, 0.06, 0.007)])
def test_blood_in_a_tissue_is_told_by_its_first_pass(tissue: Tissue) -> None:
    weights = FRAMES[:, 1] - FRAMES[:, 0]
    curve = 0.8 * curve_of(tissue) + 0.12 * BLOOD + 0.04 * VENOUS
    found, off = blood_within(curve, [VENOUS, BLOOD], FRAMES, weights)
    assert found.sum() == pytest.approx(0.16, abs=0.01)
    noise = np.random.default_rng(0).normal(0, 1, len(curve)) / np.sqrt(weights)
    _, shaken = blood_within(curve + noise, [VENOUS, BLOOD], FRAMES, weights)
    assert shaken > 3 * off


def test_a_tissue_that_washes_out_is_no_blood() -> None:
    liver = curve_of(Tissue(0.9, 0.8, 0.002, 0.001))
    assert answers_to(liver, BLOOD, FRAMES)
    assert not answers_to(VENOUS, BLOOD, FRAMES)
    assert not answers_to(BLOOD, VENOUS, FRAMES)
    # Nor is a ventricle a tissue for a quarter of wall that blur lets in.
    mixed = 0.75 * spread(0.3, 5.0) + 0.25 * curve_of(Tissue(0.6, 1.2, 0.1))
    assert not answers_to(mixed, spread(0.2, 2.0), FRAMES)
    W = np.stack([BLOOD, 1.4 * liver, VENOUS], axis=1)
    assert blood_of(W, np.ones((3, 9)), FRAMES) == (2, 0)


def test_frames_that_miss_the_peak_tell_nothing_of_blood() -> None:
    assert first_pass_seen(BLOOD, FRAMES)
    assert not first_pass_seen(BLOOD[12:], FRAMES[12:])
    long = np.array([[0.0, 60.0], [60.0, 120.0], [120.0, 300.0]])
    assert not first_pass_seen(np.array([1.0, 9.0, 4.0]), long)


# Surroundings in a core


@pytest.mark.parametrize("width", [5.0, 8.0])
def test_surroundings_in_a_wall_are_what_a_blur_brings(width: float) -> None:
    step, half = 4.0, 2.0  # mm; voxels on either side of the middle
    at = np.arange(31) - 15
    fine = gaussian_filter(
        (np.abs(np.arange(-150, 151)) <= 10 * (half + 0.5)).astype(float), 10 * width / FWHM / step
    )
    wall = np.broadcast_to(fine[150 + 10 * at], (9, 9, 31))
    mask = np.ones(wall.shape, bool)
    core = np.flatnonzero(np.broadcast_to(at == 0, wall.shape)[mask])
    edge = Edge(wall[mask], mask, core, (step, step, step))
    want = 1 - erf((half + 0.5) * step / (sqrt(2) * width / FWHM))
    assert edge.outside(width) == pytest.approx(want, abs=0.01)
    assert edge.outside(width + 1) > edge.outside(width) > edge.outside(width - 1)


def test_beyond_the_mask_nothing_is_taken_for_surroundings() -> None:
    mask = np.zeros((7, 7, 7), bool)
    mask[2:5, 2:5, 2:5] = True
    edge = Edge(np.ones(27), mask, np.arange(27), (4.0, 4.0, 4.0))
    assert edge.outside(6.0) == pytest.approx(0, abs=1e-6)


# The scale of a tissue, and Ki


@pytest.fixture(scope="module")
def scan() -> Phantom:
    """A pool of blood with a thin wall in soft tissue."""
    shapes = (
        Ellipsoid("soft", (0.0, 0.0, 0.0), (46.0, 46.0, np.inf)),
        Ellipsoid("myo", (0.0, 0.0, 0.0), (24.0, 24.0, 26.0)),
        Ellipsoid("LV", (0.0, 0.0, 0.0), (16.0, 16.0, 18.0)),
    )
    tissues = {"myo": Tissue(0.7, 1.0, 0.08, 0.0, 0.1), "soft": Tissue(0.1, 1.0, 0.0, 0.0, 0.03)}
    return make_phantom(Body(shapes, tissues, shape=(24, 24, 18)), seed=5, alpha=0.3)


@pytest.fixture(scope="module")
def question(scan: Phantom) -> Question:
    mask = scan.labels > 0
    X = np.maximum(scan.values[:, mask], 0).astype(np.float64)
    weights = frame_weights(X.mean(axis=1), scan.frames, HALF_LIFE_S)
    return Question(X, weights, scan.frames, mask, 3, spacing_mm=(4.0, 4.0, 4.0))


@pytest.fixture(scope="module")
def loose(question: Question) -> Factors:
    return find_factors(question)


def scaled(question: Question, found: Factors) -> tuple[Factors, tuple[Core, ...], list[Any]]:
    cores = cores_of(found.H, question.mask, (), found.W)
    roi = [question.X[:, core.columns].mean(axis=1) for core in cores]
    return scaled_by_core(found, cores, roi, question), cores, roi


def line_of(question: Question, curves: Any, blood: Any) -> Line:
    t, frames = question.frames.mean(axis=1) / 60, question.frames / 60
    return patlak(curves, t, blood, 15, frames_min=frames)


@pytest.fixture(scope="module")
def most(question: Question, loose: Factors) -> Uptake:
    return max(banded(question, loose), key=_ki)


def _ki(uptake: Uptake) -> float:
    return uptake.ki


def banded(question: Question, loose: Factors) -> tuple[Uptake, ...]:
    found, cores, roi = scaled(question, loose)

    def line(each: Factors) -> Line:
        return line_of(question, each.W.T, each.W[:, each.blood[0]])

    beside = beside_of(loose, found, cores, roi, question, line)
    return uptakes_of(found, line(found), True, beside)


def test_ki_of_a_thin_wall_is_the_truth_within_its_band(
    scan: Phantom, question: Question, loose: Factors
) -> None:
    found, cores, roi = scaled(question, loose)
    (blood,) = found.blood
    image = scan.images[scan.factor("myo")][question.mask]
    k = int(np.argmax([np.corrcoef(h, image)[0, 1] for h in found.H]))
    truth = line_of(question, scan.curves[[scan.factor("myo")]], scan.curves[scan.factor("LV")])
    want = float(truth.slope[0])
    own = found.own_of(k)
    assert own is not None
    assert own.share + own.blood + own.outside == pytest.approx(1)
    assert own.share == pytest.approx(float(image[cores[k].columns].mean()), abs=0.05)
    (told,) = [each for each in banded(question, loose) if each.factor == k]
    assert told.ki == pytest.approx(want, rel=0.06)
    assert told.low < want < told.high
    plain = line_of(question, roi[k][None], roi[blood])
    assert abs(told.ki / want - 1) < 0.5 * abs(float(plain.slope[0]) / want - 1)


def test_the_scale_of_blood_does_not_fall_with_what_noise_gives_to_others(
    question: Question, loose: Factors
) -> None:
    (blood,) = loose.blood
    shaken = loose.H + 0.05 * np.delete(loose.H, blood, 0).max()
    shaken[blood] = loose.H[blood]
    mine, _, _ = scaled(question, loose)
    cores = cores_of(loose.H, question.mask, (), loose.W)
    roi = [question.X[:, core.columns].mean(axis=1) for core in cores]
    other = scaled_by_core(replace(loose, H=shaken), cores, roi, question)
    np.testing.assert_allclose(other.W[:, blood], mine.W[:, blood])


def test_a_locked_tissue_keeps_its_shape(question: Question, loose: Factors) -> None:
    tissue = next(k for k in range(3) if k not in loose.blood)
    order = [tissue, *(k for k in range(3) if k != tissue)]
    locked = replace(question, fixed=loose.W[:, [tissue]])
    found, _, _ = scaled(locked, loose.in_order(order))
    like = found.W[:, 0] / loose.W[:, tissue].clip(1e-12)
    there = loose.W[:, tissue] > 0
    np.testing.assert_allclose(like[there], like[there][0], rtol=1e-9)


def test_more_doubt_about_the_blur_widens_the_band(question: Question, loose: Factors) -> None:
    def band(doubt: float) -> float:
        spills = tuple(replace(each, doubt_mm=doubt) for each in loose.spills)
        told = max(banded(question, replace(loose, spills=spills)), key=_ki)
        return told.high / told.low

    assert band(1.5) > 1.05 * band(0.1)


def test_what_ki_would_be_under_another_blur_is_what_a_run_with_it_gives(
    question: Question, loose: Factors, most: Uptake
) -> None:
    width = loose.spills[0].width_mm
    other = find_factors(replace(question, blur_mm=width + 1.5))
    assert most.wider == pytest.approx(max(banded(question, other), key=_ki).ki, rel=0.03)
    assert most.wider > 1.03 * most.ki > 1.03 * most.narrower


def test_a_core_that_shows_another_curve_than_its_factor_widens_the_band(
    question: Question, loose: Factors, most: Uptake
) -> None:
    W = loose.W.copy()
    # Half of another tissue's curve: what a factor that holds two of them looks like.
    other = next(k for k in range(3) if k not in (*loose.blood, most.factor))
    W[:, most.factor] += W[:, other] * (W[:, most.factor].sum() / W[:, other].sum())
    (mixed,) = [
        each for each in banded(question, replace(loose, W=W)) if each.factor == most.factor
    ]
    assert mixed.mixed > 3 * most.mixed
    assert mixed.high / mixed.low > 1.2 * most.high / most.low


def test_a_band_follows_its_factor_and_samples_need_no_blur() -> None:
    nothing: Any = None  # no fit is looked at
    flat = np.ones(3)
    found = Factors(
        np.ones((3, 2)),
        np.ones((2, 4)),
        nothing,
        0.0,
        (1,),
        (Spill(1, 6.0, 0.6, 0.7, np.zeros(3), flat),),
        (Own(0, 0.1, 0.1, 0.8, 0.02, flat),),
    )
    x = np.array([[1.0, 2.0, 3.0, 4.0]] * 2)
    line = Line(np.array([0.05, 0.0]), np.zeros(2), x, 0.05 * x, np.ones(4, bool))
    nobody = Beside(line, (), line, (replace(line, slope=1.1 * line.slope),))
    (by_factor,), (by_samples,) = (uptakes_of(found, line, way, nobody) for way in (True, False))
    assert by_factor.blood > np.log(1.1)
    assert by_samples.blood == 0
    assert np.isnan(by_factor.wider)
    assert by_factor.low < by_samples.low < 0.05 < by_samples.high < by_factor.high
    other = found.in_order([1, 0])
    assert other.own_of(1) is not None
    assert other.own_of(0) is None


# What a file tells of blur


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        ({"ReconFilterType": "Gaussian", "ReconFilterSize": 5}, 5.0),
        ({"ReconFilterType": ["Gaussian", "box"], "ReconFilterSize": [2.0, 4.5]}, 4.5),
        ({"ReconFilterType": "none"}, 0.0),
        ({"ReconFilterSize": "5"}, None),
        ({"ReconFilterSize": [-1, True, 400]}, None),
        ({}, None),
    ],
)
def test_the_filter_of_a_sidecar_is_kept(
    series: Callable[..., Path], fields: dict[str, Any], want: float | None
) -> None:
    assert load_nifti(series(**fields)).meta.get("filter_mm") == want


def test_a_told_filter_moves_the_width_towards_what_it_makes_likely(
    question: Question, loose: Factors
) -> None:
    width = {
        told: find_factors(replace(question, filter_mm=told)).spills[0].width_mm
        for told in (0.0, 6.0)
    }
    free = loose.spills[0].width_mm
    assert width[0.0] < free < width[6.0]
    assert width[6.0] - width[0.0] < 1.0  # what the frames tell outweighs it
