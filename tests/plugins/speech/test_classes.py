"""Several recordings of one kind make one dictionary, in which each of them counts the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import lfilter

from partwise.api import Dataset, FileProblem, InputProblem, LocalJob
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.classes import noise_of_all, noise_patches, voice_of_all
from partwise_speech.dictionary import BANDS, DEPTH, save_dictionary
from partwise_speech.sources import noise_of
from partwise_speech.synth import Scene

RATE = 16_000


@pytest.fixture(scope="module")
def hums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loud rumble and a hiss a hundred times fainter, and something that is no sound."""
    folder = tmp_path_factory.mktemp("hums")
    white = np.random.default_rng(3).standard_normal(2 * RATE)
    rumble, hiss = lfilter([1], [1, -0.95], white), lfilter([1, -0.95], [1], white)
    soundfile.write(folder / "a.wav", 0.3 * rumble / np.abs(rumble).max(), RATE, "FLOAT")
    soundfile.write(folder / "b.flac", 0.003 * hiss / np.abs(hiss).max(), RATE, "PCM_24")
    (folder / "notes.txt").write_text("two rooms")
    return folder


def test_the_faintest_recording_counts_as_the_loudest(hums: Path) -> None:
    found = noise_of_all([hums / "a.wav", hums / "b.flac"], "Rooms", 6)
    assert (found.kind, found.count, found.name) == ("noise", 6, "Rooms")
    assert found.about["files"] == ["a.wav", "b.flac"]
    spectra = found.spectra()
    high = spectra[:, BANDS // 2 :].sum(axis=1) / spectra.sum(axis=1)
    assert high.min() < 0.4
    assert high.max() > 0.9
    np.testing.assert_allclose(found.atoms.sum(axis=0), 1, rtol=1e-5)


def test_a_folder_is_a_class_of_noise_and_the_report_names_it(
    hums: Path, dataset: Dataset, scene: Scene
) -> None:
    given = noise_of(str(hums))
    assert given is not None
    assert given.sound is not None
    assert len(given.sound) == 4 * RATE
    params = SpeechAnalysis.Params(noise_file=str(hums), noise_span="none", drift=False)
    result = SpeechAnalysis().run(dataset, params, LocalJob())
    assert result.facts["noise"]["name"] == hums.name
    table = next(t for t in result.tables if "used" in t.title)
    assert [row[0] for row in table.rows] == ["Voice", "Noise"]
    assert table.rows[1][1:] == (hums.name, 16, "2 recordings")
    said = " ".join(line.text for line in result.trust)
    assert f"learned from {hums.name}" in said


def test_a_class_that_was_saved_serves_by_its_name(
    hums: Path, dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "rooms.dictionary.npz"
    save_dictionary(noise_of_all([hums / "a.wav", hums / "b.flac"], "Rooms", 6), path)
    params = SpeechAnalysis.Params(noise_file=str(path), noise_span="0:1.5", drift=False)
    result = SpeechAnalysis().run(dataset, params, LocalJob())
    assert result.facts["noise"]["name"] == "Rooms"
    quieter = next(line for line in result.trust if line.check == "noise")
    assert "the stretch that was marked" in quieter.detail, "where it was measured"


def test_a_voice_comes_from_several_recordings(tmp_path: Path) -> None:
    t = np.arange(2 * RATE) / RATE
    for name, pitch in (("one.wav", 120.0), ("two.wav", 180.0)):
        tone = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 20))
        soundfile.write(tmp_path / name, 0.1 * tone, RATE)
    found = voice_of_all([tmp_path / "one.wav", tmp_path / "two.wav"], "Visit")
    assert found.is_own
    assert found.about["seconds"] == pytest.approx(4, abs=0.1)
    assert found.about["source"] == "2 recordings"


def test_a_folder_without_recordings_and_a_silent_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="holds no recordings"):
        noise_of(str(tmp_path))
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    with pytest.raises(InputProblem, match="silent"):
        noise_of(str(tmp_path))


def test_a_long_noise_is_learned_from_some_of_everywhere() -> None:
    ramp = np.linspace(0, 1, 12_000, dtype=np.float32)
    found = noise_patches(np.tile(ramp, (257, 1)))
    assert found.shape[0] == BANDS * DEPTH
    assert 3900 < found.shape[1] <= 4100
    assert found[0, 0] < 0.01 * found[0, -1]
