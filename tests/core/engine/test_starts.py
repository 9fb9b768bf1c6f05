"""Do all starts begin near the data, and does none lock zeros in?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine.fit import nmf
from partwise.engine.judge.match import match_parts
from partwise.engine.problem import pose
from partwise.engine.start import INITS, begin

Array = np.ndarray[Any, Any]
NAMED = [name for name in INITS if name != "auto"]


def planted(seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    W = rng.random((20, 4)) * (rng.random((20, 4)) < 0.5) + 0.01
    H = rng.gamma(0.4, 1.0, (4, 150))
    return W @ H + 1e-3, W


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("form", ["dense", "sparse", "gaps", "single"])
def test_every_start_is_nonnegative_repeatable_and_leads_somewhere(init: str, form: str) -> None:
    X: Any = planted()[0]
    if form == "sparse":
        X = sp.csr_array(X * (X > 0.5))
    elif form == "gaps":
        X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    elif form == "single":
        X = X.astype(np.float32)
    problem = pose(X, 4)
    W, H = begin(problem, init, 3, 0)
    again = begin(problem, init, 3, 0)
    assert np.array_equal(W, again[0])
    assert np.array_equal(H, again[1])
    assert W.dtype == H.dtype == problem.dtype
    assert min(W.min(), H.min()) >= 0
    assert np.isfinite(W).all()
    assert np.isfinite(H).all()
    for loss in ("frobenius", "kl"):
        fit = nmf(X, 4, loss, init=init, seed=3, max_iter=400)
        random = nmf(X, 4, loss, init="random", starts=3, seed=3, max_iter=400)
        assert fit.loss <= 3 * random.loss + 1e-3 * float(fit.trace[0])


def test_informed_starts_begin_nearer_than_chance() -> None:
    X, W = planted()
    chance = nmf(X, 4, init="random", solver="hals", max_iter=1).trace[0]
    for init in ("nndsvd", "nndsvdar", "kmeans", "spa"):
        assert nmf(X, 4, init=init, solver="hals", max_iter=1).trace[0] < 0.7 * chance, init
    assert match_parts(W, begin(pose(X, 4), "spa", 0, 0)[0]).cosine.min() > 0.7


@pytest.mark.parametrize("init", ["nndsvd", "kmeans", "spa"])
def test_zeros_of_a_start_are_not_locked_by_multiplicative_updates(init: str) -> None:
    X, _ = planted()
    W, H = begin(pose(X, 4), init, 0, 0)
    assert (H == 0).any()
    free = nmf(X, 4, "kl", init=(W, H), max_iter=2000, tol=1e-7)
    best = nmf(X, 4, "kl", init="random", starts=3, max_iter=2000, tol=1e-7)
    assert free.loss < 2 * best.loss + 1e-4 * free.trace[0]
    locked = np.zeros((20, 4))
    locked[:, 0] = 1.0
    fit = nmf(X, 4, "kl", init=(locked, np.ones((4, 150))), max_iter=300)
    assert (fit.W > 1e-3 * fit.W.max()).any(axis=0).all()


@pytest.mark.parametrize("init", NAMED)
@pytest.mark.parametrize(("shape", "rank"), [((1, 1), 1), ((1, 9), 2), ((9, 1), 3), ((6, 7), 9)])
def test_starts_stand_shapes_that_hold_less_than_the_rank(
    init: str, shape: tuple[int, int], rank: int
) -> None:
    X = np.random.default_rng(0).random(shape)
    fit = nmf(X, rank, init=init, max_iter=10)
    assert np.isfinite(fit.objective)
    same = np.ones(shape)  # one direction, many times
    assert np.isfinite(nmf(same, rank, init=init, max_iter=10).objective)
