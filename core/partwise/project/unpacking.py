"""How does an input come out of a project that carries it?

Into the state folder, into a file of its own name, so that a reader that looks at names finds
what it knows.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from partwise.data.fingerprint import InputFile, fingerprint
from partwise.errors import FileProblem
from partwise.plugins.safety import state_folder
from partwise.project.archive import opened, way_out
from partwise.project.writing import unwritable

__all__ = ["taken_out"]

_LONGEST_NAME = 120


def taken_out(file: InputFile, project: str | Path, folder: Path | None = None) -> Path | None:
    """Return a copy of an input that a project holds; None where it holds none.

    Parameters
    ----------
    file : InputFile
    project : path
    folder : Path, optional
        Where to put it; by default in the state folder. A copy that is there already is used.

    Raises
    ------
    FileProblem
        The project is damaged, or the folder cannot be written.
    """
    digest = file.sha256
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        return None
    place = (folder or state_folder() / "inputs") / digest[:32]
    copy = place / _plain_name(file.path)
    project = Path(project)
    with opened(project) as archive:
        member = f"inputs/{digest}"
        if member not in archive.names:
            return None
        if copy.is_file() and fingerprint(copy, full=True).sha256 == digest:
            return copy
        seen = hashlib.sha256()
        try:
            place.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=place, suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as out:
                    for block in archive.blocks(member):
                        seen.update(block)
                        out.write(block)
                if seen.hexdigest() != digest:
                    raise FileProblem(project, "holds a damaged input", fix=way_out(project))
                os.replace(name, copy)
            finally:
                Path(name).unlink(missing_ok=True)
        except ValueError as error:
            if isinstance(error, FileProblem):
                raise
            raise FileProblem(project, f"is damaged ({error})", fix=way_out(project)) from error
        except OSError as error:
            raise unwritable(copy, error) from error
    return copy


def _plain_name(path: str) -> str:
    """Return a file name without anything that a file system could take for more than a name."""
    name = re.split(r"[/\\]", path)[-1]
    name = re.sub(r'[\x00-\x1f<>:"|?*]', "_", name).strip(" .")[-_LONGEST_NAME:]
    return name or "input"
