"""Who does the next block of work? One pool of threads for all compiled loops.

Work is cut into blocks whose number depends on the data alone, never on the
number of threads. Each block writes into its own slot and the slots are summed
in order afterwards, so one thread and many give the same bits. A thread that is
done takes the next block; none waits in a spin, which is what keeps a busy
neighbour on one core from stalling a fit.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np

__all__ = ["blocks", "limit_threads", "run_blocks", "single_blas", "thread_count"]

_lock = threading.Lock()
_limit: int | None = None
_executor: ThreadPoolExecutor | None = None
_executor_pid = 0
_inside = 0
_outside = 1


def thread_count() -> int:
    """Return how many threads a large fit may use."""
    if _limit is not None:
        return _limit
    asked = os.environ.get("PARTWISE_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def limit_threads(number: int) -> Iterator[None]:
    """Use at most `number` threads inside the block."""
    global _limit  # noqa: PLW0603 - one pool for the process, one limit
    before = _limit
    _limit = max(1, int(number))
    try:
        yield
    finally:
        _limit = before


def blocks(length: int, size: int) -> list[tuple[int, int]]:
    """Cut ``range(length)`` into blocks of `size`; at least one, maybe empty."""
    size = max(1, size)
    return [(lo, min(lo + size, length)) for lo in range(0, length, size)] or [(0, 0)]


def run_blocks(work: Callable[[int, int, int], object], cuts: list[tuple[int, int]]) -> None:
    """Call ``work(slot, lo, hi)`` for every block, by as many threads as pay.

    Parameters
    ----------
    work
        Must release the interpreter lock to gain from threads, and must write
        to what belongs to `slot` only.
    cuts
        The blocks, from `blocks`.
    """
    helpers = min(thread_count(), len(cuts)) - 1
    if helpers < 1:
        for slot, (lo, hi) in enumerate(cuts):
            work(slot, lo, hi)
        return
    ticket = count()

    def take() -> None:
        while (slot := next(ticket)) < len(cuts):  # next() on a count is atomic
            lo, hi = cuts[slot]
            work(slot, lo, hi)

    futures = [_pool().submit(take) for _ in range(helpers)]
    try:
        take()
    finally:
        # Every block is taken by now, so a helper that has not begun is not needed; to wait
        # for it would be for ever where blocks are run from within a block.
        begun = [future for future in futures if not future.cancel()]
        wait(begun)
    for future in begun:
        future.result()


def _pool() -> ThreadPoolExecutor:
    global _executor, _executor_pid  # noqa: PLW0603 - one pool for the process
    with _lock:
        if _executor is None or _executor_pid != os.getpid():
            workers = max(1, (os.cpu_count() or 2) - 1)
            _executor = ThreadPoolExecutor(workers, thread_name_prefix="partwise-engine")
            _executor_pid = os.getpid()
        return _executor


@cache
def _blas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Find numpy's OpenBLAS thread switch; None where numpy has another BLAS."""
    root = Path(np.__file__).resolve().parent
    folders = (root.parent / "numpy.libs", root / ".libs", root / ".dylibs")
    for path in (p for folder in folders if folder.is_dir() for p in folder.iterdir()):
        if "openblas" not in path.name:
            continue
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for before, after in (("scipy_", "64_"), ("", "64_"), ("scipy_", ""), ("", "")):
            getter = getattr(library, f"{before}openblas_get_num_threads{after}", None)
            setter = getattr(library, f"{before}openblas_set_num_threads{after}", None)
            if getter is not None and setter is not None:
                return getter, setter
    return None


@contextmanager
def single_blas() -> Iterator[None]:
    """Keep BLAS at one thread while our own threads hand it blocks.

    May be entered by several fits at once: the last to leave puts back what the
    first one found.
    """
    global _inside, _outside  # noqa: PLW0603 - BLAS has one number of threads for the process
    switch = _blas()
    if switch is None:
        yield
        return
    get, put = switch
    with _lock:
        if not _inside:
            _outside = get()
            put(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                put(_outside)
