"""What does a plugin bring? One record of plain data, and dotted names loaded on first use.

The entry point (group ``partwise.plugins``) names a module-level `Plugin` in a module that
imports neither Qt nor anything heavy. A dotted name is ``"package.module:attribute"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from partwise.data.dataset import Dataset
    from partwise.job import Job
    from partwise.result import Result

__all__ = ["API", "Analysis", "Exporter", "Plugin", "Reader", "Sample", "Section"]

API = (1, 0)  # major, minor: what this version of Partwise offers


@dataclass(frozen=True)
class Reader:
    """How files of some kind are recognised and read.

    Attributes
    ----------
    title : str
        "Whole-slide image".
    patterns : tuple of str
        Globs for dialogs, lower case ("*.svs").
    probe : dotted name of ``(path: Path) -> float``
        Reads at most 64 KiB; 0 (not ours) to 1 (surely ours); never raises.
    load : dotted name of ``(path: Path) -> Dataset``
        Raises `partwise.errors.FileProblem`. Lazy where inputs are large.
    series : bool
        Any one file stands for all that belong to it in its folder, which may be named itself.
    long : bool
        Reading may take a while: ``load`` is then ``(path: Path, job: Job) -> Dataset``, tells the
        job how far it is, and leaves with `Cancelled` where the job says so.
    """

    title: str
    patterns: tuple[str, ...]
    probe: str
    load: str
    series: bool = False
    long: bool = False


@dataclass(frozen=True)
class Exporter:
    """How a result becomes a file.

    Attributes
    ----------
    role : str
        Identifier in ``result.json`` and the stem of the file's name ("concentrations").
    suffix : str
        ".ome.tif"
    title : str
        Words in the export dialog.
    media : str
        Media type.
    write : dotted name of ``(dataset, result, path, job, part) -> None``
        `part` is an index, or None where the file holds all. Writes `path` (a temporary name that
        the caller moves into place); streams where inputs are large; raises `Cancelled`.
    per_part : bool
        One file per part; the role and the file's name become "<role>-<part key>".
    applies : dotted name of ``(result) -> bool``, optional
        Whether this result has such a file; empty means always.
    """

    role: str
    suffix: str
    title: str
    media: str
    write: str
    per_part: bool = False
    applies: str = ""


@dataclass(frozen=True)
class Sample:
    """A file that comes with the plugin, ready for the first click.

    Attributes
    ----------
    key, title, summary : str
        Identifier ("stain-he"), name, one sentence.
    path : dotted name of ``() -> Path``
    licence, source : str
    parameters : tuple of (name, value)
        What to set apart from the defaults.
    """

    key: str
    title: str
    summary: str
    path: str
    licence: str
    source: str
    parameters: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Section:
    """The plugin's own part of the project file; `migrate` is ``(old_version, data) -> data``."""

    name: str
    version: int
    migrate: str


@dataclass(frozen=True)
class Plugin:
    """A panel: what it reads, what it computes, what it writes.

    Attributes
    ----------
    id, title, version : str
    api : str
        Which contract it was written for, such as ">=1,<2"; checked before anything is loaded.
    summary : str
        One sentence for the welcome page and the plugin list.
    readers, exporters, samples : tuple
    analyses : tuple of str
        Dotted names of `Analysis` classes; the first is the default.
    panel : str
        Dotted name of the Qt panel, or empty: form and stage then follow from the data.
    section : Section or None
    cohort : dotted name of ``(summaries: mapping of folder to result.json) -> Cohort | None``
        Looks at all results of a batch together; empty where there is nothing to compare.
    capture : str
        Dotted name of a ``QDialog`` that makes a file to be opened, such as with a microphone: it
        is made with the window, and emits ``captured(Path)``. Empty where there is none.
    """

    id: str
    title: str
    version: str
    api: str
    summary: str
    readers: tuple[Reader, ...]
    analyses: tuple[str, ...]
    panel: str = ""
    exporters: tuple[Exporter, ...] = ()
    samples: tuple[Sample, ...] = ()
    section: Section | None = None
    cohort: str = ""
    capture: str = ""


class Analysis(Protocol):
    """A named computation on a dataset.

    `Params` is a frozen dataclass of `partwise.params.param` fields. `run` is deterministic for a
    dataset, parameters, ``job.seed``, ``job.kept`` and ``job.start``; it raises `InputProblem` to
    refuse an input, `AnalysisProblem` when it fails, `Cancelled` to leave early with nothing.

    Where the number of parts is a choice, its parameter is called ``rank`` (a number, or text
    that may be ``auto``): the window raises it by one where a part is split in two, and lowers it
    where two are joined. With ``auto`` there are as many as the run begins from.

    Three more methods are optional: ``warm_up()`` compiles what a first run would wait for;
    ``memory(dataset, params) -> int`` says about how many bytes a run takes at its largest, so
    that one that does not fit is refused before it starts; and ``preview(dataset)`` returns the
    views of an input that are shown before a run, and beside the results that do not redraw them.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    Params: ClassVar[type]

    def run(self, dataset: Dataset, params: Any, job: Job) -> Result: ...
