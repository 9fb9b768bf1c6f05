"""What does one read of sparse data give? A step for its samples, and all the features need.

A sample is a sparse row of X (samples × features). While it is in cache, its
product with the small factor, its sweeps of coordinate descent and its share of
the product for the next small factor follow each other; so X is needed in one
order only, and the tables that are jumped about in are those of the short side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.fused import tile_residual
from partwise.engine.jit import compiled
from partwise.engine.kernels import sweeps
from partwise.engine.lanes import (
    LANES,
    MOST,
    row_add_1,
    row_add_2,
    row_add_3,
    row_add_4,
    row_sum_1,
    row_sum_2,
    row_sum_3,
    row_sum_4,
)
from partwise.engine.pool import blocks, run_blocks

__all__ = ["sparse_block", "turned", "widened"]

Array = NDArray[Any]
_TILE = 272  # no power of two: lines of the two layouts must not share cache sets
_PARTS = 4  # of the rows, in turning


def widened(F: Array) -> Array:
    """(r, n) as the (n, R) table in C order that `sparse_block` reads, R whole registers."""
    rank, n = F.shape
    table = np.zeros((n, -(-rank // LANES) * LANES), F.dtype)
    table[:, :rank] = F.T
    return table


def turned(X: Any) -> Any:
    """Return the transpose of a CSR matrix as CSR, by all threads."""
    m, n = X.shape
    cuts = blocks(m, max(1, -(-m // _PARTS)))
    counts = np.zeros((len(cuts), n), X.indptr.dtype)
    run_blocks(
        lambda slot, lo, hi: _count(X.indices, X.indptr[lo], X.indptr[hi], counts[slot]), cuts
    )
    indptr = np.zeros(n + 1, X.indptr.dtype)
    np.cumsum(counts.sum(axis=0), out=indptr[1:])
    # Where the entries of each part of the rows go, column by column.
    places = np.cumsum(counts, axis=0, dtype=counts.dtype)
    places -= counts
    places += indptr[:-1]
    indices, data = np.empty_like(X.indices), np.empty_like(X.data)
    run_blocks(
        lambda slot, lo, hi: _place(
            X.indptr, X.indices, X.data, lo, hi, places[slot], indices, data
        ),
        cuts,
    )
    return type(X)((data, indices, indptr), shape=(n, m), copy=False)


@compiled
def _count(indices: Array, begin: int, end: int, counts: Array) -> None:
    for p in range(begin, end):
        counts[indices[p]] += 1


@compiled
def _place(
    indptr: Array,
    indices: Array,
    data: Array,
    lo: int,
    hi: int,
    places: Array,
    rows: Array,
    values: Array,
) -> None:
    for i in range(lo, hi):
        for p in range(indptr[i], indptr[i + 1]):
            column = indices[p]
            at = places[column]
            places[column] = at + 1
            rows[at] = i
            values[at] = data[p]


@compiled
def sparse_block(  # noqa: PLR0913, PLR0917 - compiled loops take plain arrays
    indptr: Array,
    indices: Array,
    data: Array,
    table: Array,
    gram: Array,
    reach: Array,
    old: Array,
    new: Array,
    lo: int,
    hi: int,
    number: int,
    share: Array,
    acc: Array,
) -> None:
    """Sweep over samples lo:hi and add up what the features need.

    Parameters
    ----------
    indptr, indices, data
        X as CSR, a sample per row.
    table, gram
        The factor of the features from `widened`, (features, R), and its Gram
        matrix (r, r) in its own dtype.
    reach
        (r + 1,) float64: norms of the parts over all samples, and the squared
        norm of the product, for the optimality residual; empty to do without.
    old, new
        (samples, r) before and after; may be the same.
    number
        Sweeps; 0 leaves the samples as they are.
    share
        (features, R), set to X' times `new`. Products run in its precision.
    acc
        (r*r + 2,) float64, set to: Gram matrix of `new`, inner product of X and
        the fit by `new`, squared residual of `new`.
    """
    rank = gram.shape[0]
    wide = table.shape[1]
    products = np.zeros((_TILE, wide), share.dtype)
    shares = np.zeros((_TILE, wide), share.dtype)
    b = np.zeros((rank, _TILE), table.dtype)
    h = np.zeros((rank, _TILE), table.dtype)
    e = np.empty(_TILE, table.dtype)
    none = np.empty(0, table.dtype)
    share[:] = 0
    acc[:] = 0.0
    for start in range(lo, hi, _TILE):
        width = min(_TILE, hi - start)
        _gather(indptr[start:], indices, data, table, width, products)
        if width < _TILE:  # whole tiles alone are known to lie without gaps
            h[:] = 0
            b[:] = 0
        _turn(products, old[start : start + width], b, h)
        sweeps(gram, b, h, 0, _TILE, 0, number, none, none)
        if reach.shape[0] > 0:
            acc[rank * rank + 1] += tile_residual(gram, b, h, e, width, reach)
        acc[rank * rank] += _turn_back(h, products, new[start : start + width], shares)
        _scatter(indptr[start:], indices, data, shares, width, share)
        _add_gram(h, acc)
    for k in range(rank):
        for i in range(k):
            acc[i * rank + k] = acc[k * rank + i]


@compiled
def _turn(products: Array, old: Array, b: Array, h: Array) -> None:
    """Lay a tile part by part."""
    for j in range(old.shape[0]):
        was = old[j]
        product = products[j]
        for k in range(b.shape[0]):
            h[k, j] = was[k]
            b[k, j] = product[k]


@compiled
def _turn_back(h: Array, products: Array, new: Array, shares: Array) -> float:
    """Lay a tile sample by sample, and return its inner product with the data."""
    total = 0.0
    for j in range(new.shape[0]):
        now = new[j]
        spread = shares[j]
        product = products[j]
        s = products.dtype.type(0)
        for k in range(h.shape[0]):
            now[k] = h[k, j]
            spread[k] = h[k, j]
            s += product[k] * h[k, j]
        total += s
    return total


@compiled
def _add_gram(h: Array, acc: Array) -> None:
    """Add the lower half of h h' of a tile."""
    rank = h.shape[0]
    for k in range(rank):
        hk = h[k]
        for i in range(k + 1):
            other = h[i]
            s = h.dtype.type(0)
            for j in range(_TILE):
                s += hk[j] * other[j]
            acc[k * rank + i] += s


@compiled
def _gather(
    indptr: Array, indices: Array, data: Array, table: Array, number: int, out: Array
) -> None:
    """Set the first rows of `out` to sparse rows times the table."""
    registers = table.shape[1] // LANES
    for row in range(number):
        begin, end = indptr[row], indptr[row + 1]
        left, first = registers, 0
        while left > 0:
            last = first + (min(left, MOST) - 1) * LANES
            if left == 1:
                row_sum_1(data, indices, table, begin, end, first, last, out, row)
            elif left == 2:
                row_sum_2(data, indices, table, begin, end, first, last, out, row)
            elif left == 3:
                row_sum_3(data, indices, table, begin, end, first, last, out, row)
            else:
                row_sum_4(data, indices, table, begin, end, first, last, out, row)
            first += MOST * LANES
            left -= MOST


@compiled
def _scatter(
    indptr: Array, indices: Array, data: Array, factor: Array, number: int, out: Array
) -> None:
    """Add sparse rows times the first rows of `factor` to the rows of `out` they name."""
    registers = out.shape[1] // LANES
    for row in range(number):
        begin, end = indptr[row], indptr[row + 1]
        left, first = registers, 0
        while left > 0:
            if left == 1:
                row_add_1(data, indices, factor, row, begin, end, first, out)
            elif left == 2:
                row_add_2(data, indices, factor, row, begin, end, first, out)
            elif left == 3:
                row_add_3(data, indices, factor, row, begin, end, first, out)
            else:
                row_add_4(data, indices, factor, row, begin, end, first, out)
            first += MOST * LANES
            left -= MOST
