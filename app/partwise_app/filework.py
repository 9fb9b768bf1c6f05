"""What is read in the background? Plain functions, no Qt, no state."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partwise import params
from partwise.data.dataset import Dataset
from partwise.data.fingerprint import fingerprint
from partwise.errors import FileProblem, InputProblem
from partwise.job import Job, stop_if_cancelled
from partwise.params import ParamSpec
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import Registry
from partwise.project.document import Source, State
from partwise.result import View
from partwise_app.preview import views_of_input

if TYPE_CHECKING:
    from partwise.project.links import Found

__all__ = [
    "NewerProject",
    "Opened",
    "OpenedProject",
    "check_values",
    "is_project",
    "moved_along",
    "need_source",
    "read_input",
    "read_project",
    "read_recovered",
    "readers_of",
    "same_file",
    "warm_up",
]

_AS_SURE = 0.25  # a probe this near to the surest may well be right


@dataclass(frozen=True, eq=False)
class Opened:
    """An input, read, with the analysis that will run on it.

    Attributes
    ----------
    plugin : Plugin
    dataset : Dataset
    analysis_id, analysis_title : str
    specs : tuple of ParamSpec
        The form's fields.
    parameters : mapping
        What to set apart from the defaults, for samples.
    title : str
        What to call it; the file's name unless a sample has a better one.
    views : tuple of View
        What the stage shows of it, where it is neither an image nor a table.
    """

    plugin: Plugin
    dataset: Dataset
    analysis_id: str
    analysis_title: str
    specs: tuple[ParamSpec, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    views: tuple[View, ...] = ()

    @property
    def defaults(self) -> dict[str, Any]:
        """Every parameter at its default."""
        return {spec.name: spec.default for spec in self.specs}


@dataclass(frozen=True, eq=False)
class OpenedProject:
    """A project file, read: its state, and where its inputs are now."""

    path: Path
    state: State
    inputs: Mapping[str, Path]  # by source id, those that were found
    lost: Mapping[str, str]  # by source id, why it was not found, in words
    warnings: tuple[str, ...] = ()
    packed: bool = False  # it holds its inputs
    look_only: bool = False  # saving it would lose what only a newer Partwise understands


class NewerProject(FileProblem):
    """A project is for newer readers; it can be opened for a look."""


def warm_up() -> None:
    """Load what draws mixtures, so that the first result need not wait for its compiler."""
    import numpy as np

    from partwise.data.mixing import Mixing

    pixels = np.full((8, 8, 3), 200, np.uint8)
    mixing = Mixing(np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]]))
    mixing.render(pixels, [True, False])
    mixing.residual(pixels)


def is_project(path: Path) -> bool:
    """Whether a path names a project rather than an input."""
    return path.suffix.lower() == ".partwise"


def read_input(
    registry: Registry,
    path: Path,
    plugin_id: str = "",
    parameters: Mapping[str, Any] | None = None,
    title: str = "",
    *,
    job: Job | None = None,
) -> Opened:
    """Read an input and the declaration of its analysis.

    Raises
    ------
    FileProblem
    Cancelled
        The job was, while the file was read.
    """
    plugin, dataset = registry.open(path, plugin_id, job)
    if job is not None:
        stop_if_cancelled(job)  # readers that take no time do not look
    analysis = registry.analysis(plugin)
    return Opened(
        plugin=plugin,
        dataset=dataset,
        analysis_id=analysis.id,
        analysis_title=analysis.title,
        specs=params.specs(analysis.Params),
        parameters=dict(parameters or {}),
        title=title or dataset.title,
        views=views_of_input(dataset, analysis),
    )


def readers_of(registry: Registry, path: Path) -> tuple[Plugin, ...]:
    """Return the plugins that are about as sure to read a file, the surest first.

    Raises
    ------
    FileProblem
        The file is missing, empty, or nobody's.
    """
    found = registry.recognise(path)
    best = found[0][0]
    near = [plugin for chance, plugin, _ in found if chance >= best - _AS_SURE]
    return tuple({plugin.id: plugin for plugin in near}.values())


def moved_along(source: Source, path: Path, others: Sequence[Source]) -> dict[str, Path]:
    """Return where other inputs are that moved in the same way as `source`, by id.

    Only files with the very content that was noted count.
    """
    from partwise.project.links import moved_prefix

    before, after = moved_prefix(source.file.path, path.resolve())
    found = {}
    for other in others:
        was = Path(other.file.path)
        if not was.is_relative_to(before):
            continue
        place = after / was.relative_to(before)
        try:
            if fingerprint(place, full=False).quick == other.file.quick:
                found[other.id] = place
        except (OSError, FileProblem):
            continue
    return found


def read_project(path: Path, *, look: bool = False) -> OpenedProject:
    """Read a project file and look for its inputs.

    Parameters
    ----------
    path : Path
    look : bool
        Read one for newer readers too, as far as it is understood.

    Raises
    ------
    FileProblem
        It is missing, damaged or no project; `NewerProject` where `look` would open it.
    """
    from partwise.project import links, store

    try:
        loaded = store.load(path, look=look)
    except FileProblem as problem:
        if not look and _can_be_looked_at(path):
            raise NewerProject(problem.path, problem.what, fix=problem.fix) from problem
        raise
    inputs, lost = {}, {}
    for source in loaded.state.sources:
        link = links.resolve_input(source, path)
        if link.path is not None and link.state in ("found", "moved"):
            inputs[source.id] = Path(link.path)
        else:
            lost[source.id] = _why_lost(source, link)
    return OpenedProject(
        path,
        loaded.state,
        inputs,
        lost,
        loaded.warnings,
        packed=bool(loaded.packed),
        look_only=loaded.look_only,
    )


def _can_be_looked_at(path: Path) -> bool:
    from partwise.project import store

    try:
        return store.load(path, look=True).look_only
    except FileProblem:
        return False


def read_recovered(copy: Path, project: Path | None) -> OpenedProject:
    """Read the copy that a crash left; inputs that only the project itself holds are its own.

    Raises
    ------
    FileProblem
        The copy is damaged.
    """
    found = read_project(copy)
    if project is None:
        return found
    try:
        before = read_project(project)
    except FileProblem:  # gone or broken: then the copy is all there is
        return dataclasses.replace(found, path=project)
    known = {source.id: source.file.quick for source in before.state.sources}
    held = {
        source.id: before.inputs[source.id]
        for source in found.state.sources
        if source.id in before.inputs and known[source.id] == source.file.quick
    }
    return dataclasses.replace(
        found,
        path=project,
        inputs={**held, **found.inputs},
        lost={name: why for name, why in found.lost.items() if name not in held},
        packed=before.packed,
    )


def _why_lost(source: Source, link: Found) -> str:
    if link.state == "changed":
        changed = source.title
        if link.other is not None and link.other != link.path:
            changed = f"{link.other.name}, which goes with {source.title},"
        return f"{changed} is no longer the file that the results were made from"
    return f"{source.title} is not where it was"


def check_values(specs: Sequence[ParamSpec], values: Mapping[str, Any]) -> None:
    """Raise `UsageProblem` for the first value that is not allowed."""
    for spec in specs:
        spec.validate(values.get(spec.name, spec.default))


def same_file(source: Source, dataset: Dataset) -> bool:
    """Whether a dataset was read from the file that a source names."""
    file = dataset.source
    if file is None or file.path != source.file.path or file.quick != source.file.quick:
        return False
    return [one.quick for one in source.beside] == [one.quick for one in dataset.beside]


def need_source(dataset: Dataset) -> Any:
    """Return the dataset's file; raises `InputProblem` where it was made in memory."""
    if dataset.source is None:
        raise InputProblem(f"{dataset.title} comes from no file", fix="save it to a file first")
    return dataset.source
