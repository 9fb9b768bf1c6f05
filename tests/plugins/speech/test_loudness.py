"""How loud is what is heard? As the standard says, for tracks and their mixtures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from partwise_speech.loudness import Loudness, k_weighting


def tone(hertz: float, rate: int, seconds: float, level_db: float) -> NDArray[np.float32]:
    t = np.arange(round(rate * seconds)) / rate
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def test_the_weighting_is_the_one_of_the_standard() -> None:
    shelf, high = k_weighting(48_000)
    np.testing.assert_allclose(
        shelf,
        [
            1.53512485958697,
            -2.69169618940638,
            1.19839281085285,
            1,
            -1.69065929318241,
            0.73248077421585,
        ],
        atol=1e-8,
    )
    np.testing.assert_allclose(high[3:], [1, -1.99004745483398, 0.99007225036621], atol=1e-8)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_a_sine_reads_what_the_standard_says(rate: int) -> None:
    sound = {"a": tone(997, rate, 3, 0.0)}
    assert Loudness(sound, rate).of({"a": 1}) == pytest.approx(-3.01, abs=0.1)
    stereo = {"a": np.stack([tone(997, rate, 3, -20)] * 2, axis=1)}
    assert Loudness(stereo, rate).of({"a": 1}) == pytest.approx(-20.0, abs=0.1)


def test_pauses_do_not_count() -> None:
    """Tech 3341, cases 3 and 4: tones at −36 and −72 dB around one at −23 leave it at −23."""
    rate = 48_000
    stretches = [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)]
    mono = np.concatenate([tone(1000, rate, s, db) for db, s in stretches])
    sound = {"a": np.stack([mono, mono], axis=1)}
    assert Loudness(sound, rate).of({"a": 1}) == pytest.approx(-23.0, abs=0.1)


def test_the_loudness_of_a_mixture_is_that_of_the_mixed_sound() -> None:
    rng = np.random.default_rng(0)
    rate = 16_000
    x = 0.1 * rng.standard_normal(rate * 25).astype(np.float32)
    y = (tone(440, rate, 25, -20) * np.linspace(0, 1, x.size)).astype(np.float32)
    known = Loudness({"x": x, "y": y}, rate)
    for gains in ((1, -1), (0.3, 0.7), (2, 0)):
        mixed = {"z": gains[0] * x + gains[1] * y}
        expected = Loudness(mixed, rate).of({"z": 1})
        mix = {"x": float(gains[0]), "y": float(gains[1])}
        assert known.of(mix) == pytest.approx(expected, abs=1e-3)


def test_silence_and_the_very_short_have_a_loudness_too() -> None:
    assert Loudness({"a": np.zeros(9000, np.float32)}, 8000).of({"a": 1}) == -np.inf
    assert Loudness({"a": np.zeros(0, np.float32)}, 8000).of({"a": 1}) == -np.inf
    short = Loudness({"a": tone(997, 8000, 0.1, -10)}, 8000).of({"a": 1})
    assert short == pytest.approx(-13.0, abs=0.5)
