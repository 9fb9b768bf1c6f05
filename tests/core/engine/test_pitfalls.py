"""What breaks factorizations elsewhere: scales, zeros, denormals, duplicates, threads."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import non_negative_factorization
from sklearn.exceptions import ConvergenceWarning

from partwise.engine.errors import InputProblem
from partwise.engine.estimator import NMF
from partwise.engine.fit import nmf
from partwise.engine.judge.explained import explained
from partwise.engine.judge.match import match_parts
from partwise.engine.judge.permutation import benjamini_hochberg, permutation_test
from partwise.engine.judge.rank import rank_scan
from partwise.engine.models import (
    joint_nmf,
    semi_nmf,
    separable_nmf,
    sequential_nmf,
    symmetric_nmf,
)
from partwise.engine.penalties import Graph, Orthogonal, Prior, Smooth
from partwise.engine.penalty import L1, combine
from partwise.engine.pool import _blas, limit_threads
from partwise.engine.refitting import refit

Array = np.ndarray[Any, Any]
SOLVERS = ("hals", "mu", "bpp", "active_set", "pg", "nenmf")


def data(m: int = 12, n: int = 40, rank: int = 3, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return rng.random((m, rank)) @ rng.gamma(0.6, 1.0, (rank, n)) + 0.01 * rng.random((m, n)) + 1e-4


def never_rises(fit: Any) -> bool:
    return bool((np.diff(fit.trace) <= 0).all())


@settings(max_examples=80, deadline=None)
@given(
    m=st.integers(1, 50),
    n=st.integers(1, 50),
    rank=st.integers(1, 8),
    solver=st.sampled_from(SOLVERS),
    dtype=st.sampled_from([np.float32, np.float64]),
    order=st.sampled_from(["C", "F"]),
    zeros=st.floats(0, 0.95),
    gaps=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 1000),
)
def test_no_shape_type_or_layout_breaks_a_solver(
    m: int, n: int, rank: int, solver: str, dtype: Any, order: Any, zeros: float, gaps: float,
    seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    X = (rng.random((m, n)) * (rng.random((m, n)) >= zeros)).astype(dtype, order=order)
    holes = rng.random((m, n)) < gaps
    if holes.all():
        return
    X[holes] = np.nan
    before = X.copy()
    fit = nmf(X, rank, solver=solver, max_iter=12, seed=seed)
    assert np.array_equal(X, before, equal_nan=True)
    assert fit.W.shape == (m, rank)
    assert fit.H.shape == (rank, n)
    assert fit.W.dtype == fit.H.dtype == dtype
    for F in (fit.W, fit.H):
        assert np.isfinite(F).all()
        assert (F >= 0).all()
    assert never_rises(fit)
    left = np.where(holes, 0, before.astype(np.float64) - fit.W.astype(np.float64) @ fit.H)
    floor = 1e-5 * float(np.nansum(before.astype(np.float64) ** 2)) + 1e-12
    assert fit.loss == pytest.approx(0.5 * float((left**2).sum()), rel=1e-3, abs=floor)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("size", [1e-18, 1e-6, 1e6, 1e15])
def test_single_precision_stands_any_scale(solver: str, size: float) -> None:
    X = (data() * size).astype(np.float32)
    fit = nmf(X, 3, solver=solver, max_iter=60)
    assert never_rises(fit)
    same = nmf(data().astype(np.float32), 3, solver=solver, max_iter=60)
    assert fit.loss / size**2 == pytest.approx(same.loss, rel=0.05)
    gap = X.copy()
    gap[0, 0] = np.nan
    assert np.isfinite(nmf(gap, 3, solver=solver, max_iter=10).objective)


@pytest.mark.parametrize("loss", ["kl", "is", 0.5, 3.0])
@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_ratios_do_not_overflow_in_single_precision(loss: Any, size: float) -> None:
    if loss == 3.0:
        size = np.sqrt(size)  # the loss itself is a third power
    X = data()
    X[:, ::5] *= 1e-6  # a faint column beside strong ones
    fit = nmf((X * size).astype(np.float32), 3, loss, max_iter=60)
    assert never_rises(fit)
    assert np.isfinite(fit.W).all()
    assert np.isfinite(fit.H).all()
    fixed = np.zeros((12, 3), np.float32)
    fixed[:6, 0] = 1  # rows that no fixed part explains
    held = nmf((X * size).astype(np.float32), 3, loss, fixed_W=fixed[:, :1], max_iter=20)
    assert np.isfinite(held.objective)


def test_long_multiplicative_runs_end_in_no_denormals() -> None:
    X = data() * (np.random.default_rng(1).random((12, 40)) < 0.5)
    for dtype in (np.float32, np.float64):
        fit = nmf(X.astype(dtype), 6, "kl", tol=0, max_iter=1500)
        for F in (fit.W, fit.H):
            assert (F[F > 0] >= np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("options", [{}, {"loss": "kl"}, {"gaps": True}, {"weights": True}])
@pytest.mark.parametrize("penalty", [L1(0.3), Smooth(0.3)])
def test_a_penalty_on_one_side_does_not_send_the_other_off(
    options: dict[str, Any], penalty: Any
) -> None:
    X = data()
    ask: dict[str, Any] = {k: v for k, v in options.items() if k == "loss"}
    if "gaps" in options:
        X[3, ::7] = np.nan
    if "weights" in options:
        ask["weights"] = np.random.default_rng(2).random(X.shape) + 0.1
    for side, other in (("H", "W"), ("W", "H")):
        fit = nmf(X, 3, **ask, **{f"penalty_{side}": penalty}, max_iter=150, tol=1e-7)
        free = fit.W.T if other == "W" else fit.H
        lengths = np.linalg.norm(free, axis=1)
        assert lengths.max() <= 1 + 1e-6
        assert lengths.max() > 0.99
        assert never_rises(fit)
        alike = nmf(X, 3, **ask, **{f"penalty_{side}": penalty}, max_iter=300, tol=1e-7)
        assert alike.objective <= fit.objective
        assert alike.objective > 0.9 * fit.objective


@pytest.mark.parametrize("solver", SOLVERS)
def test_duplicates_zeros_and_too_many_parts_are_stood(solver: str) -> None:
    X = np.repeat(data(6, 10, 2), 3, axis=1)
    X[2] = 0
    X[:, 4] = 0
    fit = nmf(X, 9, solver=solver, max_iter=200)
    assert never_rises(fit)
    assert np.isfinite(fit.kkt)
    fitted = fit.W @ fit.H
    assert np.abs(fitted[2]).max() < 1e-3 * X.max()
    assert np.abs(fitted[:, 4]).max() < 1e-3 * X.max()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_a_start_at_another_scale_does_not_stop_a_fit_at_once(solver: str, size: float) -> None:
    X = data()
    rng = np.random.default_rng(0)
    W, H = rng.random((12, 3)), rng.random((3, 40))
    near = nmf(X, 3, solver=solver, init=(W, H))
    far = nmf(X, 3, solver=solver, init=(size * W, H))
    assert far.iterations > 5
    assert far.loss <= near.loss + 0.02 * near.trace[0]


@pytest.mark.parametrize(
    ("m", "n", "rank", "kind"),
    [
        (1, 30, 1, "dense"),
        (30, 1, 1, "dense"),
        (8, 8, 8, "dense"),
        (40, 25, 4, "dense"),
        (25, 40, 6, "thin"),
        (60, 20, 3, "flat"),
        (20, 60, 5, "peaks"),
    ],
)
@pytest.mark.parametrize("solver", ["hals", "mu"])
def test_no_worse_than_scikit_learn_on_a_zoo(
    m: int, n: int, rank: int, kind: str, solver: str
) -> None:
    X = data(m, n, min(rank, 5), seed=m + n)
    rng = np.random.default_rng(1)
    if kind == "thin":
        W = rng.random((m, rank)) * (rng.random((m, rank)) < 0.4)
        X = W @ (rng.gamma(0.6, 1.0, (rank, n)) * (rng.random((rank, n)) < 0.4))
        X += 0.05 * (rng.random((m, n)) < 0.05)
    elif kind == "flat":
        X = X * 1e-3 + 1
    elif kind == "peaks":
        X = X * np.where(rng.random((1, n)) < 0.1, 30, 1)
    size = np.sqrt(X.mean() / rank)
    # Different ways from one start may end in different valleys, for both; the
    # best of a few is what a person would keep.
    theirs, ours = [], []
    for _ in range(3):
        W0, H0 = size * rng.random((m, rank)) + 1e-9, size * rng.random((rank, n)) + 1e-9
        theirs.append(peer(X, W0, H0, solver))
        loss = "frobenius" if solver == "hals" else "kl"
        fit = nmf(X, rank, loss, init=(W0, H0), solver=solver, tol=1e-7, max_iter=2000)
        ours.append(fit.loss)
    scale = 0.5 * float((X**2).sum()) if solver == "hals" else float(X.sum())
    assert min(ours) <= 1.001 * min(theirs) + 1e-4 * scale


def peer(X: Array, W0: Array, H0: Array, solver: str) -> float:
    """The loss that scikit-learn reaches."""
    squares = solver == "hals"
    options: dict[str, Any] = (
        {"solver": "cd"} if squares else {"solver": "mu", "beta_loss": "kullback-leibler"}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W, H, _ = non_negative_factorization(
            X, W=W0.copy(), H=H0.copy(), n_components=W0.shape[1], init="custom",
            max_iter=500, tol=1e-8, **options,
        )  # fmt: skip
    Y = np.maximum(W @ H, 1e-300)
    if squares:
        return 0.5 * float(((X - Y) ** 2).sum())
    return float((X * np.log(np.where(X > 0, X / Y, 1)) - X + Y).sum())


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_the_matrix_library_has_its_threads_back_after_a_fit(loss: str) -> None:
    switch = _blas()
    if switch is None:
        pytest.skip("this numpy has no thread switch that we know")
    before = switch[0]()
    with limit_threads(2):
        nmf(data(80, 3000), 3, loss, max_iter=3)
    assert switch[0]() == before


@pytest.mark.parametrize("loss", ["is", -0.5])
def test_a_gap_is_no_zero_where_zeros_are_infinite(loss: str | float) -> None:
    rng = np.random.default_rng(4)
    X = rng.gamma(2.0, 1.0, (12, 20))
    X[3, 4] = np.nan
    fit = nmf(X, 2, loss, max_iter=40)
    assert np.isfinite(fit.trace).all()
    assert (np.diff(fit.trace) <= 1e-12 * fit.trace[0]).all()
    filled = np.where(np.isnan(X), 7.0, X)
    weights = np.where(np.isnan(X), 0.0, 1.0)
    assert nmf(filled, 2, loss, weights=weights, max_iter=40).loss == pytest.approx(fit.loss)


@pytest.mark.parametrize("loss", ["frobenius", "kl", "is", 0.5, "huber"])
@pytest.mark.parametrize(("dtype", "power"), [(np.float64, 480), (np.float32, -80)])
def test_the_unit_of_the_data_changes_the_unit_of_the_answer_alone(
    loss: Any, dtype: Any, power: int
) -> None:
    X = data(70, 80).astype(dtype)
    beta = {"kl": 1.0, "is": 0.0, 0.5: 0.5}.get(loss, 2.0)
    seen: list[float] = []

    def on_step(step: Any) -> None:
        seen.append(step.objective / 2 ** (power * beta))
        assert float(step.H.max() / 2.0**power) < 1e6

    def ends(X: Array, on_step: Any = None) -> Any:
        return nmf(X, 3, loss, max_iter=20, starts=2, on_step=on_step)

    near, far = ends(X), ends(np.ldexp(X, power), on_step)
    assert near.loss / 2 <= seen[-1] <= 1e3 * near.trace[0]
    assert far.loss / 2 ** (power * beta) == pytest.approx(near.loss, rel=0.01)
    assert far.starts[0] / 2 ** (power * beta) == pytest.approx(near.starts[0], rel=0.01)
    assert never_rises(far)
    np.testing.assert_allclose(far.W, near.W, atol=0.02)
    if loss in ("frobenius", "kl"):  # where the answer is one
        again, once = (refit(Y, near.W, loss=loss) for Y in (np.ldexp(X, power), X))
        np.testing.assert_allclose(again / 2.0**power, once, atol=1e-3 * once.max())
    sparse = nmf(sp.csr_array(np.ldexp(X, power)), 3, max_iter=5)
    assert np.isfinite(sparse.loss)


def test_squares_that_are_no_numbers_are_refused_by_name() -> None:
    for X in (data() * 1e300, (data() * 1e37).astype(np.float32)):
        assert np.isfinite(nmf(X, 2, "kl", max_iter=5).loss)
    with pytest.raises(InputProblem, match=r"X holds values around 1e\+30\d, too large"):
        nmf(data() * 1e300, 2)
    for fit in (rank_scan, semi_nmf, separable_nmf, sequential_nmf):
        for size in (1e100, 1e-100):
            with pytest.raises(InputProblem, match="whose powers are beyond float64"):
                fit(data() * size, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rank": None}, {"rank": "3"}, {"rank": np.nan}, {"rank": 10**9}, {"tol": "a"},
        {"tol": None},
        {"max_iter": None}, {"max_seconds": "a"}, {"starts": np.inf}, {"seed": -1}, {"seed": "a"},
        {"weights": "a"}, {"X": [[1.0], [1.0, 2.0]]}, {"init": ([["a"]], [[1]])},
    ],
)  # fmt: skip
def test_what_is_no_number_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputProblem) as caught:
        nmf(**(dict[str, Any](X=data(), rank=2) | wrong))
    assert caught.value.argument == next(iter(wrong))
    assert caught.value.fix


def test_a_seed_may_be_drawn_from_a_generator() -> None:
    one, same, other = (
        nmf(data(), 2, init="random", seed=np.random.default_rng(s), max_iter=2) for s in (1, 1, 2)
    )
    assert one.seed == same.seed != other.seed
    assert np.array_equal(one.W, same.W)
    assert np.array_equal(one.W, nmf(data(), 2, init="random", seed=one.seed, max_iter=2).W)
    assert nmf(data(), 2, init="random", seed=2**70, max_iter=2).seed == 2**70


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e-8, 1e8, 1e30])
@pytest.mark.parametrize(
    ("loss", "solver"),
    [("frobenius", "auto"), ("frobenius", "bpp"), ("frobenius", "nenmf"), ("kl", "auto")],
)
def test_fixed_columns_may_be_of_any_size(loss: str, solver: str, size: float) -> None:
    X = data()
    kept = np.random.default_rng(1).random((12, 2))
    seen = []

    def on_step(step: Any) -> None:
        seen.append((step.W[:, :2].copy(), step.H[:2].max()))

    as_usual = nmf(X, 3, loss, fixed_W=kept, solver=solver, max_iter=300)
    fit = nmf(X, 3, loss, fixed_W=kept * size, solver=solver, max_iter=300, on_step=on_step)
    assert fit.loss == pytest.approx(as_usual.loss, rel=0.05)
    assert np.array_equal(fit.W[:, :2], kept * size)
    assert np.allclose(fit.H[:2] * size, as_usual.H[:2], atol=0.1 * as_usual.H.max())
    assert np.array_equal(seen[0][0], kept * size)
    assert 0.01 < seen[-1][1] * size / as_usual.H[:2].max() < 100
    again = nmf(X, 3, loss, fixed_W=kept * size, init=(fit.W, fit.H), solver=solver, max_iter=300)
    assert again.trace[0] == pytest.approx(fit.objective, rel=1e-6)


@pytest.mark.parametrize("loss", ["frobenius", "huber", "capped"])
@pytest.mark.parametrize("asked", [{}, {"penalty_H": L1(1.0)}, {"penalty_H": Smooth(1.0)}])
def test_a_fit_goes_on_from_where_it_stands(loss: str, asked: dict[str, Any]) -> None:
    """At the scale of the data, which penalties and outliers pull a fit away from, it would not."""
    X = data(60, 80)
    X[3, 5] = 50 * X.max()
    fit = nmf(X, 3, loss, **asked, max_iter=30, tol=0)
    again = nmf(X, 3, loss, **asked, max_iter=1, init=(fit.W, fit.H))
    assert again.trace[0] == pytest.approx(fit.objective, rel=1e-9)


@pytest.mark.parametrize("penalty", [Orthogonal(0.5), L1(0.01)])
def test_penalties_see_fixed_columns_as_they_were_given(penalty: Any) -> None:
    X, kept = data(), 1000 * np.random.default_rng(1).random((12, 1))
    fit = nmf(X, 3, fixed_W=kept, penalty_W=penalty, max_iter=50)
    value = combine(penalty, "penalty_W", (3, 12)).value(fit.W.T)
    assert fit.objective - fit.loss == pytest.approx(value)
    assert fit.loss == pytest.approx(0.5 * float(((X - fit.W @ fit.H) ** 2).sum()))


def test_columns_that_make_courses_beyond_reach_are_refused() -> None:
    W = np.full((12, 1), 1e-300)
    with pytest.raises(InputProblem, match="out of all proportion") as caught:
        nmf(data() * 1e50, 2, fixed_W=W)
    assert caught.value.argument == "fixed_W"


def test_what_a_masked_array_hides_is_missing() -> None:
    X = data()
    X[2, 3] = 1e6  # whoever looks at it cannot miss it
    hidden = np.ma.masked_greater(X, 1e5)
    gone = np.where(X > 1e5, np.nan, X)
    assert np.array_equal(nmf(hidden, 3).W, nmf(gone, 3).W)
    assert np.array_equal(semi_nmf(hidden, 3).W, semi_nmf(gone, 3).W)
    assert np.array_equal(refit(hidden, X[:, :2]), refit(gone, X[:, :2]))
    scans = [rank_scan(Y, 2, starts=2, masks=1) for Y in (hidden, gone)]
    assert np.array_equal(scans[0].error, scans[1].error)
    fit = nmf(gone, 3)
    assert explained(hidden, fit.W, fit.H) == explained(gone, fit.W, fit.H)
    with pytest.raises(InputProblem, match="missing values"):
        separable_nmf(hidden, 2)


def test_a_mask_is_looked_at_wherever_numbers_are_given() -> None:
    X = data()
    hidden = np.ma.masked_array(X, np.random.default_rng(1).random(X.shape) < 0.1)
    gone = hidden.filled(np.nan)
    one, other = (NMF(2, max_iter=9).fit(Y.T).components_ for Y in (hidden, gone))
    assert np.array_equal(one, other)
    A = X @ X.T
    links = np.ma.masked_array(A, np.eye(12) > 0)
    one, other = (symmetric_nmf(Y, 2, max_iter=9).W for Y in (links, links.filled(np.nan)))
    assert np.array_equal(one, other)
    W = hidden[:, :2]
    one, other = (nmf(X, 2, penalty_W=Prior(1.0, Y), max_iter=9).W for Y in (W, gone[:, :2]))
    assert np.array_equal(one, other)
    p = np.ma.masked_array([0.01, 0.04, 0.001, 0.5], [False, False, True, False])
    assert np.array_equal(benjamini_hochberg(p).round(3), [0.03, 0.06, np.nan, 0.5], equal_nan=True)
    refused: list[tuple[str, Callable[[], Any]]] = [
        ("weights", lambda: semi_nmf(X, 2, weights=hidden)),
        ("weights", lambda: joint_nmf([X, X], 2, weights=[hidden, None])),
        ("init", lambda: semi_nmf(X, 2, init=(W, X[:2]))),
        ("B", lambda: match_parts(X, hidden)),
        ("penalty", lambda: Graph(1.0, links)),
        ("values", lambda: permutation_test(hidden, [0, 1] * 6)),
        ("labels", lambda: permutation_test(X, np.ma.masked_equal([0, 1, 2] * 4, 2))),
    ]
    for argument, ask in refused:
        with pytest.raises(InputProblem) as caught:
            ask()
        assert (caught.value.argument or "").startswith(argument)


def test_weights_of_a_model_may_be_sparse_and_are_numbers() -> None:
    X = data()
    V = np.where(X > np.median(X), 1.0, 0.0)
    assert np.array_equal(
        semi_nmf(X, 2, weights=sp.csr_array(V), max_iter=5).W,
        semi_nmf(X, 2, weights=V, max_iter=5).W,
    )
    with pytest.raises(InputProblem, match="no array of numbers"):
        semi_nmf(X, 2, weights="a")


def test_numbers_kept_as_objects_are_numbers() -> None:
    X = data()
    assert np.array_equal(nmf(X.astype(object), 2).W, nmf(X, 2).W)
    with pytest.raises(InputProblem, match="type object"):
        nmf(np.array([["1", 2.0], [3.0, 4.0]], dtype=object), 1)


def test_sparse_data_and_weights_are_taken_for_what_they_are() -> None:
    X = data()
    with pytest.raises(InputProblem, match="complex"):
        nmf(sp.csr_array(X * 1j), 2)
    V = np.where(X > np.median(X), 1.0, 0.0)
    assert np.array_equal(
        nmf(sp.csr_array(X), 2, weights=sp.csr_array(V)).W, nmf(sp.csr_array(X), 2, weights=V).W
    )


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_weights_beyond_reach_are_refused_by_name(loss: str, size: float) -> None:
    with pytest.raises(InputProblem, match="divide them by a constant") as caught:
        nmf(data(), 2, loss, weights=np.full((12, 1), size))
    assert caught.value.argument == "weights"


def test_numpys_false_stops_as_pythons_does() -> None:
    assert nmf(data(), 3, tol=0, on_step=lambda _: np.False_).stop == "cancelled"
    assert nmf(data(), 3, max_iter=3, tol=0, on_step=lambda _: 0).stop == "max_iter"


def test_parts_of_any_size_are_matched() -> None:
    W = data()[:, :3]
    found = match_parts(W * 1e200, W[:, ::-1] * 1e-80)
    assert found.permutation.tolist() == [2, 1, 0]
    np.testing.assert_allclose(found.scale, 1e280)
    np.testing.assert_allclose(found.cosine, 1.0)


@pytest.mark.parametrize("ranks", ["x", None, [1.5], [0], []])
def test_ranks_that_are_none_are_named(ranks: Any) -> None:
    with pytest.raises(InputProblem, match="whole numbers") as caught:
        rank_scan(data(), ranks)
    assert caught.value.argument == "ranks"


def test_the_way_out_of_a_refusal_is_one() -> None:
    with pytest.raises(InputProblem, match="loss='frobenius'"):
        nmf(data(), 2, "kl", penalty_W=Orthogonal(0.1))
    with pytest.raises(InputProblem, match="got 'much'"):
        nmf(data(), 2, penalty_W=L1("much"))  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["frobenius", "kl", "is"])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_parts_that_begin_alike_do_not_end_alike(loss: str, level: float) -> None:
    X = data(rank=2)
    alike = np.full((12, 2), level), np.full((2, 40), level)
    one, best = nmf(X, 1, loss), nmf(X, 2, loss, init="random")
    assert nmf(X, 2, loss, init=alike).loss < best.loss + 0.1 * (one.loss - best.loss)
