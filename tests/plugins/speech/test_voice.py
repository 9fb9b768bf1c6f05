"""Measures of tones whose truth is known."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from partwise_speech.pitch import periodic_share, pitch_of, pitched_share
from partwise_speech.synth import Scene
from partwise_speech.voice import measure_voice

RATE = 16_000
Sound = NDArray[np.float32]


def test_a_steady_tone_has_its_pitch_and_no_wobble(vowel: Sound) -> None:
    found = measure_voice(vowel, RATE)
    assert found.f0 == pytest.approx(140, rel=1e-3)
    assert found.jitter < 0.05
    assert found.shimmer < 3
    assert found.hnr > 30
    assert found.voiced == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("snr", [20.0, 10.0])
def test_noise_is_what_the_harmonics_stand_over(vowel: Sound, snr: float) -> None:
    noise = np.random.default_rng(0).standard_normal(len(vowel)).astype(np.float32)
    found = measure_voice(vowel + noise * vowel.std() * np.float32(10 ** (-snr / 20)), RATE)
    assert found.hnr == pytest.approx(snr, abs=1.0)
    assert found.f0 == pytest.approx(140, rel=2e-3)
    assert found.cpps < measure_voice(vowel, RATE).cpps


def test_jitter_that_was_put_in_is_found() -> None:
    rng = np.random.default_rng(2)
    sound = np.zeros(3 * RATE)
    periods = []
    at = 50.0
    while at < len(sound) - 200:
        period = RATE / 120 * (1 + 0.02 * rng.standard_normal())
        sound[int(at) : int(at) + 60] += np.hanning(60) * np.sin(np.arange(60) / 3)
        periods.append(period)
        at += period
    truth = 100 * np.abs(np.diff(periods)).mean() / np.mean(periods)
    found = measure_voice(sound.astype(np.float32), RATE)
    assert found.jitter == pytest.approx(truth, rel=0.35)


def test_the_pitch_is_that_of_another_method(scene: Scene) -> None:
    speech = scene.speech[3 * RATE : 4 * RATE]
    theirs, voiced, _ = librosa.pyin(speech.astype(float), fmin=65, fmax=500, sr=RATE)
    ours, _ = pitch_of(speech, RATE)
    assert np.median(ours[ours > 0]) == pytest.approx(np.nanmedian(theirs[voiced]), rel=0.03)


def test_what_has_no_voice_has_no_measures() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE).astype(np.float32)
    for sound in (noise, np.zeros(RATE, np.float32), np.zeros(10, np.float32)):
        found = measure_voice(sound, RATE)
        assert np.isnan(found.f0)
        assert np.isnan(found.cpps)


def test_the_share_of_voice_is_about_the_same_without_the_path(scene: Scene) -> None:
    for sound in (scene.noisy, scene.speech, scene.noisy - scene.speech):
        assert periodic_share(sound, RATE) == pytest.approx(pitched_share(sound, RATE), abs=0.08)
    assert periodic_share(np.zeros(RATE, np.float32), RATE) == 0
    assert periodic_share(np.zeros(0, np.float32), RATE) == 0
