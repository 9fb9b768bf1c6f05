"""How does a project reach the disk and come back? A ZIP that is replaced as a whole.

Members are stored, not deflated: ``mimetype`` first, ``project.json``, ``provenance.json``,
``arrays/<sha256>.npy``, ``inputs/<sha256>`` where inputs are packed, ``thumb.png``, and
``manifest.json`` last with the size and SHA-256 of each. Whoever opens a file from a stranger
relies on the checks in `partwise.project.archive`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from partwise.errors import FileProblem
from partwise.project import arrays
from partwise.project.archive import (
    ARRAY,
    INPUT,
    MIMETYPE,
    MOST_MEMBERS,
    Archive,
    Finding,
    opened,
    readable_json,
    way_out,
)
from partwise.project.codec import Malformed, decode_state, encode_state
from partwise.project.document import State
from partwise.project.migrate import SCHEMA, migrate
from partwise.project.writing import Content, Embedded, replace_zip, unwritable

__all__ = [
    "SCHEMA",
    "Loaded",
    "load",
    "save",
    "unwritable",
    "verify",
]

_READER = 1  # the oldest schema whose reader understands a project that holds no inputs
_INPUTS_READER = 2  # and one that does
_STRAY = "is no member of a project"
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
    packed : frozenset of str
        SHA-256 of the inputs that the file holds.
    look_only : bool
        The file is for newer readers; saving it would lose what only they understand.
    written_by : str
        Version of Partwise.
    """

    state: State
    schema: int
    thumb: bytes | None = None
    warnings: tuple[str, ...] = ()
    packed: frozenset[str] = frozenset()
    look_only: bool = False
    written_by: str = ""


def save(
    state: State,
    path: str | Path,
    *,
    thumb: bytes | None = None,
    inputs: Iterable[Embedded] = (),
) -> None:
    """Write a project, replacing `path` as a whole; the file before becomes ``.bak``.

    Parameters
    ----------
    state : State
        Links to inputs are written relative to `path` as well.
    path : path
    thumb : bytes, optional
        PNG for file browsers.
    inputs : iterable of Embedded, optional
        Files to hold, from `partwise.project.packing.pack`.

    Raises
    ------
    FileProblem
        The folder cannot be written or the disk is full; `path` is then as it was.
    """
    path = Path(path).resolve()  # through a link, not in its place
    members = _members(_relative(state, path), thumb, {entry.sha256: entry for entry in inputs})
    try:
        if len(members) > MOST_MEMBERS:
            raise ValueError
        for name in ("project.json", "provenance.json", "manifest.json"):
            data = members[name]
            assert isinstance(data, bytes)
            readable_json(data)
    except ValueError as error:
        raise FileProblem(
            path, "would be too large to be read again", fix="remove some runs"
        ) from error
    replace_zip(path, members)


def load(path: str | Path, *, look: bool = False) -> Loaded:
    """Read a project.

    Parameters
    ----------
    path : path
    look : bool
        Read a file for newer readers as well, as far as it can be understood.

    Raises
    ------
    FileProblem
        The file is missing, damaged, no project, or written for a newer reader.
    """
    path = Path(path)
    with opened(path) as archive:
        findings = archive.check(every=False)
        if findings:
            raise _damaged(path, f"{findings[0].member}: {findings[0].what}")
        try:
            return _read(path, archive, look=look)
        except FileProblem:
            raise
        except (Malformed, ValueError, KeyError, RecursionError, OverflowError) as error:
            raise _damaged(path, str(error)) from error


def verify(path: str | Path) -> list[Finding]:
    """Check each member against the manifest; an empty list means that the file is whole.

    A file for newer readers is checked as far as it can be understood.

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
        newer = not findings and _is_newer(archive)
        if not newer:
            findings += [Finding(name[:60], _STRAY) for name in archive.unknown]
    if not findings:
        try:
            load(path, look=newer)
        except FileProblem as problem:
            findings.append(Finding("project.json", problem.what))
    return findings


def _read(path: Path, archive: Archive, *, look: bool) -> Loaded:
    import partwise

    data = archive.json("project.json")
    schema, reader = _versions(data)
    by = str(data.get("partwise", "?"))[:40]
    if reader > SCHEMA and not look:
        raise FileProblem(
            path,
            f"was written by Partwise {by} for readers of schema {reader} and newer; "
            f"this is Partwise {partwise.__version__}, which reads up to schema {SCHEMA}",
            fix="update Partwise, or open it for a look",
        )
    if archive.unknown and not look:
        msg = f"{archive.unknown[0][:60]!r} {_STRAY}"
        raise ValueError(msg)
    state = decode_state(migrate(data, schema), archive.array, other=_CONTAINER)
    note = ""
    if reader > SCHEMA:
        note = (
            f"written by Partwise {by} (schema {schema}), newer than this Partwise "
            f"{partwise.__version__} (schema {SCHEMA}): for a look only; something may be missing"
        )
    elif schema > SCHEMA:
        note = (
            f"written by a newer Partwise ({by}, schema {schema}; this one writes {SCHEMA}); "
            "what is new in it is kept but not shown"
        )
    return Loaded(
        state,
        schema,
        archive.read("thumb.png") if "thumb.png" in archive.names else None,
        (note,) if note else (),
        frozenset(m.group(1) for name in archive.names if (m := INPUT.fullmatch(name))),
        look_only=reader > SCHEMA,
        written_by=by,
    )


def _is_newer(archive: Archive) -> bool:
    try:
        return _versions(archive.json("project.json"))[1] > SCHEMA
    except ValueError:
        return False


def _damaged(path: Path, what: str) -> FileProblem:
    return FileProblem(path, f"is damaged ({what})", fix=way_out(path))


def _members(
    state: State, thumb: bytes | None, inputs: Mapping[str, Embedded]
) -> dict[str, Content]:
    import partwise

    stored: dict[str, memoryview] = {}
    # Arrays do not change once they are in a result, so one that is seen again is not packed again.
    seen: dict[int, tuple[str, NDArray[Any]]] = {}

    def keep(array: NDArray[Any]) -> str:
        if id(array) not in seen:
            data = arrays.pack(array)
            digest = hashlib.sha256(data).hexdigest()
            stored[f"arrays/{digest}.npy"] = data
            seen[id(array)] = (digest, array)
        return seen[id(array)][0]

    reader = _INPUTS_READER if inputs else _READER
    head = {"schema": SCHEMA, "reader": reader, "partwise": partwise.__version__}
    project = {**head, **encode_state(state, keep)}
    record = {run["id"]: run["result"]["provenance"] for run in project["runs"]}
    members: dict[str, Content] = {
        "mimetype": MIMETYPE.encode(),
        "project.json": _dump(project),
        "provenance.json": _dump(record),
        **dict(sorted(stored.items())),
        **{f"inputs/{digest}": inputs[digest] for digest in sorted(inputs)},
    }
    if thumb is not None:
        members["thumb.png"] = thumb
    members["manifest.json"] = _dump({name: _told(name, data) for name, data in members.items()})
    return members


def _told(name: str, data: Content) -> dict[str, Any]:
    if isinstance(data, Embedded):
        return {"size": data.size, "sha256": data.sha256}
    own = ARRAY.fullmatch(name)
    digest = own.group(1) if own else hashlib.sha256(data).hexdigest()
    return {"size": len(data), "sha256": digest}


def _dump(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1).encode()


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


def _versions(data: Mapping[str, Any]) -> tuple[int, int]:
    schema, reader = data.get("schema"), data.get("reader")
    if type(schema) is not int or type(reader) is not int or schema < 1:
        msg = "it does not say which version it is"
        raise ValueError(msg)
    return schema, reader
