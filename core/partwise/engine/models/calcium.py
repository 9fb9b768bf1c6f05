"""Cells that light up and fade, on a background.

    X ≈ W·C + B·F,   C[k, t] = γ_k·C[k, t − 1] + S[k, t],   W, S, B, F ≥ 0

For recordings of calcium indicators, pixels × frames: each cell has a footprint
W, lights up at events S and fades by the factor γ per frame; B and F are a
background of low rank that may do as it likes. The same holds for anything that
is released at once and decays, tracers and hormones among it. Only decays of
first order; footprints know nothing of where a pixel lies. Nothing asks events to
be few: what a cell and the background can both carry is shared out between them,
so trust footprints and the times of large events more than the level of a course.

E. A. Pnevmatikakis et al., "Simultaneous denoising, deconvolution, and demixing
of calcium imaging data", Neuron 89 (2016); J. Friedrich, P. Zhou, L. Paninski,
"Fast online deconvolution of calcium imaging data", PLoS Comput. Biol. 13
(2017), for the exact fit of one course by pooling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.jit import compiled
from partwise.engine.loop import OnStep
from partwise.engine.models.descent import Budget, Form, ModelFit, empty_note, solve, sweep
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["CalciumFit", "calcium_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class CalciumFit(ModelFit):
    """X ≈ W·H + B·F.

    Attributes
    ----------
    W, H
        Footprints (pixels, rank) of unit length, and their courses (rank, frames).
    events
        (rank, frames), what each frame adds: ``H[:, t] - decay * H[:, t - 1]``.
    background, background_course
        (pixels, number) and (number, frames).
    decay
        (rank,) γ, the factor by which a course fades per frame.
    """

    W: Array
    H: Array
    events: Array
    background: Array
    background_course: Array
    decay: NDArray[np.float64]


@compiled
def _fade(S: Array, decay: Array, out: Array) -> None:
    """Courses (r, n) from events."""
    for k in range(S.shape[0]):
        c = S.dtype.type(0)
        g = S.dtype.type(decay[k])
        for t in range(S.shape[1]):
            c = g * c + S[k, t]
            out[k, t] = c


@compiled
def _gather(E: Array, decay: Array, out: Array) -> None:
    """The adjoint of `_fade`: derivatives by events from those by courses."""
    for k in range(E.shape[0]):
        c = E.dtype.type(0)
        g = E.dtype.type(decay[k])
        for t in range(E.shape[1] - 1, -1, -1):
            c = g * c + E[k, t]
            out[k, t] = c


@compiled
def _pooled(y: Array, g: float, out: Array) -> None:
    """The course nearest to `y` that only fades between events of 0 or more.

    Frames that would need a negative event are pooled into one decay with the
    frames before them, until none is left.
    """
    n = y.shape[0]
    value = np.empty(n)
    mass = np.empty(n)
    length = np.empty(n, np.int64)
    last = -1
    for t in range(n):
        last += 1
        value[last], mass[last], length[last] = y[t], 1.0, 1
        while last > 0:
            reach = g ** length[last - 1]
            if value[last] >= reach * value[last - 1]:
                break
            both = mass[last - 1] + reach * reach * mass[last]
            value[last - 1] = (
                mass[last - 1] * value[last - 1] + reach * mass[last] * value[last]
            ) / both
            mass[last - 1] = both
            length[last - 1] += length[last]
            last -= 1
    t = 0
    for i in range(last + 1):
        c = max(value[i], 0.0)
        for _ in range(length[i]):
            out[t] = c
            c *= g
            t += 1


class _Calcium(Form):
    """Factors are all profiles (m, r + b), the events S (r, n) and F (b, n)."""

    signed = (False, False, False)
    axes = (1, 0, 0)
    scale_at = 0

    def __init__(self, decay: Array) -> None:
        self.decay = decay

    def courses(self, S: Array) -> Array:
        out = np.empty_like(S)
        _fade(np.ascontiguousarray(S), self.decay, out)
        return out

    def build(self, factors: list[Array]) -> Array:
        W, S, F = factors
        return np.asarray(W @ np.vstack([self.courses(S), F]))

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        W, S, F = factors
        rank = len(S)
        X = target.filled(lambda: self.build(factors))
        H = np.vstack([self.courses(S), F])
        W = np.ascontiguousarray(sweep(np.ascontiguousarray(W.T), H @ H.T, H @ X.T).T)
        gram, cross = W.T @ W, W.T @ X
        S = S.copy()
        for _ in range(2):
            for k in np.flatnonzero(gram.diagonal() > 0):
                # What the others leave, per unit of this part: curvature is the
                # same in all frames, so the nearest course is the best one.
                free = H[k] + (cross[k] - gram[k] @ H) / gram[k, k]
                if k < rank:
                    _pooled(free, float(self.decay[k]), H[k])
                else:
                    H[k] = np.maximum(free, 0)
        S[:, 0] = H[:rank, 0]
        S[:, 1:] = np.maximum(H[:rank, 1:] - self.decay[:, None].astype(H.dtype) * H[:rank, :-1], 0)
        return [W, S, H[rank:]]

    def pull(self, E: Array, factors: list[Array]) -> list[Array]:
        W, S, F = factors
        H = np.vstack([self.courses(S), F])
        by_H = np.ascontiguousarray(W.T @ E)
        by_S = np.empty_like(S)
        _gather(by_H[: len(S)], self.decay, by_S)
        return [E @ H.T, by_S, by_H[len(S) :]]

    def show(self, factors: list[Array]) -> tuple[Any, ...]:
        W, S, F = factors
        rank = len(S)
        return W[:, :rank], W[:, rank:], F, self.courses(S)


def calcium_nmf(  # noqa: PLR0913 - the arguments of nmf, a background and a decay
    X: Any,
    rank: int,
    *,
    background: int = 1,
    decay: Any = "auto",
    weights: Any = None,
    init: str | tuple[Any, Any, Any] = "auto",
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> CalciumFit:
    """Find cells that light up and fade, on a background of low rank.

    Parameters
    ----------
    X
        (pixels, frames) ≥ 0, dense; NaN marks a missing entry.
    rank, background
        How many cells, and how many parts of background (0 or more).
    decay
        γ per frame, 0 ≤ γ < 1, one for all or one per cell; "auto" takes it from
        the autocovariance of a first, unconstrained fit. A decay time of τ
        frames is γ = exp(−1/τ).
    init
        "auto" or "random", or (profiles of cells and background, events,
        courses of the background).
    weights, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`. A step shows W and H of the cells.

    Returns
    -------
    CalciumFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> course = np.array([0.0, 8.0, 4.0, 2.0, 1.0, 8.5, 4.25, 2.125])
    >>> X = np.outer([1.0, 2.0, 0.0], course) + np.outer([1.0, 1.0, 3.0], np.ones(8))
    >>> fit = calcium_nmf(X, 1, decay=0.5, tol=1e-10)
    >>> np.flatnonzero(fit.events[0] > 1).tolist()
    [1, 5]
    """
    target = target_of(X, weights)
    rank = check_rank(rank)
    if background != 0:
        background = check_rank(background, "background")
    m, n = target.X.shape
    dtype = target.X.dtype
    given_decay = None if isinstance(decay, str) and decay == "auto" else _decay(decay, rank)
    shapes: list[tuple[int, ...]] = [(m, rank + background), (rank, n), (background, n)]
    first = given(init, shapes, dtype)
    if first is None:
        W, H, F = _rough(target, rank, background, init, seed)
    else:
        W, H, F = first[0], first[1], first[2]
    if given_decay is None:
        source = H if first is None else H.cumsum(axis=1)
        given_decay = _estimated(source)
    form = _Calcium(given_decay)
    events = H if first is not None else _events(H, given_decay)
    budget = Budget(1, seed, tol, max_iter, max_seconds, on_step)
    solved = solve(form, target, lambda _: [W, events, F], budget)
    profiles, S, F = solved.factors
    norms = np.linalg.norm(profiles.astype(np.float64), axis=0)
    norms[norms == 0] = 1
    scale = norms.astype(dtype)
    profiles, S, F = profiles / scale, S * scale[:rank, None], F * scale[rank:, None]
    W, H = profiles[:, :rank], form.courses(S)
    return CalciumFit(
        W=W,
        H=H,
        events=S,
        background=profiles[:, rank:],
        background_course=F,
        decay=given_decay,
        notes=empty_note(W.T, H),
        **solved.facts,
    )


def _decay(decay: Any, rank: int) -> Array:
    try:
        array = np.broadcast_to(np.asarray(decay, dtype=np.float64), (rank,)).copy()
    except (TypeError, ValueError):
        array = np.full(rank, np.nan)
    if not ((array >= 0) & (array < 1)).all():
        raise InputProblem(
            f"decay must be 'auto', a number from 0 to below 1, or {rank} of them, got {decay!r}",
            argument="decay",
            fix="a decay time of tau frames is exp(-1 / tau)",
        )
    return array


def _rough(
    target: Target, rank: int, background: int, init: Any, seed: int
) -> tuple[Array, Array, Array]:
    """A fit without dynamics: (profiles, courses of cells, courses of the background)."""
    X = target.plausible()
    m, n = X.shape
    rng = generator(seed, rank, 0, "start")
    if init == "random":
        W = rng.random((m, rank + background))
        H, F = rng.random((rank, n)), rng.random((background, n))
        return W.astype(X.dtype), H.astype(X.dtype), F.astype(X.dtype)
    left = X
    F = np.ones((background, n))
    B = np.zeros((m, background))
    if background:
        # Most of the time a pixel shows background alone.
        B[:, 0] = np.quantile(X, 0.2, axis=1)
        B[:, 1:] = B[:, :1] * rng.random((m, background - 1))
        F[1:] = rng.random((background - 1, n))
        left = np.maximum(X - B[:, :1].astype(X.dtype), 0)
    # Cells are spikes on noise: separate their places, then clean their courses.
    fit = nmf(left, rank, seed=seed, starts=3, tol=1e-4, max_iter=100)
    return np.hstack([fit.W, B.astype(X.dtype)]), fit.H, F.astype(X.dtype)


def _estimated(H: Array) -> Array:
    """γ of each course from the ratio of its autocovariances at lags 1, 2, …; noise has none."""
    decay = np.empty(len(H))
    for k, h in enumerate(H.astype(np.float64)):
        centred = h - h.mean()
        reach = min(6, len(h))
        covariance = np.array([centred[lag:] @ centred[: len(h) - lag] for lag in range(1, reach)])
        square = float(covariance[:-1] @ covariance[:-1])
        ratio = float(covariance[:-1] @ covariance[1:]) / square if square > 0 else 0.0
        decay[k] = min(max(ratio, 0.0), 0.999)
    return decay


def _events(H: Array, decay: Array) -> Array:
    """Events of the fading courses nearest to H."""
    S = np.empty_like(H)
    for k in range(len(H)):
        course = np.empty_like(H[k])
        _pooled(H[k], float(decay[k]), course)
        S[k, 0] = course[0]
        S[k, 1:] = np.maximum(course[1:] - course.dtype.type(decay[k]) * course[:-1], 0)
    return S
