"""The few compiled loops.

Everything here works on plain arrays and holds no lock of the interpreter.
Inside, a factor is stored one component per row (`F`, parts × samples), so that
loops run along samples in vector registers. `nnls_columns` and `nnls_closed`
are meant for reuse outside of the engine: they solve many tiny nonnegative
least-squares problems that share one Gram matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.lanes import LANES, MOST, row_sum_1, row_sum_2, row_sum_3, row_sum_4
from partwise.engine.nnls import (
    _lawson_hanson,
    _solve_passive,
    nnls_closed,
    nnls_columns,
    nnls_weighted,
)
from partwise.engine.nnls import weighted_normal as _weighted_normal

__all__ = [
    "_lawson_hanson",
    "_solve_passive",
    "_weighted_normal",
    "nnls_closed",
    "nnls_columns",
    "nnls_weighted",
]

Array = NDArray[Any]

# Columns handled at once: a tile of 64 features in float32 stays in the
# second-level cache, one of 3 features in the first.
_TILE = 512


@compiled
def sweeps(
    gram: Array,
    atb: Array,
    F: Array,
    begin: int,
    end: int,
    first: int,
    number: int,
    linear: Array,
    ridge: Array,
) -> None:
    """Coordinate descent on a shared Gram matrix for samples begin:end, in place (HALS).

    gram (r, r) and atb (r, n) in the dtype of F (r, n); `linear` and `ridge`
    hold one coefficient per sample, or are empty. Components before `first`
    stay as they are. Whole arrays are taken, because a slice of one is not known to lie without
    gaps when this is compiled, and its loops would not run in vector registers.
    """
    rank = F.shape[0]
    zero = F.dtype.type(0)
    penalised = linear.shape[0] > 0
    g = np.empty(_TILE, F.dtype)
    for lo in range(begin, end, _TILE):
        hi = min(lo + _TILE, end)
        width = hi - lo
        for _ in range(number):
            for k in range(first, rank):
                gkk = gram[k, k]
                if not (gkk > zero or penalised):
                    continue
                gk = g[:width]
                bk = atb[k, lo:hi]
                fk = F[k, lo:hi]
                # Four parts at a time; the own term is added again below.
                for j in range(width):
                    gk[j] = bk[j] + gkk * fk[j]
                i = 0
                while i + 3 < rank:
                    w0, w1, w2, w3 = gram[k, i], gram[k, i + 1], gram[k, i + 2], gram[k, i + 3]
                    f0, f1 = F[i, lo:hi], F[i + 1, lo:hi]
                    f2, f3 = F[i + 2, lo:hi], F[i + 3, lo:hi]
                    for j in range(width):
                        gk[j] -= w0 * f0[j] + w1 * f1[j] + w2 * f2[j] + w3 * f3[j]
                    i += 4
                while i < rank:
                    w0 = gram[k, i]
                    f0 = F[i, lo:hi]
                    for j in range(width):
                        gk[j] -= w0 * f0[j]
                    i += 1
                if penalised:
                    lj = linear[lo:hi]
                    rj = ridge[lo:hi]
                    for j in range(width):
                        curve = gkk + rj[j]
                        fk[j] = max((gk[j] - lj[j]) / curve, zero) if curve > zero else zero
                else:
                    inv = F.dtype.type(1) / gkk
                    for j in range(width):
                        fk[j] = max(gk[j] * inv, zero)


@compiled
def half_squared_error(X: Array, Wt: Array, H: Array, lo: int, hi: int) -> float:
    """Half the squared error of rows lo:hi of C-ordered X, summed in float64."""
    rank = Wt.shape[0]
    n = X.shape[1]
    total = 0.0
    e = np.empty(n, X.dtype)
    for i in range(lo, hi):
        xi = X[i]
        for j in range(n):
            e[j] = xi[j]
        k = 0
        while k + 3 < rank:
            w0, w1, w2, w3 = Wt[k, i], Wt[k + 1, i], Wt[k + 2, i], Wt[k + 3, i]
            h0, h1, h2, h3 = H[k], H[k + 1], H[k + 2], H[k + 3]
            for j in range(n):
                e[j] -= w0 * h0[j] + w1 * h1[j] + w2 * h2[j] + w3 * h3[j]
            k += 4
        while k < rank:
            w0 = Wt[k, i]
            h0 = H[k]
            for j in range(n):
                e[j] -= w0 * h0[j]
            k += 1
        for start in range(0, n, 4096):
            part = e[start : min(start + 4096, n)]
            s = X.dtype.type(0)
            for j in range(part.shape[0]):
                s += part[j] * part[j]
            total += s
    return 0.5 * total


@compiled
def row_products(X: Array, H: Array, lo: int, hi: int, out: Array) -> None:
    """Rows lo:hi of C-ordered X (m, n) times H' (r, n), into out (r, m)."""
    rank, n = H.shape
    zero = X.dtype.type(0)
    for i in range(lo, hi):
        for k in range(rank):
            out[k, i] = zero
    for start in range(0, n, 2048):
        stop = min(start + 2048, n)
        i = lo
        # Two rows by four parts: six loads for eight products keep the multipliers busy.
        while i + 1 < hi:
            x, y = X[i, start:stop], X[i + 1, start:stop]
            width = x.shape[0]
            k = 0
            while k + 3 < rank:
                h0, h1 = H[k, start:stop], H[k + 1, start:stop]
                h2, h3 = H[k + 2, start:stop], H[k + 3, start:stop]
                s0 = s1 = s2 = s3 = zero
                t0 = t1 = t2 = t3 = zero
                for j in range(width):
                    s0 += x[j] * h0[j]
                    s1 += x[j] * h1[j]
                    s2 += x[j] * h2[j]
                    s3 += x[j] * h3[j]
                    t0 += y[j] * h0[j]
                    t1 += y[j] * h1[j]
                    t2 += y[j] * h2[j]
                    t3 += y[j] * h3[j]
                out[k, i] += s0
                out[k + 1, i] += s1
                out[k + 2, i] += s2
                out[k + 3, i] += s3
                out[k, i + 1] += t0
                out[k + 1, i + 1] += t1
                out[k + 2, i + 1] += t2
                out[k + 3, i + 1] += t3
                k += 4
            while k < rank:
                h0 = H[k, start:stop]
                s0 = t0 = zero
                for j in range(width):
                    s0 += x[j] * h0[j]
                    t0 += y[j] * h0[j]
                out[k, i] += s0
                out[k, i + 1] += t0
                k += 1
            i += 2
        if i < hi:
            x = X[i, start:stop]
            for k in range(rank):
                h0 = H[k, start:stop]
                s0 = zero
                for j in range(x.shape[0]):
                    s0 += x[j] * h0[j]
                out[k, i] += s0


@compiled
def column_products(X: Array, F: Array, lo: int, hi: int, out: Array) -> None:
    """F[:, lo:hi] (r, m) times rows lo:hi of C-ordered X (m, n), into out (r, n)."""
    rank = F.shape[0]
    n = X.shape[1]
    out[:] = 0
    for start in range(0, n, 1024):
        stop = min(start + 1024, n)
        width = stop - start
        i = lo
        while i + 3 < hi:
            x0 = X[i, start:stop]
            x1 = X[i + 1, start:stop]
            x2 = X[i + 2, start:stop]
            x3 = X[i + 3, start:stop]
            k = 0
            while k + 1 < rank:
                f0, f1, f2, f3 = F[k, i], F[k, i + 1], F[k, i + 2], F[k, i + 3]
                g0, g1, g2, g3 = F[k + 1, i], F[k + 1, i + 1], F[k + 1, i + 2], F[k + 1, i + 3]
                o, p = out[k, start:stop], out[k + 1, start:stop]
                for j in range(width):
                    o[j] += f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j]
                    p[j] += g0 * x0[j] + g1 * x1[j] + g2 * x2[j] + g3 * x3[j]
                k += 2
            if k < rank:
                f0, f1, f2, f3 = F[k, i], F[k, i + 1], F[k, i + 2], F[k, i + 3]
                o = out[k, start:stop]
                for j in range(width):
                    o[j] += f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j]
            i += 4
        while i < hi:
            x0 = X[i, start:stop]
            for k in range(rank):
                f0 = F[k, i]
                o = out[k, start:stop]
                for j in range(width):
                    o[j] += f0 * x0[j]
            i += 1


@compiled
def csr_times(
    indptr: Array, indices: Array, data: Array, F: Array, lo: int, hi: int, out: Array
) -> None:
    """Rows lo:hi of a sparse matrix times F (columns × r), into out (rows × r).

    Sums run in the precision of `out`.
    """
    rank = F.shape[1]
    if rank >= LANES:
        _wide_rows(indptr, indices, data, F, lo, hi, out)
        return
    acc = np.empty(rank, out.dtype)
    for i in range(lo, hi):
        for k in range(rank):
            acc[k] = 0
        for p in range(indptr[i], indptr[i + 1]):
            x = out.dtype.type(data[p])
            f = F[indices[p]]
            for k in range(rank):
                acc[k] += x * f[k]
        for k in range(rank):
            out[i, k] = acc[k]


@compiled
def _wide_rows(
    indptr: Array, indices: Array, data: Array, F: Array, lo: int, hi: int, out: Array
) -> None:
    rank = F.shape[1]
    for i in range(lo, hi):
        begin, end = indptr[i], indptr[i + 1]
        first = 0
        while first < rank:
            count = min((rank - first + LANES - 1) // LANES, MOST)
            # The last register ends where the parts end, over parts already done.
            last = min(first + (count - 1) * LANES, rank - LANES)
            start = min(first, last)
            if count == 1:
                row_sum_1(data, indices, F, begin, end, start, last, out, i)
            elif count == 2:
                row_sum_2(data, indices, F, begin, end, start, last, out, i)
            elif count == 3:
                row_sum_3(data, indices, F, begin, end, start, last, out, i)
            else:
                row_sum_4(data, indices, F, begin, end, start, last, out, i)
            first += count * LANES


@compiled
def csr_inner(
    indptr: Array, indices: Array, A: Array, F: Array, lo: int, hi: int, out: Array
) -> None:
    """Values of A (rows × r) · F' (columns × r) on a sparse pattern, into out (nnz)."""
    rank = F.shape[1]
    for i in range(lo, hi):
        a = A[i]
        for p in range(indptr[i], indptr[i + 1]):
            f = F[indices[p]]
            s = A.dtype.type(0)
            for k in range(rank):
                s += a[k] * f[k]
            out[p] = s
