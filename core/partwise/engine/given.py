"""Is what was given sound? Data, weights and factors, checked and put in order.

Nothing that was given is modified; what is wrong is said with the argument's name and a way out.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.jit import compiled
from partwise.engine.loss import Loss
from partwise.engine.pool import blocks, run_blocks

__all__ = [
    "Seed", "check_data", "check_factor", "check_rank", "check_reach", "check_seed",
    "check_weights", "check_zeros", "is_sparse", "is_whole", "numbers", "plain", "written_out",
]  # fmt: skip

Array = NDArray[Any]
Seed = int | np.random.Generator | np.random.RandomState | None
_DENSE_LIMIT = 1 << 26  # entries of a sparse X that may be written out in full


def check_factor(
    value: Any, shape: tuple[int | None, int | None], argument: str, dtype: Any
) -> Array:
    """Return a finite, nonnegative 2-D array of `dtype`, or say what is wrong."""
    array = numbers(value, argument, dtype)
    fits = array.ndim == 2 and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("any" if s is None else str(s) for s in shape)
        raise InputProblem(
            f"{argument} has shape {array.shape}, wanted {wanted}",
            argument=argument,
            fix="X is features x samples, W features x parts, H parts x samples",
        )
    if not np.isfinite(array).all() or (array < 0).any():
        raise InputProblem(
            f"{argument} holds values that are negative, NaN or infinite",
            argument=argument,
            fix="give finite values of 0 or more",
        )
    return array


def check_rank(rank: Any) -> int:
    """Return the number of parts as an int, at least 1."""
    if not is_whole(rank, 1):
        raise InputProblem(
            f"rank must be a whole number of at least 1, got {rank!r}",
            argument="rank",
            fix="ask for 1 part or more",
        )
    return int(rank)


def check_reach(size: float, dtype: Any, argument: str = "X") -> None:
    """Refuse data of such a size that sums of their fourth powers would not be numbers."""
    reach = 1e70 if np.dtype(dtype) == np.float64 else 1e15
    if size and not 1 / reach <= size <= reach:
        raise InputProblem(
            f"{argument} holds values around {size:.0e}, whose powers are beyond {dtype}",
            argument=argument,
            fix="give it in another unit, or multiply it by a constant",
        )


def check_seed(seed: Seed) -> int:
    """Return the whole number of 0 or more that is meant; a generator is asked for one."""
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**31))
    if isinstance(seed, np.random.RandomState):
        return int(seed.randint(2**31 - 1))
    if seed is None:
        return 0
    if not is_whole(seed, 0):
        raise InputProblem(
            f"a seed must be a whole number of 0 or more, got {seed!r}",
            argument="seed",
            fix="use 0 or more",
        )
    return int(seed)


def is_whole(value: Any, least: int) -> bool:
    """Is this a whole number of at least `least`, whatever its type?"""
    if isinstance(value, int) and not isinstance(value, bool):
        return value >= least  # of any size
    if not isinstance(value, float | np.integer | np.floating) or not np.isfinite(value):
        return False
    return bool(value == int(value) and value >= least)


def plain(value: Any) -> Any:
    """What is given, as an ordinary array where it is one with habits of its own.

    What a masked array masks is missing, so it becomes NaN; numbers kept as objects, as in
    tables of mixed columns, become numbers.
    """
    if isinstance(value, np.ma.MaskedArray):
        dtype = value.dtype if value.dtype in (np.float32, np.float64) else np.float64
        return np.ma.filled(value.astype(dtype), np.nan)
    array = value if is_sparse(value) else np.asarray(value)
    if array.dtype == object and all(isinstance(one, Real) for one in array.flat):
        return array.astype(np.float64)
    return array


def numbers(value: Any, argument: str, dtype: Any = None) -> Array:
    """Return an array of numbers, NaN where a mask hides one, or say that it is none."""
    try:
        return np.asarray(plain(value), dtype=dtype)
    except (TypeError, ValueError):
        raise InputProblem(
            f"{argument} is no array of numbers", argument=argument, fix="give rows of equal length"
        ) from None


def check_data(X: Any) -> tuple[Any, Array | None, float]:
    """Return the data as float, a mask of what is missing (or None), and the mean of the rest.

    Of a sparse X the mean of what is stored.
    """
    if is_sparse(X):
        _something(X.shape)
        _real(X.dtype)
        dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.float64
        matrix = sp.csr_array(X, dtype=dtype)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        low, bad, total = _scan(matrix.data)
        if bad:
            raise InputProblem(
                f"X holds {bad} stored values that are NaN or infinite",
                argument="X",
                fix="a sparse X cannot mark missing entries; remove them or pass a dense X",
            )
        _nonnegative(low)
        return matrix, None, total / max(matrix.nnz, 1)
    array = numbers(X, "X")
    if array.ndim != 2:
        raise InputProblem(
            f"X must have 2 dimensions, features x samples, got {array.ndim}",
            argument="X",
            fix="reshape it to a matrix",
        )
    _something(array.shape)
    if array.dtype not in (np.float32, np.float64):
        _real(array.dtype)
        array = array.astype(np.float64)
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = np.ascontiguousarray(array)
    low, bad, total = _scan(array.reshape(-1, order="C" if array.flags.c_contiguous else "F"))
    missing: Array | None = None
    if bad:
        infinite = int(np.isinf(array).sum())
        if infinite:
            raise InputProblem(
                f"X holds {infinite} infinite values",
                argument="X",
                fix="remove them, or set them to NaN to treat them as missing",
            )
        missing = np.isnan(array)
        if missing.all():
            raise InputProblem("X is NaN everywhere", argument="X", fix="check how it was read")
        array = np.where(missing, array.dtype.type(0), array)
        total = float(array.sum(dtype=np.float64))
    _nonnegative(low)
    return array, missing, total / array.size


def _real(dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "buif":
        raise InputProblem(f"X holds values of type {dtype}", argument="X", fix="give real numbers")


def _something(shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise InputProblem(
            f"X is empty, its shape is {shape}", argument="X", fix="give at least one value"
        )


def _nonnegative(low: float) -> None:
    if low < 0:
        raise InputProblem(
            f"X has negative values, the lowest is {low:.6g}",
            argument="X",
            fix="set them to 0 or shift the data; a factorization into parts needs X >= 0",
        )


@compiled
def _scan_block(x: Array, lo: int, hi: int, out: Array) -> None:
    zero = x.dtype.type(0)
    below = 0.0
    wrong = 0.0
    total = 0.0
    for start in range(lo, hi, 4096):
        part = x[start : min(start + 4096, hi)]
        negative = zero
        bad = zero
        whole = zero
        for j in range(part.shape[0]):
            negative += part[j] if part[j] < zero else zero
            bad += part[j] * zero  # 0 unless the value is NaN or infinite
            whole += part[j]
        below += negative
        wrong += bad
        total += whole
    out[0], out[1], out[2] = below, wrong, total


def _scan(values: Array) -> tuple[float, int, float]:
    """Lowest value (0 if none is negative), the number of NaN and infinities, and the sum."""
    cuts = blocks(values.size, 1 << 18)
    found = np.zeros((len(cuts), 3))

    def work(slot: int, lo: int, hi: int) -> None:
        _scan_block(values, lo, hi, found[slot])

    run_blocks(work, cuts)
    # Sums are fast but say only whether, not which; a clean X needs no more.
    bad = 0 if (found[:, 1] == 0).all() else int((~np.isfinite(values)).sum())
    low = 0.0 if (found[:, 0] == 0).all() else float(np.nanmin(values))
    return low, bad, float(found[:, 2].sum())


def is_sparse(X: Any) -> bool:
    """Is this one of scipy's sparse matrices or arrays?"""
    return bool(sp.issparse(X))


def check_zeros(data: Any, table: Array | None, loss: Loss) -> None:
    """Refuse zeros that count, for losses that are infinite there."""
    if is_sparse(data):
        zeros = data.shape[0] * data.shape[1] - int((data.data > 0).sum())
    elif table is None:
        zeros = int((data == 0).sum())
    else:
        zeros = int(((data == 0) & (table > 0)).sum())
    if zeros:
        raise InputProblem(
            f"X has {zeros} zeros, where the loss {loss.name!r} is infinite",
            argument="X",
            fix="add a small constant, or give those entries weight 0",
        )


def check_weights(
    weights: Any, data: Any, missing: Array | None, loss: Loss
) -> tuple[Array | None, Array | None, Array | None]:
    """Return (table, row scale, column scale), each None where it is not needed."""
    m, n = data.shape
    dtype = data.dtype
    rows = columns = table = None
    if weights is not None:
        given = numbers(written_out(weights), "weights", np.float64)
        if given.shape not in {(m, n), (m, 1), (1, n)}:
            raise InputProblem(
                f"weights have shape {given.shape} for X of shape {(m, n)}",
                argument="weights",
                fix=f"give {(m, n)}, {(m, 1)} per row or {(1, n)} per column",
            )
        if not np.isfinite(given).all() or (given < 0).any():
            raise InputProblem(
                "weights hold values that are negative, NaN or infinite",
                argument="weights",
                fix="use finite weights of 0 or more; 0 leaves an entry out",
            )
        if not given.any():
            raise InputProblem("all weights are 0", argument="weights", fix="let something count")
        reach = 1e100 if dtype == np.float64 else 1e30
        if not 1 / reach <= given.max() <= reach:
            raise InputProblem(
                f"weights go up to {given.max():.0e}, beyond the reach of {dtype}",
                argument="weights",
                fix="divide them by a constant; only how they compare changes the parts",
            )
        rows, columns, table = _split(given, (m, n))
    if missing is not None:
        table = np.where(missing, 0.0, 1.0 if table is None else table)
    if is_sparse(data) and (table is not None or loss.robust) and m * n > _DENSE_LIMIT:
        raise InputProblem(
            f"a sparse X of {m} x {n} takes weights per row or per column and plain losses only",
            argument="weights",
            fix="give weights of shape (m, 1) or (1, n), or fewer samples",
        )
    if loss.robust and table is None:
        table = np.ones((m, n))
    if (loss.beta <= 0 or loss.robust) and (rows is not None or columns is not None):
        # No scale can carry a weight where d(c x | c y) is d(x | y), for beta
        # 0, nor where the size of a residual decides how it counts.
        full = np.ones((m, n)) if table is None else table
        full = full * (1.0 if rows is None else rows[:, None])
        table = full * (1.0 if columns is None else columns[None, :])
        rows = columns = None
    power = 1 / loss.beta if loss.beta > 0 else 1.0
    return (
        None if table is None else np.ascontiguousarray(table, dtype=dtype),
        None if rows is None else (rows**power).astype(dtype),
        None if columns is None else (columns**power).astype(dtype),
    )


def written_out(weights: Any) -> Any:
    """Weights that are sparse, as a table: what is not stored does not count."""
    if not is_sparse(weights):
        return weights
    if weights.shape[0] * weights.shape[1] > _DENSE_LIMIT:
        raise InputProblem(
            f"sparse weights of {weights.shape[0]} x {weights.shape[1]} are too many to write out",
            argument="weights",
            fix="give weights of shape (m, 1) or (1, n), or fewer samples",
        )
    return weights.toarray()


def _split(given: Array, shape: tuple[int, int]) -> tuple[Array | None, Array | None, Array | None]:
    """Split weights into rows x columns where that is exact, else keep the table."""
    if given.shape == (shape[0], 1):
        rows: Array | None = given[:, 0]
        columns: Array | None = None
    elif given.shape == (1, shape[1]):
        rows, columns = None, given[0]
    else:
        i, j = np.unravel_index(int(given.argmax()), given.shape)
        rows, columns = given[:, j], given[i] / given[i, j]
        if not np.allclose(np.outer(rows, columns), given, rtol=1e-12, atol=0):
            return None, None, given
    rows = None if rows is None or (rows == 1).all() else rows
    columns = None if columns is None or (columns == 1).all() else columns
    return rows, columns, None
