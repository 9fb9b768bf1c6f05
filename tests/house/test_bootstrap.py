"""The script that turns a fresh clone into a working program."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap

ROOT = Path(__file__).resolve().parents[2]


def test_missing_names_the_package_of_each_library_that_does_not_load() -> None:
    libraries = {"libhere.so.1": "libhere1", "libaway.so.2": "libaway2"}
    assert bootstrap.missing(libraries, have="libhere.so.1".__eq__) == {"libaway.so.2": "libaway2"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a Linux library")
def test_a_library_that_no_machine_has_does_not_load() -> None:
    assert bootstrap.loads("libc.so.6")
    assert not bootstrap.loads("libpartwise-does-not-exist.so.9")


def test_install_line_is_sorted_and_says_each_package_once() -> None:
    assert bootstrap.install_line(["b", "a", "b"]) == "sudo apt-get install a b"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux libraries")
@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        ({"apt-get"}, "sudo apt-get install libxcb-cursor0 xvfb"),
        (set(), "libxcb-cursor.so.0"),
    ],
)
def test_without_rights_the_missing_packages_are_named_and_work_goes_on(
    programs: set[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def which(name: str) -> str | None:
        return name if name in programs else None

    monkeypatch.setattr(bootstrap, "loads", "libxcb-cursor.so.0".__ne__)
    monkeypatch.setattr(bootstrap, "is_root", bool)  # bool() is False: nobody's rights
    monkeypatch.setattr("shutil.which", which)
    bootstrap.ensure_libraries(xvfb=True)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert any(line.endswith(expected) for line in lines)
    assert "off screen" in lines[-1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("3.11 True\n", ((3, 11), True)),
        ("3.12 False", ((3, 12), False)),
        ("", None),
        ("pyenv: no such command", None),
        ("3.x True", None),
    ],
)
def test_only_a_version_and_a_yes_or_no_are_taken_for_the_answer_of_an_interpreter(
    answer: str, expected: object
) -> None:
    assert bootstrap.parse_probe(answer) == expected


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        ([("old", ((3, 9), True)), ("good", ((3, 11), True))], "good"),
        ([("bare", ((3, 11), False)), ("whole", ((3, 12), True))], "whole"),
        ([("future", ((3, 99), True)), ("bare", ((3, 12), False))], "bare"),
        ([("future", ((3, 99), True)), ("broken", None)], "future"),
        ([("first", ((3, 11), True)), ("second", ((3, 13), True))], "first"),
        ([("old", ((3, 10), True)), ("broken", None)], None),
    ],
)
def test_the_first_whole_interpreter_of_a_tried_version_is_chosen(
    answers: list[tuple[str, tuple[tuple[int, int], bool] | None]], chosen: str | None
) -> None:
    assert bootstrap.choose_python(answers) == chosen


def test_settings_of_tools_do_not_renew_the_environment() -> None:
    base = '[project]\nname = "x"\n[tool.hatch.build]\na = 1\n'
    key = bootstrap.project_key(base)
    assert bootstrap.project_key(base + "[tool.ruff]\nline-length = 9\n") == key
    assert bootstrap.project_key(base.replace('"x"', '"y"')) != key
    assert bootstrap.project_key(base.replace("a = 1", "a = 2")) != key


def test_an_environment_without_its_stamp_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = tmp_path / "stamp.json"
    monkeypatch.setattr(bootstrap, "STAMP", stamp)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    assert bootstrap.read_stamp() is None
    stamp.write_text('{"prefix": "elsew', "utf-8")
    assert bootstrap.read_stamp() is None
    stamp.write_text('{"prefix": "elsewhere"}', "utf-8")
    assert bootstrap.read_stamp() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays have no names here")
def test_a_display_counts_only_when_something_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_X_SOCKET", str(tmp_path / "X{}"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "X7"))
        server.listen()
        assert bootstrap.display_answers({"DISPLAY": ":7.0"})
        assert not bootstrap.display_answers({"DISPLAY": ":8"})
    assert not bootstrap.display_answers({})
    assert not bootstrap.display_answers({"DISPLAY": "nonsense"})
    assert not bootstrap.display_answers({"WAYLAND_DISPLAY": "w", "XDG_RUNTIME_DIR": str(tmp_path)})


def test_packages_of_other_pythons_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.sep)
    monkeypatch.setenv("PYTHONHOME", os.sep)
    env = bootstrap.child_environment({"A": "1"})
    assert not {"PYTHONPATH", "PYTHONHOME"} & set(env)
    assert env["A"] == "1"


def test_an_unknown_bench_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(bootstrap.Trouble, match="no bench 'nothing'"):
        bootstrap.main(["bench", "nothing"])


def test_make_help_names_every_verb() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    shown = subprocess.run(
        [sys.executable, str(ROOT / "packaging" / "bootstrap.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for verb in ("setup", "run", "test", "check", "bench", "package"):
        assert f"\n{verb}:" in text
        assert f"make {verb}" in text
        assert ("freeze" if verb == "package" else verb) in shown


def test_freezing_says_what_the_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(bootstrap, "setup", nothing)
    monkeypatch.setattr("shutil.which", nothing)
    monkeypatch.setattr(bootstrap, "is_root", bool)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(bootstrap.Trouble, match="sudo apt-get install binutils"):
        bootstrap.freeze([])
