"""The steadied gain follows a voice, leaves fewer peaks of noise, and goes on block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise_speech.cepstral import Steadied
from partwise_speech.frames import RATE, stft_for
from partwise_speech.tracker import Tracker

Array = NDArray[np.float32]


def _hiss(frames: int, seed: int = 3) -> Array:
    power = np.random.default_rng(seed).exponential(1.0, (257, frames))
    return np.asarray(power, np.float32)


def _hum(hertz: float, level: float) -> tuple[Array, Array]:
    """Spectra of a voiced sound, silence before it, and of the same with hiss: as powers."""
    t = np.arange(RATE) / RATE
    partials = np.arange(1, int(6000 / hertz))
    sound = np.sin(2 * np.pi * hertz * partials[:, None] * t).T @ (1.0 / partials)
    sound[: RATE // 3] = 0
    hiss = np.random.default_rng(8).standard_normal(RATE)
    stft = stft_for(RATE)
    clean, noisy = (
        stft.forward(s.astype(np.float32)) for s in (level * sound, level * sound + hiss)
    )
    return np.square(np.abs(clean)), np.square(np.abs(noisy))


def test_blocks_give_what_the_whole_gives() -> None:
    power = _hiss(90)
    power[30:50, 40:70] += 200
    whole = Steadied(np.ones(257)).gains(power)
    pieces = Steadied(np.ones(257))
    made = [pieces.gains(power[:, a:b]) for a, b in ((0, 1), (1, 31), (31, 31), (31, 90))]
    np.testing.assert_allclose(np.concatenate(made, axis=1), whole, rtol=1e-4)
    assert whole.min() > 0
    assert whole.max() <= 1


def test_loudness_of_the_whole_changes_nothing() -> None:
    power = _hiss(60)
    power[60:90, 20:50] *= 300
    one = Steadied(np.ones(257)).gains(power)
    other = Steadied(np.full(257, 1e-6)).gains(power * np.float32(1e-6))
    np.testing.assert_allclose(one, other, rtol=2e-2)


def test_fewer_lone_peaks_of_noise_are_left_than_by_the_tracker_alone() -> None:
    power = _hiss(600)
    alone, _ = Tracker(np.ones(257)).gains(power)
    steady = Steadied(np.ones(257)).gains(power)
    left = [
        float(np.quantile(gain[:, 50:] * np.sqrt(power[:, 50:]), 0.999)) for gain in (alone, steady)
    ]
    assert left[1] < 0.97 * left[0]


def test_a_weak_voice_comes_nearer_to_itself_than_by_the_tracker_alone() -> None:
    clean, noisy = _hum(130.0, 0.5)
    level = noisy[:, 5:35].mean(axis=1)
    gains = Tracker(level).gains(noisy)[0], Steadied(level).gains(noisy)
    voiced = slice(50, None)
    errors = [float(np.square(g * np.sqrt(noisy) - np.sqrt(clean))[:, voiced].sum()) for g in gains]
    assert errors[1] < errors[0]


def test_silence_after_silence_stays_finite() -> None:
    gain = Steadied(np.zeros(257)).gains(np.zeros((257, 12), np.float32))
    assert np.isfinite(gain).all()
