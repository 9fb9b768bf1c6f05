"""How does a run of what is looked at begin, and how is it told that it failed?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from partwise.errors import WorkerLost
from partwise_app import filework
from partwise_app.asking import request_of
from partwise_app.fitting import need_room
from partwise_app.notices import notice_of
from partwise_app.runner import Runner
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise.plugins.registry import Registry
    from partwise.project.document import State
    from partwise.result import Part, Snapshot
    from partwise_app.looking import Looking
    from partwise_app.runner import WorkerFactory

__all__ = ["Runs"]


class Runs(QObject):
    """Runs of the input that is looked at, one at a time.

    Parameters
    ----------
    registry : Registry
    looking : Looking
        Gives the input, its parameters, and the run that is gone on from.
    make_worker : callable, optional
        Makes the process that runs analyses, given where its events go.
    """

    running_changed = Signal(bool)
    progressed = Signal(float, str)
    quiet = Signal(float)
    """It gives no sign of life for so many seconds."""
    emerged = Signal(object)
    """A `Snapshot` of a run of the input that is looked at."""
    finished = Signal(object, object)
    """`Asked` and `Result`, also of a run that was stopped and left something that stands."""
    noticed = Signal(object)
    stopping = Signal()
    stopped = Signal(bool)
    """It ended without a result; whether that was asked for."""
    preparing_changed = Signal(bool)
    warm = Signal()

    def __init__(
        self,
        registry: Registry,
        looking: Looking,
        make_worker: WorkerFactory | None,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._registry = registry
        self._looking = looking
        self._runner = runner = Runner(make_worker, self)
        runner.running_changed.connect(self.running_changed)
        runner.progressed.connect(self.progressed)
        runner.quiet.connect(self.quiet)
        runner.stopping.connect(self.stopping)
        runner.preparing_changed.connect(self.preparing_changed)
        runner.warm.connect(self.warm)
        runner.finished.connect(self.finished)
        runner.snapshot_arrived.connect(self._take_snapshot)
        runner.failed.connect(self._take_failure)
        runner.cancelled.connect(self._take_cancelled)

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return self._runner.asked is not None

    @property
    def running_here(self) -> bool:
        """Whether the run that is going on is of the input that is looked at."""
        asked = self._runner.asked
        return asked is not None and asked.source == self._looking.source_id

    @property
    def begun_from(self) -> tuple[Part, ...]:
        """Parts that the run going on began from."""
        asked = self._runner.asked
        return asked.request.start if asked is not None else ()

    @property
    def preparing(self) -> bool:
        """Whether what runs need is compiled ahead of them, in the background."""
        return self._runner.preparing

    @property
    def pid(self) -> int | None:
        """Number of the worker process, where there is one."""
        return self._runner.pid

    def warm_up(self) -> None:
        """Start the worker process, so that the first run need not wait for it."""
        self._runner.warm_up()

    def start(self, state: State, *, anew: bool, from_here: bool, split: str) -> None:
        """Run the analysis of the input that is looked at; `Session.start_run` says how.

        Raises
        ------
        PartwiseProblem
            A value that is not allowed, or more memory than there is.
        """
        looking = self._looking
        opened = looking.input
        if opened is None or self.running:
            return
        asked = request_of(
            opened,
            looking.parameters,
            looking.run,
            looking.strips,
            looking.part_strips,
            anew=anew,
            from_here=from_here,
            split=split,
        )
        filework.check_values(opened.specs, asked.parameters)
        need_room(self._registry, opened, asked.parameters)
        number = 1 + sum(run.source == looking.source_id for run in state.runs)
        version = opened.plugin.version
        self._runner.start(asked, looking.source_id, f"Run {number}", version, looking.run_id)

    def stop(self) -> None:
        """Stop the run, or the preparing, that is going on."""
        self._runner.stop()

    def forget(self) -> None:
        """Ask the run to leave, and hear nothing more of it."""
        self._runner.forget()

    def close(self) -> None:
        """End the worker."""
        self._runner.close()

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if self.running_here:
            self.emerged.emit(snapshot)

    def _take_failure(self, problem: Exception, trace: str) -> None:
        notice = notice_of(problem, tr("The run"))
        action = "run_start" if isinstance(problem, WorkerLost) else ""
        self.noticed.emit(dataclasses.replace(notice, action=action, more=trace or notice.more))
        self.stopped.emit(False)

    def _take_cancelled(self) -> None:
        self.stopped.emit(True)
