"""Does every penalty and constraint descend, hold, and do what it says?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.judge.match import match_parts
from partwise.engine.penalties import (
    L21,
    Box,
    Graph,
    MinVolume,
    Orthogonal,
    Overlap,
    Prior,
    Simplex,
    Smooth,
    TotalVariation,
    UnitL1,
    UnitL2,
)
from partwise.engine.penalties.constraints import Ball, project
from partwise.engine.penalty import L1, L2, Joint, Penalty, combine
from partwise.engine.solvers.majorant import lowest

Array = np.ndarray[Any, Any]
PLACES = 30
RING = sp.csr_array(np.roll(np.eye(PLACES), 1, axis=1) + np.roll(np.eye(PLACES), -1, axis=1))
PENALTIES: list[Penalty] = [
    L1(0.3),
    L2(0.3),
    L21(0.3),
    L21(0.3, over="parts"),
    Smooth(0.3),
    Smooth(0.3, order=2),
    TotalVariation(0.3, soft=0.1),
    TotalVariation(0.3, shape=(5, 6), soft=0.1),
    TotalVariation(0.3, shape=(2, 3, 5), soft=0.1),
    Graph(0.3, RING),
    Overlap(0.3),
    Orthogonal(0.3),
    MinVolume(0.3),
    Prior(0.3, np.where(np.eye(PLACES, 2) > 0, np.nan, 0.5)),
]
CONSTRAINTS = [UnitL1(), UnitL2(), Simplex(), Box(0.1, 0.8)]


def named(item: object) -> str:
    shape = getattr(item, "shape", None) or getattr(item, "order", "") or getattr(item, "over", "")
    return f"{type(item).__name__}{shape}"


def factor(seed: int = 0, rank: int = 3) -> Array:
    return np.random.default_rng(seed).random((rank, PLACES)) + 0.05


def data(seed: int = 1, m: int = 12, n: int = PLACES) -> Array:
    rng = np.random.default_rng(seed)
    return rng.random((m, 3)) @ rng.random((3, n)) + 0.1 * rng.random((m, n)) + 0.01


def never_rises(trace: Array) -> bool:
    return bool((np.diff(trace) <= 0).all())


@pytest.mark.parametrize("penalty", PENALTIES, ids=named)
def test_the_gradient_is_that_of_the_value(penalty: Penalty) -> None:
    F = factor()
    rng = np.random.default_rng(1)
    for _ in range(4):
        D = rng.standard_normal(F.shape)
        step = 1e-6
        slope = (penalty.value(F + step * D) - penalty.value(F - step * D)) / (2 * step)
        assert slope == pytest.approx(float((penalty.gradient(F) * D).sum()), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("penalty", PENALTIES, ids=named)
def test_the_bound_lies_above_and_touches(penalty: Penalty) -> None:
    F = factor()
    rng = np.random.default_rng(2)
    for part in range(3):
        bound = penalty.bound(F, part)

        def value(f: Array, bound: Any = bound) -> float:
            along = 0.0 if bound.along is None else 0.5 * float(f @ (bound.along @ f))
            rest = np.broadcast_to(bound.linear, f.shape) @ f
            return float(rest + 0.5 * (bound.ridge * f * f).sum() + along)

        for size in (1e-3, 0.1, 1.0):
            G = F.copy()
            G[part] = np.maximum(F[part] + size * rng.standard_normal(PLACES), 0)
            rise = value(G[part]) - value(F[part])
            assert penalty.value(G) - penalty.value(F) <= rise + 1e-9
            linear, ridge = bound.apart(F[part])
            step = G[part] - F[part]
            apart = (linear * step + 0.5 * ridge * (G[part] ** 2 - F[part] ** 2)).sum()
            assert rise <= apart + 1e-9
    if isinstance(penalty, Joint):
        linear, ridge = penalty.spread(F)
        for size in (1e-3, 0.1, 1.0):
            G = np.maximum(F + size * rng.standard_normal(F.shape), 0)
            rise = float((linear * (G - F) + 0.5 * ridge * (G**2 - F**2)).sum())
            assert penalty.value(G) - penalty.value(F) <= rise + 1e-9
        at = linear + ridge * F
        assert np.allclose(at, penalty.gradient(F), atol=1e-9)


GAP = np.random.default_rng(9).random((12, PLACES)) < 0.15


@pytest.mark.parametrize("kind", ["plain", "rows", "gaps", "kl", "is", "sparse"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=named)
def test_the_trace_never_rises(penalty: Penalty, kind: str) -> None:
    X: Any = data()
    options: dict[str, Any] = {"loss": "kl" if kind == "kl" else "frobenius"}
    if kind == "is":
        options["loss"] = "is"
    if kind == "gaps":
        X[GAP] = np.nan
    if kind == "rows":
        options["weights"] = np.linspace(0.5, 2, PLACES)[None, :]
    if kind == "sparse":
        X = sp.csr_array(X * (X > 0.6))
    if kind in ("kl", "is") and not isinstance(penalty, Joint):
        with pytest.raises(InputProblem, match="Orthogonal"):
            nmf(X, 3, penalty_H=penalty, **options)
        return
    fit = nmf(X, 3, penalty_H=penalty, max_iter=25, tol=0, **options)
    assert never_rises(fit.trace)
    assert fit.trace[-1] < fit.trace[0]
    assert fit.objective == pytest.approx(fit.loss + penalty.value(fit.H))
    assert (fit.W >= 0).all()
    assert (fit.H >= 0).all()
    if penalty.shrinks:
        assert (np.linalg.norm(fit.W, axis=0) <= 1 + 1e-9).all()


@pytest.mark.parametrize("kind", ["plain", "gaps", "kl", "huber"])
@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=named)
@pytest.mark.parametrize("penalty", [None, L1(0.05), Smooth(0.1)])
def test_constraints_hold_and_the_trace_never_rises(
    constraint: Any, penalty: Any, kind: str
) -> None:
    X = data()
    if kind == "gaps":
        X[GAP] = np.nan
    loss = kind if kind in ("kl", "huber") else "frobenius"
    options: dict[str, Any] = {"constraint_H": constraint, "penalty_W": penalty, "max_iter": 30}
    if kind == "kl" and isinstance(constraint, UnitL2) and penalty is not None:
        with pytest.raises(InputProblem, match="UnitL2"):
            nmf(X, 3, loss, **options)
        return
    fit = nmf(X, 3, loss, **options, tol=0)
    assert never_rises(fit.trace)
    assert fit.trace[-1] < fit.trace[0]
    if isinstance(constraint, UnitL1):
        assert np.allclose(fit.H.sum(axis=1), 1)
    elif isinstance(constraint, UnitL2):
        assert np.allclose(np.linalg.norm(fit.H, axis=1), 1)
    elif isinstance(constraint, Simplex):
        assert np.allclose(fit.H.sum(axis=0), 1)
    else:
        assert fit.H.min() >= 0.1 - 1e-12
        assert fit.H.max() <= 0.8 + 1e-12


@pytest.mark.parametrize("constraint", [*CONSTRAINTS, Ball()], ids=named)
def test_the_lowest_point_of_a_set_is_no_higher_than_others_in_it(constraint: Any) -> None:
    rng = np.random.default_rng(0)
    F = project(constraint, factor())
    assert np.allclose(project(constraint, F), F, atol=1e-9)
    d, e = rng.random(F.shape) + 0.2, rng.standard_normal(F.shape) + 1
    best = constraint.best(d, e, F)

    def height(G: Array) -> float:
        return float((0.5 * d * G * G - e * G).sum())

    if isinstance(constraint, UnitL2):  # met through an upper bound: it only descends
        assert height(best) <= height(F) + 1e-12
        d = np.ones_like(d)
        best = constraint.best(d, e, F)
    for _ in range(200):
        other = project(constraint, best + 0.1 * rng.standard_normal(F.shape))
        assert height(best) <= height(other) + 1e-9


def test_a_constraint_that_only_moves_scale_costs_nothing() -> None:
    X = data()
    plain = nmf(X, 3)
    unit = nmf(X, 3, constraint_H=UnitL1())
    assert unit.solver == plain.solver
    assert np.allclose(unit.H.sum(axis=1), 1)
    assert unit.loss == pytest.approx(plain.loss)
    assert np.allclose(unit.W @ unit.H, plain.W @ plain.H)


# Each does what it says: what was planted comes back better than without.


def bumps(seed: int, places: int = 60) -> tuple[Array, Array]:
    """W (12, 2) and smooth courses (2, places)."""
    t = np.linspace(0, 1, places)
    H = np.stack([np.exp(-((t - 0.3) ** 2) / 0.02), np.exp(-((t - 0.65) ** 2) / 0.03)])
    return np.random.default_rng(seed).random((12, 2)), H


def closeness(H: Array, fit: Any) -> float:
    return float(match_parts(H.T, fit.H.T).cosine.min())


def noisy(Y: Array, size: float, seed: int) -> Array:
    return np.maximum(Y + size * np.random.default_rng(seed).standard_normal(Y.shape), 0)


@pytest.mark.parametrize("penalty", [Smooth(2.0), Smooth(20.0, order=2), L2(0.0)], ids=named)
def test_smoothness_takes_the_noise_off_smooth_courses(penalty: Any) -> None:
    W, H = bumps(0)
    X = noisy(W @ H, 0.3, 1)
    plain = closeness(H, nmf(X, 2))
    smooth = closeness(H, nmf(X, 2, penalty_H=penalty))
    assert smooth > plain + 0.01 or not penalty.strength


def test_smoothness_fills_in_samples_that_are_missing_altogether() -> None:
    W, H = bumps(0)
    X = W @ H
    X[:, 20:24] = np.nan
    fit = nmf(X, 2, penalty_H=Smooth(0.05, order=2), tol=1e-7)
    assert np.abs(fit.W @ fit.H - W @ H)[:, 20:24].max() < 0.1 * (W @ H).max()
    skipped = nmf(W @ H, 2, penalty_H=Smooth(0.05, order=2), weights=1.0 * ~np.isnan(X[:1]))
    assert np.abs(skipped.W @ skipped.H - W @ H)[:, 20:24].max() < 0.1 * (W @ H).max()


@pytest.mark.parametrize("shape", [(64,), (8, 8), (4, 4, 4)])
def test_total_variation_keeps_edges_and_flattens_the_rest(shape: tuple[int, ...]) -> None:
    image = np.zeros((2, *shape))
    half = shape[0] // 2
    image[0, :half] = 1.0
    image[1, half:] = 0.7
    H = image.reshape(2, -1)
    W = np.random.default_rng(3).random((12, 2))
    X = noisy(W @ H, 0.3, 4)
    fit = nmf(X, 2, penalty_H=TotalVariation(0.05, shape=shape, soft=0.01))
    assert closeness(H, fit) > closeness(H, nmf(X, 2)) + 0.005


def test_a_graph_joins_what_belongs_together() -> None:
    rng = np.random.default_rng(0)
    group = np.arange(40) % 2
    H = np.stack([group == 0, group == 1]).astype(float)
    joined = (group[:, None] == group) & (rng.random((40, 40)) < 0.3)
    W = rng.random((10, 2))
    X = noisy(W @ H, 0.4, 5)
    fit = nmf(X, 2, penalty_H=Graph(0.5, joined | joined.T))
    assert closeness(H, fit) > closeness(H, nmf(X, 2)) + 0.01


def test_groups_leave_out_places_and_parts_that_carry_nothing() -> None:
    rng = np.random.default_rng(0)
    W, H = rng.random((20, 2)) + 0.2, rng.gamma(0.5, 1.0, (2, 60))
    W[10:] = 0
    X = noisy(W @ H, 0.1, 6)
    fit = nmf(X, 2, penalty_W=L21(1.0))
    sizes = np.linalg.norm(fit.W, axis=1)
    assert sizes[10:].max() < 1e-3 * sizes[:10].min()
    plain = np.linalg.norm(nmf(X, 2).W, axis=1)
    assert plain[10:].max() > 1e-2 * plain[:10].min()
    known = rng.random((20, 5))
    X = noisy(known[:, :2] @ H, 0.1, 6)
    chosen = nmf(X, 5, fixed_W=known, penalty_H=L21(6.0, over="parts"), tol=1e-7, max_iter=3000)
    strong = np.linalg.norm(chosen.H, axis=1)
    assert strong[2:].max() < 1e-4 * strong[:2].min()
    assert np.linalg.norm(nmf(X, 5, fixed_W=known).H, axis=1)[2:].max() > 1e-2 * strong[:2].min()


@pytest.mark.parametrize("penalty", [Overlap(0.1), Orthogonal(0.03)], ids=named)
def test_parts_keep_apart(penalty: Any) -> None:
    rng = np.random.default_rng(0)
    owner = np.arange(60) % 3
    H = np.where(np.arange(3)[:, None] == owner, 1 + rng.random(60), 0)
    X = noisy(rng.random((10, 3)) @ H, 0.3, 7)
    apart, plain = nmf(X, 3, penalty_H=penalty), nmf(X, 3)
    assert Overlap(1.0).value(apart.H) < 0.5 * Overlap(1.0).value(
        plain.H * (np.linalg.norm(apart.H) / np.linalg.norm(plain.H))
    )
    assert closeness(H, apart) > closeness(H, plain)


def test_the_smallest_volume_finds_parts_of_which_no_sample_is_pure() -> None:
    rng = np.random.default_rng(0)
    W = rng.random((15, 3))
    H = rng.dirichlet(np.ones(3), 800).T
    H = H[:, H.max(axis=0) < 0.7]
    X = W @ H
    fit = nmf(
        X, 3, penalty_W=MinVolume(0.01), constraint_H=Simplex(), init="spa", tol=1e-8, max_iter=3000
    )
    loose = nmf(X, 3, init="spa")
    found = float(match_parts(W, fit.W).cosine.min())
    assert found > 0.999
    assert found > float(match_parts(W, loose.W).cosine.min()) + 0.005


def test_a_prior_pulls_parts_to_what_is_known() -> None:
    rng = np.random.default_rng(0)
    W, H = rng.random((12, 3)), rng.random((3, 40))
    X = noisy(W @ H, 0.05, 8)
    fit = nmf(X, 3, penalty_W=Prior(5.0, W[:, :2]), init="random")
    assert (match_parts(W[:, :2], fit.W[:, :2]).permutation == [0, 1]).all()
    assert np.abs(fit.W[:, :2] - W[:, :2]).max() < 0.1


def test_known_shares_come_back_under_a_simplex() -> None:
    rng = np.random.default_rng(0)
    W, H = rng.random((12, 3)), rng.dirichlet(np.ones(3) * 0.4, 100).T
    for loss in ("frobenius", "kl"):
        fit = nmf(W @ H, 3, loss, fixed_W=W, constraint_H=Simplex(), tol=1e-7, max_iter=1000)
        assert np.abs(fit.H - H).max() < 0.02


@pytest.mark.parametrize("loss", ["huber", "capped"])
def test_outliers_are_not_trusted(loss: str) -> None:
    rng = np.random.default_rng(0)
    W, H = rng.random((20, 3)), rng.gamma(0.7, 1.0, (3, 100))
    clean = noisy(W @ H, 0.02, 2)
    X = np.where(rng.random(clean.shape) < 0.03, 8.0, clean)
    plain = match_parts(W, nmf(X, 3).W).cosine.min()
    fit = nmf(X, 3, loss)
    assert never_rises(fit.trace)
    assert match_parts(W, fit.W).cosine.min() > max(0.98, plain + 0.01)
    assert "outliers" in fit.notes[0]
    gap = np.where(rng.random(X.shape) < 0.1, np.nan, X)
    weighted = nmf(gap, 3, loss, weights=np.linspace(0.5, 2, 20)[:, None])
    assert never_rises(weighted.trace)
    assert match_parts(W, weighted.W).cosine.min() > 0.97


@pytest.mark.parametrize(
    ("ask", "argument", "says"),
    [
        ({"penalty_H": Graph(1, np.ones((5, 5)))}, "penalty_H", "5 places"),
        ({"penalty_H": TotalVariation(1, (2, 2))}, "penalty_H", "shape"),
        ({"penalty_W": Prior(1, np.ones((12, 4)))}, "penalty_W", "4 parts"),
        ({"penalty_W": Prior(1, np.ones((3, 1)))}, "penalty_W", "3 values"),
        ({"penalty_H": Orthogonal(1), "constraint_H": Simplex()}, "penalty_H", "go together"),
        ({"constraint_H": L1(1)}, "constraint_H", "no constraint"),
        ({"constraint_W": Simplex(), "fixed_W": np.ones((12, 1))}, "constraint_W", "fixed"),
        ({"constraint_W": Box(), "fixed_W": np.ones((12, 3))}, "constraint_W", "all columns"),
        ({"penalty_H": [L1(1), "smooth"]}, "penalty_H", "no penalty"),
    ],
)
def test_what_does_not_fit_is_named(ask: dict[str, Any], argument: str, says: str) -> None:
    with pytest.raises(InputProblem, match=says) as caught:
        nmf(data(), 3, **ask)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    "make",
    [
        lambda: Smooth(1, order=3),
        lambda: L21(1, over="rows"),
        lambda: L21(1, soft=0),
        lambda: TotalVariation(1, soft=0),
        lambda: TotalVariation(1, shape=(1, 1, 1, 1)),
        lambda: MinVolume(1, delta=0),
        lambda: Graph(1, np.array([[0, 1], [0, 0]])),
        lambda: Graph(1, np.ones((2, 3))),
        lambda: Graph(1, -np.ones((2, 2))),
        lambda: Prior(1, -np.ones((2, 2))),
        lambda: Box(2, 1),
    ],
)
def test_a_penalty_that_makes_no_sense_is_refused_where_it_is_made(make: Any) -> None:
    with pytest.raises(InputProblem):
        make()


def test_penalties_of_no_strength_are_dropped() -> None:
    assert not combine([L1(0), Smooth(0)], "penalty_H")
    assert combine([L1(1), L2(2), L1(3)], "penalty_H").linear == 4


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("linear", [0.0, 0.4])
def test_the_lowest_point_of_a_bound_in_the_ball_has_one_multiplier(
    beta: float, linear: float
) -> None:
    rng = np.random.default_rng(0)
    F, top, bottom = rng.random((3, 2, 30)) + 0.1
    top *= 5  # the free answer lies outside
    found = lowest(beta, Ball(), F, top, bottom, np.full(F.shape, linear), np.zeros(F.shape))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-9)
    up, down = max(beta - 1, 0.0), min(beta - 2, 0.0)
    u = found / F
    multiplier = (top * u**down - bottom * u**up - linear) / found
    assert (multiplier > 0).all()
    np.testing.assert_allclose(multiplier, multiplier.mean(axis=1, keepdims=True) + 0 * u, 1e-6)
