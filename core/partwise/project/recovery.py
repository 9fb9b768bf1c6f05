"""What is left after a crash, and who else has this project open?"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partwise.folders import state_folder
from partwise.processes import alive, born
from partwise.project import store
from partwise.project.document import State
from partwise.project.writing import backup_of

__all__ = ["Autosave", "Holder", "Orphan", "ProjectLock", "orphans"]

_MOST_NOTE = 1 << 16  # bytes


@dataclass(frozen=True)
class Orphan:
    """Work that a session left when it ended without closing.

    Attributes
    ----------
    path : Path
        The autosaved project.
    project : Path or None
        The file it belongs to; None where it was never saved.
    saved : datetime
        When it was written, in local time.
    """

    path: Path
    project: Path | None
    saved: dt.datetime

    def discard(self) -> None:
        """Remove the autosaved project and its note."""
        self.path.unlink(missing_ok=True)
        _note_of(self.path).unlink(missing_ok=True)


@dataclass(frozen=True)
class Holder:
    """Who has a project open."""

    pid: int
    host: str


class Autosave:
    """The autosaved copy of one session's project, in the user's state folder.

    Parameters
    ----------
    folder : Path, optional
        By default ``autosave`` in the state folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _folder()
        self._path = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}.partwise"

    def write(self, state: State, project: Path | None = None) -> Path:
        """Save a copy and note whose it is; raises `FileProblem`."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The note first: a copy without one would be nobody's and never be found.
            about = {**_me(), "project": str(project) if project else ""}
            _note_of(self._path).write_text(json.dumps(about), "utf-8")
        except OSError as error:
            raise store.unwritable(self._path, error) from error
        store.save(state, self._path)
        backup_of(self._path).unlink(missing_ok=True)
        return self._path

    def clear(self) -> None:
        """Remove the copy: the project is saved, or was closed on purpose."""
        for path in (self._path, backup_of(self._path), _note_of(self._path)):
            path.unlink(missing_ok=True)


def orphans(folder: Path | None = None) -> list[Orphan]:
    """Return what sessions of this machine that are gone have left, the newest first."""
    found = []
    for path in sorted((folder or _folder()).glob("*.partwise")):
        about = _read_note(_note_of(path))
        if about is None or _is_alive(about):
            continue
        saved = dt.datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        project = str(about.get("project") or "")
        found.append(Orphan(path, Path(project) if project else None, saved))
    return sorted(found, key=lambda orphan: orphan.saved, reverse=True)


class ProjectLock:
    """Says beside a project that it is open here, so that a second window opens it read-only.

    A lock whose process is gone from this machine counts for nothing; one of another machine
    counts, since nobody here can tell.
    """

    def __init__(self, project: Path) -> None:
        self._path = project.with_name(f".{project.name}.lock")
        self._held = False

    def take(self) -> Holder | None:
        """Take the lock, or return who holds it. A folder that cannot be written has no locks."""
        for _ in range(2):
            try:
                with self._path.open("x", encoding="utf-8") as file:
                    json.dump(_me(), file)
            except FileExistsError:
                about = _read_note(self._path)
                if about is not None and _is_alive(about):
                    return Holder(int(about["pid"]), str(about["host"]))
                self._path.unlink(missing_ok=True)
            except OSError:
                return None
            else:
                self._held = True
                return None
        return None

    def release(self) -> None:
        """Give the lock back, if it is ours."""
        if self._held:
            self._path.unlink(missing_ok=True)
            self._held = False


def _folder() -> Path:
    return state_folder() / "autosave"


def _me() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "born": born(os.getpid())}


def _is_alive(about: dict[str, Any]) -> bool:
    here = about["host"] == socket.gethostname()
    return not here or alive(about["pid"], str(about.get("born", "")))


def _read_note(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            about = json.loads(file.read(_MOST_NOTE).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    sound = (
        isinstance(about, dict)
        and type(about.get("pid")) is int
        and isinstance(about.get("host"), str)
    )
    return about if sound else None


def _note_of(path: Path) -> Path:
    return path.with_suffix(".json")
