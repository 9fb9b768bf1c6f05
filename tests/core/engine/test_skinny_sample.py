"""Can the search on a sample be watched and stopped, and does it leave the data alone?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine import Step, nmf
from partwise.engine.pool import limit_threads

Array = np.ndarray[Any, Any]


def long(m: int = 12, n: int = 40_000, rank: int = 4, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    W = rng.random((m, rank))
    H = rng.gamma(0.6, 1.0, (rank, n))
    return (W @ H + 0.1 * rng.random((m, n))).astype(np.float32)


def test_the_sample_shows_exact_factors_of_all_columns_and_can_be_cancelled() -> None:
    X = long()
    seen: list[tuple[int, float, float, tuple[int, ...]]] = []

    def stop(step: Step) -> bool:
        residual = X - np.asarray(step.W, np.float64) @ np.asarray(step.H, np.float64)
        seen.append((step.iteration, step.objective, float((residual**2).sum()), step.H.shape))
        return False

    fit = nmf(X, 4, on_step=stop, tol=0)
    assert fit.stop == "cancelled"
    iteration, objective, square, shape = seen[0]
    assert len(seen) == 1
    assert iteration == 0
    assert shape == (4, 40_000)
    assert objective == pytest.approx(0.5 * square, rel=1e-4)
    assert fit.objective == pytest.approx(objective, rel=1e-6)


def test_time_that_runs_out_on_the_sample_ends_the_fit() -> None:
    fit = nmf(long(), 4, max_seconds=1e-9, tol=0)
    assert fit.stop == "max_seconds"
    assert fit.iterations == 0
    assert np.isfinite(fit.H).all()


def test_tall_dense_data_begin_on_a_sample_of_their_rows() -> None:
    rng = np.random.default_rng(0)
    X = (rng.random((6000, 5)) @ rng.random((5, 200)) + 0.05 * rng.random((6000, 200))).astype(
        np.float32
    )
    fit = nmf(X, 5, "frobenius", solver="hals", max_iter=12)
    assert (np.diff(fit.trace) <= 0).all()
    turned = nmf(np.ascontiguousarray(X.T), 5, solver="hals", max_iter=12)
    assert fit.loss <= 1.01 * turned.loss


@pytest.mark.parametrize("kind", ["skinny", "dense", "sparse", "kl"])
def test_one_thread_and_many_give_the_same_bits(kind: str) -> None:
    rng = np.random.default_rng(1)
    X: Any = long() if kind == "skinny" else long(120, 2000, 6)
    if kind == "sparse":
        X = sp.csr_array(X * (rng.random(X.shape) < 0.1))
    loss = "kl" if kind == "kl" else "frobenius"
    many = nmf(X, 4, loss, max_iter=15)
    with limit_threads(1):
        one = nmf(X, 4, loss, max_iter=15)
    np.testing.assert_array_equal(many.W, one.W)
    np.testing.assert_array_equal(many.H, one.H)
    np.testing.assert_array_equal(many.trace, one.trace)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_data_that_may_not_be_written_are_taken_and_left(loss: str) -> None:
    X = long(12, 500)
    before = X.copy()
    X.flags.writeable = False
    fit = nmf(X, 3, loss, max_iter=5)
    assert np.isfinite(fit.loss)
    np.testing.assert_array_equal(X, before)


def test_the_divergence_by_newton_steps_is_no_worse_than_by_updates() -> None:
    rng = np.random.default_rng(2)
    X = long(60, 400, 6) * rng.gamma(4, 0.25, (60, 400)).astype(np.float32)
    newton = nmf(X, 6, "kl", max_iter=200)
    updates = nmf(X, 6, "kl", solver="mu", max_iter=300, tol=1e-8)
    assert newton.solver == "ccd"
    assert (np.diff(newton.trace) <= 0).all()
    assert newton.loss <= 1.01 * updates.loss
