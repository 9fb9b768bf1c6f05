"""What holds nothing to hear is refused; what was too loud is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem, InputProblem, LocalJob
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.export import write_speech
from partwise_speech.readers import load_sound
from partwise_speech.sound import recording_of
from partwise_speech.synth import Scene
from partwise_speech.usable import share_cut_off

RATE = 16_000


def _written(path: Path, sound: NDArray[np.floating], subtype: str = "FLOAT") -> Dataset:
    soundfile.write(path, sound, RATE, subtype=subtype)
    return load_sound(path)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_constant_is_no_sound(subtype: str, tmp_path: Path) -> None:
    dataset = _written(tmp_path / "dc.wav", np.full(RATE, 0.25), subtype)
    with pytest.raises(InputProblem, match=r"holds no sound: each of its samples is 0\.25") as why:
        SpeechAnalysis().run(dataset, SpeechAnalysis.Params(), LocalJob())
    assert "cable" in why.value.fix


def test_channels_that_cancel_are_told_from_silence(scene: Scene, tmp_path: Path) -> None:
    side = scene.noisy[:RATE]
    dataset = _written(tmp_path / "both.wav", np.stack([side, -side], axis=1))
    with pytest.raises(InputProblem, match="cancel each other"):
        SpeechAnalysis().run(dataset, SpeechAnalysis.Params(), LocalJob())
    dataset = _written(tmp_path / "none.wav", np.full((RATE, 2), 1e-30))
    with pytest.raises(InputProblem, match="is silent"):
        SpeechAnalysis().run(dataset, SpeechAnalysis.Params(), LocalJob())


def test_one_channel_is_enough(scene: Scene, tmp_path: Path) -> None:
    both = np.stack([scene.noisy[: 2 * RATE], np.zeros(2 * RATE)], axis=1)
    dataset = _written(tmp_path / "left.wav", both)
    params = SpeechAnalysis.Params(noise_span="0:1", drift=False)
    result = SpeechAnalysis().run(dataset, params, LocalJob())
    write_speech(dataset, result, tmp_path / "speech.wav", LocalJob(), None)
    left, right = soundfile.read(tmp_path / "speech.wav")[0].T
    assert np.abs(left).max() > 0.01
    assert not right.any()


def test_what_is_cut_off_is_counted(scene: Scene, tmp_path: Path) -> None:
    loud = 4 * scene.noisy / np.abs(scene.noisy).max()
    cut = np.clip(loud, -1, 1)
    found = share_cut_off(recording_of(_written(tmp_path / "cut.wav", cut, "PCM_16")))
    assert found == pytest.approx(np.mean(np.abs(loud) >= 1), rel=0.4)
    right = np.stack([loud / 4, cut], axis=1)
    assert share_cut_off(recording_of(_written(tmp_path / "one.wav", right))) > found / 3
    time = np.arange(RATE) / RATE
    for name, sound in (
        ("voice", loud / 4),
        ("tone", 0.3 * np.sin(2 * np.pi * 1000 * time)),
        ("slow", 0.9 * np.sin(2 * np.pi * 20 * time)),
        ("faint", 0.03 * loud / 4),
    ):
        dataset = _written(tmp_path / f"{name}.wav", sound, "PCM_U8")
        assert share_cut_off(recording_of(dataset)) == 0, name


def test_what_is_cut_off_stands_on_the_trust_card(scene: Scene, tmp_path: Path) -> None:
    loud = np.clip(4 * scene.noisy[: 2 * RATE] / np.abs(scene.noisy).max(), -1, 1)
    params = SpeechAnalysis.Params(noise_span="0:1", drift=False)
    for sound, told in ((loud, True), (loud / 4 * 0.9, True), (scene.noisy[: 2 * RATE], False)):
        dataset = _written(tmp_path / "visit.wav", sound)
        result = SpeechAnalysis().run(dataset, params, LocalJob())
        assert ("cut off" in {line.check for line in result.trust}) == told


def test_floats_far_beyond_full_scale_are_refused(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"samples of up to \de\+29, where 1 is full scale"):
        _written(tmp_path / "wild.wav", scene.noisy[:RATE] * 1e30)
    whole = _written(tmp_path / "whole.wav", scene.noisy[:RATE] * 32_768)  # numbers of 16 bits
    assert whole.axis("time").size == RATE


def test_the_channel_without_numbers_is_named(scene: Scene, tmp_path: Path) -> None:
    both = np.stack([scene.noisy[:RATE], np.full(RATE, np.nan)], axis=1)
    with pytest.raises(FileProblem, match="16,000 samples that are no numbers, all in Right"):
        _written(tmp_path / "nan.wav", both)


def test_what_cannot_be_sought_in_is_read_from_its_start(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "phone.wav"
    soundfile.write(path, scene.noisy[:RATE], 8000, subtype="GSM610")
    recording = recording_of(load_sound(path))
    assert abs(recording.samples - RATE) < 400
    assert np.abs(recording.read(0, recording.samples)).max() > 0.05


def test_texts_that_windows_wrote_are_read(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "tags.wav"
    soundfile.write(path, scene.noisy[:RATE], RATE)
    content = path.read_bytes()
    text = b"INFOIART\x06\0\0\0Bj\xf6rn\0ICMT\x05\0\0\0\x80 5 \0\0"
    chunk = b"junk\x03\0\0\0abc\0" + b"LIST" + len(text).to_bytes(4, "little") + text
    size = (len(content) - 8 + len(chunk)).to_bytes(4, "little")
    path.write_bytes(content[:4] + size + content[8:36] + chunk + content[36:])
    assert load_sound(path).meta["tags"] == {"artist": "Björn", "comment": "€ 5 "}
