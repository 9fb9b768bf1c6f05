"""Who makes the tiles? A few threads: some before they are asked for, or all at once, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from partwise.api import Job, blocks, run_blocks, stop_if_cancelled

__all__ = ["ahead", "each"]

_HANDS = 2  # threads

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def ahead(items: Sequence[_Item], work: Callable[[_Item], _Made], job: Job) -> Iterator[_Made]:
    """Yield ``work(item)`` in order; a few are made while earlier ones are dealt with.

    Raises
    ------
    Cancelled
    """
    with ThreadPoolExecutor(_HANDS, thread_name_prefix="partwise-tiles") as pool:
        waiting: deque[Future[_Made]] = deque()
        try:
            for item in items:
                stop_if_cancelled(job)
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * _HANDS:
                    yield waiting.popleft().result()
            while waiting:
                stop_if_cancelled(job)
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def each(items: Sequence[_Item], work: Callable[[_Item], _Made], job: Job) -> list[_Made]:
    """Return ``work(item)`` of all, in order, made by as many threads as the engine has.

    Raises
    ------
    Cancelled
    """
    made: dict[int, _Made] = {}

    def make(number: int, _low: int, _high: int) -> None:
        stop_if_cancelled(job)
        made[number] = work(items[number])

    if items:
        run_blocks(make, blocks(len(items), 1))
    return [made[number] for number in range(len(items))]
