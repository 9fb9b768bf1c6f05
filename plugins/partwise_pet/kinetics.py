"""How fast is a tracer taken up, and how much of it is held? Patlak's and Logan's plots.

C. S. Patlak, R. G. Blasberg, J. D. Fenstermacher, J. Cereb. Blood Flow Metab. 3 (1983);
J. Logan et al., J. Cereb. Blood Flow Metab. 10 (1990). Both are straight lines from some time on:

    C(t)/Cp(t)     = Ki · ∫Cp/Cp(t) + V0
    ∫C/C(t)        = VT · ∫Cp/C(t)  + b
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Line", "cumulative", "integral_at", "logan", "patlak"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Line:
    """Straight lines through graphical plots.

    Attributes
    ----------
    slope, intercept : float64, shape (curves,)
        Ki and V0 of Patlak, VT and b of Logan; NaN where there is no line.
    x, y : float64, shape (curves, points)
    used : bool, shape (points,)
        Points that the line goes through.
    """

    slope: Array
    intercept: Array
    x: Array
    y: Array
    used: NDArray[np.bool_]


def cumulative(t: Array, values: Array) -> Array:
    """Integrate by trapezia from 0 along the last axis; zero before the first time."""
    t = np.concatenate([[0.0], t])
    padded = np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)
    steps = (padded[..., 1:] + padded[..., :-1]) / 2 * np.diff(t)
    return np.asarray(np.cumsum(steps, axis=-1))


def integral_at(t_known: Array, values: Array, t: Array) -> Array:
    """Integrate a sampled curve from 0 to each of `t`, straight between its samples.

    Parameters
    ----------
    t_known, values : float64, shape (samples,)
    t : float64, shape (points,)
    """
    knots = np.union1d(np.concatenate([[0.0], t_known]), t)
    first = np.concatenate([[0.0], t_known]) if t_known[0] > 0 else t_known
    told = np.concatenate([[0.0], values]) if t_known[0] > 0 else values
    fine = np.interp(knots, first, told)
    area = np.concatenate([[0.0], np.cumsum((fine[1:] + fine[:-1]) / 2 * np.diff(knots))])
    return np.asarray(np.interp(t, knots, area) - np.interp(0.0, knots, area))


def patlak(
    curves: Array,
    t_min: Array,
    plasma: Array,
    from_min: float,
    *,
    plasma_t_min: Array | None = None,
    weights: Array | None = None,
    frames_min: Array | None = None,
) -> Line:
    """Return Ki and V0 of curves.

    Parameters
    ----------
    curves : float64, shape (curves, frames)
    t_min : float64, shape (frames,)
        Middle of the frames in min.
    plasma : float64, shape (samples,)
        Input; at the middles of the frames unless `plasma_t_min` says otherwise.
    from_min : float
        Where the line begins.
    weights : float64, shape (frames,), optional
    frames_min : float64, shape (frames, 2), optional
        Start and end of the frames: an input that is known by its frame means is then
        integrated exactly, mean times duration.
    """
    at, area = _input(t_min, plasma, plasma_t_min, frames_min)
    used = (t_min >= from_min) & (at > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.broadcast_to(area / at, curves.shape)
        y = curves / at
    return _line(x, y, used, weights)


def logan(
    curves: Array,
    t_min: Array,
    plasma: Array,
    from_min: float,
    *,
    plasma_t_min: Array | None = None,
    weights: Array | None = None,
    frames_min: Array | None = None,
) -> Line:
    """Return VT and the intercept of curves; parameters as in `patlak`."""
    _, area = _input(t_min, plasma, plasma_t_min, frames_min)
    own = _frame_integral(curves, frames_min) if frames_min is not None else cumulative(
        t_min, curves
    )  # fmt: skip
    used = t_min >= from_min
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = area / curves, own / curves
    bad = ~(curves > 0)
    x[bad], y[bad] = np.nan, np.nan
    return _line(x, y, used, weights)


def _input(
    t_min: Array, plasma: Array, plasma_t_min: Array | None, frames_min: Array | None
) -> tuple[Array, Array]:
    """The input and its integral at the middle of each frame."""
    if plasma_t_min is not None:
        return np.interp(t_min, plasma_t_min, plasma), integral_at(plasma_t_min, plasma, t_min)
    if frames_min is not None:
        return plasma, _frame_integral(plasma, frames_min)
    return plasma, cumulative(t_min, plasma)


def _frame_integral(means: Array, frames_min: Array) -> Array:
    """Integral up to the middle of each frame of what is known by frame means."""
    lasting = frames_min[:, 1] - frames_min[:, 0]
    whole = np.cumsum(means * lasting, axis=-1)
    return np.asarray(whole - means * lasting / 2)


def _line(x: Array, y: Array, used: NDArray[np.bool_], weights: Array | None) -> Line:
    x, y = np.atleast_2d(np.asarray(x, np.float64)), np.atleast_2d(np.asarray(y, np.float64))
    share = np.ones(x.shape[1]) if weights is None else np.asarray(weights, np.float64)
    known = used & np.isfinite(x) & np.isfinite(y)
    w: Any = np.where(known, share, 0.0)
    total = w.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        cx = (w * np.where(known, x, 0)).sum(axis=1, keepdims=True) / total
        cy = (w * np.where(known, y, 0)).sum(axis=1, keepdims=True) / total
        dx, dy = np.where(known, x - cx, 0), np.where(known, y - cy, 0)
        slope = (w * dx * dy).sum(axis=1) / (w * dx * dx).sum(axis=1)
    few = known.sum(axis=1) < 2
    slope = np.where(few, np.nan, slope)
    return Line(slope, cy[:, 0] - slope * cx[:, 0], x, y, used)
