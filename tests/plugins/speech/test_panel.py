"""What does the panel prepare, before anything is drawn or played?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from partwise.api import Dataset, FileProblem
from partwise_speech import library
from partwise_speech.bands import band_matrix
from partwise_speech.dictionary import BANDS, DEPTH, SUFFIX, Dictionary
from partwise_speech.frames import RATE
from partwise_speech.loudness import Loudness
from partwise_speech.outlook import view_of_recording
from partwise_speech.panel.closer import fine_levels
from partwise_speech.panel.heard import (
    RESIDUAL,
    SPEECH,
    WHOLE,
    Heard,
    Measured,
    heard_of,
    mixed_under,
)
from partwise_speech.panel.preview import preview_of, scaled_levels
from partwise_speech.panel.single import shaped_noise, sound_of_atoms
from partwise_speech.readers import load_sound
from partwise_speech.sound import recording_of
from partwise_speech.strength import codes_of, render
from partwise_speech.track import Patched, Track, silence


def _dataset(folder: Path, sound: Any, rate: int = RATE) -> Dataset:
    path = folder / "sound.wav"
    soundfile.write(path, np.asarray(sound, np.float32), rate, "FLOAT")
    return load_sound(path)


def _noisy(seconds: float = 3.0, rate: int = RATE) -> Any:
    rng = np.random.default_rng(5)
    t = np.arange(round(rate * seconds)) / rate
    voice = 0.2 * np.sin(2 * np.pi * 220 * t) * (t > 1)
    return voice + 0.05 * rng.standard_normal(t.size)


def _codes(recording: Any) -> Any:
    from partwise_speech.separator import model_frames

    gain = np.full((257, model_frames(recording)), 0.1)
    gain[4:10] = 1.0
    return codes_of(gain)


def _sounds(heard: Heard) -> dict[str, np.ndarray]:
    return {key: np.asarray(track) for key, track in heard.tracks.items()}


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_speech_and_residual_add_up_to_the_whole_and_are_equally_loud(
    tmp_path: Path, rate: int
) -> None:
    sound = np.stack([_noisy(rate=rate)] * 2, axis=1)
    recording = recording_of(_dataset(tmp_path, sound, rate))
    heard = heard_of(recording, _codes(recording))
    assert set(heard.mixes) == {WHOLE, SPEECH, RESIDUAL}
    tracks = _sounds(heard)
    whole, speech = tracks[WHOLE], tracks[SPEECH]
    assert whole.shape == speech.shape == sound.shape
    np.testing.assert_allclose(whole, sound, atol=1e-6)
    levels = Measured(heard).levels()
    assert not levels.faint
    for key, mix in heard.mixes.items():
        mixed = sum(amount * tracks[track] for track, amount in mix.items())
        made = levels.gains[key] * np.asarray(mixed, np.float32)
        assert Loudness({"x": made}, rate).of({"x": 1}) == pytest.approx(levels.target, abs=0.5)
        assert np.abs(made).max() <= 1.0
    assert levels.target <= -23.0


@pytest.mark.parametrize("original", [0.3, 1.0])
def test_with_the_original_under_it_speech_is_as_loud_and_the_sum_stays(
    tmp_path: Path, original: float
) -> None:
    recording = recording_of(_dataset(tmp_path, _noisy()))
    heard = heard_of(recording, _codes(recording))
    mixes = mixed_under(heard.mixes, original)
    tracks = _sounds(heard)
    whole, speech = tracks[WHOLE], tracks[SPEECH]
    made = {k: sum(g * tracks[t] for t, g in m.items()) for k, m in mixes.items()}
    expected = speech + np.float32(original) * (whole - speech)
    np.testing.assert_allclose(made[SPEECH], expected, atol=1e-6)
    np.testing.assert_allclose(made[SPEECH] + made[RESIDUAL], whole, atol=1e-6)
    levels = Measured(heard).levels(original)
    assert (RESIDUAL in levels.faint) == (original == 1.0)
    told = Loudness({"x": np.asarray(levels.gains[SPEECH] * made[SPEECH], np.float32)}, RATE)
    assert told.of({"x": 1}) == pytest.approx(levels.target, abs=0.01)
    assert np.abs(levels.gains[SPEECH] * np.asarray(made[SPEECH])).max() <= 1.0


def test_an_atom_is_measured_where_it_sounds_and_nothing_else_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(2)
    whole = 0.1 * rng.standard_normal((RATE * 6, 1)).astype(np.float32)
    first = Heard(RATE, {WHOLE: whole}, {WHOLE: {WHOLE: 1.0}})
    before = Measured(first)
    piece = 0.02 * rng.standard_normal((RATE * 2, 1)).astype(np.float32)
    atom = Patched(silence(whole), 3 * RATE, piece)
    both = Heard(RATE, {**first.tracks, "x": atom}, {**first.mixes, "x": {"x": 1.0}})
    levels = Measured(both).levels()
    padded = Heard(RATE, {**first.tracks, "x": np.asarray(atom)}, both.mixes)
    expected = Measured(padded).levels()
    assert levels.target == pytest.approx(expected.target, abs=0.01)
    # Blocks half in silence make what is padded a little fainter.
    assert 0.9 * expected.gains["x"] < levels.gains["x"] <= expected.gains["x"]
    counted: list[int] = []

    def count(tracks: Mapping[str, Track], rate: int) -> Loudness:
        counted.append(sum(len(track) for track in tracks.values()))
        return Loudness(tracks, rate)

    monkeypatch.setattr("partwise_speech.panel.heard.Loudness", count)
    again = Measured(both, before).levels()
    assert counted == [len(piece)]
    assert again == levels
    Measured(Heard(RATE, {WHOLE: whole.copy()}, first.mixes), before)
    assert counted[1:] == [len(whole)], "another sound is measured"


def test_a_loud_peak_lowers_all_alike() -> None:
    rng = np.random.default_rng(1)
    quiet = 0.02 * rng.standard_normal((RATE * 4, 1)).astype(np.float32)
    clicks = quiet.copy()
    clicks[::4000] = 0.9
    heard = Heard(RATE, {"a": quiet, "b": clicks}, {"a": {"a": 1.0}, "b": {"b": 1.0}})
    levels = Measured(heard).levels()
    assert levels.target < -25
    known = Loudness(heard.tracks, RATE)
    for key, mix in heard.mixes.items():
        gained = {k: v * levels.gains[key] for k, v in mix.items()}
        assert known.of(gained) == pytest.approx(levels.target, abs=0.01)
        made = sum(amount * np.asarray(heard.tracks[track]) for track, amount in gained.items())
        assert np.abs(np.asarray(made)).max() <= 10 ** (-1 / 20) + 1e-6


def test_what_is_all_but_silent_is_left_as_it_is() -> None:
    silent = np.zeros((RATE, 1), np.float32)
    heard = Heard(RATE, {"a": silent}, {"a": {"a": 1.0}})
    levels = Measured(heard).levels()
    assert levels.faint == {"a"}
    assert levels.gains == {"a": 1.0}


def test_a_long_track_lies_in_a_file_and_sounds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = recording_of(_dataset(tmp_path, _noisy()))
    codes = _codes(recording)
    short = heard_of(recording, codes)
    monkeypatch.setattr("partwise_speech.panel.heard._IN_MEMORY", 1000)
    long = heard_of(recording, codes)
    assert isinstance(long.tracks[SPEECH], np.memmap)
    np.testing.assert_array_equal(long.tracks[SPEECH], short.tracks[SPEECH])


# Preview


def test_a_preview_is_what_a_run_would_give(tmp_path: Path) -> None:
    recording = recording_of(_dataset(tmp_path, _noisy()))
    codes = _codes(recording)
    whole = np.full(codes.shape, 200, np.uint8)
    found = preview_of(recording, whole, codes, (1.0, 2.0), 0.008, (-80.0, 0.0), 1.5)
    assert found.first == 125
    assert found.start == RATE
    expected = render(recording, codes, RATE, 2 * RATE, 1.5).T
    np.testing.assert_array_equal(found.sound, expected)
    # −20 dB at strength 1.5 are −30 dB, and 255 steps are 80 dB.
    assert found.levels[100, 5] == pytest.approx(200 - 30 * 255 / 80, abs=1)
    assert found.levels[5, 5] == 200


def test_strength_nought_is_the_whole_and_silence_stays_silent() -> None:
    whole = np.array([[0, 1, 100, 255]], np.uint8)
    codes = np.full((1, 4), 100, np.uint8)
    np.testing.assert_array_equal(scaled_levels(whole, codes, (-80, 0), 0.0), whole)
    assert scaled_levels(whole, codes, (-80, 0), 1.0)[0].tolist()[:2] == [0, 0]


def test_only_ten_seconds_are_tried_out(tmp_path: Path) -> None:
    recording = recording_of(_dataset(tmp_path, _noisy(14)))
    codes = _codes(recording)
    whole = np.zeros(codes.shape, np.uint8)
    found = preview_of(recording, whole, codes, (1.0, 14.0), 0.008, (-80.0, 0.0), 1.0)
    assert len(found.sound) == 10 * RATE


# Atoms


def _atom(low: int, high: int) -> Any:
    """An atom of some bands."""
    atom = np.zeros((DEPTH, BANDS), np.float32)
    atom[:, low:high] = 1
    return atom.ravel() / atom.sum()


def test_each_atom_carries_its_own_share_and_all_carry_the_noise(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    t = np.arange(3 * RATE) / RATE
    hum, hiss = np.sin(2 * np.pi * 150 * t), 0.3 * np.sin(2 * np.pi * 5000 * t)
    sound = 0.1 * (hum + hiss) + 1e-4 * rng.standard_normal(t.size)
    recording = recording_of(_dataset(tmp_path, sound))
    codes = codes_of(np.full((257, 500), 0.05))
    low = int(np.argmax(band_matrix(257, RATE, BANDS)[:, 30] > 0))  # below about 900 Hz
    atoms = np.stack([_atom(0, low), _atom(low, BANDS)], axis=1)
    stretch = (0.5, 2.5)
    made = [sound_of_atoms(recording, codes, atoms, (k,), stretch) for k in (0, 1)]
    both = sound_of_atoms(recording, codes, atoms, (0, 1), stretch)
    np.testing.assert_allclose(made[0] + made[1], both, atol=1e-4)
    cut = slice(RATE // 2, 5 * RATE // 2)
    taken = (1 - 0.05) * sound[cut]
    inner = slice(1000, -1000)
    np.testing.assert_allclose(both[inner], taken[inner], atol=2e-3)
    for k, tone in enumerate((hum, hiss)):
        own = 0.095 * tone[cut]
        error = np.square(made[k][inner] - own[inner]).mean() / np.square(own).mean()
        assert error < 0.02


def test_no_atom_is_silence(tmp_path: Path) -> None:
    recording = recording_of(_dataset(tmp_path, _noisy()))
    codes = codes_of(np.full((257, 380), 0.5))
    atoms = np.stack([_atom(0, 40)], axis=1)
    assert not sound_of_atoms(recording, codes, atoms, (), (0.0, 1.0)).any()


def test_an_atom_by_itself_is_noise_of_its_shape() -> None:
    high = int(np.argmax(band_matrix(257, RATE, BANDS)[:, 96] > 0))  # about 3 kHz
    sound = shaped_noise(_atom(high, high + 6), 0.9)
    assert np.abs(sound).max() == pytest.approx(0.5)
    assert sound.size == round(0.9 * RATE)
    assert abs(sound[0]) < 1e-3
    power = np.square(np.abs(np.fft.rfft(sound)))
    hertz = np.fft.rfftfreq(sound.size, 1 / RATE)
    inside = (hertz > 2500) & (hertz < 4500)
    assert power[inside].sum() > 0.9 * power.sum()


# The library


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))
    return library.folder()


def _dictionary(name: str, kind: str = "voice") -> Dictionary:
    return Dictionary(
        name, kind, np.stack([_atom(0, 9)], axis=1), {"seconds": 41, "source": "a.wav"}
    )


def test_what_is_kept_is_found_again_by_name(shelf: Path) -> None:
    assert library.saved() == ()
    first = library.keep(_dictionary("Visit / March"))
    second = library.keep(_dictionary("Visit / March"))
    noise = library.keep(_dictionary("Kitchen", "noise"))
    assert len({first, second, noise}) == 3
    assert [one.name for one in library.saved()] == ["Kitchen", "Visit / March", "Visit / March"]
    assert library.saved()[0].about == "a.wav · 41 s"
    (shelf / f"broken{SUFFIX}").write_bytes(b"no dictionary")
    assert len(library.saved()) == 3
    library.forget(noise)
    assert [one.kind for one in library.saved()] == ["voice", "voice"]
    assert not list(shelf.glob(".new-*"))


def test_only_files_of_the_library_are_deleted(shelf: Path, tmp_path: Path) -> None:
    other = tmp_path / f"mine{SUFFIX}"
    other.write_bytes(b"x")
    library.forget(other)
    assert other.exists()


def test_a_folder_that_takes_nothing_is_named(shelf: Path) -> None:
    shelf.parent.mkdir(parents=True)
    shelf.write_text("a file where the folder should be")
    with pytest.raises(FileProblem, match="cannot be written") as told:
        library.keep(_dictionary("Visit"))
    assert told.value.path == shelf


def test_fine_columns_are_those_of_the_view_where_it_is_as_fine(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, _noisy())
    view = view_of_recording(dataset)
    recording = recording_of(dataset)
    low, high = view.options["level"]
    fine = fine_levels(recording, _codes(recording), (1.0, 2.0), (low, high))
    assert fine.step == view.axes[1].step
    first = round(fine.start / fine.step)
    count = fine.arrays["whole"].shape[1]
    expected = view.arrays["whole"][:, first : first + count].astype(int)
    assert np.abs(fine.arrays["whole"].astype(int) - expected).max() <= 1
    speech, noise = fine.arrays["parts"].astype(int)
    assert np.abs(speech[4:10] - fine.arrays["whole"][4:10]).max() <= 1, "a gain of one"
    assert noise[100:].mean() > speech[100:].mean() + 30


def test_an_hour_keeps_its_loudest_frames_in_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = np.zeros(6 * RATE)
    sound[3 * RATE] = 0.9  # one click
    monkeypatch.setattr("partwise_speech.outlook._MOST_COLUMNS", 100)
    monkeypatch.setattr("partwise_speech.outlook._MOST_WAVE", 4000)
    view = view_of_recording(_dataset(tmp_path, sound))
    whole, wave = view.arrays["whole"], view.arrays["wave"]
    assert whole.shape[1] <= 100
    assert whole.max() == 255
    at = view.axes[1].step * int(whole.max(axis=0).argmax())
    assert at == pytest.approx(3.0, abs=2 * view.axes[1].step)
    assert wave.size <= 4002
    assert wave.max() == pytest.approx(0.9)
    assert view.options["wave_step"] * int(wave.argmax()) == pytest.approx(3.0, abs=0.01)


def test_a_sine_at_full_scale_reads_0_dbfs(tmp_path: Path) -> None:
    sound = 0.999 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)
    view = view_of_recording(_dataset(tmp_path, sound))
    assert view.options["unit"] == "dBFS"
    assert view.options["level"][1] == pytest.approx(0.0, abs=0.05)
