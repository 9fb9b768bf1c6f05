"""What is being read or written, and does anybody still wait for it?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from partwise.errors import Cancelled
from partwise.job import Job, LocalJob
from partwise_app.background import Background
from partwise_app.notices import Notice, notice_of
from partwise_app.words import tr

__all__ = ["Errands"]

_log = logging.getLogger("partwise.app")


class Errands(QObject):
    """Work on files for one session: one at a time, named, dropped when the project has changed."""

    noticed = Signal(object)  # Notice
    busy_changed = Signal()
    progressed = Signal(float, str)  # how far long work is, and what it is doing

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._generation = 0
        self._named: list[tuple[str, bool]] = []  # under way or waiting their turn; long ones
        self._begun = self._stopped = 0  # long ones that were asked for; those to be left
        self._background = Background(self)
        self._background.idle_changed.connect(self._on_idle)

    @property
    def doing(self) -> str:
        """What is being read or written, or empty where nobody waits for it."""
        return self._named[0][0] if self._named else ""

    @property
    def stoppable(self) -> bool:
        """Whether what is being read or written can be stopped."""
        return bool(self._named) and self._named[0][1]

    @property
    def idle(self) -> bool:
        """Whether nothing is being read or written, awaited or not."""
        return self._background.idle

    def do(
        self,
        doing: str,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Do `work` in the background, then call `then` with its answer.

        Parameters
        ----------
        doing : str
            Words for the status bar ("Opening slide.svs").
        work : callable
            Runs in the file thread.
        then : callable
            Called in the window's thread, unless `forget` was called meanwhile.
        failed : callable, optional
            By default the problem is told.
        """
        self._do(doing, work, then, failed, long=False)

    def do_long(
        self,
        doing: str,
        work: Callable[[Job], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Do work that tells how far it is and can be stopped: it is given a job for both.

        Parameters are those of `do`.
        """
        self._begun += 1
        job = LocalJob(
            on_report=self.progressed.emit,  # in the file thread; the signal carries it over
            is_cancelled=partial(self._is_stopped, self._begun),
        )
        self._do(doing, partial(work, job), then, failed, long=True)

    def stop(self) -> None:
        """Ask long work that is going on, or waits its turn, to leave."""
        self._stopped = self._begun

    def _do(
        self,
        doing: str,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None] | None,
        *,
        long: bool,
    ) -> None:
        generation = self._generation
        named = (doing, long)
        self._named.append(named)

        def answered(answer: Any) -> None:
            self._over(named)
            if generation == self._generation:
                then(answer)

        def not_done(problem: Exception) -> None:
            self._over(named)
            if isinstance(problem, Cancelled):
                self.noticed.emit(
                    Notice(
                        "look",
                        tr("{doing} was cancelled.", doing=doing),
                        tr("Nothing was left behind."),
                    )
                )
            elif failed is not None:
                failed(problem)
            else:
                self.tell(problem, doing)

        self._background.do(work, answered, not_done)
        self.busy_changed.emit()

    def quietly(
        self,
        work: Callable[[], Any],
        failed: Callable[[Exception], None] | None = None,
        then: Callable[[Any], None] | None = None,
    ) -> None:
        """Do something in the background that nobody waits for."""
        self._background.do(work, then or _ignore, failed or _log_failure)

    def tell(self, problem: Exception, doing: str) -> None:
        """Say that something failed."""
        self.noticed.emit(notice_of(problem, doing))

    def forget(self) -> None:
        """Drop the answers to everything asked so far."""
        self._generation += 1

    def close(self) -> None:
        """Ask the work under way to leave, wait for it, and end the thread."""
        self.stop()
        self._background.close()

    def _is_stopped(self, number: int) -> bool:
        return number <= self._stopped

    def _over(self, named: tuple[str, bool]) -> None:
        self._named.remove(named)
        self.busy_changed.emit()

    def _on_idle(self, idle: bool) -> None:
        self.busy_changed.emit()


def _ignore(_: Any) -> None:
    """Take an answer that nobody waits for."""


def _log_failure(problem: Exception) -> None:
    _log.warning("in the background: %s", problem)
