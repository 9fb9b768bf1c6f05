"""Who asks the worker, and which of its answers still counts?"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from partwise_app.standing import standing_result

if TYPE_CHECKING:
    from partwise.jobs.perform import Request  # noqa: TC004  annotations are never evaluated
    from partwise.jobs.worker import Event, Worker
    from partwise.result import Snapshot

__all__ = ["Asked", "Runner", "WorkerFactory"]

_log = logging.getLogger("partwise.app")

WorkerFactory = Callable[[Callable[["Event"], None]], "Worker"]


@dataclass(frozen=True)
class Asked:
    """The run that is going on: its number, and what it was asked for."""

    generation: int
    source: str
    title: str
    request: Request
    version: str  # of the plugin
    began: float
    after: str = ""  # id of the run that was looked at


class Runner(QObject):
    """One worker process and at most one run; answers to anything older are dropped.

    Parameters
    ----------
    make_worker : callable, optional
        Makes the process that runs analyses, given where its events go.
    """

    running_changed = Signal(bool)
    progressed = Signal(float, str)
    quiet = Signal(float)  # no sign of life for so many seconds
    snapshot_arrived = Signal(object)  # Snapshot
    finished = Signal(object, object)  # Asked, Result
    failed = Signal(object, str)  # the problem, its trace for the log
    stopping = Signal()
    cancelled = Signal()  # after `finished` where there was something that stood
    preparing_changed = Signal(bool)
    warm = Signal()  # nothing is left to be compiled
    _event = Signal(object)

    def __init__(
        self, make_worker: WorkerFactory | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._make_worker = make_worker or _default_worker
        self._worker: Worker | None = None
        self._asked: Asked | None = None
        self._standing: Snapshot | None = None
        self._leaving = False  # asked to stop; it has not left yet
        self._preparing = False
        self._event.connect(self._on_event)

    @property
    def asked(self) -> Asked | None:
        """The run that is going on, or None."""
        return self._asked

    @property
    def preparing(self) -> bool:
        """Whether the process compiles, while nothing runs, what later runs need."""
        return self._preparing

    @property
    def pid(self) -> int | None:
        """Number of the worker process, where there is one."""
        return self._worker.pid if self._worker is not None else None

    def warm_up(self) -> bool:
        """Start the process where there is none yet; returns whether it did."""
        if self._worker is not None:
            return False
        self._worker = self._make_worker(self._event.emit)
        self._worker.start()
        return True

    def start(
        self, request: Request, source: str, title: str, version: str, after: str = ""
    ) -> None:
        """Ask for a run; `version` is the plugin's, `after` the run that it is asked from."""
        self.warm_up()
        assert self._worker is not None
        self._standing, self._leaving = None, False
        number = self._worker.submit(request)
        self._asked = Asked(number, source, title, request, version, time.monotonic(), after)
        _log.info("run of %s on %s", request.analysis, request.dataset.title)
        self.running_changed.emit(True)
        self.progressed.emit(0.0, "Starting")

    def stop(self) -> None:
        """Ask the run to leave; where there is none, what is prepared for later ones."""
        if self._worker is None:
            return
        if self._asked is not None:
            self._leaving = True
            self.stopping.emit()
            self._worker.cancel()
        elif self._preparing:
            self._worker.leave_cold()
            self._prepare(False)

    def forget(self) -> None:
        """Ask the run to leave, and hear nothing more of it."""
        self.stop()
        self._end()

    def close(self) -> None:
        """End the process."""
        self._asked = None
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _on_event(self, event: Event) -> None:
        from partwise.jobs import worker as w

        if isinstance(event, w.Ready | w.Preparing | w.Warm):
            _log.info("the worker: %s", type(event).__name__.lower())
            self._prepare(isinstance(event, w.Preparing))
            if isinstance(event, w.Warm):
                self.warm.emit()
            return
        asked = self._asked
        if asked is None or event.generation != asked.generation:
            return  # an answer to a question that nobody asks any more
        if isinstance(event, w.Progress):
            self.progressed.emit(event.fraction, event.text)
        elif isinstance(event, w.Quiet):
            _log.warning("no sign of life for %.0f s", event.seconds)
            self.quiet.emit(event.seconds)
        elif isinstance(event, w.Snapshotted):
            self._standing = event.snapshot
            if not self._leaving:  # what stands is drawn once, when the run has left
                self.snapshot_arrived.emit(event.snapshot)
        elif isinstance(event, w.Finished):
            self._end()
            self.finished.emit(asked, event.result)
        elif isinstance(event, w.Failed):
            self._end()
            self.failed.emit(event.problem, event.trace)
        elif isinstance(event, w.CancelledRun):
            self._end()
            self._keep_standing(asked)
            self.cancelled.emit()

    def _prepare(self, on: bool) -> None:
        if on != self._preparing:
            self._preparing = on
            self.preparing_changed.emit(on)

    def _keep_standing(self, asked: Asked) -> None:
        """What was seen last stays, as a result that says it was stopped."""
        standing, self._standing = self._standing, None
        if standing is not None and standing.parts:
            seconds = time.monotonic() - asked.began
            result = standing_result(standing, asked.request, asked.version, seconds)
            self.finished.emit(asked, result)

    def _end(self) -> None:
        if self._asked is not None:
            self._asked = None
            self.running_changed.emit(False)


def _default_worker(on_event: Callable[[Event], None]) -> Worker:
    from partwise.jobs.worker import Worker

    return Worker(on_event)
