"""Can a project carry its inputs along? Embedded on request, whole, under their SHA-256."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from partwise.data.fingerprint import fingerprint
from partwise.errors import FileProblem
from partwise.project.links import resolve_input
from partwise.project.unpacking import lies_by
from partwise.project.writing import Embedded

if TYPE_CHECKING:
    from partwise.project.document import State

__all__ = ["MOST_PACKED", "pack"]

MOST_PACKED = 8 << 30  # bytes, all inputs together


def pack(state: State, project: str | Path | None = None) -> tuple[State, tuple[Embedded, ...]]:
    """Find all inputs, and return them with the state that knows their hashes.

    Parameters
    ----------
    state : State
    project : path, optional
        The project as it is on disk, for inputs that only it holds.

    Raises
    ------
    FileProblem
        An input is missing or changed, or all together are larger than `MOST_PACKED`.
    """
    sources, found = [], dict[str, Embedded]()
    total = 0
    for source in state.sources:
        link = resolve_input(source, project)
        if link.path is None or link.state == "changed":
            raise FileProblem(
                link.other or source.file.path,
                f"is {link.state}, so it cannot be packed",
                fix="relink it first",
            )
        files = []
        for file in (source.file, *source.beside):
            total += file.size if file.sha256 not in found else 0
            if total > MOST_PACKED:
                raise FileProblem(
                    file.path,
                    f"makes the inputs larger than {MOST_PACKED >> 30} GB together",
                    fix="keep the links, or pack fewer inputs",
                )
            path = link.path if file is source.file else lies_by(link.path, file)
            digest = file.sha256 or fingerprint(path, full=True).sha256
            files.append(dataclasses.replace(file, sha256=digest))
            found[digest] = Embedded(path, digest, file.size)
        sources.append(dataclasses.replace(source, file=files[0], beside=tuple(files[1:])))
    return dataclasses.replace(state, sources=tuple(sources)), tuple(found.values())
