"""What is measured without a reference is what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from partwise_speech.panel.heard import SPEECH, WHOLE, Heard
from partwise_speech.panel.quality import quality_of

RATE = 16_000


def test_attenuation_ratios_and_a_voice_in_the_residual_are_found() -> None:
    rng = np.random.default_rng(3)
    t = np.arange(4 * RATE) / RATE
    noise = 0.05 * rng.standard_normal(t.size)
    tone = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    voice = 0.2 * tone * (t >= 2)
    whole, speech = ((voice + gain * noise)[:, None].astype(np.float32) for gain in (1.0, 0.1))
    heard = Heard(RATE, {WHOLE: whole, SPEECH: speech}, {})
    found = quality_of(heard, 0.0, (0.0, 2.0), (0.0, 4.0))
    assert found is not None
    planted = 10 * np.log10(np.square(voice[2 * RATE :]).mean() / 0.05**2)
    assert found.quieter == pytest.approx(20.0, abs=0.2)
    assert found.before == pytest.approx(planted, abs=0.3)
    assert found.after == pytest.approx(planted + 20, abs=0.3)
    assert found.voice < 0.05
    none = quality_of(heard, 1.0, (0.0, 2.0), (0.0, 4.0))
    assert none is not None
    assert none.quieter == pytest.approx(0.0, abs=1e-4)
    lost = Heard(RATE, {WHOLE: whole, SPEECH: speech - 0.5 * voice[:, None].astype(np.float32)})
    harmed = quality_of(lost, 0.0, (0.0, 2.0), (2.0, 4.0))
    assert harmed is not None
    assert harmed.voice > 0.85


def test_without_noise_or_anything_beside_it_nothing_is_said() -> None:
    silent = np.zeros((RATE, 1), np.float32)
    heard = Heard(RATE, {WHOLE: silent, SPEECH: silent})
    assert quality_of(heard, 0.0, (0.0, 0.5), (0.0, 1.0)) is None
    assert quality_of(heard, 0.0, (0.0, 1.0), (0.0, 1.0)) is None
