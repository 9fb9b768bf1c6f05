from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from partwise_pet.core import cores_of
from partwise_pet.doubt import band_of, blood_check, resampled_band
from partwise_pet.evidence import OFF
from partwise_pet.factors import find_factors, loose_factors
from partwise_pet.penalty import Apart, settled_images
from partwise_pet.phantom import (
    FRAMES,
    HALF_LIFE_S,
    Phantom,
    Tissue,
    frame_means,
    make_phantom,
    plasma_input,
    tissue_curve,
)
from partwise_pet.question import Factors, Question, blood_of
from partwise_pet.scale import scaled_by_core
from partwise_pet.series import frame_weights


@pytest.fixture(scope="module")
def heart() -> Phantom:
    return make_phantom("small", seed=501, alpha=0.5, vary=0.2)


@pytest.fixture(scope="module")
def question(heart: Phantom) -> Question:
    inside = np.isin(heart.labels, [1 + heart.factor(n) for n in ("RV", "LV", "myo")])
    box = np.zeros_like(inside)
    at = [np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != k))) for k in range(3)]
    box[tuple(slice(max(int(i[0]) - 1, 0), int(i[-1]) + 2) for i in at)] = True
    raw = heart.values[:, box].astype(np.float64)
    weights = frame_weights(raw.mean(axis=1), heart.frames, HALF_LIFE_S)
    return Question(np.maximum(raw, 0), weights, heart.frames, box, 4)


@pytest.fixture(scope="module")
def found(question: Question) -> Factors:
    return find_factors(question)


def late_error(scan: Phantom, curve: np.ndarray, name: str) -> float:
    truth = scan.curves[scan.factor(name)]
    curve = curve * (curve @ truth) / (curve @ curve)
    late = scan.frames[:, 0] >= 1200
    return float(curve[late].mean() / truth[late].mean() - 1)


def roi_of(scan: Phantom, question: Question, found: Factors) -> tuple[Any, Any]:
    cores = cores_of(found.H, question.mask, question.anchors, found.W)
    places = np.flatnonzero(question.mask)
    flat = scan.values.reshape(len(scan.values), -1)
    return [flat[:, places[core.columns]].mean(axis=1) for core in cores], cores


# The simulator


def test_a_compartment_answers_a_step_as_the_textbook_says() -> None:
    step = 0.5 / 60
    t = step * np.arange(7200)
    tissue = Tissue(0.5, 0.8, 0.1, 0.0)
    curve = tissue_curve(tissue, np.ones_like(t), step)
    rate, held = 0.9, 0.5 * 0.1 / 0.9
    # The first sample is reached along a straight line from nothing, half a step before.
    t = t + step / 2
    want = held * t + 0.5 * 0.8 / rate**2 * (1 - np.exp(-rate * t))
    np.testing.assert_allclose(curve[10:], want[10:], rtol=1e-4)


def test_frame_means_are_exact_for_a_straight_line() -> None:
    frames = np.array([[0.0, 10.0], [10.0, 40.0]])
    np.testing.assert_allclose(frame_means(np.arange(0, 100, 0.5), frames), [5.0, 25.0])


def test_the_input_begins_at_nothing_and_peaks_early() -> None:
    t = np.arange(-1, 60, 1 / 120)
    curve = plasma_input(t)
    assert (curve[t <= 0] == 0).all()
    assert (curve >= 0).all()
    assert 0.1 < t[curve.argmax()] < 1.0


def test_noise_is_as_asked_and_the_truth_adds_up(heart: Phantom) -> None:
    whole = np.tensordot(heart.curves.T, heart.images, axes=1)
    np.testing.assert_allclose(heart.clean, whole, rtol=1e-4, atol=1e-3)
    k = 30
    liver = heart.labels == 1 + heart.factor("liver")
    spread = (heart.values - heart.clean)[k][liver].std()
    minutes = (heart.frames[k, 1] - heart.frames[k, 0]) / 60
    grown = np.exp(np.log(2) / HALF_LIFE_S * heart.frames[k].mean())
    want = np.sqrt(0.5 * heart.clean[k][liver].mean() * grown / minutes)
    assert spread == pytest.approx(want, rel=0.15)


@pytest.mark.parametrize("kind", ["heart", "small", "brain"])
def test_each_body_holds_blood_and_a_tissue_that_traps(kind: str) -> None:
    scan = make_phantom(kind, alpha=0, frames=FRAMES[::6] * 1.0)
    assert (scan.values == scan.clean).all()
    assert (scan.labels == 1 + scan.factor("LV")).sum() > 20
    assert scan.uptake > 0.01


# The model


def test_blood_and_tissue_come_out_without_a_click(
    heart: Phantom, question: Question, found: Factors
) -> None:
    assert len(found.blood) == 2
    assert abs(late_error(heart, found.W[:, found.blood[-1]], "LV")) < 0.15
    others = [k for k in range(4) if k not in found.blood]
    myo = heart.curves[heart.factor("myo")]
    image = heart.images[heart.factor("myo")][question.mask]
    k = max(others, key=lambda j: np.corrcoef(found.H[j], image)[0, 1])
    curve = found.W[:, k] * (found.W[:, k] @ myo) / (found.W[:, k] @ found.W[:, k])
    assert np.linalg.norm(curve - myo) < 0.08 * np.linalg.norm(myo)
    assert np.corrcoef(found.H[k], image)[0, 1] > 0.98


def test_the_core_convicts_a_fit_that_loses_the_tail_of_blood(
    heart: Phantom, question: Question, found: Factors
) -> None:
    naive = loose_factors(question, weighted=False)
    explained = {}
    for name, fit in (("ours", found), ("naive", naive)):
        roi, cores = roi_of(heart, question, fit)
        checks = blood_check(scaled_by_core(fit, cores, roi, question), cores, roi, question.frames)
        explained[name] = max(abs(each.off) for each in checks)
        left = np.linalg.norm((question.X - fit.W @ fit.H) * question.root)
        assert left < 0.25 * np.linalg.norm(question.X * question.root)  # both fit well
    assert explained["ours"] < OFF[1] < explained["naive"]


def test_anchors_belong_to_one_factor_and_blood_runs_through_tissue(
    heart: Phantom, question: Question
) -> None:
    place = np.full(question.mask.size, -1)
    place[np.flatnonzero(question.mask)] = np.arange(question.X.shape[1])
    anchors = []
    for name in ("RV", "LV", "myo"):
        flat = np.flatnonzero(heart.images[heart.factor(name)] > 0.8 if name == "myo" else
                              heart.images[heart.factor(name)] > 0.995)[:20]  # fmt: skip
        columns = place[flat]
        anchors.append(columns[columns >= 0].astype(np.intp))
    anchors.append(np.empty(0, np.intp))
    fit = find_factors(replace(question, anchors=tuple(anchors)))
    assert abs(late_error(heart, fit.W[:, 1], "LV")) < 0.12
    for k in (0, 1):
        others = np.array([j for j in range(4) if j != k])
        assert fit.H[others][:, anchors[k]].max() < 1e-6
    assert fit.H[3, anchors[2]].max() < 1e-6  # another tissue is kept out
    assert fit.H[:2][:, anchors[2]].max() > 0  # blood is not


def test_locked_curves_stay(question: Question, found: Factors) -> None:
    given = found.W[:, [found.blood[-1]]]
    fit = find_factors(replace(question, fixed=given))
    like = fit.W[:, 0] @ given[:, 0] / np.linalg.norm(fit.W[:, 0]) / np.linalg.norm(given[:, 0])
    assert like > 1 - 1e-6


def test_a_stop_keeps_what_stands(question: Question) -> None:
    seen = []

    def on_step(W: np.ndarray, H: np.ndarray, trace: list[float]) -> bool:
        seen.append((W.shape, H.shape))
        return False

    fit = find_factors(question, on_step)
    assert seen[0] == (fit.W.shape, fit.H.shape)
    assert np.isfinite(fit.W).all()


def test_the_band_holds_the_curve_and_is_wide_where_nothing_decides(
    heart: Phantom, question: Question, found: Factors
) -> None:
    roi, cores = roi_of(heart, question, found)
    scaled = scaled_by_core(found, cores, roi, question)
    band = band_of(question, scaled, lambda done, of: True)
    assert (band.low <= scaled.W).all()
    assert (band.high >= scaled.W).all()
    assert band.tried == 3
    assert band.good >= 1
    late = question.frames[:, 0] >= 1200
    k = scaled.blood[-1]
    assert band.low[late, k].mean() < 0.8 * scaled.W[late, k].mean()


def test_a_resampling_gives_an_interval(heart: Phantom, question: Question, found: Factors) -> None:
    roi, cores = roi_of(heart, question, found)
    scaled = scaled_by_core(found, cores, roi, question)
    band = resampled_band(question, scaled, 3, lambda done, of: True)
    assert band.good == 3
    assert (band.low <= scaled.W).all()
    assert (band.high >= scaled.W).all()


def test_blood_is_told_by_its_early_high_peak() -> None:
    t = FRAMES.mean(axis=1)
    blood = np.exp(-(((t - 40) / 15) ** 2)) * 100 + 5
    slow = 40 * (1 - np.exp(-t / 600))
    low = np.exp(-(((t - 60) / 30) ** 2)) * 10
    W = np.stack([slow, blood, low], axis=1)
    assert blood_of(W, np.ones((3, 50)), FRAMES) == (1,)


# The penalty


def test_the_penalty_agrees_with_its_gradient_and_lies_below_its_bound() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.random((3, 3))
    pairs = pairs + pairs.T
    np.fill_diagonal(pairs, 0)
    term = Apart(pairs, rng.random((3, 5)))
    F = rng.random((3, 5))
    gradient = term.gradient(F)
    for k in range(3):
        for j in range(5):
            up, down = F.copy(), F.copy()
            up[k, j] += 1e-6
            down[k, j] -= 1e-6
            slope = (term.value(up) - term.value(down)) / 2e-6
            assert slope == pytest.approx(gradient[k, j], rel=1e-6)
        moved = F.copy()
        moved[k] = rng.random(5)
        rise = float((term.bound(F, k).linear * (moved[k] - F[k])).sum())
        assert term.value(moved) - term.value(F) == pytest.approx(rise)


def test_images_settle_where_no_single_entry_can_lower_the_cost() -> None:
    rng = np.random.default_rng(1)
    W, X = rng.random((9, 3)), rng.random((9, 40))
    pairs = 0.1 * (1 - np.eye(3))
    barred = np.zeros((3, 40))
    barred[1, :5] = 1e3
    H = settled_images(W.T @ W, W.T @ X, pairs, barred)
    term = Apart(pairs, barred)

    def cost(H: Any) -> float:
        return 0.5 * float(np.square(X - W @ H).sum()) + term.value(H)

    assert H[1, :5].max() == 0
    base = cost(H)
    for k, j in rng.integers(0, (3, 40), (60, 2)):
        for step in (-1e-3, 1e-3):
            other = H.copy()
            other[k, j] = max(other[k, j] + step, 0)
            assert cost(other) >= base - 1e-7
