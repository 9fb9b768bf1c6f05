"""What learns, and what the gain is made of, follow from the noise and from whose voice it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from partwise_speech.choice import SUNG, Likeness, choose, likeness
from partwise_speech.factors import Adapts
from partwise_speech.fit import separate
from partwise_speech.frames import RATE
from partwise_speech.learned import Noise
from partwise_speech.recipe import settings_for
from partwise_speech.sources import generic_voice

_NOTHING = Likeness(0.0, 0.0, 0.0, 0.0)
_STREET = Noise(
    np.ones((768, 16), np.float32), np.ones(257), None, (0.0, 3.0), "lead-in", 0.0, _NOTHING, 0.3
)


def _cry(seconds: float = 3.0) -> NDArray[np.float32]:
    """Wails of half a second, their pitch rising from 400 to 480 Hz and falling again."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 400 + 80 * np.sin(np.pi * (time % 0.7) / 0.7) ** 2
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 9)) * (time % 0.7 < 0.5)
    return np.asarray(0.1 * sound, np.float32)


def test_crying_is_told_from_what_ticks_and_from_a_talker() -> None:
    speech = generic_voice().spectra().mean(axis=0)
    rng = np.random.default_rng(2)
    ticks = np.zeros(3 * RATE, np.float32)
    for start in range(0, len(ticks) - 200, RATE // 3):
        ticks[start : start + 200] = rng.standard_normal(200)
    time = np.arange(3 * RATE) / RATE
    low = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 9))
    assert likeness(_cry(), speech).sung > 0.6 > SUNG
    assert likeness(ticks, speech).sung < 0.2
    assert likeness(np.asarray(0.1 * low, np.float32), speech).sung == 0


def test_what_learns_depends_on_what_is_known() -> None:
    street = settings_for(_STREET, own=False, taught=False)
    assert (street.adapts, street.level) == ("speech", True)
    crowd = replace(_STREET, alike=replace(_NOTHING, value=1.0))
    assert settings_for(crowd, own=False, taught=False).adapt_every == 0
    assert settings_for(crowd, own=False, taught=False).around > 1
    clock = replace(_STREET, varied=1.5)
    assert settings_for(clock, own=False, taught=False).adapts == "noise"
    cry = replace(clock, alike=replace(_NOTHING, sung=0.7))
    assert settings_for(cry, own=False, taught=False).adapts == "sure noise"
    for noise in (_STREET, crowd, clock, cry):
        painted = settings_for(noise, own=False, taught=True)
        assert (painted.adapts, painted.level) == ("noise", False)


def test_the_noise_learns_less_from_a_talker_who_is_louder() -> None:
    often = [
        settings_for(replace(_STREET, snr_db=snr), own=True, taught=False).adapt_every
        for snr in (-5.0, 5.0, 12.0)
    ]
    assert often == sorted(often)
    assert often[0] < often[-1]
    clock = replace(_STREET, varied=1.5, snr_db=12.0)
    assert settings_for(clock, own=True, taught=False).adapt_every == often[0]


def test_the_mask_counts_for_less_where_it_knows_the_level_already() -> None:
    plain = choose("auto", 0.0, _NOTHING, own_voice=False)
    level = choose("auto", 0.0, _NOTHING, own_voice=False, level=True)
    sung = choose("auto", 0.0, replace(_NOTHING, sung=0.7), own_voice=False, level=True)
    assert level.mask < plain.mask
    assert sung.tracked < level.tracked
    assert sung.why != level.why != plain.why


@pytest.mark.parametrize("adapts", ["speech", "sure noise"])
def test_atoms_that_learn_render_more_of_what_is_there(adapts: Adapts) -> None:
    rng = np.random.default_rng(3)
    speech = rng.gamma(0.3, size=(60, 12)).astype(np.float32)
    noise = rng.gamma(0.3, size=(60, 3)).astype(np.float32)
    speech, noise = speech / speech.sum(axis=0), noise / noise.sum(axis=0)
    s = speech @ (rng.gamma(1.0, size=(12, 200)) * (rng.random((12, 200)) < 0.2))
    n = noise @ rng.gamma(2.0, size=(3, 200))
    V = (s + n).astype(np.float32)
    blur = np.float32(0.5 / 60)
    known = {
        "speech": (0.5 * speech + blur, noise),
        "sure noise": (speech, 0.5 * noise + blur),
    }[adapts]
    still = separate(V, *known, updates=60, adapt_every=0, sparsity=0.02)
    learnt = separate(V, *known, updates=60, adapt_every=2, adapts=adapts, sparsity=0.02)
    assert learnt.trace[-1] < 0.9 * still.trace[-1]
    assert np.linalg.norm(learnt.speech - s) < np.linalg.norm(still.speech - s)
    np.testing.assert_allclose(learnt.atoms.sum(axis=0), 1, atol=1e-5)
    if adapts == "speech":
        np.testing.assert_array_equal(learnt.atoms, noise)


def test_atoms_learn_no_sooner_than_they_may() -> None:
    rng = np.random.default_rng(6)
    V = rng.gamma(1.0, size=(40, 60)).astype(np.float32)
    speech, noise = (rng.random((40, k)).astype(np.float32) for k in (8, 3))
    speech, noise = speech / speech.sum(axis=0), noise / noise.sum(axis=0)
    never = separate(V, speech, noise, updates=12, adapt_every=4, adapt_after=12)
    np.testing.assert_array_equal(never.atoms, noise)
    once = separate(V, speech, noise, updates=12, adapt_every=4, adapt_after=8)
    assert np.abs(once.atoms - noise).max() > 0
