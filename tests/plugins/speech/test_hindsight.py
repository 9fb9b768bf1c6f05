"""A noise that changes is known from both sides, in the level and in the fit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from partwise_speech.fit import separate
from partwise_speech.hindsight import magnitudes_of, noise_in_hindsight
from partwise_speech.tracker import Tracker

Array = NDArray[np.float32]

_RISE = 300  # frame from which the noise is eight times as strong


def _risen(seed: int = 0) -> tuple[Array, Array]:
    """Power of a noise that rises, with words of a talker over it, and the noise's true level."""
    rng = np.random.default_rng(seed)
    level = np.ones((64, 600), np.float32)
    level[:, _RISE:] = 8.0
    power = rng.exponential(1.0, level.shape).astype(np.float32) * level
    for start in range(40, 600, 90):
        power[10:30, start : start + 45] += 800.0
    return power, level


def test_a_noise_that_rises_is_known_sooner_than_by_what_came_before() -> None:
    power, level = _risen()
    forward, _ = Tracker(np.ones(64)).follow(power)
    found = noise_in_hindsight(power, Tracker(np.ones(64)))
    after = slice(_RISE, _RISE + 60)
    off = [np.abs(np.log(n[:, after] / level[:, after])).mean() for n in (forward, found)]
    assert off[1] < 0.75 * off[0]
    calm = slice(60, _RISE - 60)
    assert np.median(found[:, calm]) == pytest.approx(1, rel=0.3)


def test_words_are_not_taken_for_noise() -> None:
    power, level = _risen(1)
    spoken = (slice(10, 30), slice(45, 80))
    found = noise_in_hindsight(power, Tracker(np.ones(64)))
    assert np.median(found[spoken]) < 3 * level[spoken].max()


def test_the_tracker_has_gone_on_to_the_end_of_the_stretch() -> None:
    power, _ = _risen(2)
    one, other = Tracker(np.ones(64)), Tracker(np.ones(64))
    noise_in_hindsight(power, one)
    other.follow(power)
    np.testing.assert_array_equal(one.noise, other.noise)
    assert noise_in_hindsight(power[:, :0], one).shape == (64, 0)


def test_silence_after_noise_has_a_level_that_can_be_divided_by() -> None:
    power, _ = _risen(3)
    power[:, 200:] = 0
    found = noise_in_hindsight(power, Tracker(np.ones(64)))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert np.isfinite(magnitudes_of(found)).all()


def test_a_noise_that_is_in_no_atom_is_in_its_level() -> None:
    rng = np.random.default_rng(4)
    speech = rng.gamma(0.3, size=(60, 24)).astype(np.float32)
    atoms = rng.gamma(0.3, size=(60, 3)).astype(np.float32)
    other = rng.gamma(2.0, size=(60, 1)).astype(np.float32)
    speech, atoms = speech / speech.sum(axis=0), atoms / atoms.sum(axis=0)
    s = speech @ (rng.gamma(1.0, size=(24, 300)) * (rng.random((24, 300)) < 0.1))
    s, n = s.astype(np.float32), (other @ rng.gamma(4.0, size=(1, 300))).astype(np.float32)
    level = np.repeat(n.mean(axis=1, keepdims=True), 300, axis=1)
    fits = [
        separate(s + n, speech, atoms, updates=60, adapt_every=0, level=given)
        for given in (None, level)
    ]
    without, with_it = (np.linalg.norm(fit.speech - s) / np.linalg.norm(s) for fit in fits)
    assert with_it < 0.5 * without
    np.testing.assert_allclose(fits[1].noise.sum(axis=0), n.sum(axis=0), rtol=0.35)


def test_a_level_explains_nothing_where_noise_is_not_allowed() -> None:
    from partwise_speech.factors import Allowed

    rng = np.random.default_rng(5)
    V = rng.gamma(1.0, size=(40, 50)).astype(np.float32)
    speech, noise = (rng.random((40, k)).astype(np.float32) for k in (6, 2))
    speech, noise = speech / speech.sum(axis=0), noise / noise.sum(axis=0)
    may_hum = np.ones_like(V)
    may_hum[:20, 10:30] = 0
    free = Allowed(np.ones_like(V), may_hum)
    found = separate(V, speech, noise, updates=20, adapt_every=0, allowed=free, level=V)
    assert (found.noise[:20, 10:30] == 0).all()
    assert found.noise[20:].sum() > 0
