"""Models that must agree with each other where their equations do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine import InputProblem, match_parts, nmf
from partwise.engine.models import (
    convolutive_nmf,
    joint_nmf,
    online_nmf,
    parafac,
    semi_nmf,
    sequential_nmf,
    symmetric_nmf,
    tri_nmf,
)


def _data(seed: int = 0, shape: tuple[int, int] = (20, 60), rank: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    m, n = shape
    W = rng.random((m, rank)) * (rng.random((m, rank)) < 0.5)
    H = rng.random((rank, n)) * (rng.random((rank, n)) < 0.5)
    return W @ H + 0.05 * rng.random(shape)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_patterns_of_one_sample_are_plain_parts(loss: str) -> None:
    X = _data() + 0.01
    plain = nmf(X, 3, loss, tol=1e-8, max_iter=3000)
    first = plain.W[:, :, None], plain.H
    fit = convolutive_nmf(X, 3, 1, loss, init=first, tol=1e-8)
    assert fit.loss == pytest.approx(plain.loss, rel=1e-4)
    own = convolutive_nmf(X, 3, 1, loss, starts=4, tol=1e-7)
    assert own.loss <= plain.loss * 1.01


def test_a_tensor_of_two_ways_is_a_matrix() -> None:
    X = _data(1)
    plain = nmf(X, 4, starts=4, tol=1e-7)
    fit = parafac(X, 4, starts=4, tol=1e-7)
    assert fit.loss == pytest.approx(plain.loss, rel=1e-2)
    same = parafac(X, 4, init=[plain.W, plain.H.T], tol=1e-9)
    assert same.loss == pytest.approx(plain.loss, rel=1e-4)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_one_block_is_plain_and_two_are_one_stacked(loss: str) -> None:
    X = _data(2)
    plain = nmf(X, 3, loss, seed=5, max_iter=40)
    for how in (None, "balanced"):
        one = joint_nmf([X], 3, loss, seed=5, max_iter=40, block_weights=how)
        assert one.W[0] is not None
        np.testing.assert_array_equal(one.W[0], plain.W)
        np.testing.assert_array_equal(one.H, plain.H)
    two = joint_nmf([X[:7], X[7:]], 3, loss, seed=5, max_iter=40)
    assert two.loss == plain.loss
    assert sum(two.block_loss) == pytest.approx(plain.loss, rel=1e-9)


def test_the_weight_of_a_block_is_its_scale() -> None:
    A, B = _data(3), _data(4, (12, 60))
    weighted = joint_nmf([A, B], 3, block_weights=[1.0, 4.0], max_iter=50, init="random")
    scaled = joint_nmf([A, 2 * B], 3, max_iter=50, init="random")
    assert weighted.loss == pytest.approx(scaled.loss, rel=0.05)
    balanced = joint_nmf([A, 1000 * B], 3, block_weights="balanced", starts=3, tol=1e-7)
    plain = joint_nmf([A, B], 3, block_weights="balanced", starts=3, tol=1e-7)
    share = [f.block_loss[0] / f.block_loss[1] for f in (balanced, plain)]
    assert share[0] * 1000**2 == pytest.approx(share[1], rel=0.05)


def test_blocks_that_do_not_go_together_are_named() -> None:
    A = _data()
    bad: list[tuple[dict[str, Any], str]] = [
        ({"blocks": A}, "blocks"),
        ({"blocks": [None, None]}, "blocks"),
        ({"blocks": [A, A[:, :5]]}, "blocks"),
        ({"blocks": [A, np.full((2, 60), np.nan)]}, "blocks"),
        ({"blocks": [A, A], "block_weights": [1.0]}, "block_weights"),
        ({"blocks": [A, A], "block_weights": "fair"}, "block_weights"),
        ({"blocks": [A, A], "weights": A}, "weights"),
        ({"blocks": [A, A], "weights": [np.ones((3, 3)), None]}, "weights"),
        ({"blocks": [A, A], "init": (A, A)}, "init"),
    ]
    for arguments, name in bad:
        blocks = arguments.pop("blocks")
        with pytest.raises(InputProblem) as caught:
            joint_nmf(blocks, 2, **arguments)
        assert caught.value.argument == name
    gone = A.copy()
    gone[:, 3] = np.nan
    with pytest.raises(InputProblem, match="1 samples are missing in every block"):
        joint_nmf([gone, gone], 2)


def test_a_symmetric_fit_is_one_fit_of_the_plain_model() -> None:
    X = _data(5)
    A = X.T @ X / 10
    fit = symmetric_nmf(A, 4, starts=5, tol=1e-8)
    plain = nmf(A, 4, starts=5, tol=1e-8)
    # It is a plain factorization with H = W', so it cannot be better by more than both stop
    # short of the bottom, which is a share of the data's size, not of what is left.
    assert fit.loss >= plain.loss - 1e-9 * float((A**2).sum())
    np.testing.assert_array_equal(fit.H, fit.W.T)
    assert fit.loss == pytest.approx(0.5 * np.square(A - fit.W @ fit.W.T).sum(), rel=1e-6)
    # And a plain fit of what is a square has it for an optimum.
    B = fit.W @ fit.W.T
    assert nmf(B, 4, init=(fit.W, fit.H), tol=1e-8).loss < 1e-9 * np.square(B).sum()


def test_a_network_may_be_sparse_dense_or_weighted_with_ones() -> None:
    rng = np.random.default_rng(6)
    A = (rng.random((40, 40)) < 0.15) * rng.random((40, 40))
    A = A + A.T
    dense = symmetric_nmf(A, 3, seed=1, max_iter=30)
    sparse = symmetric_nmf(sp.csr_array(A), 3, seed=1, max_iter=30)
    ones = symmetric_nmf(A, 3, seed=1, max_iter=30, weights=np.ones((40, 40)))
    np.testing.assert_array_equal(dense.W, sparse.W)
    np.testing.assert_allclose(dense.W, ones.W, atol=1e-6)
    order = rng.permutation(40)
    moved = symmetric_nmf(A[order][:, order], 3, starts=6, tol=1e-8)
    still = symmetric_nmf(A, 3, starts=6, tol=1e-8)
    assert moved.loss == pytest.approx(still.loss, rel=0.02)


def test_self_links_left_out_do_not_count() -> None:
    rng = np.random.default_rng(7)
    A = rng.random((15, 15))
    A = A + A.T
    open_diagonal, weights = A.copy(), np.ones((15, 15))
    np.fill_diagonal(open_diagonal, np.nan)
    np.fill_diagonal(weights, 0)
    exact = symmetric_nmf(open_diagonal, 2, starts=3, tol=1e-9, max_iter=3000)
    weighted = symmetric_nmf(A, 2, weights=weights, starts=3, tol=1e-9, max_iter=3000)
    assert exact.loss == pytest.approx(weighted.loss, rel=1e-4)
    off = ~np.eye(15, dtype=bool)
    assert exact.loss == pytest.approx(0.5 * ((A - exact.W @ exact.W.T)[off] ** 2).sum())


def test_networks_that_are_none_are_named() -> None:
    A = np.eye(4) + np.arange(16).reshape(4, 4)
    for bad in (A, sp.csr_array(A), np.ones((3, 4)), -np.eye(4), sp.csr_array(-np.eye(4))):
        with pytest.raises(InputProblem) as caught:
            symmetric_nmf(bad, 2)
        assert caught.value.argument == "A"
    assert symmetric_nmf(A, 2, directed=True).converged


def test_a_middle_factor_gains_nothing_on_its_own() -> None:
    X = _data(8)
    plain = nmf(X, 4, starts=4, tol=1e-7)
    tri = tri_nmf(X, (4, 4), starts=4, tol=1e-7)
    # W·S is a dictionary of four: the two describe the same set of fits.
    assert tri.loss == pytest.approx(plain.loss, rel=0.03)
    held = tri_nmf(X, (4, 4), init=(plain.W, np.eye(4), plain.H), tol=1e-8)
    assert held.loss <= plain.loss * (1 + 1e-6)


def test_semi_is_bounded_by_svd_and_by_plain() -> None:
    X = _data(9)
    semi = semi_nmf(X, 3, starts=3, tol=1e-7)
    values = np.linalg.svd(X, compute_uv=False)
    assert semi.loss >= 0.5 * (values[3:] ** 2).sum() * (1 - 1e-9)
    assert semi.loss <= nmf(X, 3, starts=3, tol=1e-7).loss * 1.001


def test_one_at_a_time_begins_plain_and_ends_near_it() -> None:
    X = _data(10)
    for loss in ("frobenius", "kl"):
        plain = nmf(X, 1, loss, seed=3)
        greedy = sequential_nmf(X, 3, loss, seed=3)
        np.testing.assert_allclose(greedy.W[:, :1], plain.W, rtol=1e-6)
        assert greedy.objectives[0] == pytest.approx(plain.objective)
        together = nmf(X, 3, loss, starts=3)
        assert together.loss * 0.99 <= greedy.loss < 0.5 * greedy.objectives[0]
        built = sequential_nmf(X, 3, loss, seed=3, keep=False)
        assert built.loss == pytest.approx(together.loss, rel=0.1)
        assert (np.diff(built.trace) <= 0).all()
    sparse = sequential_nmf(sp.csr_array(X), 3, seed=3)
    dense = sequential_nmf(X, 3, seed=3)
    assert sparse.loss == pytest.approx(dense.loss, rel=0.05)
    with pytest.raises(InputProblem, match="sparse"):
        sequential_nmf(sp.csr_array(X), 2, "kl")


@pytest.mark.parametrize("sparse", [False, True])
def test_rounds_over_blocks_arrive_where_all_at_once_does(sparse: bool) -> None:
    X = _data(11, (30, 600), 5)
    batch = nmf(X, 5, starts=3, tol=1e-7)
    model = online_nmf(5, seed=2)
    for _ in range(8):
        for lo in range(0, 600, 60):
            block = X[:, lo : lo + 60]
            model.partial_fit(sp.csr_array(block) if sparse else block)
    H = model.transform(X)
    assert model.W is not None
    loss = 0.5 * ((X - model.W @ H) ** 2).sum()
    assert loss <= 1.05 * batch.loss
    assert model.trace[-1] * 600 == pytest.approx(loss, rel=0.3)


def test_single_and_double_precision_find_the_same_parts_one_by_one() -> None:
    # Parts taken over hold entries next to zero, which multiplicative updates
    # could hardly leave again in double precision.
    X = _data(14)
    double, single = (sequential_nmf(X.astype(kind), 4, "kl") for kind in (float, np.float32))
    assert double.loss == pytest.approx(single.loss, rel=0.02)


def test_online_keeps_no_more_than_two_small_sums() -> None:
    X = _data(12, (30, 300), 4)
    model = online_nmf(4)
    sizes = []
    for lo in range(0, 300, 30):
        model.partial_fit(X[:, lo : lo + 30])
        held = [v for v in vars(model).values() if isinstance(v, np.ndarray)]
        sizes.append(sum(v.size for v in held))
    assert set(sizes) == {4 * 4 + 2 * 30 * 4}


def test_online_says_what_is_wrong() -> None:
    for arguments, name in (
        ({"rank": 0}, "rank"),
        ({"rank": 2, "forget": 0.0}, "forget"),
        ({"rank": 2, "rounds": 0}, "rounds"),
        ({"rank": 2, "W": -np.ones((3, 2))}, "W"),
    ):
        with pytest.raises(InputProblem) as caught:
            online_nmf(**arguments)
        assert caught.value.argument == name
    model = online_nmf(2)
    with pytest.raises(InputProblem, match="no block"):
        model.transform(np.ones((3, 3)))
    model.partial_fit(_data())
    for block in (np.ones((3, 3)), np.full((20, 2), np.nan)):
        with pytest.raises(InputProblem):
            model.partial_fit(block)
    known = online_nmf(4, W=np.eye(20)[:, :4])
    assert known.transform(_data()).shape == (4, 60)


def test_the_order_of_samples_and_features_changes_nothing_that_matters() -> None:
    X = _data(13)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(20), rng.permutation(60)
    first = [rng.random((20, 3)), rng.random((3, 60))]
    one = semi_nmf(X, 3, init=(first[0], first[1]), max_iter=30)
    other = semi_nmf(
        X[rows][:, columns], 3, init=(first[0][rows], first[1][:, columns]), max_iter=30
    )
    assert other.loss == pytest.approx(one.loss, rel=1e-6)
    assert match_parts(one.W[rows], other.W).cosine.min() > 1 - 1e-6
