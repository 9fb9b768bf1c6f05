"""Is the compiled scan as good as the engine, and the same whoever runs it?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import nnls

from partwise.api import Cancelled, nmf
from partwise_emg import scanning
from partwise_emg.kernels import descend, descend_masked
from partwise_emg.planted import simulate_cycles, truth
from partwise_emg.scanning import scan


@pytest.fixture(scope="module")
def X() -> np.ndarray:
    W, H = truth()
    return simulate_cycles(W, H, 4, np.random.default_rng(3), noise=0.03)


def test_the_scan_reaches_what_the_engine_reaches(X: np.ndarray) -> None:
    found = scan(X, [2, 4, 5], starts=4, heldout=False)
    for rank in (2, 4, 5):
        fit = nmf(X, rank, starts=4, tol=1e-7, max_iter=2000)
        assert found.fit(rank).error <= fit.objective * 1.003
    assert (np.diff(found.error) < 0).all()
    assert found.line_rank() is not None


def test_numbers_are_those_of_their_definitions(X: np.ndarray) -> None:
    found = scan(X, range(1, 8), starts=3)
    W, H, error = found.fit(5)
    rest = float(((X - W @ H) ** 2).sum())
    assert error == pytest.approx(rest / 2, rel=1e-9)
    assert found.vaf[4] == pytest.approx(1 - rest / (X**2).sum())
    assert found.r2[4] == pytest.approx(1 - rest / ((X - X.mean()) ** 2).sum())
    assert found.heldout_rank() == 5
    assert found.vaf_rank(0.0) == 1
    with pytest.raises(KeyError):
        found.fit(99)


def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(
    X: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = scan(X, [3, 4], starts=4, seed=7)
    monkeypatch.setattr(scanning, "_MOST_THREADS", 1)
    alone = scan(X, [3, 4], starts=4, seed=7)
    for mine, theirs in zip(several.fits, alone.fits, strict=True):
        np.testing.assert_array_equal(mine.W, theirs.W)
        np.testing.assert_array_equal(mine.H, theirs.H)
    np.testing.assert_array_equal(several.heldout, alone.heldout)


def test_a_long_record_is_scanned_on_a_sample_and_finished_on_all(
    X: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "_COLUMNS", 300)
    found = scan(X, [1, 5], starts=3, heldout=False)
    assert found.fit(5).H.shape == (5, X.shape[1])
    whole = nmf(X, 5, starts=4)
    assert found.fit(5).error <= whole.objective * 1.02


def test_a_scan_leaves_when_it_is_asked_to(X: np.ndarray) -> None:
    asked = iter([False, False, True, True, True, True])
    with pytest.raises(Cancelled):
        scan(X, range(1, 9), starts=3, cancelled=lambda: next(asked, True))


def test_a_round_never_raises_the_error(X: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    W, H = rng.random((len(X), 3)), rng.random((3, X.shape[1]))
    errors = [float(descend(X, W, H, 1, 0.0)) for _ in range(30)]
    assert all(b <= a * (1 + 1e-9) for a, b in pairwise(errors))
    assert min(W.min(), H.min()) >= 0
    assert errors[-1] == pytest.approx(0.5 * ((X - W @ H) ** 2).sum(), rel=1e-9)


def test_with_all_entries_known_the_masked_loop_ends_at_least_squares(X: np.ndarray) -> None:
    few = np.ascontiguousarray(X[:, :40])
    rng = np.random.default_rng(2)
    W, H = rng.random((len(few), 2)), rng.random((2, 40))
    descend_masked(few, np.ones_like(few), W, H, 3000, 0.0)
    best = np.stack([nnls(W, column)[0] for column in few.T], axis=1)
    np.testing.assert_allclose(W @ H, W @ best, atol=1e-3 * few.max())


def test_hidden_entries_have_no_say(X: np.ndarray) -> None:
    few = np.ascontiguousarray(X[:, :60])
    rng = np.random.default_rng(4)
    known = (rng.random(few.shape) > 0.2).astype(float)
    other = np.where(known > 0, few, 99.0)
    ends = []
    for data in (few, other):
        W, H = np.full((len(few), 2), 0.5), np.random.default_rng(5).random((2, 60))
        descend_masked(data, known, W, H, 50, 0.0)
        ends.append(W @ H)
    np.testing.assert_array_equal(ends[0], ends[1])


def test_zeros_and_a_single_muscle_do_no_harm() -> None:
    nothing = scan(np.zeros((3, 50)), [1, 2], starts=2)
    assert (nothing.error == 0).all()
    assert nothing.line_rank() is None
    one = scan(np.abs(np.sin(np.arange(60.0)))[None], [1], starts=2)
    assert one.vaf[0] == pytest.approx(1)
