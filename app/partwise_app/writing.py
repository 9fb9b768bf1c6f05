"""What is written in the background? Projects, exports, reports: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partwise.errors import FileProblem
from partwise.plugins.registry import Registry, resolve

if TYPE_CHECKING:
    from partwise.data.dataset import Dataset
    from partwise.job import Job
    from partwise.plugins.contract import Exporter, Plugin
    from partwise.project.document import Run, State
    from partwise_app.filework import Opened

__all__ = [
    "applicable",
    "name_of_export",
    "write_exports",
    "write_project",
    "write_report",
    "write_whole",
]


def write_project(
    state: State,
    path: Path,
    thumb: bytes | None,
    *,
    packed: bool = False,
    held_by: Path | None = None,
    unpacks: bool = False,
) -> State:
    """Save a project; the old file stays whole until the new one is.

    Parameters
    ----------
    state : State
    path : Path
    thumb : bytes or None
        PNG.
    packed : bool
        Whether the inputs go into the file.
    held_by : Path, optional
        The project as it is on the disk, for inputs that only it holds.
    unpacks : bool
        Whether the project on the disk holds inputs that the new one shall not.

    Returns
    -------
    State
        As written; sources that were packed know the hash of their content.

    Raises
    ------
    FileProblem
        The folder cannot be written, or an input that shall be packed is not to be had.
    """
    from partwise.project import packing, store

    state = state.without_removed()
    inputs: Sequence[Any] = ()
    if packed:
        state, inputs = packing.pack(state, held_by)
    elif unpacks:
        _need_elsewhere(state, held_by)
    store.save(state, path, thumb=thumb, inputs=inputs)
    return state


def _need_elsewhere(state: State, project: Path | None) -> None:
    """Raise `FileProblem` for an input that nothing but the project itself holds."""
    from partwise.folders import state_folder
    from partwise.project import links

    for source in state.sources:
        place = links.resolve_input(source, project).path
        if place is not None and place.is_relative_to((state_folder() / "inputs").resolve()):
            raise FileProblem(
                source.file.path,
                "is held by the project alone and would be lost",
                fix="keep the inputs packed, or find the file first",
            )


def applicable(plugin: Plugin, run: Run) -> tuple[tuple[Exporter, int | None], ...]:
    """Return the files that a run can be exported to: exporter, and part where it is per part."""
    found: list[tuple[Exporter, int | None]] = []
    for exporter in plugin.exporters:
        if exporter.applies and not resolve(exporter.applies)(run.result):
            continue
        if exporter.per_part:
            found.extend((exporter, index) for index in range(len(run.result.parts)))
        else:
            found.append((exporter, None))
    return tuple(found)


def name_of_export(exporter: Exporter, part: int | None, run: Run, stem: str) -> str:
    """Return the name of the file that an export writes."""
    role = exporter.role if part is None else f"{exporter.role}-{run.result.parts[part].key}"
    return f"{stem}-{role}{exporter.suffix}"


def write_exports(
    chosen: Sequence[tuple[Exporter, int | None]],
    dataset: Dataset,
    run: Run,
    folder: Path,
    stem: str,
    job: Job,
) -> tuple[Path, ...]:
    """Write the chosen files into a folder, each whole or not at all; returns their paths.

    Raises
    ------
    FileProblem
        The folder cannot be written.
    Cancelled
    """
    written = []
    for number, (exporter, part) in enumerate(chosen):
        job.report(number / len(chosen), exporter.title)
        written.append(_write_one(exporter, part, dataset, run, folder, stem, job))
    return tuple(written)


def _write_one(
    exporter: Exporter,
    part: int | None,
    dataset: Dataset,
    run: Run,
    folder: Path,
    stem: str,
    job: Job,
) -> Path:
    target = folder / name_of_export(exporter, part, run, stem)
    try:
        with tempfile.TemporaryDirectory(prefix=".partwise-", dir=folder) as temporary:
            draft = Path(temporary) / target.name
            resolve(exporter.write)(dataset, run.result, draft, job, part)
            os.replace(draft, target)
    except OSError as error:
        raise FileProblem(
            target, f"cannot be written ({error.strerror or error})", fix="choose another folder"
        ) from error
    return target


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file whole or not at all; raises `FileProblem`."""
    try:
        draft = path.with_name(f".{path.name}.part")
        draft.write_bytes(data)
        os.replace(draft, path)
    except OSError as error:
        raise FileProblem(
            path, f"cannot be written ({error.strerror or error})", fix="choose another folder"
        ) from error
    return path


def write_report(
    registry: Registry,
    opened: Opened,
    run: Run,
    pictures: Sequence[tuple[str, bytes]],
    path: Path,
) -> Path:
    """Write the report of a run, as a PDF where `path` ends so, else as one HTML page.

    `pictures` are PNGs by role, as in ``result.json``.

    Raises
    ------
    FileProblem
        The folder cannot be written.
    """
    from partwise.report.html import render
    from partwise.report.pdf import set_pdf
    from partwise.report.story import tell

    analysis = registry.analysis(opened.plugin, run.analysis)
    with tempfile.TemporaryDirectory(prefix="partwise-") as folder:
        files = []
        for number, (role, data) in enumerate(pictures):
            file = Path(folder) / f"{number}.png"
            file.write_bytes(data)
            files.append((role, file))
        story = tell(opened.plugin, analysis, opened.dataset, run.result, pictures=files)
        paper = path.suffix.lower() == ".pdf"
        return write_whole(path, set_pdf(story) if paper else render(story).encode())
