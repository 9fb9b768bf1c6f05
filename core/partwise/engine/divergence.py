"""How is a Kullback-Leibler fit improved number by number? The compiled loop.

For one entry of a factor the divergence is a convex function of one variable
whose slope and curvature are two sums over a row of data: a step of Newton's
method (Hsieh and Dhillon, KDD 2011; Hien and Gillis, J. Sci. Comput. 87, 2021).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.lanes import STRIDE, newton_sums

__all__ = ["newton_rows", "padded"]

Array = NDArray[Any]


def padded(length: int) -> int:
    """The next multiple of what a vector loop takes."""
    return -(-length // STRIDE) * STRIDE


@compiled
def newton_rows(  # noqa: C901 - a compiled loop is one function
    X: Array,
    A: Array,
    sums: Array,
    F: Array,
    lo: int,
    hi: int,
    turn: int,
    safe: bool,
    floor: float,
    loss: bool,
) -> float:
    """Improve F (samples × r) in rows lo:hi in place; return their divergence before.

    Parameters
    ----------
    X
        (samples, p) data in C order.
    A
        (r, padded p) the other factor, zero beyond p.
    sums
        (r,) sums of the rows of A.
    turn
        Entries at zero are looked at in every third turn only.
    safe
        Shorten steps towards zero to the multiplicative one, which can never
        raise the divergence.
    floor
        Smallest fitted value.
    loss
        Is the divergence wanted? Else 0 is returned.
    """
    rank, length = A.shape
    p = X.shape[1]
    x = np.zeros(length, A.dtype)
    y = np.empty(length, A.dtype)
    zero = A.dtype.type(0)
    tiny = A.dtype.type(1e-30)
    total = 0.0
    for j in range(lo, hi):
        row = X[j]
        for i in range(p):
            x[i] = row[i]
        f = F[j]
        for i in range(length):
            y[i] = floor
        k = 0
        while k + 3 < rank:
            a0, a1, a2, a3 = A[k], A[k + 1], A[k + 2], A[k + 3]
            f0, f1, f2, f3 = f[k], f[k + 1], f[k + 2], f[k + 3]
            for i in range(length):
                y[i] += f0 * a0[i] + f1 * a1[i] + f2 * a2[i] + f3 * a3[i]
            k += 4
        while k < rank:
            a0 = A[k]
            f0 = f[k]
            for i in range(length):
                y[i] += f0 * a0[i]
            k += 1
        if loss:
            s = zero
            for i in range(p):
                if x[i] > zero:
                    s += x[i] * np.log(x[i] / y[i])
                s += y[i] - x[i]
            total += s
        move = zero
        before = A[0]
        for k in range(rank):
            old = f[k]
            if not sums[k] > zero or (old == zero and (j + k + turn) % 3 != 0):
                continue
            now = A[k]
            slope, curve = newton_sums(x, y, before, move, now)
            new = max(old + (slope - sums[k]) / max(curve, tiny), zero)
            if safe and new < old:
                new = max(new, old * slope / sums[k])
            move = new - old
            f[k] = new
            before = now
    return total
