"""The one loop: step, trace, report, stop, cancel, certify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.judge.certify import certify
from partwise.engine.penalty import Penalty
from partwise.engine.plan import choose, make
from partwise.engine.problem import Problem, pose
from partwise.engine.solvers.base import Solver
from partwise.engine.stop import Clock, Rule

__all__ = ["Factorization", "Step", "nmf"]

Array = NDArray[Any]
OnStep = Callable[["Step"], object]


@dataclass(frozen=True, slots=True)
class Step:
    """What a running fit shows: at most every 50 ms, without copying anything.

    `W` and `H` are read-only views of the working factors and hold good until
    the callback returns; copy what is to be kept. Their scale is not the
    canonical one of the result.
    """

    iteration: int
    objective: float
    W: Array
    H: Array
    start: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Factorization:
    """Nonnegative factors of X ≈ W·H, and how they were come by.

    Attributes
    ----------
    W, H
        (features, rank) and (rank, samples). Without penalties every column of
        W that is not fixed has unit Euclidean length, or is zero.
    loss, objective
        D(X | W H) over the entries that count, and that with the penalties.
    trace
        Objective at the start and after each iteration; never rises.
    stop
        Why it ended: "converged", "max_iter", "max_seconds" or "cancelled".
    kkt
        Optimality residual, free of scale, 0 at a stationary point; see
        `partwise.engine.judge.certify`.
    seed, solver, starts
        What was used; `starts` holds the objective that each start reached.
    notes
        What a person should know, in sentences: parts revived, empty parts.
    """

    W: Array
    H: Array
    loss: float
    objective: float
    trace: NDArray[np.float64]
    stop: str
    kkt: float
    iterations: int
    seconds: float
    seed: int
    solver: str
    starts: tuple[float, ...]
    revived: int = 0
    notes: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        return int(self.W.shape[1])

    @property
    def converged(self) -> bool:
        return self.stop == "converged"


def nmf(  # noqa: PLR0913 - the promised signature
    X: Any,
    rank: int,
    loss: str | float = "frobenius",
    *,
    weights: Any = None,
    penalty_W: Penalty | list[Penalty] | None = None,
    penalty_H: Penalty | list[Penalty] | None = None,
    fixed_W: Any = None,
    init: str | tuple[Any, Any] = "auto",
    solver: str = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> Factorization:
    """Find nonnegative parts: X ≈ W·H with `rank` columns in W.

    Parameters
    ----------
    X
        (features, samples), dense float32 or float64 (kept; other numbers
        become float64) or scipy.sparse. Never modified. NaN marks a missing
        entry of a dense X.
    rank
        How many parts, at least 1; may exceed both sides of X.
    loss
        "frobenius" (half the squared error), "kl", "is" or a beta.
    weights
        Like X, or (features, 1) per row, or (1, samples) per column; 0 leaves
        an entry out.
    penalty_W, penalty_H
        `L1`, `L2`, or a list of them. With a penalty on one factor alone the
        components of the other are held inside the unit ball.
    fixed_W
        (features, k): the first k columns of W, which stay as given.
    init
        "auto", "random", "nndsvd" or a pair (W0, H0).
    solver
        "auto", "hals", "mu" or "skinny".
    starts
        How many starts; the best is returned. The first is `init`, the others
        are random.
    seed
        Makes everything random repeatable.
    tol
        Converged when the optimality residual is at most `tol`, or when the
        objective gains less than `tol` of itself per iteration.
    max_iter, max_seconds
        Budgets: iterations per start, wall time for all starts together.
    on_step
        Called with a `Step` at most every 50 ms; returning False cancels, and
        the result keeps what stands.

    Returns
    -------
    Factorization

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.outer([1.0, 2.0, 0.0], [3.0, 0.0, 1.0, 2.0])
    >>> fit = nmf(X, 1)
    >>> bool(np.allclose(fit.W @ fit.H, X)), fit.stop
    (True, 'converged')
    """
    problem = pose(
        X,
        rank,
        loss,
        weights=weights,
        penalty_W=penalty_W,
        penalty_H=penalty_H,
        fixed_W=fixed_W,
    )
    rule = _rule(tol, max_iter, max_seconds, starts)
    name = choose(problem, solver)
    if problem.empty:
        return _nothing(problem, seed, name)
    clock = Clock(max_seconds)
    best: Factorization | None = None
    reached: list[float] = []
    for start in range(starts):
        first = make(name, problem, init if start == 0 else "random", seed, start)
        result = run(problem, first, rule, clock, on_step, start)
        reached.append(result.objective)
        if best is None or result.objective < best.objective:
            best = result
        if result.stop in ("cancelled", "max_seconds"):
            best = replace(best, stop=result.stop)
            break
    assert best is not None  # starts >= 1
    return replace(best, seed=seed, starts=tuple(reached), seconds=clock.seconds)


def run(
    problem: Problem,
    solver: Solver,
    rule: Rule,
    clock: Clock,
    on_step: OnStep | None = None,
    start: int = 0,
) -> Factorization:
    """Let one solver run from where it stands until there is a reason to stop."""
    trace = [solver.value()]
    stop = "max_iter"
    for iteration in range(1, rule.max_iter + 1):
        show = on_step is not None and clock.due
        trace.append(solver.step(show))
        if show and on_step is not None:
            W, H = (_locked(F) for F in solver.factors())
            if on_step(Step(iteration, trace[-1], W, H, start, clock.seconds)) is False:
                stop = "cancelled"
                break
            clock.reported()
        if rule.met(trace, solver.kkt()):
            stop = "converged"
            break
        if clock.over:
            stop = "max_seconds"
            break
    kkt = solver.finish()
    W, H = solver.factors()
    if kkt is None:
        kkt = certify(problem, *problem.into(W, H))
    W, H = _canonical(problem, W, H)
    penalty = problem.penalty_W.value(W) + problem.penalty_H.value(H) if problem.penalised else 0.0
    return Factorization(
        W,
        H,
        trace[-1] - penalty,
        trace[-1],
        np.array(trace),
        stop,
        kkt,
        len(trace) - 1,
        clock.seconds,
        0,
        solver.name,
        (trace[-1],),
        solver.revived,
        _notes(W, H, solver.revived),
    )


def _rule(tol: float, max_iter: int, max_seconds: float | None, starts: int) -> Rule:
    if not (np.isfinite(tol) and tol >= 0):
        raise InputProblem(f"tol must be 0 or more, got {tol}", argument="tol", fix="try 1e-5")
    if max_iter < 1:
        raise InputProblem(
            f"max_iter must be at least 1, got {max_iter}", argument="max_iter", fix="try 1000"
        )
    if max_seconds is not None and not max_seconds > 0:
        raise InputProblem(
            f"max_seconds must be above 0, got {max_seconds}",
            argument="max_seconds",
            fix="leave it out for no limit",
        )
    if int(starts) != starts or starts < 1:
        raise InputProblem(
            f"starts must be at least 1, got {starts}", argument="starts", fix="use 1 or more"
        )
    return Rule(tol, int(max_iter))


def _locked(F: Array) -> Array:
    view = F.view()
    view.flags.writeable = False
    return view


def _canonical(problem: Problem, W: Array, H: Array) -> tuple[Array, Array]:
    """The solver's factors at the canonical scale; fixed columns to the last bit as given."""
    W = np.ascontiguousarray(W, dtype=problem.dtype)
    H = np.ascontiguousarray(H, dtype=problem.dtype)
    first = problem.fixed_count
    if not problem.penalised:
        norms = np.linalg.norm(W[:, first:].astype(np.float64), axis=0)
        norms[norms == 0] = 1
        if np.abs(norms - 1).max(initial=0) > np.finfo(W.dtype).eps:
            W[:, first:] /= norms.astype(W.dtype)
            H[first:] *= norms.astype(W.dtype)[:, None]
    if problem.fixed is not None:
        W[:, :first] = problem.fixed
    return W, H


def _nothing(problem: Problem, seed: int, name: str) -> Factorization:
    m, n = problem.shape
    W = np.zeros((m, problem.rank), problem.dtype)
    H = np.zeros((problem.rank, n), problem.dtype)
    if problem.fixed is not None:
        W[:, : problem.fixed_count] = problem.fixed
    note = "X is zero wherever it counts: there is nothing to separate, and all parts are empty."
    return Factorization(
        W, H, 0.0, 0.0, np.zeros(1), "converged", 0.0, 0, 0.0, seed, name, (0.0,),
        0, (note,),
    )  # fmt: skip


def _notes(W: Array, H: Array, revived: int) -> tuple[str, ...]:
    notes = []
    if revived:
        times = "once" if revived == 1 else f"{revived} times"
        notes.append(f"A part that had died out was started again {times}.")
    empty = [str(k + 1) for k in range(W.shape[1]) if not (W[:, k].any() and H[k].any())]
    if empty:
        what = "Part" if len(empty) == 1 else "Parts"
        notes.append(f"{what} {', '.join(empty)} came out empty: fewer parts fit the data as well.")
    return tuple(notes)
