"""How is a file replaced so that no moment is without a whole one? Beside it, then in its place.

A temporary file in the same folder, fsync, the file before as ``.bak``, replace, fsync of the
folder. A process that is killed leaves a temporary file, which the next save clears.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from partwise.errors import FileProblem
from partwise.processes import alive

__all__ = ["Content", "Embedded", "backup_of", "replace_zip", "unwritable"]

_OLD = (1980, 1, 1, 0, 0, 0)  # ZIP's epoch: the same project gives the same bytes
_BLOCK = 1 << 20


class Embedded:
    """A file on disk that becomes a member, read piece by piece and checked against its hash."""

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path = path
        self.sha256 = sha256
        self.size = size

    def write(self, member: IO[bytes]) -> None:
        """Copy the file into an open member; raises `FileProblem` where it has changed."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                member.write(block)
        if digest.hexdigest() != self.sha256:
            raise FileProblem(self.path, "changed while it was packed", fix="save again")


Content = bytes | memoryview | Embedded


def replace_zip(path: Path, members: Mapping[str, Content]) -> None:
    """Write members, stored, and put the file in the place of `path`.

    Raises
    ------
    FileProblem
        The folder cannot be written or the disk is full; `path` is then as it was.
    """
    try:
        _clear_leftovers(path)
        prefix = f"{_temporary_prefix(path)}{os.getpid()}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _write_zip(file, members)
            file.flush()
            os.fsync(file.fileno())
        _take_over_mode(path, temporary)
        _keep_backup(path)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def backup_of(path: Path) -> Path:
    """Return where the file before is kept."""
    return path.with_name(path.name + ".bak")


def unwritable(path: Path, error: OSError) -> FileProblem:
    """Return the problem to raise where a project cannot be written."""
    return FileProblem(
        path,
        f"cannot be saved ({error.strerror or error})",
        fix="the file before is untouched; save to another folder",
    )


def _write_zip(file: IO[bytes], members: Mapping[str, Content]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            about = zipfile.ZipInfo(name, _OLD)
            about.external_attr = 0o644 << 16
            if isinstance(content, Embedded):
                about.file_size = content.size  # so that a large one is announced as such
                with archive.open(about, "w") as member:
                    content.write(member)
            else:
                archive.writestr(about, content)


def _temporary_prefix(path: Path) -> str:
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    return f".{path.name}-{host}-"


def _clear_leftovers(path: Path) -> None:
    """Remove what processes of this machine that were killed while saving left behind."""
    prefix = _temporary_prefix(path)
    for entry in os.scandir(path.parent):
        if entry.name.startswith(prefix) and entry.name.endswith(".tmp"):
            pid = entry.name.removeprefix(prefix).partition("-")[0]
            if pid.isdigit() and not alive(int(pid)):
                Path(entry.path).unlink(missing_ok=True)


def _take_over_mode(path: Path, temporary: Path) -> None:
    # mkstemp makes files that only their owner reads; a project keeps the mode it has.
    if path.exists():
        mode = path.stat().st_mode & 0o777
    else:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    with contextlib.suppress(OSError):  # shares without permissions
        temporary.chmod(mode)


def _keep_backup(path: Path) -> None:
    """Let the file before be ``.bak``, without a moment in which `path` is missing."""
    if not path.exists():
        return
    backup, fresh = backup_of(path), path.with_name(f".{path.name}.bak.tmp")
    fresh.unlink(missing_ok=True)
    try:
        os.link(path, fresh)
    except OSError:  # file systems without links
        shutil.copyfile(path, fresh)
    os.replace(fresh, backup)
    # Where a kill came right here before, both names are one file already: POSIX then renames
    # nothing and keeps both.
    fresh.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Some network file systems refuse; the replacement itself is done by then.
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
