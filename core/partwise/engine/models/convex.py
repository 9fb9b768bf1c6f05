"""Parts that are made of the samples themselves.

    minimise ½ ‖X − X·G·H‖²   over G ≥ 0, H ≥ 0;   W = X·G

For parts that must be what was really seen, as archetypes or centroids are:
each column of W is a nonnegative sum of samples, and G says of which. X may have
any sign. G tends to be sparse by itself.

C. Ding, T. Li, M. I. Jordan, "Convex and semi-nonnegative matrix
factorizations", IEEE Trans. Pattern Anal. Mach. Intell. 32 (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.loop import OnStep
from partwise.engine.models.descent import Budget, Form, ModelFit, empty_note, solve, sweep
from partwise.engine.models.semi import clusters
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["ConvexFit", "convex_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ConvexFit(ModelFit):
    """X ≈ W·H with W = X·G, G (samples, rank) ≥ 0 and H (rank, samples) ≥ 0.

    The columns of W have unit length.
    """

    W: Array
    H: Array
    G: Array


@compiled
def _choose(  # noqa: C901 - a kernel: calls would cost more than they explain
    samples: Array, squares: Array, gram: Array, slope: Array, G: Array, number: int
) -> None:
    """Coordinate descent over G, in place, one entry after the other.

    samples (n, m) the columns of X, squares (n,) their squared lengths, gram
    (r, r) H·H', slope (r, m) the derivative by W of the loss at W = X·G; G (r, n).
    """
    rank, n = G.shape
    m = samples.shape[1]
    moved = np.empty(m, samples.dtype)
    zero = samples.dtype.type(0)
    for _ in range(number):
        for k in range(rank):
            curve = gram[k, k]
            if not curve > zero:
                continue
            own = slope[k]
            for i in range(m):
                moved[i] = zero
            for j in range(n):
                bend = curve * squares[j]
                if not bend > zero:
                    continue
                x = samples[j]
                s = zero
                for i in range(m):
                    s += x[i] * own[i]
                old = G[k, j]
                new = max(old - s / bend, zero)
                step = new - old
                if step != zero:
                    G[k, j] = new
                    pull = step * curve
                    for i in range(m):
                        own[i] += pull * x[i]
                        moved[i] += step * x[i]
            for other in range(rank):
                if other != k:
                    w = gram[other, k]
                    row = slope[other]
                    for i in range(m):
                        row[i] += w * moved[i]


class _Convex(Form):
    """Factors are G (rank, samples), one part per row, and H."""

    axes = (0, 0)

    def __init__(self, basis: Array) -> None:
        self._basis = basis
        self._samples = np.ascontiguousarray(basis.T)
        self._squares = (self._samples * self._samples).sum(axis=1)

    def profiles(self, G: Array) -> Array:
        return np.asarray(self._basis @ G.T)

    def build(self, factors: list[Array]) -> Array:
        return np.asarray(self.profiles(factors[0]) @ factors[1])

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        G, H = factors
        X = target.filled(lambda: self.build(factors))
        W = self.profiles(G)
        H = sweep(H, W.T @ W, W.T @ X)
        gram = np.ascontiguousarray(H @ H.T)
        slope = np.ascontiguousarray((W @ gram - X @ H.T).T)
        G = G.copy()
        _choose(self._samples, self._squares, gram, slope, G, 2)
        return [G, H]

    def pull(self, E: Array, factors: list[Array]) -> list[Array]:
        G, H = factors
        return [(H @ E.T) @ self._basis, self.profiles(G).T @ E]

    def show(self, factors: list[Array]) -> tuple[Any, ...]:
        return self.profiles(factors[0]), factors[0].T, factors[1]


def convex_nmf(
    X: Any,
    rank: int,
    *,
    weights: Any = None,
    init: str | tuple[Any, Any] = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> ConvexFit:
    """Find parts that are nonnegative sums of samples: X ≈ X·G·H.

    Parameters
    ----------
    X
        (features, samples), dense, of any sign, nothing missing.
    weights
        As in `nmf`; they weigh what is fitted, not what parts are made of.
    init
        "auto" (k-means), "random" or a pair (G0, H0).
    rank, starts, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`.

    Returns
    -------
    ConvexFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 2.0]])
    >>> fit = convex_nmf(X, 2, tol=1e-10)
    >>> bool(np.allclose(X @ fit.G, fit.W)), bool(fit.loss < 1e-6)
    (True, True)
    """
    target = target_of(X, weights, signed=True, missing=False)
    rank = check_rank(rank)
    basis = target.X
    n = basis.shape[1]
    first = given(init, [(n, rank), (rank, n)], basis.dtype)

    def begin(start: int) -> list[Array]:
        if first is not None and start == 0:
            return [np.ascontiguousarray(first[0].T), first[1].copy()]
        rng = generator(seed, rank, start, "start")
        if init == "random":
            H = rng.random((rank, n)).astype(basis.dtype)
        else:
            H = clusters(basis, rank, rng)
        # Centroids: each sample shares in its cluster's part.
        return [H / H.sum(axis=1, keepdims=True), H]

    form = _Convex(basis)
    budget = Budget(starts, seed, tol, max_iter, max_seconds, on_step)
    solved = solve(form, target, begin, budget)
    G, H = solved.factors
    norms = np.linalg.norm(form.profiles(G).astype(np.float64), axis=0)
    norms[norms == 0] = 1
    scale = norms.astype(G.dtype)[:, None]
    G, H = G / scale, H * scale
    W = form.profiles(G)
    return ConvexFit(W=W, H=H, G=G.T, notes=empty_note(W.T, H), **solved.facts)
