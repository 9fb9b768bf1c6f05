"""What holds for every model, whatever its equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from partwise.engine import InputProblem, models
from partwise.engine.models.convex import _Convex
from partwise.engine.models.convolutive import _Convolutive
from partwise.engine.models.descent import Form
from partwise.engine.models.semi import _Semi
from partwise.engine.models.symmetric import _Network, _Symmetric
from partwise.engine.models.target import target_of
from partwise.engine.models.tensor import _Parafac
from partwise.engine.models.trifactor import _Tri


def _matrix() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.random((12, 3)) @ rng.random((3, 30)) + 0.1 * rng.random((12, 30))


def _square() -> np.ndarray:
    X = _matrix()
    return X.T @ X / 10


def _cube() -> np.ndarray:
    rng = np.random.default_rng(2)
    F = [rng.random((size, 3)) for size in (6, 7, 8)]
    return np.einsum("ik,jk,lk->ijl", *F) + 0.1 * rng.random((6, 7, 8))


def _joint(X: Any, rank: int, **more: Any) -> Any:
    return models.joint_nmf([X[:5], X[5:]], rank, **more)


def _convolutive(X: Any, rank: int, **more: Any) -> Any:
    return models.convolutive_nmf(X, rank, 4, **more)


def _convolutive_kl(X: Any, rank: int, **more: Any) -> Any:
    return models.convolutive_nmf(X, rank, 4, "kl", **more)


def _tri(X: Any, rank: int, **more: Any) -> Any:
    return models.tri_nmf(X, (rank, rank + 1), **more)


def _tri_orthogonal(X: Any, rank: int, **more: Any) -> Any:
    return models.tri_nmf(X, (rank, rank + 1), orthogonal=0.1, **more)


def _directed(X: Any, rank: int, **more: Any) -> Any:
    return models.symmetric_nmf(X, rank, directed=True, **more)


Fit = Callable[..., Any]
MODELS: dict[str, tuple[Fit, Callable[[], np.ndarray]]] = {
    "semi": (models.semi_nmf, _matrix),
    "convex": (models.convex_nmf, _matrix),
    "convolutive": (_convolutive, _matrix),
    "convolutive kl": (_convolutive_kl, _matrix),
    "joint": (_joint, _matrix),
    "symmetric": (models.symmetric_nmf, _square),
    "directed": (_directed, _square),
    "tri": (_tri, _matrix),
    "tri orthogonal": (_tri_orthogonal, _matrix),
    "parafac": (models.parafac, _cube),
    "sequential": (models.sequential_nmf, _matrix),
}
every = pytest.mark.parametrize("name", MODELS)
# Those that descend in `Form`s of their own; the others hand on to `nmf`.
OWN = [n for n in MODELS if n not in ("joint", "directed", "sequential")]
every_own = pytest.mark.parametrize("name", OWN)


def _factors(fit: Any) -> list[np.ndarray]:
    if hasattr(fit, "factors"):
        return list(fit.factors)
    W = fit.W if isinstance(fit.W, list) else [fit.W]
    return [*W, *([fit.S] if hasattr(fit, "S") else []), fit.H]


@every
def test_the_trace_never_rises_and_says_what_was_reached(name: str) -> None:
    model, data = MODELS[name]
    fit = model(data(), 3, seed=3, max_iter=60)
    assert len(fit.trace) == fit.iterations + 1 > 5
    assert (np.diff(fit.trace) <= 0).all()
    assert fit.objective == fit.trace[-1]
    assert fit.loss <= fit.objective
    assert fit.stop in ("converged", "max_iter")


@every
def test_the_data_are_not_touched_and_a_seed_repeats(name: str) -> None:
    model, data = MODELS[name]
    X, before = data(), data()
    one, two = (model(X, 3, seed=4, max_iter=25) for _ in range(2))
    np.testing.assert_array_equal(X, before)
    for A, B in zip(_factors(one), _factors(two), strict=True):
        np.testing.assert_array_equal(A, B)


@every
def test_factors_are_finite_and_only_semi_has_negative_ones(name: str) -> None:
    model, data = MODELS[name]
    fit = model(data(), 3, max_iter=25)
    for i, F in enumerate(_factors(fit)):
        assert np.isfinite(F).all()
        if (name, i) != ("semi", 0):
            assert (F >= 0).all()


@every
def test_a_person_may_stop_it_and_keeps_what_stands(name: str) -> None:
    model, data = MODELS[name]
    seen: list[Any] = []

    def on_step(step: Any) -> bool:
        seen.append((step.iteration, step.objective))
        first = step.W[0] if isinstance(step.W, tuple) else step.W
        with pytest.raises(ValueError, match="read-only"):
            first[0] = 1
        assert np.isfinite(step.H).all()
        return False

    fit = model(data(), 3, on_step=on_step)
    assert fit.stop == "cancelled"
    assert seen == [(1, fit.objective)]
    assert fit.iterations == 1
    assert all(np.isfinite(F).all() for F in _factors(fit))


@every
def test_the_loss_follows_the_scale_of_the_data(name: str) -> None:
    model, data = MODELS[name]
    X = data()
    one, thousand = (model(c * X, 2, seed=1, max_iter=20) for c in (1.0, 1024.0))
    power = 1 if name.endswith("kl") else 2
    assert thousand.objective == pytest.approx(1024.0**power * one.objective, rel=1e-6)
    assert thousand.kkt == pytest.approx(one.kkt, rel=1e-3, abs=1e-9)


@every
def test_the_budget_of_time_is_kept(name: str) -> None:
    model, data = MODELS[name]
    fit = (
        model(data(), 3, max_seconds=1e-9, starts=1)
        if name != "sequential"
        else model(data(), 3, max_seconds=1e-9)
    )
    assert fit.stop == "max_seconds"
    assert fit.iterations == 1


@every_own
def test_it_arrives_at_a_stationary_point(name: str) -> None:
    model, data = MODELS[name]
    start = model(data(), 2, seed=1, max_iter=1)
    fit = model(data(), 2, seed=1, tol=1e-9, max_iter=4000)
    # Multiplicative updates crawl towards the zeros of a solution.
    assert fit.kkt < (2e-2 if name.endswith("kl") else 1e-3)
    assert fit.kkt < 0.05 * start.kkt


@every_own
def test_single_precision_stays_single_and_agrees(name: str) -> None:
    model, data = MODELS[name]
    if name == "symmetric":
        pytest.skip("networks are fitted in double precision")
    double = model(data(), 2, max_iter=10)
    single = model(data().astype(np.float32), 2, max_iter=10)
    assert all(F.dtype == np.float32 for F in _factors(single))
    assert single.objective == pytest.approx(double.objective, rel=0.02)


@pytest.mark.parametrize("name", [n for n in OWN if n != "convex"] + ["joint"])
def test_a_missing_entry_does_not_count(name: str) -> None:
    model, data = MODELS[name]
    holes: list[tuple[int, ...]]
    if name == "symmetric":
        holes = [(2, 5), (5, 2)]
    elif name == "parafac":
        holes = [(1, 2, 3)]
    else:
        holes = [(2, 5), (7, 11)]
    X = data()
    weights = np.ones(X.shape)
    other = X.copy()
    for hole in holes:
        X[hole] = np.nan
        other[hole], weights[hole] = 1e3, 0
    missing = model(X, 2, seed=2, max_iter=15)
    more: Any = [weights[:5], weights[5:]] if name == "joint" else weights
    weighted = model(other, 2, seed=2, max_iter=15, weights=more)
    assert weighted.objective < 10
    if name in ("semi", "tri", "tri orthogonal"):
        # Begins with k-means, which sees the entry; where it leads is as good.
        assert weighted.objective == pytest.approx(missing.objective, rel=0.5)
    else:
        assert weighted.objective == pytest.approx(missing.objective, rel=1e-6)


@pytest.mark.parametrize("name", [n for n in OWN if n != "convex"])
def test_weights_scale_the_loss_and_double_an_entry(name: str) -> None:
    model, data = MODELS[name]
    one = model(data(), 2, max_iter=12)
    three = model(data(), 2, max_iter=12, weights=np.full(data().shape, 3.0))
    assert three.objective == pytest.approx(3 * one.objective, rel=1e-9)


FORMS: dict[str, tuple[Form, Any, list[tuple[int, ...]]]] = {
    "semi": (_Semi(), target_of(_matrix()), [(12, 3), (3, 30)]),
    "convex": (_Convex(_matrix()), target_of(_matrix()), [(3, 30), (3, 30)]),
    "convolutive": (_Convolutive(False), target_of(_matrix()), [(12, 3, 4), (3, 30)]),
    "convolutive kl": (
        _Convolutive(True),
        target_of(_matrix(), _matrix(), "kl"),
        [(12, 3, 4), (3, 30)],
    ),
    "tri": (_Tri(0.3), target_of(_matrix(), _matrix() + 1), [(12, 2), (2, 3), (3, 30)]),
    "parafac": (_Parafac(3), target_of(_cube(), ways=None), [(6, 2), (7, 2), (8, 2)]),
    "symmetric": (_Symmetric(), _Network(_square(), own=True), [(30, 3)]),
    "symmetric, no self-links": (_Symmetric(), _Network(_square(), own=False), [(30, 3)]),
    "symmetric, weighted": (_Symmetric(), target_of(_square(), _square()), [(30, 3)]),
}


@pytest.mark.parametrize("name", FORMS)
def test_derivatives_are_those_of_the_objective(name: str) -> None:
    form, target, shapes = FORMS[name]
    rng = np.random.default_rng(5)
    factors = [0.5 + rng.random(shape) for shape in shapes]
    gradients, _ = form.gradients(target, factors)
    for i, shape in enumerate(shapes):
        move = rng.standard_normal(shape)
        ends = []
        for step in (1e-5, -1e-5):
            there = [F + step * move if j == i else F for j, F in enumerate(factors)]
            ends.append(form.value(target, there))
        slope = (ends[0] - ends[1]) / 2e-5
        assert slope == pytest.approx(float((gradients[i] * move).sum()), rel=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_a_round_of_block_updates_never_raises_the_objective(name: str) -> None:
    form, target, shapes = FORMS[name]
    rng = np.random.default_rng(6)
    for _ in range(5):
        factors = [rng.random(shape) * (rng.random(shape) < 0.7) for shape in shapes]
        form.tidy(factors)
        before = form.value(target, factors)
        kept = [F.copy() for F in factors]
        after = form.value(target, form.improve(target, factors))
        assert after <= before * (1 + 1e-12)
        for F, was in zip(factors, kept, strict=True):
            np.testing.assert_array_equal(F, was)


@every
@pytest.mark.parametrize("rank", [0, -1, 2.5, True])
def test_a_rank_that_is_none_is_refused(name: str, rank: Any) -> None:
    model, data = MODELS[name]
    if name.startswith("tri") and rank == -1:
        rank = -2
    with pytest.raises(InputProblem) as caught:
        model(data(), rank)
    assert caught.value.argument == "rank"


@every
def test_data_that_cannot_be_fitted_are_refused(name: str) -> None:
    model, data = MODELS[name]
    X = data()
    X.flat[0] = np.inf
    with pytest.raises(InputProblem, match="infinite"):
        model(X, 2)
    if name not in ("semi", "convex"):
        with pytest.raises(InputProblem, match="negative"):
            model(-data(), 2)
    with pytest.raises(InputProblem):
        model(np.full_like(data(), np.nan), 2)


@every
@pytest.mark.parametrize(
    ("argument", "value"), [("tol", -1.0), ("max_iter", 0), ("max_seconds", 0.0)]
)
def test_a_budget_that_makes_no_sense_is_named(name: str, argument: str, value: Any) -> None:
    model, data = MODELS[name]
    with pytest.raises(InputProblem) as caught:
        model(data(), 2, **{argument: value})
    assert caught.value.argument == argument


@every_own
@pytest.mark.parametrize("init", ["nonsense", (np.ones((2, 2)),), 3])
def test_a_start_that_does_not_fit_is_named(name: str, init: Any) -> None:
    model, data = MODELS[name]
    with pytest.raises(InputProblem) as caught:
        model(data(), 2, init=init)
    assert caught.value.argument == "init"


@every_own
def test_weights_of_the_wrong_shape_or_sign_are_named(name: str) -> None:
    model, data = MODELS[name]
    for weights in (np.ones((2, 2)), -np.ones(data().shape), np.zeros(data().shape)):
        with pytest.raises(InputProblem) as caught:
            model(data(), 2, weights=weights)
        assert caught.value.argument == "weights"


@every_own
def test_of_several_starts_the_best_is_kept(name: str) -> None:
    model, data = MODELS[name]
    fit = model(data(), 3, starts=3, max_iter=5)
    assert len(fit.starts) == 3
    assert fit.objective == min(fit.starts)


@every
def test_data_of_zeros_come_back_as_zeros(name: str) -> None:
    model, data = MODELS[name]
    fit = model(np.zeros_like(data()), 2)
    assert fit.loss == pytest.approx(0, abs=1e-6)
    assert all(np.isfinite(F).all() for F in _factors(fit))
