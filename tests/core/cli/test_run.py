"""Does ``partwise run`` leave all it says or nothing, and name what is wrong?"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.cli.shell import PEBBLE_CLI, SAMPLE, files_in, one_line
from tests.fixtures import pebble

from partwise.cli import main, run
from partwise.plugins.registry import Registry
from partwise.project.recovery import ProjectLock
from partwise.project.store import load

ROOT = Path(__file__).resolve().parents[3]


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
    assert sorted([e["path"] for e in written["files"]] + ["result.json"]) == files_in(out)
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
    assert said in one_line(capsys)
    assert not out.exists()


def test_a_failed_run_leaves_an_earlier_result_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["run", "pebble", SAMPLE, "-o", str(out)]) == 0
    (out / "notes.txt").write_text("mine")
    before = {name: (out / name).read_bytes() for name in files_in(out)}
    assert main(["run", "pebble", SAMPLE, "-o", str(out), "-p", "mode=raise"]) == 4
    assert {name: (out / name).read_bytes() for name in files_in(out)} == before


@pytest.mark.parametrize(
    ("name", "said"), [("missing.txt", "no such file"), ("other.txt", "is not what")]
)
def test_inputs_that_cannot_be_read_are_named(
    name: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.txt").write_text("stones")
    path = tmp_path / name
    assert main(["run", "pebble", str(path), "-o", str(tmp_path / "out")]) == 3
    text = one_line(capsys)
    assert str(path) in text
    assert said in text
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("x")
    assert main(["run", "pebble", SAMPLE, "-o", str(tmp_path / "out")]) == 3
    assert str(tmp_path / "out") in one_line(capsys)


def test_a_full_disk_leaves_nothing_and_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pebble, "export_course", full)
    out = tmp_path / "out"
    assert main(["run", "pebble", SAMPLE, "-o", str(out)]) == 3
    text = one_line(capsys)
    assert str(out) in text
    assert "No space left" in text
    assert not out.exists()


def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["run", "pebble", SAMPLE, "-o", str(out), "-p", "mode=slow"]
    child = subprocess.Popen([sys.executable, "-c", PEBBLE_CLI, *words], cwd=ROOT)
    while not (out.exists() and files_in(out)):
        assert child.poll() is None
    child.kill()
    child.wait()
    assert main(["run", "pebble", SAMPLE, "-o", str(out)]) == 0
    assert not [name for name in files_in(out) if name.startswith(".")]


def test_several_inputs_get_a_folder_each(tmp_path: Path) -> None:
    twin = pebble.write_pebbles(tmp_path / "pebbles.txt", [5.0, 6.0])
    project = tmp_path / "p.partwise"
    words = ["run", "pebble", SAMPLE, str(twin), "-o", str(tmp_path / "out")]
    assert main([*words, "--save", str(project)]) == 0
    assert files_in(tmp_path / "out") == ["pebbles", "pebbles-2"]
    assert len(load(project).state.runs) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_with_code_5_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["run", "pebble", SAMPLE, "-o", str(out), "-p", "mode=slow"]
    child = subprocess.Popen(
        [sys.executable, "-c", PEBBLE_CLI, *words], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    while not out.exists():  # it is in the middle of its work from here
        assert child.poll() is None
    os.kill(child.pid, number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 5
    assert said == "partwise: cancelled\n"
    assert not out.exists()


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
    left = files_in(out)
    assert "mine.txt" in left
    assert not [name for name in left if name.startswith("grains")]
    assert (tmp_path / "outside.txt").exists()


def test_a_project_that_a_window_holds_is_not_replaced_under_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.partwise"
    words = ["run", "pebble", SAMPLE, "-o", str(tmp_path / "out"), "--save", str(project)]
    window = ProjectLock(project)
    assert window.take() is None
    assert main(words) == 3
    assert "is open in another Partwise" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    window.release()
    assert main(words) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "p.partwise"]


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
