"""Who measures while the window stays awake?"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, Signal

from partwise.api import Cancelled, LocalJob

__all__ = ["Aside", "Work"]

Work = Callable[[LocalJob], object]
_log = logging.getLogger("partwise.stain")


class _Relay(QObject):
    """Carries answers into the window's thread; without a parent, as a thread may outlive it."""

    arrived = Signal(str, int, object)


class _Shared:
    """What window and thread share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: dict[str, tuple[int, Work]] = {}
        self.newest: dict[str, int] = {}
        self.relay = _Relay()
        self.closed = False
        self.running = False

    def close(self) -> None:
        self.closed = True
        with self.lock:
            self.waiting.clear()

    def take(self) -> tuple[str, int, Work] | None:
        with self.lock:
            if self.closed or not self.waiting:
                self.running = False
                return None
            slot = next(iter(self.waiting))
            return slot, *self.waiting.pop(slot)

    def work(self) -> None:
        while (found := self.take()) is not None:
            slot, number, work = found
            job = LocalJob(is_cancelled=self._stale(slot, number))
            answer: object = None
            try:
                answer = work(job)
            except Cancelled:
                continue
            except Exception as error:  # noqa: BLE001  a file may fail in any way; it is shown
                if self.closed or not threading.main_thread().is_alive():
                    return  # the program is ending, and its threads with it
                _log.exception("%s could not be told", slot)
                answer = error
            if not self.closed:
                self.relay.arrived.emit(slot, number, answer)

    def _stale(self, slot: str, number: int) -> Callable[[], bool]:
        return lambda: self.closed or self.newest.get(slot) != number


class Aside(QObject):
    """One thread for what a panel wants to know; of each kind only the newest question counts.

    The thread ends when nothing is left to do.
    """

    answered = Signal(str, object)
    """The kind of question and its answer: an exception where there is none."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._shared = _Shared()
        self._shared.relay.arrived.connect(self._deliver)
        self.destroyed.connect(self._shared.close)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self._close)
        weakref.finalize(self, self._shared.close)

    def ask(self, slot: str, work: Work) -> None:
        """Answer with what `work` returns; an older question of the same kind is dropped."""
        shared = self._shared
        with shared.lock:
            number = shared.newest.get(slot, 0) + 1
            shared.newest[slot] = number
            shared.waiting[slot] = (number, work)
            start, shared.running = not shared.running, True
        if start:
            threading.Thread(target=shared.work, name="partwise-stain-panel", daemon=True).start()

    def forget(self, slot: str) -> None:
        """Want no answer of a kind any more."""
        with self._shared.lock:
            self._shared.newest[slot] = self._shared.newest.get(slot, 0) + 1
            self._shared.waiting.pop(slot, None)

    def _close(self) -> None:
        self._shared.close()

    def _deliver(self, slot: str, number: int, answer: object) -> None:
        if self._shared.newest.get(slot) == number:
            self.answered.emit(slot, answer)
