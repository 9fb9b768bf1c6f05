"""How are many tiny nonnegative least-squares problems solved that share one Gram matrix?

Exactly: in closed form for up to three parts, else by exchanging whole sets of
parts (Kim and Park, SIAM J. Sci. Comput. 33, 2011) with the active-set method
of Lawson and Hanson where that would cycle.
"""

# ruff: noqa: C901, PLR0912, PLR0915 - what a compiled loop would call has to be inside

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled

__all__ = ["nnls_closed", "nnls_columns", "nnls_weighted", "weighted_normal"]

Array = NDArray[Any]


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
        weighted_normal(Y[j], V[j], A, gram, b)
        for k in range(rank):
            gram[k, k] += ridge
            b[k] -= linear
        _nnls_one(gram, b, x, passive, chol)
        for k in range(rank):
            out[k, j] = x[k]


@compiled
def weighted_normal(y: Array, v: Array, A: Array, gram: Array, b: Array) -> None:
    """Gram matrix and right-hand side of one weighted sample, y and v (p,), A (r, p)."""
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
