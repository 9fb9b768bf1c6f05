"""Where is the bound of a beta-divergence and of penalties lowest? One root per entry.

With u = f / f0, the bound of a beta-divergence at f0 (Févotte and Idier, Neural
Computation 23, 2011) has the derivative ``bottom · u^up − top · u^down`` with
up >= 0 >= down, and a penalty's bound has ``linear + ridge · f0 · u``. Their sum
rises with u: it has one root, by a formula for the squared error and for
Kullback-Leibler, by Newton's method in log u otherwise.

S. Leplat, N. Gillis and A. Ang keep to sums in the same way (IEEE Trans. Signal
Process. 68, 2020): a set adds one unknown to `linear` or `ridge`, and the root
falls as it grows, so that it is found by halving.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.penalties.constraints import Ball, Box, Constraint, Simplex, UnitL1

__all__ = ["lowest", "root"]

Array = NDArray[Any]
_HALVINGS = 60


def lowest(
    beta: float,
    held: Constraint | None,
    F: Array,
    top: Array,
    bottom: Array,
    linear: Array,
    ridge: Array,
) -> Array:
    """The lowest point of the bound at F, in the set; all arrays (parts, places)."""
    wide = [np.broadcast_to(np.asarray(A, np.float64), F.shape) for A in (F, top, bottom)]
    linear = np.asarray(linear, np.float64)
    ridge = np.asarray(ridge, np.float64)

    def at(t: Any) -> Array:
        if isinstance(held, Ball):
            return root(beta, *wide, linear, ridge + t)
        return root(beta, *wide, linear + t, ridge)

    if held is None:
        return at(0.0).astype(F.dtype)
    if isinstance(held, Box):  # one variable, convex: the nearest end
        return np.clip(at(0.0), held.low, held.high).astype(F.dtype)
    axis = 0 if isinstance(held, Simplex) else 1
    if isinstance(held, Ball):
        t = _search(lambda t: np.square(at(t)).sum(axis=1, keepdims=True), 0.0, ridge, axis)
        new = at(t)
        return (new / np.maximum(np.linalg.norm(new, axis=1, keepdims=True), 1)).astype(F.dtype)
    assert isinstance(held, UnitL1 | Simplex)
    t = _search(lambda t: at(t).sum(axis=axis, keepdims=True), None, wide[2] + abs(linear), axis)
    new = at(t)
    return (new / new.sum(axis=axis, keepdims=True)).astype(F.dtype)


def _search(size: Any, least: float | None, scale: Array, axis: int) -> Array:
    """The t, not below `least`, at which the falling ``size(t)`` comes down to 1."""
    unit = scale.max(axis=axis, keepdims=True) + 1e-300
    low = np.zeros_like(unit) if least is not None else -unit
    high = unit.copy()
    for _ in range(200):
        short = size(high) > 1
        if not short.any():
            break
        high = np.where(short, 4 * high, high)
    if least is None:
        for _ in range(200):
            long = size(low) < 1
            if not long.any():
                break
            low = np.where(long, 4 * low, low)
    elif not (size(low) > 1).any():
        return low
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        above = size(middle) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    if least is not None:
        return np.where(size(np.zeros_like(unit)) > 1, high, 0.0)
    return np.asarray(high)


def root(beta: float, F: Array, top: Array, bottom: Array, linear: Array, ridge: Array) -> Array:
    """Return f >= 0 where the derivative of the bound at F vanishes, entry by entry."""
    tiny = np.finfo(np.float64).tiny
    if beta == 2:
        u = np.maximum(top - linear, 0) / np.maximum(bottom + ridge * F, tiny)
        return np.asarray(F * u)
    if beta == 1:
        # ridge f² + (bottom + linear) f − top f0 = 0, without cancellation.
        middle = bottom + linear
        square = np.sqrt(middle * middle + 4 * ridge * top * F)
        plus = 2 * top * F / np.maximum(middle + square, tiny)
        minus = np.divide(square - middle, 2 * ridge, out=np.zeros_like(F), where=ridge > 0)
        return np.where(middle >= 0, plus, np.where(ridge > 0, minus, 1e30))
    out = np.empty(F.shape)
    args = (np.ascontiguousarray(np.broadcast_to(A, F.shape)).ravel() for A in (top, bottom))
    more = (np.ascontiguousarray(np.broadcast_to(A, F.shape)).ravel() for A in (linear, ridge * F))
    up = beta - 1 if beta >= 1 else 0.0
    down = beta - 2 if beta <= 2 else 0.0
    _newton(*args, *more, up, down, out.ravel())
    return np.asarray(F * out)


@compiled
def _newton(
    top: Array, bottom: Array, linear: Array, ridge: Array, up: float, down: float, out: Array
) -> None:
    """Root of ``bottom u^up − top u^down + linear + ridge u``, between e^−60 and e^60."""
    for i in range(out.shape[0]):
        low, high = -60.0, 60.0
        v = 0.0
        for _ in range(100):
            rise = bottom[i] * np.exp(up * v)
            fall = top[i] * np.exp(down * v)
            straight = ridge[i] * np.exp(v)
            h = rise - fall + linear[i] + straight
            if h > 0.0:
                high = v
            else:
                low = v
            slope = up * rise - down * fall + straight
            step = v - h / slope if slope > 0.0 else 0.5 * (low + high)
            if not low < step < high:
                step = 0.5 * (low + high)
            if abs(step - v) < 1e-14 * max(1.0, abs(v)) or high - low < 1e-14:
                v = step
                break
            v = step
        out[i] = np.exp(v)
