"""Do the loops laid out by hand give what plain numpy gives?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine.divergence import newton_rows, padded
from partwise.engine.fused import EXACT, fused_block, support_inverses
from partwise.engine.fused_sparse import sparse_block, turned, widened
from partwise.engine.kernels import csr_times, nnls_columns, sweeps

Array = np.ndarray[Any, Any]


@pytest.mark.parametrize("rank", [1, 5, 8, 9, 16, 20, 33, 40, 67])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_rows_times_a_factor(rank: int, index: Any) -> None:
    rng = np.random.default_rng(rank)
    X: Any = sp.random_array((40, 60), density=0.2, rng=rng, dtype=np.float32, format="csr")
    F = rng.random((60, rank)).astype(np.float32)
    for dtype, close in ((np.float32, 1e-5), (np.float64, 1e-12)):
        out = np.full((40, rank), np.nan, dtype)
        csr_times(X.indptr.astype(index), X.indices.astype(index), X.data, F, 0, 40, out)
        np.testing.assert_allclose(
            out, X.astype(np.float64) @ F.astype(np.float64), rtol=close, atol=close
        )


@pytest.mark.parametrize("rank", [1, 8, 20, 37])
@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 1e-4), (np.float64, 1e-11)])
def test_one_read_of_sparse_data_gives_what_dense_products_give(
    rank: int, dtype: Any, close: float
) -> None:
    rng = np.random.default_rng(rank)
    X: Any = sp.random_array((700, 60), density=0.2, rng=rng, dtype=dtype, format="csr")
    tall, wide = rng.random((700, rank)).astype(dtype), rng.random((rank, 60)).astype(dtype)
    small = wide @ wide.T
    size = float(np.square(tall @ wide, dtype=np.float64).sum())
    reach = np.append(np.linalg.norm(tall, axis=0), size)
    new = np.empty_like(tall)
    share, acc = np.empty((60, widened(wide).shape[1]), dtype), np.empty(rank * rank + 2)
    sparse_block(
        X.indptr, X.indices, X.data, widened(wide), small, reach, tall, new, 0, 700, 3, share, acc
    )
    swept, none = np.array(tall.T, order="C"), np.empty(0, dtype)
    sweeps(
        small,
        np.ascontiguousarray(wide @ X.T.toarray()),
        swept,
        0,
        swept.shape[1],
        0,
        3,
        none,
        none,
    )
    np.testing.assert_allclose(new, swept.T, rtol=close, atol=10 * close)
    np.testing.assert_allclose(acc[:-2].reshape(rank, rank), new.T @ new, rtol=close)
    np.testing.assert_allclose(share[:, :rank], X.T @ new, rtol=close, atol=close)
    assert acc[-2] == pytest.approx(float((X @ wide.T * new).sum()), rel=close)
    norms = reach[:-1, None]
    slope = small.astype(np.float64) @ new.T - wide.astype(np.float64) @ X.T.toarray()
    wanted = np.linalg.norm(np.minimum(new.T / norms, slope * norms / size))
    # What is left of the slope after the sweeps is a small difference.
    assert np.sqrt(acc[-1]) == pytest.approx(wanted, rel=close, abs=close)


@pytest.mark.parametrize("shape", [(1, 9), (40, 60), (7, 1)])
def test_a_sparse_matrix_is_turned(shape: tuple[int, int]) -> None:
    X: Any = sp.random_array(shape, density=0.3, rng=np.random.default_rng(0), format="csr")
    found = turned(X)
    assert found.format == "csr"
    assert found.has_canonical_format
    np.testing.assert_array_equal(found.toarray(), X.toarray().T)


@pytest.mark.parametrize("rank", range(4, EXACT + 1))
@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 2e-3), (np.float64, 1e-9)])
def test_the_best_of_all_supports_is_the_exact_answer(rank: int, dtype: Any, close: float) -> None:
    rng = np.random.default_rng(rank)
    W = rng.random((9, rank)).astype(dtype)
    X = np.ascontiguousarray(rng.random((9, 700)), dtype=dtype)
    H = np.empty((rank, 700), dtype)
    exact = np.empty((rank, 700))
    double = W.astype(np.float64)
    nnls_columns(double.T @ double, np.ascontiguousarray(double.T @ X), exact)
    none, ones = np.empty(0, dtype), np.ones(rank, dtype)
    acc = np.empty(rank * rank + 9 * rank + 2)
    fused_block(
        X, W, W.T @ W, support_inverses(double.T @ double, dtype), 0, 700, H[:, :0], ones, 0, H,
        none, none, np.empty(0), acc,
    )  # fmt: skip
    assert (exact == 0).mean() > 0.1  # bounds matter
    # In float32 the parts may trade what hardly changes the fit: compare fits.
    np.testing.assert_allclose(double @ H, double @ exact, atol=close)
    np.testing.assert_allclose(acc[: rank * rank].reshape(rank, rank), H @ H.T, rtol=1e-4)
    np.testing.assert_allclose(acc[rank * rank : -2].reshape(9, rank), X @ H.T, rtol=1e-4)
    left = X.astype(np.float64) - double @ H
    assert acc[-2] == pytest.approx(0.5 * float((left**2).sum()), rel=1e-4)


@pytest.mark.parametrize("rank", [1, 3, 4, 6, 9])
def test_sweeps_go_to_the_exact_answer(rank: int) -> None:
    rng = np.random.default_rng(rank)
    W = rng.random((30, rank)) + 0.5 * np.eye(30, rank)
    atb = np.ascontiguousarray(W.T @ rng.random((30, 50)))
    gram = W.T @ W
    F, exact, none = np.zeros((rank, 50)), np.empty((rank, 50)), np.empty(0)
    sweeps(gram, atb, F, 0, F.shape[1], 0, 3000, none, none)
    nnls_columns(gram, atb, exact)
    np.testing.assert_allclose(F, exact, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_newton_steps_descend_to_where_the_slope_vanishes(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    A = rng.random((3, 21))
    X = (rng.random((12, 3)) @ A * rng.gamma(5, 0.2, (12, 21))).astype(dtype)
    wide = np.zeros((3, padded(21)), dtype)
    wide[:, :21] = A
    F = np.full((12, 3), 0.3, dtype)
    sums = wide.sum(axis=1)
    losses = [
        newton_rows(X, wide, sums, F, 0, 12, turn, turn < 5, dtype(1e-12), True)
        for turn in range(60)
    ]
    assert (np.diff(losses) <= 1e-6 * losses[0]).all()
    Y = F.astype(np.float64) @ A
    slope = (1 - X / Y) @ A.T
    assert np.abs(np.minimum(slope, F)).max() < (1e-3 if dtype is np.float32 else 1e-8)
