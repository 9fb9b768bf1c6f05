"""What does the worker process do? Run what it is sent, say how it goes, warm up meanwhile.

The first lines run before anything heavy is imported: numerical libraries read their number of
threads once, when they are loaded.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

from partwise.jobs import cores, events, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

    from partwise.jobs.perform import Request
    from partwise.jobs.shared import Channel
    from partwise.plugins.registry import Registry
    from partwise.result import Part, View

__all__ = ["serve"]

_NICE = 5
_SNAPSHOT_EVERY_S = 0.1
_REPORT_EVERY_S = 0.05
_BEAT_EVERY_S = 1.0
_LOOPS = "Preparing the fast loops (once)"


def serve(connection: Connection, flag: Any, out: str, into: str, registry: str) -> None:
    """Be the worker until the pipe closes.

    Parameters
    ----------
    connection : Connection
    flag : shared integer
        Generations up to this one are cancelled.
    out, into : str
        Prefixes for `partwise.jobs.shared.Channel`.
    registry : str
        Dotted name of what gives the plugins.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is the parent's
    cores.be_modest(_NICE)
    from partwise.jobs.shared import Channel

    channel = Channel(connection, out, into)
    inbox: queue.SimpleQueue[tuple[int, Request]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, inbox), daemon=True).start()
    threading.Thread(target=_beat, args=(channel,), daemon=True).start()

    from partwise.plugins.registry import resolve

    plugins: Registry = resolve(registry)()
    todo = warm.steps(plugins)
    desk = _Desk(channel, flag, plugins)
    with contextlib.suppress(OSError):  # the parent is gone; the listener ends this process
        channel.send(events.Ready(0))
        desk.warm_up(todo, inbox.empty)
        while True:
            desk.answer(*inbox.get())


class _Desk:
    """Where requests are answered, and where it is told what they wait for."""

    def __init__(self, channel: Channel, flag: Any, plugins: Registry) -> None:
        self._channel, self._flag, self._plugins = channel, flag, plugins
        self._job: _PipeJob | None = None
        if "numba" in sys.modules:  # some analysis has loops
            warm.on_compiling(self._tell)

    def warm_up(self, todo: Sequence[Callable[[], object]], unasked: Callable[[], bool]) -> None:
        """Fetch the loops in the background, as long as nobody asks for anything."""

        def free() -> bool:
            return self._job is None and unasked()

        def done(all_there: bool) -> None:
            with contextlib.suppress(OSError):
                self._channel.send(events.Warm(0) if all_there else events.Unprepared(0))

        warm.Warming(todo, free, done).start()

    def answer(self, generation: int, request: Request) -> None:
        """Run what is asked for, and hand the answer back."""
        self._channel.send(events.Began(generation))
        self._job = _PipeJob(self._channel, self._flag, generation)
        answer = _answer(generation, request, self._job, self._plugins)
        self._job = None
        _hand_back(self._channel, answer)

    def _tell(self, compiling: bool) -> None:
        """A loop is compiled: a run says that it waits for it, and nothing else is worth it."""
        job = self._job
        if job is not None:
            with contextlib.suppress(OSError):
                job.wait_for_loops(compiling)
        elif compiling:
            raise warm.Cold


def _listen(channel: Channel, inbox: queue.SimpleQueue[tuple[int, Request]]) -> None:
    try:
        while True:
            inbox.put(channel.receive())
    except (EOFError, OSError):
        # The parent closed the pipe or died. A kernel may be running: leave without asking it.
        os._exit(0)


def _beat(channel: Channel) -> None:
    """Say now and then that this process lives, whatever its analysis does."""
    with contextlib.suppress(OSError):
        while True:
            time.sleep(_BEAT_EVERY_S)
            channel.send(events.Beat(0))


def _answer(generation: int, request: Request, job: _PipeJob, plugins: Registry) -> Any:
    from partwise.errors import Cancelled
    from partwise.jobs.perform import perform

    try:
        if job.cancelled:
            return events.CancelledRun(generation)
        return events.Finished(generation, perform(request, job, plugins))
    except Cancelled:
        return events.CancelledRun(generation)
    except Exception as problem:  # noqa: BLE001 - it is handed over, not swallowed
        return events.Failed(generation, _portable(problem), traceback.format_exc())


def _hand_back(channel: Channel, answer: Any) -> None:
    from partwise.errors import AnalysisProblem

    try:
        channel.send(answer)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        problem = AnalysisProblem(
            f"the result cannot be handed over ({error})", fix="report it to the plugin's author"
        )
        channel.send(events.Failed(answer.generation, problem, traceback.format_exc()))


def _portable(problem: Exception) -> Exception:
    """Return `problem` if it survives the way to the window, else one that says the same."""
    from partwise.errors import AnalysisProblem

    try:
        pickle.loads(pickle.dumps(problem))  # noqa: S301 - what was pickled in this very line
    except Exception:  # noqa: BLE001 - a stranger's exception class may do anything
        return AnalysisProblem(str(problem))
    return problem


class _PipeJob:
    """The job as the worker's analysis sees it: throttled, newest wins."""

    seed = 0
    kept: tuple[Part, ...] = ()
    start: tuple[Part, ...] = ()

    def __init__(self, channel: Channel, flag: Any, generation: int) -> None:
        self._channel = channel
        self._flag = flag
        self._generation = generation
        self._report: tuple[float, str] | None = None
        self._said = (0.0, "")  # last
        self._snapshot: tuple[tuple[Part, ...], tuple[float, ...], tuple[View, ...]] | None = None
        self._reported = self._shown = 0.0
        self._lock = threading.Lock()  # tiles may be worked on by several threads

    @property
    def cancelled(self) -> bool:
        self._flush()
        return bool(self._flag.value >= self._generation)

    def report(self, fraction: float, text: str = "") -> None:
        self._report = self._said = (fraction, text)
        self._flush()

    def wait_for_loops(self, on: bool) -> None:
        """Say that the run waits for the compiler, and afterwards again what it said before."""
        fraction, text = self._said
        self._channel.send(events.Progress(self._generation, fraction, _LOOPS if on else text))

    def snapshot(
        self, parts: Sequence[Part], trace: Sequence[float] = (), views: Sequence[View] = ()
    ) -> None:
        self._snapshot = (tuple(parts), tuple(trace), tuple(views))
        self._flush()

    def _flush(self) -> None:
        if self._report is None and self._snapshot is None:
            return
        from partwise.result import Snapshot

        with self._lock:
            now = time.monotonic()
            report, snapshot = self._report, self._snapshot
            if report is not None and now - self._reported >= _REPORT_EVERY_S:
                self._reported, self._report = now, None
                self._channel.send(events.Progress(self._generation, *report))
            if snapshot is not None and now - self._shown >= _SNAPSHOT_EVERY_S:
                self._shown, self._snapshot = now, None
                self._channel.send(events.Snapshotted(self._generation, Snapshot(*snapshot)))
