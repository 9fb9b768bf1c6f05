"""Who prepares a large drawing while the window stays awake?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, QThreadPool, Signal

__all__ = ["Later"]


class Later(QObject):
    """Asks a thread for one thing at a time; an answer that nobody waits for is dropped."""

    done = Signal(object)
    """The answer to the newest question."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked = 0
        self._relay = _Relay()  # without a parent: a thread may outlive the drawing
        self._relay.arrived.connect(self._deliver)

    def ask(self, work: Callable[[], object], *, at_once: bool) -> None:
        """Answer with what `work` returns: within this call, or later from a thread."""
        self._asked += 1
        number, relay = self._asked, self._relay
        if at_once:
            self.done.emit(work())
            return

        def run() -> None:
            answer = work()
            with suppress(RuntimeError):  # the program has ended meanwhile, and Qt with it
                relay.arrived.emit(number, answer)

        QThreadPool.globalInstance().start(run)

    def forget(self) -> None:
        """Want no answer any more."""
        self._asked += 1

    def _deliver(self, number: int, answer: object) -> None:
        if number == self._asked:
            self.done.emit(answer)


class _Relay(QObject):
    arrived = Signal(int, object)
