"""One part at a time: each explains what the ones before it left.

    given w₁ … w_{k−1}:  minimise D(X | [w₁ … w_k]·H)   over w_k ≥ 0, H ≥ 0

For parts in order of what they explain, and for nested answers: the profiles of
a fit with r parts are the first r of any longer one, to the last bit. All
courses are fitted anew with every part. The price is the fit: parts that occur
together are first found as one mixture, and what comes later only mends it. Use
it where parts exclude each other, or differ much in size; or let go of the
profiles with ``keep=False``, when each part is where it begins and not where it
stays: a fit of all at once, from a start that is built part by part.

Greedy fitting of components goes back to H. Wold's NIPALS (1966); as
nonnegative underapproximation see N. Gillis, F. Glineur, Pattern Recognition 43
(2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.given import check_reach, is_sparse
from partwise.engine.loop import OnStep, Step, rule_for
from partwise.engine.models.descent import ModelFit
from partwise.engine.models.target import check_rank, divergence_named
from partwise.engine.problem import Problem, pose
from partwise.engine.stop import Clock

__all__ = ["SequentialFit", "sequential_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class SequentialFit(ModelFit):
    """X ≈ W·H; `objectives` holds the objective with the first 1, 2, … parts.

    If the run was ended early, W and H hold the parts that were found.
    """

    W: Array
    H: Array
    objectives: tuple[float, ...]


def sequential_nmf(
    X: Any,
    rank: int,
    loss: str | float = "frobenius",
    *,
    keep: bool = True,
    weights: Any = None,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> SequentialFit:
    """Find parts one by one, each the best addition to those before it.

    Parameters
    ----------
    X, rank, loss, weights, seed, tol, max_seconds, on_step
        As in `nmf`; a sparse X for the loss "frobenius" only.
    keep
        Do profiles stay as they were found? False lets all of them adapt to each
        new one; the answers are then not nested.
    max_iter
        Iterations for each part.

    Returns
    -------
    SequentialFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[9.0, 9.0, 0.0], [0.0, 0.0, 2.0]])
    >>> fit = sequential_nmf(X, 2)
    >>> bool(fit.objectives[0] > 1), bool(fit.objectives[1] < 1e-6)
    (True, True)
    """
    rank = check_rank(rank)
    divergence_named(loss)
    rule_for(tol, max_iter, max_seconds, 1)
    problem = pose(X, rank, loss, weights=weights)
    check_reach(problem.mean, problem.dtype)
    if problem.sparse and problem.loss.beta != 2:
        raise InputProblem(
            f"a sparse X cannot be fitted part by part with the loss {problem.loss.name!r}",
            argument="X",
            fix="use loss='frobenius' or a dense X",
        )
    clock = Clock(max_seconds)
    fit = None
    trace: list[float] = []
    objectives: list[float] = []
    stop = "converged"
    for k in range(rank):
        left = None if max_seconds is None else max_seconds - clock.seconds
        if left is not None and k == 0:
            left = max(left, 1e-9)  # something must stand in the end
        if left is not None and left <= 0:
            stop = "max_seconds"
            break
        first: Any = "auto" if fit is None else _begin(problem, fit.W, fit.H)
        done = len(trace)

        def tell(step: Step, done: int = done) -> object:
            assert on_step is not None
            seen = (step.W, step.H)
            return on_step(Step(done + step.iteration, step.objective, seen, 0, clock.seconds))

        fit = nmf(
            X,
            k + 1,
            loss,
            weights=weights,
            fixed_W=fit.W if keep and fit is not None else None,
            init=first,
            seed=seed,
            tol=tol,
            max_iter=max_iter,
            max_seconds=left,
            on_step=None if on_step is None else tell,
        )
        trace.extend(float(v) for v in (fit.trace[1:] if trace else fit.trace))
        objectives.append(fit.objective)
        if fit.stop != "converged":
            stop = fit.stop
        if stop in ("cancelled", "max_seconds"):
            break
    assert fit is not None  # rank >= 1, and the first part is always begun
    notes = fit.notes
    if len(objectives) < rank:
        notes += (f"Ended early with {len(objectives)} of {rank} parts.",)
    return SequentialFit(
        W=fit.W,
        H=fit.H,
        objectives=tuple(objectives),
        loss=fit.loss,
        objective=fit.objective,
        # Parts taken over are rounded to the precision of X, which may show.
        trace=np.minimum.accumulate(trace),
        stop=stop,
        kkt=fit.kkt,
        iterations=len(trace) - 1,
        seconds=clock.seconds,
        seed=seed,
        starts=(fit.objective,),
        notes=notes,
    )


def _begin(problem: Problem, W: Array, H: Array) -> tuple[Array, Array]:
    """The parts so far, and a new one that explains some of what is left."""
    Wt, Ht = (F.astype(np.float64) for F in problem.into(W, H))
    R = _Residual(problem, Wt.T, Ht)
    w = np.maximum(R.column(int(R.errors().argmax())), 0)
    h = np.zeros(Ht.shape[1])
    for _ in range(10):
        if not w.any():
            break
        h = np.maximum(R.down(w), 0) / float(w @ w)
        if not h.any():
            break
        w = np.maximum(R.along(h), 0) / float(h @ h)
    if not (w.any() and h.any()):
        # Nothing is left that a part could explain: begin with next to nothing.
        w, h = np.ones(len(w)), np.full(len(h), 1e-12 * max(float(Ht.max()), 1e-30))
    if problem.loss.beta != 2:
        # Multiplicative updates take for ever to leave what is next to zero.
        w, h = w + 1e-3 * w.mean(), h + 1e-3 * h.mean()
        h = h * _step(problem, Wt.T @ Ht, np.outer(w, h))
        H = np.maximum(H, 1e-8 * H.mean(axis=1, keepdims=True))
        W = np.maximum(W, 1e-8 * W.mean(axis=0, keepdims=True))
    new_W, new_H = problem.out(w[None], h[None])
    more = np.column_stack([W, new_W]), np.vstack([H, new_H])
    return more[0].astype(problem.dtype), more[1].astype(problem.dtype)


def _step(problem: Problem, Y: Array, new: Array) -> float:
    """How much of a new part lowers the loss most, among powers of 1/4 and nearly none."""
    floor = np.finfo(Y.dtype).tiny * 1e8
    sizes = np.append(0.25 ** np.arange(0.0, 16.0), 1e-12)
    values = [
        problem.loss.divergence(problem.scaled, np.maximum(Y + size * new, floor), problem.weights)
        for size in sizes
    ]
    return float(sizes[int(np.argmin(values))])


class _Residual:
    """X − W·H, all scaled, as products; formed only where entries have weights of their own."""

    def __init__(self, problem: Problem, W: Array, H: Array) -> None:
        self._X, self._W, self._H = problem.scaled, W, H
        if problem.weights is not None:
            # Up to a weight of 1 the plain error bounds the weighted one.
            top = float(problem.weights.max())
            self._X = (problem.scaled - W @ H) * (problem.weights / top)
            self._W, self._H = W[:, :0], H[:0]

    def errors(self) -> Array:
        X, W, H = self._X, self._W, self._H
        cross = np.asarray((X.T @ W).T) * H
        squares = np.asarray((X.multiply(X) if is_sparse(X) else X * X).sum(axis=0)).ravel()
        return np.asarray(squares - 2 * cross.sum(axis=0) + (H * ((W.T @ W) @ H)).sum(axis=0))

    def column(self, j: int) -> Array:
        x = self._X[:, [j]]
        x = (x.toarray() if is_sparse(x) else x).ravel()
        return np.asarray(x - self._W @ self._H[:, j], dtype=np.float64)

    def down(self, w: Array) -> Array:
        return np.asarray(self._X.T @ w - (w @ self._W) @ self._H)

    def along(self, h: Array) -> Array:
        return np.asarray(self._X @ h - self._W @ (self._H @ h))
