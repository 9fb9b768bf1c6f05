"""Which channels are found, what is refused, and is nobody named?"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyedflib
import pytest
import scipy.io

from partwise.api import Dataset, FileProblem, UsageProblem, fingerprint
from partwise_emg.channels import chosen, clean_names, find_channels, health_of, hum_of, muscle_name
from partwise_emg.events import read_events
from partwise_emg.planted import Walker
from partwise_emg.readers import load_recording, probe_arrays, probe_c3d, probe_edf, probe_text


def _meta(dataset: Dataset) -> Any:
    return dict(dataset.meta)


def _csv(path: Path, values: np.ndarray, names: tuple[str, ...], rate: float = 1000.0) -> Path:
    time = np.arange(values.shape[1]) / rate
    table = np.column_stack([time, values.T])
    header = ",".join(("time", *names))
    np.savetxt(path, table, delimiter=",", header=header, comments="", fmt="%.5f")
    return path


def test_a_c3d_file_gives_its_live_emg_and_no_name_of_a_person(emg: Path) -> None:
    path = emg / "shoulder_13emg_2000Hz.c3d"
    assert probe_c3d(path) > 0.9
    dataset = load_recording(path)
    kinds = [each["kind"] for each in _meta(dataset)["channels"]]
    assert kinds.count("emg") == 13
    assert kinds.count("flat") == 19
    assert kinds.count("other") == 6
    names = dataset.axes[0].labels
    assert names[:3] == ("Delt_ant", "Infra", "Subscap")
    assert dataset.axes[1].step == pytest.approx(1 / 2000)
    text = json.dumps(dict(dataset.meta))
    assert "EpauleDroite" not in text
    assert "boite" not in text
    assert "names of persons" in text


def test_a_raw_table_finds_its_events_beside_it(emg: Path) -> None:
    path = emg / "walk_raw_ID0012.csv"
    assert probe_text(path) > 0.5
    dataset = load_recording(path)
    assert dataset.axes[0].size == 13
    assert dataset.axes[1].step == pytest.approx(0.001)
    assert len(_meta(dataset)["events"]["General"]["touchdown"]) == 6
    assert dataset.meta["preprocessed"] is False


def test_archives_of_mean_cycles_are_trials(emg: Path) -> None:
    walkers = load_recording(emg / "walk11_mean_cycle_13muscles.npz")
    assert len(_meta(walkers)["trials"]) == 11
    assert walkers.axes[0].labels[0] == "ME"
    sides = load_recording(emg / "bilateral7_mean_cycle_10muscles.npz")
    assert [t["name"] for t in _meta(sides)["trials"]][:2] == ["S1", "S2"]
    pairs = load_recording(emg / "walk_run_12pairs_factors_rank1to8.npz")
    assert len(_meta(pairs)["trials"]) == 24
    assert probe_arrays(emg / "walk11_mean_cycle_13muscles.npz") > 0.5


def test_an_edf_file_gives_signals_and_events_without_the_patient(
    walker: Walker, tmp_path: Path
) -> None:
    path = tmp_path / "trial.edf"
    with pyedflib.EdfWriter(str(path), 4, file_type=pyedflib.FILETYPE_EDFPLUS) as file:
        file.setPatientName("Somebody_Real")
        for k in range(4):
            file.setSignalHeader(
                k,
                {
                    "label": walker.muscles[k] if k else "EMG TA",
                    "dimension": "uV",
                    "sample_frequency": 1000,
                    "physical_max": 3200.0,
                    "physical_min": -3200.0,
                    "digital_max": 32767,
                    "digital_min": -32768,
                    "transducer": "",
                    "prefilter": "",
                },
            )
        file.writeSamples([np.ascontiguousarray(row[:5000]) for row in walker.emg[:4]])
        for touch in (0.5, 1.6, 2.7):
            file.writeAnnotation(touch, -1, "Right Foot Strike")
            file.writeAnnotation(touch + 0.6, -1, "Right Foot Off")
    assert probe_edf(path) > 0.8
    dataset = load_recording(path)
    assert dataset.axes[0].labels[0] == "TA"
    assert _meta(dataset)["events"]["Right"]["touchdown"] == [0.5, 1.6, 2.7]
    assert "Somebody" not in json.dumps(dict(dataset.meta))
    np.testing.assert_allclose(
        np.asarray(dataset.values)[0, :5000], walker.emg[0, :5000], atol=0.11
    )


def _matlab(path: Path, held: dict[str, Any]) -> Path:
    """Write arrays the way MATLAB 7.3 does: HDF5 behind 512 bytes of its own, axes turned round."""
    with h5py.File(path, "w", userblock_size=512) as file:
        hidden = file.create_group("#refs#")
        for name, value in held.items():
            if isinstance(value, tuple):
                cells = [_letters(hidden, f"c{k}", word).ref for k, word in enumerate(value)]
                made = file.create_dataset(name, (1, len(cells)), h5py.ref_dtype)
                made[0, :] = cells
                made.attrs["MATLAB_class"] = b"cell"
            else:
                made = file.create_dataset(name, data=np.atleast_2d(value).T, compression="gzip")
                made.attrs["MATLAB_class"] = b"double"
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def _letters(group: Any, name: str, word: str) -> Any:
    made = group.create_dataset(name, data=np.array([[ord(c)] for c in word], np.uint16))
    made.attrs["MATLAB_class"] = b"char"
    return made


def test_a_matlab_file_of_any_version_is_read(walker: Walker, tmp_path: Path) -> None:
    held = {"emg": walker.emg.T, "fs": 1000.0}
    old = tmp_path / "old.mat"
    scipy.io.savemat(old, {**held, "labels": np.array(walker.muscles, dtype=object)})
    new = _matlab(tmp_path / "new.mat", {**held, "labels": tuple(walker.muscles)})
    for path in (old, new):
        assert probe_arrays(path) >= 0.5
        dataset = load_recording(path)
        assert dataset.axes[0].labels == walker.muscles
        assert dataset.axes[1].step == pytest.approx(0.001)
        np.testing.assert_array_equal(np.asarray(dataset.values), walker.emg)


def test_trials_in_structures_of_a_matlab_file_are_trials(tmp_path: Path) -> None:
    V = np.abs(np.random.default_rng(3).normal(size=(2, 5, 200)))
    path = _matlab(tmp_path / "trials.mat", {"first/V": V[0], "second/V": V[1]})
    dataset = load_recording(path)
    assert [trial["name"] for trial in _meta(dataset)["trials"]] == ["first", "second"]
    np.testing.assert_array_equal(np.asarray(dataset.values)[:, :200], V[0])


def test_a_matlab_file_that_is_cut_or_leads_elsewhere_is_refused(
    walker: Walker, tmp_path: Path
) -> None:
    whole = _matlab(tmp_path / "whole.mat", {"emg": walker.emg.T, "fs": 1000.0})
    data = whole.read_bytes()
    cut = tmp_path / "cut.mat"
    for size in (200, 600, len(data) // 2):
        cut.write_bytes(data[:size])
        with pytest.raises(FileProblem, match=r"damaged or cut MATLAB 7\.3"):
            load_recording(cut)
    with h5py.File(whole, "r+") as file:
        file["elsewhere"] = h5py.ExternalLink("/etc/hostname", "/")
    with pytest.raises(FileProblem, match="leads elsewhere"):
        load_recording(whole)
    raw = tmp_path / "raw.mat"
    with h5py.File(raw, "w") as file:
        outside = [(str(tmp_path / "outside.bin"), 0, 800)]
        file.create_dataset("emg", (10, 10), np.float64, external=outside)
    with pytest.raises(FileProblem, match="lie elsewhere"):
        load_recording(raw)


@pytest.mark.parametrize(
    ("title", "delimiter", "comma", "encoding"),
    [
        ("time", ",", False, "utf-8"),
        ("time_s", ";", True, "utf-8-sig"),
        ("Zeit (ms)", "\t", True, "utf-16"),
        ("time, ms", ";", True, "cp1252"),
        ("t", "\t", False, "utf-16-be"),
    ],
)
def test_a_table_is_read_as_any_spreadsheet_writes_it(
    title: str, delimiter: str, comma: bool, encoding: str, tmp_path: Path
) -> None:
    step = 1.0 if title.endswith(("ms", "ms)")) else 1e-3
    raw = np.random.default_rng(0).normal(0, 50, (60, 2)).round(4)
    rows = [[title, "M. tibialis (µV)", "SO"]]
    rows += [[f"{k * step:.4f}", *map(str, raw[k])] for k in range(60)]
    body = "\n".join(delimiter.join(row) for row in rows) + "\n"
    if comma:
        body = body.replace(".", ",").replace("M,", "M.")
    path = tmp_path / "table.csv"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + body.encode(encoding))
    assert probe_text(path) > 0.5
    dataset = load_recording(path)
    np.testing.assert_allclose(np.asarray(dataset.values), raw.T, rtol=1e-6)
    assert dataset.axes[1].step == pytest.approx(1e-3)
    times = path.with_name("events.csv")
    times.write_bytes("touchdown_s;liftoff_s\n0,01;0,02\n0,03;0,04\n".encode(encoding))
    if not mark:
        assert read_events(times).touchdown == (0.01, 0.03)


def test_events_beside_a_recording_are_part_of_the_input(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    raw = np.random.default_rng(0).normal(size=(400, 2))
    rows = [f"{k / 1000},{a},{b}" for k, (a, b) in enumerate(raw)]
    path.write_text("time,TA,SO\n" + "\n".join(rows) + "\n", "utf-8")
    assert not load_recording(path).beside
    table = tmp_path / "walk_cycles.csv"
    table.write_text("touchdown_s,liftoff_s\n0.01,0.02\n0.2,0.3\n")
    (beside,) = load_recording(path).beside
    assert beside == fingerprint(table)


def test_our_own_envelopes_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "envelopes.csv"
    rows = [f"{t},{0.1 * t},{1.0 / t}" for _ in range(3) for t in range(1, 11)]
    path.write_text("time,TA,SO\n" + "\n".join(rows) + "\n", "utf-8")
    dataset = load_recording(path)
    assert dataset.meta["preprocessed"] is True
    assert dataset.meta["cycle"] == 10
    assert np.asarray(dataset.values).shape == (2, 30)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("time,TA\n", "holds no samples"),
        ("TA,SO\n1,2\n3,4\n", "begins with the column"),
        ("time,TA,SO\n0,1,2\n0.001,1\n0.002,1,2\n", "2 cells in line 3"),
        ("time,TA,SO\n0,1,2\n0.001,x,2\n0.002,1,2\n", "“x” where a number should be"),
        ("time,TA,SO\n0,1,-2\n0.002,1,2\n0.001,1,2\n", "time that does not rise"),
        (
            "time,TA,SO\n" + "".join(f"{t},1,-2\n" for t in (0, 1, 2, 3, 9, 10, 11, 12, 13)),
            "not evenly sampled",
        ),
    ],
)
def test_a_damaged_table_says_where_and_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(FileProblem, match=words) as caught:
        load_recording(path)
    assert path.name in str(caught.value.path)


@pytest.mark.parametrize("name", ["cut.c3d", "cut.edf", "cut.mat", "cut.npz"])
def test_a_cut_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    heads = {".c3d": b"\x02\x50" + bytes(700), ".npz": b"PK\3\4" + bytes(60)}
    path.write_bytes(heads.get(path.suffix, b"0       " + bytes(100)))
    with pytest.raises(FileProblem):
        load_recording(path)


def test_a_picture_is_not_called_a_damaged_recording(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    with pytest.raises(FileProblem, match="is no text"):
        load_recording(path)


def test_a_c3d_file_that_ends_early_is_no_shorter_trial(tmp_path: Path) -> None:
    ezc3d: Any = importlib.import_module("ezc3d")
    made = ezc3d.c3d()
    frames, rate = 100, 1000.0
    made["parameters"]["POINT"]["RATE"]["value"] = [100.0]
    made["parameters"]["POINT"]["LABELS"]["value"] = ["heel"]
    made["parameters"]["ANALOG"]["RATE"]["value"] = [rate]
    made["parameters"]["ANALOG"]["LABELS"]["value"] = ["TA", "SO"]
    made["data"]["points"] = np.ones((4, 1, frames))
    analogs = np.random.default_rng(3).normal(0, 1e-4, (1, 2, frames * 10))
    made["data"]["analogs"] = analogs
    whole = tmp_path / "whole.c3d"
    made.write(str(whole))
    read = np.asarray(load_recording(whole).values)
    np.testing.assert_allclose(read, analogs[0], atol=1e-9)
    cut = tmp_path / "short.c3d"
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(FileProblem, match=r"is cut: .* of 100 frames"):
        load_recording(cut)


def test_gaps_are_bridged_flat_channels_dropped_and_slow_ones_not_taken(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(0, 10, (4, 3000))
    values[1] = 7.0
    values[2, 100:105] = np.nan
    values[3, :900] = np.nan
    dataset = load_recording(_csv(tmp_path / "gaps.csv", values, ("TA", "SO", "RF", "VL")))
    assert dataset.axes[0].labels == ("TA", "RF")
    assert np.isfinite(np.asarray(dataset.values)).all()
    slow = find_channels(("TA",), rng.normal(0, 1, (1, 500)), 100.0)
    assert slow[0].kind == "slow"
    with pytest.raises(FileProblem, match="no usable EMG"):
        load_recording(_csv(tmp_path / "flat.csv", np.full((2, 3000), -1.0), ("TA", "SO")))


def test_names_are_cleaned_and_muscles_known() -> None:
    assert clean_names(["Biceps.EMG4", "Pec.IM EMG12", "EMG TA", "TA"]) == [
        "Biceps",
        "Pec",
        "EMG TA",
        "TA",
    ]
    assert muscle_name("TA") == "tibialis anterior"
    assert muscle_name("Lt_VM") == "left vastus medialis"
    assert muscle_name("XYZ") == "XYZ"


def test_channels_are_chosen_by_name_number_and_without() -> None:
    names = ("TA", "SO", "GM", "GL")
    assert chosen("SO, gl", names) == [1, 3]
    assert chosen("1-2", names) == [0, 1]
    assert chosen("-SO", names) == [0, 2, 3]
    with pytest.raises(UsageProblem, match="no channel XX"):
        chosen("XX", names)


def test_saturation_hum_and_a_wrong_rate_are_noticed() -> None:
    rng = np.random.default_rng(6)
    t = np.arange(8000) / 1000
    emg = rng.normal(0, 40, (3, t.size))
    assert not health_of(("a", "b", "c"), emg, 1000.0).hum
    clipped = np.clip(emg[0] * 3, -60, 60)
    hum = emg + 30 * np.sin(2 * np.pi * 50 * t)
    health = health_of(("a", "b", "c"), np.stack([clipped, hum[1], hum[2]]), 1000.0)
    assert health.saturated == ("a",)
    assert health.mains == 50
    assert health.odd == 0
    # Recorded at 1200 Hz with mains of 50 Hz, and a header that says 1000 Hz.
    wrong = emg + 30 * np.sin(2 * np.pi * 50 * np.arange(t.size) / 1200)
    assert health_of(("a", "b", "c"), wrong, 1000.0).odd == pytest.approx(41.7, abs=1)
    line = hum_of(hum[0], 1000.0)
    assert line is not None
    assert line.expected
