"""Patches that come one after the other are fitted, and what learns from them stays what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from partwise_speech.coming import Coming
from partwise_speech.factors import Adapts
from partwise_speech.separator import Settings

Array = NDArray[np.float32]

_FEATURES = 60
_LEARN = Settings(adapt_every=1, level=False)


def _atoms(rng: np.random.Generator, count: int, low: int, high: int) -> Array:
    """Atoms that live in some features alone, a few of these in each."""
    atoms = np.zeros((_FEATURES, count), np.float32)
    atoms[low:high] = rng.gamma(0.3, 1.0, (high - low, count))
    return np.asarray(atoms / atoms.sum(axis=0), np.float32)


def _sums(rng: np.random.Generator, atoms: Array, patches: int) -> Array:
    active = rng.gamma(0.5, 1.0, (atoms.shape[1], patches))
    return np.asarray(atoms @ active, np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("adapts", ["noise", "sure noise", "speech"])
def test_patches_may_come_in_any_number(rng: np.random.Generator, adapts: Adapts) -> None:
    voice, noise = _atoms(rng, 30, 0, 40), _atoms(rng, 4, 25, 60)
    V, T = _sums(rng, voice, 50) + _sums(rng, noise, 50), _sums(rng, noise, 50)
    settings = replace(_LEARN, adapts=adapts, level=adapts != "noise")
    whole = np.stack(Coming(voice, noise, 1.0, settings).fit(V, T))
    one, pieces = Coming(voice, noise, 1.0, settings), []
    for first, last in ((0, 1), (1, 3), (3, 20), (20, 50)):
        pieces.append(np.stack(one.fit(V[:, first:last], T[:, first:last])))
    np.testing.assert_allclose(np.concatenate(pieces, axis=2), whole, rtol=1e-3, atol=1e-6)
    # What comes after atoms have learned is fitted otherwise than what comes first.
    again = np.stack(one.fit(V, T))
    assert np.abs(again[..., 0] - whole[..., 0]).max() > 1e-4


@pytest.mark.parametrize("adapts", ["noise", "sure noise"])
def test_atoms_follow_a_noise_that_becomes_another(
    rng: np.random.Generator, adapts: Adapts
) -> None:
    voice, noise = _atoms(rng, 30, 0, 40), _atoms(rng, 4, 35, 50)
    noise = 0.8 * noise + np.float32(0.2 / _FEATURES)  # as where they are learned, never nothing
    now = _sums(rng, _atoms(rng, 4, 35, 60), 400)
    missed = []
    for learns in (0, 1):
        settings = replace(_LEARN, adapts=adapts, adapt_every=learns)
        _, found = Coming(voice, noise, 1.0, settings).fit(now, None)
        missed.append(np.abs(now - found)[:, 300:].sum())
    assert missed[1] < 0.5 * missed[0]


def test_atoms_of_noise_that_learn_do_not_take_up_the_voice(rng: np.random.Generator) -> None:
    voice, noise = _atoms(rng, 30, 0, 40), _atoms(rng, 4, 25, 60)
    talk = _sums(rng, voice, 400)
    settings = replace(_LEARN, adapts="sure noise")
    speech, found = Coming(voice, noise, 1.0, settings).fit(talk, None)
    late = slice(300, None)
    assert found[:, late].sum() < 0.1 * speech[:, late].sum()


def test_a_level_that_no_atom_knows_is_not_taken_for_voice(rng: np.random.Generator) -> None:
    voice, noise = _atoms(rng, 30, 0, 60), _atoms(rng, 4, 40, 60)
    T = np.full((_FEATURES, 50), 0.2, np.float32)
    V = _sums(rng, noise, 50) + T
    heard = {
        level: Coming(voice, noise, 1.0, Settings(adapt_every=0, level=level)).fit(V, T)[0].sum()
        for level in (False, True)
    }
    assert heard[True] < 0.6 * heard[False]


def test_exemplars_that_learn_stay_near_what_they_were(rng: np.random.Generator) -> None:
    voice, noise = _atoms(rng, 30, 0, 40), _atoms(rng, 4, 25, 60)
    silence = np.zeros((_FEATURES, 80), np.float32)
    settings = replace(_LEARN, adapts="speech")
    coming, fresh = (Coming(voice, noise, 1.0, settings) for _ in range(2))
    assert not np.any(coming.fit(silence, None))
    talk = _sums(rng, voice, 8)
    np.testing.assert_allclose(coming.fit(talk, None)[0], fresh.fit(talk, None)[0], rtol=1e-3)
    # What lies where no exemplar has anything is still no voice after it was heard for long.
    foreign = _sums(rng, _atoms(rng, 4, 41, 60), 400)
    speech, _ = coming.fit(foreign, None)
    assert speech[41:].sum() < 1e-3 * foreign.sum()
