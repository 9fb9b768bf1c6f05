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

__all__ = ["EXACT", "fused_block", "support_inverses", "tile_residual"]

Array = NDArray[Any]
_TILE = 512
_OUT = np.float32(np.inf)
EXACT = 5  # parts up to which trying all supports costs less than descending


def support_inverses(gram: Array, dtype: Any) -> Array:
    """Inverses of a Gram matrix (r, r) on all its supports: (2**r, r, r).

    Support s holds the parts whose bit is set in s; an empty Gram matrix has
    none. What is nearly dependent
    is held back by a ridge at the precision of the data, far below its noise.
    """
    rank = len(gram)
    if not rank:
        return np.empty((0, 0, 0), dtype)
    norms = np.sqrt(np.diag(gram))
    norms[norms == 0] = 1
    chosen = (np.arange(1 << rank)[:, None] >> np.arange(rank) & 1).astype(bool)
    both = chosen[:, :, None] & chosen[:, None, :]
    unit = np.where(both, gram / np.outer(norms, norms), 0)
    unit[:, np.arange(rank), np.arange(rank)] = 1 + np.finfo(dtype).eps
    found = np.linalg.inv(unit) / np.outer(norms, norms)
    return np.ascontiguousarray(np.where(both, found, 0), dtype=dtype)


@compiled
def fused_block(
    X: Array,
    W: Array,
    gram: Array,
    inverses: Array,
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
    inverses
        From `support_inverses` for an exact answer to 4 or 5 parts; empty to
        descend. Up to 3 parts are exact in any case.
    warm, warm_scale
        (r, n) start for coordinate descent, multiplied row by row; (r, 0) to
        start from zero.
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
    tile = _TILE if m <= 16 else _TILE // 2  # the data of a tile stay in the first-level cache
    x = np.empty((m, tile), W.dtype)
    b = np.empty((rank, tile), W.dtype)
    h = np.empty((rank, tile), W.dtype)
    e = np.empty(tile, W.dtype)
    spare = np.empty((rank + 2, tile), W.dtype)
    zero = W.dtype.type(0)
    acc[:] = 0.0
    for start in range(lo, hi, tile):
        stop = min(start + tile, hi)
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
        elif inverses.shape[0] > 0:
            _best_support(inverses, b, h, spare, width)
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
            _descend(gram, b, h, e, width, number)
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
            acc[rank * rank + m * rank + 1] += tile_residual(gram, b, h, e, width, reach)
        _accumulate(x, W, h, e, width, acc)


@compiled
def _project(x: Array, W: Array, b: Array, width: int) -> None:
    """Project a tile, b = W' x, four features and two parts at a time to spare loads."""
    m, rank = W.shape
    for k in range(0, rank - 1, 2):
        b0 = b[k, :width]
        b1 = b[k + 1, :width]
        b0[:] = 0
        b1[:] = 0
        i = 0
        while i + 3 < m:
            u0, u1, u2, u3 = W[i, k], W[i + 1, k], W[i + 2, k], W[i + 3, k]
            v0, v1, v2, v3 = W[i, k + 1], W[i + 1, k + 1], W[i + 2, k + 1], W[i + 3, k + 1]
            x0, x1, x2, x3 = x[i, :width], x[i + 1, :width], x[i + 2, :width], x[i + 3, :width]
            for j in range(width):
                b0[j] += u0 * x0[j] + u1 * x1[j] + u2 * x2[j] + u3 * x3[j]
                b1[j] += v0 * x0[j] + v1 * x1[j] + v2 * x2[j] + v3 * x3[j]
            i += 4
        while i < m:
            u0, v0 = W[i, k], W[i, k + 1]
            x0 = x[i, :width]
            for j in range(width):
                b0[j] += u0 * x0[j]
                b1[j] += v0 * x0[j]
            i += 1
    if rank % 2:
        k = rank - 1
        b0 = b[k, :width]
        b0[:] = 0
        for i in range(m):
            u0 = W[i, k]
            x0 = x[i, :width]
            for j in range(width):
                b0[j] += u0 * x0[j]


@compiled
def _best_support(inverses: Array, b: Array, h: Array, spare: Array, width: int) -> None:
    """Exact least squares on a tile: of all supports, the feasible one that explains most.

    Every feasible point explains at most what the optimum does, and the optimum
    is the free solution on its own support, so the best of all is exact.
    """
    rank = h.shape[0]
    zero = h.dtype.type(0)
    best = spare[rank, :width]
    gain = spare[rank + 1, :width]
    best[:] = zero
    for k in range(rank):
        h[k, :width] = zero
    for support in range(1, 1 << rank):
        inverse = inverses[support]
        gain[:] = zero
        for k in range(rank):
            if not support >> k & 1:
                continue
            t = spare[k, :width]
            first = True
            for i in range(rank):
                if not support >> i & 1:
                    continue
                w = inverse[k, i]
                bi = b[i, :width]
                if first:
                    for j in range(width):
                        t[j] = w * bi[j]
                    first = False
                else:
                    for j in range(width):
                        t[j] += w * bi[j]
            bk = b[k, :width]
            # A negative entry makes the gain so bad that this support is out.
            for j in range(width):
                gain[j] += bk[j] * t[j] if t[j] >= zero else -_OUT
        for k in range(rank):
            t = spare[k, :width]
            hk = h[k, :width]
            if support >> k & 1:
                for j in range(width):
                    hk[j] = t[j] if gain[j] > best[j] else hk[j]
            else:
                for j in range(width):
                    hk[j] = zero if gain[j] > best[j] else hk[j]
        for j in range(width):
            best[j] = max(best[j], gain[j])


@compiled
def _descend(gram: Array, b: Array, h: Array, g: Array, width: int, number: int) -> None:
    """Sweeps of coordinate descent on a tile, until it stands still or `number` are done."""
    rank = gram.shape[0]
    zero = gram.dtype.type(0)
    gk = g[:width]
    still = gram.dtype.type(1e-10)
    for _ in range(number):
        moved = zero
        whole = zero
        for k in range(rank):
            weight = gram[k, k]
            if not weight > zero:
                h[k, :width] = zero
                continue
            inv = gram.dtype.type(1) / weight
            bk = b[k, :width]
            hk = h[k, :width]
            # The gradient takes in the part's own term; the step adds it again.
            i = 0
            if rank >= 4:
                w0, w1, w2, w3 = gram[k, 0], gram[k, 1], gram[k, 2], gram[k, 3]
                h0, h1, h2, h3 = h[0, :width], h[1, :width], h[2, :width], h[3, :width]
                for j in range(width):
                    gk[j] = bk[j] - (w0 * h0[j] + w1 * h1[j] + w2 * h2[j] + w3 * h3[j])
                i = 4
            else:
                for j in range(width):
                    gk[j] = bk[j]
            while i < rank:
                w = gram[k, i]
                hi = h[i, :width]
                for j in range(width):
                    gk[j] -= w * hi[j]
                i += 1
            for j in range(width):
                old = hk[j]
                new = max(old + gk[j] * inv, zero)
                step = new - old
                moved += weight * step * step
                whole += weight * new * new
                hk[j] = new
        if moved <= still * whole:
            break


@compiled
def tile_residual(gram: Array, b: Array, h: Array, e: Array, width: int, reach: Array) -> float:
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
def _accumulate(x: Array, W: Array, h: Array, e: Array, width: int, acc: Array) -> None:
    """Add up H H', X H' and half the squared error of a tile."""
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
    left = e[:width]
    for i in range(m):
        xi = x[i, :width]
        base = rank * rank + i * rank
        k = 0
        if rank % 2:
            w0, h0 = W[i, 0], h[0, :width]
            s0 = zero
            for j in range(width):
                s0 += xi[j] * h0[j]
                left[j] = xi[j] - w0 * h0[j]
            acc[base] += s0
            k = 1
        else:
            w0, w1, h0, h1 = W[i, 0], W[i, 1], h[0, :width], h[1, :width]
            s0 = s1 = zero
            for j in range(width):
                s0 += xi[j] * h0[j]
                s1 += xi[j] * h1[j]
                left[j] = xi[j] - (w0 * h0[j] + w1 * h1[j])
            acc[base] += s0
            acc[base + 1] += s1
            k = 2
        if (rank - k) % 4:
            w0, w1, h0, h1 = W[i, k], W[i, k + 1], h[k, :width], h[k + 1, :width]
            s0 = s1 = zero
            for j in range(width):
                s0 += xi[j] * h0[j]
                s1 += xi[j] * h1[j]
                left[j] -= w0 * h0[j] + w1 * h1[j]
            acc[base + k] += s0
            acc[base + k + 1] += s1
            k += 2
        while k < rank:
            w0, w1, w2, w3 = W[i, k], W[i, k + 1], W[i, k + 2], W[i, k + 3]
            h0, h1, h2, h3 = h[k, :width], h[k + 1, :width], h[k + 2, :width], h[k + 3, :width]
            s0 = s1 = s2 = s3 = zero
            for j in range(width):
                s0 += xi[j] * h0[j]
                s1 += xi[j] * h1[j]
                s2 += xi[j] * h2[j]
                s3 += xi[j] * h3[j]
                left[j] -= w0 * h0[j] + w1 * h1[j] + w2 * h2[j] + w3 * h3[j]
            acc[base + k] += s0
            acc[base + k + 1] += s1
            acc[base + k + 2] += s2
            acc[base + k + 3] += s3
            k += 4
        s = zero
        for j in range(width):
            s += left[j] * left[j]
        acc[rank * rank + m * rank] += 0.5 * s
