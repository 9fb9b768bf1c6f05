"""What do the texts of a RIFF file say? In UTF-8, or as Windows wrote them."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["info_of", "texts_of"]

_NAMES = {
    b"INAM": "title",
    b"IART": "artist",
    b"IPRD": "album",
    b"ICRD": "date",
    b"ICMT": "comment",
    b"ICOP": "copyright",
    b"IGNR": "genre",
    b"IPRT": "tracknumber",
    b"ISFT": "decoder",
}
_MOST = 1 << 20


def info_of(path: Path) -> dict[str, str]:
    """Return the texts of a WAV file by their names; none where it is no RIFF file."""
    found: dict[str, str] = {}
    with path.open("rb") as file:
        if file.read(4) not in (b"RIFF", b"RF64"):
            return found
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            if name == b"LIST" and size <= _MOST:
                found |= texts_of(file.read(size))
                file.seek(size % 2, 1)
            else:
                file.seek(size + size % 2, 1)
    return found


def texts_of(chunk: bytes) -> dict[str, str]:
    """Return the texts of a LIST chunk by their names; none where it is another list.

    Parameters
    ----------
    chunk : bytes
        Without its name and size.
    """
    found, at = {}, 4
    while chunk[:4] == b"INFO" and at + 8 <= len(chunk):
        name, size = struct.unpack("<4sI", chunk[at : at + 8])
        text = chunk[at + 8 : at + 8 + size].rstrip(b"\0")
        if name in _NAMES and text:
            found[_NAMES[name]] = _decoded(text)
        at += 8 + size + size % 2
    return found


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")
