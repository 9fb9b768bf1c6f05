"""Known parts, mixed and found again."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from partwise.engine import InputProblem, match_parts
from partwise.engine.models import (
    convex_nmf,
    convolutive_nmf,
    joint_nmf,
    online_nmf,
    parafac,
    semi_nmf,
    separable_nmf,
    sequential_nmf,
    symmetric_nmf,
    tri_nmf,
)


def _groups(truth: np.ndarray, found: np.ndarray, number: int) -> float:
    """Share of members put into the right group, after matching the groups."""
    table = np.zeros((number, number))
    np.add.at(table, (truth, found), 1)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / len(truth))


def _sparse_courses(rng: np.random.Generator, rank: int, n: int) -> np.ndarray:
    return rng.random((rank, n)) * (rng.random((rank, n)) < 0.4)


def test_semi_finds_clusters_of_any_sign() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(4), 30)
    centres = 3 * rng.standard_normal((10, 4))
    X = centres[:, label] + 0.3 * rng.standard_normal((10, 120))
    fit = semi_nmf(X, 4)
    # A factorization, unlike clusters, may use a part in all samples: what
    # counts is that samples of a group get the same mixture.
    assert fit.loss <= 0.5 * ((X - centres[:, label]) ** 2).sum()
    from scipy.cluster.vq import kmeans2

    _, found = kmeans2(fit.H.T / fit.H.std(), 4, seed=1, minit="++")
    assert _groups(label, found, 4) > 0.97


def test_convex_finds_the_samples_that_all_others_are_made_of() -> None:
    rng = np.random.default_rng(1)
    pure = rng.standard_normal((8, 3))
    H = np.column_stack([np.eye(3), rng.dirichlet(np.ones(3), 60).T])
    noise = 0.01 * rng.standard_normal((8, 63))
    X = pure @ H + noise
    fit = convex_nmf(X, 3, starts=5, tol=1e-8)
    np.testing.assert_allclose(X @ fit.G, fit.W, atol=1e-10)
    assert match_parts(pure, fit.W).cosine.min() > 0.995
    assert fit.loss < 2 * 0.5 * (noise**2).sum()


def test_separable_is_exact_without_noise_for_any_order_and_scale() -> None:
    rng = np.random.default_rng(2)
    W = rng.random((15, 5))
    H = np.column_stack([np.eye(5), 0.9 * rng.dirichlet(np.full(5, 0.7), 80).T])
    order = rng.permutation(85)
    X = (W @ H * 10 ** rng.uniform(-3, 3, 85))[:, order]
    for data in (X, X.astype(np.float32), sp.csr_array(X)):
        fit = separable_nmf(data, 5)
        assert sorted(order[fit.anchors]) == [0, 1, 2, 3, 4]
        small = 1e-5 if fit.W.dtype == np.float32 else 1e-7
        assert fit.certificate < small
        assert fit.residuals[-1] < 1e-6
        assert fit.trace[-1] == fit.loss <= fit.trace[0]
        np.testing.assert_array_equal(fit.W, np.asarray(X[:, fit.anchors], fit.W.dtype))


@pytest.mark.parametrize("noise", [1e-4, 1e-3, 1e-2])
def test_separable_moves_no_more_than_the_noise_allows(noise: float) -> None:
    rng = np.random.default_rng(3)
    W = rng.dirichlet(np.ones(20), 4).T
    H = np.column_stack([np.eye(4), rng.dirichlet(np.ones(4), 100).T])
    E = rng.standard_normal((20, 104))
    E *= noise * 0.1 / np.linalg.norm(E, axis=0)
    X = np.maximum(W @ H + E, 0)
    fit = separable_nmf(X, 4, normalise=False)
    values = np.linalg.svd(W, compute_uv=False)
    kappa = np.linalg.norm(W, axis=0).max() / values[-1]
    # Gillis and Vavasis, Theorem 3: the error is at most noise (1 + 80 κ²).
    bound = noise * 0.1 * (1 + 80 * kappa**2)
    match = match_parts(W, fit.W)
    error = np.linalg.norm(W - fit.W[:, match.permutation], axis=0).max()
    assert error <= bound
    assert match.cosine.min() > 0.99
    assert fit.certificate < 1


def test_separable_says_when_there_are_too_few_samples_of_their_own() -> None:
    X = np.outer([1.0, 2.0], [1.0, 3.0, 2.0])
    with pytest.raises(InputProblem, match="only 1 samples") as caught:
        separable_nmf(X, 2)
    assert caught.value.argument == "rank"
    X[0, 0] = np.nan
    with pytest.raises(InputProblem, match="missing"):
        separable_nmf(X, 1)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_convolutive_finds_patterns_and_when_they_begin(loss: str) -> None:
    rng = np.random.default_rng(4)
    width, n = 8, 400
    W = np.zeros((12, 2, width))
    for d in range(width):
        W[d, 0, d] = W[11 - d, 1, d] = 1.0
    H = np.zeros((2, n))
    H[0, 5:380:31] = 1.0
    H[1, 17:380:43] = 1.5
    clean = sum(W[:, :, d] @ np.pad(H, ((0, 0), (d, 0)))[:, :n] for d in range(width))
    X = np.maximum(clean + 0.02 * rng.random((12, n)), 0)
    fit = convolutive_nmf(X, 2, width, loss, starts=4, max_iter=400)
    assert np.linalg.norm(fit.whole - clean) < 0.1 * np.linalg.norm(clean)
    # The window of a pattern may be shifted against its course.
    best = np.zeros((2, 2))
    for k in range(2):
        for j in range(2):
            for lag in range(-width, width + 1):
                moved = np.zeros((12, width))
                lo, hi = max(0, lag), min(width, width + lag)
                moved[:, lo:hi] = fit.W[:, j, lo - lag : hi - lag]
                cosine = (moved * W[:, k]).sum() / np.sqrt(width)
                best[k, j] = max(best[k, j], cosine)
    rows, columns = linear_sum_assignment(-best)
    assert best[rows, columns].min() > 0.95


def test_convolutive_holds_what_the_end_cuts_off() -> None:
    rng = np.random.default_rng(5)
    X = rng.random((6, 60)) * (rng.random((6, 60)) < 0.2)
    fit = convolutive_nmf(X, 2, 10, tol=1e-9)
    # Anything would fit where only an empty beginning of a pattern was seen.
    assert (fit.H[:, 51:].max(axis=1) <= 20 * fit.H[:, :51].max(axis=1)).all()


def test_joint_places_samples_by_the_blocks_they_have() -> None:
    rng = np.random.default_rng(6)
    W1, W2 = rng.random((15, 3)) ** 3, rng.random((25, 3)) ** 3
    H = _sparse_courses(rng, 3, 90)
    H[:, :3] = np.eye(3)
    X1, X2 = W1 @ H + 0.001 * rng.random((15, 90)), W2 @ H + 0.001 * rng.random((25, 90))
    X1[:, 60:] = np.nan
    fit = joint_nmf([X1, None, X2], 3, starts=3, tol=1e-7)
    assert fit.W[1] is None
    assert "Block 2 is absent" in fit.notes[-1]
    for truth, found in ((W1, fit.W[0]), (W2, fit.W[2])):
        assert found is not None
        assert match_parts(truth, found).cosine.min() > 0.98
    assert match_parts(H.T, fit.H.T).cosine.min() > 0.98


def test_symmetric_finds_overlapping_groups() -> None:
    rng = np.random.default_rng(7)
    W = rng.random((60, 3)) * (rng.random((60, 3)) < 0.45)
    W[:3] = 2 * np.eye(3)
    noise = 0.02 * rng.random((60, 60))
    A = W @ W.T + noise + noise.T
    for data in (A, sp.csr_array(A), np.where(np.eye(60) > 0, np.nan, A)):
        fit = symmetric_nmf(data, 3, starts=5, tol=1e-8)
        match = match_parts(W, fit.W)
        assert match.cosine.min() > 0.99
        # No scale is free in W·Wᵀ.
        np.testing.assert_allclose(match.scale, 1, atol=0.05)


def test_directed_tells_senders_from_receivers() -> None:
    rng = np.random.default_rng(8)
    send = np.repeat(np.eye(3), 20, axis=0) * rng.uniform(0.5, 1, (60, 1))
    receive = np.roll(send, 10, axis=0)
    A = send @ receive.T + 0.01 * rng.random((60, 60))
    fit = symmetric_nmf(A, 3, directed=True, starts=3)
    assert match_parts(send, fit.W).cosine.min() > 0.99
    assert match_parts(receive, fit.H.T).cosine.min() > 0.99


def test_tri_finds_groups_on_both_sides_and_their_links() -> None:
    rng = np.random.default_rng(9)
    rows, columns = np.repeat(np.arange(3), 20), np.repeat(np.arange(4), 15)
    S = np.array([[3.0, 0, 1, 0], [0, 2, 0, 1], [1, 0, 0, 3]])
    X = S[rows][:, columns] * rng.uniform(0.8, 1.2, (60, 60)) + 0.02 * rng.random((60, 60))
    fit = tri_nmf(X, (3, 4), orthogonal=0.1, starts=4)
    assert _groups(rows, fit.W.argmax(axis=1), 3) == 1
    assert _groups(columns, fit.H.argmax(axis=0), 4) == 1
    for gram in (fit.W.T @ fit.W, fit.H @ fit.H.T):
        np.testing.assert_allclose(np.diag(gram), 1)
        assert (gram - np.diag(np.diag(gram))).max() < 0.1
    free = tri_nmf(X, (3, 4), starts=4)
    assert free.loss <= fit.loss * 1.01


def test_parafac_finds_the_parts_even_with_holes() -> None:
    rng = np.random.default_rng(10)
    truth = [rng.random((size, 3)) ** 2 for size in (10, 12, 9, 4)]
    T = np.einsum("ik,jk,lk,mk->ijlm", *truth)
    T += 0.01 * T.mean() * rng.random(T.shape)
    T[rng.random(T.shape) < 0.1] = np.nan
    fit = parafac(T, 3, starts=3, tol=1e-7)
    first = match_parts(truth[0], fit.factors[0])
    for F, found in zip(truth, fit.factors, strict=True):
        unit = F / np.linalg.norm(F, axis=0)
        other = found / np.linalg.norm(found, axis=0)
        assert (unit * other[:, first.permutation]).sum(axis=0).min() > 0.99
    known = np.isfinite(T)
    assert fit.loss == pytest.approx(0.5 * ((T - fit.whole())[known] ** 2).sum())


def test_sequential_finds_parts_in_order_of_what_they_explain() -> None:
    rng = np.random.default_rng(11)
    W = np.kron(np.eye(3), np.ones((5, 1)))
    # Each sample holds one part, so that the best single one is one of them.
    H = np.zeros((3, 80))
    H[np.arange(80) % 3, np.arange(80)] = rng.uniform(0.5, 1, 80)
    H *= np.array([[9.0], [3.0], [1.0]])
    X = W @ H + 0.001 * rng.random((15, 80))
    fit = sequential_nmf(X, 3)
    assert match_parts(W, fit.W).permutation.tolist() == [0, 1, 2]
    assert match_parts(W, fit.W).cosine.min() > 0.99
    assert list(fit.objectives) == sorted(fit.objectives, reverse=True)
    for rank in (1, 2):
        shorter = sequential_nmf(X, rank)
        np.testing.assert_array_equal(shorter.W, fit.W[:, :rank])
        assert shorter.objectives == fit.objectives[:rank]


def test_online_finds_the_parts_of_a_stream() -> None:
    rng = np.random.default_rng(12)
    W = rng.random((20, 4)) * (rng.random((20, 4)) < 0.4)
    W[:4] = np.eye(4)
    model = online_nmf(4)
    for _ in range(40):
        H = rng.random((4, 50)) * (rng.random((4, 50)) < 0.5)
        model.partial_fit(W @ H + 0.01 * rng.random((20, 50)))
    assert model.W is not None
    assert model.samples == 2000
    assert match_parts(W, model.W).cosine.min() > 0.98
    assert np.isnan(model.trace[0])
    assert model.trace[-5:].mean() < model.trace[1:6].mean()
