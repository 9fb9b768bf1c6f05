"""The open document, its jobs and its undo: the only place that changes it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from partwise.data.fingerprint import fingerprint
from partwise.errors import Cancelled, InputProblem, PartwiseProblem, WorkerLost
from partwise.job import LocalJob
from partwise.plugins.contract import Exporter
from partwise.plugins.registry import Registry
from partwise.project.document import Document, Run, Source, State, Strip
from partwise.result import Result, Snapshot
from partwise_app import filework, resolve
from partwise_app.background import Background
from partwise_app.filework import Opened
from partwise_app.notices import Notice, notice_of
from partwise_app.runner import Asked, Runner, WorkerFactory

__all__ = ["Session"]

_log = logging.getLogger("partwise.app")


class Session(QObject):
    """One open project and what is happening to it.

    Widgets read its properties, listen to its signals and call its methods; nothing else
    changes the document.

    Parameters
    ----------
    registry : Registry
    make_worker : callable, optional
        Makes the process that runs analyses, given where its events go.
    """

    changed = Signal(object, object)  # State before, State after
    selection_changed = Signal()
    input_changed = Signal()  # another input is on the stage, or none
    running_changed = Signal(bool)
    progressed = Signal(float, str)
    snapshot_arrived = Signal(object)  # Snapshot
    run_added = Signal(object)  # Run
    stopping = Signal()
    stopped = Signal(bool)  # the run ended without a result; whether that was asked for
    noticed = Signal(object)  # Notice
    opened = Signal(Path)  # a file or project, for the list of recent ones
    saved = Signal(Path)
    project_left = Signal()  # another project takes the place of this one
    busy_changed = Signal()  # a file is being read or written

    def __init__(
        self,
        registry: Registry,
        make_worker: WorkerFactory | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.registry = registry
        self._runner = Runner(make_worker, self)
        self._document = Document()
        self._unsubscribe = self._document.subscribe(self._on_document)
        self._path: Path | None = None
        self._source_id = ""
        self._run_id = ""
        self._inputs: dict[str, Opened] = {}
        self._places: dict[str, Path] = {}
        self._lost: dict[str, str] = {}
        self._generation = 0  # of the document: answers for an earlier one are dropped
        self._doing = ""
        self._export_cancelled = False
        self._background = Background(self)
        self._background.idle_changed.connect(self._on_idle)
        self._connect_runner()

    # --- what there is -------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self._document.state

    @property
    def path(self) -> Path | None:
        """The project's file, None while it is unsaved."""
        return self._path

    @property
    def source(self) -> Source | None:
        """The input that is looked at."""
        return self.state.source(self._source_id) if self._source_id else None

    @property
    def run(self) -> Run | None:
        """The run that is looked at."""
        return self.state.run(self._run_id) if self._run_id else None

    @property
    def strips(self) -> tuple[Strip, ...]:
        """The mixer's strips of the run that is looked at."""
        return self.state.strips(self._run_id) if self._run_id else ()

    @property
    def input(self) -> Opened | None:
        """The input that is looked at, once it is read."""
        return self._inputs.get(self._source_id)

    def opened_input(self, source_id: str) -> Opened | None:
        """An input of the project, once it is read."""
        return self._inputs.get(source_id)

    @property
    def lost(self) -> Mapping[str, str]:
        """Inputs that are not where they were, and why, by source id."""
        return self._lost

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter of the input that is looked at, as chosen."""
        if self.input is None:
            return {}
        chosen = self.state.choices.parameters.get(self._source_id, {})
        known = self.input.defaults
        return {**known, **{name: chosen[name] for name in chosen if name in known}}

    @property
    def running(self) -> bool:
        return self._runner.asked is not None

    @property
    def running_here(self) -> bool:
        """Whether the run that is going on is of the input that is looked at."""
        asked = self._runner.asked
        return asked is not None and asked.source == self._source_id

    @property
    def doing(self) -> str:
        """What is being read or written, or empty."""
        return self._doing if not self._background.idle else ""

    @property
    def title(self) -> str:
        """What the project is called; empty where nothing is open."""
        return resolve.title_of(self.state, self._path)

    @property
    def needs_saving(self) -> bool:
        """Whether closing would lose something: a result or an edit that no file has."""
        return self._document.dirty and bool(self.state.runs or self._path)

    @property
    def undo_name(self) -> str:
        return self._document.undo_name

    @property
    def redo_name(self) -> str:
        return self._document.redo_name

    @property
    def worker_pid(self) -> int | None:
        """Number of the worker process, where there is one."""
        return self._runner.pid

    def facts(self) -> frozenset[str]:
        """Return what is true now, in the words that commands ask for."""
        ready = self.input is not None
        found = {
            "project": bool(self.state.sources),
            "source": ready,
            "run": self._run_id != "",
            "runnable": ready and not self.running,
            "running": self.running,
            "undo": bool(self.undo_name),
            "redo": bool(self.redo_name),
            "missing": self._source_id in self._lost,
        }
        names = {name for name, holds in found.items() if holds}
        parts = len(self.run.result.parts) if self.run is not None else 0
        return frozenset(names | {f"part-{k}" for k in range(1, parts + 1)})

    # --- beginning and end ---------------------------------------------------------------

    def warm_up(self) -> None:
        """Start the worker process, so that the first run need not wait for it."""
        if self._runner.warm_up():
            self.quietly(filework.warm_up, _log_failure)

    def close(self) -> None:
        """End worker and file thread; nothing is saved here."""
        self._export_cancelled = True
        self._unsubscribe()
        self._background.close()
        self._runner.close()

    # --- files ---------------------------------------------------------------------------

    def open_path(self, path: Path) -> None:
        """Open an input beside those that are open, or a project in their place."""
        if filework.is_project(path):
            self.open_project(path)
            return
        known = next((s for s in self.state.sources if Path(s.file.path) == path.resolve()), None)
        if known is not None:
            self.select_source(known.id)
            return
        self._read(path, "", {})

    def open_sample(self, key: str) -> None:
        """Open a sample that a plugin brings, with the parameters that suit it."""
        try:
            plugin, sample, path = self.registry.sample(key)
        except (PartwiseProblem, InputProblem, OSError, ImportError) as problem:
            self._tell(problem, "Opening the sample")
            return
        self._read(path, plugin.id, dict(sample.parameters), sample.title)

    def open_project(self, path: Path) -> None:
        """Open a project in place of the present one; asking about changes comes before."""
        self._do(
            f"Opening {path.name}",
            lambda: filework.read_project(path),
            self._take_project,
        )

    def close_project(self) -> None:
        """Begin with an empty project; asking about changes comes before."""
        self._take_document(Document(), None)

    def save(self, path: Path | None = None, thumb: bytes | None = None) -> None:
        """Save the project as it stands now, to its own file or to `path`.

        `saved` follows when the file is whole on the disk.
        """
        target = path or self._path
        if target is None:
            msg = "a project that has no file needs a path"
            raise ValueError(msg)
        state, generation = self.state, self._generation

        def written(_: Any) -> None:
            if generation == self._generation:
                self._path = target
                self._document.mark_saved(state)
            self.saved.emit(target)

        self._do(
            f"Saving {target.name}", lambda: filework.write_project(state, target, thumb), written
        )

    def recover(self, copy: Path, project: Path | None, discard: Callable[[], None]) -> None:
        """Open work that a crash left, as unsaved changes to its project."""

        def found(opened: filework.OpenedProject) -> None:
            self._take_project(dataclasses.replace(opened, path=project or copy))
            self._path = project
            self._document.mark_saved(State())  # nothing of this is in the person's file yet
            discard()

        self._do("Recovering", lambda: filework.read_project(copy), found)

    def quietly(self, work: Callable[[], Any], failed: Callable[[Exception], None]) -> None:
        """Do something in the background that nobody waits for."""
        self._background.do(work, _ignore, failed)

    def export(
        self, chosen: Sequence[tuple[Exporter, int | None]], folder: Path, stem: str
    ) -> None:
        """Write files of the present run into a folder; large ones can be cancelled."""
        run, opened = self.run, self.input
        if run is None or opened is None:
            return
        self._export_cancelled = False
        job = LocalJob(is_cancelled=self._is_export_cancelled, on_report=self._on_export_report)
        run = self._as_corrected(run)

        def written(paths: tuple[Path, ...]) -> None:
            count = f"{len(paths)} file{'s' if len(paths) != 1 else ''}"
            self.noticed.emit(Notice("good", f"{count} exported.", f"They are in {folder}"))

        self._do(
            f"Exporting to {folder.name}",
            lambda: filework.write_exports(chosen, opened.dataset, run, folder, stem, job),
            written,
        )

    def write_report(self, path: Path, pictures: Sequence[tuple[str, bytes]]) -> None:
        """Write the report of the present run; `pictures` are PNGs by role."""
        run, opened = self.run, self.input
        if run is None or opened is None:
            return
        run = self._as_corrected(run)
        self._do(
            f"Writing {path.name}",
            lambda: filework.write_report(self.registry, opened, run, pictures, path),
            self._told_written,
        )

    def relink(self, source_id: str, path: Path) -> None:
        """Point an input at where its file is now."""
        source = self.state.source(source_id)

        def read() -> tuple[Opened, bool]:
            opened = filework.read_input(self.registry, path, source.plugin)
            same = fingerprint(path, full=False).quick == source.file.quick
            return opened, same

        def found(answer: tuple[Opened, bool]) -> None:
            opened, same = answer
            if opened.dataset.source is not None:
                self._document.relink(source_id, opened.dataset.source)
            self._lost.pop(source_id, None)
            self._places[source_id] = path
            self._inputs[source_id] = opened
            if not same:
                text = f"{path.name} is not the file that these results were made from."
                self.noticed.emit(
                    Notice("look", text, "The results are kept as they were; run again to compare.")
                )
            self._show_source(source_id, self._run_id)

        self._do(f"Opening {path.name}", read, found)

    # --- looking -------------------------------------------------------------------------

    def select_source(self, source_id: str) -> None:
        """Look at an input, and at its newest run where it has one."""
        runs = self.state.runs_of(source_id)
        self._show_source(source_id, runs[-1].id if runs else "")

    def look_at_source(self, source_id: str) -> None:
        """Look at an input itself, without the parts of any run."""
        self._show_source(source_id, "")

    def select_run(self, run_id: str) -> None:
        """Look at a run."""
        self._show_source(self.state.run(run_id).source, run_id)

    # --- choosing ------------------------------------------------------------------------

    def edit_strip(
        self, key: str, edit: str, changes: Mapping[str, Any], *, merge: str = ""
    ) -> None:
        """Change fields of one part's strip.

        Parameters
        ----------
        key : str
        edit : str
            What undo says.
        changes : mapping
            New values by field of `Strip`.
        merge : str
            Edits with the same key in quick succession are one step.
        """
        if not self._run_id:
            return
        run_id = self._run_id
        strips = tuple(
            dataclasses.replace(strip, **changes) if strip.key == key else strip
            for strip in self.strips
        )
        self._document.edit(
            edit,
            lambda c: dataclasses.replace(c, strips={**c.strips, run_id: strips}),
            merge=merge,
        )

    def reset_profiles(self) -> None:
        """Take all corrections by hand back, as one step."""
        if not self._run_id:
            return
        strips = tuple(dataclasses.replace(strip, profile=None) for strip in self.strips)
        run_id = self._run_id
        self._document.edit(
            "Take corrections back",
            lambda c: dataclasses.replace(c, strips={**c.strips, run_id: strips}),
        )

    def set_parameter(self, name: str, value: Any) -> None:
        """Choose a parameter's value for the input that is looked at."""
        if self.input is None:
            return
        label = next(spec.label for spec in self.input.specs if spec.name == name)
        self._set_parameters(f"Set {label.lower()}", {**self.parameters, name: value})

    def reset_parameters(self) -> None:
        """Choose every parameter's default."""
        if self.input is not None:
            self._set_parameters("Set defaults", self.input.defaults)

    def rename(self, entry_id: str, title: str) -> None:
        """Give a source or run another title."""
        self._document.edit(
            "Rename", lambda c: dataclasses.replace(c, titles={**c.titles, entry_id: title})
        )

    def undo(self) -> None:
        self._document.undo()

    def redo(self) -> None:
        self._document.redo()

    # --- running -------------------------------------------------------------------------

    def start_run(self) -> None:
        """Run the analysis of the input that is looked at; locked parts stay as they are."""
        opened = self.input
        if opened is None or self.running:
            return
        from partwise.jobs.perform import Request

        values = self.parameters
        try:
            filework.check_values(opened.specs, values)
        except PartwiseProblem as problem:
            self._tell(problem, "Run")
            return
        self.warm_up()
        request = Request(
            plugin=opened.plugin.id,
            analysis=opened.analysis_id,
            dataset=opened.dataset,
            parameters=values,
            kept=resolve.kept_parts(self.run, self.strips),
        )
        number = 1 + len(self.state.runs_of(self._source_id))
        self._runner.start(request, self._source_id, f"Run {number}")

    def stop(self) -> None:
        """Stop the run, or the export, that is going on."""
        self._export_cancelled = True
        self._runner.stop()

    # --- inside --------------------------------------------------------------------------

    def _read(
        self, path: Path, plugin_id: str, parameters: Mapping[str, Any], title: str = ""
    ) -> None:
        self._do(
            f"Opening {path.name}",
            lambda: filework.read_input(self.registry, path, plugin_id, parameters, title),
            self._take_input,
        )

    def _take_input(self, opened: Opened) -> None:
        file = filework.need_source(opened.dataset)
        known = next((s for s in self.state.sources if filework.same_file(s, opened.dataset)), None)
        if known is None:
            taken = [source.id for source in self.state.sources]
            number = 1 + max((int(name.removeprefix("source-")) for name in taken), default=0)
            known = Source(f"source-{number}", opened.plugin.id, opened.title, file)
            self._inputs[known.id] = opened
            self._document.add_source(known)
        self._inputs[known.id] = opened
        self.select_source(known.id)
        if opened.parameters:
            self._set_parameters(
                "Set the sample's parameters", {**opened.defaults, **opened.parameters}
            )
        self.opened.emit(Path(file.path))

    def _take_project(self, project: filework.OpenedProject) -> None:
        document = Document(project.state)
        self._take_document(document, project.path)
        self._places = dict(project.inputs)
        self._lost = dict(project.lost)
        if project.state.sources:
            first = (
                project.state.runs[-1].source if project.state.runs else project.state.sources[0].id
            )
            self.select_source(first)
        for warning in project.warnings:
            self.noticed.emit(Notice("look", warning))
        self.opened.emit(project.path)

    def _take_document(self, document: Document, path: Path | None) -> None:
        self._generation += 1
        self._export_cancelled = True
        self._runner.forget()
        before = self.state
        self.project_left.emit()
        self._unsubscribe()
        self._document = document
        self._unsubscribe = document.subscribe(self._on_document)
        self._path = path
        self._source_id = self._run_id = ""
        self._inputs, self._places, self._lost = {}, {}, {}
        self.changed.emit(before, document.state)
        self.selection_changed.emit()
        self.input_changed.emit()

    def _show_source(self, source_id: str, run_id: str) -> None:
        before = self._source_id, self.input
        self._source_id, self._run_id = source_id, run_id
        if (source_id, self.input) != before or self.input is not None:
            self.input_changed.emit()
        self.selection_changed.emit()
        if source_id in self._lost:
            self.noticed.emit(
                Notice(
                    "look",
                    f"{self._lost[source_id]}.",
                    "The numbers are shown as saved; find the file to see its picture.",
                    action="file_relink",
                )
            )
        elif self.input is None:
            self._fetch(source_id)

    def _fetch(self, source_id: str) -> None:
        source = self.state.source(source_id)
        place = self._places.get(source_id, Path(source.file.path))

        def found(opened: Opened) -> None:
            self._inputs[source_id] = opened
            if source_id == self._source_id:
                self.input_changed.emit()
                self.selection_changed.emit()

        def missing(problem: Exception) -> None:
            self._lost[source_id] = f"{source.title} cannot be opened"
            self._tell(problem, f"Opening {source.title}")
            self.selection_changed.emit()

        self._do(
            f"Opening {source.title}",
            lambda: filework.read_input(self.registry, place, source.plugin),
            found,
            missing,
        )

    def _set_parameters(self, name: str, values: Mapping[str, Any]) -> None:
        source_id = self._source_id
        self._document.edit(
            name,
            lambda c: dataclasses.replace(c, parameters={**c.parameters, source_id: dict(values)}),
            merge=name,
        )

    def _as_corrected(self, run: Run) -> Run:
        """The run with names, colours and profiles as chosen, for files that leave the house."""
        strips = {strip.key: strip for strip in self.state.strips(run.id)}
        parts = tuple(
            dataclasses.replace(
                resolve.corrected(part, strips.get(part.key)),
                name=strips[part.key].name if part.key in strips else part.name,
                color=strips[part.key].color if part.key in strips else part.color,
            )
            for part in run.result.parts
        )
        return dataclasses.replace(run, result=dataclasses.replace(run.result, parts=parts))

    def _do(
        self,
        doing: str,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        generation = self._generation
        self._doing = doing

        def answered(answer: Any) -> None:
            if generation == self._generation:
                then(answer)

        def not_done(problem: Exception) -> None:
            if isinstance(problem, Cancelled):
                self.noticed.emit(
                    Notice("look", f"{doing} was cancelled.", "Nothing was left behind.")
                )
            elif failed is not None:
                failed(problem)
            else:
                self._tell(problem, doing)

        self._background.do(work, answered, not_done)
        self.busy_changed.emit()

    def _tell(self, problem: Exception, doing: str) -> None:
        self.noticed.emit(notice_of(problem, doing))

    def _told_written(self, path: Path) -> None:
        self.noticed.emit(Notice("good", f"{path.name} written.", f"It is in {path.parent}"))

    def _is_export_cancelled(self) -> bool:
        return self._export_cancelled

    def _on_export_report(self, fraction: float, text: str) -> None:
        # Called in the file thread; the signal carries it over.
        self.progressed.emit(fraction, text)

    def _on_idle(self, idle: bool) -> None:
        self.busy_changed.emit()

    def _on_document(self, before: State, after: State) -> None:
        self.changed.emit(before, after)

    def _connect_runner(self) -> None:
        runner = self._runner
        runner.running_changed.connect(self.running_changed)
        runner.progressed.connect(self.progressed)
        runner.stopping.connect(self.stopping)
        runner.snapshot_arrived.connect(self._take_snapshot)
        runner.finished.connect(self._take_result)
        runner.failed.connect(self._take_failure)
        runner.cancelled.connect(self._take_cancelled)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if self.running_here:
            self.snapshot_arrived.emit(snapshot)

    def _take_result(self, asked: Asked, result: Result) -> None:
        opened = self._inputs[asked.source]
        run = self._document.add_run(
            asked.source, opened.plugin.id, opened.analysis_id, asked.title, result
        )
        if asked.source == self._source_id:
            self._run_id = run.id
            self.selection_changed.emit()
        self.run_added.emit(run)

    def _take_failure(self, problem: Exception, trace: str) -> None:
        notice = notice_of(problem, "The run")
        action = "run_start" if isinstance(problem, WorkerLost) else ""
        self.noticed.emit(dataclasses.replace(notice, action=action, more=trace or notice.more))
        self.stopped.emit(False)

    def _take_cancelled(self) -> None:
        self.stopped.emit(True)


def _ignore(_: Any) -> None:
    """Take an answer that nobody waits for."""


def _log_failure(problem: Exception) -> None:
    _log.warning("in the background: %s", problem)
