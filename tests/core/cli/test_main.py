"""Is the answer of the command line one line, one code, and nothing of the libraries?"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.core.cli.shell import SAMPLE, one_line

from partwise.cli import inspect, main
from partwise.errors import FileProblem


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
    assert one_line(capsys) == "partwise: error: x.svs: is cut; copy it again\n"


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
    assert "error" in one_line(capsys)


def test_debug_shows_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main(["run", "pebble", SAMPLE, "-o", out, "-p", "mode=raise", "--debug"]) == 4
    assert "Traceback" in capsys.readouterr().err


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
    assert "no window" in one_line(capsys)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
def test_without_a_display_the_window_says_so_and_a_picture_needs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    point = importlib.metadata.EntryPoint("x", f"{__name__}:window", "partwise.gui")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [point])
    monkeypatch.setattr(os, "environ", {})
    assert main(["gui", "a.svs"]) == 2
    assert "no display" in one_line(capsys)
    assert main(["gui", "--screenshot", "x.png"]) == 7
    assert os.environ == {"QT_QPA_PLATFORM": "offscreen"}


def window(words: list[str]) -> int:
    print(*words)
    return 7
