"""What would be heard? A sink that keeps what it was given."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from partwise.api import FileProblem
from partwise_speech import device
from partwise_speech.loudness import Loudness, k_weighting
from partwise_speech.panel.monitor import Monitor
from partwise_speech.player import FADE_S, NoSound, Player, Pull
from partwise_speech.recorder import Push, Recorder
from partwise_speech.sources import generic_voice, voice_of
from partwise_speech.stream import Known

RATE = 8000
FADE = round(FADE_S * RATE)
LENGTH = 4000


class Ear:
    """A sink that asks when the test says so."""

    latency = 0.0

    def __init__(self, pull: Pull, rate: int, channels: int) -> None:
        self.pull, self.rate, self.channels = pull, rate, channels
        self.heard: list[NDArray[np.float32]] = []
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True

    def listen(self, frames: int, block: int = 64) -> NDArray[np.float32]:
        """Hear some frames in blocks, all of one channel."""
        got = []
        while frames > 0:
            out = np.full((min(block, frames), self.channels), np.nan, np.float32)
            self.pull(out)
            got.append(out)
            frames -= len(out)
        return np.concatenate(got)[:, 0]


class Room:
    def __init__(self) -> None:
        self.ears: list[Ear] = []

    def open(self, pull: Pull, rate: int, channels: int) -> Ear:
        self.ears.append(Ear(pull, rate, channels))
        return self.ears[-1]

    @property
    def ear(self) -> Ear:
        return self.ears[-1]


def tracks(channels: int = 1) -> dict[str, NDArray[np.float32]]:
    """Sounds whose every sample tells its track and its place."""
    at = np.arange(LENGTH, dtype=np.float32) / LENGTH
    starts = {"whole": 0.2, "speech": 0.5, "noise": -0.3}
    made = {k: np.float32(s) + np.float32(0.1) * np.sign(s) * at for k, s in starts.items()}
    made = {k: t.astype(np.float32) for k, t in made.items()}
    if channels > 1:
        return {k: np.stack([t] * channels, axis=1) for k, t in made.items()}
    return made


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def player(room: Room) -> Player:
    made = Player(room.open)
    made.load(tracks(), RATE)
    made.choose({"whole": 1.0})
    return made


def test_it_begins_at_the_first_sample_and_ends_with_the_last(player: Player, room: Room) -> None:
    player.play()
    heard = room.ear.listen(LENGTH + 300)
    whole = tracks()["whole"]
    np.testing.assert_allclose(heard[FADE : LENGTH - FADE], whole[FADE : LENGTH - FADE], atol=1e-6)
    assert (heard[LENGTH:] == 0).all()
    assert heard[0] == pytest.approx(whole[0] / FADE)
    assert not player.playing
    assert player.silent
    assert player.position == pytest.approx(player.duration)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(FADE, 3000),
    st.integers(1, 700),
    st.sampled_from(["speech", "noise"]),
    st.booleans(),
)
def test_switching_goes_on_at_the_same_sample_without_a_gap(
    at: int, block: int, other: str, stereo: bool
) -> None:
    room = Room()
    player = Player(room.open)
    player.load(tracks(2 if stereo else 1), RATE)
    player.choose({"whole": 1.0})
    player.play()
    before = room.ear.listen(at, block)
    player.choose({other: 0.5})
    after = room.ear.listen(LENGTH - at, block)
    heard = np.concatenate([before, after])
    whole, then = tracks()["whole"], 0.5 * tracks()[other]
    np.testing.assert_allclose(heard[FADE:at], whole[FADE:at], atol=1e-6)
    new = slice(at + FADE, LENGTH - FADE)
    np.testing.assert_allclose(heard[new], then[new], atol=1e-6)
    # Between them the one fades out while the other fades in, their gains adding up to one.
    share = np.arange(1, FADE + 1) / FADE
    mixed = whole[at : at + FADE] * (1 - share) + then[at : at + FADE] * share
    if at + 2 * FADE < LENGTH:
        np.testing.assert_allclose(heard[at : at + FADE], mixed, atol=1e-5)


def test_no_step_is_louder_than_the_fade_however_wildly_one_switches(
    player: Player, room: Room
) -> None:
    rng = np.random.default_rng(1)
    player.set_loop((0.1, 0.3))
    player.play()
    heard = []
    for _ in range(60):
        heard.append(room.ear.listen(int(rng.integers(1, 90)), 32))
        player.choose({str(rng.choice(["whole", "speech", "noise"])): 1.0})
        if rng.random() < 0.3:
            player.seek(float(rng.uniform(0, 0.5)))
        if rng.random() < 0.2:
            player.toggle()
    steps = np.abs(np.diff(np.concatenate(heard)))
    assert steps.max() < 8 / FADE  # a cut from one track to another would be up to 1.0


def test_a_loop_comes_round_without_a_click_and_with_its_own_length(
    player: Player, room: Room
) -> None:
    low, high = 800, 1600
    player.set_loop((low / RATE, high / RATE))
    player.play()
    heard = room.ear.listen(3 * (high - low), 37)
    whole = tracks()["whole"]
    for turn in range(3):
        own = heard[turn * 800 + FADE : (turn + 1) * 800]
        np.testing.assert_allclose(own, whole[low + FADE : high], atol=1e-6)
    assert np.abs(np.diff(heard[FADE:])).max() < 2 / FADE
    assert low / RATE <= player.position <= high / RATE


def test_pausing_keeps_the_place_and_lets_the_sink_rest(player: Player, room: Room) -> None:
    player.play()
    room.ear.listen(1000)
    player.pause()
    tail = room.ear.listen(FADE + 100)
    assert tail[0] > 0.1
    assert (np.diff(tail[:FADE]) < 0).all()
    assert (tail[FADE:] == 0).all()
    assert player.silent
    player.rest()
    assert not room.ear.started
    assert player.position == pytest.approx(1000 / RATE)
    player.play()
    again = room.ear.listen(500)
    np.testing.assert_allclose(again[FADE:], tracks()["whole"][1000 + FADE : 1500], atol=1e-6)


def test_seeking_fades_over_and_leaves_a_loop_that_it_goes_out_of(
    player: Player, room: Room
) -> None:
    player.set_loop((0.1, 0.2))
    player.play()
    room.ear.listen(200)
    player.seek(0.4)
    assert player.loop is None
    heard = room.ear.listen(300)
    at = round(0.4 * RATE)
    np.testing.assert_allclose(heard[FADE:], tracks()["whole"][at + FADE : at + 300], atol=1e-6)
    player.seek(99)
    assert player.position == player.duration


def test_a_sum_of_tracks_is_a_sum(player: Player, room: Room) -> None:
    player.choose({"whole": 1.0, "speech": -1.0})
    player.play()
    heard = room.ear.listen(500)
    expected = tracks()["whole"][FADE:500] - tracks()["speech"][FADE:500]
    np.testing.assert_allclose(heard[FADE:], expected, atol=1e-6)


def test_the_playhead_is_what_is_heard_not_what_was_asked_for(player: Player, room: Room) -> None:
    player.play()
    room.ear.latency = 0.05
    room.ear.listen(1000)
    assert player.position == pytest.approx(1000 / RATE - 0.05)


def test_a_better_version_of_the_same_recording_is_heard_from_where_it_stands(
    player: Player, room: Room
) -> None:
    player.play()
    room.ear.listen(1000)
    better = {key: (0.5 * track).astype(np.float32) for key, track in tracks().items()}
    player.load(better, RATE)
    heard = room.ear.listen(500)
    np.testing.assert_allclose(heard[FADE:], better["whole"][1000 + FADE : 1500], atol=1e-6)
    assert len(room.ears) == 1
    player.load({"whole": np.zeros(100, np.float32)}, RATE)
    assert not player.playing
    assert player.position == 0


def test_another_rate_opens_another_sink(player: Player, room: Room) -> None:
    player.play()
    first = room.ear
    player.load(tracks(2), 16_000)
    assert first.closed
    player.choose({"whole": 1.0})
    player.play()
    assert (room.ear.rate, room.ear.channels) == (16_000, 2)


def test_nothing_to_play_on_is_said_and_nothing_else_suffers() -> None:
    def none(pull: Pull, rate: int, channels: int) -> Ear:
        raise NoSound("No loudspeaker")

    player = Player(none)
    player.load(tracks(), RATE)
    player.choose({"whole": 1.0})
    with pytest.raises(NoSound, match="No loudspeaker"):
        player.play()
    assert not player.playing
    player.seek(0.1)
    assert player.position == pytest.approx(0.1)
    player.load({}, RATE)
    player.play()


def test_tracks_have_one_length_and_only_what_there_is_can_be_chosen(player: Player) -> None:
    with pytest.raises(ValueError, match="one shape"):
        player.load({"a": np.zeros(3, np.float32), "b": np.zeros(4, np.float32)}, RATE)
    with pytest.raises(KeyError, match="hum"):
        player.choose({"hum": 1.0})


# Loudness


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


# Recording


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


# Live


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


def test_a_machine_without_the_sound_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert "PortAudio" in device.why_no_speaker()
    assert "PortAudio" in device.why_no_microphone()
    with pytest.raises(NoSound, match="libportaudio2"):
        device.open_speaker(lambda out: None, RATE, 1)


class _Library:
    """As much of sounddevice as is used, with a device that takes 48 kHz alone."""

    class PortAudioError(Exception):
        pass

    latency, active = 0.02, False

    def __init__(self, rates: tuple[int, ...] = (48_000,)) -> None:
        self.rates = rates

    def query_devices(self, kind: str) -> dict[str, float]:
        if not self.rates:
            raise ValueError("no device")
        return {"default_samplerate": float(self.rates[0])}

    def OutputStream(self, samplerate: int, callback: object, **kinds: object) -> _Library:
        if samplerate not in self.rates:
            raise self.PortAudioError("Invalid sample rate")
        self.callback = callback
        return self

    def start(self) -> None:
        self.active = True

    def stop(self, ignore_errors: bool) -> None:
        self.active = False

    def close(self, ignore_errors: bool) -> None: ...


def test_a_device_that_knows_only_its_own_rate_plays_at_the_right_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = _Library()
    monkeypatch.setattr(importlib, "import_module", lambda name: library)
    sound = tone(500, RATE, 1.0, -6)
    player = Player(device.open_speaker)
    player.load({"a": sound}, RATE)
    player.choose({"a": 1.0})
    player.play()
    assert library.active
    heard = np.zeros((24_000, 1), np.float32)
    for start in range(0, 24_000, 480):
        library.callback(heard[start : start + 480], 480, None, None)  # type: ignore[operator]
    spectrum = np.abs(np.fft.rfft(heard[4800:, 0] * np.hanning(19_200)))
    assert np.argmax(spectrum) * 48_000 / 19_200 == pytest.approx(500, abs=3)
    assert 0.4 < np.abs(heard[4800:]).max() < 0.6


def test_no_device_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: _Library(()))
    assert device.why_no_speaker().startswith("No loudspeaker")
    assert device.why_no_microphone().startswith("No microphone")
    with pytest.raises(NoSound, match="cannot be opened"):
        device.open_speaker(lambda out: None, RATE, 1)
