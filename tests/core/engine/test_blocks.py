"""Do blocks of columns give what the whole gives, and is nothing of them kept?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine import Cancelled, InputProblem, nmf, refit
from partwise.engine.blocks import ColumnBlocks, nmf_blocks
from partwise.engine.pool import limit_threads

Array = np.ndarray[Any, Any]


def mixed(m: int = 6, n: int = 60_000, rank: int = 2, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    W = rng.random((m, rank)) * (rng.random((m, rank)) < 0.7) + 0.05
    H = rng.gamma(0.8, 1.0, (rank, n)) * (rng.random((rank, n)) < 0.7)
    return (W @ H + 0.02 * rng.random((m, n))).astype(np.float32)


def small_blocks(X: Array, columns: int) -> ColumnBlocks:
    return ColumnBlocks(X.shape[0], X.shape[1], partial(take, X), X.dtype, columns * X.shape[0] * 4)


def take(X: Array, start: int, stop: int) -> Array:
    return X[:, start:stop]


@pytest.mark.parametrize("rank", [1, 2, 4, 6])
def test_blocks_find_what_a_fit_in_memory_finds(rank: int) -> None:
    X = mixed(m=12, rank=rank, n=40_000)
    W0 = np.random.default_rng(1).random((12, rank)).astype(np.float32)
    options: dict[str, Any] = {"tol": 1e-7, "max_iter": 200}
    whole = nmf(X, rank, init=(W0, np.ones((rank, X.shape[1]))), solver="skinny", **options)
    parts = nmf_blocks(small_blocks(X, 9000), rank, init=W0, **options)
    assert parts.loss == pytest.approx(whole.loss, rel=2e-3)
    assert (np.diff(parts.trace) <= 0).all()
    exact = refit(X, parts.W).astype(np.float64)
    residual = X - parts.W.astype(np.float64) @ exact
    assert parts.loss == pytest.approx(0.5 * float((residual**2).sum()), rel=1e-4)


def test_the_size_of_a_block_and_the_number_of_threads_change_no_bit() -> None:
    X = mixed(n=400_000)
    one = nmf_blocks(small_blocks(X, 180_000), 2, max_iter=5)
    with limit_threads(1):
        other = nmf_blocks(small_blocks(X, 400_000), 2, max_iter=5)
    np.testing.assert_array_equal(one.W, other.W)
    np.testing.assert_array_equal(one.trace, other.trace)


def test_a_memory_mapped_file_is_read_in_blocks_and_its_activations_are_written(
    tmp_path: Path,
) -> None:
    X = mixed()
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    H = np.full((2, X.shape[1]), np.nan, np.float32)

    def write(start: int, block: Array) -> None:
        H[:, start : start + block.shape[1]] = block

    fit = nmf_blocks(mapped, 2, write=write)
    assert fit.stop == "converged"
    np.testing.assert_allclose(H, refit(X, fit.W), rtol=2e-3, atol=2e-4)


def test_known_parts_stay_as_given() -> None:
    X = mixed()
    known = np.random.default_rng(2).random((6, 1)).astype(np.float32)
    fit = nmf_blocks(X, 2, fixed_W=known)
    np.testing.assert_array_equal(fit.W[:, :1], known)


def test_a_run_can_be_cancelled_between_and_within_passes() -> None:
    X = mixed()
    assert nmf_blocks(X, 2, on_step=lambda step: False).stop == "cancelled"
    with pytest.raises(Cancelled):
        nmf_blocks(X, 2, on_block=lambda fraction: False)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_a_bad_value_names_its_columns(bad: float) -> None:
    X = mixed(n=1000)
    X[3, 700] = bad
    with pytest.raises(InputProblem, match="columns 0 to 1000"):
        nmf_blocks(X, 2)


def test_a_reader_that_returns_another_shape_is_named() -> None:
    source = ColumnBlocks(3, 100, partial(take, mixed(m=4, n=100)))
    with pytest.raises(InputProblem, match="wanted \\(3, 100\\)"):
        nmf_blocks(source, 2)


def test_a_fit_in_memory_says_who_takes_blocks() -> None:
    with pytest.raises(InputProblem, match="nmf_blocks"):
        nmf(small_blocks(mixed(n=500), 100), 2)


def _odd(what: str) -> Any:
    X = mixed(n=40)
    return {
        "is sparse": lambda: sp.csr_array(X),
        "2 dimensions": lambda: X[0],
        "is empty": lambda: X[:, :0],
        "beyond float32": lambda: X * np.float32(1e-30),
        "NaN": lambda: np.ma.masked_less(X, np.median(X)),
    }[what]()


@pytest.mark.parametrize("what", ["is sparse", "2 dimensions", "is empty", "beyond float32", "NaN"])
def test_what_are_no_columns_is_named(what: str) -> None:
    with pytest.raises(InputProblem, match=what) as caught:
        nmf_blocks(_odd(what), 2)
    assert caught.value.argument == "X"


def test_rows_of_numbers_are_columns_too() -> None:
    X = mixed(n=40).astype(np.float64)
    assert nmf_blocks(X.tolist(), 2).loss == nmf_blocks(X, 2).loss
