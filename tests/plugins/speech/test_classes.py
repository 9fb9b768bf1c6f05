"""Several recordings of one kind make one dictionary, in which each of them counts the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import lfilter

from partwise.api import Dataset, FileProblem, InputProblem, LocalJob
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.classes import _main, noise_of_all, noise_patches, voice_of_all
from partwise_speech.dictionary import BANDS, DEPTH

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


def test_a_class_that_was_saved_serves_by_its_name(
    hums: Path, dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "rooms.dictionary.npz"
    files = [str(hums / "a.wav"), str(hums / "b.flac")]
    _main(["noise", "Rooms", *files, "-o", str(path), "--atoms", "6"])
    for span, said in (("0:1.5", "the stretch that was marked"), ("none", "learned from Rooms")):
        params = SpeechAnalysis.Params(noise_file=str(path), noise_span=span, drift=False)
        result = SpeechAnalysis().run(dataset, params, LocalJob())
        assert result.facts["noise"]["name"] == "Rooms"
        told = next(line for line in result.trust if line.check == "noise")
        assert said in f"{told.text} {told.detail}"
        table = next(t for t in result.tables if "used" in t.title)
        assert [row[0] for row in table.rows] == ["Voice", "Noise"]
        assert table.rows[1][1:] == ("Rooms", 6, "2 recordings")


def test_a_voice_comes_from_several_recordings(tmp_path: Path) -> None:
    t = np.arange(2 * RATE) / RATE
    for name, pitch in (("one.wav", 120.0), ("two.wav", 180.0)):
        tone = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 20))
        soundfile.write(tmp_path / name, 0.1 * tone, RATE)
    found = voice_of_all([tmp_path / "one.wav", tmp_path / "two.wav"], "Visit")
    assert found.is_own
    assert found.about["seconds"] == pytest.approx(4, abs=0.1)
    assert found.about["source"] == "2 recordings"


def test_a_silent_recording_among_them_is_named(hums: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    with pytest.raises(InputProblem, match=r"silent\.wav"):
        noise_of_all([hums / "a.wav", tmp_path / "silent.wav"], "Rooms", 6)
    with pytest.raises(FileProblem):
        noise_of_all([hums / "notes.txt"], "Rooms", 6)


def test_a_long_noise_is_learned_from_some_of_everywhere() -> None:
    ramp = np.linspace(0, 1, 12_000, dtype=np.float32)
    found = noise_patches(np.tile(ramp, (257, 1)))
    assert found.shape[0] == BANDS * DEPTH
    assert 3900 < found.shape[1] <= 4100
    assert found[0, 0] < 0.01 * found[0, -1]
