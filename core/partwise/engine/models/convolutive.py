"""Parts that are short patterns in time.

    X[:, t] ≈ Σ_d W[:, :, d] · H[:, t − d],   W ≥ 0, H ≥ 0,   d = 0 … width − 1

For sequences: songs, syllables, bursts that run through the channels in order.
A part is a pattern of `width` samples, and its course says where it begins. Any
beta-divergence. Shifting a pattern within its window against its course changes
nothing but the edges, so time of onset is known up to that shift.

P. Smaragdis, "Non-negative matrix factor deconvolution", ICA 2004; for neural
sequences E. L. Mackevicius et al., eLife 8:e38471 (2019). The squared error is
minimised by coordinate descent, exact in each entry; the others by
multiplicative updates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.jit import compiled
from partwise.engine.loop import OnStep
from partwise.engine.models.descent import Budget, Form, ModelFit, empty_note, solve, sweep
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["ConvolutiveFit", "convolutive_nmf"]

Array = NDArray[Any]


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
def _place(E: Array, patterns: Array, H: Array) -> None:
    """One pass of coordinate descent over H, in place; E (n, m) stays the residual.

    patterns (r, width, m). The block of E that one entry touches is contiguous.
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
            new = max(old + s / curve, zero)
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

    def build(self, factors: list[Array]) -> Array:
        W, H = factors
        return _flat(W) @ _delayed(H, W.shape[2])

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        if self.adds_only:
            return self._multiply(target, factors)
        W, H = factors[0], factors[1].copy()
        width = W.shape[2]
        Y = self.build(factors)
        X = target.filled(lambda: Y)
        left = np.ascontiguousarray((X - Y).T)
        _place(left, np.ascontiguousarray(W.transpose(1, 2, 0)), H)
        courses = _delayed(H, width)
        flat = sweep(_flat(W).T, courses @ courses.T, courses @ X.T)
        return [_folded(flat.T, W.shape), H]

    def _multiply(self, target: Target, factors: list[Array]) -> list[Array]:
        W, H = factors
        tops, bottoms = self._halves(target, [W, H])
        H = _times(H, tops[1], bottoms[1], target.loss.exponent)
        tops, bottoms = self._halves(target, [W, H])
        return [_times(W, tops[0], bottoms[0], target.loss.exponent), H]

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
        if self.adds_only:
            # A multiplicative update never leaves an exact zero again.
            for F in factors:
                np.maximum(F, F.dtype.type(np.finfo(F.dtype).eps ** 2), out=F)


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
    return np.asarray(np.maximum(new, F.dtype.type(np.finfo(F.dtype).eps ** 2)))


def convolutive_nmf(
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
        "auto" or "random", or a pair (W0, H0).

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

    def begin(start: int) -> list[Array]:
        if first is not None and start == 0:
            return [F.copy() for F in first]
        rng = generator(seed, rank, start, "start")
        return [
            rng.random((m, rank, width)).astype(dtype) + dtype.type(0.01),
            rng.random((rank, n)).astype(dtype) + dtype.type(0.01),
        ]

    form = _Convolutive(multiplicative=target.loss.beta != 2)
    budget = Budget(starts, seed, tol, max_iter, max_seconds, on_step)
    solved = solve(form, target, begin, budget)
    W, H = solved.factors
    norms = np.sqrt((W.astype(np.float64) ** 2).sum(axis=(0, 2)))
    norms[norms == 0] = 1
    scale = norms.astype(dtype)[:, None]
    W, H = W / scale, H * scale
    return ConvolutiveFit(
        W=W,
        H=H,
        whole=form.build([W, H]),
        notes=empty_note(W.transpose(1, 0, 2), H),
        **solved.facts,
    )
