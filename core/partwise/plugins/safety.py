"""Which plugin brought the last start down? Notes that a crash leaves behind.

A plugin that takes the whole process with it cannot be caught by ``except``. So a note with its
name lies in the state folder while it is being loaded; a note whose process is gone was left by
a crash, and the next start skips that plugin and says so.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["alive", "born", "left_over", "loading", "state_folder"]

_PREFIX = "loading-"


def state_folder() -> Path:
    """Return the folder for what a session leaves behind: autosaves, logs, crash notes.

    ``PARTWISE_STATE`` overrides the platform's place. The folder may not exist yet.
    """
    asked = os.environ.get("PARTWISE_STATE")
    if asked:
        return Path(asked)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "Partwise"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Partwise"
    # The XDG base directory specification ignores relative paths.
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local/state") / "partwise"


@contextmanager
def loading(name: str) -> Iterator[None]:
    """Keep a note of `name` in the state folder while the block runs.

    Where the folder cannot be written there is no note, and the block runs all the same.
    """
    note = state_folder() / f"{_PREFIX}{os.getpid()}.json"
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        pid = os.getpid()
        note.write_text(json.dumps({"plugin": name, "pid": pid, "born": born(pid)}), "utf-8")
    except OSError:
        pass
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)


def left_over() -> frozenset[str]:
    """Return the plugins that processes now gone were loading; their notes are cleared."""
    found = set()
    try:
        notes = sorted(state_folder().glob(f"{_PREFIX}*.json"))
    except OSError:
        return frozenset()
    for note in notes:
        try:
            about = json.loads(note.read_text("utf-8"))
            name, running = (
                str(about["plugin"]),
                alive(int(about["pid"]), str(about.get("born", ""))),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            name, running = "", False
        if running:
            continue
        if name:
            found.add(name)
        try:
            note.unlink(missing_ok=True)
        except OSError:
            continue
    return frozenset(found)


def born(pid: int) -> str:
    """Return what tells a process from a later one of the same number; empty where nobody knows."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
        # The name, in brackets, may hold anything; the start is the 20th word behind it (proc(5)).
        start = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return f"{boot}-{start[19]}"
    except (OSError, ValueError, IndexError):
        return ""


def alive(pid: int, was_born: str = "") -> bool:
    """Whether a process with this number exists.

    After a restart of the machine another process may have the number: with `was_born`, what
    `born` said of it, it does not count.
    """
    if not _exists(pid):
        return False
    now = born(pid) if was_born else ""
    return not now or now == was_born


def _exists(pid: int) -> bool:
    if pid <= 0:
        return False
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if handle:
            kernel.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # OverflowError: no number of a process
        return False
    except PermissionError:
        return True
    return True
