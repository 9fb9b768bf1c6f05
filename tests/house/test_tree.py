"""What the files of the repository themselves must be."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_BINARY = {".png", ".jpg", ".jpeg", ".otf", ".ttf", ".tif", ".tiff", ".svs", ".npy", ".npz", ".ico"}
_BINARY |= {".partwise", ".gz", ".zip", ".flac"}

# Places of one machine; the file that says so is the only one to contain them.
_MACHINE = re.compile(r"(?<![\w.~-])/(work|root|home/\w+|Users/\w+|opt|var/tmp)/")
_TEMPORARY = re.compile(r"(?<![\w.~-])/tmp/(?!\.X11-unix)")


# Where a package comes from is the machine's business, and papers for planning are not the product.
_ELSEWHERE = re.compile(r"pythonhosted\.org|pypi\.org|shared/design")


def _files() -> list[Path]:
    if shutil.which("git") is None:
        pytest.skip("there is no git to list the files")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def _texts() -> list[tuple[str, str]]:
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
        for path in _files()
        if path.suffix.lower() not in _BINARY and path != Path(__file__)
    ]


def test_no_file_speaks_of_one_machine() -> None:
    found = []
    for name, text in _texts():
        for number, line in enumerate(text.splitlines(), 1):
            temporary = _TEMPORARY.search(line) and not name.startswith("tests/")
            if temporary or _MACHINE.search(line) or _ELSEWHERE.search(line):
                found.append(f"{name}:{number}: {line.strip()[:80]}")
    assert not found, "\n".join(found)


def test_text_files_end_with_one_newline_and_have_no_carriage_returns() -> None:
    wrong = [
        name
        for name, text in _texts()
        if text and ("\r" in text or not text.endswith("\n") or text.endswith("\n\n"))
    ]
    assert not wrong


def test_no_file_is_large() -> None:
    large = [path.relative_to(ROOT) for path in _files() if path.stat().st_size > 4_000_000]
    assert not large


def test_nothing_read_from_disk_is_unpickled() -> None:
    pattern = re.compile(r"allow_pickle\s*=\s*True|\b(?:dill|joblib)\b|\bpickle\.load\b")
    found = [
        name
        for name, text in _texts()
        if name.startswith(("core/", "app/", "plugins/"))
        and name.endswith(".py")
        and pattern.search(text)
    ]
    assert not found


def _lock_entries(name: str = "requirements.lock") -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return re.split(r"\n(?=\S)", body.strip())


@pytest.mark.parametrize(
    ("lock", "least"), [("requirements.lock", 20), ("packaging/requirements-package.lock", 3)]
)
def test_every_locked_package_is_pinned_and_hashed_and_names_no_host(lock: str, least: int) -> None:
    entries = _lock_entries(lock)
    assert len(entries) >= least
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==[^\s\\]+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
        assert "://" not in entry
    assert not [e for e in entries if e.startswith("-")]


def test_the_lock_holds_every_dependency() -> None:
    locked = {entry.split("==")[0].lower().replace("_", "-") for entry in _lock_entries()}
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = [*table["project"]["dependencies"], *table["dependency-groups"]["dev"]]
    names = {re.split(r"[<>=!~;\[ ]", one)[0].lower().replace("_", "-") for one in asked}
    assert names <= locked


def test_what_freezes_the_program_stays_out_of_the_environment() -> None:
    frozen = {
        entry.split("==")[0] for entry in _lock_entries("packaging/requirements-package.lock")
    }
    working = {entry.split("==")[0] for entry in _lock_entries()}
    assert "pyinstaller" in frozen
    assert "pyinstaller" not in working


def test_every_bench_says_what_it_shows_and_how_it_is_run() -> None:
    benches = sorted((ROOT / "tests" / "bench").glob("*.py"))
    assert benches
    for path in benches:
        said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        assert said, path.name
        assert path.name.startswith("_") or path.name in said, f"how is {path.name} run?"


def test_the_overview_of_benches_names_each_of_them() -> None:
    overview = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`make bench NAME=(\w+)`", overview)
    assert sorted(named) == sorted(path.stem for path in (ROOT / "tests/bench").glob("[!_]*.py"))


def test_fonts_come_with_their_licence_and_carry_the_family_name() -> None:
    folder = ROOT / "resources" / "partwise_resources" / "fonts"
    licence = (folder / "OFL.txt").read_text("utf-8")
    assert licence.startswith("Copyright 2016-2022 The Inter Project Authors")
    assert "SIL OPEN FONT LICENSE" in licence
    fonts = sorted(path.name for path in folder.glob("*.otf"))
    assert fonts == ["Inter-Medium.otf", "Inter-Regular.otf", "Inter-SemiBold.otf"]
    for name in fonts:
        data = (folder / name).read_bytes()
        assert data[:4] == b"OTTO"
        assert "Inter".encode("utf-16-be") in data


def test_licence_files_named_in_the_project_are_there_and_not_empty() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for name in table["project"]["license-files"]:
        assert (ROOT / name).stat().st_size > 500


def test_links_in_the_documents_lead_somewhere() -> None:
    broken = []
    for name, text in _texts():
        if name.endswith(".md"):
            folder = (ROOT / name).parent
            targets = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)[^)]*\)", text)
            broken += [
                f"{name}: {target}"
                for target in targets
                if "://" not in target and not (folder / target).exists()
            ]
    assert not broken


_COUNT = """
import sys
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication(["-"])
widget = QWidget()
widget.setVisible(False)
before = sys.getrefcount(None)
for _ in range(5000):
    widget.setVisible(False)
print(before - sys.getrefcount(None))
"""


def test_calls_into_qt_keep_their_references_to_none() -> None:
    # PySide6 6.12.0 on CPython 3.11 lost one per call, and the interpreter died of it.
    done = subprocess.run(
        [sys.executable, "-c", _COUNT],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100
