from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from partwise_pet.core import cores_of
from partwise_pet.doubt import blood_check
from partwise_pet.factors import find_factors
from partwise_pet.phantom import HALF_LIFE_S, Body, Ellipsoid, Phantom, Tissue, make_phantom
from partwise_pet.question import Factors, Question
from partwise_pet.scale import scaled_by_core
from partwise_pet.series import frame_weights

STEP = 4.0


def vessel(blur_mm: float) -> Phantom:
    """A vessel of two voxels' radius within tissue that traps."""
    shapes = (
        Ellipsoid("grey", (0.0, 0.0, 0.0), (38.0, 38.0, np.inf)),
        Ellipsoid("LV", (2.0, 2.0, 0.0), (8.0, 8.0, 18.0)),
    )
    tissues = {"grey": Tissue(0.1, 0.13, 0.06, 0.006, 0.04)}
    body = Body(shapes, tissues, shape=(22, 22, 14), spacing_mm=STEP, blur_mm=blur_mm)
    return make_phantom(body, seed=3, alpha=0.2)


def asked(scan: Phantom) -> Question:
    mask = scan.labels > 0
    X = np.maximum(scan.values[:, mask], 0).astype(np.float64)
    weights = frame_weights(X.mean(axis=1), scan.frames, HALF_LIFE_S)
    return Question(X, weights, scan.frames, mask, 2, spacing_mm=(STEP, STEP, STEP))


def late_error(scan: Phantom, found: Factors) -> float:
    truth, curve = scan.curves[scan.factor("LV")], found.W[:, found.blood[-1]]
    late = scan.frames[:, 0] >= 1200
    scaled = curve * (curve @ truth) / (curve @ curve)
    return float(scaled[late].mean() / truth[late].mean() - 1)


@pytest.mark.parametrize("width", [5.0, 7.5])
def test_the_width_is_found_and_tissue_is_taken_off_blood(width: float) -> None:
    scan = vessel(width)
    question = asked(scan)
    found = find_factors(question)
    (spill,) = found.spills
    assert spill.width_mm == pytest.approx(width, rel=0.15)
    blurred = find_factors(replace(question, blur_mm=0.0))
    assert abs(late_error(scan, found)) < 0.08
    assert abs(late_error(scan, found)) < 0.5 * abs(late_error(scan, blurred))
    # What comes in grows as tissue fills, and what remains is what the truth's images say.
    assert spill.curve[-1] > spill.curve[20] > 0
    core = cores_of(found.H, question.mask, (), found.W)[spill.factor]
    true = scan.images[scan.factor("LV")][question.mask][core.columns].mean()
    assert spill.recovery == pytest.approx(true, abs=0.08)
    cores = cores_of(found.H, question.mask, (), found.W)
    roi = [question.X[:, each.columns].mean(axis=1) for each in cores]
    scaled = scaled_by_core(found, cores, roi, question)
    assert scaled.W[:, spill.factor].max() == pytest.approx(
        scan.curves[scan.factor("LV")].max(), rel=0.1
    )


def test_what_was_taken_off_does_not_convict_the_curve() -> None:
    scan = vessel(7.5)
    question = asked(scan)
    found = find_factors(replace(question, blur_mm=7.5))
    cores = cores_of(found.H, question.mask, (), found.W)
    roi = [question.X[:, core.columns].mean(axis=1) for core in cores]
    scaled = scaled_by_core(found, cores, roi, question)
    told = blood_check(scaled, cores, roi, question.frames)
    blind = blood_check(replace(scaled, spills=()), cores, roi, question.frames)
    assert abs(told[0].off) < 0.1 < abs(blind[0].off)


def test_nothing_is_taken_off_where_nothing_is_known_of_blur() -> None:
    question = asked(vessel(5.0))
    assert find_factors(replace(question, spacing_mm=None)).spills == ()
    assert find_factors(replace(question, blur_mm=0.0)).spills == ()


def test_a_spill_follows_its_factor_into_another_order() -> None:
    found = find_factors(replace(asked(vessel(5.0)), blur_mm=5.0))
    other = found.in_order([1, 0])
    k = found.blood[0]
    assert other.spill_of(1 - k) is not None
    assert other.spill_of(k) is None
    np.testing.assert_array_equal(other.W[:, 1 - k], found.W[:, k])
