"""How does one factorization use many machines? By sums of small matrices.

A block of columns enters a step only through X H', H H' and its squared error.
Workers read their own blocks and send back these sums, a few hundred numbers;
they are added up in the order of the blocks, so that the answer is that of one
process, bit for bit. Runs on `dask.distributed`, which is asked for when needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from partwise.engine.blocks import BlockFit, ColumnBlocks, nmf_blocks
from partwise.engine.errors import InputProblem

__all__ = ["cluster_nmf", "connected"]

_PATIENCE_S = 3.0  # for a scheduler to answer


def cluster_nmf(client: Any, X: ColumnBlocks, rank: int, **options: Any) -> BlockFit:
    """Factor columns with the workers of a cluster; the numbers of `nmf_blocks`.

    Parameters
    ----------
    client
        A `distributed.Client`, such as `connected` gives.
    X
        Every worker must be able to read the columns: `X.read` is sent to them,
        so let it open files by a path that all machines know.
    rank, **options
        As in `nmf_blocks`.
    """
    return nmf_blocks(X, rank, mapper=_Spread(client), **options)


@contextmanager
def connected(address: str | None = None, workers: int | None = None) -> Iterator[Any]:
    """Connect to a scheduler, or start workers on this machine for a while.

    Parameters
    ----------
    address
        Of a scheduler, such as ``tcp://host:8786``; None starts a cluster of
        processes here, without a dashboard.
    workers
        How many processes to start here.

    Raises
    ------
    InputProblem
        If `distributed` is not installed.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as missing:
        raise InputProblem(
            "working on a cluster needs the package 'distributed', which is not installed",
            argument="scheduler",
            fix="install it with: pip install distributed; or run on this machine alone",
        ) from missing
    if address is not None:
        with _client(distributed, address) as client:
            yield client
        return
    with (
        _hushed(),  # a slow machine is no news
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _client(distributed: Any, address: str) -> Any:
    """Ask for the scheduler, and say soon where there is none.

    Dask itself asks again and again for half a minute, with a stack of warnings on the terminal.
    What another kind of server answers may look to it like the length of a message without end.
    """
    try:
        with _hushed():
            return distributed.Client(address, timeout=_PATIENCE_S)
    except (OSError, TimeoutError, ValueError, TypeError, MemoryError) as problem:
        raise InputProblem(
            f"no scheduler answers at {address}",
            argument="scheduler",
            fix="start one with: dask scheduler; the address looks like tcp://host:8786",
        ) from problem


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep what Dask logs off the terminal: what goes wrong is told in our words."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Spread:
    """Works like `map`, on the workers; answers come in order, a few are held at a time."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(
        self, work: Callable[[tuple[int, int]], Any], chunks: Sequence[tuple[int, int]]
    ) -> Iterator[Any]:
        ahead = 2 * max(1, len(self._client.scheduler_info()["workers"]))
        # The question is sent once to every worker, not once for every block.
        shared = self._client.scatter(work, broadcast=True, hash=False)
        waiting: list[Any] = []
        for chunk in chunks:
            waiting.append(self._client.submit(_call, shared, chunk, pure=False))
            if len(waiting) >= ahead:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


def _call(work: Callable[[tuple[int, int]], Any], chunk: tuple[int, int]) -> Any:
    return work(chunk)
