"""Does a stranger's plugin load at all? Tried once in a process of its own, with a time limit.

A plugin that loops or ends the process while it is imported cannot be caught by ``except``. So
one that is new here, or has changed, is loaded in a child first, with the modules that its record
names; the answer is kept in the state folder until the plugin changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.machinery
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from partwise.folders import state_folder

__all__ = ["tried"]

_LIMIT_S = 20.0  # unless PARTWISE_PLUGIN_SECONDS says otherwise, for slow machines
_AGAIN_S = 24 * 3600.0  # a refusal may be due to a slow disk: it does not stand for ever
_MOST_FILES = 400
_FILE = "plugins-tried.json"

# One that raises is harmless: it is refused in words when it is loaded, or used. The panel is left
# out: it needs a window.
_CHILD = """
import importlib.metadata, sys
sys.path[:] = {path!r}
try:
    record = importlib.metadata.EntryPoint({name!r}, {value!r}, {group!r}).load()
    names = [*record.analyses, *(reader.load for reader in record.readers)]
    names += [reader.probe for reader in record.readers]
    names += [exporter.write for exporter in record.exporters]
except BaseException:
    names = []
for name in names:
    try:
        importlib.import_module(name.partition(":")[0])
    except BaseException:
        pass
sys.exit(0)
"""


class _Entry(TypedDict):
    """One answer: of which state of the plugin, why not (or empty), and when (s)."""

    mark: str
    reason: str
    at: float


def tried(point: importlib.metadata.EntryPoint, limit_s: float | None = None) -> str:
    """Return why a plugin must not be loaded here, in words; empty where it may."""
    mark = _mark(point)
    known = _read()
    entry = known.get(point.name)
    if entry is not None and entry["mark"] == mark:
        fresh = 0 <= time.time() - entry["at"] < _AGAIN_S
        if not entry["reason"] or fresh:
            return entry["reason"]
    reason = _load_in_child(point, _limit() if limit_s is None else limit_s)
    _write({**_read(), point.name: _Entry(mark=mark, reason=reason, at=time.time())})
    return reason


def _limit() -> float:
    try:
        return max(float(os.environ["PARTWISE_PLUGIN_SECONDS"]), 0.1)
    except (KeyError, ValueError):
        return _LIMIT_S


def _load_in_child(point: importlib.metadata.EntryPoint, limit_s: float) -> str:
    code = _CHILD.format(path=sys.path, name=point.name, value=point.value, group=point.group)
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return (
            f"it did not come to an end of loading within {limit_s:g} s; "
            "it is tried again when it has changed, or tomorrow"
        )
    except OSError:  # no process to be had: as it was before there were trials
        return ""
    if done.returncode == 0:
        return ""
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
    return (
        f"it ended the whole process while it was loaded ({how}); "
        "it is tried again when it has changed, or tomorrow"
    )


def _mark(point: importlib.metadata.EntryPoint) -> str:
    """Return what changes when the plugin does, found out without importing anything of it."""
    state = hashlib.sha256(f"{point.value} {sys.version}".encode())
    if point.dist is not None:
        state.update(f"{point.dist.name} {point.dist.version}".encode())
    for path in _files(point.module.partition(".")[0]):
        with contextlib.suppress(OSError):
            about = path.stat()
            state.update(f"{path} {about.st_mtime_ns} {about.st_size}".encode())
    return state.hexdigest()


def _files(module: str) -> Iterator[Path]:
    spec = importlib.machinery.PathFinder.find_spec(module)
    if spec is None:
        return
    if spec.submodule_search_locations is None:
        if spec.origin:
            yield Path(spec.origin)
        return
    seen = 0
    for folder in spec.submodule_search_locations:
        for path in sorted(Path(folder).rglob("*.py")):
            seen += 1
            if seen > _MOST_FILES:
                return
            yield path


def _read() -> dict[str, _Entry]:
    try:
        told = json.loads((state_folder() / _FILE).read_text("utf-8"))
        return {
            str(name): _Entry(
                mark=str(entry["mark"]), reason=str(entry["reason"]), at=float(entry["at"])
            )
            for name, entry in told.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(known: dict[str, _Entry]) -> None:
    """Keep the answers; where that fails the plugin is tried again next time."""
    path = state_folder() / _FILE
    fresh = path.with_name(f"{_FILE}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(known), "utf-8")
        fresh.replace(path)
