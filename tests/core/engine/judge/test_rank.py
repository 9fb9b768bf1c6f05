"""Does a scan of ranks find what was planted, and say only what was computed?"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.judge.elbow import line_rule
from partwise.engine.judge.rank import RankScan, ScanStep, rank_scan
from partwise.engine.pool import limit_threads

PLANTED = 4


def planted(samples: int = 240, noise: float = 0.02, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    W = rng.gamma(0.5, size=(14, PLANTED))
    W[:PLANTED] = np.eye(PLANTED)
    H = rng.gamma(0.6, size=(PLANTED, samples))
    Y = W @ H
    return np.maximum(Y + noise * Y.mean() * rng.standard_normal(Y.shape), 0)


@pytest.fixture(scope="module")
def X() -> Any:
    return planted()


@pytest.fixture(scope="module")
def scan(X: Any) -> RankScan:
    return rank_scan(X, 6, starts=8)


def test_held_out_entries_and_stability_find_the_planted_rank(scan: RankScan) -> None:
    assert scan.heldout_rank() == PLANTED
    assert scan.stability[PLANTED - 1] > 0.99
    assert scan.stability[PLANTED] < scan.stability[PLANTED - 1]
    assert scan.cophenetic[PLANTED - 1] > 0.99
    assert any(f"by {PLANTED} parts" in sentence for sentence in scan.words)


def test_error_never_rises_with_the_rank(scan: RankScan) -> None:
    assert all(b <= a * (1 + 1e-9) for a, b in pairwise(scan.error))


def test_both_shares_are_what_their_definitions_say(X: Any, scan: RankScan) -> None:
    for rank, vaf, r2, error in zip(scan.rank, scan.vaf, scan.r2, scan.error, strict=True):
        fit = scan.fit(int(rank))
        sse = np.sum((X - fit.W @ fit.H) ** 2)
        assert error == pytest.approx(sse / 2, rel=1e-6)
        assert vaf == pytest.approx(1 - sse / np.sum(X**2), abs=1e-9)
        assert r2 == pytest.approx(1 - sse / np.sum((X - X.mean()) ** 2), abs=1e-9)


def test_a_single_part_is_always_the_same(scan: RankScan) -> None:
    assert scan.stability[0] == pytest.approx(1, abs=1e-3)
    assert scan.cophenetic[0] == 1
    assert scan.dispersion[0] == 1


def test_chance_is_below_the_agreement_of_real_parts(scan: RankScan) -> None:
    assert scan.chance[PLANTED - 1] < 0.9 < scan.stability[PLANTED - 1]
    assert ((scan.chance > 0) & (scan.chance <= 1)).all()


def test_the_rules_read_the_curves(scan: RankScan) -> None:
    assert scan.line_rank() == line_rule(scan.rank, scan.r2)
    level = float(scan.vaf[2])
    assert scan.vaf_rank(level) == 3
    assert scan.vaf_rank(1.1) is None
    with pytest.raises(InputProblem, match="rank 17 was not scanned"):
        scan.fit(17)


def test_one_thread_and_many_give_the_same_numbers(X: Any) -> None:
    with limit_threads(1):
        one = rank_scan(X, [2, 3], starts=4, seed=5)
    with limit_threads(3):
        many = rank_scan(X, [2, 3], starts=4, seed=5)
    for name in ("error", "vaf", "r2", "stability", "chance", "cophenetic", "heldout"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))
    np.testing.assert_array_equal(one.fits[1].H, many.fits[1].H)


def test_a_long_x_is_sampled_for_starts_and_finished_in_full() -> None:
    X = planted(9000).astype(np.float32)
    before = X.copy()
    scan = rank_scan(X, [3, 4, 5], starts=4)
    assert scan.columns < 9000
    assert scan.heldout_rank() == PLANTED
    assert scan.fit(4).H.shape == (4, 9000)
    best = nmf(X, 4, starts=5).loss
    assert scan.error[1] <= best * 1.01
    np.testing.assert_array_equal(X, before)


def test_cancelling_keeps_the_ranks_that_are_done(X: Any, scan: RankScan) -> None:
    seen: list[ScanStep] = []

    def stop_after_two(step: ScanStep) -> object:
        seen.append(step)
        return len(step.scan.rank) < 2

    part = rank_scan(X, 500, starts=8, on_step=stop_after_two)
    assert part.stop == "cancelled"
    done = len(part.rank)
    assert 2 <= done < 500
    same = min(done, 6)
    np.testing.assert_array_equal(part.r2[:same], scan.r2[:same])
    assert all(a.done <= b.done for a, b in pairwise(seen))
    assert seen[-1].total == 500 * (8 + 2 + 5)


def test_cancelling_at_once_leaves_nothing(X: Any) -> None:
    none = rank_scan(X, 3, on_step=lambda step: False)
    assert none.rank.size == 0
    assert none.stop == "cancelled"
    assert none.words == ("No rank was finished.",)


def test_time_that_is_over_stops(X: Any) -> None:
    assert rank_scan(X, 300, starts=5, max_seconds=0.3).stop == "max_seconds"


def test_missing_entries_are_left_out(X: Any) -> None:
    holes = np.random.default_rng(1).random(X.shape) < 0.05
    gaps = np.where(holes, np.nan, X)
    spoiled = np.where(holes, 1e6, X)
    by_nan = rank_scan(gaps, [3, 4, 5], starts=2)
    by_weight = rank_scan(spoiled, [3, 4, 5], starts=2, weights=np.where(holes, 0.0, 1.0))
    assert by_nan.heldout_rank() == by_weight.heldout_rank() == PLANTED
    np.testing.assert_allclose(by_nan.r2, by_weight.r2, atol=1e-3)


def test_other_losses_and_sparse_data() -> None:
    rng = np.random.default_rng(2)
    rates = planted(60, 0) * 20
    counts = rng.poisson(rates).astype(np.float64)
    dense = rank_scan(counts, [3, 4, 5], loss="kl", starts=2, masks=3)
    assert dense.heldout_rank() in (3, 4)
    sparse = rank_scan(sp.csr_array(counts), [3, 4], loss="kl", starts=2)
    assert np.isnan(sparse.heldout).all()
    assert sparse.heldout_rank() is None
    np.testing.assert_allclose(sparse.r2, dense.r2[:2], atol=0.02)


@pytest.mark.parametrize("nothing", [np.zeros((4, 6)), np.full((4, 6), 2.5)])
def test_data_without_structure_make_no_numbers_up(nothing: Any) -> None:
    scan = rank_scan(nothing, 2, starts=2)
    assert np.isnan(scan.r2).all()
    assert scan.line_rank() is None


@pytest.mark.parametrize(
    ("bad", "argument"),
    [
        ({"ranks": []}, "ranks"),
        ({"ranks": [0, 1]}, "ranks"),
        ({"starts": 0}, "starts"),
        ({"heldout": 0.4, "masks": 3}, "heldout"),
        ({"loss": "none"}, "loss"),
        ({"solver": "guess"}, "solver"),
    ],
)
def test_what_cannot_be_scanned_is_named(X: Any, bad: dict[str, Any], argument: str) -> None:
    with pytest.raises(InputProblem) as problem:
        rank_scan(X, **({"ranks": 3} | bad))
    assert problem.value.argument == argument
