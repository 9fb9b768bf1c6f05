"""How does a project reach the disk and come back? A ZIP that is replaced as a whole.

Members are stored, not deflated: ``mimetype`` first, ``project.json``, ``provenance.json``,
``arrays/<sha256>.npy``, ``thumb.png``, and ``manifest.json`` last with the size and SHA-256 of
each. Whoever opens a file from a stranger relies on the checks in `partwise.project.archive`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from partwise.errors import FileProblem
from partwise.plugins.safety import alive
from partwise.project import arrays
from partwise.project.archive import ARRAY, MIMETYPE, MOST_JSON, MOST_MEMBERS, Finding, opened
from partwise.project.codec import Malformed, decode_state, encode_state
from partwise.project.document import State

__all__ = [
    "MIMETYPE",
    "READER",
    "SCHEMA",
    "Finding",
    "Loaded",
    "load",
    "save",
    "unwritable",
    "verify",
]

SCHEMA = 1  # what this version writes
READER = 1  # the oldest schema whose reader understands what this version writes

_OLD = (1980, 1, 1, 0, 0, 0)  # ZIP's epoch: the same project gives the same bytes
_CONTAINER = frozenset({"schema", "reader", "partwise"})


@dataclass(frozen=True, eq=False)
class Loaded:
    """A project as read.

    Attributes
    ----------
    state : State
    schema : int
        Version of the file's layout.
    thumb : bytes or None
        PNG.
    warnings : tuple of str
        What a person should know, such as that the file was written by a newer version.
    """

    state: State
    schema: int
    thumb: bytes | None = None
    warnings: tuple[str, ...] = ()


def save(state: State, path: str | Path, *, thumb: bytes | None = None) -> None:
    """Write a project, replacing `path` as a whole; the file before becomes ``.bak``.

    Parameters
    ----------
    state : State
        Links to inputs are written relative to `path` as well.
    path : path
    thumb : bytes, optional
        PNG for file browsers.

    Raises
    ------
    FileProblem
        The folder cannot be written or the disk is full; `path` is then as it was.
    """
    path = Path(path).resolve()  # through a link, not in its place
    members = _members(_relative(state, path), thumb)
    too_large = any(len(d) > MOST_JSON for name, d in members.items() if name.endswith(".json"))
    if too_large or len(members) > MOST_MEMBERS:
        raise FileProblem(path, "would be too large to be read again", fix="remove some runs")
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


def load(path: str | Path) -> Loaded:
    """Read a project.

    Raises
    ------
    FileProblem
        The file is missing, damaged, no project, or written for a newer reader.
    """
    path = Path(path)
    with opened(path) as archive:
        findings = archive.check()
        if findings:
            first = findings[0]
            raise FileProblem(
                path,
                f"is damaged ({first.member}: {first.what})",
                fix=f"open {_backup(path).name} or an autosaved copy",
            )
        try:
            data = archive.json("project.json")
            schema, reader = _versions(data)
            if reader > SCHEMA:
                raise FileProblem(
                    path,
                    f"was written by Partwise {data.get('partwise', '?')} for readers of "
                    f"schema {reader} and newer; this version reads up to schema {SCHEMA}",
                    fix="update Partwise",
                )
            state = decode_state(data, archive.array, other=_CONTAINER)
        except (Malformed, ValueError, KeyError, RecursionError, OverflowError) as error:
            if isinstance(error, FileProblem):
                raise
            raise FileProblem(
                path, f"is damaged ({error})", fix=f"open {_backup(path).name}"
            ) from error
        thumb = archive.read("thumb.png") if "thumb.png" in archive.names else None
    newer = schema > SCHEMA
    note = f"written by a newer Partwise (schema {schema}); what is new in it is kept but not shown"
    return Loaded(state, schema, thumb, (note,) if newer else ())


def verify(path: str | Path) -> list[Finding]:
    """Check each member against the manifest; an empty list means that the file is whole.

    Raises
    ------
    FileProblem
        The file is missing or no project at all.
    """
    with opened(Path(path)) as archive:
        findings = archive.check()
        if findings:
            return findings
        for name in sorted(archive.names):
            try:
                if ARRAY.fullmatch(name):
                    arrays.unpack(archive.read(name))
                elif name.endswith(".json"):
                    archive.json(name)
            except (ValueError, RecursionError) as error:
                findings.append(Finding(name, str(error)))
    if not findings:
        try:
            load(path)
        except FileProblem as problem:
            findings.append(Finding("project.json", problem.what))
    return findings


# --- writing --------------------------------------------------------------------------------


def _members(state: State, thumb: bytes | None) -> dict[str, bytes]:
    import partwise

    stored: dict[str, bytes] = {}
    # Arrays do not change once they are in a result, so one that is seen again is not packed again.
    seen: dict[int, tuple[str, NDArray[Any]]] = {}

    def keep(array: NDArray[Any]) -> str:
        if id(array) not in seen:
            data = arrays.pack(array)
            digest = hashlib.sha256(data).hexdigest()
            stored[f"arrays/{digest}.npy"] = data
            seen[id(array)] = (digest, array)
        return seen[id(array)][0]

    head = {"schema": SCHEMA, "reader": READER, "partwise": partwise.__version__}
    project = {**head, **encode_state(state, keep)}
    record = {run["id"]: run["result"]["provenance"] for run in project["runs"]}
    members = {
        "mimetype": MIMETYPE.encode(),
        "project.json": _dump(project),
        "provenance.json": _dump(record),
        **dict(sorted(stored.items())),
    }
    if thumb is not None:
        members["thumb.png"] = thumb
    members["manifest.json"] = _dump(
        {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
        }
    )
    return members


def _dump(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1).encode()


def _write_zip(file: IO[bytes], members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            about = zipfile.ZipInfo(name, _OLD)
            about.external_attr = 0o644 << 16
            archive.writestr(about, data)


def _relative(state: State, path: Path) -> State:
    folder = path.resolve().parent
    sources = []
    for source in state.sources:
        try:
            relative = Path(os.path.relpath(source.file.path, folder)).as_posix()
        except ValueError:  # another drive
            relative = ""
        sources.append(dataclasses.replace(source, relative=relative))
    return dataclasses.replace(state, sources=tuple(sources))


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
    backup, fresh = _backup(path), path.with_name(f".{path.name}.bak.tmp")
    fresh.unlink(missing_ok=True)
    try:
        os.link(path, fresh)
    except OSError:  # file systems without links
        shutil.copyfile(path, fresh)
    os.replace(fresh, backup)


def _backup(path: Path) -> Path:
    return path.with_name(path.name + ".bak")


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


def unwritable(path: Path, error: OSError) -> FileProblem:
    """Return the problem to raise where a project cannot be written."""
    return FileProblem(
        path,
        f"cannot be saved ({error.strerror or error})",
        fix="the file before is untouched; save to another folder",
    )


def _versions(data: Mapping[str, Any]) -> tuple[int, int]:
    schema, reader = data.get("schema"), data.get("reader")
    if type(schema) is not int or type(reader) is not int or schema < 1:
        msg = "it does not say which version it is"
        raise ValueError(msg)
    return schema, reader
