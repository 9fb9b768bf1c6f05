"""Does the command line tell what is in files, projects, plugins and samples?"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.cli.shell import SAMPLE, one_line
from tests.fixtures import pebble

from partwise.cli import inspect, main
from partwise.plugins.registry import load_registry
from partwise.project.store import load


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
    assert "add --save" in one_line(capsys)
