"""Sound that comes in goes out separated, soon, and the same whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from partwise.api import Dataset
from partwise_speech.frames import RATE
from partwise_speech.learned import hear_noise
from partwise_speech.sound import recording_of, resampled
from partwise_speech.sources import generic_voice
from partwise_speech.stream import Known, Stream
from partwise_speech.synth import Scene

Sound = NDArray[np.float32]


def _pushed(stream: Stream, sound: Sound, size: int) -> Sound:
    """All of a sound, its delay undone."""
    late = np.concatenate([sound, np.zeros((stream.delay, *sound.shape[1:]), np.float32)])
    made = [stream.push(late[k : k + size]) for k in range(0, len(late), size)]
    return np.concatenate(made)[stream.delay :]


def _si_sdr(found: Sound, clean: Sound) -> float:
    target = (found @ clean) / (clean @ clean) * clean
    return float(10 * np.log10((target @ target) / np.square(found - target).sum()))


def test_the_talker_comes_out_less_than_50_ms_later(scene: Scene) -> None:
    noise = scene.noisy[: round(1.5 * RATE)]
    stream = Stream(RATE, Known.of(generic_voice()))
    listening = [stream.listening]
    found = _pushed(stream, scene.noisy.astype(np.float32), 512)
    listening.append(stream.listening)
    assert listening == [True, False]
    assert stream.latency <= 0.05
    after = slice(round(1.5 * RATE), None)
    better = _si_sdr(found[after], scene.speech[after]) - _si_sdr(
        scene.noisy[after], scene.speech[after]
    )
    assert better > 2
    quiet = slice(round(1.1 * RATE), round(1.4 * RATE))
    assert found[quiet].std() < 0.5 * noise[quiet].std()


def test_blocks_of_any_size_give_the_same(scene: Scene) -> None:
    sound = scene.noisy[: 3 * RATE].astype(np.float32)
    known = Known.of(generic_voice())
    whole = _pushed(Stream(RATE, known), sound, len(sound))
    for size in (77, 1024):
        pieces = _pushed(Stream(RATE, known), sound, size)
        np.testing.assert_allclose(pieces, whole, atol=1e-4)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (48_000, 1)])
def test_no_strength_is_the_sound_itself(scene: Scene, rate: int, channels: int) -> None:
    sound = resampled(scene.noisy[: 2 * RATE].astype(np.float32), RATE, rate)
    both = np.stack([sound * (1 + k) for k in range(channels)], axis=1)
    stream = Stream(rate, Known.of(generic_voice()), 0.0)
    assert stream.latency == pytest.approx(0.048, abs=2e-4)
    np.testing.assert_allclose(_pushed(stream, both, 1000), both, atol=1e-5)
    stream.strength = 1.0
    again = _pushed(stream, both, 1000)
    assert again.shape == both.shape
    quiet = slice(round(0.3 * rate), round(1.2 * rate))
    assert again[quiet].std() < 0.6 * both[quiet].std()


def test_a_noise_that_was_learned_is_taken_away_from_the_start(
    scene: Scene, dataset: Dataset
) -> None:
    voice = generic_voice()
    noise = hear_noise(recording_of(dataset), "0:1.5", "", 16, voice, 0, lambda _: True)
    stream = Stream(RATE, Known.of(voice, noise))
    assert not stream.listening
    found = _pushed(stream, scene.noisy.astype(np.float32), 800)
    quiet = slice(1000, round(0.9 * RATE))
    assert found[quiet].std() < 0.5 * scene.noisy[quiet].std()


def test_what_is_no_number_does_no_harm() -> None:
    stream = Stream(RATE, Known.of(generic_voice()))
    assert stream.push(np.zeros(0, np.float32)).shape == (0,)
    broken = np.full(30_000, np.nan, np.float32)
    broken[5] = np.inf
    assert np.isfinite(stream.push(broken)).all()
    assert not stream.push(np.zeros(9000, np.float32))[stream.delay :].any()
