"""Are inputs found again, and is a crashed session's work?"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from partwise.data.fingerprint import fingerprint
from partwise.plugins import safety
from partwise.processes import born
from partwise.project import recovery
from partwise.project.document import Choices, Source, State
from partwise.project.links import resolve_input
from partwise.project.store import load


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "work" / "slides"
    folder.mkdir(parents=True)
    path = folder / "a.txt"
    path.write_text("some content")
    return Source("s", "pebble", "A", fingerprint(path), relative="slides/a.txt")


def test_an_input_is_found_where_it_was(source: Source, tmp_path: Path) -> None:
    found = resolve_input(source, tmp_path / "work" / "p.partwise")
    assert (found.state, found.path) == ("found", Path(source.file.path))


def test_an_input_that_moved_with_its_project_is_found(source: Source, tmp_path: Path) -> None:
    (tmp_path / "work").rename(tmp_path / "elsewhere")
    found = resolve_input(source, tmp_path / "elsewhere" / "p.partwise")
    assert (found.state, found.path) == ("moved", tmp_path / "elsewhere/slides/a.txt")


def test_a_changed_input_is_said_even_at_the_same_size(source: Source, tmp_path: Path) -> None:
    path = Path(source.file.path)
    path.write_text("same  length")
    os.utime(path, ns=(0, source.file.mtime_ns + 1))
    assert resolve_input(source, tmp_path / "work" / "p.partwise").state == "changed"


def test_a_missing_input_is_said(source: Source, tmp_path: Path) -> None:
    Path(source.file.path).unlink()
    assert resolve_input(source, tmp_path / "work" / "p.partwise").path is None


def _gone() -> int:
    child = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    return int(child.stdout)


def test_a_living_session_is_no_orphan_a_dead_one_is(tmp_path: Path) -> None:
    saved = recovery.Autosave(tmp_path)
    path = saved.write(State(choices=Choices(notes="unsaved work")), tmp_path / "x.partwise")
    assert recovery.orphans(tmp_path) == []
    note = path.with_suffix(".json")
    note.write_text(json.dumps({**json.loads(note.read_text()), "pid": _gone()}))
    (orphan,) = recovery.orphans(tmp_path)
    assert orphan.project == tmp_path / "x.partwise"
    assert load(orphan.path).state.choices.notes == "unsaved work"
    orphan.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_session_leaves_nothing(tmp_path: Path) -> None:
    saved = recovery.Autosave(tmp_path)
    saved.write(State())
    saved.write(State())
    saved.clear()
    assert list(tmp_path.iterdir()) == []


def test_the_second_window_learns_who_holds_the_project(tmp_path: Path) -> None:
    first = recovery.ProjectLock(tmp_path / "p.partwise")
    second = recovery.ProjectLock(tmp_path / "p.partwise")
    assert first.take() is None
    holder = second.take()
    assert holder is not None
    assert (holder.pid, holder.host) == (os.getpid(), socket.gethostname())
    second.release()
    assert second.take() is not None  # one that was not ours is not given back
    first.release()
    assert second.take() is None


@pytest.mark.skipif(not born(os.getpid()), reason="this system does not tell")
def test_another_process_of_the_same_number_holds_nothing(tmp_path: Path) -> None:
    """After the machine was started again, the number may be anybody's."""
    before = {"pid": os.getpid(), "host": socket.gethostname(), "born": "another-1"}
    (tmp_path / ".p.partwise.lock").write_text(json.dumps(before))
    assert recovery.ProjectLock(tmp_path / "p.partwise").take() is None
    path = recovery.Autosave(tmp_path).write(State())
    assert recovery.orphans(tmp_path) == []
    path.with_suffix(".json").write_text(json.dumps(before))
    assert [orphan.path for orphan in recovery.orphans(tmp_path)] == [path]


def test_a_lock_of_a_dead_process_counts_for_nothing(tmp_path: Path) -> None:
    note = {"pid": _gone(), "host": socket.gethostname()}
    (tmp_path / ".p.partwise.lock").write_text(json.dumps(note))
    assert recovery.ProjectLock(tmp_path / "p.partwise").take() is None


def test_a_crash_while_loading_is_remembered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path))
    with safety.loading("careful"):
        assert safety.left_over() == frozenset()  # we are alive
    note = {"plugin": "wild", "pid": _gone()}
    (tmp_path / "loading-1.json").write_text(json.dumps(note))
    assert safety.left_over() == {"wild"}
    assert safety.left_over() == frozenset()
