"""Who reads and writes files while the window stays awake?"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Signal

__all__ = ["Background"]

Then = Callable[[Any], None]
Failed = Callable[[Exception], None]


class Background(QObject):
    """One thread for files, in order of asking; answers arrive in the window's thread.

    Nothing that computes belongs here: analyses run in the worker process.
    """

    idle_changed = Signal(bool)
    _answered = Signal(object, object, object)  # then, failed, the finished future

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="partwise-files")
        self._pending = 0
        self._closed = False
        self._answered.connect(self._deliver)

    @property
    def idle(self) -> bool:
        """Whether nothing is being read or written."""
        return self._pending == 0

    def do(self, work: Callable[[], Any], then: Then, failed: Failed) -> None:
        """Run `work` in the thread, then call `then` with its answer or `failed` with its error."""
        if self._closed:
            return
        self._pending += 1
        if self._pending == 1:
            self.idle_changed.emit(False)

        def finished(future: Future[Any]) -> None:
            if not future.cancelled():
                self._answered.emit(then, failed, future)

        self._pool.submit(work).add_done_callback(finished)

    def close(self) -> None:
        """Wait for the work under way, drop what is queued, and end the thread."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _deliver(self, then: Then, failed: Failed, future: Future[Any]) -> None:
        self._pending -= 1
        if self._closed:
            return
        error = future.exception()
        try:
            if error is None:
                then(future.result())
            elif isinstance(error, Exception):
                failed(error)
            else:
                raise error
        finally:
            if self._pending == 0:
                self.idle_changed.emit(True)
