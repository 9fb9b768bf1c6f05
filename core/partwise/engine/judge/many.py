"""How are many small fits run side by side?

One thread runs one fit from beginning to end, so that fits do not wait for each
other at every pass over the data; whoever asked stays free to report and to
cancel. Answers come back in the order of the questions, whatever the number of
threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from partwise.engine.errors import Cancelled
from partwise.engine.pool import limit_threads, single_blas, thread_count
from partwise.engine.solvers.base import Solver
from partwise.engine.stop import Rule, said_no

__all__ = ["descend", "side_by_side"]

_Answer = TypeVar("_Answer")
_EVERY = 0.05  # seconds between two looks at the caller


def descend(solver: Solver, rule: Rule, stopped: Event) -> float:
    """Run `solver` until `rule` is met and return its objective.

    The bare loop of a fit whose trace and certificate nobody will see.

    Raises
    ------
    Cancelled
        When `stopped` is set: half a fit says nothing about the others.
    """
    trace = [solver.value()]
    while len(trace) <= rule.max_iter and not rule.met(trace, solver.kkt()):
        if stopped.is_set():
            raise Cancelled
        trace.append(solver.step(False))
    solver.finish()
    return trace[-1]


def side_by_side(
    questions: Sequence[Callable[[Event], _Answer]],
    tell: Callable[[int], object] | None = None,
) -> list[_Answer]:
    """Answer every question, as many at a time as there are threads.

    Parameters
    ----------
    questions
        Each is called with the event that says whether to stop, and raises
        `Cancelled` when it sees it set.
    tell
        Called in the caller's thread, at least every 50 ms, with the number of
        answers so far; returning False stops.

    Raises
    ------
    Cancelled
        If `tell` returned False.
    """
    stopped = Event()
    threads = max(1, min(thread_count(), len(questions)))
    with (
        limit_threads(1),  # a fit inside a fit's thread must not wait for the same pool
        single_blas(),
        ThreadPoolExecutor(threads, thread_name_prefix="partwise-judge") as pool,
    ):
        futures = [pool.submit(question, stopped) for question in questions]
        try:
            _watch(futures, tell)
        finally:
            stopped.set()
            for future in futures:
                future.cancel()
        return [future.result() for future in futures]


def _watch(
    futures: list[Future[_Answer]],
    tell: Callable[[int], object] | None,
) -> None:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=_EVERY, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        if tell is not None and said_no(tell(len(futures) - len(waiting))):
            raise Cancelled
