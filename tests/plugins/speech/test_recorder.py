"""What is said into a microphone is in the file, or heard without its noise a moment later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from partwise.api import FileProblem
from partwise_speech.panel.monitor import Monitor
from partwise_speech.player import NoSound, Pull
from partwise_speech.recorder import Push, Recorder
from partwise_speech.sources import generic_voice, voice_of
from partwise_speech.stream import Known


class Mouth:
    """A source that speaks when the test says so."""

    latency = 0.01

    def __init__(self, push: Push, rate: int) -> None:
        self.push, self.rate = push, rate
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True


class Studio:
    mouth: Mouth

    def open(self, push: Push, rate: int) -> Mouth:
        self.mouth = Mouth(push, rate)
        return self.mouth


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_what_is_said_is_in_the_file_to_24_bits(tmp_path: Path, suffix: str) -> None:
    studio = Studio()
    said = np.random.default_rng(2).uniform(-0.9, 0.9, 5000).astype(np.float32)
    with Recorder(tmp_path / f"visit{suffix}", studio.open, 16_000) as recorder:
        assert studio.mouth.started
        for start in range(0, said.size, 480):
            studio.mouth.push(said[start : start + 480])
        assert recorder.seconds == pytest.approx(5000 / 16_000)
        path = recorder.stop()
    heard, rate = soundfile.read(path, dtype="float32")
    assert rate == 16_000
    np.testing.assert_allclose(heard, said, atol=2**-22)
    assert studio.mouth.closed


def test_the_meter_rises_at_once_falls_slowly_and_remembers_clipping(tmp_path: Path) -> None:
    studio = Studio()
    with Recorder(tmp_path / "a.wav", studio.open, 8000) as recorder:
        assert recorder.level.peak_db < -60
        studio.mouth.push(np.full(80, 0.5, np.float32))
        assert recorder.level.peak_db == pytest.approx(-6.02, abs=0.01)
        studio.mouth.push(np.zeros(800, np.float32))
        assert -10 < recorder.level.peak_db < -7
        assert not recorder.level.clipped
        studio.mouth.push(np.full(80, 1.0, np.float32))
        studio.mouth.push(np.zeros(80, np.float32))
        assert recorder.level.clipped


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    studio = Studio()
    with pytest.raises(FileProblem, match="another folder"):
        Recorder(tmp_path / "gone" / "a.wav", studio.open)
    assert studio.mouth.closed


def test_a_microphone_that_does_not_start_leaves_no_file(tmp_path: Path) -> None:
    class Broken(Mouth):
        def start(self) -> None:
            raise NoSound("unplugged")

    with pytest.raises(NoSound, match="unplugged"):
        Recorder(tmp_path / "a.wav", Broken)
    assert not list(tmp_path.iterdir())


class Headphones(Mouth):
    """A sink that asks when the test says so."""

    latency = 0.02

    def __init__(self, pull: Pull, rate: int, channels: int) -> None:
        super().__init__(lambda heard: None, rate)
        self.pull, self.channels = pull, channels

    def stop(self) -> None: ...

    def listen(self, frames: int) -> NDArray[np.float32]:
        out = np.ones((frames, self.channels), np.float32)
        self.pull(out)
        return out[:, 0]


class Booth(Studio):
    ears: Headphones

    def headphones(self, pull: Pull, rate: int, channels: int) -> Headphones:
        self.ears = Headphones(pull, rate, channels)
        return self.ears


def test_a_microphone_is_heard_without_its_noise_a_moment_later(qtbot: Any) -> None:
    booth, rate = Booth(), 48_000
    rng = np.random.default_rng(4)
    noise = 0.05 * rng.standard_normal(3 * rate).astype(np.float32)
    monitor = Monitor(lambda: Known.of(generic_voice()), booth.open, booth.headphones)
    learning = [monitor.learning]
    made = []
    for start in range(0, noise.size, 4800):
        booth.mouth.push(noise[start : start + 4800])
        qtbot.waitUntil(lambda: monitor._waiting >= 4800)
        made.append(booth.ears.listen(4800))
    heard = np.concatenate(made)
    assert [*learning, monitor.learning] == [True, False]
    late = round(0.048 * rate)
    np.testing.assert_allclose(heard[late : rate // 2], noise[: rate // 2 - late], atol=1e-4)
    assert np.square(heard[2 * rate :]).mean() < 0.1 * np.square(noise[2 * rate :]).mean()
    assert monitor.latency == pytest.approx(0.048 + 0.01 + 0.02)
    np.testing.assert_array_equal(booth.ears.listen(480), 0)
    for _ in range(10):  # nobody listens: it stays live
        booth.mouth.push(noise[:4800])
    monitor.stop()
    assert monitor._waiting <= 0.25 * rate + 4800
    assert booth.mouth.closed
    assert booth.ears.closed


def test_a_voice_that_is_gone_is_told_and_nothing_is_heard(qtbot: Any, tmp_path: Path) -> None:
    booth = Booth()

    def known() -> Known:
        return Known.of(voice_of(str(tmp_path / "gone.wav")))

    monitor = Monitor(known, booth.open, booth.headphones)
    qtbot.waitUntil(lambda: bool(monitor.problem))
    assert "gone.wav" in monitor.problem
    monitor.stop()
