"""How many threads may a process take, where others compute beside it?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["be_modest", "count", "divided", "take"]

_OURS = ("PARTWISE_THREADS", "NUMBA_NUM_THREADS")
_LIBRARIES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def count() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def take(threads: int) -> None:
    """Let this process compute with so many threads, or with as many as the person has set.

    The libraries for products of matrices get one: they would come on top of ours. They read
    their number once, when they are loaded, so this comes before.
    """
    os.environ.setdefault("PARTWISE_THREADS", str(max(1, threads)))
    os.environ["NUMBA_NUM_THREADS"] = os.environ["PARTWISE_THREADS"]
    for name in _LIBRARIES:
        os.environ[name] = "1"


def be_modest(nice: int) -> None:
    """Leave one core, and precedence on all, to the window."""
    take(count() - 1)
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(nice)


@contextmanager
def divided(processes: int) -> Iterator[None]:
    """Let processes that are started meanwhile share the cores between them.

    What the person has set stays.
    """
    threads = str(max(1, count() // processes))
    new = {name: threads for name in (*_OURS, *_LIBRARIES) if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
