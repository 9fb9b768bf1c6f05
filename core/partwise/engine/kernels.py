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

__all__ = ["nnls_closed", "nnls_columns", "nnls_weighted"]

Array = NDArray[Any]

# Columns handled at once: a tile of 64 features in float32 stays in the
# second-level cache, one of 3 features in the first.
_TILE = 512


@compiled
def nnls_closed(gram: Array, atb: Array, out: Array) -> None:
    """Solve nonnegative least squares in closed form, for 1, 2 or 3 parts.

    Minimises ``h' gram h / 2 - h' atb[:, j]`` over ``h >= 0`` for every column.

    Parameters
    ----------
    gram
        (r, r) ``W.T @ W`` with nonnegative entries, r at most 3, dtype of `atb`.
    atb
        (r, n) ``W.T @ X``, C order.
    out
        (r, n) receives the solution.

    Notes
    -----
    For two parts the signs of the free solution say which bound holds (Kuang
    and Park, KDD 2013); for three, the best of the seven supports is taken.
    A part that is zero or parallel to another gets zero.
    """
    rank, n = atb.shape
    zero = atb.dtype.type(0)
    one = atb.dtype.type(1)
    tiny = atb.dtype.type(1e-30)
    if rank == 1:
        inv = one / gram[0, 0] if gram[0, 0] > tiny else zero
        for j in range(n):
            out[0, j] = max(atb[0, j] * inv, zero)
    elif rank == 2:
        _closed_two(gram[0, 0], gram[0, 1], gram[1, 1], atb[0], atb[1], out[0], out[1])
    else:
        _closed_three(gram, atb, out)


@compiled
def _closed_two(
    g00: float, g01: float, g11: float, b0: Array, b1: Array, h0: Array, h1: Array
) -> None:
    zero = b0.dtype.type(0)
    one = b0.dtype.type(1)
    tiny = b0.dtype.type(1e-30)
    eps = b0.dtype.type(4) * b0.dtype.type(np.finfo(b0.dtype).eps)
    i0 = one / g00 if g00 > tiny else zero
    i1 = one / g11 if g11 > tiny else zero
    det = g00 * g11 - g01 * g01
    if not det > eps * g00 * g11:
        # Parallel (or empty) parts: the one that explains more takes all.
        for j in range(b0.shape[0]):
            s0 = max(b0[j] * i0, zero)
            s1 = max(b1[j] * i1, zero)
            first = s0 * b0[j] >= s1 * b1[j]
            h0[j] = s0 if first else zero
            h1[j] = zero if first else s1
        return
    inv = one / det
    for j in range(b0.shape[0]):
        x = b0[j]
        y = b1[j]
        u = (g11 * x - g01 * y) * inv
        v = (g00 * y - g01 * x) * inv
        s0 = max(x * i0, zero)
        s1 = max(y * i1, zero)
        h1[j] = s1 if u < zero else (zero if v < zero else v)
        h0[j] = zero if u < zero else (s0 if v < zero else u)


@compiled
def _closed_three(gram: Array, atb: Array, out: Array) -> None:
    zero = atb.dtype.type(0)
    one = atb.dtype.type(1)
    tiny = atb.dtype.type(1e-30)
    eps = atb.dtype.type(8) * atb.dtype.type(np.finfo(atb.dtype).eps)
    a, b, c = gram[0, 0], gram[1, 1], gram[2, 2]
    d, e, f = gram[0, 1], gram[0, 2], gram[1, 2]
    ia = one / a if a > tiny else zero
    ib = one / b if b > tiny else zero
    ic = one / c if c > tiny else zero
    dab = a * b - d * d
    dac = a * c - e * e
    dbc = b * c - f * f
    iab = one / dab if dab > eps * a * b else zero
    iac = one / dac if dac > eps * a * c else zero
    ibc = one / dbc if dbc > eps * b * c else zero
    # Adjugate of the whole Gram matrix.
    m00, m11, m22 = dbc, dac, dab
    m01 = e * f - d * c
    m02 = d * f - e * b
    m12 = d * e - a * f
    det = a * m00 + d * m01 + e * m02
    idet = one / det if det > eps * a * b * c else zero
    x, y, z = atb[0], atb[1], atb[2]
    o0, o1, o2 = out[0], out[1], out[2]
    for j in range(x.shape[0]):
        p, q, r = x[j], y[j], z[j]
        h0, h1, h2 = max(p * ia, zero), zero, zero
        best = h0 * p
        s = max(q * ib, zero)
        take = s * q > best
        best = s * q if take else best
        h0 = zero if take else h0
        h1 = s if take else h1
        s = max(r * ic, zero)
        take = s * r > best
        best = s * r if take else best
        h0 = zero if take else h0
        h1 = zero if take else h1
        h2 = s if take else h2
        s = (b * p - d * q) * iab
        t = (a * q - d * p) * iab
        gain = s * p + t * q
        take = (s >= zero) & (t >= zero) & (gain > best)
        best = gain if take else best
        h0 = s if take else h0
        h1 = t if take else h1
        h2 = zero if take else h2
        s = (c * p - e * r) * iac
        t = (a * r - e * p) * iac
        gain = s * p + t * r
        take = (s >= zero) & (t >= zero) & (gain > best)
        best = gain if take else best
        h0 = s if take else h0
        h1 = zero if take else h1
        h2 = t if take else h2
        s = (c * q - f * r) * ibc
        t = (b * r - f * q) * ibc
        gain = s * q + t * r
        take = (s >= zero) & (t >= zero) & (gain > best)
        h0 = zero if take else h0
        h1 = s if take else h1
        h2 = t if take else h2
        s = (m00 * p + m01 * q + m02 * r) * idet
        t = (m01 * p + m11 * q + m12 * r) * idet
        w = (m02 * p + m12 * q + m22 * r) * idet
        # The free solution, where it is feasible, is the best of all.
        take = (idet > zero) & (s >= zero) & (t >= zero) & (w >= zero)
        o0[j] = s if take else h0
        o1[j] = t if take else h1
        o2[j] = w if take else h2


@compiled
def _solve_passive(gram: Array, b: Array, passive: Array, chol: Array, x: Array) -> bool:
    """Solve on the passive set by Cholesky; False if a pivot vanishes."""
    rank = b.shape[0]
    index = np.empty(rank, np.int64)
    size = 0
    for k in range(rank):
        x[k] = 0.0
        if passive[k]:
            index[size] = k
            size += 1
    for i in range(size):
        for j in range(i + 1):
            s = gram[index[i], index[j]]
            for k in range(j):
                s -= chol[i, k] * chol[j, k]
            if i == j:
                if not s > 1e-14 * gram[index[i], index[i]]:
                    return False
                chol[i, i] = np.sqrt(s)
            else:
                chol[i, j] = s / chol[j, j]
    for i in range(size):
        s = b[index[i]]
        for k in range(i):
            s -= chol[i, k] * x[index[k]]
        x[index[i]] = s / chol[i, i]
    for i in range(size - 1, -1, -1):
        s = x[index[i]]
        for k in range(i + 1, size):
            s -= chol[k, i] * x[index[k]]
        x[index[i]] = s / chol[i, i]
    return True


@compiled
def _nnls_one(gram: Array, b: Array, x: Array, passive: Array, chol: Array) -> None:
    """Solve one problem: whole-set exchanges first, one at a time if they cycle."""
    rank = b.shape[0]
    largest = 0.0
    for k in range(rank):
        largest = max(largest, abs(b[k]))
    slack = 1e-13 * largest
    for k in range(rank):
        passive[k] = gram[k, k] > 0.0
    for _ in range(rank + 5):
        if not _solve_passive(gram, b, passive, chol, x):
            break
        wrong = 0
        for k in range(rank):
            if passive[k]:
                if x[k] < 0.0:
                    passive[k] = False
                    wrong += 1
            elif gram[k, k] > 0.0:
                s = b[k]
                for i in range(rank):
                    s -= gram[k, i] * x[i]
                if s > slack:
                    passive[k] = True
                    wrong += 1
        if wrong == 0:
            return
    _lawson_hanson(gram, b, x, passive, chol, slack)


@compiled
def _lawson_hanson(
    gram: Array, b: Array, x: Array, passive: Array, chol: Array, slack: float
) -> None:
    """The active-set method of Lawson and Hanson (1974, ch. 23), on a Gram matrix."""
    rank = b.shape[0]
    z = np.zeros(rank)
    banned = np.zeros(rank, np.bool_)
    for k in range(rank):
        passive[k] = False
        x[k] = 0.0
    for _ in range(10 * rank + 10):
        best, pick = slack, -1
        for k in range(rank):
            if not passive[k] and not banned[k] and gram[k, k] > 0.0:
                s = b[k]
                for i in range(rank):
                    s -= gram[k, i] * x[i]
                if s > best:
                    best, pick = s, k
        if pick < 0:
            return
        passive[pick] = True
        if not _solve_passive(gram, b, passive, chol, z) or z[pick] <= 0.0:
            # Dependent on the parts already in: taking it in gains nothing.
            passive[pick] = False
            banned[pick] = True
            continue
        while True:
            alpha, low = 1.0, False
            for k in range(rank):
                if passive[k] and z[k] <= 0.0:
                    low = True
                    alpha = min(alpha, x[k] / (x[k] - z[k]) if x[k] > z[k] else 0.0)
            if not low:
                break
            for k in range(rank):
                if passive[k]:
                    x[k] += alpha * (z[k] - x[k])
                    if x[k] <= 1e-300 or (z[k] <= 0.0 and x[k] <= 1e-15 * abs(z[k])):
                        x[k] = 0.0
                        passive[k] = False
            if not _solve_passive(gram, b, passive, chol, z):
                break
        for k in range(rank):
            x[k] = z[k] if passive[k] else 0.0
            banned[k] = False


@compiled
def nnls_columns(gram: Array, atb: Array, out: Array) -> None:
    """Solve nonnegative least squares exactly, one column after the other.

    Minimises ``h' gram h / 2 - h' atb[:, j]`` over ``h >= 0``.

    Parameters
    ----------
    gram
        (r, r) float64, ``W.T @ W``; may be singular.
    atb
        (r, n) float64, ``W.T @ X``.
    out
        (r, n) any float dtype, receives the solution.

    Notes
    -----
    Principal pivoting with whole-set exchanges (Kim and Park, SIAM J. Sci.
    Comput. 33, 2011), falling back on Lawson and Hanson's method where the
    exchanges cycle or the parts are dependent.
    """
    rank, n = atb.shape
    chol = np.zeros((rank, rank))
    x = np.zeros(rank)
    b = np.zeros(rank)
    passive = np.zeros(rank, np.bool_)
    for j in range(n):
        for k in range(rank):
            b[k] = atb[k, j]
        _nnls_one(gram, b, x, passive, chol)
        for k in range(rank):
            out[k, j] = x[k]


@compiled
def nnls_weighted(Y: Array, V: Array, A: Array, linear: float, ridge: float, out: Array) -> None:
    """Solve ``min_h sum_i V[j, i] (Y[j, i] - A[:, i] @ h)^2 / 2`` exactly for every j.

    Parameters
    ----------
    Y, V
        (n, p) data and weights, one problem per row. `Y` is finite everywhere.
    A
        (r, p) the parts.
    linear, ridge
        Penalties ``linear * sum(h) + ridge / 2 * sum(h**2)``.
    out
        (r, n) receives the solution.
    """
    rank = A.shape[0]
    gram = np.zeros((rank, rank))
    chol = np.zeros((rank, rank))
    x = np.zeros(rank)
    b = np.zeros(rank)
    passive = np.zeros(rank, np.bool_)
    for j in range(Y.shape[0]):
        _weighted_normal(Y[j], V[j], A, gram, b)
        for k in range(rank):
            gram[k, k] += ridge
            b[k] -= linear
        _nnls_one(gram, b, x, passive, chol)
        for k in range(rank):
            out[k, j] = x[k]


@compiled
def _weighted_normal(y: Array, v: Array, A: Array, gram: Array, b: Array) -> None:
    rank, p = A.shape
    va = np.empty(p, A.dtype)
    for k in range(rank):
        ak = A[k]
        s = A.dtype.type(0)
        for i in range(p):
            va[i] = v[i] * ak[i]
            s += va[i] * y[i]
        b[k] = s
        for m in range(k + 1):
            am = A[m]
            s = A.dtype.type(0)
            for i in range(p):
                s += va[i] * am[i]
            gram[k, m] = s
            gram[m, k] = s


@compiled
def weighted_sweeps(
    Y: Array, V: Array, A: Array, F: Array, first: int, number: int, linear: Array, ridge: Array
) -> None:
    """Coordinate descent on each sample's own weighted Gram matrix, in place.

    Y, V (n, p); A (r, p); F (r, n); components before `first` stay; `linear`
    and `ridge` hold one coefficient per sample, or are empty.
    """
    rank = A.shape[0]
    lin = 0.0
    rid = 0.0
    gram = np.zeros((rank, rank))
    b = np.zeros(rank)
    h = np.zeros(rank)
    for j in range(Y.shape[0]):
        _weighted_normal(Y[j], V[j], A, gram, b)
        for k in range(rank):
            h[k] = F[k, j]
        if linear.shape[0] > 0:
            lin, rid = linear[j], ridge[j]
        for _ in range(number):
            for k in range(first, rank):
                curve = gram[k, k] + rid
                if curve > 0.0:
                    s = b[k] - lin - rid * h[k]
                    for i in range(rank):
                        s -= gram[k, i] * h[i]
                    h[k] = max(h[k] + s / curve, 0.0)
        for k in range(first, rank):
            F[k, j] = h[k]


@compiled
def weighted_loss(Y: Array, V: Array, A: Array, F: Array) -> float:
    """Half the weighted squared error, (n, p) data row by row, in float64."""
    rank, p = A.shape
    total = 0.0
    e = np.empty(p, A.dtype)
    for j in range(Y.shape[0]):
        yj, vj = Y[j], V[j]
        for i in range(p):
            e[i] = yj[i]
        for k in range(rank):
            f = F[k, j]
            ak = A[k]
            for i in range(p):
                e[i] -= f * ak[i]
        s = A.dtype.type(0)
        for i in range(p):
            s += vj[i] * e[i] * e[i]
        total += s
    return 0.5 * total


@compiled
def sweeps(
    gram: Array, atb: Array, F: Array, first: int, number: int, linear: Array, ridge: Array
) -> None:
    """Coordinate descent on a shared Gram matrix, in place (HALS).

    gram (r, r) and atb (r, n) in the dtype of F (r, n); `linear` and `ridge`
    hold one coefficient per sample, or are empty. Components before `first`
    stay as they are.
    """
    rank, n = F.shape
    zero = F.dtype.type(0)
    penalised = linear.shape[0] > 0
    g = np.empty(_TILE, F.dtype)
    for lo in range(0, n, _TILE):
        hi = min(lo + _TILE, n)
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
            x = X[i, start : min(start + 2048, n)]
            width = x.shape[0]
            k = 0
            while k + 3 < rank:
                h0 = H[k, start : start + width]
                h1 = H[k + 1, start : start + width]
                h2 = H[k + 2, start : start + width]
                h3 = H[k + 3, start : start + width]
                s0 = s1 = s2 = s3 = zero
                for j in range(width):
                    s0 += x[j] * h0[j]
                    s1 += x[j] * h1[j]
                    s2 += x[j] * h2[j]
                    s3 += x[j] * h3[j]
                out[k, i] += s0
                out[k + 1, i] += s1
                out[k + 2, i] += s2
                out[k + 3, i] += s3
                k += 4
            while k < rank:
                h0 = H[k, start : start + width]
                s0 = zero
                for j in range(width):
                    s0 += x[j] * h0[j]
                out[k, i] += s0
                k += 1


@compiled
def column_products(X: Array, F: Array, lo: int, hi: int, out: Array) -> None:
    """F[:, lo:hi] (r, m) times rows lo:hi of C-ordered X (m, n), into out (r, n)."""
    rank = F.shape[0]
    n = X.shape[1]
    out[:] = 0
    for start in range(0, n, 2048):
        stop = min(start + 2048, n)
        width = stop - start
        i = lo
        while i + 3 < hi:
            x0 = X[i, start:stop]
            x1 = X[i + 1, start:stop]
            x2 = X[i + 2, start:stop]
            x3 = X[i + 3, start:stop]
            for k in range(rank):
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
            x = data[p]
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
