"""Do all solvers do what the table says, and agree where they meet?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import nnls

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.judge.certify import duality_gap
from partwise.engine.judge.match import match_parts
from partwise.engine.penalties import Box, Orthogonal, Overlap, Simplex, Smooth, UnitL2
from partwise.engine.penalty import L1, L2
from partwise.engine.plan import ABILITIES
from partwise.engine.refitting import refit
from partwise.engine.solvers.filled import Filled, pays
from partwise.engine.solvers.gradient import nesterov, projected
from partwise.engine.solvers.inner import active_set_columns, pivot_columns
from partwise.engine.solvers.placed import Placed

Array = np.ndarray[Any, Any]
SQUARES = ("hals", "bpp", "active_set", "pg", "nenmf")


def data(seed: int = 1, m: int = 15, n: int = 40) -> Array:
    rng = np.random.default_rng(seed)
    W = rng.random((m, 3)) * (rng.random((m, 3)) < 0.7) + 0.02
    return W @ rng.gamma(0.7, 1.0, (3, n)) + 0.05 * rng.random((m, n)) + 1e-3


def start(m: int = 15, n: int = 40) -> tuple[Array, Array]:
    rng = np.random.default_rng(7)
    return rng.random((m, 3)) + 0.1, rng.random((3, n)) + 0.1


def never_rises(fit: Any) -> bool:
    return bool((np.diff(fit.trace) <= 0).all())


# One question per column of the table; a solver answers it or says that it cannot.
QUESTIONS: dict[str, tuple[dict[str, Any], Any]] = {
    "nothing beyond": ({}, lambda can: True),
    "kl": ({"loss": "kl"}, lambda can: can.losses in ("beta", "kl")),
    "itakura-saito": ({"loss": "is"}, lambda can: can.losses == "beta"),
    "beta 1.5": ({"loss": 1.5}, lambda can: can.losses == "beta"),
    "beta 3": ({"loss": 3}, lambda can: can.losses == "beta"),
    "huber": ({"loss": "huber"}, lambda can: can.losses == "robust"),
    "capped": ({"loss": "capped"}, lambda can: can.losses == "robust"),
    "sparse": ({"sparse": True}, lambda can: can.sparse),
    "rows and columns": ({"weights": "product"}, lambda can: True),
    "entries": ({"weights": "table"}, lambda can: can.entries),
    "gaps": ({"gaps": True}, lambda can: can.entries),
    "gaps and rows": ({"gaps": True, "weights": "rows"}, lambda can: can.entries),
    "fixed columns": ({"fixed_W": start()[0][:, :1]}, lambda can: can.losses != "kl"),
    "all columns fixed": ({"fixed_W": start()[0]}, lambda can: can.losses != "kl"),
    "plain penalties": (
        {"penalty_W": L2(0.1), "penalty_H": [L1(0.1), L2(0.1)]},
        lambda can: can.penalties != "none",
    ),
    "plain penalties and columns": (
        {"penalty_W": L2(0.1), "penalty_H": L2(0.1), "weights": "product"},
        lambda can: can.penalties != "none",
    ),
    "joint penalties": (
        {"penalty_W": Smooth(0.1), "penalty_H": Overlap(0.1)},
        lambda can: can.penalties in ("joint", "all"),
    ),
    "any penalty": (
        {"penalty_W": L2(0.1), "penalty_H": Orthogonal(0.1)},
        lambda can: can.penalties == "all",
    ),
    "one side alone": ({"penalty_H": L1(0.1)}, lambda can: can.constraints != "none"),
    "one side alone, gaps": (
        {"penalty_H": L1(0.1), "gaps": True},
        lambda can: can.constraints != "none",
    ),
    "convex sets": ({"constraint_H": Simplex()}, lambda can: can.constraints != "none"),
    "boxes": (
        {"constraint_W": Box(0, 1), "constraint_H": Box(0, 3)},
        lambda can: can.constraints != "none",
    ),
    "spheres": (
        {"constraint_H": UnitL2(), "penalty_W": L2(0.1)},
        lambda can: can.constraints == "all",
    ),
}


def pose(question: dict[str, Any], dtype: Any = np.float64) -> tuple[Any, dict[str, Any]]:
    asked = dict(question)
    X: Any = data().astype(dtype)
    if asked.pop("gaps", False):
        X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    if asked.pop("sparse", False):
        X = sp.csr_array(X * (X > np.median(X)))
    kind = asked.get("weights")
    rows, columns = np.linspace(0.5, 2, 15)[:, None], np.linspace(2, 0.5, 40)[None, :]
    if kind == "product":
        asked["weights"] = rows * columns
    elif kind == "rows":
        asked["weights"] = rows
    elif kind == "table":
        asked["weights"] = np.random.default_rng(3).random(X.shape) + 0.1
    return X, asked


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("solver", ABILITIES)
def test_the_table_is_true(solver: str, question: str, dtype: Any) -> None:
    asked, able = QUESTIONS[question]
    can = ABILITIES[solver]
    X, options = pose(asked, dtype)
    if can.losses == "kl":  # asked for its own loss where none is asked for
        options.setdefault("loss", "kl")
    if not able(can):
        with pytest.raises(InputProblem, match=f"'{solver}'") as caught:
            nmf(X, 3, solver=solver, **options)
        assert caught.value.fix
        return
    fit = nmf(X, 3, solver=solver, max_iter=40, tol=0, **options)
    assert fit.solver == solver
    assert never_rises(fit)
    if question != "all columns fixed":  # where an exact first H leaves nothing to gain
        assert fit.trace[-1] < fit.trace[0]
    assert fit.W.dtype == fit.H.dtype == dtype
    assert np.isfinite(fit.kkt)
    if "fixed_W" in options:
        given = options["fixed_W"]
        assert np.array_equal(fit.W[:, : given.shape[1]], given.astype(dtype))


@pytest.mark.parametrize(
    "question", ["nothing beyond", "sparse", "rows and columns", "entries", "gaps"]
)
def test_solvers_for_the_squared_error_end_at_one_place(question: str) -> None:
    X, options = pose(QUESTIONS[question][0])
    init = start()
    ends = {
        solver: nmf(X, 3, solver=solver, init=init, tol=1e-8, max_iter=3000, **options)
        for solver in SQUARES
    }
    best = min(fit.loss for fit in ends.values())
    for solver, fit in ends.items():
        assert fit.loss == pytest.approx(best, rel=1e-3), solver
        assert fit.kkt < 1e-3, solver
        assert match_parts(ends["bpp"].W, fit.W).cosine.min() > 0.99


@pytest.mark.parametrize("question", ["plain penalties", "plain penalties and columns"])
def test_penalised_solvers_end_at_one_place(question: str) -> None:
    X, options = pose(QUESTIONS[question][0])
    ends = [
        nmf(X, 3, solver=solver, init=start(), tol=1e-9, max_iter=4000, **options).objective
        for solver in (*SQUARES, "mu")
    ]
    assert max(ends) <= min(ends) * (1 + 2e-3)


def test_many_fixed_and_weighted_problems_equal_scipys_nnls() -> None:
    rng = np.random.default_rng(0)
    for rank in (1, 4, 12):
        W, X = rng.random((20, rank)), rng.random((20, 30))
        best = np.stack([nnls(W, x)[0] for x in X.T], axis=1)
        grams = (W.T @ W)[None]
        for columns in (pivot_columns, active_set_columns):
            for F in (np.zeros((rank, 30)), rng.random((rank, 30))):
                columns(grams, np.ascontiguousarray(X.T @ W), F)
                assert np.abs(F - best).max() < 1e-10 * max(1.0, best.max())
        V = rng.random((20, 30))
        own = np.stack([(W * v[:, None]).T @ W for v in V.T])
        pull = np.ascontiguousarray((V * X).T @ W)
        best = np.stack(
            [
                nnls(W * np.sqrt(v)[:, None], x * np.sqrt(v))[0]
                for v, x in zip(V.T, X.T, strict=True)
            ],
            axis=1,
        )
        for columns in (pivot_columns, active_set_columns):
            F = np.zeros((rank, 30))
            columns(own, pull, F)
            assert np.abs(F - best).max() < 1e-9 * max(1.0, best.max())


def test_dependent_and_empty_parts_do_not_stop_the_exact_ways() -> None:
    W = np.ones((4, 3))
    W[:, 2] = 0
    X = np.arange(12.0).reshape(4, 3)
    for columns in (pivot_columns, active_set_columns):
        F = np.ones((3, 3))
        columns((W.T @ W)[None], np.ascontiguousarray(X.T @ W), F)
        assert np.allclose(W @ F, X.mean(axis=0))


@pytest.mark.parametrize("descend", [projected, nesterov])
def test_the_gradient_ways_only_descend_and_arrive(descend: Any) -> None:
    rng = np.random.default_rng(0)
    W, X = rng.random((20, 5)), rng.random((20, 8))
    C, b = W.T @ W, W.T @ X
    best = np.stack([nnls(W, x)[0] for x in X.T], axis=1)

    def height(F: Array) -> float:
        return float(0.5 * (F * (C @ F)).sum() - (b * F).sum())

    F = rng.random((5, 8))
    reach = np.full((1, 1), np.linalg.eigvalsh(C)[-1])
    before = height(F)
    for _ in range(60):
        F = descend(F, C @ F - b, lambda D: C @ D, reach)
        assert height(F) <= before + 1e-12
        before = height(F)
    assert np.allclose(F, best, atol=1e-4)


@pytest.mark.parametrize("solver", ["hals", "bpp", "mu"])
def test_cancelled_and_resumed_is_as_good_as_uninterrupted(solver: str) -> None:
    X = data()
    whole = nmf(X, 3, solver=solver, init=start(), max_iter=60, tol=0)
    seen = []

    def stop(step: Any) -> bool:
        seen.append(step.objective)
        return False

    half = nmf(X, 3, solver=solver, init=start(), on_step=stop)
    assert half.stop == "cancelled"
    rest = nmf(X, 3, solver=solver, init=(half.W, half.H), max_iter=60, tol=0)
    # It goes on from where it was, but for the momentum and the best common scale.
    assert rest.trace[0] <= half.objective * (1 + 1e-9)
    assert rest.objective == pytest.approx(whole.objective, rel=5e-2)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_the_duality_gap_bounds_what_is_left_to_gain(loss: str) -> None:
    rng = np.random.default_rng(0)
    W, X = rng.random((12, 4)) + 0.02, rng.random((12, 25)) + 0.01
    V = rng.random((12, 25)) + 0.2
    for weights in (None, V, V[:, :1], V[:1]):
        ask: dict[str, Any] = {"loss": loss, "weights": weights, "penalty_H": L1(0.1)}
        best = refit(X, W, **ask, tol=1e-9, max_iter=3000)
        lowest = duality_gap(X, W, best, **ask)
        assert lowest.relative < 1e-3 if loss == "kl" else lowest.relative < 1e-10
        for size in (0.01, 0.3):
            H = best * (1 + size * rng.random(best.shape))
            found = duality_gap(X, W, H, **ask)
            gained = found.objective - lowest.objective
            assert (found.gap >= gained - 1e-12).all()
            assert (gained > 0).any()
    ridge = refit(X, W, penalty_H=L2(0.2))
    assert duality_gap(X, W, ridge, penalty_H=L2(0.2)).relative < 1e-10
    single = refit(X.astype(np.float32), W)
    assert duality_gap(X, W, single).relative < 1e-5
    assert duality_gap(sp.csr_array(X), W, refit(X, W)).relative < 1e-10
    with pytest.raises(InputProblem, match="no dual"):
        duality_gap(X, W, ridge, loss="is")


@pytest.mark.parametrize("loss", ["frobenius", "kl", 1.5, "huber"])
def test_a_refit_takes_structure_and_gaps(loss: Any) -> None:
    rng = np.random.default_rng(0)
    W = rng.random((12, 3)) + 0.02
    t = np.linspace(0, 1, 40)
    H = np.stack([np.sin(3 * t) ** 2 + 0.1, t + 0.1, np.exp(-t)])
    X = np.maximum(W @ H + 0.1 * rng.standard_normal((12, 40)), 1e-3)
    X[rng.random(X.shape) < 0.1] = np.nan
    rough = refit(X, W, loss=loss)
    smooth = refit(X, W, loss=loss, penalty_H=Smooth(3.0, order=2))
    assert np.abs(smooth - H).mean() < 0.7 * np.abs(rough - H).mean()
    shares = refit(X, W, loss=loss, constraint_H=Simplex())
    assert np.allclose(shares.sum(axis=0), 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_filling_in_and_gram_matrices_of_places_end_alike(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    X = (data(m=40, n=60) + 0.1 * rng.random((40, 60))).astype(dtype)
    V = (rng.random((40, 60)) > 0.1).astype(dtype) * rng.uniform(1, 2, (40, 60)).astype(dtype)
    begun = rng.random((3, 40)).astype(dtype), rng.random((3, 60)).astype(dtype)
    ends = {}
    for way in (Placed, Filled):
        run = way(X, V, begun[0].copy(), begun[1].copy(), rng)
        trace = [run.begin(), *(run.step() for _ in range(400))]
        assert (np.diff(trace) <= 0).all()
        ends[way] = trace[-1], run.tall.T @ run.wide
        assert run.residual < 1e-3
    assert ends[Filled][0] == pytest.approx(ends[Placed][0], rel=1e-4)
    np.testing.assert_allclose(ends[Filled][1], ends[Placed][1], atol=0.02)


def test_what_is_filled_in_decides_how_a_weighted_step_is_taken() -> None:
    few = np.ones((50, 50))
    few[::7, ::7] = 0
    most = np.ones((50, 50))
    most[:, ::2] = 0
    most[::2] = 0
    assert pays(few, 10)
    assert not pays(most, 10)
    assert pays(most, 100)
    assert not pays(few, 2)
