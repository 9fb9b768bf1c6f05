"""What may be believed of a project file that a stranger sent? Nothing before it is checked.

Names, counts, sizes and the nesting of JSON are looked at before anything is read, hashes before
anything is used. Members are stored, never compressed, so none can grow.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from partwise.errors import FileProblem
from partwise.project import arrays
from partwise.project.writing import backup_of

__all__ = [
    "ARRAY",
    "INPUT",
    "MIMETYPE",
    "MOST_MEMBERS",
    "Archive",
    "Finding",
    "opened",
    "readable_json",
    "way_out",
]

MIMETYPE = "application/x-partwise"
ARRAY = re.compile(r"arrays/([0-9a-f]{64})\.npy")
_FIXED = frozenset({"mimetype", "project.json", "provenance.json", "thumb.png", "manifest.json"})
INPUT = re.compile(r"inputs/([0-9a-f]{64})")
MOST_MEMBERS = 20_000
_MOST_DIRECTORY = 8 << 20  # bytes: that many members with the longest names fit twice
_MOST_JSON = 32 << 20  # bytes
_MOST_VALUES = 1_000_000  # in one JSON: parsed, an empty list takes twenty times its two bytes
_COUNTED = (b",", b"[", b"{", b"\\")  # what stands before a value, or a letter that is spelt out
_MOST_THUMB = 8 << 20
_MOST_TOTAL = 16 << 30
_DEEPEST_JSON = 60
_BLOCK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, EOFError, NotImplementedError, struct.error)


@dataclass(frozen=True)
class Finding:
    """Something wrong with one member of a project."""

    member: str
    what: str


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a project file for the block; raises `FileProblem` where it is none."""
    if path.is_dir():
        raise FileProblem(path, "is a folder", fix="name a .partwise file")
    try:
        with path.open("rb") as file:
            try:
                archive = Archive(file)
            except (
                zipfile.BadZipFile,
                NotImplementedError,
                ValueError,
                struct.error,
                OverflowError,
            ) as error:
                what = f"is no Partwise project, or a damaged one ({error})"
                raise FileProblem(path, what, fix=way_out(path)) from error
            yield archive
    except FileNotFoundError as error:
        raise FileProblem(path, "there is no such file", fix="check the path") from error
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise FileProblem(path, what, fix="check its permissions") from error


def way_out(path: Path) -> str:
    """Say what a person can do about a damaged project: open the one before, where there is one."""
    backup = backup_of(path)
    return f"open {backup.name}, the one before it" if backup.is_file() else "open another copy"


class Archive:
    """A ZIP whose directory has been checked; raises `ValueError` where it is not ours.

    Members that this version does not know are listed as `unknown`, and never read.
    """

    def __init__(self, file: IO[bytes]) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        guarded = _Guarded(file)
        self._zip = zipfile.ZipFile(guarded)
        guarded.most = size
        entries = self._zip.infolist()
        if len(entries) > MOST_MEMBERS:
            msg = f"it has {len(entries)} members"
            raise ValueError(msg)
        self.names = {entry.filename for entry in entries}
        if len(self.names) != len(entries):
            msg = "it has two members of one name"
            raise ValueError(msg)
        for entry in entries:
            self._check_entry(entry)
        self.unknown = sorted(name for name in self.names if not _known(name))
        if sum(entry.file_size for entry in entries) > min(size, _MOST_TOTAL):
            msg = "its members claim more bytes than the file has"
            raise ValueError(msg)
        if not entries or entries[0].filename != "mimetype":
            msg = "its first member is not the mimetype"
            raise ValueError(msg)
        if self.read("mimetype") != MIMETYPE.encode():
            msg = "its mimetype is another"
            raise ValueError(msg)

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename
        limits = {"mimetype": 64, "thumb.png": _MOST_THUMB}
        limit = _MOST_JSON if name.endswith(".json") else limits.get(name, _MOST_TOTAL)
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            msg = f"{name} is compressed"
        elif entry.flag_bits & 0x1:
            msg = f"{name} is encrypted"
        elif entry.file_size > limit:
            msg = f"{name} is too large"
        else:
            return
        raise ValueError(msg)

    def check(self, *, every: bool = True) -> list[Finding]:
        """Compare the members with the manifest.

        Arrays and inputs carry their hash as their name and are compared with it when they are
        taken; with `every` they are read and compared here.
        """
        try:
            manifest = self.json("manifest.json")
        except (ValueError, RecursionError) as error:
            return [Finding("manifest.json", str(error))]
        listed = self.names - {"manifest.json"}
        findings = [
            Finding(name, "is missing") for name in sorted(manifest.keys() - self.names)
        ] + [Finding(name, "is not in the manifest") for name in sorted(listed - manifest.keys())]
        for name in sorted(manifest.keys() & self.names):
            try:
                said = self._said(name) if not every and _own_hash(name) else self._found(name)
            except ValueError as error:
                findings.append(Finding(name, str(error)))
                continue
            if manifest[name] != said:
                findings.append(Finding(name, "is not what was saved"))
            elif said["sha256"] != (_own_hash(name) or said["sha256"]):
                findings.append(Finding(name, "is not what its name says"))
        if "project.json" not in manifest:
            findings.append(Finding("project.json", "is missing"))
        return findings

    def _said(self, name: str) -> dict[str, Any]:
        return {"size": self._zip.getinfo(name).file_size, "sha256": _own_hash(name)}

    def _found(self, name: str) -> dict[str, Any]:
        digest = hashlib.sha256()
        size = 0
        for block in self.blocks(name):
            digest.update(block)
            size += len(block)
        return {"size": size, "sha256": digest.hexdigest()}

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a member piece by piece, however large it is."""
        try:
            with self._zip.open(name) as member:
                while block := member.read(_BLOCK):
                    yield block
        except KeyError as error:
            msg = "is missing"
            raise ValueError(msg) from error
        except _DAMAGE as error:
            raise ValueError(str(error)) from error

    def read(self, name: str) -> bytes:
        try:
            return self._zip.read(name)
        except KeyError as error:
            msg = "is missing"
            raise ValueError(msg) from error
        except _DAMAGE as error:
            raise ValueError(str(error)) from error

    def json(self, name: str) -> dict[str, Any]:
        data = self.read(name)
        readable_json(data)
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        if not isinstance(value, dict):
            msg = f"{name} holds no object"
            raise ValueError(msg)
        if b"\\ud" in data.lower():
            # Half a surrogate pair is text that nobody can write again; raises ValueError.
            json.dumps(value, ensure_ascii=False).encode()
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


def _known(name: str) -> bool:
    return bool(name in _FIXED or ARRAY.fullmatch(name) or INPUT.fullmatch(name))


def _no_constant(name: str) -> float:
    msg = f"JSON has no number {name}"
    raise ValueError(msg)


def _own_hash(name: str) -> str:
    """Return the hash that an array or input has for its name, or nothing."""
    found = ARRAY.fullmatch(name) or INPUT.fullmatch(name)
    return found.group(1) if found else ""


def readable_json(data: bytes) -> None:
    """Refuse JSON that is too large, too full or too deep before the parser meets it.

    Raises
    ------
    ValueError
    """
    if len(data) > _MOST_JSON or sum(data.count(sign) for sign in _COUNTED) > _MOST_VALUES:
        msg = "its JSON is too large"
        raise ValueError(msg)
    depth = 0
    # Text may hold brackets too, so it is passed over as a whole, and never stepped back into.
    for token in re.finditer(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', data):
        sign = token.group()[:1]
        if sign in b"[{":
            depth += 1
            if depth > _DEEPEST_JSON:
                msg = "its JSON is nested too deeply"
                raise ValueError(msg)
        elif sign in b"]}":
            depth -= 1


class _Guarded:
    """A file of which no more than `most` bytes are read at once.

    The directory of a ZIP is read and parsed as a whole, and each entry takes ten times its size
    in memory, before anybody could count them.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.most = _MOST_DIRECTORY
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self.name = getattr(file, "name", "")

    def read(self, size: int = -1) -> bytes:
        if size > self.most:
            msg = "its directory is too large"
            raise ValueError(msg)
        return self._file.read(size)
