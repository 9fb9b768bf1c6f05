"""Does the command line do what it says: files, exit codes, one-line errors?"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import importlib.metadata
import json
import logging
import math
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fixtures import pebble

from partwise.cli import batch, demo, inspect, main, run
from partwise.errors import FileProblem
from partwise.jobs import cluster as cluster_module
from partwise.plugins.registry import Registry, load_registry
from partwise.project.store import load
from partwise.report.index import render_index

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = str(pebble.sample())
_PEBBLE_CLI = """
import sys
import partwise.cli.run
from tests.fixtures import pebble
partwise.cli.run.load_registry = pebble.registry
from partwise.cli import main
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def _pebbles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))
    for module in (run, inspect, demo, batch):
        monkeypatch.setattr(module, "load_registry", pebble.registry)
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: before)


def _files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def _error(capsys: pytest.CaptureFixture[str]) -> str:
    text = capsys.readouterr().err
    assert text.startswith("partwise: ")
    assert text.count("\n") == 1
    return text


def test_what_a_library_says_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def info(_: object) -> int:
        logging.getLogger("tifffile").error("invalid offset to first page")
        np.log10(np.zeros(1))
        raise FileProblem("x.svs", "is cut", fix="copy it again")

    monkeypatch.setattr(inspect, "info", info)
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stderr)])
    monkeypatch.setattr(sys, "argv", ["partwise", "info", "x.svs"])
    try:
        assert main() == 3
    finally:
        logging.disable(logging.NOTSET)
    assert _error(capsys) == "partwise: error: x.svs: is cut; copy it again\n"


def test_run_leaves_what_result_json_lists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "out"
    words = ["run", "pebble", SAMPLE, "-o", str(out), "-p", "cut=0.25", "--seed", "3", "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((out / "result.json").read_text())
    assert printed == written
    assert written["parameters"]["cut"] == 0.25
    assert written["seed"] == 3
    assert written["plugin"] == {"id": "pebble", "version": "1.2.0"}
    assert written["inputs"][0]["path"] == SAMPLE
    assert len(written["inputs"][0]["sha256"]) == 64
    large = written["parts"][0]
    np.testing.assert_allclose(large["vector"], [0.25, 1.0], atol=1e-3)
    roles = {entry["role"] for entry in written["files"]}
    assert roles == {"grains-large", "grains-small", "all", "factors", "report", "report-pdf"}
    assert sorted([e["path"] for e in written["files"]] + ["result.json"]) == _files(out)
    with np.load(out / "factors.npz") as factors:
        np.testing.assert_array_equal(factors["W"][:, 0], large["profile"])
        assert "H" not in factors  # one course only: no whole H


def test_the_same_run_gives_the_same_factors(tmp_path: Path) -> None:
    for name in "ab":
        assert main(["run", "pebble", SAMPLE, "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a/factors.npz").read_bytes() == (tmp_path / "b/factors.npz").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-p", "cut=2"], 2, "cut takes 0 to 1 mm"),
        (["-p", "cutt=1"], 2, "did you mean cut"),
        (["-p", "cut"], 2, "cut, mode, pebbles, reference"),
        (["-p", "mode=refuse"], 3, "pebbles.txt: there are no pebbles; bring some"),
        (["-p", "reference=/no/such"], 3, "/no/such: there is no such file"),
        (["-p", "mode=raise"], 4, "grains overflow"),
        (["-p", "mode=memory"], 4, "not enough memory"),
        (["--analysis", "other"], 2, "known: sort"),
        (["--save", "x.zip"], 2, ".partwise"),
    ],
)
def test_each_problem_has_its_code_and_leaves_nothing(
    words: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["run", "pebble", SAMPLE, "-o", str(out), *words]) == code
    assert said in _error(capsys)
    assert not out.exists()


def test_a_failed_run_leaves_an_earlier_result_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["run", "pebble", SAMPLE, "-o", str(out)]) == 0
    (out / "notes.txt").write_text("mine")
    before = {name: (out / name).read_bytes() for name in _files(out)}
    assert main(["run", "pebble", SAMPLE, "-o", str(out), "-p", "mode=raise"]) == 4
    assert {name: (out / name).read_bytes() for name in _files(out)} == before


@pytest.mark.parametrize(
    ("name", "said"), [("missing.txt", "no such file"), ("other.txt", "is not what")]
)
def test_inputs_that_cannot_be_read_are_named(
    name: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.txt").write_text("stones")
    path = tmp_path / name
    assert main(["run", "pebble", str(path), "-o", str(tmp_path / "out")]) == 3
    text = _error(capsys)
    assert str(path) in text
    assert said in text
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("x")
    assert main(["run", "pebble", SAMPLE, "-o", str(tmp_path / "out")]) == 3
    assert str(tmp_path / "out") in _error(capsys)


def test_a_full_disk_leaves_nothing_and_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pebble, "export_course", full)
    out = tmp_path / "out"
    assert main(["run", "pebble", SAMPLE, "-o", str(out)]) == 3
    text = _error(capsys)
    assert str(out) in text
    assert "No space left" in text
    assert not out.exists()


def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["run", "pebble", SAMPLE, "-o", str(out), "-p", "mode=slow"]
    child = subprocess.Popen([sys.executable, "-c", _PEBBLE_CLI, *words], cwd=ROOT)
    while not (out.exists() and _files(out)):
        assert child.poll() is None
    child.kill()
    child.wait()
    assert main(["run", "pebble", SAMPLE, "-o", str(out)]) == 0
    assert not [name for name in _files(out) if name.startswith(".")]


def test_several_inputs_get_a_folder_each(tmp_path: Path) -> None:
    twin = pebble.write_pebbles(tmp_path / "pebbles.txt", [5.0, 6.0])
    project = tmp_path / "p.partwise"
    words = ["run", "pebble", SAMPLE, str(twin), "-o", str(tmp_path / "out")]
    assert main([*words, "--save", str(project)]) == 0
    assert _files(tmp_path / "out") == ["pebbles", "pebbles-2"]
    assert len(load(project).state.runs) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["nonsense"],
        ["run", "pebble", SAMPLE],
        ["run", "pebble", SAMPLE, "-o", "x", "--seed", "-1"],
    ],
)
def test_wrong_words_are_one_line_and_exit_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "error" in _error(capsys)


def test_debug_shows_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main(["run", "pebble", SAMPLE, "-o", out, "-p", "mode=raise", "--debug"]) == 4
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_with_code_5_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["run", "pebble", SAMPLE, "-o", str(out), "-p", "mode=slow"]
    child = subprocess.Popen(
        [sys.executable, "-c", _PEBBLE_CLI, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    while not out.exists():  # it is in the middle of its work from here
        assert child.poll() is None
    os.kill(child.pid, number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 5
    assert said == "partwise: cancelled\n"
    assert not out.exists()


def test_info_tells_what_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", SAMPLE]) == 0
    told = capsys.readouterr().out
    assert "Pebble sorter" in told
    assert "grain: 4, step 1 mm" in told
    project = tmp_path / "p.partwise"
    out = str(tmp_path / "o")
    assert main(["run", "pebble", SAMPLE, "-o", out, "--save", str(project)]) == 0
    capsys.readouterr()
    assert main(["info", str(project)]) == 0
    told = capsys.readouterr().out
    assert "found" in told
    assert "95.0% explained" in told


def test_verify_finds_the_same_numbers_and_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.partwise"
    words = ["run", "pebble", SAMPLE, "-o", str(tmp_path / "out"), "--seed", "5"]
    assert main([*words, "--save", str(project)]) == 0
    assert main(["verify", str(project), "--rerun"]) == 0
    assert "the same numbers" in capsys.readouterr().out
    data = bytearray(project.read_bytes())
    at = data.index(b"NUMPY") + 128
    data[at] ^= 1
    project.write_bytes(data)
    assert main(["verify", str(project)]) == 3
    assert main(["verify", str(tmp_path / "none.partwise")]) == 3


def test_verify_says_when_the_numbers_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.partwise"
    words = ["run", "pebble", SAMPLE, "-o", str(tmp_path / "out"), "--save", str(project)]
    assert main(words) == 0
    monkeypatch.setattr(
        np.random, "default_rng", lambda _: np.random.Generator(np.random.MT19937(9))
    )
    assert main(["verify", str(project), "--rerun"]) == 4
    assert "differs by" in capsys.readouterr().out


def test_verify_looks_at_all_numbers_and_at_files_that_were_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = pebble.write_pebbles(tmp_path / "beside.txt")
    project = tmp_path / "p.partwise"
    words = ["run", "pebble", SAMPLE, "-o", str(tmp_path / "out"), "-p", f"reference={beside}"]
    assert main([*words, "--save", str(project)]) == 0
    before = pebble.Analysis.run

    def other(*asked: Any) -> Any:
        result = before(*asked)
        told = dataclasses.replace(result.measures[0], value=math.nan)
        return dataclasses.replace(result, measures=(told, *result.measures[1:]))

    with monkeypatch.context() as patched:
        patched.setattr(pebble.Analysis, "run", other)
        assert main(["verify", str(project), "--rerun"]) == 4
    pebble.write_pebbles(beside, [7.0])
    assert main(["verify", str(project), "--rerun"]) == 3
    assert "is not what the run was made with" in capsys.readouterr().err


def test_files_of_the_run_before_do_not_stand_beside_those_of_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    words = ["run", "pebble", SAMPLE, "-o", str(out)]
    assert main(words) == 0
    (out / "mine.txt").write_text("kept")
    told = json.loads((out / "result.json").read_text("utf-8"))
    told["files"].append({"role": "x", "path": "../outside.txt"})
    (out / "result.json").write_text(json.dumps(told))
    (tmp_path / "outside.txt").write_text("kept")
    fewer = dataclasses.replace(pebble.PLUGIN, exporters=pebble.PLUGIN.exporters[1:])
    with monkeypatch.context() as patched:
        patched.setattr(run, "load_registry", lambda: Registry([fewer]))
        assert main(words) == 0
    left = _files(out)
    assert "mine.txt" in left
    assert not [name for name in left if name.startswith("grains")]
    assert (tmp_path / "outside.txt").exists()


def test_names_that_cannot_be_are_told_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long, strange = tmp_path / ("x" * 300), tmp_path / "\udcff.txt"
    pebble.write_pebbles(strange)
    out, missing = str(tmp_path / "out"), str(tmp_path / "none" / "p.partwise")
    for words, code, told in (
        ([SAMPLE, "-o", str(long)], 3, "name too long"),
        ([str(long), "-o", out], 3, f"{long}: cannot be read"),
        ([str(strange), "-o", out], 3, "no text here; rename it"),
        ([SAMPLE, "-o", " "], 2, "no folder is named"),
        ([SAMPLE, "-o", out, "--save", missing], 3, "a folder that is not there"),
    ):
        with contextlib.suppress(SystemExit):
            assert main(["run", "pebble", *words]) == code
        assert told.lower() in capsys.readouterr().err.lower()
        assert not Path(out).exists()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_or_full_stream_is_no_defect(stream: str, tmp_path: Path) -> None:
    number = {"stdout": 1, "stderr": 2}[stream]
    command = f'exec {number}>&-; exec "$@"'
    words = [sys.executable, "-m", "partwise", "plugins"]
    done = subprocess.run(["sh", "-c", command, "sh", *words], capture_output=True, check=False)
    assert done.returncode == 0
    if Path("/dev/full").exists() and stream == "stdout":
        full = f'exec "$@" {number}>/dev/full'
        done = subprocess.run(["sh", "-c", full, "sh", *words], capture_output=True, check=False)
        assert done.returncode == 3
        assert done.stderr.decode().count("\n") == 1


def test_plugins_parameters_and_samples_are_listed_and_a_sample_is_copied(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["plugins"]) == 0
    assert "Pebble sorter" in capsys.readouterr().out
    assert main(["plugins", "list", "pebble"]) == 0
    assert "-p cut=0.5   0 to 1 mm\n      Where large begins." in capsys.readouterr().out
    assert main(["samples", "list"]) == 0
    assert "CC0-1.0" in capsys.readouterr().out
    assert main(["samples", "get", "pebbles", "-o", str(tmp_path / "s")]) == 0
    assert (tmp_path / "s" / "pebbles.txt").read_bytes() == pebble.sample().read_bytes()
    assert main(["samples", "get", "rocks"]) == 2
    assert main(["plugins", "check"]) == 2


def test_batch_goes_on_after_a_failure_and_resumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pebble.write_pebbles(folder / "a.txt")
    pebble.write_pebbles(folder / "c.txt", [9.0])
    (folder / "b.txt").write_text("pebbles\nx")
    (folder / "readme.md").write_text("not ours")
    out = tmp_path / "out"
    words = ["batch", "pebble", str(folder), "-o", str(out)]
    assert main(words) == 3
    with (out / "batch.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["a.txt", "b.txt", "c.txt"]
    assert [row["status"] == "done" for row in rows] == [True, False, True]
    assert float(rows[2]["Mean (mm)"]) == 9.0
    assert rows[0]["verdict"] == "good"
    page = (out / "index.html").read_text("utf-8")
    assert "2 of 3 files analysed, 1 failed" in page
    assert 'href="a/report.html"' in page
    assert "holds something that is no number" in page
    assert _files(out) == ["a", "batch.csv", "c", "index.html"]
    pebble.write_pebbles(folder / "b.txt")
    stamp = (out / "a" / "result.json").stat().st_mtime_ns
    capsys.readouterr()
    assert main([*words, "--resume"]) == 0
    assert (out / "a" / "result.json").stat().st_mtime_ns == stamp
    assert "b.txt: done" in capsys.readouterr().err
    assert _files(out) == ["a", "b", "batch.csv", "c", "index.html"]


def test_resume_repeats_what_was_asked_otherwise_or_is_not_whole(tmp_path: Path) -> None:
    beside = pebble.write_pebbles(tmp_path / "beside.txt")
    source, out = pebble.write_pebbles(tmp_path / "a.txt"), tmp_path / "out"
    words = ["batch", "pebble", str(source), "-o", str(out), "--resume"]
    words += ["-p", f"reference={beside}"]
    stamps = []

    def run_it(*more: str) -> None:
        assert main([*words, *more]) == 0
        stamps.append((out / "a" / "result.json").stat().st_mtime_ns)

    run_it()
    run_it()
    assert stamps[0] == stamps[1]
    pebble.write_pebbles(beside, [8.0])  # the other file is another one now
    run_it()
    (out / "a" / "report.pdf").unlink()
    run_it()
    run_it("--seed", "1")
    assert len(set(stamps)) == 4


def test_resume_sees_a_change_in_the_middle_and_in_what_lies_beside(tmp_path: Path) -> None:
    values = np.ones(70_000)
    source, out = pebble.write_pebbles(tmp_path / "a.txt", values), tmp_path / "out"
    note = tmp_path / "a.note"
    note.write_text("2")
    words = ["batch", "pebble", str(source), "-o", str(out), "--resume"]

    def mean() -> float:
        assert main(words) == 0
        with (out / "batch.csv").open(newline="") as file:
            return float(next(csv.DictReader(file))["Mean (mm)"])

    assert mean() == 2.0
    values[35_000] = 8.0  # as many bytes, and the same at both ends
    pebble.write_pebbles(source, values)
    assert mean() == pytest.approx(2.0002)
    note.write_text("3")
    assert mean() == pytest.approx(3.0003)
    inputs = json.loads((out / "a" / "result.json").read_text("utf-8"))["inputs"]
    assert [Path(entry["path"]).name for entry in inputs] == ["a.txt", "a.note"]
    note.unlink()
    assert mean() == pytest.approx(1.0001)


def test_a_folder_that_a_series_fills_is_one_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = dataclasses.replace(pebble.PLUGIN.readers[0], series=True)
    registry = Registry([dataclasses.replace(pebble.PLUGIN, readers=(reader,))])
    for module in (run, inspect, batch):
        monkeypatch.setattr(module, "load_registry", lambda: registry)
    for person in ("first", "second"):
        (tmp_path / "all" / person).mkdir(parents=True)
        (tmp_path / "all" / person / "0-notes.txt").write_text("not ours")
        for k in range(3):
            pebble.write_pebbles(tmp_path / "all" / person / f"{k}.txt")
    one = str(tmp_path / "all" / "first")
    assert main(["run", "pebble", one, "-o", str(tmp_path / "one")]) == 0
    assert main(["info", one]) == 0
    assert "Pebbles" in capsys.readouterr().out
    words = ["batch", "pebble", str(tmp_path / "all"), "-o", str(tmp_path / "out")]
    assert main(words) == 0
    assert _files(tmp_path / "out") == ["batch.csv", "first", "index.html", "second"]
    stamp = (tmp_path / "out" / "first" / "result.json").stat().st_mtime_ns
    assert main([*words, "--resume"]) == 0
    assert (tmp_path / "out" / "first" / "result.json").stat().st_mtime_ns == stamp
    with pytest.raises(FileProblem, match="folder"):
        registry.open(tmp_path)


def test_a_file_that_ends_its_process_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_one", pebble.row_or_die)
    for name in ("a", "b-fatal", "c", "d"):
        pebble.write_pebbles(tmp_path / f"{name}.txt")
    tasks = {
        number: batch._Task("pebble", path, tmp_path / "out", {}, 0, "")
        for number, path in enumerate(sorted(tmp_path.glob("*.txt")))
    }
    rows = dict(batch._perform(tasks, 2, None))
    assert [rows[number]["status"] == "done" for number in range(4)] == [True, False, True, True]
    assert "was lost" in rows[1]["status"]


def test_the_index_has_the_largest_residual_first_and_escapes(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "file": "<a>.txt",
            "status": "done",
            "folder": "a & b",
            "residual": 0.01,
            "verdict": "good",
        },
        {"file": "b.txt", "status": "done", "folder": "b", "residual": 0.3, "verdict": "look"},
        {"file": "c.txt", "status": "done", "folder": "c", "residual": None, "verdict": ""},
        {"file": "d.txt", "status": "<broken>"},
    ]
    page = render_index("T & U", tmp_path, rows)
    order = [page.index(word) for word in ("&lt;broken&gt;", "c.txt", "b.txt", "&lt;a&gt;.txt")]
    assert order == sorted(order)
    assert 'href="a%20%26%20b/report.html"' in page
    assert "T &amp; U" in page
    assert "30.0\u202f%" in page


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_batch_on_a_scheduler_gives_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    for name in "ab":
        pebble.write_pebbles(tmp_path / f"{name}.txt", [1.0, 2.0])
    files = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address

        @contextlib.contextmanager
        def connected(asked: str | None) -> Iterator[Any]:
            assert asked == address
            with distributed.Client(cluster) as client:
                yield client

        monkeypatch.setattr(cluster_module, "connected", connected)
        words = ["batch", "pebble", *files]
        assert main([*words, "-o", str(tmp_path / "far"), "--scheduler", address]) == 0
    assert main([*words, "-o", str(tmp_path / "near")]) == 0
    tables = []
    for place in ("far", "near"):
        with (tmp_path / place / "batch.csv").open(newline="") as file:
            tables.append([{**row, "seconds": ""} for row in csv.DictReader(file)])
    assert tables[0] == tables[1]
    assert len(tables[0]) == 2


def test_without_dask_or_a_scheduler_batch_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["batch", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--scheduler", "local"]
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(words) == 2
    assert "pip install distributed" in _error(capsys)
    assert not (tmp_path / "o").exists()


def test_a_scheduler_that_is_not_there_is_told_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "_PATIENCE_S", 0.3)
    with socket.socket() as taken:  # bound but not listening: nobody answers here
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        words = ["batch", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--scheduler", address]
        assert main(words) == 2
    told = capfd.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert f"no scheduler answers at {address}" in told[0]
    assert "dask scheduler" in told[0]


def test_what_answers_but_is_no_scheduler_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "_PATIENCE_S", 1.0)

    def answer(server: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed at the end of the test
            while True:
                with server.accept()[0] as visitor:
                    visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        words = ["batch", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--scheduler", address]
        assert main(words) == 2
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert f"no scheduler answers at {address}" in capfd.readouterr().err


def test_two_processes_give_the_table_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The processes look for installed plugins, so this takes a plugin that is installed."""
    table = "a,b,c,d\n" + "\n".join(
        ",".join(str((i * j) % 7 + 1) for j in range(4)) for i in range(9)
    )
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(table)
    (tmp_path / "broken.csv").write_text("a,b\n1,x\n")
    run_it = [sys.executable, "-m", "partwise", "batch", "matrix"]
    run_it += [str(tmp_path / f"{name}.csv") for name in ("a", "broken", "b")]
    run_it += ["-o", str(tmp_path / "out"), "-p", "rank=2", "-p", "starts=1", "--workers", "2"]
    done = subprocess.run(run_it, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stderr
    with (tmp_path / "out/batch.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] == "done" for row in rows] == [True, False, True]
    assert rows[0]["explained"] == rows[2]["explained"]


def test_info_tells_lists_of_records_in_short_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inspect, "load_registry", load_registry)  # with all plugins
    registry = load_registry()
    _, _, recording = registry.sample("emg-healthy")
    assert main(["info", str(recording)]) == 0
    told = capsys.readouterr().out
    assert "channels: 12 entries\n    ME, emg\n    MA, emg\n" in told
    assert "touchdown (10 entries)" in told
    assert not set("{}[]'") & set(told)  # nothing as Python writes it
    assert max(len(line) for line in told.splitlines()) < 100
    _, _, table = registry.sample("matrix-spectra")
    assert main(["info", str(table)]) == 0
    assert "emission: 65 (400 nm to 720 nm)" in capsys.readouterr().out


def test_info_tells_a_project_and_what_it_carries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.partwise"
    words = ["run", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--save", str(project), "--pack"]
    assert main(words) == 0
    assert load(project).packed
    assert main(["info", str(project)]) == 0
    told = capsys.readouterr().out
    for said in ("found, packed", "Small 25.0%", "cut=0.5", "seed 0", "schema 2"):
        assert said in told
    assert main(["run", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--pack"]) == 2
    assert "add --save" in _error(capsys)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom partwise.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'numba', 'PIL'} & set(sys.modules)\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_window_is_found_by_its_entry_point_and_gets_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    point = importlib.metadata.EntryPoint("x", f"{__name__}:window", "partwise.gui")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    assert main(["gui", "a.svs", "--safe-mode", "--debug"]) == 7
    assert main([]) == 7
    assert capsys.readouterr().out == "a.svs --safe-mode\n\n"
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [])
    assert main([]) == 2
    assert "no window" in _error(capsys)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
def test_without_a_display_the_window_says_so_and_a_picture_needs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    point = importlib.metadata.EntryPoint("x", f"{__name__}:window", "partwise.gui")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    monkeypatch.setattr(os, "environ", {})
    assert main(["gui", "a.svs"]) == 2
    assert "no display" in _error(capsys)
    assert main(["gui", "--screenshot", "x.png"]) == 7
    assert os.environ == {"QT_QPA_PLATFORM": "offscreen"}


def window(words: list[str]) -> int:
    print(*words)
    return 7
