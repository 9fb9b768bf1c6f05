"""Small, odd and degenerate data; and the exact steps inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partwise.engine import models
from partwise.engine.models.convex import _choose
from partwise.engine.models.symmetric import _lowest
from partwise.engine.models.trifactor import _link
from partwise.engine.pool import limit_threads

SOME: dict[str, Callable[[Any, int], Any]] = {
    "semi": lambda X, r: models.semi_nmf(X, r, max_iter=8),
    "convex": lambda X, r: models.convex_nmf(X, r, max_iter=8),
    "convolutive": lambda X, r: models.convolutive_nmf(X, r, min(3, X.shape[1]), max_iter=8),
    "convolutive kl": lambda X, r: models.convolutive_nmf(
        X, r, min(3, X.shape[1]), "kl", max_iter=8
    ),
    "joint": lambda X, r: models.joint_nmf([X, X[:1]], min(r, 3), max_iter=8),
    "symmetric": lambda X, r: models.symmetric_nmf(X.T @ X, r, max_iter=8),
    "tri": lambda X, r: models.tri_nmf(X, (r, 2), max_iter=8),
    "tri orthogonal": lambda X, r: models.tri_nmf(X, (r, 2), orthogonal=0.2, max_iter=8),
    "parafac": lambda X, r: models.parafac(np.stack([X, 2 * X]), r, max_iter=8),
    "sequential": lambda X, r: models.sequential_nmf(X, min(r, 3), max_iter=8),
    "calcium": lambda X, r: models.calcium_nmf(X, r, max_iter=8),
}


@pytest.mark.parametrize("name", SOME)
@settings(max_examples=10)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    rank=st.integers(1, 8),
    kind=st.sampled_from(["random", "sparse", "constant", "one column", "tiny", "huge"]),
    order=st.sampled_from("CF"),
)
def test_no_shape_rank_or_scale_breaks_a_model(
    name: str, shape: tuple[int, int], rank: int, kind: str, order: Any
) -> None:
    rng = np.random.default_rng(shape[0] * 100 + shape[1] * 10 + rank)
    X = rng.random(shape)
    if kind == "sparse":
        X *= rng.random(shape) < 0.3
    elif kind == "constant":
        X[:] = 1.0
    elif kind == "one column":
        X[:, 1:] = X[:, :1]
    X = np.array(X * {"tiny": 1e-30, "huge": 1e30}.get(kind, 1.0), order=order)
    fit = SOME[name](X, rank)
    assert np.isfinite(fit.objective)
    assert np.isfinite(fit.kkt)
    assert (np.diff(fit.trace) <= 0).all()
    for F in fit.factors if hasattr(fit, "factors") else (fit.H,):
        assert np.isfinite(F).all()
        assert (F >= 0).all()


@pytest.mark.parametrize("name", SOME)
def test_one_thread_and_many_give_the_same_bits(name: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.random((20, 70))
    with limit_threads(1):
        one = SOME[name](X, 3)
    with limit_threads(4):
        many = SOME[name](X, 3)
    np.testing.assert_array_equal(one.trace, many.trace)


def test_the_quartic_step_is_the_lowest_point() -> None:
    rng = np.random.default_rng(1)
    grid = np.linspace(0, 10, 200_001)
    for a, b in rng.uniform(-9, 9, (200, 2)):
        x = _lowest(a, b)
        value = x**4 / 4 + a * x**2 / 2 + b * x
        best = (grid**4 / 4 + a * grid**2 / 2 + b * grid).min()
        assert x >= 0
        assert value <= best + 1e-9
    assert _lowest(0.0, 0.0) == 0.0
    assert _lowest(0.0, -8.0) == pytest.approx(2.0)
    assert _lowest(-4.0, 0.0) == pytest.approx(2.0)


def test_the_links_between_groups_are_fitted_exactly() -> None:
    from scipy.optimize import nnls

    rng = np.random.default_rng(2)
    W, H, X = rng.random((20, 3)), rng.random((4, 30)), rng.standard_normal((20, 30))
    S = np.zeros((3, 4))
    _link(W.T @ W, H @ H.T, np.ascontiguousarray(W.T @ X @ H.T), S, 3000)
    exact, _ = nnls(np.kron(W, H.T), X.ravel())
    np.testing.assert_allclose(S.ravel(), exact, atol=1e-8)


def test_the_choice_of_samples_is_fitted_exactly() -> None:
    from scipy.optimize import nnls

    rng = np.random.default_rng(3)
    X, H = rng.standard_normal((6, 5)), rng.random((2, 9))
    data = rng.standard_normal((6, 9))
    G = np.zeros((2, 5))
    gram = H @ H.T
    slope = np.ascontiguousarray((-data @ H.T).T)
    squares = (X * X).sum(axis=0)
    _choose(np.ascontiguousarray(X.T), squares, gram, slope, G, 3000)
    exact, _ = nnls(np.kron(X, H.T), data.ravel())
    np.testing.assert_allclose(G.T.ravel(), exact, atol=1e-8)
    # The derivative by W has followed along.
    np.testing.assert_allclose(slope.T, X @ G.T @ gram - data @ H.T, atol=1e-9)
