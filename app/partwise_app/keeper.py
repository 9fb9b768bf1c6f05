"""What survives a crash? A copy of the project in the state folder, and who holds the file."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from partwise.project.document import State
from partwise.project.recovery import Autosave, Orphan, ProjectLock, orphans
from partwise_app.resolve import held_notice
from partwise_app.session import Session

__all__ = ["Keeper"]

_EVERY_MS = 60_000
_log = logging.getLogger("partwise.app")


class Keeper(QObject):
    """Keeps a copy of unsaved work, every minute and after each run, until it is saved.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._copy = Autosave()
        self._kept: State | None = None
        self._lock: ProjectLock | None = None
        self._held: Path | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.keep)
        self._timer.start(_EVERY_MS)
        session.run_added.connect(self._on_run)
        session.saved.connect(self._on_saved)
        session.opened.connect(self._on_opened)
        session.project_left.connect(self._on_left)

    def set_interval(self, seconds: int) -> None:
        """Keep a copy so often."""
        self._timer.setInterval(1000 * seconds)

    def keep(self) -> None:
        """Write the copy where there is something new that no file has."""
        session = self._session
        state = session.state
        if not session.needs_saving or state is self._kept:
            return
        self._kept = state
        path = session.path
        session.quietly(lambda: self._copy.write(state.without_removed(), path), self._on_failed)

    def orphan(self) -> Orphan | None:
        """Return the newest work that a session which is gone has left, or None."""
        found = orphans()
        return found[0] if found else None

    def close(self) -> None:
        """The session ends on purpose: no copy, no lock."""
        self._timer.stop()
        self._copy.clear()
        self._release()

    def _on_run(self, _run: object) -> None:
        self.keep()

    def _on_saved(self, path: Path) -> None:
        self._copy.clear()
        self._hold(path)

    def _on_opened(self, path: Path) -> None:
        if self._session.path is not None and not self._session.look_only:
            self._hold(self._session.path)

    def _on_left(self) -> None:
        self._copy.clear()
        self._release()

    def _hold(self, path: Path) -> None:
        if self._lock is not None and self._held == path:
            return
        self._release()
        lock = ProjectLock(path)
        holder = lock.take()
        if holder is None:
            self._lock, self._held = lock, path
            return
        self._session.set_holder(holder)
        self._session.noticed.emit(held_notice(path, holder))

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _on_failed(self, problem: Exception) -> None:
        _log.warning("no copy could be kept: %s", problem)
