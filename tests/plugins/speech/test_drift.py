"""What a voice loses is told: how its measures move, and how much of it went with the noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from partwise.api import Result
from partwise_speech.drift import Drift, drift_of
from partwise_speech.readers import load_sound
from partwise_speech.separator import model_frames
from partwise_speech.sound import Recording, recording_of
from partwise_speech.summary import Summary

RATE = 16_000


@pytest.fixture
def hissing(vowel: NDArray[np.float32], tmp_path: Path) -> Recording:
    """A vowel under 4 kHz and a hiss above."""
    white = np.fft.rfft(np.random.default_rng(5).standard_normal(len(vowel)))
    white[: len(white) // 2] = 0
    hiss = np.fft.irfft(white, len(vowel))
    path = tmp_path / "vowel.wav"
    soundfile.write(path, vowel + 0.02 * hiss, RATE, "FLOAT")
    return recording_of(load_sound(path))


def told(recording: Recording, kept: slice) -> Drift:
    """Drift where only some bins are kept."""
    summary = Summary(recording, model_frames(recording), None)
    summary.codes[:] = 0
    summary.codes[kept] = 255
    return drift_of(recording, summary, 1.0)


def test_a_voice_that_went_with_the_noise_is_found_there(hissing: Recording) -> None:
    good, bad = told(hissing, slice(0, 140)), told(hissing, slice(140, None))
    assert good.left < 0.05
    assert good.after.f0 == pytest.approx(140, abs=1)
    assert bad.left > 0.9
    assert np.isnan(bad.after.f0)
    measure = bad.measure()
    assert (measure.unit, measure.value) == ("%", 100 * bad.left)


def test_where_nothing_is_taken_nothing_moves(hissing: Recording) -> None:
    drift = told(hissing, slice(None))
    assert drift.left == 0
    for _, before, after, change in drift.rows():
        assert after == pytest.approx(before, rel=1e-3)
        assert change == pytest.approx(after - before)


def test_a_run_says_it(result: Result) -> None:
    said = next(one for one in result.measures if one.name == "Voice in the residual")
    assert 0 <= said.value < 25
