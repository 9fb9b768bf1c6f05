"""Which file was it? Hashes that name an input beyond its path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from partwise.errors import FileProblem

__all__ = ["InputFile", "fingerprint", "quick_hash"]

_BLOCK = 1 << 20
_EDGE = 1 << 16  # bytes read at each end for the quick hash
_FULL_HASH_LIMIT = 2 << 30  # bytes; beyond, the full hash costs more than ten seconds


@dataclass(frozen=True)
class InputFile:
    """A file as it was when it was read.

    Attributes
    ----------
    path : str
        Absolute path.
    size : int
        Bytes.
    mtime_ns : int
        Time of the last change.
    quick : str
        SHA-256 over the size and 64 KiB at both ends: cheap, for "is this still the file?".
    sha256 : str
        Of the whole content; empty where the file is too large to hash at once.
    """

    path: str
    size: int
    mtime_ns: int
    quick: str
    sha256: str = ""


def fingerprint(path: str | Path, *, full: bool | None = None) -> InputFile:
    """Fingerprint a file.

    Parameters
    ----------
    path : path
    full : bool, optional
        Hash the whole content; by default for files up to 2 GiB.

    Raises
    ------
    FileProblem
        The file is missing, a folder, or cannot be read.
    """
    path = Path(path)
    try:
        info = path.stat()
        if path.is_dir():
            raise FileProblem(path, "is a folder", fix="name a file")
        whole = info.st_size <= _FULL_HASH_LIMIT if full is None else full
        return InputFile(
            path=str(path.resolve()),
            size=info.st_size,
            mtime_ns=info.st_mtime_ns,
            quick=quick_hash(path),
            sha256=_full_hash(path) if whole else "",
        )
    except FileNotFoundError as error:
        raise FileProblem(path, "there is no such file", fix="check the path") from error
    except OSError as error:
        why = f"cannot be read ({error.strerror or error})"
        raise FileProblem(path, why, fix="check its permissions") from error


def quick_hash(path: str | Path) -> str:
    """Return a SHA-256 over the size and 64 KiB at both ends of a file."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        digest.update(size.to_bytes(8, "little"))
        file.seek(0)
        digest.update(file.read(_EDGE))
        if size > _EDGE:
            file.seek(max(size - _EDGE, _EDGE))
            digest.update(file.read(_EDGE))
    return digest.hexdigest()


def _full_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
