"""Twelve ways in which the times of frames go wrong, and none that goes by in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.plugins.pet.conftest import DURATIONS, STARTS

from partwise.api import FileProblem, InputProblem, LocalJob
from partwise.cli import main
from partwise_pet.nifti import load_nifti
from partwise_pet.series import Settings, prepare
from partwise_pet.times import checked_frames, read_frames

Series = Callable[..., Path]


def test_the_sidecar_says_the_times_and_not_the_header(series: Series) -> None:
    dataset = load_nifti(series())
    spans = np.array(dataset.meta["frames"])
    np.testing.assert_array_equal(spans[:, 0], STARTS)
    np.testing.assert_array_equal(spans[:, 1] - spans[:, 0], DURATIONS)


def test_1_without_a_sidecar_a_series_is_shown_and_not_analysed(series: Series) -> None:
    dataset = load_nifti(series(sidecar=False))
    assert dataset.meta["frames"] is None
    assert dataset.values is not None
    with pytest.raises(InputProblem, match="never guessed") as caught:
        prepare(dataset, Settings(), 2, LocalJob())
    assert "frames=FILE" in str(caught.value)


def test_2_a_header_that_claims_one_second_is_said_and_not_believed(series: Series) -> None:
    notes: Any = load_nifti(series()).meta["notes"]
    assert any("claims 1 s for every frame; it was not believed" in note for note in notes)


@pytest.mark.parametrize(
    ("number", "fields", "words"),
    [
        (3, {"FrameTimesStart": STARTS[:-1], "FrameDuration": DURATIONS[:-1]}, "5 frames"),
        (4, {"FrameDuration": DURATIONS[:-1]}, "6 frame starts and 5 durations"),
        (5, {"FrameTimesStart": None}, "has no FrameTimesStart"),
        (6, {"FrameDuration": None}, "has no FrameDuration"),
        (7, {"FrameTimesStart": [0, 5, 10, 20, 40, 90]}, "overlap: frame 5 ends at 100 s"),
        (8, {"FrameTimesStart": [s / 60 for s in STARTS]}, "mixes units"),
        (8, {"FrameDuration": [1e3 * d for d in DURATIONS]}, "mixes units"),
        (
            9,
            {
                "FrameTimesStart": [1e6 * s for s in STARTS],
                "FrameDuration": [1e6 * d for d in DURATIONS],
            },
            "milliseconds had been taken for seconds",
        ),
        (10, {"FrameDuration": [5, 5, 10, 20, 0, 120]}, "frame 5 a duration of 0 s"),
        (10, {"FrameDuration": [5, 5, 10, 20, -60, 120]}, "frame 5 a duration of -60 s"),
        (11, {"FrameTimesStart": [0, 5, 20, 10, 40, 100]}, "not after frame 3"),
        (
            12,
            {"FrameDuration": [5, 5, "ten", 20, 60, 120]},
            "no number for the duration of frame 3",
        ),
        (12, {"FrameTimesStart": [0, 5, None, 20, 40, 100]}, "no number for the start of frame 3"),
        (12, {"FrameTimesStart": [0, True, 10, 20, 40, 100]}, "no number for the start"),
    ],
)
def test_times_that_cannot_be_are_refused_with_the_way_out(
    series: Series, number: int, fields: dict[str, Any], words: str
) -> None:
    dataset = load_nifti(series(**fields))
    assert dataset.meta["frames"] is None
    notes: Any = dataset.meta["notes"]
    assert words in notes[0], number
    with pytest.raises(FileProblem) as caught:
        prepare(dataset, Settings(), 2, LocalJob())
    assert words in str(caught.value), number
    assert caught.value.path.name == "scan.json"
    assert "frames=FILE" in str(caught.value)


def test_a_gap_is_told(series: Series) -> None:
    notes: Any = load_nifti(series(FrameTimesStart=[0, 5, 10, 20, 40, 130])).meta["notes"]
    assert any("1 gap between frames, 30 s in all; the first after frame 5" in n for n in notes)


def test_frames_that_all_last_a_second_are_called_unlikely(series: Series) -> None:
    path = series(FrameTimesStart=[0, 1, 2, 3, 4, 5], FrameDuration=[1] * 6)
    notes: Any = load_nifti(path).meta["notes"]
    assert any("Every frame is said to last 1 s" in note for note in notes)


@pytest.mark.parametrize(("minutes", "told"), [(True, True), (False, False)])
def test_an_hour_that_is_a_minute_is_called_unlikely(minutes: bool, told: bool) -> None:
    lasting = np.repeat([5.0, 60.0, 300.0], [12, 9, 10]) / (60 if minutes else 1)
    start = np.concatenate([[0.0], np.cumsum(lasting)[:-1]])
    notes = checked_frames(
        Path("scan.json"), start.tolist(), lasting.tolist(), None, "the sidecar"
    ).notes
    assert any("minutes had been taken for seconds" in note for note in notes) is told


def test_a_late_beginning_is_told(series: Series) -> None:
    path = series(FrameTimesStart=[s + 30 for s in STARTS])
    notes: Any = load_nifti(path).meta["notes"]
    assert any("begins 30 s after time zero" in note for note in notes)


def test_a_table_with_units_in_its_names_is_read(tmp_path: Path) -> None:
    want = np.stack([STARTS, np.add(STARTS, DURATIONS)], axis=1)
    for name, text in {
        "s.tsv": "start_s\tend_s\n" + "".join(f"{a}\t{b}\n" for a, b in want),
        "min.csv": "start_min,duration_min\n"
        + "".join(f"{a / 60:.12g},{(b - a) / 60:.12g}\n" for a, b in want),
        "ms.tsv": "start_ms\tx\tduration_ms\n"
        + "".join(f"{1e3 * a}\t0\t{1e3 * (b - a)}\n" for a, b in want),
    }.items():
        path = tmp_path / name
        path.write_text(text, "utf-8")
        np.testing.assert_allclose(read_frames(path, 6).spans, want, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("start\tend\n0\t5\n", "does not say the unit"),
        ("a\tb\n0\t5\n", "has columns a, b"),
        ("start_s\tend_s\n", "holds no table"),
        ("start_s\tend_s\n0\tfive\n", "no number for the end"),
        ("", "holds no table"),
    ],
)
def test_a_table_that_leaves_a_doubt_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "frames.tsv"
    path.write_text(text, "utf-8")
    with pytest.raises(FileProblem, match=words):
        read_frames(path, 1)


def test_a_sidecar_that_is_no_json_is_refused(series: Series) -> None:
    for text in ("{", "[1, 2]", "[" * 100_000):
        with pytest.raises(FileProblem) as caught:
            prepare(load_nifti(series(sidecar=text)), Settings(), 2, LocalJob())
        assert caught.value.path.name == "scan.json"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"FrameTimesStart": [s - 30 for s in STARTS]}, "begins 30 s before time zero"),
        ({"InjectionStart": 45}, "injection came 45 s after the first frame began"),
        ({"InjectionStart": -600}, "first frame began 10 min after the injection"),
        ({"ImageDecayCorrected": None}, "No file says whether decay was corrected"),
        ({"ImageDecayCorrected": False}, "Corrected for decay here"),
    ],
)
def test_what_is_odd_about_times_is_told_and_analysed(
    series: Series, fields: dict[str, Any], words: str
) -> None:
    ready = prepare(load_nifti(series(**fields)), Settings(threshold=0), 2, LocalJob())
    assert any(words in note for note in ready.notes)


def test_an_injection_with_the_first_frame_is_not_worth_a_word(series: Series) -> None:
    notes: Any = load_nifti(series(InjectionStart=0)).meta["notes"]
    assert not any("njection" in note for note in notes)


@pytest.mark.parametrize("broken", [{"FrameDuration": None}, {"FrameTimesStart": STARTS[:-1]}])
def test_a_frame_file_stands_in_for_a_sidecar_that_cannot_be(
    series: Series, tmp_path: Path, broken: dict[str, Any]
) -> None:
    path = series(**broken)
    table = tmp_path / "frames.tsv"
    rows = zip(STARTS, DURATIONS, strict=True)
    table.write_text("start_s\tduration_s\n" + "".join(f"{a}\t{b}\n" for a, b in rows), "utf-8")
    ready = prepare(load_nifti(path), Settings(frames=str(table), threshold=0), 2, LocalJob())
    np.testing.assert_array_equal(ready.seconds, DURATIONS)


def test_a_frame_file_stands_in_for_the_sidecar(series: Series, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    told = {"FrameTimesStart": [0, 1, 2, 3, 4, 5], "FrameDuration": [1] * 6}
    other.write_text(json.dumps(told), "utf-8")
    ready = prepare(
        load_nifti(series(sidecar=False)),
        Settings(frames=str(other), threshold=0.0),
        2,
        LocalJob(),
    )
    np.testing.assert_array_equal(ready.seconds, 1.0)
    assert "other.json" in ready.timing


def test_info_tells_each_note_in_full(series: Series, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(series(FrameTimesStart=[0, 5, 10, 20, 40, 130]))]) == 0
    told = capsys.readouterr().out
    assert "claims 1 s for every frame; it was not believed" in told
    assert "1 gap between frames, 30 s in all" in told
    assert main(["info", str(series(FrameDuration=None))]) == 0
    assert "scan.json has no FrameDuration; the series is shown" in capsys.readouterr().out
