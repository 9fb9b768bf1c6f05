"""Dictionaries are learned, kept, and refused where they are not ours."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from partwise.api import FileProblem, InputProblem
from partwise_speech.dictionary import (
    BANDS,
    DEPTH,
    Dictionary,
    is_dictionary,
    learn_voice,
    load_dictionary,
    save_dictionary,
)
from partwise_speech.generic import _main as make_generic
from partwise_speech.generic import learn_generic
from partwise_speech.sources import generic_voice, noise_of, voice_of
from partwise_speech.synth import Scene, make_speech


@pytest.fixture(scope="module")
def voice(scene: Scene) -> Dictionary:
    return learn_voice([scene.speech], "Made talker", atoms=120, about={"source": "synth"})


def test_atoms_are_shapes_of_the_voice(voice: Dictionary) -> None:
    assert voice.atoms.shape == (BANDS * DEPTH, 120)
    np.testing.assert_allclose(voice.atoms.sum(axis=0), 1, atol=1e-5)
    assert voice.is_own
    assert voice.about["seconds"] > 5
    assert voice.spectra().shape == (120, BANDS)


def test_the_same_seed_draws_the_same_atoms(scene: Scene, voice: Dictionary) -> None:
    again = learn_voice([scene.speech], "Made talker", atoms=120)
    other = learn_voice([scene.speech], "Made talker", atoms=120, seed=1)
    np.testing.assert_array_equal(again.atoms, voice.atoms)
    assert not np.array_equal(other.atoms, voice.atoms)


def test_loudness_of_a_recording_does_not_matter(scene: Scene, voice: Dictionary) -> None:
    faint = learn_voice([scene.speech * np.float32(0.01)], "faint", atoms=120)
    np.testing.assert_allclose(faint.atoms, voice.atoms, atol=1e-5)


def test_a_saved_dictionary_is_loaded_as_it_was(voice: Dictionary, tmp_path: Path) -> None:
    path = tmp_path / "v.dictionary.npz"
    save_dictionary(voice, path)
    found = load_dictionary(path)
    assert (found.name, found.kind) == ("Made talker", "voice")
    assert found.about["source"] == "synth"
    np.testing.assert_allclose(found.atoms, voice.atoms, atol=1e-3 * voice.atoms.max())
    assert path.stat().st_size < 400_000
    assert is_dictionary(path)
    assert voice_of(str(path)).count == 120


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"PK\3\4" + bytes(200), b"RIFFxxxxWAVE"])
def test_damage_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match="dictionary") as caught:
        load_dictionary(path)
    assert caught.value.path == path


def test_a_strange_archive_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "strange.npz"
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for members in ({"atoms.npy": pickled.getvalue()}, {"about.npy": b"x", "../atoms.npy": b"y"}):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        with pytest.raises(FileProblem, match="no dictionary"):
            load_dictionary(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("about.npy", pickled.getvalue())
        archive.writestr("atoms.npy", pickled.getvalue())
    with pytest.raises(FileProblem, match="damaged"):
        load_dictionary(path)


def test_atoms_that_do_not_fit_are_refused(voice: Dictionary, tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    for atoms in (voice.atoms[:-1], -voice.atoms, voice.atoms * np.nan, voice.atoms[:, :0]):
        save_dictionary(Dictionary("bad", "voice", atoms.astype(np.float32)), path)
        with pytest.raises(FileProblem):
            load_dictionary(path)


def test_too_little_voice_is_refused() -> None:
    with pytest.raises(InputProblem, match="too little"):
        learn_voice([np.ones(4000, np.float32)], "short")
    with pytest.raises(InputProblem, match="too little"):
        learn_voice([np.zeros(40_000, np.float32)], "silent")


def test_voice_and_noise_are_not_mistaken_for_each_other(voice: Dictionary, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_dictionary(voice, path)
    with pytest.raises(FileProblem, match="speech_dictionary"):
        noise_of(str(path))
    save_dictionary(Dictionary("hum", "noise", voice.atoms), path)
    with pytest.raises(FileProblem, match="noise_file"):
        voice_of(str(path))
    found = noise_of(str(path))
    assert found is not None
    assert found.dictionary is not None


def test_the_generic_voice_says_where_it_comes_from() -> None:
    voice = generic_voice()
    assert voice.count == 2000
    assert not voice.is_own
    assert voice.about["talkers"] == 4
    assert voice.about["licence"] == "CC BY 4.0"
    assert "LibriSpeech" in voice.about["attribution"]


def test_a_generic_voice_is_made_from_files(tmp_path: Path) -> None:
    import soundfile

    for talker in (1, 2):
        speech = make_speech(talker).astype(np.float32)[:48_000]
        soundfile.write(tmp_path / f"{talker}-a.wav", speech, 16_000)
    out = tmp_path / "g.npz"
    files = [str(path) for path in tmp_path.glob("*.wav")]
    make_generic([*files, "-o", str(out), "--licence", "CC0"])
    found = load_dictionary(out)
    assert (found.about["talkers"], found.about["licence"]) == (2, "CC0")
    alone = learn_generic({"1": [make_speech(1).astype(np.float32)]}, "one")
    assert alone.is_own
