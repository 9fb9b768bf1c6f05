"""What are the parts? Data in, a finished factorization out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import Seed, check_seed
from partwise.engine.judge.certify import certify
from partwise.engine.loop import Driven, OnStep, Step, drive, drive_starts, rule_for
from partwise.engine.loss import AnyLoss
from partwise.engine.penalties.constraints import Constraint, UnitL1
from partwise.engine.penalty import Penalty
from partwise.engine.plan import choose, make, settle
from partwise.engine.pool import single_blas
from partwise.engine.problem import Problem, pose
from partwise.engine.solvers.base import Solver
from partwise.engine.stop import Clock, Rule
from partwise.engine.unit import given_columns, in_own_unit, in_unit, told

__all__ = ["Factorization", "Step", "nmf"]

Array = NDArray[Any]


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
    loss: AnyLoss = "frobenius",
    *,
    weights: Any = None,
    penalty_W: Penalty | list[Penalty] | None = None,
    penalty_H: Penalty | list[Penalty] | None = None,
    constraint_W: Constraint | None = None,
    constraint_H: Constraint | None = None,
    fixed_W: Any = None,
    init: str | tuple[Any, Any] = "auto",
    solver: str = "auto",
    starts: int = 1,
    seed: Seed = 0,
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
        "frobenius" (half the squared error), "kl", "is", a beta, or a squared
        error that does not trust outliers: "huber", "capped", `Huber(bend)`,
        `Capped(bend)`.
    weights
        Like X, or (features, 1) per row, or (1, samples) per column; 0 leaves
        an entry out.
    penalty_W, penalty_H
        A penalty or a list of them: `L1`, `L2`, `L21`, `Smooth`,
        `TotalVariation`, `Graph`, `Overlap`, `Orthogonal`, `MinVolume`, `Prior`.
        With a penalty on one factor alone the components of the other are held
        inside the unit ball, unless a constraint or a prior sets the scale.
    constraint_W, constraint_H
        A set that the factor stays in: `UnitL1`, `UnitL2`, `Simplex` or `Box`.
    fixed_W
        (features, k): the first k columns of W, which stay as given.
    init
        "auto", "random", "nndsvd", "nndsvda", "nndsvdar", "kmeans", "spa" or a
        pair (W0, H0).
    solver
        "auto", "hals", "mu", "bpp", "active_set", "pg", "nenmf" or "skinny"; who
        can do what is in `partwise.engine.plan`.
    starts
        How many starts; the best is returned. The first is `init`, the others
        are random.
    seed
        Makes everything random repeatable: a whole number, or a generator of
        numpy's, from which one is drawn.
    tol
        Converged when the optimality residual is at most `tol` and, as the
        objective fell in the last steps, no more than 1e-4 of it is still to be
        gained; or when it gains less than `tol` of itself per iteration.
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
    if callable(getattr(X, "block", None)):
        raise InputProblem(
            "columns that are read block by block have no H to return",
            argument="X",
            fix="use nmf_blocks(X, rank), which hands H out block by block",
        )
    problem = pose(
        X,
        rank,
        loss,
        weights=weights,
        penalty_W=penalty_W,
        penalty_H=penalty_H,
        constraint_W=constraint_W,
        constraint_H=constraint_H,
        fixed_W=fixed_W,
    )
    rule = rule_for(tol, max_iter, max_seconds, starts)
    seed = check_seed(seed)
    name = choose(problem, solver)
    if problem.empty:
        return _nothing(problem, seed, name)
    clock = Clock(max_seconds)
    problem = settle(in_own_unit(problem), seed)

    def begin(start: int) -> Solver:
        return make(name, problem, init if start == 0 else "random", seed, start)

    # All that is large is cut into blocks for our own threads. What is small would only wait
    # for BLAS threads, and long beside a busy neighbour.
    with single_blas():
        solved, driven, reached = drive_starts(
            begin, int(starts), rule, clock, _in_unit(on_step, problem)
        )
        result = _finished(problem, solved, driven)
    reached = tuple(told(problem, np.array(reached)).tolist())
    return replace(result, seed=seed, starts=reached, seconds=clock.seconds)


def run(
    problem: Problem, solver: Solver, rule: Rule, clock: Clock, on_step: OnStep | None = None
) -> Factorization:
    """Let one solver run from where it stands until there is a reason to stop."""
    with single_blas():
        result = _finished(problem, solver, drive(solver, rule, clock, on_step))
    return replace(result, seconds=clock.seconds)


def _in_unit(on_step: OnStep | None, problem: Problem) -> OnStep | None:
    """The callback itself, or one that is told of the data as they were given."""
    if on_step is None or not (problem.power or problem.fixed_powers is not None):
        return on_step
    tell = on_step

    def translated(step: Step) -> object:
        W = step.factors[0].copy()
        if problem.fixed is not None:
            W[:, : problem.fixed_count] = given_columns(problem)
        factors = W, in_unit(problem, step.factors[1])
        return tell(replace(step, objective=float(told(problem, step.objective)), factors=factors))

    return translated


def _finished(problem: Problem, solver: Solver, driven: Driven) -> Factorization:
    kkt = solver.finish()
    W, H = solver.factors()
    if kkt is None:
        kkt = certify(problem, *problem.into(W, H))
    W, H = _canonical(problem, W, H)
    if problem.carried == "H":
        W = in_unit(problem, W)
    else:
        H = in_unit(problem, H)
    if problem.fixed is not None:
        W[:, : problem.fixed_count] = given_columns(problem)
    penalty = problem.penalty_W.value(W.T) + problem.penalty_H.value(H)
    trace = told(problem, driven.trace)
    objective = float(trace[-1])
    return Factorization(
        W=W,
        H=H,
        loss=objective - penalty,
        objective=objective,
        trace=trace,
        stop=driven.stop,
        kkt=kkt,
        iterations=driven.iterations,
        seconds=0.0,
        seed=0,
        solver=solver.name,
        starts=(objective,),
        revived=solver.revived,
        notes=_notes(problem, W, H, solver.revived),
    )


def _canonical(problem: Problem, W: Array, H: Array) -> tuple[Array, Array]:
    """The solver's factors at the canonical scale."""
    W = np.ascontiguousarray(W, dtype=problem.dtype)
    H = np.ascontiguousarray(H, dtype=problem.dtype)
    first = problem.fixed_count
    if not problem.penalised:
        unit = problem.constraint_H if problem.carried == "H" else problem.constraint_W
        F = (H if problem.carried == "H" else W.T)[first:].astype(np.float64)
        norms = F.sum(axis=1) if isinstance(unit, UnitL1) else np.linalg.norm(F, axis=1)
        norms[norms == 0] = 1
        if problem.carried == "H":
            norms = 1 / norms
        if np.abs(norms - 1).max(initial=0) > np.finfo(W.dtype).eps:
            W[:, first:] /= norms.astype(W.dtype)
            H[first:] *= norms.astype(W.dtype)[:, None]
    return W, H


def _nothing(problem: Problem, seed: int, name: str) -> Factorization:
    m, n = problem.shape
    W = np.zeros((m, problem.rank), problem.dtype)
    H = np.zeros((problem.rank, n), problem.dtype)
    if problem.fixed is not None:
        W[:, : problem.fixed_count] = problem.fixed
    note = "X is zero wherever it counts: there is nothing to separate, and all parts are empty."
    return Factorization(
        W=W,
        H=H,
        loss=0.0,
        objective=0.0,
        trace=np.zeros(1),
        stop="converged",
        kkt=0.0,
        iterations=0,
        seconds=0.0,
        seed=seed,
        solver=name,
        starts=(0.0,),
        revived=0,
        notes=(note,),
    )


def _notes(problem: Problem, W: Array, H: Array, revived: int) -> tuple[str, ...]:
    notes = []
    if problem.loss.robust:
        bend = float(np.ldexp(problem.loss.bend, problem.power))
        notes.append(f"Residuals beyond {bend:.4g} were taken for outliers.")
    if revived:
        times = "once" if revived == 1 else f"{revived} times"
        notes.append(f"A part that had died out was started again {times}.")
    empty = [str(k + 1) for k in range(W.shape[1]) if not (W[:, k].any() and H[k].any())]
    if empty:
        what = "Part" if len(empty) == 1 else "Parts"
        notes.append(f"{what} {', '.join(empty)} came out empty: fewer parts fit the data as well.")
    return tuple(notes)
