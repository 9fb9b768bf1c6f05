"""Which input is looked at, and which of its runs?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from partwise_app.following import Following, shown_parameters

if TYPE_CHECKING:
    from partwise.project.document import Document, Run, Source, State, Strip
    from partwise_app.filework import Opened
    from partwise_app.inputs import Inputs

__all__ = ["Looking"]


class Looking(QObject):
    """One input of the document and one run of it, or neither; the document does not know.

    Parameters
    ----------
    document : Document
    inputs : Inputs
        Asked for an input that was not read yet.
    """

    turned = Signal()
    """Another input or run is looked at, or what can be said of it changed."""
    input_turned = Signal()
    """Another input is on the stage, or none."""
    lost = Signal(str)
    """Why the input that was turned to is not where it was."""

    def __init__(self, document: Document, inputs: Inputs, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._inputs = inputs
        self._source_id = ""
        self._run_id = ""
        self._following: Following | None = None
        inputs.fetched.connect(self._on_fetched)
        inputs.lost_now.connect(self._on_lost)

    @property
    def source_id(self) -> str:
        """Id of the input, or empty."""
        return self._source_id

    @property
    def run_id(self) -> str:
        """Id of the run, or empty."""
        return self._run_id

    @property
    def source(self) -> Source | None:
        """The input."""
        return self._document.state.source(self._source_id) if self._source_id else None

    @property
    def run(self) -> Run | None:
        """The run."""
        return self._document.state.run(self._run_id) if self._run_id else None

    @property
    def strips(self) -> tuple[Strip, ...]:
        """The mixer's strips of the run, in the order chosen."""
        return self._document.state.strips(self._run_id) if self._run_id else ()

    @property
    def part_strips(self) -> tuple[Strip, ...]:
        """One strip per part of the run, in the order of its parts."""
        return self._document.state.part_strips(self._run_id) if self._run_id else ()

    @property
    def input(self) -> Opened | None:
        """The input, once it is read."""
        return self._inputs.opened(self._source_id)

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter of the input: as chosen, or of the run."""
        opened = self.input
        if opened is None:
            return {}
        state = self._document.state
        return shown_parameters(state, self._source_id, opened.defaults, self._following)

    def begin(self, document: Document) -> None:
        """Look at nothing in another document; nobody is told yet."""
        self._document = document
        self._source_id = self._run_id = ""
        self._following = None

    def at_source(self, source_id: str) -> None:
        """Look at an input, and at its newest run where it has one."""
        runs = self._document.state.runs_of(source_id)
        self.at(source_id, runs[-1].id if runs else "")

    def at_run(self, run_id: str) -> None:
        """Look at a run that the person turned to."""
        self.at(self._document.state.run(run_id).source, run_id, asked=True)

    def at(self, source_id: str, run_id: str, *, asked: bool = False) -> None:
        """Look at an input and at a run of it; empty ids are none."""
        before = self._source_id, self.input
        self._source_id, self._run_id = source_id, run_id
        self._follow(asked=asked)
        if (source_id, self.input) != before or self.input is not None:
            self.input_turned.emit()
        self.turned.emit()
        if not source_id:
            return
        if source_id in self._inputs.lost:
            self.lost.emit(self._inputs.lost[source_id])
        elif self.input is None:
            self._inputs.fetch(self._document.state.source(source_id))

    def at_result(self, run: Run) -> None:
        """Look at a run that has just ended, where its input is looked at."""
        if run.source == self._source_id:
            self._run_id = run.id
            # A split or joint asked for another number of parts than the form did.
            self._follow()
            self.turned.emit()

    def follow_no_run(self) -> None:
        """Take the parameters that were chosen by hand, whatever run is looked at."""
        self._following = None
        self.turned.emit()

    def mind(self, before: State, after: State) -> None:
        """Look elsewhere where what was looked at was removed, and back where it returned."""
        gone = after.choices.removed
        if self._source_id in gone:
            left = after.listed
            self.at("", "") if not left else self.at_source(left[-1].id)
        elif self._run_id in gone:
            self.at_source(self._source_id)
        elif not self._source_id and after.listed and before.choices.removed != gone:
            self.at_source(after.listed[-1].id)  # undo brought the last one back

    def _follow(self, *, asked: bool = False) -> None:
        run = self.run
        chosen = self._document.state.choices.parameters.get(self._source_id)
        self._following = Following(run, chosen, asked) if run is not None else None

    def _on_fetched(self, source_id: str) -> None:
        if source_id == self._source_id:
            self.input_turned.emit()
            self.turned.emit()

    def _on_lost(self, _source_id: str) -> None:
        self.turned.emit()
