"""How does a project reach the disk and come back? A ZIP that is replaced as a whole.

Members are stored, not deflated: ``mimetype`` first, ``project.json``, ``provenance.json``,
``arrays/<sha256>.npy``, ``thumb.png``, and ``manifest.json`` last with the size and SHA-256 of
each. Whoever opens a file from a stranger relies on the checks in `_Archive`: nothing is believed
before its size, name and hash are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from partwise.errors import FileProblem
from partwise.project import arrays
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

MIMETYPE = "application/x-partwise"
SCHEMA = 1  # what this version writes
READER = 1  # the oldest schema whose reader understands what this version writes

_OLD = (1980, 1, 1, 0, 0, 0)  # ZIP's epoch: the same project gives the same bytes
_ARRAY = re.compile(r"arrays/([0-9a-f]{64})\.npy")
_FIXED = frozenset({"mimetype", "project.json", "provenance.json", "thumb.png", "manifest.json"})
_MOST_MEMBERS = 20_000
_MOST_JSON = 64 << 20  # bytes
_MOST_THUMB = 8 << 20
_MOST_TOTAL = 16 << 30
_DEEPEST_JSON = 60
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


@dataclass(frozen=True)
class Finding:
    """Something wrong with one member of a project."""

    member: str
    what: str


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
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".tmp", dir=path.parent)
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
    with _opened(path) as archive:
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
    with _opened(Path(path)) as archive:
        findings = archive.check()
        if findings:
            return findings
        for name in sorted(archive.names):
            try:
                if _ARRAY.fullmatch(name):
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


# --- reading --------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[_Archive]:
    if path.is_dir():
        raise FileProblem(path, "is a folder", fix="name a .partwise file")
    try:
        with path.open("rb") as file:
            try:
                archive = _Archive(file)
            except (
                zipfile.BadZipFile,
                NotImplementedError,
                ValueError,
                struct.error,
                OverflowError,
            ) as error:
                what = f"is no Partwise project, or a damaged one ({error})"
                raise FileProblem(path, what, fix=f"try {_backup(path).name}") from error
            yield archive
    except FileNotFoundError as error:
        raise FileProblem(path, "there is no such file", fix="check the path") from error
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise FileProblem(path, what, fix="check its permissions") from error


class _Archive:
    """A ZIP whose directory has been checked; raises `ValueError` where it is not ours."""

    def __init__(self, file: IO[bytes]) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        # The end record counts the members before any of them is parsed.
        self._zip = zipfile.ZipFile(file)
        entries = self._zip.infolist()
        if len(entries) > _MOST_MEMBERS:
            msg = f"it has {len(entries)} members"
            raise ValueError(msg)
        self.names = {entry.filename for entry in entries}
        if len(self.names) != len(entries):
            msg = "it has two members of one name"
            raise ValueError(msg)
        for entry in entries:
            self._check_entry(entry)
        if sum(entry.file_size for entry in entries) > min(size, _MOST_TOTAL):
            msg = "its members claim more bytes than the file has"
            raise ValueError(msg)
        if not entries or entries[0].filename != "mimetype":
            msg = "its first member is not the mimetype"
            raise ValueError(msg)
        if self.read("mimetype") != MIMETYPE.encode():
            msg = "its mimetype is another"
            raise ValueError(msg)

    @staticmethod
    def _check_entry(entry: zipfile.ZipInfo) -> None:
        name = entry.filename
        limits = {"mimetype": 64, "thumb.png": _MOST_THUMB}
        limit = _MOST_JSON if name.endswith(".json") else limits.get(name, _MOST_TOTAL)
        if name not in _FIXED and not _ARRAY.fullmatch(name):
            msg = f"it has a member {name[:60]!r}"
        elif entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            msg = f"{name} is compressed"
        elif entry.flag_bits & 0x1:
            msg = f"{name} is encrypted"
        elif entry.file_size > limit:
            msg = f"{name} is too large"
        else:
            return
        raise ValueError(msg)

    def check(self) -> list[Finding]:
        """Compare each member with the manifest."""
        try:
            manifest = self.json("manifest.json")
        except (ValueError, RecursionError) as error:
            return [Finding("manifest.json", str(error))]
        findings = [
            Finding(name, "is missing") for name in sorted(manifest.keys() - self.names)
        ] + [
            Finding(name, "is not in the manifest")
            for name in sorted(self.names - manifest.keys() - {"manifest.json"})
        ]
        for name in sorted(manifest.keys() & self.names):
            said = manifest[name]
            try:
                data = self.read(name)
            except ValueError as error:
                findings.append(Finding(name, str(error)))
                continue
            digest = hashlib.sha256(data).hexdigest()
            if said != {"size": len(data), "sha256": digest}:
                findings.append(Finding(name, "is not what was saved"))
        if "project.json" not in manifest:
            findings.append(Finding("project.json", "is missing"))
        return findings

    def read(self, name: str) -> bytes:
        try:
            return self._zip.read(name)
        except KeyError as error:
            msg = "is missing"
            raise ValueError(msg) from error
        except (zipfile.BadZipFile, EOFError, NotImplementedError, struct.error) as error:
            raise ValueError(str(error)) from error

    def json(self, name: str) -> dict[str, Any]:
        data = self.read(name)
        _check_depth(data)
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        if not isinstance(value, dict):
            msg = f"{name} holds no object"
            raise ValueError(msg)
        return value

    def array(self, digest: str) -> NDArray[Any]:
        name = f"arrays/{digest}.npy"
        if name not in self.names:
            raise KeyError(digest)
        data = self.read(name)
        if hashlib.sha256(data).hexdigest() != digest:
            msg = f"{name} is not what its name says"
            raise ValueError(msg)
        return arrays.unpack(data)


def _versions(data: Mapping[str, Any]) -> tuple[int, int]:
    schema, reader = data.get("schema"), data.get("reader")
    if type(schema) is not int or type(reader) is not int or schema < 1:
        msg = "it does not say which version it is"
        raise ValueError(msg)
    return schema, reader


def _no_constant(name: str) -> float:
    msg = f"JSON has no number {name}"
    raise ValueError(msg)


def _check_depth(data: bytes) -> None:
    """Refuse deep nesting before the recursive parser meets it; text may hold brackets too."""
    depth = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', data):
        sign = token.group()[:1]
        if sign in b"[{":
            depth += 1
            if depth > _DEEPEST_JSON:
                msg = "its JSON is nested too deeply"
                raise ValueError(msg)
        elif sign in b"]}":
            depth -= 1
