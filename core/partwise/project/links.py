"""Where is the input now? Beside the project, where it was, or gone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from partwise.data.fingerprint import InputFile, fingerprint, quick_hash
from partwise.errors import FileProblem
from partwise.project.unpacking import lies_by, taken_out

if TYPE_CHECKING:
    from partwise.project.document import Source

__all__ = ["Found", "moved_prefix", "resolve_input"]

LinkState = Literal["found", "moved", "changed", "missing"]


@dataclass(frozen=True)
class Found:
    """Where an input is.

    Attributes
    ----------
    state : {"found", "moved", "changed", "missing"}
        ``"moved"``: the same content at another path than the project's absolute one, such as
        a copy that the project itself holds.
        ``"changed"``: a file is there, with another content; the person is told.
    path : Path or None
        None where it is missing.
    other : Path or None
        Which file has changed or is gone: the input, or one that was read with it.
    """

    state: LinkState
    path: Path | None
    other: Path | None = None


def resolve_input(source: Source, project_path: str | Path | None = None) -> Found:
    """Look for a source's file: beside the project, where it was, then inside the project.

    Parameters
    ----------
    source : Source
    project_path : path, optional
        The project file; None while it is unsaved.
    """
    was = Path(source.file.path)
    candidates = [was]
    if project_path is not None:
        folder = Path(project_path).resolve().parent
        if source.relative:
            candidates.insert(0, folder / source.relative)
        candidates.append(folder / was.name)
    changed = None
    for candidate in candidates:
        same = _same(candidate, source)
        if same:
            path = candidate.resolve()
            return Found("found" if path == was else "moved", path)
        if same is False and changed is None:
            changed = candidate.resolve()
    inside = _inside(source, project_path)
    if inside is not None:
        return Found("moved", inside)
    if changed is None:
        return Found("missing", None, Path(source.file.path))
    files = ((lies_by(changed, one), one) for one in source.beside)
    other = next((path for path, one in files if not _same_file(path, one)), changed)
    return Found("changed", changed, other if _same_file(changed, source.file) else changed)


def moved_prefix(was: str | Path, now: str | Path) -> tuple[Path, Path]:
    """Return the folders before and after, when a file that was at `was` is at `now`.

    The longest common tail is taken off, so that one found file mends all that moved with it.

    Examples
    --------
    >>> old, new = moved_prefix("/a/b/slides/1.svs", "/x/slides/1.svs")
    >>> old.as_posix(), new.as_posix()
    ('/a/b', '/x')
    """
    before, after = list(Path(was).parts), list(Path(now).parts)
    while len(before) > 1 and len(after) > 1 and before[-1] == after[-1]:
        before.pop()
        after.pop()
    return Path(*before), Path(*after)


def _inside(source: Source, project_path: str | Path | None) -> Path | None:
    """Take the input out of the project where it is packed; a broken project has none."""
    if project_path is None or not source.file.sha256 or not Path(project_path).is_file():
        return None
    try:
        return taken_out(source.file, project_path, beside=source.beside)
    except FileProblem:
        return None


def _same(path: Path, source: Source) -> bool | None:
    """Whether `path` has the content that was noted; None where there is no readable file.

    What was read with it is part of it, and lies in its folder wherever that is.
    """
    same = _same_file(path, source.file)
    if not same:
        return same
    return all(_same_file(lies_by(path, one), one) for one in source.beside)


def _same_file(path: Path, file: InputFile) -> bool | None:
    try:
        info = path.stat()
        if not path.is_file():
            return None
        if info.st_size != file.size:
            return False
        if info.st_mtime_ns == file.mtime_ns and path == Path(file.path):
            return True
        if quick_hash(path) != file.quick:
            return False
        # The quick hash sees only both ends; where the whole was hashed, compare the whole.
        return not file.sha256 or fingerprint(path, full=True).sha256 == file.sha256
    except (OSError, ValueError, FileProblem):
        return None
