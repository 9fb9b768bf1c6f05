"""Groups of rows, groups of columns, and how they go together.

    minimise ½ ‖X − W·S·H‖² [+ λ Σ_{k<l} (w_k·w_l + h_k·h_l)]   over W, S, H ≥ 0

For tables that have structure on both sides (terms and documents, drugs and
targets): W groups the features, H the samples, and S says which group of features
occurs in which group of samples; the two numbers of groups may differ. Without
the bracket the three factors are far from unique; `orthogonal` makes groups
exclude each other, which brings it near a co-clustering.

C. Ding, T. Li, W. Peng, H. Park, "Orthogonal nonnegative matrix t-factorizations
for clustering", KDD 2006.
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
from partwise.engine.models.semi import clusters
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["TriFit", "tri_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class TriFit(ModelFit):
    """X ≈ W·S·H; columns of W and rows of H have unit length, the scale is in S."""

    W: Array
    S: Array
    H: Array


@compiled
def _link(left: Array, right: Array, cross: Array, S: Array, number: int) -> None:
    """Coordinate descent on ‖X − W S H‖²/2 over S, in place, from W'W, HH' and W'XH'."""
    rows, columns = S.shape
    zero = S.dtype.type(0)
    half = np.empty((rows, columns), S.dtype)  # left · S
    for k in range(rows):
        for j in range(columns):
            s = zero
            for i in range(rows):
                s += left[k, i] * S[i, j]
            half[k, j] = s
    for _ in range(number):
        for k in range(rows):
            for j in range(columns):
                curve = left[k, k] * right[j, j]
                if not curve > zero:
                    continue
                s = -cross[k, j]
                for i in range(columns):
                    s += half[k, i] * right[i, j]
                old = S[k, j]
                new = max(old - s / curve, zero)
                if new != old:
                    S[k, j] = new
                    for i in range(rows):
                        half[i, j] += left[i, k] * (new - old)


class _Tri(Form):
    signed = (False, False, False)
    axes = (1, None, 0)
    scale_at = 1

    def __init__(self, strength: float) -> None:
        self._strength = strength
        # A penalty on overlap means nothing unless lengths are held.
        self.spheres = (strength > 0, False, strength > 0)

    def build(self, factors: list[Array]) -> Array:
        W, S, H = factors
        return np.asarray(W @ (S @ H))

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        W, S, H = factors
        X = target.filled(lambda: self.build(factors))
        # S twice: it is cheap, and what W and H are judged by.
        S = self._links(X, W, S, H)
        right = S @ H
        W = self._groups(np.ascontiguousarray(W.T), right @ right.T, right @ X.T, target.top).T
        S = self._links(X, W, S, H)
        left = W @ S
        H = self._groups(H, left.T @ left, left.T @ X, target.top)
        return [np.ascontiguousarray(W), S, H]

    @staticmethod
    def _links(X: Array, W: Array, S: Array, H: Array) -> Array:
        S = S.copy()
        left, right, cross = (np.ascontiguousarray(G) for G in (W.T @ W, H @ H.T, (W.T @ X) @ H.T))
        _link(left, right, cross, S, 4)
        return S

    def _groups(self, F: Array, gram: Array, atb: Array, top: float) -> Array:
        if not self._strength:
            return sweep(F, gram, atb)
        F = F.copy()
        strength = self._strength / top
        total = F.sum(axis=0)
        for k in range(len(F)):
            # On the sphere the curvature is constant: the positive part of the
            # pull, scaled to length 1, is the exact minimiser.
            others = total - F[k]
            pull = atb[k] - gram[k] @ F + gram[k, k] * F[k] - strength * others
            up = np.maximum(pull, 0)
            length = float(np.linalg.norm(up))
            if length > 0:
                new = up / F.dtype.type(length)
            else:
                new = np.zeros_like(F[k])
                new[int(pull.argmax())] = 1
            total = others + new
            F[k] = new
        return F

    def penalty(self, factors: list[Array]) -> float:
        if not self._strength:
            return 0.0
        overlap = 0.0
        for F in (factors[0].T, factors[2]):
            gram = F.astype(np.float64) @ F.T
            overlap += 0.5 * float(gram.sum() - np.trace(gram))
        return self._strength * overlap

    def gradients(self, target: Target, factors: list[Array]) -> tuple[list[Array], float]:
        gradients, size = super().gradients(target, factors)
        if self._strength:
            W, _, H = factors
            gradients[0] = gradients[0] + self._strength * (W.sum(axis=1, keepdims=True) - W)
            gradients[2] = gradients[2] + self._strength * (H.sum(axis=0) - H)
        return gradients, size

    def pull(self, E: Array, factors: list[Array]) -> list[Array]:
        W, S, H = factors
        return [E @ (S @ H).T, W.T @ E @ H.T, (W @ S).T @ E]

    def tidy(self, factors: list[Array]) -> None:
        if self._strength:
            for i, axis in ((0, 0), (2, 1)):
                norms = np.linalg.norm(factors[i], axis=axis, keepdims=True)
                factors[i] /= np.where(norms > 0, norms, 1)


def tri_nmf(  # noqa: PLR0913 - the arguments of nmf, and a penalty
    X: Any,
    rank: tuple[int, int],
    *,
    orthogonal: float = 0.0,
    weights: Any = None,
    init: str | tuple[Any, Any, Any] = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> TriFit:
    """Find groups of features and groups of samples at once: X ≈ W·S·H.

    Parameters
    ----------
    X
        (features, samples) ≥ 0, dense; NaN marks a missing entry.
    rank
        (groups of features, groups of samples).
    orthogonal
        Strength of the penalty on the overlap of groups, relative to ½‖X‖² per
        pair; 0 for none, about 0.1 for groups that hardly overlap.
    init
        "auto" (k-means on both sides), "random" or (W0, S0, H0).
    weights, starts, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`.

    Returns
    -------
    TriFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.kron([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]], np.ones((2, 2)))
    >>> fit = tri_nmf(X, (2, 3), tol=1e-10)
    >>> fit.S.shape, bool(np.allclose(fit.W @ fit.S @ fit.H, X, atol=1e-3))
    ((2, 3), True)
    """
    try:
        first_rank, second_rank = rank
    except (TypeError, ValueError):
        raise InputProblem(
            f"rank must be a pair, got {rank!r}",
            argument="rank",
            fix="give (groups of features, groups of samples)",
        ) from None
    rows, columns = check_rank(first_rank), check_rank(second_rank)
    if not (np.isfinite(orthogonal) and orthogonal >= 0):
        raise InputProblem(
            f"orthogonal must be 0 or more, got {orthogonal}", argument="orthogonal", fix="try 0.1"
        )
    target = target_of(X, weights)
    data = target.X
    m, n = data.shape
    whole = target.plausible()
    first = given(init, [(m, rows), (rows, columns), (columns, n)], data.dtype)

    def begin(start: int) -> list[Array]:
        if first is not None and start == 0:
            return [F.copy() for F in first]
        rng = generator(seed, rows * 1000 + columns, start, "start")
        S = (0.1 + rng.random((rows, columns))).astype(data.dtype)
        if init == "random":
            W, H = rng.random((m, rows)), rng.random((columns, n))
            return [W.astype(data.dtype), S, H.astype(data.dtype)]
        W = np.ascontiguousarray(clusters(whole.T, rows, rng).T)
        H = clusters(whole, columns, rng)
        sizes = np.outer(W.sum(axis=0), H.sum(axis=1))
        return [W, ((W.T @ whole @ H.T) / sizes + whole.mean() * 0.01).astype(data.dtype), H]

    form = _Tri(float(orthogonal) * target.value(np.zeros_like(data)))
    budget = Budget(starts, seed, tol, max_iter, max_seconds, on_step)
    solved = solve(form, target, begin, budget)
    W, S, H = solved.factors
    left, right = np.linalg.norm(W, axis=0), np.linalg.norm(H, axis=1)
    left[left == 0] = 1
    right[right == 0] = 1
    W, S, H = W / left, S * np.outer(left, right), H / right[:, None]
    return TriFit(W=W, S=S, H=H, notes=empty_note(W.T) + empty_note(H), **solved.facts)
