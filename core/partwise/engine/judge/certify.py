"""How near is this to optimal? The residual of the optimality conditions.

At a stationary point every entry f of a factor and its derivative g satisfy
``min(f, g) = 0``. Both are made free of scale first: f is divided by the norm
of its component, g multiplied by it and divided by the sum of ``(W H)**beta``,
the size of the positive half of the derivative. The residual is the Euclidean
norm of ``min(f, g)`` over a factor, the larger of the two factors; it does not
change with X -> cX nor when a column of W is scaled against its row of H.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import check_factor
from partwise.engine.loss import AnyLoss
from partwise.engine.penalties.constraints import project
from partwise.engine.penalty import Penalty
from partwise.engine.pool import blocks, run_blocks, single_blas
from partwise.engine.problem import Problem, pose

__all__ = ["DualityGap", "certify", "duality_gap", "natural_residual"]

Array = NDArray[Any]
_BLOCK = 1 << 18  # entries of X handled at once


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
        grad_W, grad_H, size = _plain(X, Wt, H)
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


def _plain(X: Array, Wt: Array, H: Array) -> tuple[Array, Array, float]:
    cuts = blocks(X.shape[1], _BLOCK // X.shape[0])
    across, pull = np.empty((len(cuts), *Wt.shape), X.dtype), np.empty(H.shape, X.dtype)

    def work(slot: int, lo: int, hi: int) -> None:
        across[slot] = H[:, lo:hi] @ X[:, lo:hi].T
        pull[:, lo:hi] = Wt @ X[:, lo:hi]

    with single_blas():
        run_blocks(work, cuts)
        gram_W, gram_H = _product(Wt, Wt.T), _product(H, H.T)
        grad_W = gram_H @ Wt - across.sum(axis=0, dtype=np.float64)
        grad_H = gram_W @ H - pull
    return grad_W, grad_H, float((gram_W * gram_H).sum())


def _blocked(problem: Problem, X: Array, Wt: Array, H: Array) -> tuple[Array, Array, float]:
    cuts = blocks(X.shape[1], _BLOCK // X.shape[0])
    across, grad_H = np.empty((len(cuts), *Wt.shape)), np.zeros(H.shape)
    sizes = np.zeros(len(cuts))
    beta = problem.loss.beta
    floor = np.finfo(X.dtype).tiny

    def work(slot: int, lo: int, hi: int) -> None:
        cut = slice(lo, hi)
        Y = np.maximum(Wt.T @ H[:, cut], floor)
        x: Any = X[:, cut]
        x = x.toarray() if problem.sparse else x
        negative, positive = problem.loss.factors_of_gradient(x, Y)
        slope = positive - negative
        if problem.loss.robust:
            slope *= problem.loss.trust(slope)
        magnitude = Y**beta
        if problem.weights is not None:
            slope *= problem.weights[:, cut]
            magnitude = magnitude * problem.weights[:, cut]
        across[slot] = H[:, cut] @ slope.T
        grad_H[:, cut] = Wt @ slope
        sizes[slot] = magnitude.sum(dtype=np.float64)

    with single_blas():
        run_blocks(work, cuts)
    return across.sum(axis=0), grad_H, float(sizes.sum())


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


@dataclass(frozen=True, slots=True)
class DualityGap:
    """How far H can be from the best, sample by sample, in units of the objective.

    Attributes
    ----------
    objective
        (samples,) what H reaches.
    gap
        (samples,) no H >= 0 is lower than `objective` by more than this.
    """

    objective: NDArray[np.float64]
    gap: NDArray[np.float64]

    @property
    def relative(self) -> float:
        """The gap of all samples together, of their objective."""
        total = float(self.objective.sum())
        return float(self.gap.sum()) / total if total > 0 else 0.0


def duality_gap(
    X: Any,
    W: Any,
    H: Any,
    *,
    loss: AnyLoss = "frobenius",
    weights: Any = None,
    penalty_H: Penalty | list[Penalty] | None = None,
) -> DualityGap:
    """Certify a refit: bound from below what any H could reach for this W.

    Parameters
    ----------
    X, W, H
        (features, samples), (features, parts) and (parts, samples).
    loss
        "frobenius" or "kl"; both are convex in H.
    weights, penalty_H
        As given to `refit`; `L1`, and `L2` with "frobenius".

    Raises
    ------
    InputProblem
        For a loss or penalty whose dual is not known here.

    Notes
    -----
    Fenchel's dual at a point made from the residual. Squared error: theta = x −
    W h, moved along the ones until W' theta <= linear (an L2 penalty needs no
    such thing, since it pays for the excess). Kullback-Leibler: u = x / W h,
    shrunk until W' u <= W' 1 + linear; the bound is sum x log u. The gap is 0
    where h is optimal.

    Examples
    --------
    >>> import numpy as np
    >>> W = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> H = np.array([[2.0], [3.0]])
    >>> bool(duality_gap(W @ H, W, H).gap[0] < 1e-12)
    True
    """
    parts = np.asarray(W, dtype=np.float64)
    rank = parts.shape[1] if parts.ndim == 2 else 1
    problem = pose(X, max(1, rank), loss, weights=weights, penalty_H=penalty_H)
    m, n = problem.shape
    parts = check_factor(W, (m, None), "W", np.float64)
    courses = check_factor(H, (rank, n), "H", np.float64)
    terms, beta = problem.penalty_H, problem.loss.beta
    ridged = bool(terms.quadratic) and beta != 2
    if beta not in (1, 2) or problem.loss.robust or terms.structured or ridged:
        raise InputProblem(
            "this loss and penalty have no dual that is known here",
            argument="loss",
            fix="use 'frobenius' with L1 and L2, or 'kl' with L1",
        )
    objective, gap = np.empty(n), np.empty(n)
    bound = _below_squares if beta == 2 else _below_kl
    for lo in range(0, n, max(1, _BLOCK // m)):
        cut = slice(lo, lo + max(1, _BLOCK // m))
        x: Any = problem.X[:, cut]
        x = np.asarray(x.toarray() if problem.sparse else x, dtype=np.float64)
        V = _table(problem, cut, x.shape)
        h = courses[:, cut]
        y = parts @ h
        value = _each(problem, x, y, V) + terms.linear * h.sum(axis=0)
        objective[cut] = value + 0.5 * terms.quadratic * np.square(h).sum(axis=0)
        gap[cut] = objective[cut] - bound(x, y, V, parts, terms.linear, terms.quadratic)
    return DualityGap(objective, np.maximum(gap, 0))


def _table(problem: Problem, cut: slice, shape: tuple[int, ...]) -> Array:
    V = np.ones(shape) if problem.weights is None else problem.weights[:, cut].astype(np.float64)
    if problem.row_scale is not None:
        V = V * (problem.row_scale.astype(np.float64) ** problem.loss.beta)[:, None]
    if problem.column_scale is not None:
        V = V * problem.column_scale[cut].astype(np.float64) ** problem.loss.beta
    return np.asarray(V)


def _each(problem: Problem, x: Array, y: Array, V: Array) -> Array:
    """The loss of every sample."""
    if problem.loss.beta == 2:
        return np.asarray(0.5 * (V * np.square(x - y)).sum(axis=0))
    y = np.maximum(y, np.finfo(np.float64).tiny)
    ratio = np.where(x > 0, x / y, 1)
    return np.asarray((V * (x * np.log(ratio) - x + y)).sum(axis=0))


def _below_squares(x: Array, y: Array, V: Array, W: Array, linear: float, ridge: float) -> Array:
    theta = x - y
    excess = W.T @ (V * theta) - linear
    if ridge == 0:
        reach = W.T @ V
        away = np.divide(excess, reach, out=np.zeros_like(excess), where=reach > 0)
        theta = theta - np.maximum(away.max(axis=0), 0)
        excess = np.zeros_like(excess)
    value = 0.5 * (V * (np.square(x) - np.square(x - theta))).sum(axis=0)
    paid = np.square(np.maximum(excess, 0)).sum(axis=0) / (2 * ridge) if ridge else 0.0
    return np.asarray(value - paid)


def _below_kl(x: Array, y: Array, V: Array, W: Array, linear: float, ridge: float) -> Array:
    u = np.where(x > 0, x / np.maximum(y, np.finfo(np.float64).tiny), 0)
    allowed, used = W.T @ V + linear, W.T @ (V * u)
    shrink = np.divide(allowed, used, out=np.full_like(used, np.inf), where=used > 0).min(axis=0)
    shrink = np.where(np.isfinite(shrink), shrink, 1.0)
    logs = np.log(np.maximum(u * shrink, np.finfo(np.float64).tiny))
    return np.asarray((V * np.where(x > 0, x * logs, 0)).sum(axis=0))
