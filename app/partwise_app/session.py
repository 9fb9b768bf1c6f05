"""The open document, its jobs and its undo: the only place that changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from partwise.errors import PartwiseProblem
from partwise.plugins.registry import Registry
from partwise.plugins.sections import read_section, section_name, written_section
from partwise.project.document import Choices, Document, Run, Source, State, Strip
from partwise.project.recovery import Holder
from partwise.result import Part, Result
from partwise_app import filework, resolve
from partwise_app.edits import Edits
from partwise_app.errands import Errands
from partwise_app.facts import facts_of
from partwise_app.filework import Opened
from partwise_app.inputs import Inputs
from partwise_app.looking import Looking
from partwise_app.notices import Notice
from partwise_app.outbox import Outbox
from partwise_app.projectfile import ProjectFile
from partwise_app.runner import Asked, WorkerFactory
from partwise_app.runs import Runs
from partwise_app.words import tr

__all__ = ["Session"]


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
    quiet = Signal(float)  # the run gives no sign of life for so many seconds
    snapshot_arrived = Signal(object)  # Snapshot
    run_added = Signal(object)  # Run
    stopping = Signal()
    stopped = Signal(bool)  # the run ended without a result; whether that was asked for
    noticed = Signal(object)  # Notice
    opened = Signal(Path)  # a file or project, for the list of recent ones
    saved = Signal(Path)
    project_left = Signal()  # another project takes the place of this one
    busy_changed = Signal()  # a file is being read or written
    preparing_changed = Signal(bool)

    def __init__(
        self,
        registry: Registry,
        make_worker: WorkerFactory | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.registry = registry
        self._document = Document()
        self._unsubscribe = self._document.subscribe(self._on_document)
        self._errands = Errands(self)
        self._file = ProjectFile(self._errands, self)
        self.inputs = Inputs(registry, self._errands, self)
        self._looking = Looking(self._document, self.inputs, self)
        self.edits = Edits(self)
        self.outbox = Outbox(self, self._errands)
        self._runs = Runs(registry, self._looking, make_worker, self)
        self._connect()

    # --- what there is -------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self._document.state

    @property
    def path(self) -> Path | None:
        """The project's file, None while it is unsaved."""
        return self._file.path

    @property
    def holder(self) -> Holder | None:
        """Who else has the project's file open; while there is somebody it is only read here."""
        return self._file.holder

    @property
    def look_only(self) -> bool:
        """Whether the project is of a newer Partwise: it is neither run nor saved here."""
        return self._file.look_only

    @property
    def packing(self) -> bool:
        """Whether the project's file holds its inputs when it is saved."""
        return self._file.packing

    @property
    def refused(self) -> Path | None:
        """The project that is too new to be opened but for a look, asked for last."""
        return self._file.refused

    @property
    def source(self) -> Source | None:
        """The input that is looked at."""
        return self._looking.source

    @property
    def run(self) -> Run | None:
        """The run that is looked at."""
        return self._looking.run

    @property
    def strips(self) -> tuple[Strip, ...]:
        """The mixer's strips of the run that is looked at, in the order chosen."""
        return self._looking.strips

    @property
    def part_strips(self) -> tuple[Strip, ...]:
        """One strip per part of the run that is looked at, in the order of its parts."""
        return self._looking.part_strips

    @property
    def input(self) -> Opened | None:
        """The input that is looked at, once it is read."""
        return self._looking.input

    def opened_input(self, source_id: str) -> Opened | None:
        """An input of the project, once it is read."""
        return self.inputs.opened(source_id)

    @property
    def lost(self) -> Mapping[str, str]:
        """Inputs that are not where they were, and why, by source id."""
        return self.inputs.lost

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter of the input that is looked at: as chosen, or of the run looked at."""
        return self._looking.parameters

    @property
    def running(self) -> bool:
        return self._runs.running

    @property
    def running_here(self) -> bool:
        """Whether the run that is going on is of the input that is looked at."""
        return self._runs.running_here

    @property
    def begun_from(self) -> tuple[Part, ...]:
        """Parts that the run going on began from."""
        return self._runs.begun_from

    @property
    def doing(self) -> str:
        """What is being read or written, or empty."""
        return self._errands.doing

    @property
    def stoppable(self) -> bool:
        """Whether what is being read or written can be stopped."""
        return self._errands.stoppable

    @property
    def preparing(self) -> bool:
        """Whether what runs need is compiled ahead of them, in the background."""
        return self._runs.preparing

    @property
    def idle(self) -> bool:
        """Whether no file is being read or written."""
        return self._errands.idle

    @property
    def title(self) -> str:
        """What the project is called; empty where nothing is open."""
        return resolve.title_of(self.state, self._file.path)

    @property
    def needs_saving(self) -> bool:
        """Whether closing would lose something: a result or an edit that no file has."""
        if self._file.look_only:
            return False
        changed = self._document.dirty or self._file.repacks
        return changed and bool(self.state.runs or self._file.path)

    @property
    def undo_name(self) -> str:
        return self._document.undo_name

    @property
    def redo_name(self) -> str:
        return self._document.redo_name

    @property
    def worker_pid(self) -> int | None:
        """Number of the worker process, where there is one."""
        return self._runs.pid

    def facts(self) -> frozenset[str]:
        """Return what is true now, in the words that commands ask for."""
        return facts_of(self)

    # --- beginning and end ---------------------------------------------------------------

    def warm_up(self) -> None:
        """Start the worker process, so that the first run need not wait for it."""
        self._runs.warm_up()

    def close(self) -> None:
        """End worker and file thread; nothing is saved here."""
        self._unsubscribe()
        self._errands.close()
        self._runs.close()

    # --- files ---------------------------------------------------------------------------

    def open_path(self, path: Path, plugin_id: str = "") -> None:
        """Open an input beside those that are open, or a project in their place."""
        if filework.is_project(path):
            self.open_project(path)
            return
        known = next((s for s in self.state.listed if Path(s.file.path) == path.resolve()), None)
        if known is not None and plugin_id in ("", known.plugin):
            self.select_source(known.id)
            return
        self.inputs.open(path, plugin_id)

    def open_sample(self, key: str) -> None:
        """Open a sample that a plugin brings, with the parameters that suit it."""
        self.inputs.open_sample(key)

    def open_project(self, path: Path, *, look: bool = False) -> None:
        """Open a project in place of the present one; asking about changes comes before.

        Parameters
        ----------
        path : Path
        look : bool
            Open one of a newer Partwise too, as far as it is understood, never to be saved.
        """
        self._file.open(path, look=look)

    def close_project(self) -> None:
        """Begin with an empty project; asking about changes comes before."""
        self._take_document(Document(), None)

    def save(self, path: Path | None = None, thumb: bytes | None = None) -> None:
        """Save the project as it stands now, to its own file or to `path`.

        `saved` follows when the file is whole on the disk.
        """
        self._file.save(self._document, self.title, path, thumb)

    def recover(self, copy: Path, project: Path | None, discard: Callable[[], None]) -> None:
        """Open work that a crash left, as unsaved changes to its project."""

        def found(opened: filework.OpenedProject) -> None:
            self._take_project(opened)
            self._file.path = project
            self._document.mark_saved(State())  # nothing of this is in the person's file yet
            discard()

        self._file.recover(copy, project, found)

    def set_packing(self, on: bool) -> None:
        """Choose whether the project's file holds its inputs, from the next save on."""
        self._file.set_packing(on)

    def quietly(self, work: Callable[[], Any], failed: Callable[[Exception], None]) -> None:
        """Do something in the background that nobody waits for."""
        self._errands.quietly(work, failed)

    def relink(self, source_id: str, path: Path) -> None:
        """Point an input at where its file is now, and all others that moved along."""
        others = [s for s in self.state.listed if s.id in self.lost and s.id != source_id]
        self.inputs.relink(self.state.source(source_id), path, others)

    def set_holder(self, holder: Holder | None) -> None:
        """Note who else has the file open: from now on it is only read here, or no longer."""
        self._file.set_holder(holder)

    # --- looking -------------------------------------------------------------------------

    def select_source(self, source_id: str) -> None:
        """Look at an input, and at its newest run where it has one."""
        self._looking.at_source(source_id)

    def look_at_source(self, source_id: str) -> None:
        """Look at an input itself, without the parts of any run."""
        self._looking.at(source_id, "")

    def select_run(self, run_id: str) -> None:
        """Look at a run."""
        self._looking.at_run(run_id)

    # --- choosing ------------------------------------------------------------------------

    def edit(self, name: str, change: Callable[[Choices], Choices], *, merge: str = "") -> None:
        """Change the choices by a named step that can be undone; `edits` knows the usual ones."""
        self._document.edit(name, change, merge=merge)

    @property
    def section(self) -> Mapping[str, Any]:
        """What the plugin of the input that is looked at keeps in the project."""
        if self.input is None:
            return {}
        return read_section(self.input.plugin, self.state.sections)

    def keep(self, data: Mapping[str, Any], title: str, *, merge: str = "") -> None:
        """Replace what the plugin keeps in the project, by a named step that can be undone."""
        if self.input is not None:
            plugin = self.input.plugin
            self._document.edit_section(
                section_name(plugin), title, written_section(plugin, data), merge=merge
            )

    def follow_no_run(self) -> None:
        """Show the parameters that were chosen by hand, whatever run is looked at."""
        self._looking.follow_no_run()

    def undo(self) -> None:
        self._document.undo()

    def redo(self) -> None:
        self._document.redo()

    # --- running -------------------------------------------------------------------------

    def start_run(self, *, anew: bool = False, from_here: bool = False, split: str = "") -> None:
        """Run the analysis of the input that is looked at.

        A run that was stopped, or whose parts were corrected or joined by hand, is gone on from;
        locked parts stay as they are.

        Parameters
        ----------
        anew : bool
            Whether to begin from nothing, whatever stands.
        from_here : bool
            Whether parts that were corrected by hand stay as they were put, as locked ones do,
            while the others are found again.
        split : str
            Key of a part that is to become two.
        """
        if self._file.look_only:
            return
        try:
            self._runs.start(self.state, anew=anew, from_here=from_here, split=split)
        except PartwiseProblem as problem:
            self._errands.tell(problem, tr("Run"))

    def stop(self) -> None:
        """Stop the run, the reading, the export or the preparing that is going on."""
        self._errands.stop()
        self._runs.stop()

    # --- inside --------------------------------------------------------------------------

    def _take_input(self, opened: Opened) -> None:
        file = filework.need_source(opened.dataset)
        same = (s for s in self.state.listed if s.plugin == opened.plugin.id)
        known = next((s for s in same if filework.same_file(s, opened.dataset)), None)
        if known is None:
            taken = [source.id for source in self.state.sources]
            number = 1 + max((int(name.removeprefix("source-")) for name in taken), default=0)
            known = Source(
                f"source-{number}",
                opened.plugin.id,
                opened.title,
                file,
                beside=opened.dataset.beside,
            )
            self.inputs.keep(known.id, opened)
            self._document.add_source(known)
        self.inputs.keep(known.id, opened)
        self.select_source(known.id)
        if opened.parameters:
            self.edits.parameters(
                tr("Set the sample's parameters"), {**opened.defaults, **opened.parameters}
            )
        self.opened.emit(Path(file.path))

    def _take_project(self, project: filework.OpenedProject) -> None:
        self._take_document(Document(project.state), project.path, project.inputs, project.lost)
        self._file.take(project)
        if project.state.sources:
            first = (
                project.state.runs[-1].source if project.state.runs else project.state.sources[0].id
            )
            self.select_source(first)
        for warning in project.warnings:
            self.noticed.emit(Notice("look", f"{project.path.name}: {warning}."))
        self.opened.emit(project.path)

    def _take_document(
        self,
        document: Document,
        path: Path | None,
        places: Mapping[str, Path] | None = None,
        lost: Mapping[str, str] | None = None,
    ) -> None:
        self._errands.forget()
        self._errands.stop()
        self._runs.forget()
        before = self.state
        self.project_left.emit()
        self._unsubscribe()
        self._document = document
        self._unsubscribe = document.subscribe(self._on_document)
        self._file.begin(path)
        self._looking.begin(document)
        # Before anybody hears of it: whoever looks at an input at once must not look in vain.
        self.inputs.begin(places, lost)
        self.changed.emit(before, document.state)
        self.selection_changed.emit()
        self.input_changed.emit()

    def _on_document(self, before: State, after: State) -> None:
        self.changed.emit(before, after)
        self._looking.mind(before, after)

    def _on_lost(self, why: str) -> None:
        self.noticed.emit(resolve.lost_notice(why))

    def _on_relinked(self, source_id: str, opened: Opened) -> None:
        if opened.dataset.source is not None:
            self._document.relink(source_id, opened.dataset.source, opened.dataset.beside)
        self._looking.at(source_id, self._looking.run_id)

    def _connect(self) -> None:
        runs, errands, inputs = self._runs, self._errands, self.inputs
        self._file.changed.connect(self.selection_changed)
        self._file.saved.connect(self.saved)
        self._file.read.connect(self._take_project)
        errands.noticed.connect(self.noticed)
        errands.busy_changed.connect(self.busy_changed)
        errands.progressed.connect(self.progressed)
        inputs.arrived.connect(self._take_input)
        self._looking.turned.connect(self.selection_changed)
        self._looking.input_turned.connect(self.input_changed)
        self._looking.lost.connect(self._on_lost)
        inputs.relinked.connect(self._on_relinked)
        runs.running_changed.connect(self.running_changed)
        runs.progressed.connect(self.progressed)
        runs.quiet.connect(self.quiet)
        runs.preparing_changed.connect(self.preparing_changed)
        runs.warm.connect(self._fetch_loops)
        runs.stopping.connect(self.stopping)
        runs.emerged.connect(self.snapshot_arrived)
        runs.finished.connect(self._take_result)
        runs.noticed.connect(self.noticed)
        runs.stopped.connect(self.stopped)

    def _fetch_loops(self) -> None:
        """Load what draws mixtures; compiling it in this process would make the window stall."""
        self._errands.quietly(filework.warm_up)

    def _take_result(self, asked: Asked, result: Result) -> None:
        opened = self.inputs.opened(asked.source)
        assert opened is not None  # it was read before anybody could ask for a run
        run = self._document.add_run(
            asked.source,
            opened.plugin.id,
            opened.analysis_id,
            asked.title,
            result,
            after=asked.after,
        )
        self._looking.at_result(run)
        self.run_added.emit(run)
