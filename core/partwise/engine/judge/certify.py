"""How near is this to optimal? The residual of the optimality conditions.

At a stationary point every entry f of a factor and its derivative g satisfy
``min(f, g) = 0``. Both are made free of scale first: f is divided by the norm
of its component, g multiplied by it and divided by the sum of ``(W H)**beta``,
the size of the positive half of the derivative. The residual is the Euclidean
norm of ``min(f, g)`` over a factor, the larger of the two factors; it does not
change with X -> cX nor when a column of W is scaled against its row of H.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.penalties.constraints import project
from partwise.engine.problem import Problem

__all__ = ["certify", "natural_residual"]

Array = NDArray[Any]
_BLOCK = 1 << 20  # entries of X handled at once


def natural_residual(F: Array, gradient: Array, size: float, ball: bool = False) -> float:
    """Norm of min(f, g) for a factor with one component per row, free of scale."""
    if F.size == 0 or size <= 0:
        return 0.0
    # The data's own precision will do: this is a measure, and runs every step.
    norms = np.sqrt(np.einsum("kj,kj->k", F, F))[:, None]
    if ball:
        # On the rim of the unit ball the derivative may pull outwards.
        pull = -(F * gradient).sum(axis=1, keepdims=True) / np.maximum(norms**2, 1e-300)
        gradient = gradient + np.where((norms > 1 - 1e-6) & (pull > 0), pull, 0) * F
    inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    steep = gradient * (norms / F.dtype.type(size))
    np.minimum(steep, F * inverse, out=steep)
    return float(np.sqrt(np.einsum("kj,kj->k", steep, steep).sum(dtype=np.float64)))


def certify(problem: Problem, Wt: Array, H: Array) -> float:
    """Return the KKT residual of scaled factors (r, m) and (r, n)."""
    X = problem.scaled
    if problem.sparse and problem.loss.beta in (1, 2):
        grad_W, grad_H, size = _sparse(problem, X, Wt, H)
    elif problem.loss.beta == 2 and problem.weights is None:
        gram_W = _product(Wt, Wt.T)
        gram_H = _product(H, H.T)
        grad_W = gram_H @ Wt - H @ X.T
        grad_H = gram_W @ H - Wt @ X
        size = float((gram_W * gram_H).sum())
    else:
        grad_W, grad_H, size = _blocked(problem, X, Wt, H)
    first = problem.fixed_count
    return max(
        _of_factor(problem, "W", Wt, grad_W, size, first),
        _of_factor(problem, "H", H, grad_H, size, 0),
    )


def _of_factor(
    problem: Problem, side: str, F: Array, gradient: Array, size: float, first: int
) -> float:
    terms, held = problem.terms(side), problem.held(side)
    if not terms and held is None:
        return natural_residual(F[first:], gradient[first:], size)
    # Penalties and sets are meant for the factor as the user sees it.
    scale = problem.row_scale if side == "W" else problem.column_scale
    plain, slope = F.astype(np.float64), gradient.astype(np.float64)
    if scale is not None:
        inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
        plain, slope = plain * inverse, slope * scale
    slope = slope + terms.gradient(plain)
    plain, slope = plain[first:], slope[first:]
    if held is None:
        return natural_residual(plain, slope, size)
    if plain.size == 0 or size <= 0:
        return 0.0
    # The same residual for any set: how far a step against the derivative,
    # brought back into the set, gets. For F >= 0 alone it is min(f, g).
    norms = np.linalg.norm(plain, axis=1, keepdims=True)
    reach = np.square(norms).max() if held.joins_parts else np.square(norms)
    moved = plain - project(held, plain - slope * (reach / size))
    return float(np.linalg.norm(np.divide(moved, norms, out=moved, where=norms > 0)))


def _product(A: Array, B: Array) -> Array:
    return A.astype(np.float64) @ B.astype(np.float64)


def _blocked(problem: Problem, X: Array, Wt: Array, H: Array) -> tuple[Array, Array, float]:
    grad_W = np.zeros(Wt.shape)
    grad_H = np.zeros(H.shape)
    size = 0.0
    beta = problem.loss.beta
    floor = np.finfo(X.dtype).tiny
    width = max(1, _BLOCK // X.shape[0])
    for lo in range(0, X.shape[1], width):
        cut = slice(lo, lo + width)
        Y = np.maximum(Wt.T @ H[:, cut], floor)
        x = X[:, cut].toarray() if problem.sparse else X[:, cut]
        negative, positive = problem.loss.factors_of_gradient(x, Y)
        slope = positive - negative
        if problem.loss.robust:
            slope *= problem.loss.trust(slope)
        magnitude = Y**beta
        if problem.weights is not None:
            slope *= problem.weights[:, cut]
            magnitude = magnitude * problem.weights[:, cut]
        grad_W += H[:, cut] @ slope.T
        grad_H[:, cut] = Wt @ slope
        size += float(magnitude.sum(dtype=np.float64))
    return grad_W, grad_H, size


def _sparse(problem: Problem, X: Any, Wt: Array, H: Array) -> tuple[Array, Array, float]:
    if problem.loss.beta == 2:
        gram_W = _product(Wt, Wt.T)
        gram_H = _product(H, H.T)
        grad_W = gram_H @ Wt - (X @ H.T).T
        grad_H = gram_W @ H - (X.T @ Wt.T).T
        return grad_W, grad_H, float((gram_W * gram_H).sum())
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    Y = np.einsum("kp,kp->p", Wt[:, rows], H[:, X.indices])
    ratio = X.copy()
    ratio.data = X.data / np.maximum(Y, np.finfo(X.dtype).tiny)
    sum_W = Wt.sum(axis=1, dtype=np.float64)
    sum_H = H.sum(axis=1, dtype=np.float64)
    grad_W = sum_H[:, None] - (ratio @ H.T).T
    grad_H = sum_W[:, None] - (ratio.T @ Wt.T).T
    return grad_W, grad_H, float(sum_W @ sum_H)
