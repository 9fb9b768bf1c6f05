"""How are data factored that do not fit in memory? Block by block, exactly.

The squared error, X H' and H H' are sums over columns. Each pass reads the
columns once, a block at a time, and keeps nothing of them but these sums; W is
then improved as in memory. H is never held: it can be written in a last pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import Cancelled, InputProblem
from partwise.engine.fused import EXACT, fused_block, support_inverses
from partwise.engine.given import check_factor, check_reach, is_sparse, plain
from partwise.engine.loop import OnStep, drive, rule_for
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem, pose
from partwise.engine.solvers.skinny import Skinny, samples
from partwise.engine.start import begin, generator
from partwise.engine.stop import Clock, said_no

__all__ = ["BlockFit", "ColumnBlocks", "nmf_blocks"]

Array = NDArray[Any]
Mapper = Callable[[Callable[[tuple[int, int]], Any], Sequence[tuple[int, int]]], Iterable[Any]]
_COLD = 100  # sweeps at most, above the ranks whose H is exact
_SAMPLE = 1 << 17  # columns looked at before the first pass
_RUNS = 64  # places that the sample is taken from


@dataclass(frozen=True)
class ColumnBlocks:
    """Columns that are read when they are needed.

    Attributes
    ----------
    n_features, n_samples
        Shape of the whole matrix.
    read
        ``read(start, stop)`` returns the columns start:stop as an array
        (n_features, stop - start), nonnegative and finite, the same at every
        call. To run on a cluster it must be picklable by the scheduler.
    dtype
        float32 or float64: the precision that is computed in.
    block_bytes
        Most bytes of data to hold at a time.
    """

    n_features: int
    n_samples: int
    read: Callable[[int, int], Array]
    dtype: Any = np.float32
    block_bytes: int = 1 << 26

    @classmethod
    def of(cls, array: Array, block_bytes: int = 1 << 26) -> ColumnBlocks:
        """Columns of a memory-mapped (features, samples) array, kept in its precision.

        Raises
        ------
        InputProblem
            For what is sparse, or has another number of axes.
        """
        if is_sparse(array):
            raise InputProblem(
                "X is sparse, and blocks are dense", argument="X", fix="use nmf, which takes it"
            )
        if not (hasattr(array, "shape") and hasattr(array, "dtype")):
            array = plain(array)
        if len(array.shape) != 2:
            raise InputProblem(
                f"X must have 2 dimensions, features x samples, got {len(array.shape)}",
                argument="X",
                fix="reshape it to a matrix",
            )
        dtype = array.dtype if array.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        m, n = array.shape
        return cls(m, n, partial(_columns, array), dtype, block_bytes)

    def block(self, start: int, stop: int) -> Array:
        """Return the columns start:stop in C order, checked.

        Raises
        ------
        InputProblem
            For columns of another shape, or with values that are negative, NaN or infinite.
        """
        X = np.ascontiguousarray(plain(self.read(start, stop)), dtype=self.dtype)
        if X.shape != (self.n_features, stop - start):
            raise InputProblem(
                f"columns {start} to {stop} came with shape {X.shape}, "
                f"wanted {(self.n_features, stop - start)}",
                argument="X",
                fix="read(start, stop) must return features × columns",
            )
        low, high = float(X.min()), float(X.max())
        if not (low >= 0 and np.isfinite(high)):
            raise InputProblem(
                f"columns {start} to {stop} hold values that are negative, NaN or infinite",
                argument="X",
                fix="set them to 0 when they are read; parts need finite values of 0 or more",
            )
        return X


@dataclass(frozen=True)
class BlockFit:
    """What came out of data that were never in memory as a whole.

    Attributes
    ----------
    W
        (features, rank), columns of unit length unless they are fixed.
    loss
        Half the squared error over all columns.
    trace
        Loss at the start and after each iteration; never rises.
    stop, kkt, iterations, seconds
        As in `Factorization`; `kkt` is that of W, since H is exact up to rank 5.
    passes
        How often all columns were read.
    """

    W: Array
    loss: float
    trace: NDArray[np.float64]
    stop: str
    kkt: float
    iterations: int
    seconds: float
    passes: int


@dataclass(frozen=True)
class _Question:
    """All that a block needs to be told in one pass."""

    W: Array
    gram: Array
    inverses: Array
    cut: int
    empty: Array = field(default_factory=lambda: np.empty(0))


def nmf_blocks(  # noqa: PLR0913 - one keyword for each thing that can be asked
    X: ColumnBlocks | Array,
    rank: int,
    *,
    fixed_W: Any = None,
    init: Any = "auto",
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 100,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
    on_block: Callable[[float], object] | None = None,
    write: Callable[[int, Array], object] | None = None,
    mapper: Mapper = map,
) -> BlockFit:
    """Find nonnegative parts of columns that do not fit in memory, squared error.

    Parameters
    ----------
    X
        `ColumnBlocks`, or an array such as `numpy.memmap` (features, samples).
    rank, fixed_W, seed, tol, max_iter, max_seconds
        As in `nmf`. A pass that has begun is finished before time runs out.
    init
        The name of a start, made from a sample of the columns, or W0 (features, rank).
    on_step
        Called with a `Step` between passes, whose H is empty; False cancels.
    on_block
        Called with the fraction of a pass that is done; False leaves at once.
    write
        ``write(start, H)`` receives H (rank, columns) block by block at the end.
    mapper
        Like `map`; a cluster puts its own here.

    Returns
    -------
    BlockFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.
    Cancelled
        If `on_block` returned False.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.outer([1.0, 2.0], np.arange(1.0, 9.0))
    >>> fit = nmf_blocks(X, 1)
    >>> bool(np.allclose(fit.W.ravel(), np.array([1, 2]) / 5**0.5)), fit.loss < 1e-12
    (True, True)
    """
    source = X if isinstance(X, ColumnBlocks) else ColumnBlocks.of(X)
    if source.n_features < 1 or source.n_samples < 1:
        raise InputProblem(
            f"X is empty, its shape is {(source.n_features, source.n_samples)}",
            argument="X",
            fix="give at least one value",
        )
    rule = rule_for(tol, max_iter, max_seconds, 1)
    clock = Clock(max_seconds)
    few = pose(_sample(source), rank, fixed_W=fixed_W)
    check_reach(few.mean, few.dtype)
    if isinstance(init, str):
        W, _ = begin(few, init, seed, 0)
    else:
        W = check_factor(init, (source.n_features, few.rank), "init", few.dtype).copy()
        if few.fixed is not None:
            W[:, : few.fixed_count] = few.fixed
    # Small data are their own sample: the first pass is as good as a rehearsal.
    levels = samples(few, generator(seed, rank, 0, "sample"))
    if few.shape[1] < source.n_samples:
        levels = [*levels[:1], few]
    stepper = _Streamed(few, W, levels, source, mapper, on_block)
    driven = drive(stepper, rule, clock, on_step)
    kkt = stepper.kkt()
    if write is not None:
        stepper.write(write)
    return BlockFit(
        stepper.factors()[0],
        driven.objective,
        driven.trace,
        driven.stop,
        kkt,
        driven.iterations,
        clock.seconds,
        stepper.passes,
    )


class _Streamed(Skinny):
    """The skinny solver, with sums that come from blocks instead of an array."""

    def __init__(
        self,
        few: Problem,
        W: Array,
        levels: list[Problem],
        source: ColumnBlocks,
        mapper: Mapper,
        on_block: Callable[[float], object] | None,
    ) -> None:
        super().__init__(few, W, None, turned=False, levels=levels)
        self._source = source
        self._mapper = mapper
        self._on_block = on_block
        self.passes = 0
        m, rank = W.shape
        self._cut = max(8192, (1 << 20) // (m * rank) // 512 * 512)
        width = source.block_bytes // (m * np.dtype(source.dtype).itemsize)
        self._chunks = blocks(source.n_samples, max(1, width // self._cut) * self._cut)

    def look(self) -> float:
        return self.value()

    def _pass(
        self, W: Array, write: bool, number: int, warm_scale: Array, reach: Array | None = None
    ) -> tuple[float, Array, Array, float, Array]:
        m, rank = W.shape
        self.passes += 1
        work = partial(_sums, self._source, self._question(W))
        total = np.zeros(rank * rank + m * rank + 2)
        for found in self._counted(work):
            # Cut by cut, in order: the sums of one process, thread or many.
            for one in found:
                total += one
        gram = total[: rank * rank].reshape(rank, rank)
        cross = total[rank * rank : -2].reshape(m, rank)
        return float(total[-2]), gram, cross, float(total[-1]), self._none

    def write(self, write: Callable[[int, Array], object]) -> None:
        """Read all columns once more and hand out H, block by block."""
        work = partial(_answers, self._source, self._question(self._W))
        for (start, _), H in zip(self._chunks, self._counted(work), strict=True):
            write(start, H)

    def _question(self, W: Array) -> _Question:
        dtype = np.dtype(self._source.dtype)
        gram = W.T @ W
        supports = 3 < len(gram) <= EXACT
        return _Question(
            np.ascontiguousarray(W, dtype=dtype),
            np.ascontiguousarray(gram, dtype=dtype),
            support_inverses(gram if supports else np.empty((0, 0)), dtype),
            self._cut,
            empty=np.empty(0, dtype),
        )

    def _counted(self, work: Callable[[tuple[int, int]], Any]) -> Iterator[Any]:
        for done, found in enumerate(self._mapper(work, self._chunks), start=1):
            if self._on_block is not None and said_no(self._on_block(done / len(self._chunks))):
                raise Cancelled
            yield found


def _sums(source: ColumnBlocks, question: _Question, chunk: tuple[int, int]) -> Array:
    """The sums of one block of columns, one row per cut."""
    return _solve(source, question, chunk, wanted=False)[0]


def _answers(source: ColumnBlocks, question: _Question, chunk: tuple[int, int]) -> Array:
    """H of one block of columns."""
    return _solve(source, question, chunk, wanted=True)[1]


def _solve(
    source: ColumnBlocks, question: _Question, chunk: tuple[int, int], *, wanted: bool
) -> tuple[Array, Array]:
    X = source.block(*chunk)
    m, rank = question.W.shape
    none = np.empty((rank, 0), X.dtype)
    H = np.empty((rank, X.shape[1]), X.dtype) if wanted else none
    cuts = blocks(X.shape[1], question.cut)
    acc = np.zeros((len(cuts), rank * rank + m * rank + 2))
    ones = np.ones(rank, X.dtype)
    reach = np.empty(0)

    def work(slot: int, lo: int, hi: int) -> None:
        fused_block(
            X, question.W, question.gram, question.inverses, lo, hi, none, ones, _COLD, H,
            question.empty, question.empty, reach, acc[slot],
        )  # fmt: skip

    run_blocks(work, cuts)
    return acc, H


def _sample(source: ColumnBlocks) -> Array:
    """Columns from places spread evenly; all of them if they are few."""
    n = source.n_samples
    if n <= 4 * _SAMPLE:
        return source.block(0, n)
    length = _SAMPLE // _RUNS
    starts = np.linspace(0, n - length, _RUNS).astype(np.int64)
    return np.concatenate([source.block(int(at), int(at) + length) for at in starts], axis=1)


def _columns(array: Array, start: int, stop: int) -> Array:
    return array[:, start:stop]
