"""The compiled loops: many small fits of one small matrix, each from beginning to end.

Envelopes are small (a dozen muscles, some hundred columns), and a scan asks for hundreds of fits
of them: what a fit costs outside its loops is then most of its cost, so that all of it is inside.
Hierarchical alternating least squares (Cichocki and Phan, IEICE Trans. 92:708, 2009) with several
sweeps over each factor before the products are made anew (Gillis and Glineur, Neural Comput.
24:1085, 2012).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise.api import compiled

__all__ = ["descend", "descend_masked"]

Array = NDArray[np.float64]

_SWEEPS = 3


@compiled
def descend(  # noqa: C901, PLR0912 - a compiled loop is one function
    X: Array, W: Array, H: Array, most: int, gain: float
) -> float:
    """Fit X ≈ W·H from where W and H stand, in place, and return ½‖X − WH‖².

    Ends after `most` rounds, or when one round lowers the error by less than `gain` of it.

    Parameters
    ----------
    X : float64, shape (m, n)
    W : float64, shape (m, r)
    H : float64, shape (r, n)
    """
    m, n = X.shape
    rank = W.shape[1]
    square = 0.0
    for i in range(m):
        row = X[i]
        for j in range(n):
            square += row[j] * row[j]
    gram = np.empty((rank, rank))
    B = np.empty((rank, n))
    C = np.empty((m, rank))
    step = np.empty(n)
    before = 0.0
    error = 0.5 * square
    for turn in range(most):
        for k in range(rank):
            for p in range(rank):
                s = 0.0
                for i in range(m):
                    s += W[i, k] * W[i, p]
                gram[k, p] = s
        for k in range(rank):
            to = B[k]
            to[:] = 0.0
            for i in range(m):
                w = W[i, k]
                if w != 0.0:
                    row = X[i]
                    for j in range(n):
                        to[j] += w * row[j]
        for _sweep in range(_SWEEPS):
            for k in range(rank):
                d = gram[k, k]
                h = H[k]
                if d <= 1e-300:
                    continue
                to = B[k]
                for j in range(n):
                    step[j] = to[j]
                for p in range(rank):
                    g = gram[k, p]
                    if g != 0.0:
                        other = H[p]
                        for j in range(n):
                            step[j] -= g * other[j]
                inverse = 1.0 / d
                for j in range(n):
                    h[j] = max(h[j] + step[j] * inverse, 0.0)
        for k in range(rank):
            for p in range(k, rank):
                s = 0.0
                a, b = H[k], H[p]
                for j in range(n):
                    s += a[j] * b[j]
                gram[k, p] = s
                gram[p, k] = s
        for i in range(m):
            row = X[i]
            for k in range(rank):
                h = H[k]
                s = 0.0
                for j in range(n):
                    s += row[j] * h[j]
                C[i, k] = s
        for i in range(m):
            for _sweep in range(_SWEEPS):
                for k in range(rank):
                    d = gram[k, k]
                    if d <= 1e-300:
                        continue
                    s = C[i, k]
                    for p in range(rank):
                        s -= W[i, p] * gram[p, k]
                    W[i, k] = max(W[i, k] + s / d, 0.0)
        cross = 0.0
        model = 0.0
        for i in range(m):
            for k in range(rank):
                cross += W[i, k] * C[i, k]
                s = 0.0
                for p in range(rank):
                    s += W[i, p] * gram[p, k]
                model += W[i, k] * s
        error = max(0.5 * square - cross + 0.5 * model, 0.0)
        if turn > 0 and before - error <= gain * before:
            break
        before = error
    return error


@compiled
def descend_masked(  # noqa: C901, PLR0912 - a compiled loop is one function
    X: Array, known: Array, W: Array, H: Array, most: int, gain: float
) -> float:
    """Fit the entries of X that are known (1.0, else 0.0) by coordinate descent, in place."""
    m, n = X.shape
    rank = W.shape[1]
    E = np.empty((m, n))
    above = np.empty(n)
    below = np.empty(n)
    for i in range(m):
        rest = E[i]
        row, use = X[i], known[i]
        for j in range(n):
            rest[j] = row[j] * use[j]
        for k in range(rank):
            w = W[i, k]
            h = H[k]
            for j in range(n):
                rest[j] -= use[j] * w * h[j]
    before = 0.0
    error = 0.0
    for turn in range(most):
        for k in range(rank):
            h = H[k]
            above[:] = 0.0
            below[:] = 1e-300
            for i in range(m):
                w = W[i, k]
                if w != 0.0:
                    rest, use = E[i], known[i]
                    for j in range(n):
                        above[j] += w * rest[j]
                        below[j] += use[j] * w * w
            for j in range(n):
                new = max(h[j] + above[j] / below[j], 0.0)
                above[j] = new - h[j]
                h[j] = new
            for i in range(m):
                w = W[i, k]
                if w != 0.0:
                    rest, use = E[i], known[i]
                    for j in range(n):
                        rest[j] -= use[j] * w * above[j]
        error = 0.0
        for i in range(m):
            rest, use = E[i], known[i]
            for k in range(rank):
                h = H[k]
                up = 0.0
                down = 1e-300
                for j in range(n):
                    up += rest[j] * h[j]
                    down += use[j] * h[j] * h[j]
                new = max(W[i, k] + up / down, 0.0)
                change = new - W[i, k]
                W[i, k] = new
                for j in range(n):
                    rest[j] -= use[j] * change * h[j]
            s = 0.0
            for j in range(n):
                s += rest[j] * rest[j]
            error += 0.5 * s
        if turn > 0 and before - error <= gain * before:
            break
        before = error
    return error
