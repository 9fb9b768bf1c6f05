"""Does a run learn from what a hand marked?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import soundfile

from partwise.api import Dataset, LocalJob, UsageProblem
from partwise.params import parse
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.readers import load_sound
from partwise_speech.strength import gains_of

RATE = 16_000
BEEPS_S = (1.5, 2.5, 3.5)
FRAME_S = 0.008


@pytest.fixture(scope="module")
def beeping(tmp_path_factory: Any) -> Dataset:
    """A vowel that comes and goes in noise, and three chirps that the lead-in does not know."""
    rng = np.random.default_rng(3)
    t = np.arange(4 * RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    voice *= 0.08 * (t > 1) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * t))
    sound = voice + 0.01 * rng.standard_normal(t.size)
    for at in BEEPS_S:
        inside = (t >= at) & (t < at + 0.2)
        sound += 0.1 * inside * np.sin(2 * np.pi * (2900 * t + 800 * (t - at) ** 2))
    path = tmp_path_factory.mktemp("taught") / "beeping.wav"
    soundfile.write(path, sound.astype(np.float32), RATE, "FLOAT")
    return load_sound(path)


def gain_at(dataset: Dataset, painted: str, start: float, end: float) -> float:
    """Mean gain from 2.8 to 3.4 kHz between two moments, in dB."""
    analysis = SpeechAnalysis()
    params = analysis.Params(noise_span="0:0.9", painted=painted, drift=False)
    result = analysis.run(dataset, params, LocalJob())
    codes = next(v.arrays["gain"] for v in result.views if "gain" in v.arrays)
    cut = gains_of(codes)[90:109, round(start / FRAME_S) : round(end / FRAME_S)]
    return float(20 * np.log10(cut.mean()))


def test_one_beep_that_is_marked_takes_its_like_away(beeping: Dataset) -> None:
    first, last = BEEPS_S[0], BEEPS_S[-1]
    plain = gain_at(beeping, "", last + 0.03, last + 0.17)
    marks = f"noise {first}:{first + 0.2} 2500:3600"
    taught_ = gain_at(beeping, marks, last + 0.03, last + 0.17)
    assert taught_ < plain - 6, f"{plain:.1f} dB before, {taught_:.1f} dB once one was marked"


def test_a_mark_that_is_no_box_is_refused_before_a_run() -> None:
    with pytest.raises(UsageProblem, match=r"noise 1\.2:1\.5"):
        parse(SpeechAnalysis.Params, {"painted": "everything"})
