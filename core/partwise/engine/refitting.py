"""Given the parts, how much of each is where? H for a known W."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.errors import Cancelled
from partwise.engine.fit import run
from partwise.engine.given import check_factor
from partwise.engine.loss import AnyLoss
from partwise.engine.penalties.constraints import Constraint
from partwise.engine.penalty import Penalty
from partwise.engine.plan import choose, make, settle
from partwise.engine.pool import blocks, run_blocks, single_blas
from partwise.engine.problem import Problem, pose
from partwise.engine.stop import Clock, Rule, said_no
from partwise.engine.unit import in_own_unit, in_unit

__all__ = ["refit"]

Array = NDArray[Any]
_TILE = 1 << 14


def refit(
    X: Any,
    W: Any,
    loss: AnyLoss = "frobenius",
    *,
    weights: Any = None,
    penalty_H: Penalty | list[Penalty] | None = None,
    constraint_H: Constraint | None = None,
    tol: float = 1e-6,
    max_iter: int = 2000,
    on_step: Callable[[float], object] | None = None,
) -> Array:
    """Return the H >= 0 that fits X ≈ W·H best, with W as given.

    For "frobenius" with at most `L1` and `L2` the answer is globally optimal,
    column by column; otherwise it is that of a convergent iteration, global where
    the question is convex: beta from 1 to 2 or "huber", convex penalties and
    sets. How far it is from the best can be told by
    `partwise.engine.judge.certify.duality_gap`.

    Parameters
    ----------
    X
        (features, samples), dense or sparse, as in `nmf`; NaN marks missing.
    W
        (features, rank), nonnegative.
    loss, weights, penalty_H, constraint_H
        As in `nmf`. Weights per column change nothing here unless they are 0
        or H is penalised.
    tol, max_iter
        For what is found by iteration.
    on_step
        Called with the fraction done, between tiles or iterations; returning
        False stops.

    Returns
    -------
    H
        (rank, samples) in the dtype of X. A column that nothing is known of
        (all missing or of weight 0) comes back as zeros.

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.
    Cancelled
        If `on_step` returned False: half an answer would be none.

    Examples
    --------
    >>> import numpy as np
    >>> W = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> refit(W @ np.array([[2.0], [3.0]]), W).ravel().round(6).tolist()
    [2.0, 3.0]
    """
    parts = np.asarray(W)
    rank = parts.shape[1] if parts.ndim == 2 else 1
    asked: dict[str, Any] = {
        "weights": weights, "penalty_H": penalty_H, "constraint_H": constraint_H
    }  # fmt: skip
    problem = pose(X, max(1, rank), loss, **asked)
    parts = check_factor(W, (problem.shape[0], None), "W", problem.dtype)
    if rank == 0:
        return np.zeros((0, problem.shape[1]), problem.dtype)
    problem = settle(in_own_unit(replace(problem, fixed=parts)), 0)
    assert problem.fixed is not None
    parts = problem.fixed
    if problem.loss.beta == 2 and not problem.structured:
        return _exact(problem, parts, on_step)
    return _iterated(problem, parts, tol, max_iter, on_step)


def _exact(problem: Problem, W: Array, tell: Callable[[float], object] | None) -> Array:
    Wt, _ = (
        problem.into(W, np.zeros((W.shape[1], 1), problem.dtype))
        if (problem.column_scale is None)
        else (np.array(W.T) * (1 if problem.row_scale is None else problem.row_scale), None)
    )
    Wt = np.ascontiguousarray(Wt, dtype=np.float64)
    X = problem.scaled
    n = problem.shape[1]
    H = np.empty((Wt.shape[0], n), problem.dtype)
    columns = X.T.tocsr() if problem.sparse else None
    linear, ridge = problem.coefficients("H")
    uniform = not linear.size or (linear == linear[0]).all()
    gram = Wt @ Wt.T
    if linear.size and uniform:
        gram = gram + float(ridge[0]) * np.eye(len(gram))

    # One or two parts have an exact closed form that runs in vector registers, and that takes
    # parts of next to no length for none.
    usual = bool((gram[gram > 0] > 1e-20).all() and (gram < 1e60).all())
    closed = len(gram) <= 2 and usual

    def work(slot: int, lo: int, hi: int) -> None:
        if problem.weights is not None:
            Y = np.ascontiguousarray(X[:, lo:hi].T, dtype=np.float64)
            V = np.ascontiguousarray(problem.weights[:, lo:hi].T, dtype=np.float64)
            kernels.nnls_weighted(
                Y,
                V,
                Wt,
                float(linear[0]) if linear.size else 0.0,
                float(ridge[0]) if linear.size else 0.0,
                H[:, lo:hi],
            )
            return
        atb = (columns[lo:hi] @ Wt.T).T if columns is not None else Wt @ X[:, lo:hi]
        atb = np.ascontiguousarray(atb, dtype=np.float64)
        if linear.size:
            atb -= linear[lo:hi]
        if uniform:
            solve = kernels.nnls_closed if closed else kernels.nnls_columns
            tile = np.empty_like(atb)  # lies without gaps, as compiled loops like it
            solve(gram, atb, tile)
            H[:, lo:hi] = tile
            return
        for j in range(lo, hi):
            own = gram + float(ridge[j]) * np.eye(len(gram))
            kernels.nnls_columns(own, atb[:, j - lo : j - lo + 1], H[:, j : j + 1])

    cuts = blocks(n, _TILE if problem.weights is None else 1 << 12)
    group = 8  # tiles between two looks at the caller
    for i in range(0, len(cuts), group):
        with single_blas():
            run_blocks(work, cuts[i : i + group])
        if tell is not None and said_no(tell(min(1.0, (i + group) / len(cuts)))):
            raise Cancelled
    return in_unit(problem, np.array(problem.out(Wt, H)[1], dtype=problem.dtype))


def _iterated(
    problem: Problem,
    W: Array,
    tol: float,
    max_iter: int,
    tell: Callable[[float], object] | None,
) -> Array:
    mean = float(problem.X.sum()) / max(1, problem.X.shape[0] * problem.X.shape[1])
    level = mean / max(float(W.sum(axis=1).mean()), 1e-30)
    H = np.full((W.shape[1], problem.shape[1]), max(level, 1e-30), problem.dtype)
    H = in_unit(problem, H)
    clock = Clock(None)

    def on_step(step: object) -> object:
        return tell(getattr(step, "iteration", 0) / max_iter) if tell is not None else None

    solver = make(choose(problem, "auto"), problem, (W, H), 0, 0)
    result = run(problem, solver, Rule(tol, max_iter), clock, on_step)
    if result.stop == "cancelled":
        raise Cancelled
    return result.H
