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

__all__ = ["ARRAY", "MIMETYPE", "MOST_JSON", "MOST_MEMBERS", "Archive", "Finding", "opened"]

MIMETYPE = "application/x-partwise"
ARRAY = re.compile(r"arrays/([0-9a-f]{64})\.npy")
_FIXED = frozenset({"mimetype", "project.json", "provenance.json", "thumb.png", "manifest.json"})
MOST_MEMBERS = 20_000
MOST_JSON = 64 << 20  # bytes
_MOST_THUMB = 8 << 20
_MOST_TOTAL = 16 << 30
_DEEPEST_JSON = 60


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
                raise FileProblem(path, what, fix=f"try {path.name}.bak") from error
            yield archive
    except FileNotFoundError as error:
        raise FileProblem(path, "there is no such file", fix="check the path") from error
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise FileProblem(path, what, fix="check its permissions") from error


class Archive:
    """A ZIP whose directory has been checked; raises `ValueError` where it is not ours."""

    def __init__(self, file: IO[bytes]) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        self._zip = zipfile.ZipFile(file)
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
        limit = MOST_JSON if name.endswith(".json") else limits.get(name, _MOST_TOTAL)
        if name not in _FIXED and not ARRAY.fullmatch(name):
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
