"""What does one read of the data give? All that a skinny step needs.

For a small factor W the best H, the objective, X H' and H H' come out of a
single pass over tiles of columns that stay in cache; H itself need not be
stored. Data and factors are in the precision of X, sums over a tile are added
up in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.kernels import nnls_closed

__all__ = ["fused_block"]

Array = NDArray[Any]
_TILE = 512


@compiled
def fused_block(
    X: Array,
    W: Array,
    gram: Array,
    lo: int,
    hi: int,
    warm: Array,
    warm_scale: Array,
    number: int,
    out: Array,
    row_scale: Array,
    column_scale: Array,
    reach: Array,
    acc: Array,
) -> None:
    """Solve columns lo:hi of X (m, n) for H and add up what the next W needs.

    Parameters
    ----------
    W, gram
        (m, r) and ``W.T @ W`` in the dtype of X.
    warm, warm_scale
        (r, n) start for coordinate descent, multiplied row by row, for more
        than 3 parts; (r, 0) to start from zero. Up to 3 parts are exact.
    number
        Sweeps of coordinate descent.
    out
        (r, n) receives H, or (r, 0) if H is not wanted.
    row_scale, column_scale
        Exact rescaling of X, or empty. W is in scaled terms, H is not.
    reach
        (r + 1,) norms of the rows of H and the size of the derivative, for the
        optimality residual; or empty, then the residual is left out.
    acc
        (r*r + m*r + 2,) float64: H H', X H', half the squared error, squared
        optimality residual of H.
    """
    m = X.shape[0]
    rank = W.shape[1]
    x = np.empty((m, _TILE), W.dtype)
    b = np.empty((rank, _TILE), W.dtype)
    h = np.empty((rank, _TILE), W.dtype)
    e = np.empty(_TILE, W.dtype)
    zero = W.dtype.type(0)
    acc[:] = 0.0
    for start in range(lo, hi, _TILE):
        stop = min(start + _TILE, hi)
        width = stop - start
        for i in range(m):
            xi = x[i, :width]
            source = X[i, start:stop]
            if row_scale.shape[0] > 0:
                scale = row_scale[i]
                for j in range(width):
                    xi[j] = source[j] * scale
            else:
                for j in range(width):
                    xi[j] = source[j]
        _project(x, W, b, width)
        if rank <= 3:
            nnls_closed(gram, b[:, :width], h[:, :width])
        else:
            for k in range(rank):
                hk = h[k, :width]
                if warm.shape[1] > 0:
                    scale = warm_scale[k]
                    old = warm[k, start:stop]
                    for j in range(width):
                        hk[j] = old[j] * scale
                else:
                    for j in range(width):
                        hk[j] = zero
            _descend(gram, b, h, width, number)
        if out.shape[1] > 0:
            for k in range(rank):
                hk = h[k, :width]
                new = out[k, start:stop]
                for j in range(width):
                    new[j] = hk[j]
        if column_scale.shape[0] > 0:
            scales = column_scale[start:stop]
            for k in range(rank):
                hk = h[k, :width]
                bk = b[k, :width]
                for j in range(width):
                    hk[j] *= scales[j]
                    bk[j] *= scales[j]
            for i in range(m):
                xi = x[i, :width]
                for j in range(width):
                    xi[j] *= scales[j]
        if reach.shape[0] > 0:
            acc[rank * rank + m * rank + 1] += _residual(gram, b, h, e, width, reach)
        _accumulate(x, h, width, acc)
        for i in range(m):
            xi = x[i, :width]
            for k in range(rank):
                w = W[i, k]
                hk = h[k, :width]
                for j in range(width):
                    xi[j] -= w * hk[j]
            s = zero
            for j in range(width):
                s += xi[j] * xi[j]
            acc[rank * rank + m * rank] += 0.5 * s


@compiled
def _project(x: Array, W: Array, b: Array, width: int) -> None:
    """Project a tile, b = W' x, four features at a time to spare loads and stores."""
    m, rank = W.shape
    for k in range(rank):
        bk = b[k, :width]
        for j in range(width):
            bk[j] = 0
        i = 0
        while i + 3 < m:
            w0, w1, w2, w3 = W[i, k], W[i + 1, k], W[i + 2, k], W[i + 3, k]
            x0, x1, x2, x3 = x[i, :width], x[i + 1, :width], x[i + 2, :width], x[i + 3, :width]
            for j in range(width):
                bk[j] += w0 * x0[j] + w1 * x1[j] + w2 * x2[j] + w3 * x3[j]
            i += 4
        while i < m:
            w0 = W[i, k]
            x0 = x[i, :width]
            for j in range(width):
                bk[j] += w0 * x0[j]
            i += 1


@compiled
def _descend(gram: Array, b: Array, h: Array, width: int, number: int) -> None:
    """Sweeps of coordinate descent on a tile, until it stands still or `number` are done."""
    rank = gram.shape[0]
    zero = gram.dtype.type(0)
    g = np.empty(_TILE, gram.dtype)
    gk = g[:width]
    still = gram.dtype.type(1e-10)
    for _ in range(number):
        moved = zero
        whole = zero
        for k in range(rank):
            if not gram[k, k] > zero:
                h[k, :width] = zero
                continue
            inv = gram.dtype.type(1) / gram[k, k]
            bk = b[k, :width]
            hk = h[k, :width]
            for j in range(width):
                gk[j] = bk[j]
            for i in range(rank):
                if i != k:
                    w = gram[k, i]
                    hi = h[i, :width]
                    for j in range(width):
                        gk[j] -= w * hi[j]
            weight = gram[k, k]
            for j in range(width):
                new = max(gk[j] * inv, zero)
                step = new - hk[j]
                moved += weight * step * step
                whole += weight * new * new
                hk[j] = new
        if moved <= still * whole:
            break


@compiled
def _residual(gram: Array, b: Array, h: Array, e: Array, width: int, reach: Array) -> float:
    """Squared optimality residual of a tile of H; see `judge.certify`."""
    rank = gram.shape[0]
    total = 0.0
    g = e[:width]
    for k in range(rank):
        norm = reach[k]
        if not norm > 0:
            continue
        inv = gram.dtype.type(1 / norm)
        steep = gram.dtype.type(norm / reach[rank])
        bk = b[k, :width]
        hk = h[k, :width]
        for j in range(width):
            g[j] = -bk[j]
        for i in range(rank):
            w = gram[k, i]
            hi = h[i, :width]
            for j in range(width):
                g[j] += w * hi[j]
        s = gram.dtype.type(0)
        for j in range(width):
            r = min(hk[j] * inv, g[j] * steep)
            s += r * r
        total += s
    return total


@compiled
def _accumulate(x: Array, h: Array, width: int, acc: Array) -> None:
    m = x.shape[0]
    rank = h.shape[0]
    zero = h.dtype.type(0)
    for k in range(rank):
        hk = h[k, :width]
        for i in range(k + 1):
            hi = h[i, :width]
            s = zero
            for j in range(width):
                s += hk[j] * hi[j]
            acc[k * rank + i] += s
            if i != k:
                acc[i * rank + k] += s
    base = rank * rank
    for i in range(m):
        xi = x[i, :width]
        for k in range(rank):
            hk = h[k, :width]
            s = zero
            for j in range(width):
                s += xi[j] * hk[j]
            acc[base + i * rank + k] += s
