"""Parts that are short patterns in time.

    X[:, t] ≈ Σ_d W[:, :, d] · H[:, t − d],   W ≥ 0, H ≥ 0,   d = 0 … width − 1

For sequences: songs, syllables, bursts that run through the channels in order.
A part is a pattern of `width` samples, and its course says where it begins. Any
beta-divergence. Shifting a pattern within its window against its course changes
nothing but the edges, so time of onset is known up to that shift.

P. Smaragdis, "Non-negative matrix factor deconvolution", ICA 2004; for neural
sequences E. L. Mackevicius et al., eLife 8:e38471 (2019). The squared error is
minimised by coordinate descent, exact in each entry; the others by
multiplicative updates. A pattern that is cut off by the end of the record is
held to be no stronger than the strongest seen whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.jit import compiled
from partwise.engine.loop import OnStep
from partwise.engine.loss import parse_loss
from partwise.engine.models.descent import Budget, Form, ModelFit, empty_note, solve, sweep
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["ConvolutiveFit", "convolutive_nmf"]

Array = NDArray[Any]
_CENTRE = 5  # rounds between two looks at where patterns lie in their windows


@dataclass(frozen=True, kw_only=True)
class ConvolutiveFit(ModelFit):
    """Patterns W (features, rank, width) and their courses H (rank, samples).

    Every pattern has unit length, over features and delays together. `whole` is
    the model of X.
    """

    W: Array
    H: Array
    whole: Array


@compiled
def _place(E: Array, patterns: Array, H: Array, ceiling: Array) -> None:
    """One pass of coordinate descent over H, in place; E (n, m) stays the residual.

    patterns (r, width, m), ceiling (r, n) how high an entry may rise. The block
    of E that one entry touches is contiguous.
    """
    n, m = E.shape
    rank, width = patterns.shape[0], patterns.shape[1]
    zero = E.dtype.type(0)
    curves = np.zeros((rank, width), E.dtype)
    for k in range(rank):
        s = zero
        for d in range(width):
            w = patterns[k, d]
            for i in range(m):
                s += w[i] * w[i]
            curves[k, d] = s
    for t in range(n):
        top = min(width, n - t)
        for k in range(rank):
            curve = curves[k, top - 1]
            if not curve > zero:
                continue
            s = zero
            for d in range(top):
                e, w = E[t + d], patterns[k, d]
                for i in range(m):
                    s += e[i] * w[i]
            old = H[k, t]
            new = min(max(old + s / curve, zero), ceiling[k, t])
            step = new - old
            if step != zero:
                H[k, t] = new
                for d in range(top):
                    e, w = E[t + d], patterns[k, d]
                    for i in range(m):
                        e[i] -= step * w[i]


class _Convolutive(Form):
    axes = (1, 0)

    def __init__(self, multiplicative: bool) -> None:
        self.adds_only = multiplicative
        self._round = 0

    def build(self, factors: list[Array]) -> Array:
        W, H = factors
        return _flat(W) @ _delayed(H, W.shape[2])

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        plain = self._improve(target, factors)
        self._round += 1
        centred = _centred(*plain) if self._round % _CENTRE == 0 else None
        if centred is None:
            return plain
        # The same once more, so that a pattern gets what its window now holds.
        for _ in range(2):
            plain, centred = self._improve(target, plain), self._improve(target, centred)
        better = self.value(target, centred) <= self.value(target, plain)
        return centred if better else plain

    def _improve(self, target: Target, factors: list[Array]) -> list[Array]:
        if self.adds_only:
            return self._multiply(target, factors)
        W, H = factors[0], factors[1].copy()
        width = W.shape[2]
        Y = self.build(factors)
        X = target.filled(lambda: Y)
        left = np.ascontiguousarray((X - Y).T)
        _place(left, np.ascontiguousarray(W.transpose(1, 2, 0)), H, _ceiling(H, width))
        courses = _delayed(H, width)
        flat = sweep(_flat(W).T, courses @ courses.T, courses @ X.T)
        return _unit(_folded(flat.T, W.shape), H)

    def _multiply(self, target: Target, factors: list[Array]) -> list[Array]:
        W, H = factors
        tops, bottoms = self._halves(target, [W, H])
        # Stopping an entry on its way to where the update leads descends still.
        new = _times(H, tops[1], bottoms[1], target.loss.exponent)
        H = np.minimum(new, _ceiling(H, W.shape[2]))
        tops, bottoms = self._halves(target, [W, H])
        return _unit(_times(W, tops[0], bottoms[0], target.loss.exponent), H)

    def _halves(self, target: Target, factors: list[Array]) -> tuple[list[Array], list[Array]]:
        """Negative and positive half of the derivatives by W and H."""
        Y = target.safe(self.build(factors))
        halves = target.loss.factors_of_gradient(target.X, Y)
        if target.V is not None:
            halves = halves[0] * target.V, halves[1] * target.V
        return self.pull(halves[0], factors), self.pull(halves[1], factors)

    def pull(self, E: Array, factors: list[Array]) -> list[Array]:
        W, H = factors
        by_H = np.zeros_like(H)
        n = H.shape[1]
        for d in range(min(W.shape[2], n)):
            by_H[:, : n - d] += W[:, :, d].T @ E[:, d:]
        return [_folded(E @ _delayed(H, W.shape[2]).T, W.shape), by_H]

    def tidy(self, factors: list[Array]) -> None:
        H, width = factors[1], factors[0].shape[2]
        seen = H.shape[1] - width + 1
        H[:, seen:] = np.minimum(H[:, seen:], H[:, :seen].max(axis=1, keepdims=True))
        if self.adds_only:
            # A multiplicative update never leaves an exact zero again.
            for F in factors:
                np.maximum(F, F.dtype.type(np.finfo(F.dtype).eps), out=F)


def _ceiling(H: Array, width: int) -> Array:
    """How high an onset may rise, (r, n).

    Of a pattern that begins near the end only the beginning was seen. Where that
    is nearly empty anything would fit; so such an onset is held to the strongest
    of those seen whole, or to where it stands.
    """
    seen = H.shape[1] - width + 1
    ceiling = np.full_like(H, np.inf)
    ceiling[:, seen:] = np.maximum(H[:, seen:], H[:, :seen].max(axis=1, keepdims=True))
    return ceiling


def _centred(W: Array, H: Array) -> list[Array] | None:
    """Patterns moved to the middle of their windows; None if all are there.

    Half a pattern that sticks to an edge of its window is a local optimum that
    no small step leaves (Mackevicius et al. 2019 shift as well).
    """
    width, n = W.shape[2], H.shape[1]
    energy = (W.astype(np.float64) ** 2).sum(axis=0)
    total = energy.sum(axis=1)
    middle = energy @ np.arange(width) / np.where(total > 0, total, 1)
    shifts = np.where(total > 0, np.rint((width - 1) / 2 - middle), 0).astype(int)
    if not shifts.any():
        return None
    moved = np.full_like(W, W.dtype.type(1e-3) * W.mean()), np.zeros_like(H)
    for k, s in enumerate(shifts):
        lo, hi = max(0, s), min(width, width + s)
        moved[0][:, k, lo:hi] = W[:, k, lo - s : hi - s]
        lo, hi = max(0, -s), min(n, n - s)
        moved[1][k, lo:hi] = H[k, lo + s : hi + s]
    return list(moved)


def _unit(W: Array, H: Array) -> list[Array]:
    """Patterns of unit length: else one could grow while its ceiling sinks."""
    norms = np.sqrt((W.astype(np.float64) ** 2).sum(axis=(0, 2)))
    norms[norms == 0] = 1
    scale = norms.astype(W.dtype)[:, None]
    return [W / scale, H * scale]


def _flat(W: Array) -> Array:
    """(m, r, width) as (m, r * width), which multiplies what `_delayed` gives."""
    return W.reshape(W.shape[0], -1)


def _folded(flat: Array, shape: tuple[int, ...]) -> Array:
    return np.ascontiguousarray(flat).reshape(shape)


def _delayed(H: Array, width: int) -> Array:
    """Courses at every delay, (r * width, n)."""
    rank, n = H.shape
    out = np.zeros((rank, width, n), H.dtype)
    for d in range(min(width, n)):
        out[:, d, d:] = H[:, : n - d]
    return out.reshape(rank * width, n)


def _times(F: Array, top: Array, bottom: Array, exponent: float) -> Array:
    ratio = top / np.maximum(bottom, np.finfo(F.dtype).tiny)
    new = F * (ratio if exponent == 1 else ratio**exponent)
    return np.asarray(np.maximum(new, F.dtype.type(np.finfo(F.dtype).eps)))


def convolutive_nmf(  # noqa: PLR0913 - the arguments of nmf, and a width
    X: Any,
    rank: int,
    width: int,
    loss: str | float = "frobenius",
    *,
    weights: Any = None,
    init: str | tuple[Any, Any] = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> ConvolutiveFit:
    """Find patterns in time: X[:, t] ≈ Σ_d W[:, :, d] · H[:, t − d].

    Parameters
    ----------
    X
        (features, samples) ≥ 0, dense, evenly spaced in time; NaN marks a
        missing entry.
    rank
        How many patterns.
    width
        Length of a pattern in samples; 1 gives plain NMF.
    loss, weights, starts, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`.
    init
        "auto" (for other losses than the squared error, a few steps of that),
        "random", or a pair (W0, H0).

    Returns
    -------
    ConvolutiveFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.zeros((2, 8))
    >>> X[0, [1, 5]] = 1.0  # the first channel, and the second one sample later
    >>> X[1, [2, 6]] = 2.0
    >>> fit = convolutive_nmf(X, 1, width=2, tol=1e-10)
    >>> bool(np.allclose(fit.whole, X, atol=1e-4))
    True
    """
    target = target_of(X, weights, loss)
    rank, width = check_rank(rank), check_rank(width, "width")
    m, n = target.X.shape
    if width > n:
        raise InputProblem(
            f"width is {width} for {n} samples", argument="width", fix=f"use at most {n}"
        )
    dtype = target.X.dtype
    first = given(init, [(m, rank, width), (rank, n)], dtype)

    def random(start: int) -> list[Array]:
        rng = generator(seed, rank, start, "start")
        W = 0.01 + rng.random((m, rank, width))
        return [W.astype(dtype), (0.01 + rng.random((rank, n))).astype(dtype)]

    def begin(start: int) -> list[Array]:
        if first is not None and start == 0:
            return [F.copy() for F in first]
        if target.loss.beta == 2 or init == "random":
            return random(start)
        # Coordinate descent finds its way from afar better than multiplicative
        # updates do; the mean keeps entries off zero, which those cannot leave.
        rough = replace(target, loss=parse_loss("frobenius"))
        limit = None if max_seconds is None else max_seconds / 4
        few = Budget(1, seed, 1e-4, 30, limit, None)
        found = solve(_Convolutive(multiplicative=False), rough, lambda _: random(start), few)
        return [F + F.dtype.type(0.01) * F.mean() for F in found.factors]

    form = _Convolutive(multiplicative=target.loss.beta != 2)
    budget = Budget(starts, seed, tol, max_iter, max_seconds, on_step)
    solved = solve(form, target, begin, budget)
    W, H = solved.factors
    W, H = _unit(W, H)
    return ConvolutiveFit(
        W=W,
        H=H,
        whole=form.build([W, H]),
        notes=empty_note(W.transpose(1, 0, 2), H),
        **solved.facts,
    )
