"""Whatever comes in goes out again as two files that are as long, as fast and as wide."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from partwise.api import LocalJob
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.export import (
    NOTE,
    wants_flac,
    write_noise,
    write_noise_flac,
    write_speech,
    write_speech_flac,
)
from partwise_speech.readers import load_sound
from partwise_speech.sound import recording_of
from partwise_speech.synth import Scene

P = SpeechAnalysis.Params
# Make, its container and subtype, rate, channels, and the subtype of what is written.
MAKES = (
    ("wav", None, "PCM_16", 8_000, 1, "PCM_16"),
    ("wav", None, "PCM_16", 44_100, 2, "PCM_16"),
    ("wav", None, "PCM_24", 48_000, 2, "PCM_24"),
    ("wav", None, "FLOAT", 44_100, 2, "FLOAT"),
    ("flac", None, "PCM_24", 48_000, 2, "PCM_24"),
    ("aiff", None, "PCM_16", 22_050, 1, "PCM_16"),
    ("caf", None, "PCM_16", 16_000, 2, "PCM_16"),
    ("w64", None, "PCM_32", 16_000, 1, "PCM_32"),
    ("rf64", "RF64", "PCM_16", 11_025, 1, "PCM_16"),
    ("ogg", None, "VORBIS", 44_100, 2, "PCM_16"),
    ("opus", "OGG", "OPUS", 48_000, 2, "PCM_16"),
    ("mp3", None, "MPEG_LAYER_III", 32_000, 1, "PCM_16"),
)
TAGGED = {"wav", "flac", "aiff", "caf", "rf64", "ogg", "opus"}


@pytest.mark.parametrize(
    ("suffix", "container", "subtype", "rate", "channels", "written"),
    MAKES,
    ids=[f"{make[0]}-{make[2]}-{make[3]}-{make[4]}" for make in MAKES],
)
def test_speech_and_noise_add_up_to_the_recording_whatever_its_make(
    suffix: str,
    container: str | None,
    subtype: str,
    rate: int,
    channels: int,
    written: str,
    scene: Scene,
    tmp_path: Path,
) -> None:
    path = tmp_path / f"in.{suffix}"
    samples = round(1.3 * rate) + 7
    sides = [scene.noisy[k : k + samples] for k in range(channels)]
    with soundfile.SoundFile(path, "w", rate, channels, subtype, format=container) as file:
        if suffix in TAGGED:
            file.title = "Visit 3"
        file.write(np.stack(sides, axis=1))
    original = path.read_bytes()
    dataset = load_sound(path)
    recording = recording_of(dataset)
    assert abs(recording.samples - samples) <= (0 if subtype.startswith(("PCM", "FL")) else 2400)
    result = SpeechAnalysis().run(dataset, P(noise_span="0:0.5", drift=False), LocalJob())
    write_speech(dataset, result, tmp_path / "speech.wav", LocalJob(), None)
    write_noise(dataset, result, tmp_path / "noise.wav", LocalJob(), None)
    sounds = []
    for name in ("speech", "noise"):
        with soundfile.SoundFile(tmp_path / f"{name}.wav") as file:
            assert (file.samplerate, file.channels) == (rate, channels)
            assert file.frames == recording.samples
            assert file.subtype == written
            assert file.comment == NOTE
            if name == "speech" and suffix in TAGGED:
                assert file.title == "Visit 3"
            sounds.append(file.read(always_2d=True).T)
    whole = recording.read(0, recording.samples)
    np.testing.assert_allclose(sounds[0] + sounds[1], whole, atol=7e-5)
    assert path.read_bytes() == original


@pytest.mark.parametrize(("subtype", "written"), [("PCM_16", "PCM_16"), ("FLOAT", "PCM_24")])
def test_flac_is_written_where_it_is_asked_for(
    subtype: str, written: str, scene: Scene, tmp_path: Path
) -> None:
    path = tmp_path / "in.wav"
    with soundfile.SoundFile(path, "w", 16_000, 2, subtype) as file:
        file.title = "Visit 3"
        file.write(np.stack([scene.noisy[:20_000]] * 2, axis=1))
    dataset = load_sound(path)
    params = P(noise_span="0:0.5", drift=False, flac=True)
    result = SpeechAnalysis().run(dataset, params, LocalJob())
    assert wants_flac(result)
    facts = {**result.facts, "channels": 9}
    assert not wants_flac(dataclasses.replace(result, facts=facts)), "it holds eight at most"
    assert not wants_flac(dataclasses.replace(result, facts={**result.facts, "flac": False}))
    write_speech_flac(dataset, result, tmp_path / "speech.flac", LocalJob(), None)
    write_noise_flac(dataset, result, tmp_path / "noise.flac", LocalJob(), None)
    with soundfile.SoundFile(tmp_path / "speech.flac") as file:
        assert (file.format, file.subtype, file.title) == ("FLAC", written, "Visit 3")
        assert file.comment == NOTE
        speech = file.read()
    noise, _ = soundfile.read(tmp_path / "noise.flac")
    whole, _ = soundfile.read(path)
    np.testing.assert_allclose(speech + noise, whole, atol=7e-5)


def test_a_disk_that_is_full_is_told_as_any_writer_tells_it(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.wav"
    soundfile.write(path, scene.noisy[:20_000], 16_000)
    dataset = load_sound(path)
    result = SpeechAnalysis().run(dataset, P(noise_span="0:0.5", drift=False), LocalJob())
    with pytest.raises(OSError, match="full, or takes no file"):
        write_speech(dataset, result, tmp_path / "gone" / "speech.wav", LocalJob(), None)

    def full(*_: object) -> None:
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    with pytest.raises(OSError, match="full, or takes no file"):
        write_noise(dataset, result, tmp_path / "noise.wav", LocalJob(), None)
