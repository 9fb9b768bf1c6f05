"""Sound of every make is read; what is none is refused with a way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from partwise.api import FileProblem, InputProblem, LocalJob
from partwise_speech import readers
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.readers import load_sound, probe_sound
from partwise_speech.sound import mono_at, recording_of

KINDS = (
    ("wav", "PCM_16"),
    ("wav", "PCM_24"),
    ("wav", "FLOAT"),
    ("flac", "PCM_16"),
    ("aiff", "PCM_16"),
    ("caf", "PCM_16"),
    ("w64", "PCM_16"),
    ("au", "PCM_16"),
    ("ogg", "VORBIS"),
    ("opus", "OPUS"),
    ("mp3", "MPEG_LAYER_III"),
)


def _tone(samples: int, channels: int = 1, rate: int = 16_000) -> np.ndarray:
    time = np.arange(samples) / rate
    tone = 0.3 * np.sin(2 * np.pi * 440 * time)
    return np.stack([tone * (1 - 0.5 * k) for k in range(channels)], axis=1)


@pytest.mark.parametrize(("suffix", "subtype"), KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_make_is_read(suffix: str, subtype: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"tone.{suffix}"
    container = "OGG" if suffix == "opus" else None
    sound = _tone(24_000, channels, 48_000)
    soundfile.write(path, sound, 48_000, subtype=subtype, format=container)
    assert probe_sound(path) >= 0.7
    dataset = load_sound(path)
    recording = recording_of(dataset)
    assert (recording.channels, recording.rate) == (channels, 48_000)
    assert abs(recording.samples - 24_000) <= 2400
    assert dataset.axis("time").unit == "s"
    middle = recording.read(8000, 16_000)
    assert np.abs(middle[0]).max() == pytest.approx(0.3, abs=0.05)


def test_long_recordings_stay_in_their_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(path, _tone(50_000, 2), 16_000)
    whole = recording_of(load_sound(path)).read(0, 50_000)
    monkeypatch.setattr(readers, "_IN_MEMORY", 1000)
    dataset = load_sound(path)
    assert dataset.values is None
    recording = recording_of(dataset)
    np.testing.assert_array_equal(recording.read(100, 4100), whole[:, 100:4100])
    np.testing.assert_array_equal(recording.read(-50, 10)[:, :50], 0)
    np.testing.assert_array_equal(recording.read(49_990, 50_020)[:, 10:], 0)
    soundfile.write(path, _tone(20_000, 2), 16_000)
    with pytest.raises(FileProblem, match="changed"):
        recording.read(30_000, 40_000)
    path.unlink()
    with pytest.raises(FileProblem, match="gone"):
        recording.read(0, 10)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_pieces_at_another_rate_fit_together(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, _tone(4 * rate, 1, rate), rate, subtype="FLOAT")
    recording = recording_of(load_sound(path))
    whole = mono_at(recording, 16_000, 0, 4)
    pieces = [mono_at(recording, 16_000, s, s + 1) for s in range(4)]
    np.testing.assert_allclose(np.concatenate(pieces)[200:-200], whole[200:-200], atol=2e-3)
    truth = _tone(64_000)[:, 0]
    np.testing.assert_allclose(whole[2000:-2000], truth[2000:-2000], atol=2e-3)


def test_tags_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.flac"
    with soundfile.SoundFile(path, "w", 16_000, 1, format="FLAC") as file:
        file.title, file.artist = "Visit 3", "Clinic"
        file.write(_tone(1000))
    assert load_sound(path).meta["tags"] == {"title": "Visit 3", "artist": "Clinic"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nothing.wav", b"", "empty"),
        ("cut.wav", b"RIFF\0\0\0\0WAVEfmt ", "damaged"),
        ("text.wav", b"hello there" * 20, "no sound"),
        ("cut.flac", b"fLaC\0\0\0\x22" + bytes(20), "damaged"),
    ],
)
def test_what_is_no_sound_is_refused(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=words) as caught:
        load_sound(path)
    assert caught.value.path == path
    assert caught.value.fix


@pytest.mark.parametrize("suffix", ["wav", "aiff", "au", "w64", "rf64", "flac", "mp3", "ogg"])
def test_half_a_recording_is_not_taken_for_all_of_it(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"visit.{suffix}"
    soundfile.write(path, _tone(16_000), 16_000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileProblem, match=r"breaks off|damaged") as caught:
        load_sound(path)
    assert caught.value.fix


@pytest.mark.parametrize("promised", [0xFFFF_FFFF, 0x7FFF_F024, 0])
def test_a_length_that_was_not_known_yet_is_no_damage(promised: int, tmp_path: Path) -> None:
    """Programs that write into a pipe cannot go back to the header."""
    path = tmp_path / "pipe.wav"
    soundfile.write(path, _tone(4000), 16_000)
    content = path.read_bytes()
    path.write_bytes(content[:4] + promised.to_bytes(4, "little") + content[8:])
    assert load_sound(path).axis("time").size == 4000


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_crash_while_recording_loses_a_second_at_most(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"visit.{suffix}"
    sound = 0.1 * np.random.default_rng(1).standard_normal((64_000, 1))
    with soundfile.SoundFile(path, "w", 16_000, 1, "PCM_24") as file:
        for start in range(0, len(sound), 16_000):
            file.write(sound[start : start + 16_000])
            file.flush()
        crashed = tmp_path / f"crashed.{suffix}"
        crashed.write_bytes(path.read_bytes())
    dataset = load_sound(crashed)
    count = dataset.axis("time").size
    assert 48_000 <= count <= 64_000
    np.testing.assert_allclose(np.asarray(dataset.values), sound[:count].T, atol=1e-6)
    if suffix == "flac":  # it cannot be read from its middle
        monkeypatch.setattr(readers, "_IN_MEMORY", 1000)
        with pytest.raises(FileProblem, match="not ended"):
            load_sound(crashed)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (22, b"\0\0"),  # channels
        (22, b"\xff\xff"),
        (24, b"\0\0\0\0"),  # rate
        (24, b"\xff\xff\xff\xff"),
        (34, b"\0\0"),  # bits
        (40, b"\0\0\0\0"),  # bytes of samples
    ],
)
def test_a_header_that_cannot_be_is_refused_in_words(at: int, value: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hostile.wav"
    soundfile.write(path, _tone(4000), 16_000)
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)
    with pytest.raises(FileProblem) as caught:
        load_sound(path)
    assert str(tmp_path) not in caught.value.what
    assert caught.value.fix


def test_a_giant_length_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "giant.flac"
    soundfile.write(path, _tone(4000), 16_000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the 36 bits of the number of samples
    content[22:26] = b"\xff" * 4
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=r"1,193 hours"):
        load_sound(path)


def test_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    sound = _tone(4000)
    sound[100:103] = np.nan
    soundfile.write(path, sound, 16_000, subtype="FLOAT")
    with pytest.raises(FileProblem, match="3 samples"):
        load_sound(path)


def test_no_samples_and_strange_rates_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros((0, 1)), 16_000)
    with pytest.raises(FileProblem, match="no samples"):
        load_sound(path)
    soundfile.write(path, np.zeros((4000, 1)), 900)
    with pytest.raises(FileProblem, match="900"):
        load_sound(path)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="no such file"):
        load_sound(tmp_path / "gone.wav")


@pytest.mark.parametrize(
    ("samples", "words"), [(np.zeros(32_000), "silent"), (_tone(3000)[:, 0], "lasts")]
)
def test_silence_and_a_blink_are_refused(samples: np.ndarray, words: str, tmp_path: Path) -> None:
    path = tmp_path / "s.wav"
    soundfile.write(path, samples, 16_000)
    with pytest.raises(InputProblem, match=words):
        SpeechAnalysis().run(load_sound(path), SpeechAnalysis.Params(), LocalJob())
