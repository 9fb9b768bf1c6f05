"""Where is the bound of a beta-divergence and of penalties lowest? One root per entry.

With u = f / f0, the bound of a beta-divergence at f0 (Févotte and Idier, Neural
Computation 23, 2011) has the derivative ``bottom · u^up − top · u^down`` with
up >= 0 >= down, and a penalty's bound has ``linear + ridge · f0 · u``. Their sum
rises with u: it has one root, by a formula for the squared error and for
Kullback-Leibler, by Newton's method in log u otherwise.

S. Leplat, N. Gillis and A. Ang keep to sums in the same way (IEEE Trans. Signal
Process. 68, 2020): a set adds one unknown to `linear` or `ridge`, and the root
falls as it grows, so that there is one answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.penalties.constraints import Ball, Box, Constraint, Simplex, UnitL1

__all__ = ["lowest", "root"]

Array = NDArray[Any]
_ROUNDS = 60
_CLOSE = 1e-10  # to a sum of 1; what is left is put right by scaling
_FAR = 1e30  # where nothing holds an entry back


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
    dtype = F.dtype
    F, top, bottom = (np.broadcast_to(np.asarray(A, np.float64), F.shape) for A in (F, top, bottom))
    linear = np.asarray(linear, np.float64)
    ridge = np.asarray(ridge, np.float64)

    def at(t: Any) -> Array:
        if isinstance(held, Ball):
            return root(beta, F, top, bottom, linear, ridge + t)
        return root(beta, F, top, bottom, linear + t, ridge)

    if held is None:
        return np.asarray(at(0.0), dtype=dtype)
    if beta == 2:  # the bound is a quadratic, which every set can handle itself
        curve = bottom / np.maximum(F, np.finfo(np.float64).tiny) + ridge
        return np.asarray(held.best(curve, top - linear, F), dtype=dtype)
    if isinstance(held, Box):  # one variable, convex: the nearest end
        return np.asarray(np.clip(at(0.0), held.low, held.high), dtype=dtype)
    axis = 0 if isinstance(held, Simplex) else 1
    if isinstance(held, Ball):
        # In the unit ball f is about 1, and t f about what it must outweigh.
        pull = bottom + abs(linear) + ridge
        t = _search(lambda t: np.square(at(t)).sum(axis=1, keepdims=True), 0.0, pull, axis)
        new = at(t)
        norms = np.maximum(np.linalg.norm(new, axis=1, keepdims=True), 1)
        return np.asarray(new / norms, dtype=dtype)
    assert isinstance(held, UnitL1 | Simplex)
    t = _search(lambda t: at(t).sum(axis=axis, keepdims=True), None, bottom + abs(linear), axis)
    new = at(t)
    return np.asarray(new / new.sum(axis=axis, keepdims=True), dtype=dtype)


def _search(size: Any, least: float | None, scale: Array, axis: int) -> Array:
    """The t, not below `least`, at which the falling ``size(t)`` comes down to 1.

    By the Illinois form of regula falsi (Dowell and Jarratt, BIT 11, 1971) on
    1 / size, which is nearly straight.
    """
    unit = scale.max(axis=axis, keepdims=True) + 1e-300

    def over(t: Array) -> Array:  # rises with t from −1 at the least, 0 at the answer
        return np.asarray(1 / np.maximum(size(t), 0.1) - 1)

    low = np.zeros_like(unit) if least is not None else -unit
    at_low = over(low)
    inside = at_low >= 0 if least is not None else np.zeros(at_low.shape, bool)
    if inside.all():
        return np.asarray(low)
    for _ in range(200):
        long = (at_low > 0) & ~inside
        if not long.any():
            break
        low = np.where(long, 4 * low, low)
        at_low = over(low)
    high = unit.copy()
    at_high = over(high)
    for _ in range(200):
        short = at_high < 0
        if not short.any():
            break
        high = np.where(short, 4 * high, high)
        at_high = over(high)
    for _ in range(_ROUNDS):
        gap = np.where(at_high > at_low, at_high - at_low, 1)
        t = np.clip(high - at_high * (high - low) / gap, low, high)
        now = over(t)
        if (inside | (np.abs(now) < _CLOSE)).all():
            high = t
            break
        above = now >= 0
        # An end that stays twice has its height halved, or it would stay for good.
        at_low, at_high = (
            np.where(above, 0.5 * at_low, now),
            np.where(above, now, 0.5 * at_high),
        )
        low, high = np.where(above, low, t), np.where(above, t, high)
    return np.asarray(np.where(inside, 0.0, high))


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
        far = np.full(F.shape, _FAR)
        with np.errstate(over="ignore"):
            plus = np.divide(2 * top * F, middle + square, out=far, where=middle + square > 0)
            minus = np.divide(square - middle, 2 * ridge, out=far.copy(), where=ridge > 0)
        return np.asarray(np.minimum(np.where(middle >= 0, plus, minus), _FAR))
    out = np.empty(F.shape)
    flat = [
        np.ascontiguousarray(np.broadcast_to(A, F.shape)).ravel()
        for A in (top, bottom, linear, ridge * F)
    ]
    up = beta - 1 if beta >= 1 else 0.0
    down = beta - 2 if beta <= 2 else 0.0
    _newton(flat[0], flat[1], flat[2], flat[3], up, down, out.ravel())
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
