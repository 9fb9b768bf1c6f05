"""Is H for given parts the best there is?"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from partwise.engine import L1, L2, Cancelled, InputProblem, match_parts, refit
from partwise.engine.kernels import nnls_closed, nnls_columns

Array = np.ndarray[Any, Any]


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 30),
    rank=st.integers(1, 12),
    seed=st.integers(0, 10_000),
    zeros=st.floats(0, 0.8),
)
def test_every_column_equals_scipys_nnls(m: int, rank: int, seed: int, zeros: float) -> None:
    rng = np.random.default_rng(seed)
    W = rng.random((m, rank)) * (rng.random((m, rank)) >= zeros)
    X = rng.random((m, 8))
    H = refit(X, W)
    best = np.stack([nnls(W, x)[0] for x in X.T], axis=1)
    # Parts that depend on each other have many best answers: compare the fit.
    assert np.allclose(W @ H, W @ best, atol=1e-7)
    if np.linalg.matrix_rank(W) == rank and np.linalg.cond(W) < 1e3:
        assert np.abs(H - best).max() < 1e-10 * max(1.0, float(best.max()))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_closed_forms_equal_the_general_method(rank: int, dtype: Any) -> None:
    rng = np.random.default_rng(rank)
    W = rng.random((6, rank))
    X = rng.random((6, 4000)) * (rng.random((6, 4000)) < 0.5)
    gram, atb = W.T @ W, np.ascontiguousarray(W.T @ X)
    exact, closed = np.empty_like(atb), np.empty(atb.shape, dtype)
    nnls_columns(gram, atb, exact)
    nnls_closed(gram.astype(dtype), atb.astype(dtype), closed)
    # Where two supports fit alike, single precision may take either one.
    assert np.allclose(W @ closed, W @ exact, atol=1e-3)
    if dtype == np.float64:
        assert np.allclose(closed, exact, atol=1e-11)


@pytest.mark.parametrize("rank", [2, 3])
def test_the_closed_forms_stand_parallel_and_empty_parts(rank: int) -> None:
    W = np.ones((4, rank))
    W[:, -1] = 0
    X = np.arange(12.0).reshape(4, 3)
    atb, out = np.ascontiguousarray(W.T @ X), np.empty((rank, 3))
    nnls_closed(W.T @ W, atb, out)
    assert np.isfinite(out).all()
    assert np.allclose(W @ out, X.mean(axis=0))


def test_weights_and_missing_entries_are_respected() -> None:
    rng = np.random.default_rng(0)
    W, X, V = rng.random((9, 4)), rng.random((9, 30)), rng.random((9, 30))
    gap = X.copy()
    gap[V < 0.2] = np.nan
    H = refit(gap, W, weights=V)
    for j in range(30):
        root = np.sqrt(np.where(np.isnan(gap[:, j]), 0, V[:, j]))
        assert np.allclose(H[:, j], nnls(root[:, None] * W, root * X[:, j])[0], atol=1e-9)
    rows = refit(X, W, weights=V[:, :1])
    root = np.sqrt(V[:, 0])
    best = np.stack([nnls(root[:, None] * W, root * x)[0] for x in X.T], axis=1)
    assert np.allclose(rows, best, atol=1e-9)
    assert np.allclose(refit(X, W, weights=V[:1] + 0.1), refit(X, W), atol=1e-9)


def test_penalties_are_those_of_the_augmented_problem() -> None:
    rng = np.random.default_rng(0)
    W, X = rng.random((9, 4)), rng.random((9, 30))
    ridge = np.vstack([W, np.sqrt(0.7) * np.eye(4)])
    best = np.stack([nnls(ridge, np.append(x, np.zeros(4)))[0] for x in X.T], axis=1)
    assert np.allclose(refit(X, W, penalty_H=L2(0.7)), best, atol=1e-9)
    weighted = refit(X, W, penalty_H=L2(0.7), weights=np.full((1, 30), 0.5))
    assert np.allclose(weighted, refit(X, W, penalty_H=L2(1.4)), atol=1e-9)
    assert refit(X, W, penalty_H=L1(0.5)).sum() < refit(X, W).sum()


def test_sparse_dense_and_single_precision_agree() -> None:
    rng = np.random.default_rng(0)
    S = sp.random_array((40, 60), density=0.2, rng=rng)
    W = rng.random((40, 5))
    full = refit(S.toarray(), W)
    assert np.allclose(refit(S, W), full)
    single = refit(S.toarray().astype(np.float32), W)
    assert single.dtype == np.float32
    assert np.allclose(single, full, atol=1e-5)


@pytest.mark.parametrize("sizes", [(1e-20, 1e-20), (1e60, 1e60), (1.0, 1e-18), (1e12, 1e-12)])
@pytest.mark.parametrize("penalised", [False, True])
def test_parts_may_be_of_any_size(sizes: tuple[float, float], penalised: bool) -> None:
    rng = np.random.default_rng(3)
    W, X = rng.random((6, 2)), rng.random((6, 20))
    scaled = W * sizes
    penalty = L2(1e-300) if penalised else None
    H = refit(X, scaled, penalty_H=penalty)
    best = np.stack([nnls(W, x)[0] for x in X.T], axis=1)
    assert np.allclose(H * np.array(sizes)[:, None], best, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["kl", 1.5])
def test_other_losses_recover_exact_mixtures(loss: str | float) -> None:
    rng = np.random.default_rng(0)
    W, H = rng.random((15, 3)) + 0.05, rng.random((3, 20)) + 0.05
    assert np.allclose(refit(W @ H, W, loss=loss, tol=1e-10, max_iter=20_000), H, rtol=0.02)


def test_a_refit_can_be_stopped_and_reports() -> None:
    rng = np.random.default_rng(0)
    X, W = rng.random((4, 1000)), rng.random((4, 2))
    seen: list[float] = []
    refit(X, W, on_step=seen.append)
    assert seen[-1] == 1.0

    def stop(fraction: float) -> bool:
        return False

    with pytest.raises(Cancelled):
        refit(X, W, on_step=stop)
    with pytest.raises(Cancelled):
        refit(X, W, loss="kl", on_step=stop)


def test_wrong_parts_are_named() -> None:
    with pytest.raises(InputProblem, match="W has shape") as caught:
        refit(np.ones((4, 5)), np.ones((3, 2)))
    assert caught.value.argument == "W"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.argument) == (str(caught.value), "W")


def test_matching_finds_order_scale_and_likeness() -> None:
    rng = np.random.default_rng(0)
    A = rng.random((20, 4))
    order, scale = np.array([2, 0, 3, 1]), np.array([0.5, 2.0, 3.0, 1.0])
    B = (A * scale)[:, order]
    found = match_parts(A, B)
    assert np.array_equal(order[found.permutation], np.arange(4))
    assert np.allclose(B[:, found.permutation] * found.scale, A)
    assert np.allclose(found.cosine, 1)
    with pytest.raises(InputProblem, match="shape"):
        match_parts(A, B[:10])
