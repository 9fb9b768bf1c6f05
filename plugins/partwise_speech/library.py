"""Which voices and noises were saved on this machine? A folder of dictionaries, by name."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from partwise.api import FileProblem, state_folder
from partwise_speech.dictionary import SUFFIX, Dictionary, load_dictionary, save_dictionary

__all__ = ["Saved", "folder", "forget", "keep", "saved"]

_UNSAFE = re.compile(r"[^\w\- .()]+", re.UNICODE)
_LONGEST = 80


@dataclass(frozen=True)
class Saved:
    """A dictionary in the folder.

    Attributes
    ----------
    path : Path
    name : str
    kind : str
        ``"voice"`` or ``"noise"``.
    atoms : int
    about : str
        Where it comes from, in a few words.
    """

    path: Path
    name: str
    kind: str
    atoms: int
    about: str


def folder() -> Path:
    """Return where dictionaries are kept; it may not exist yet."""
    return state_folder() / "dictionaries"


def saved() -> tuple[Saved, ...]:
    """Return what is in the folder by name; files that are damaged are passed over."""
    found = []
    for path in sorted(folder().glob(f"*{SUFFIX}")):
        try:
            state = path.stat()
        except OSError:  # deleted this moment
            continue
        one = _known(path, state.st_mtime_ns, state.st_size)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=_by_name))


@lru_cache(maxsize=1000)
def _known(path: Path, changed: int, size: int) -> Saved | None:
    """What a file holds, read once while it stays as it is; None where it is damaged."""
    try:
        one = load_dictionary(path)
    except FileProblem:
        return None
    return Saved(path, one.name, one.kind, one.count, _words(one.about))


def keep(dictionary: Dictionary) -> Path:
    """Save a dictionary under its name; one of the same name stays beside it.

    Raises
    ------
    FileProblem
        The folder cannot be written.
    """
    place = folder()
    stem = _UNSAFE.sub(" ", dictionary.name).strip(" .")[:_LONGEST] or "dictionary"
    target = place / f"{stem}{SUFFIX}"
    number = 2
    while target.exists():
        target = place / f"{stem} {number}{SUFFIX}"
        number += 1
    try:
        place.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: written beside, then moved.
        handle, name = tempfile.mkstemp(dir=place, prefix=".new-", suffix=".npz")
        os.close(handle)
        try:
            save_dictionary(dictionary, Path(name))
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise FileProblem(
            place, f"cannot be written ({error.strerror})", fix="make room, or allow writing there"
        ) from error
    return target


def forget(path: Path) -> None:
    """Delete a saved dictionary."""
    if path.parent == folder():
        path.unlink(missing_ok=True)


def _words(about: Any) -> str:
    pieces = []
    if isinstance(about.get("source"), str):
        pieces.append(about["source"])
    if isinstance(about.get("seconds"), int | float):
        pieces.append(f"{about['seconds']:.0f} s")
    if isinstance(about.get("learned"), str):
        pieces.append(about["learned"])
    return " · ".join(pieces)


def _by_name(one: Saved) -> str:
    return one.name.casefold()
