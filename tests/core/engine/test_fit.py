"""Does a fit descend, recover what was planted, and keep to what was asked?"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import non_negative_factorization
from sklearn.exceptions import ConvergenceWarning

from partwise.engine import L1, L2, Factorization, InputProblem, Step, match_parts, nmf, warm_up
from partwise.engine.pool import limit_threads

Array = np.ndarray[Any, Any]
LOSSES: list[str | float] = ["frobenius", "kl", "is", 0.5, 1.5, 3.0]


def planted(
    m: int = 20, n: int = 120, rank: int = 3, seed: int = 0, noise: float = 0.01
) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    W = rng.random((m, rank)) * (rng.random((m, rank)) < 0.6) + 0.01
    H = rng.gamma(0.7, 1.0, (rank, n)) * (rng.random((rank, n)) < 0.7)
    return W @ H + noise * rng.random((m, n)) + 1e-3, W, H


def never_rises(fit: Factorization) -> bool:
    return bool((np.diff(fit.trace) <= 0).all())


def half_squares(X: Array, fit: Factorization) -> float:
    residual = X.astype(np.float64) - fit.W.astype(np.float64) @ fit.H.astype(np.float64)
    return 0.5 * float((residual**2).sum())


@pytest.mark.parametrize("loss", LOSSES)
def test_the_trace_never_rises_and_the_parts_come_back(loss: str | float) -> None:
    X, W, _ = planted()
    fit = nmf(X, 3, loss, tol=1e-6, max_iter=3000)
    assert never_rises(fit)
    assert len(fit.trace) == fit.iterations + 1
    assert fit.kkt < 5e-3
    assert match_parts(W, fit.W).cosine.min() > 0.97
    assert (fit.W >= 0).all()
    assert (fit.H >= 0).all()


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
@pytest.mark.parametrize(
    ("penalty_W", "penalty_H"), [(L1(0.1), L1(0.2)), (L2(0.3), L1(0.2)), (L2(0.1), [L2(1), L1(1)])]
)
def test_the_trace_never_rises_with_penalties(loss: str, penalty_W: Any, penalty_H: Any) -> None:
    X, _, _ = planted()
    fit = nmf(X, 3, loss, penalty_W=penalty_W, penalty_H=penalty_H, max_iter=300)
    assert never_rises(fit)
    assert fit.objective > fit.loss
    assert fit.objective == pytest.approx(fit.trace[-1])


def test_a_penalty_on_one_factor_does_not_run_away() -> None:
    X, _, _ = planted()
    plain = nmf(X, 3, solver="hals")
    sparse = nmf(X, 3, penalty_H=L1(0.5))
    assert never_rises(sparse)
    assert (np.linalg.norm(sparse.W, axis=0) <= 1 + 1e-9).all()
    assert (sparse.H == 0).mean() > (plain.H == 0).mean()
    with pytest.raises(InputProblem, match="no minimum"):
        nmf(X, 3, solver="bpp", penalty_H=L1(0.5))


@pytest.mark.parametrize("solver", ["skinny", "hals"])
def test_the_solvers_for_the_squared_error_agree(solver: str) -> None:
    X, _, _ = planted(noise=0.1)
    fit = nmf(X, 3, solver=solver, tol=1e-9, max_iter=5000)
    assert fit.kkt < 1e-5
    assert fit.loss == pytest.approx(half_squares(X, fit), rel=1e-9)
    assert fit.loss == pytest.approx(nmf(X, 3, solver="mu", tol=1e-7, max_iter=5000).loss, rel=1e-3)


@pytest.mark.parametrize(
    "shape", [(3, 5000, 2), (5, 400, 3), (16, 900, 5), (90, 120, 6), (300, 4, 2), (200, 70, 10)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_worse_than_scikit_learn_from_the_same_start(
    shape: tuple[int, int, int], dtype: Any
) -> None:
    m, n, rank = shape
    X, _, _ = planted(m, n, rank, seed=m)
    X = X.astype(dtype)
    rng = np.random.default_rng(1)
    size = np.sqrt(X.mean() / rank)
    W0 = (size * rng.random((m, rank))).astype(dtype)
    H0 = (size * rng.random((rank, n))).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W, H, _ = non_negative_factorization(
            X, W=W0.copy(), H=H0.copy(), n_components=rank, init="custom", max_iter=400, tol=1e-6
        )
    theirs = 0.5 * float(((X - W @ H) ** 2).sum(dtype=np.float64))
    fit = nmf(X, rank, init=(W0, H0))
    floor = 1e-4 * 0.5 * float((X**2).sum(dtype=np.float64))
    assert fit.loss <= 1.001 * theirs + 0.01 * floor
    assert fit.W.dtype == fit.H.dtype == dtype


def test_beta_two_is_the_squared_error() -> None:
    X, _, _ = planted()
    assert nmf(X, 3, 2.0).loss == nmf(X, 3, "frobenius").loss
    near = nmf(X, 3, 2.0 - 1e-6, max_iter=200)
    exact = nmf(X, 3, "frobenius", solver="mu", max_iter=200)
    assert near.loss == pytest.approx(exact.loss, rel=1e-2)


@pytest.mark.parametrize("loss", ["frobenius", "kl", 1.5])
def test_scaling_the_data_scales_the_answer(loss: str | float) -> None:
    X, _, _ = planted()
    one, many = nmf(X, 3, loss, max_iter=60), nmf(1024 * X, 3, loss, max_iter=60)
    assert np.allclose(one.W, many.W, rtol=1e-5, atol=1e-8)
    assert np.allclose(1024 * one.H, many.H, rtol=1e-5, atol=1e-6)
    assert many.kkt == pytest.approx(one.kkt, rel=1e-3, abs=1e-8)


@pytest.mark.parametrize("solver", ["skinny", "hals"])
def test_transposing_the_data_transposes_the_answer(solver: str) -> None:
    X, _, _ = planted()
    rng = np.random.default_rng(3)
    W0, H0 = rng.random((20, 3)), rng.random((3, 120))
    upright = nmf(X, 3, init=(W0, H0), solver=solver, tol=1e-8, max_iter=3000)
    lying = nmf(X.T, 3, init=(H0.T, W0.T), solver=solver, tol=1e-8, max_iter=3000)
    assert lying.loss == pytest.approx(upright.loss, rel=1e-3)
    assert match_parts(upright.W, lying.H.T).cosine.min() > 0.999


def test_permuting_samples_permutes_the_activations() -> None:
    X, _, _ = planted()
    order = np.random.default_rng(0).permutation(X.shape[1])
    rng = np.random.default_rng(3)
    W0, H0 = rng.random((20, 3)), rng.random((3, 120))
    a = nmf(X, 3, init=(W0, H0))
    b = nmf(X[:, order], 3, init=(W0, H0[:, order]))
    assert np.allclose(a.H[:, order], b.H, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("solver", ["hals", "mu", "skinny"])
@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_weight_two_is_a_column_given_twice(loss: str, solver: str) -> None:
    if loss == "kl" and solver != "mu":
        pytest.skip("these solve the squared error only")
    X, _, _ = planted(n=60)
    rng = np.random.default_rng(5)
    W0, H0 = rng.random((20, 3)) + 0.1, rng.random((3, 60)) + 0.1
    weights = np.ones((1, 60))
    weights[0, ::3] = 2
    twice = np.concatenate([np.arange(60), np.arange(0, 60, 3)])
    options: dict[str, Any] = {"solver": solver, "tol": 1e-9, "max_iter": 3000}
    a = nmf(X, 3, loss, weights=weights, init=(W0, H0), **options)
    b = nmf(X[:, twice], 3, loss, init=(W0, H0[:, twice]), **options)
    assert a.loss == pytest.approx(b.loss, rel=1e-3)
    assert match_parts(a.W, b.W).cosine.min() > 0.999


@pytest.mark.parametrize("loss", ["frobenius", "kl", "is"])
def test_a_table_of_weights_that_is_a_product_is_folded(loss: str) -> None:
    X, _, _ = planted()
    rng = np.random.default_rng(0)
    rows, columns = rng.uniform(0.5, 2, (20, 1)), rng.uniform(0.5, 2, (1, 120))
    fit = nmf(X, 3, loss, weights=rows * columns, max_iter=150)
    Y = fit.W @ fit.H
    values = {
        "frobenius": 0.5 * (X - Y) ** 2,
        "kl": X * np.log(X / Y) - X + Y,
        "is": X / Y - np.log(X / Y) - 1,
    }
    assert fit.loss == pytest.approx(float((rows * columns * values[loss]).sum()), rel=1e-6)
    assert never_rises(fit)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_missing_entries_are_filled_by_the_parts(loss: str) -> None:
    X, W, _ = planted(noise=0.0)
    holes = np.random.default_rng(1).random(X.shape) < 0.2
    fit = nmf(np.where(holes, np.nan, X), 3, loss, tol=1e-7, max_iter=3000)
    assert never_rises(fit)
    assert np.abs(fit.W @ fit.H - X)[holes].max() < 0.1 * X.max()
    assert match_parts(W, fit.W).cosine.min() > 0.98


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_a_masked_column_is_as_good_as_deleted(loss: str) -> None:
    X, _, _ = planted(n=60)
    rng = np.random.default_rng(5)
    W0, H0 = rng.random((20, 3)) + 0.1, rng.random((3, 60)) + 0.1
    keep = np.arange(60) % 4 > 0
    gap = X.copy()
    gap[:, ~keep] = np.nan
    masked = nmf(gap, 3, loss, init=(W0, H0), tol=1e-8, max_iter=3000)
    gone = nmf(X[:, keep], 3, loss, init=(W0, H0[:, keep]), tol=1e-8, max_iter=3000)
    assert masked.loss == pytest.approx(gone.loss, rel=2e-3)
    zero = nmf(X, 3, loss, weights=keep[None, :].astype(float), init=(W0, H0), tol=1e-8)
    assert zero.loss == pytest.approx(gone.loss, rel=2e-3)
    assert not zero.H[:, ~keep].any()


@pytest.mark.parametrize("options", [{}, {"loss": "kl"}, {"solver": "hals"}, {"loss": 0.5}])
def test_fixed_columns_stay_to_the_last_bit(options: dict[str, Any]) -> None:
    X, W, _ = planted()
    X = X.astype(np.float32)
    fixed = (W[:, :2] * 3.3).astype(np.float32)
    fit = nmf(X, 3, fixed_W=fixed, **options)
    assert np.array_equal(fit.W[:, :2], fixed)
    assert never_rises(fit)
    assert match_parts(W[:, 2:], fit.W[:, 2:]).cosine.min() > 0.95


def test_all_columns_may_be_fixed() -> None:
    X, W, _ = planted()
    fit = nmf(X, 3, fixed_W=W)
    assert np.array_equal(fit.W, W)
    assert fit.kkt < 1e-6


@pytest.mark.parametrize("loss", ["frobenius", "kl", 1.5])
def test_sparse_and_dense_agree(loss: str | float) -> None:
    S = sp.random_array((80, 150), density=0.1, rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    init = (rng.random((80, 4)), rng.random((4, 150)))
    solver = "hals" if loss == "frobenius" else "mu"
    options: dict[str, Any] = {"init": init, "solver": solver, "max_iter": 200, "tol": 0.0}
    dense = nmf(S.toarray(), 4, loss, **options)
    for form in (S.tocsr(), S.tocsc()):
        thin = nmf(form, 4, loss, **options)
        assert thin.loss == pytest.approx(dense.loss, rel=1e-6)
        # The factor that moves first is another, and the parts may change places.
        assert np.allclose(thin.W @ thin.H, dense.W @ dense.H, atol=1e-5)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
@pytest.mark.parametrize("shape", [(8, 40_000), (90, 3000)])
def test_one_thread_and_many_give_the_same_bits(loss: str, shape: tuple[int, int]) -> None:
    X, _, _ = planted(*shape)
    X = X.astype(np.float32)
    rng = np.random.default_rng(0)
    rank = 4 if shape[0] == 8 else 3
    init = (rng.random((shape[0], rank)), rng.random((rank, shape[1])))
    options: dict[str, Any] = {"max_iter": 4, "tol": 0.0, "init": init}
    with limit_threads(1):
        one = nmf(X, rank, loss, **options)
    with limit_threads(3):
        many = nmf(X, rank, loss, **options)
    assert np.array_equal(one.W, many.W)
    assert np.array_equal(one.H, many.H)
    assert np.array_equal(one.trace, many.trace)


def test_the_same_seed_gives_the_same_bits_and_starts_pick_the_best() -> None:
    X, _, _ = planted(noise=0.5)
    a, b = (nmf(X, 4, init="random", starts=4, seed=7) for _ in range(2))
    assert np.array_equal(a.W, b.W)
    assert a.starts == b.starts
    assert len(a.starts) == 4
    assert a.objective == min(a.starts)
    assert len(set(a.starts)) > 1
    assert nmf(X, 4, init="random", seed=8).trace[0] != nmf(X, 4, init="random", seed=7).trace[0]


@pytest.mark.parametrize("options", [{}, {"solver": "hals"}, {"loss": "kl"}])
def test_a_run_shows_itself_and_can_be_cancelled(options: dict[str, Any]) -> None:
    X, _, _ = planted()
    seen: list[Step] = []

    def stop_at_once(step: Step) -> bool:
        seen.append(step)
        assert step.W.shape == (20, 3)
        assert step.H.shape == (3, 120)
        assert not step.W.flags.writeable
        if "loss" not in options:
            shown = 0.5 * float(((X - step.W @ step.H) ** 2).sum())
            assert shown == pytest.approx(step.objective, rel=1e-6)
        return False

    fit = nmf(X, 3, on_step=stop_at_once, **options)
    assert fit.stop == "cancelled"
    assert len(seen) == fit.iterations == 1
    assert seen[0].objective == fit.objective
    assert fit.W.any()


def test_showing_changes_nothing() -> None:
    X, _, _ = planted(5, 5000)

    def show(step: Step) -> None:
        assert step.H.any()

    assert np.array_equal(nmf(X, 3, on_step=show).W, nmf(X, 3).W)


def test_budgets_are_kept_and_named() -> None:
    X, _, _ = planted(noise=0.5)
    assert nmf(X, 5, max_iter=2, tol=0).stop == "max_iter"
    assert nmf(X, 5, "kl", tol=0, max_seconds=1e-6).stop == "max_seconds"
    assert nmf(X, 3).stop == "converged"


def test_the_data_are_left_alone_in_any_layout() -> None:
    X, _, _ = planted()
    for form in (X.copy(), np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        before = form.copy()
        form.flags.writeable = False
        fit = nmf(form, 3)
        assert np.array_equal(form, before)
        assert fit.loss == pytest.approx(nmf(X, 3).loss, rel=1e-6)
    counts = (10 * X).astype(np.uint8)
    assert nmf(counts, 3).W.dtype == np.float64


@pytest.mark.parametrize("loss", ["frobenius", "kl", 1.5])
def test_rows_and_columns_of_zeros_come_back_as_zeros(loss: str | float) -> None:
    X, _, _ = planted()
    X[3] = 0
    X[:, 5] = 0
    fit = nmf(X, 3, loss)
    fitted = fit.W @ fit.H
    assert np.abs(fitted[3]).max() < 1e-6 * X.max()
    assert np.abs(fitted[:, 5]).max() < 1e-6 * X.max()


def test_nothing_in_gives_nothing_out_and_says_so() -> None:
    fit = nmf(np.zeros((4, 6)), 2, fixed_W=np.ones((4, 1)))
    assert fit.loss == fit.kkt == 0
    assert not fit.H.any()
    assert fit.W[:, 0].tolist() == [1, 1, 1, 1]
    assert "zero" in fit.notes[0]


def test_a_part_that_died_is_started_again_and_that_is_said() -> None:
    X, W, H = planted()
    for solver in ("skinny", "hals"):
        W0, H0 = W.copy(), H.copy()
        W0[:, 2] = 0
        H0[2] = 0
        fit = nmf(X, 3, init=(W0, H0), solver=solver)
        assert fit.revived >= 1
        assert any("died" in note for note in fit.notes)
        assert fit.loss == pytest.approx(nmf(X, 3).loss, rel=0.05)
        assert never_rises(fit)


@settings(max_examples=60, deadline=None)
@given(
    m=st.integers(1, 50),
    n=st.integers(1, 50),
    rank=st.integers(1, 8),
    loss=st.sampled_from(["frobenius", "kl", 1.5]),
    dtype=st.sampled_from([np.float32, np.float64]),
    order=st.sampled_from(["C", "F"]),
    zeros=st.floats(0, 0.95),
    seed=st.integers(0, 1000),
)
def test_any_shape_fits(
    m: int, n: int, rank: int, loss: str | float, dtype: Any, order: Any, zeros: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    X = (rng.random((m, n)) * (rng.random((m, n)) >= zeros)).astype(dtype, order=order)
    fit = nmf(X, rank, loss, max_iter=25, seed=seed)
    assert fit.W.shape == (m, rank)
    assert fit.H.shape == (rank, n)
    assert np.isfinite(fit.W).all()
    assert np.isfinite(fit.H).all()
    assert (fit.W >= 0).all()
    assert (fit.H >= 0).all()
    assert never_rises(fit)
    assert np.isfinite(fit.kkt)
    if loss == "frobenius":
        assert fit.loss == pytest.approx(
            half_squares(X, fit), rel=1e-3, abs=1e-6 * float((X**2).sum()) + 1e-12
        )


def test_warming_up_says_how_long_it_took() -> None:
    assert warm_up(everything=True) > 0


def test_values_far_from_one_do_not_overflow() -> None:
    X, _, _ = planted()
    for size in (1e-12, 1e12):
        for loss in ("frobenius", "kl"):
            fit = nmf((X * size).astype(np.float32), 3, loss, max_iter=50)
            assert np.isfinite(fit.loss)
            assert never_rises(fit)


def wrong(**changes: Any) -> dict[str, Any]:
    return {"X": np.ones((4, 6)), "rank": 2} | changes


@pytest.mark.parametrize(
    ("asked", "argument", "says"),
    [
        (wrong(X=-np.ones((4, 6))), "X", "negative"),
        (wrong(X=np.full((4, 6), np.inf)), "X", "infinite"),
        (wrong(X=np.full((4, 6), np.nan)), "X", "NaN everywhere"),
        (wrong(X=np.ones(4)), "X", "2 dimensions"),
        (wrong(X=np.ones((0, 4))), "X", "empty"),
        (wrong(X=np.array([["a"]])), "X", "type"),
        (wrong(rank=0), "rank", "at least 1"),
        (wrong(rank=1.5), "rank", "whole number"),
        (wrong(loss="l2"), "loss", "not known"),
        (wrong(loss=float("nan")), "loss", "finite"),
        (wrong(X=np.eye(4), loss="is"), "X", "zeros"),
        (wrong(weights=np.ones((3, 3))), "weights", "shape"),
        (wrong(weights=-np.ones((4, 1))), "weights", "negative"),
        (wrong(weights=np.zeros((4, 1))), "weights", "all weights are 0"),
        (wrong(fixed_W=np.ones((4, 3))), "fixed_W", "3 columns"),
        (wrong(fixed_W=np.ones((5, 1))), "fixed_W", "shape"),
        (wrong(init="best"), "init", "not known"),
        (wrong(init=(np.ones((4, 2)), np.ones((3, 6)))), "init", "shape"),
        (wrong(solver="newton"), "solver", "not known"),
        (wrong(solver="hals", loss="kl"), "solver", "squared error"),
        (wrong(solver="skinny", loss="kl"), "solver", "squared error"),
        (wrong(penalty_H=L1(-1)), "penalty_H", "at least 0"),
        (wrong(penalty_H=3.0), "penalty_H", "no penalty"),
        (wrong(tol=-1), "tol", "0 or more"),
        (wrong(max_iter=0), "max_iter", "at least 1"),
        (wrong(starts=0), "starts", "at least 1"),
        (wrong(max_seconds=0), "max_seconds", "above 0"),
    ],
)
def test_a_wrong_question_is_answered_with_the_way_out(
    asked: dict[str, Any], argument: str, says: str
) -> None:
    with pytest.raises(InputProblem, match=says) as caught:
        nmf(**asked)
    assert caught.value.argument == argument
    assert caught.value.fix
    assert str(caught.value) == f"{caught.value.what}; {caught.value.fix}"
