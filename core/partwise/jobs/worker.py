"""Who runs it beside the window? One warm process, watched, replaced when it is lost.

`Worker` is used from the window's thread; a manager thread of its own owns the process, sends
it requests, passes its events on, and starts a fresh one after a kill.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing import connection as connections
from typing import TYPE_CHECKING, Any

from partwise.errors import WorkerLost
from partwise.jobs.events import (
    Beat,
    Began,
    CancelledRun,
    Event,
    Failed,
    Finished,
    Preparing,
    Progress,
    Quiet,
    Ready,
    Snapshotted,
    Unprepared,
    Warm,
)
from partwise.jobs.serve import serve
from partwise.jobs.shared import Channel, new_name
from partwise.jobs.warm import Preparer

if TYPE_CHECKING:
    from partwise.jobs.perform import Request

__all__ = [
    "Beat",
    "Began",
    "CancelledRun",
    "Event",
    "Failed",
    "Finished",
    "Preparing",
    "Progress",
    "Quiet",
    "Ready",
    "Snapshotted",
    "Warm",
    "Worker",
]

_PATIENCE_S = 1.0  # after a cancel, before the process is ended
_LAST_WORDS_S = 0.2
_QUIET_S = 10.0  # without a sign of life, before the person is told
_TRIES = 2  # fresh processes for one request that never began, or in a row that never got ready
_DEFAULT = "partwise.plugins.registry:load_registry"


class Worker:
    """A process that runs analyses, one at a time; the newest request wins.

    Parameters
    ----------
    on_event : callable
        Called with each `Event` of the present generation, from a thread of the worker's own.
    registry : str
        Dotted name of a callable that gives the plugins, called in the process.
    """

    def __init__(self, on_event: Callable[[Event], None], *, registry: str = _DEFAULT) -> None:
        self._on_event = on_event
        self._registry = registry
        self._context = multiprocessing.get_context("spawn")
        self._flag = self._context.Value("q", 0, lock=False)
        self._preparer = Preparer(self._context, registry)
        self._left_cold = False
        self._wake_in, self._wake_out = self._context.Pipe(duplex=False)
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._child: _Child | None = None
        self._generation = 0
        self._active = 0  # the generation whose answer is awaited, or 0
        self._pending: Request | None = None  # asked for, not yet begun
        self._tries = 0
        self._deadline: float | None = None
        self._closing = threading.Event()

    def start(self) -> None:
        """Start the process in the background; returns at once."""
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(
                    target=self._manage, name="partwise-worker", daemon=True
                )
                self._thread.start()

    def submit(self, request: Request) -> int:
        """Ask for a run and return its generation; a run that is going on is cancelled."""
        self.start()
        with self._lock:
            self._cancel_active()
            self._generation += 1
            self._active = self._generation
            self._pending, self._tries = request, 0
            self._poke()
            return self._generation

    def cancel(self) -> None:
        """Ask the present run to leave; after a second without an answer it is ended."""
        with self._lock:
            self._cancel_active()
            self._poke()

    def leave_cold(self) -> None:
        """Compile nothing ahead of runs any more; what is being compiled is given up."""
        with self._lock:
            self._left_cold = True
            self._poke()

    def close(self) -> None:
        """End the process and wait for it; no event comes after this."""
        with self._lock:
            self._closing.set()
            thread, self._thread = self._thread, None
            self._poke()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        if not self._wake_in.closed:
            self._wake_in.close()
            self._wake_out.close()

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        child = self._child
        return child is not None and child.process.is_alive()

    @property
    def pid(self) -> int | None:
        """Number of the process, or None."""
        child = self._child
        return child.process.pid if child is not None else None

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return self._active != 0

    def _cancel_active(self) -> None:
        if self._active and self._flag.value < self._active:
            self._flag.value = self._active
            if self._deadline is None:  # many requests in a row grant no more patience than one
                self._deadline = time.monotonic() + _PATIENCE_S

    def _poke(self) -> None:
        if not self._wake_out.closed:
            self._wake_out.send_bytes(b"")

    # --- in the manager's thread -----------------------------------------------------------

    def _manage(self) -> None:
        stillborn = 0
        while not self._closing.is_set():
            if stillborn >= _TRIES and self._pending is None:
                # It does not start; try again when somebody asks for something.
                self._drain(connections.wait([self._wake_in]))
                continue
            try:
                child = _Child(self._context, self._flag, self._registry)
            except (OSError, RuntimeError) as problem:
                stillborn += 1
                self._refuse(problem)
                continue
            self._child = child
            self._tend(child)
            self._child = None
            stillborn = 0 if child.ready else stillborn + 1
            code = child.bury(0.0 if self._closing.is_set() else _LAST_WORDS_S)
            if not self._closing.is_set():
                self._settle(child, code)
        self._preparer.end()

    def _tend(self, child: _Child) -> None:
        """Serve one process until it is gone."""
        while not self._closing.is_set():
            self._prepare()
            if not self._hand_over(child):
                return
            wait = self._patience(child)
            ends = [child.channel_end, child.process.sentinel, self._wake_in]
            ready = connections.wait([*ends, *self._preparer.sentinel], wait)
            self._drain(ready)
            if not set(self._preparer.sentinel).isdisjoint(ready):
                self._preparer.wanted = False
            if child.channel_end in ready:
                try:
                    event = child.channel.receive()
                except (EOFError, OSError):
                    return
                self._pass_on(child, event)
            elif child.process.sentinel in ready:
                return
            elif self._deadline is not None and time.monotonic() >= self._deadline:
                self._deadline = None
                child.process.kill()
            else:
                self._listen_for_life(child)

    def _prepare(self) -> None:
        """Let loops be compiled for later, while nothing runs."""
        preparer = self._preparer
        if self._left_cold:
            preparer.wanted = False
        if self._active:
            preparer.end()
        elif not preparer.wanted and preparer.sentinel:
            preparer.end()
            if not self._left_cold:
                self._on_event(Warm(0))
        elif preparer.begin():
            self._on_event(Preparing(0))

    def _patience(self, child: _Child) -> float | None:
        """Return how long to wait for something to happen."""
        until = [] if self._deadline is None else [self._deadline]
        if child.begun and self._active == child.begun and not child.quiet:
            until.append(child.heard + _QUIET_S)
        return max(min(until) - time.monotonic(), 0) if until else None

    def _listen_for_life(self, child: _Child) -> None:
        silent = time.monotonic() - child.heard
        with self._lock:
            generation = self._active
            due = child.begun and generation == child.begun and not child.quiet
            if not due or silent < _QUIET_S:
                return
            child.quiet = True
        self._on_event(Quiet(generation, silent))

    def _drain(self, ready: list[Any]) -> None:
        if self._wake_in in ready:
            while self._wake_in.poll():
                self._wake_in.recv_bytes()

    def _hand_over(self, child: _Child) -> bool:
        with self._lock:
            request, generation = self._pending, self._active
            if request is None or child.asked >= generation:
                return True
            child.asked = generation
        try:
            child.channel.send((generation, request))
        except OSError:
            return False
        return True

    def _pass_on(self, child: _Child, event: Event) -> None:
        child.heard, child.quiet = time.monotonic(), False
        if isinstance(event, Unprepared):
            self._preparer.wanted = not self._left_cold
        if isinstance(event, Beat | Unprepared):
            return
        with self._lock:
            if isinstance(event, Ready):
                child.ready = True
            elif isinstance(event, Began):
                child.begun = event.generation
                child.channel.acknowledged()
            if event.generation not in (0, self._active):
                if isinstance(event, Finished | Failed | CancelledRun):
                    self._deadline = None  # the run that was superseded has left in time
                return
            if isinstance(event, Began):
                self._pending = None
            elif isinstance(event, Finished | Failed | CancelledRun):
                self._active, self._pending, self._deadline = 0, None, None
        self._on_event(event)

    def _refuse(self, problem: Exception) -> None:
        """Say that there is no process: the system has no memory or no open files left for it."""
        with self._lock:
            generation, cancelled = self._active, self._flag.value >= self._active
            self._active, self._pending, self._deadline = 0, None, None
        if not generation:
            return
        lost = WorkerLost(
            f"no process could be started for the analysis ({problem})",
            fix="close other programs, then run again",
        )
        self._on_event(CancelledRun(generation) if cancelled else Failed(generation, lost))

    def _settle(self, child: _Child, code: int | None) -> None:
        """Say what became of the run whose process is gone."""
        with self._lock:
            generation, cancelled = self._active, self._flag.value >= self._active
            self._deadline = None
            if not generation:
                return
            if self._pending is not None and not cancelled:
                # Never begun: it was waiting behind a run that was ended, or for the start.
                self._tries += child.asked == generation and child.begun == 0
                if self._tries < _TRIES:
                    return
            self._active, self._pending = 0, None
        if cancelled:
            self._on_event(CancelledRun(generation))
        else:
            self._on_event(Failed(generation, _lost(code)))


class _Child:
    """One worker process and our end of its pipe."""

    def __init__(self, context: Any, flag: Any, registry: str) -> None:
        self.channel_end, theirs = context.Pipe()
        out, into = new_name(), new_name()
        self.channel = Channel(self.channel_end, out, into)
        self.process = context.Process(
            target=serve, args=(theirs, flag, into, out, registry), daemon=True
        )
        try:
            self.process.start()
        except BaseException:
            self.channel_end.close()
            raise
        finally:
            theirs.close()
        self.ready = False
        self.asked = 0  # the newest generation sent
        self.begun = 0  # the newest generation begun
        self.heard = time.monotonic()  # when it last said anything
        self.quiet = False  # whether its silence was told

    def bury(self, patience: float) -> int | None:
        """End the process if it still runs, free what it left, and return its exit code."""
        # Once the pipe is broken the process ends by itself; a moment tells how.
        self.process.join(patience)
        self.process.kill()
        self.process.join()
        self.channel.sweep()
        code: int | None = self.process.exitcode
        self.process.close()
        return code


def _lost(code: int | None) -> WorkerLost:
    if code == -9:
        return WorkerLost(
            "the system ended the process that ran the analysis, often for want of memory",
            fix="close other programs or choose a smaller region, then run again",
        )
    how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
    return WorkerLost(
        f"the process that ran the analysis ended {how}",
        fix="run again; your project is as it was",
    )
