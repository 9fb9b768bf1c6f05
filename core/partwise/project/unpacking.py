"""How does an input come out of a project that carries it?

Into the state folder, into a file of its own name, so that a reader that looks at names finds
what it knows.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from partwise.data.fingerprint import InputFile, fingerprint
from partwise.errors import FileProblem
from partwise.folders import state_folder
from partwise.project.archive import Archive, opened, way_out
from partwise.project.writing import unwritable

__all__ = ["lies_by", "taken_out"]

_LONGEST_NAME = 120


def taken_out(
    file: InputFile,
    project: str | Path,
    folder: Path | None = None,
    beside: Sequence[InputFile] = (),
) -> Path | None:
    """Return a copy of an input that a project holds; None where it holds none.

    Parameters
    ----------
    file : InputFile
    project : path
    folder : Path, optional
        Where to put it; by default in the state folder. A copy that is there already is used.
    beside : sequence of InputFile
        What lies in one folder with it.

    Raises
    ------
    FileProblem
        The project is damaged, or the folder cannot be written.
    """
    digests = [one.sha256 for one in (file, *beside)]
    if not all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests):
        return None
    # What lies beside an input is read with it: another company has another folder.
    company = hashlib.sha256("".join(digests).encode()).hexdigest() if beside else digests[0]
    copy = (folder or state_folder() / "inputs") / company[:32] / _plain_name(file.path)
    project = Path(project)
    with opened(project) as archive:
        if any(f"inputs/{digest}" not in archive.names for digest in digests):
            return None
        for one in (*beside, file):
            _take_out(archive, project, one.sha256, lies_by(copy, one))
    return copy


def lies_by(path: Path, file: InputFile) -> Path:
    """Return where a file lies that was in one folder with `path`."""
    return path.with_name(_plain_name(file.path))


def _take_out(archive: Archive, project: Path, digest: str, copy: Path) -> None:
    if copy.is_file() and fingerprint(copy, full=True).sha256 == digest:
        return
    seen = hashlib.sha256()
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=copy.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as out:
                for block in archive.blocks(f"inputs/{digest}"):
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


def _plain_name(path: str) -> str:
    """Return a file name without anything that a file system could take for more than a name."""
    name = re.split(r"[/\\]", path)[-1]
    name = re.sub(r'[\x00-\x1f<>:"|?*]', "_", name).strip(" .")[-_LONGEST_NAME:]
    return name or "input"
