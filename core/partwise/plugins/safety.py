"""Which plugin brought the last start down? Notes that a crash leaves behind.

A plugin that takes the whole process with it cannot be caught by ``except``. So a note with its
name lies in the state folder while it is being loaded; a note whose process is gone was left by
a crash, and the next start skips that plugin and says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from partwise.folders import state_folder
from partwise.processes import alive, born

__all__ = ["left_over", "loading"]

_PREFIX = "loading-"


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
