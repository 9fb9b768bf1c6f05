"""Who prepares a large drawing while the window stays awake?"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress

import shiboken6
from PySide6.QtCore import QObject, Qt, QThreadPool, Signal

__all__ = ["Later"]


class Later(QObject):
    """Asks a thread for one thing at a time; an answer that nobody waits for is dropped."""

    done = Signal(object)
    """The answer to the newest question."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked = 0

    def ask(self, work: Callable[[], object], *, at_once: bool) -> None:
        """Answer with what `work` returns: within this call, or later from a thread."""
        self._asked += 1
        number = self._asked
        if at_once:
            self.done.emit(work())
            return
        # The thread holds no object of Qt: whoever let go of one last would end it there.
        asker, post = weakref.ref(self), _post()

        def run() -> None:
            answer = work()
            with suppress(RuntimeError):  # the program has ended meanwhile, and Qt with it
                post.arrived.emit(asker, number, answer)

        QThreadPool.globalInstance().start(run)

    def forget(self) -> None:
        """Want no answer any more."""
        self._asked += 1

    def deliver(self, number: int, answer: object) -> None:
        """Take an answer; called in the window's thread."""
        if number == self._asked:
            self.done.emit(answer)


class _Post(QObject):
    """Carries answers from any thread to the window's; it lives as long as the program."""

    arrived = Signal(object, int, object)

    def __init__(self) -> None:
        super().__init__()
        self.arrived.connect(self._hand_over, Qt.ConnectionType.QueuedConnection)

    def _hand_over(self, asker: weakref.ref[Later], number: int, answer: object) -> None:
        found = asker()
        if found is not None and shiboken6.isValid(found):
            found.deliver(number, answer)


_only: list[_Post] = []


def _post() -> _Post:
    if not _only:
        _only.append(_Post())
    return _only[0]
