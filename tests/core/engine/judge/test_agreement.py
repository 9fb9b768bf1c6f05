"""Elbow, consensus, stability, held-out entries and the crew that runs the fits."""

from __future__ import annotations

from threading import Event, current_thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise.engine.errors import Cancelled, InputProblem
from partwise.engine.judge.consensus import (
    consensus_clusters,
    consensus_matrix,
    cophenetic,
    dispersion,
)
from partwise.engine.judge.elbow import line_rule
from partwise.engine.judge.explained import explained
from partwise.engine.judge.heldout import heldout_error, speckles
from partwise.engine.judge.many import side_by_side
from partwise.engine.judge.sample import few_columns
from partwise.engine.judge.stability import chance_level, part_stability
from partwise.engine.stop import Rule


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(1e-6, 0.1))
def test_the_line_rule_is_what_a_fitted_line_says(curve: list[float], threshold: float) -> None:
    ranks = np.arange(1, len(curve) + 1)
    found = line_rule(ranks, curve, threshold)

    def misfit(first: int) -> float:
        x, y = ranks[first - 1 :], np.array(curve)[first - 1 :]
        if len(x) < 3:
            return 0.0
        return float(np.mean((y - np.polyval(np.polyfit(x, y, 1), x)) ** 2))

    assert misfit(found) <= threshold + 1e-9
    assert all(misfit(r) > threshold - 1e-9 for r in range(1, found))


def test_the_line_rule_refuses_what_is_not_finite() -> None:
    with pytest.raises(InputProblem):
        line_rule([1, 2, 3], [0.1, np.nan, 0.3])
    with pytest.raises(InputProblem):
        line_rule([1, 2], [0.1])


def test_names_of_clusters_do_not_matter() -> None:
    labels = np.array([[0, 0, 1, 1, 2], [2, 2, 0, 0, 1]])
    agreed = consensus_matrix(labels)
    assert set(np.unique(agreed)) == {0.0, 1.0}
    assert cophenetic(agreed) == pytest.approx(1)
    assert dispersion(agreed) == 1
    clusters = consensus_clusters(agreed, 3)
    assert len({*clusters}) == 3
    assert clusters[0] == clusters[1] != clusters[2] == clusters[3]


def test_disagreement_lowers_both_numbers() -> None:
    rng = np.random.default_rng(0)
    true = np.repeat([0, 1, 2], 15)
    before = (1.0, 1.0)
    for share in (0.2, 0.9):
        runs = np.stack(
            [np.where(rng.random(45) < share, rng.integers(0, 3, 45), true) for _ in range(30)]
        )
        agreed = consensus_matrix(runs)
        np.testing.assert_array_equal(agreed, agreed.T)
        assert (np.diag(agreed) == 1).all()
        now = (cophenetic(agreed), dispersion(agreed))
        assert now[0] < before[0]
        assert now[1] < before[1]
        before = now


def test_stability_sees_through_order_and_scale() -> None:
    rng = np.random.default_rng(1)
    W = rng.gamma(0.5, size=(20, 3))
    other = W.copy()
    other[:, 1] = rng.gamma(0.5, size=20)
    cosines = part_stability(W, [W[:, [2, 0, 1]] * [3.0, 0.1, 7.0], other])
    np.testing.assert_allclose(cosines[0], 1)
    np.testing.assert_allclose(cosines[1, [0, 2]], 1)
    assert cosines[1, 1] < 0.9
    assert part_stability(W, []).shape == (0, 3)


def test_chance_is_high_for_flat_parts_and_low_for_thin_ones() -> None:
    rng = np.random.default_rng(2)
    flat = 1 + 0.1 * rng.random((30, 3))
    thin = np.eye(30)[:, :3]
    assert chance_level(flat, rng) > 0.99
    assert chance_level(thin, rng) < 0.5


def test_masks_are_disjoint_and_of_the_asked_share() -> None:
    masks = speckles((100, 200), 0.15, 6, seed=3)
    assert np.stack(masks).sum(axis=0).max() == 1
    for mask in masks:
        assert mask.mean() == pytest.approx(0.15, abs=0.01)


def _foretell(X: Any, rank: int, mask: Any, loss: str | float = 2) -> float:
    return heldout_error(
        X, rank, mask, loss=loss, weights=None, seed=0, rule=Rule(1e-7, 2000), stopped=Event()
    )


@pytest.mark.parametrize("loss", [2, 1, 0.5])
def test_the_right_rank_foretells_exact_data(loss: float) -> None:
    rng = np.random.default_rng(4)
    X = rng.gamma(1.0, size=(20, 2)) @ rng.gamma(1.0, size=(2, 60)) + 1e-3
    (mask,) = speckles(X.shape, 0.1, 1, seed=0)
    assert _foretell(X, 2, mask, loss) < 0.01 < _foretell(X, 1, mask, loss)


def test_hidden_entries_do_not_leak_into_their_prediction() -> None:
    rng = np.random.default_rng(5)
    X = rng.gamma(1.0, size=(10, 3)) @ rng.gamma(1.0, size=(3, 40))
    (mask,) = speckles(X.shape, 0.1, 1, seed=0)
    # The prediction p is the same for both, so that the two errors fix where
    # the hidden entries stand to it: |2x - p| against |x - p| with p near x.
    mean = X[~mask].mean()
    once = _foretell(X, 3, mask) * np.sum((X - mean)[mask] ** 2)
    twice = _foretell(np.where(mask, 2 * X, X), 3, mask) * np.sum((2 * X - mean)[mask] ** 2)
    assert once < 0.02 * np.sum(X[mask] ** 2)
    assert twice == pytest.approx(np.sum(X[mask] ** 2), rel=0.2)


def test_shares_on_parts_of_the_data() -> None:
    rng = np.random.default_rng(6)
    X = rng.random((5, 30))
    W, H = rng.random((5, 2)), rng.random((2, 30))
    weights = rng.random((5, 30))
    weights[2, 3] = 0
    gaps = X.copy()
    gaps[2, 3] = np.nan
    share = explained(gaps, W, H, weights)
    error = np.sum(weights * (X - W @ H) ** 2)
    mean = np.sum(weights * X) / weights.sum()
    assert share.vaf == pytest.approx(1 - error / np.sum(weights * X**2))
    assert share.r2 == pytest.approx(1 - error / np.sum(weights * (X - mean) ** 2))


@given(st.integers(1, 3000), st.integers(1, 300), st.integers(0, 5))
def test_a_sample_of_columns_is_in_order_and_inside(number: int, limit: int, seed: int) -> None:
    picks = few_columns(number, limit, np.random.default_rng(seed))
    if picks is None:
        assert number <= 2 * limit
        return
    assert (np.diff(picks) > 0).all()
    assert picks[0] >= 0
    assert picks[-1] < number
    assert limit // 2 <= picks.size <= limit


def test_answers_come_in_the_order_of_the_questions() -> None:
    def question(k: int) -> Any:
        return lambda stopped: (k, current_thread().name)

    answers = side_by_side([question(k) for k in range(20)])
    assert [k for k, _ in answers] == list(range(20))
    assert all(name.startswith("partwise-judge") for _, name in answers)


def test_saying_no_ends_the_work() -> None:
    def until_stopped(stopped: Event) -> None:
        stopped.wait()
        raise Cancelled

    with pytest.raises(Cancelled):
        side_by_side([until_stopped] * 4, lambda done: False)


def test_a_failure_reaches_the_caller() -> None:
    def fails(stopped: Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        side_by_side([lambda stopped: None, fails, lambda stopped: None])
