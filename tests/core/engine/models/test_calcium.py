"""Cells that light up and fade, on a background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import nnls

from partwise.engine import InputProblem, match_parts, nmf
from partwise.engine.models import calcium_nmf
from partwise.engine.models.calcium import _Calcium, _pooled
from partwise.engine.models.target import target_of


def _kernel(decay: float, n: int) -> np.ndarray:
    lag = np.subtract.outer(np.arange(n), np.arange(n))
    return np.where(lag >= 0, decay ** np.maximum(lag, 0), 0)


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9, 0.99])
def test_pooling_is_the_exact_fit(decay: float) -> None:
    rng = np.random.default_rng(0)
    for shift in (-1.0, 0.0, 1.0):
        y = rng.standard_normal(50) + shift
        found = np.empty(50)
        _pooled(y, decay, found)
        events, _ = nnls(_kernel(decay, 50), y)
        np.testing.assert_allclose(found, _kernel(decay, 50) @ events, atol=1e-10)


def _movie(seed: int = 1, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Profiles, courses and data: three cells that overlap, on a background."""
    rng = np.random.default_rng(seed)
    place = np.arange(40)
    W = np.exp(-0.5 * ((place[:, None] - np.array([8, 14, 30])) / 2.5) ** 2)
    events = (rng.random((3, 400)) < 0.03) * rng.uniform(3, 6, (3, 400))
    H = events @ _kernel(0.9, 400).T
    back = np.outer(1 + 0.5 * np.sin(place / 6), 4 + np.sin(np.arange(400) / 40))
    X = np.maximum(W @ H + back + noise * rng.standard_normal((40, 400)), 0)
    return W, H, X


def test_cells_and_courses_are_found_on_a_background() -> None:
    W, H, X = _movie()
    fit = calcium_nmf(X, 3)
    match = match_parts(W, fit.W)
    assert match.cosine.min() > 0.97
    np.testing.assert_allclose(fit.decay, 0.9, atol=0.04)
    for truth, found in zip(H, fit.H[match.permutation], strict=True):
        assert np.corrcoef(truth, found)[0, 1] > 0.85
    # A fit without dynamics does not get there.
    plain = nmf(X, 4, starts=3, tol=1e-6)
    assert match_parts(W, plain.W).cosine.min() < match.cosine.min()


def test_the_parts_obey_the_equation() -> None:
    _, _, X = _movie(2)
    fit = calcium_nmf(X, 3, background=2, decay=[0.9, 0.8, 0.0])
    assert fit.decay.tolist() == [0.9, 0.8, 0.0]
    np.testing.assert_allclose(
        fit.events[:, 1:], fit.H[:, 1:] - fit.decay[:, None] * fit.H[:, :-1], atol=1e-9
    )
    assert min(A.min() for A in (fit.W, fit.events, fit.background, fit.background_course)) >= 0
    Y = fit.W @ fit.H + fit.background @ fit.background_course
    assert fit.loss == pytest.approx(0.5 * ((X - Y) ** 2).sum())
    assert (np.diff(fit.trace) <= 0).all()
    assert fit.kkt < 0.05
    np.testing.assert_allclose(np.linalg.norm(fit.W, axis=0), 1)


def test_without_decay_or_background_it_is_plain() -> None:
    rng = np.random.default_rng(3)
    X = rng.random((12, 3)) @ rng.random((3, 50)) + 0.05 * rng.random((12, 50))
    plain = nmf(X, 3, tol=1e-8, max_iter=3000)
    fit = calcium_nmf(X, 3, background=0, decay=0.0, tol=1e-8, max_iter=3000)
    assert fit.loss == pytest.approx(plain.loss, rel=0.03)
    assert fit.background.shape == (12, 0)


def test_derivatives_are_those_of_the_objective() -> None:
    _, _, X = _movie(4)
    form, target = _Calcium(np.array([0.9, 0.5])), target_of(X, X)
    rng = np.random.default_rng(5)
    factors = [rng.random((40, 3)), rng.random((2, 400)), rng.random((1, 400))]
    gradients, _ = form.gradients(target, factors)
    for i, F in enumerate(factors):
        move = rng.standard_normal(F.shape)
        ends = []
        for step in (1e-6, -1e-6):
            there = [A + step * move if j == i else A for j, A in enumerate(factors)]
            ends.append(form.value(target, there))
        slope = (ends[0] - ends[1]) / 2e-6
        assert slope == pytest.approx(float((gradients[i] * move).sum()), rel=1e-4)


def test_missing_frames_do_not_count_and_a_person_may_stop() -> None:
    W, _, X = _movie(6)
    X[:, 100:110] = np.nan
    assert match_parts(W, calcium_nmf(X, 3).W).cosine.min() > 0.95
    assert calcium_nmf(X, 3, on_step=lambda step: False).stop == "cancelled"


def test_what_makes_no_sense_is_named() -> None:
    _, _, X = _movie(7)
    for arguments, name in (
        ({"decay": 1.0}, "decay"),
        ({"decay": [0.5, 0.5]}, "decay"),
        ({"decay": "slow"}, "decay"),
        ({"background": -1}, "background"),
        ({"init": (X, X)}, "init"),
    ):
        with pytest.raises(InputProblem) as caught:
            calcium_nmf(X, 3, **arguments)
        assert caught.value.argument == name


def test_the_cells_of_a_demonstration_movie(shared_data: Path) -> None:
    path = shared_data / "systems" / "calcium" / "demomovie_reference_factors.npz"
    if not path.is_file():
        pytest.skip("the reference factors are not beside this clone")
    with np.load(path) as held:
        parts = (held[f"A_{name}"] for name in ("data", "indices", "indptr"))
        A = sp.csc_array(tuple(parts), shape=tuple(held["A_shape"])).toarray()
        C = held["C"].astype(np.float64)[:, :600]
    # Four cells on the pixels that they reach, a slow background, and noise.
    cells = np.argsort(-(A > 0).sum(axis=0))[:4]
    seen = np.flatnonzero((A[:, cells] > 0).any(axis=1))[::4]
    A, C = A[np.ix_(seen, cells)].astype(np.float64), C[cells]
    clean = A @ C
    rng = np.random.default_rng(0)
    slow = 3 + np.sin(np.arange(600) / 150)
    X = clean + clean.std() * (np.outer(np.ones(len(seen)), slow))
    X = np.maximum(X + clean.std() * rng.standard_normal(clean.shape), 0)
    fit = calcium_nmf(X, 4)
    match = match_parts(A, fit.W)
    assert np.median(match.cosine) > 0.95
    found = fit.H[match.permutation]
    assert np.median([np.corrcoef(c, f)[0, 1] for c, f in zip(C, found, strict=True)]) > 0.9
