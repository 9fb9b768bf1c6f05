"""Intervals, permutations and uniqueness: is doubt stated where it is due?"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from partwise.engine.errors import Cancelled, InputProblem
from partwise.engine.fit import nmf
from partwise.engine.judge.bootstrap import bootstrap
from partwise.engine.judge.match import match_parts
from partwise.engine.judge.permutation import benjamini_hochberg, permutation_test
from partwise.engine.judge.uniqueness import uniqueness
from partwise.engine.pool import limit_threads

CYCLES, PHASES = 24, 40


def cycles(seed: int, wobble: float, count: int = CYCLES) -> tuple[Any, Any, Any]:
    """Cycles of three bursts whose muscles weigh a little differently each time."""
    W = np.random.default_rng(99).gamma(0.8, size=(9, 3))
    W[:3] = np.eye(3)
    W /= np.linalg.norm(W, axis=0)
    rng = np.random.default_rng(seed)
    phase = np.arange(PHASES) / PHASES
    bursts = np.stack(
        [np.maximum(np.cos(2 * np.pi * (phase - c)), 0) ** 3 for c in (0.1, 0.4, 0.75)]
    )
    runs = [
        (W * rng.lognormal(0, wobble, W.shape)) @ (bursts * rng.uniform(0.6, 1.4, (3, 1)))
        for _ in range(count)
    ]
    return np.concatenate(runs, axis=1), W, np.repeat(np.arange(count), PHASES)


def test_intervals_hold_what_very_many_cycles_would_give() -> None:
    X, _, _ = cycles(0, 0.25, count=1000)
    many = nmf(X, 3, starts=3).W
    held = []
    for seed in range(8):
        X, _, labels = cycles(seed, 0.25)
        fit = nmf(X, 3, starts=3)
        doubt = bootstrap(X, fit, groups=labels, resamples=100, seed=seed, intervals_H=False)
        order = match_parts(many, fit.W).permutation
        inside = (doubt.W_low[:, order] <= many) & (doubt.W_high[:, order] >= many)
        held.append(inside[many > 0.02].mean())
    assert 0.85 <= np.mean(held) <= 0.99


def test_columns_of_a_group_are_not_taken_for_independent() -> None:
    X, _, labels = cycles(0, wobble=0.25)
    fit = nmf(X, 3, starts=3)
    grouped = bootstrap(X, fit, groups=labels, resamples=60, intervals_H=False)
    single = bootstrap(X, fit, resamples=60, intervals_H=False)
    assert grouped.groups == CYCLES
    assert single.groups == X.shape[1]
    width = np.mean(grouped.W_high - grouped.W_low)
    assert width > 1.5 * np.mean(single.W_high - single.W_low)


def test_exact_data_leave_no_doubt() -> None:
    X, _, labels = cycles(1, wobble=0.0)
    fit = nmf(X, 3, starts=3, tol=1e-9, max_iter=5000)
    doubt = bootstrap(X, fit, groups=labels, resamples=20)
    assert doubt.H_low is not None
    assert doubt.H_high is not None
    np.testing.assert_allclose(doubt.W_low, fit.W, atol=5e-3)
    np.testing.assert_allclose(doubt.W_high, fit.W, atol=5e-3)
    assert (doubt.H_low <= fit.H + 0.02).all()
    assert (doubt.H_high >= fit.H - 0.02).all()
    assert (doubt.cosine > 0.999).all()


def test_intervals_of_strengths_hold_the_noise_of_their_column() -> None:
    rng = np.random.default_rng(2)
    W = np.vstack([np.eye(3)] * 4) / 2
    H = rng.uniform(1, 2, (3, 600)) * (rng.random((3, 600)) < 0.5)
    X = np.maximum(W @ H + 0.05 * rng.standard_normal((12, 600)), 0)
    fit = nmf(X, 3, init=(W, H))
    doubt = bootstrap(X, fit, resamples=100)
    assert doubt.H_low is not None
    assert doubt.H_high is not None
    inside = (doubt.H_low <= H) & (doubt.H_high >= H)
    assert 0.85 <= inside[H > 0].mean() <= 0.99


def test_intervals_are_the_same_with_any_number_of_threads() -> None:
    X, _, labels = cycles(3, wobble=0.1)
    fit = nmf(X, 3)
    with limit_threads(1):
        one = bootstrap(X, fit, groups=labels, resamples=10, seed=4)
    with limit_threads(3):
        many = bootstrap(X, fit, groups=labels, resamples=10, seed=4)
    np.testing.assert_array_equal(one.W_low, many.W_low)
    assert one.H_high is not None
    np.testing.assert_array_equal(one.H_high, many.H_high)


def test_a_cancelled_bootstrap_gives_nothing() -> None:
    X, _, _ = cycles(4, wobble=0.1)
    with pytest.raises(Cancelled):
        bootstrap(X, nmf(X, 3), resamples=5000, on_step=lambda done: False)


def test_weights_and_gaps_go_into_the_refits() -> None:
    X, _, labels = cycles(5, wobble=0.1)
    holes = np.random.default_rng(0).random(X.shape) < 0.05
    gaps = np.where(holes, np.nan, X)
    fit = nmf(gaps, 3)
    doubt = bootstrap(gaps, fit, groups=labels, resamples=20, intervals_H=False)
    assert (doubt.cosine > 0.9).all()
    with pytest.raises(InputProblem, match="without weights or gaps"):
        bootstrap(gaps, fit, groups=labels, resamples=20)


@pytest.mark.parametrize(
    ("bad", "argument"),
    [
        ({"groups": np.zeros(3)}, "groups"),
        ({"groups": np.zeros(CYCLES * PHASES)}, "groups"),
        ({"resamples": 1}, "resamples"),
    ],
)
def test_resamples_that_cannot_be_drawn_are_named(bad: dict[str, Any], argument: str) -> None:
    X, _, _ = cycles(6, wobble=0.1)
    with pytest.raises(InputProblem) as problem:
        bootstrap(X, nmf(X, 3, max_iter=5), **bad)
    assert problem.value.argument == argument


def test_adjusted_p_values_are_those_of_scipy() -> None:
    p = np.random.default_rng(0).random((7, 9)) ** 3
    np.testing.assert_allclose(
        benjamini_hochberg(p), false_discovery_control(p.ravel()).reshape(p.shape)
    )
    with_gap = np.append(p.ravel(), np.nan)
    np.testing.assert_allclose(benjamini_hochberg(with_gap)[:-1], benjamini_hochberg(p).ravel())
    assert np.isnan(benjamini_hochberg(with_gap)[-1])


def test_all_relabellings_are_counted_when_there_are_few() -> None:
    values = np.random.default_rng(1).normal(size=(8, 3))
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    test = permutation_test(values, labels)
    found = np.abs(values[labels == 1].mean(axis=0) - values[labels == 0].mean(axis=0))
    extreme = np.zeros(3)
    for chosen in combinations(range(8), 4):
        inside = np.isin(np.arange(8), chosen)
        difference = np.abs(values[inside].mean(axis=0) - values[~inside].mean(axis=0))
        extreme += difference >= found - 1e-12
    assert test.exact
    assert test.permutations == 70
    np.testing.assert_allclose(test.p, extreme / 70)


def test_random_relabellings_come_near_the_exact_p() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(14, 5)) + np.outer(np.repeat([0, 1], 7), [0, 0.5, 1, 1.5, 2])
    labels = np.repeat(["healthy", "patient"], 7)
    exact = permutation_test(values, labels, permutations=5000)
    some = permutation_test(values, labels, permutations=2000, seed=1)
    assert exact.exact
    assert not some.exact
    np.testing.assert_allclose(some.p, exact.p, atol=0.04)
    assert some.p.min() >= 1 / 2001
    assert (some.statistic > 0)[2:].all()


def test_a_statistic_of_ones_own_is_used() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(10, 2, 3))
    labels = np.repeat([1, 2], 5)

    def means(data: Any, group: Any) -> Any:
        return data[group == 1].mean(axis=0) - data[group == 0].mean(axis=0)

    own = permutation_test(values, labels, statistic=means)
    default = permutation_test(values, labels)
    assert own.p.shape == (2, 3)
    np.testing.assert_allclose(own.p, default.p)
    np.testing.assert_allclose(own.statistic, default.statistic)


def test_nothing_is_found_where_there_is_nothing() -> None:
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1], 8)
    found = [
        (
            permutation_test(rng.normal(size=(16, 20)), labels, permutations=400).adjusted <= 0.05
        ).any()
        for _ in range(100)
    ]
    assert np.mean(found) <= 0.12  # 0.05 and two standard errors, with room for 100 trials


def test_two_groups_are_needed() -> None:
    with pytest.raises(InputProblem, match="3 groups"):
        permutation_test([1.0, 2, 3], [1, 2, 3])


def test_parts_with_pure_samples_and_features_are_determined() -> None:
    rng = np.random.default_rng(5)
    W, H = rng.gamma(1.0, size=(12, 3)), rng.gamma(1.0, size=(3, 200))
    W[:3], H[:, :3] = 3 * np.eye(3), 4 * np.eye(3)
    X = W @ H
    fit = nmf(X, 3, starts=5, tol=1e-8, max_iter=5000)
    seen = uniqueness(X, fit)
    assert seen.verdict == "good"
    assert seen.spread.min() > 0.99
    assert seen.separability.max() < 0.05
    assert "The data determine the parts" in seen.text
    assert "a sample and a feature of its own" in seen.text


def test_parts_that_can_be_exchanged_are_not() -> None:
    rng = np.random.default_rng(6)
    X = (rng.random((12, 3)) + 0.5) @ (rng.random((3, 200)) + 0.5)
    fit = nmf(X, 3, starts=5, tol=1e-8, max_iter=5000)
    seen = uniqueness(X, fit)
    worst = int(seen.spread.argmin())
    assert seen.verdict == "bad"
    assert seen.spread[worst] < 0.9
    assert f"do not determine part {worst + 1}" in seen.text
    assert seen.solutions[0] > 10


def test_an_exact_exchange_is_found_without_any_start_finding_it() -> None:
    W = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    H = np.array([[1.0, 2.0, 3.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    X = W @ H
    fit = replace(nmf(X, 2, init=(W, H), max_iter=1), W=W, H=H)
    # Part 2 is in every sample; a share of it can go to neither, as its row
    # has no zero but part 1's has: W_1 + t W_2 with H_2 - t H_1 for t to 1/3.
    moved = W[:, 0] + W[:, 1] / 3
    expected = moved @ W[:, 0] / np.linalg.norm(moved) / np.linalg.norm(W[:, 0])
    seen = uniqueness(X, fit, starts=1)
    assert seen.mixing[0] == pytest.approx(expected)
    assert seen.mixing[1] == pytest.approx(1)
    assert seen.spread[0] <= seen.mixing[0]


def test_a_long_x_and_missing_entries_are_judged_too() -> None:
    rng = np.random.default_rng(7)
    W = np.vstack([np.eye(2), rng.random((4, 2))])
    H = rng.gamma(0.3, size=(2, 10_000))
    X = W @ H
    X[4, ::7] = np.nan
    seen = uniqueness(X, nmf(X, 2, tol=1e-7), starts=4)
    assert seen.verdict == "good"
    with pytest.raises(InputProblem, match="of shape"):
        uniqueness(X[:, :50], nmf(X, 2, max_iter=2))
