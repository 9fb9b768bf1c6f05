"""Planted activations are found, noise learns, what is painted is obeyed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from partwise_speech.factors import Allowed
from partwise_speech.fit import learn_noise, separate

Array = NDArray[np.float32]


def _planted(seed: int = 0) -> tuple[Array, Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    speech = rng.gamma(0.3, size=(60, 24)).astype(np.float32)
    noise = rng.gamma(0.3, size=(60, 3)).astype(np.float32)
    speech, noise = speech / speech.sum(axis=0), noise / noise.sum(axis=0)
    Hs = (rng.gamma(1.0, size=(24, 400)) * (rng.random((24, 400)) < 0.1)).astype(np.float32)
    Hn = rng.gamma(2.0, size=(3, 400)).astype(np.float32)
    return speech, noise, speech @ Hs, noise @ Hn, Hs


def test_what_was_planted_is_found() -> None:
    speech, noise, s, n, _ = _planted()
    found = separate(s + n, speech, noise, updates=150, adapt_every=0, sparsity=0.01)
    assert np.linalg.norm(found.speech - s) < 0.08 * np.linalg.norm(s)
    assert np.linalg.norm(found.noise - n) < 0.08 * np.linalg.norm(n)
    assert found.kkt < 0.01
    assert found.error < 0.01 * found.square


def test_noise_that_was_known_badly_is_learned_while_it_is_taken_away() -> None:
    speech, noise, s, n, _ = _planted(1)
    guess = noise + 0.02 * np.random.default_rng(5).random(noise.shape, dtype=np.float32)
    guess /= guess.sum(axis=0)
    still = separate(s + n, speech, guess, updates=80, adapt_every=0)
    learning = separate(s + n, speech, guess, updates=80, adapt_every=2)
    assert np.linalg.norm(learning.speech - s) < 0.8 * np.linalg.norm(still.speech - s)
    assert learning.trace[-1] < learning.trace[0]
    np.testing.assert_allclose(learning.atoms.sum(axis=0), 1, atol=1e-5)


def test_atoms_that_are_hardly_used_are_laid_aside_and_nothing_is_lost() -> None:
    speech, noise, s, n, Hs = _planted(2)
    idle = np.random.default_rng(3).gamma(0.1, size=(60, 200)).astype(np.float32)
    idle /= idle.sum(axis=0)
    more = np.concatenate([speech, idle], axis=1)
    found = separate(s + n, more, noise, updates=60, adapt_every=0, keep=60, keep_after=20)
    assert int((found.used > 0).sum()) <= 60
    assert found.used[: Hs.shape[0]].sum() > 0.6 * found.used.sum()


def test_sparsity_that_is_relaxed_keeps_its_choice_and_gives_the_level_back() -> None:
    speech, noise, s, n, _ = _planted(3)
    shaken = (s + n) * np.random.default_rng(7).gamma(20, 1 / 20, size=s.shape)
    V = shaken.astype(np.float32)
    none = separate(V, speech, noise, updates=25, adapt_every=0, sparsity=0.0)
    kept = separate(V, speech, noise, updates=25, adapt_every=0, sparsity=0.2)
    freed = separate(V, speech, noise, updates=25, adapt_every=0, sparsity=0.2, relaxed=0.0)
    assert kept.speech.sum() < 0.8 * s.sum()
    assert freed.speech.sum() == pytest.approx(s.sum(), rel=0.05)
    errors = [float(np.linalg.norm(found.speech - s)) for found in (none, kept, freed)]
    assert errors[2] < 0.9 * errors[0]
    assert errors[2] < 0.5 * errors[1]


def test_paint_decides_who_may_explain_what() -> None:
    speech, noise, s, n, _ = _planted(4)
    V = s + n
    may_speak, may_hum = np.ones_like(V), np.ones_like(V)
    may_speak[:, 100:150] = 0
    may_hum[:, 200:250] = 0
    found = separate(V, speech, noise, updates=30, allowed=Allowed(may_speak, may_hum))
    assert not found.speech[:, 100:150].any()
    assert not found.noise[:, 200:250].any()
    assert found.noise[:, 100:150].sum() == pytest.approx(V[:, 100:150].sum(), rel=0.05)


def test_all_painted_free_is_as_unpainted() -> None:
    speech, noise, s, n, _ = _planted(6)
    V = s + n
    free = Allowed(np.ones_like(V), np.ones_like(V))
    plain = separate(V, speech, noise, updates=12, adapt_every=4)
    painted = separate(V, speech, noise, updates=12, adapt_every=4, allowed=free)
    np.testing.assert_allclose(painted.speech, plain.speech, rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(painted.atoms, plain.atoms, rtol=2e-3, atol=1e-5)


def test_a_stop_keeps_what_stands() -> None:
    speech, noise, s, n, _ = _planted(7)
    seen: list[int] = []

    def on_step(done: int, atoms: Array) -> bool:
        seen.append(done)
        return done < 8

    found = separate(s + n, speech, noise, updates=40, adapt_every=4, on_step=on_step)
    assert found.updates == seen[-1] == 8
    assert np.isfinite(found.speech).all()


def test_silence_is_separated_into_nothing() -> None:
    speech, noise, _, _, _ = _planted(8)
    found = separate(np.zeros((60, 30), np.float32), speech, noise, updates=10)
    assert np.isfinite(found.speech).all()
    assert np.isfinite(found.atoms).all()
    assert found.speech.max() < 1e-6


def test_atoms_of_a_noise_span_it() -> None:
    _, noise, _, n, _ = _planted(9)
    atoms = learn_noise(n, 3, seed=1, updates=300)
    cosine = (atoms / np.linalg.norm(atoms, axis=0)).T @ (noise / np.linalg.norm(noise, axis=0))
    assert cosine.max(axis=0).min() > 0.95
