"""What if several runs are asked for? They stand in line before one worker."""

from __future__ import annotations

import dataclasses
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from partwise.jobs.worker import CancelledRun, Event, Failed, Finished, Ready, Worker

if TYPE_CHECKING:
    from partwise.jobs.perform import Request

__all__ = ["Line"]


class Line:
    """Requests that are run one after the other, in the order in which they came.

    Parameters
    ----------
    on_event : callable
        Called with each `Event`, from a thread of the worker's own; its `generation` is the number
        that `add` returned.
    registry : str, optional
        As for `Worker`.
    """

    def __init__(self, on_event: Callable[[Event], None], *, registry: str = "") -> None:
        self._on_event = on_event
        self._lock = threading.RLock()
        self._waiting: deque[tuple[int, Request]] = deque()
        self._tickets: dict[int, int] = {}  # ticket by the worker's generation
        self._running = 0
        self._last = 0
        self._worker = Worker(self._hear, **({"registry": registry} if registry else {}))

    @property
    def running(self) -> int:
        """Number of the run that is going on, or 0."""
        return self._running

    @property
    def waiting(self) -> tuple[int, ...]:
        """Numbers of the runs that wait, the next first."""
        with self._lock:
            return tuple(number for number, _ in self._waiting)

    def add(self, request: Request) -> int:
        """Put a request at the end of the line and return its number."""
        with self._lock:
            self._last += 1
            number = self._last
            self._waiting.append((number, request))
            self._next()
        return number

    def cancel(self, number: int) -> None:
        """Take one run out: from the line, or stop it where it is going on."""
        with self._lock:
            if number == self._running:
                self._worker.cancel()
                return
            left = [entry for entry in self._waiting if entry[0] != number]
            found = len(left) < len(self._waiting)
            self._waiting = deque(left)
        if found:
            self._on_event(CancelledRun(number))

    def clear(self) -> None:
        """Take all runs out, the one that is going on as well."""
        for number in (*self.waiting, self._running):
            if number:
                self.cancel(number)

    def close(self) -> None:
        """End the worker; no event comes after this."""
        with self._lock:
            self._waiting.clear()
        self._worker.close()

    def _next(self) -> None:
        if self._running or not self._waiting:
            return
        self._running, request = self._waiting.popleft()
        self._tickets = {self._worker.submit(request): self._running}

    def _hear(self, event: Event) -> None:
        with self._lock:
            ticket = self._tickets.get(event.generation, 0)
        if isinstance(event, Ready):
            self._on_event(event)
        elif ticket:
            self._on_event(dataclasses.replace(event, generation=ticket))
        if ticket and isinstance(event, Finished | Failed | CancelledRun):
            with self._lock:
                self._running = 0
                self._next()
