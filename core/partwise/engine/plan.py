"""Which solver for this problem and shape, and who can do what?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from partwise.engine.errors import InputProblem
from partwise.engine.penalties.constraints import UnitL2
from partwise.engine.problem import Problem
from partwise.engine.solvers import skinny
from partwise.engine.solvers.alternating import RULES, Alternating
from partwise.engine.solvers.base import Solver
from partwise.engine.solvers.block import Block
from partwise.engine.solvers.hals import Hals
from partwise.engine.solvers.mu import Mu
from partwise.engine.start import begin, generator
from partwise.engine.stop import Rule

__all__ = ["ABILITIES", "Ability", "choose", "make", "settle"]

_SAMPLE_RULE = Rule(tol=1e-6, max_iter=400, gain=1e-7)
_PLAIN_RULE = Rule(tol=1e-3, max_iter=60)


@dataclass(frozen=True, slots=True)
class Ability:
    """What a solver takes beyond a dense X with weights per row and column.

    Attributes
    ----------
    losses
        "squares": the squared error; "robust": that, and with outliers bent;
        "beta": every beta-divergence.
    sparse, entries
        A sparse X; missing entries and weights of any pattern.
    penalties
        "none", "plain" (L1 and L2), "joint" (those with a bound while all parts
        move together, see `partwise.engine.penalty.Joint`) or "all".
    constraints
        "none", "convex" (all but `UnitL2`) or "all". A unit length that only
        moves scale to the other factor needs no solver and is open to everybody.
    """

    losses: str
    sparse: bool
    entries: bool
    penalties: str
    constraints: str


ABILITIES = {
    "hals": Ability("robust", True, True, "all", "all"),
    "mu": Ability("beta", True, True, "joint", "convex"),
    "bpp": Ability("squares", True, True, "plain", "none"),
    "active_set": Ability("squares", True, True, "plain", "none"),
    "pg": Ability("squares", True, True, "plain", "none"),
    "nenmf": Ability("squares", True, True, "plain", "none"),
    "skinny": Ability("squares", False, False, "none", "none"),
}


def choose(problem: Problem, solver: str) -> str:
    """Return the name of the solver that will run.

    Raises
    ------
    InputProblem
        For a name that is not known, or a solver that cannot do what is asked;
        nothing that was asked is ever left out in silence.
    """
    if solver == "auto":
        if skinny.can(problem):
            return "skinny"
        solver = "hals" if problem.loss.beta == 2 else "mu"
    if solver not in ABILITIES:
        names = ", ".join(("auto", *ABILITIES))
        raise InputProblem(
            f"solver {solver!r} is not known", argument="solver", fix=f"use one of {names}"
        )
    _able(problem, solver, ABILITIES[solver])
    return solver


def _able(problem: Problem, solver: str, can: Ability) -> None:
    loss = problem.loss
    fits = loss.beta == 2 if can.losses != "beta" else not loss.robust
    if not fits or (loss.robust and can.losses != "robust"):
        meant = "every beta-divergence" if can.losses == "beta" else "the squared error"
        raise _refusal(solver, f"minimises {meant}, not {loss.name!r}", "solver", "auto")
    if problem.sparse and not can.sparse:
        raise _refusal(solver, "takes no sparse X", "solver", "hals")
    if problem.weights is not None and not can.entries:
        what = "takes no missing entries and no weights of a general pattern"
        raise _refusal(solver, what, "solver", "hals")
    for side in ("W", "H"):
        terms, held = problem.terms(side), problem.held(side)
        names = [type(item).__name__ for item in terms.items]
        if can.penalties == "plain":
            names = [type(item).__name__ for item in terms.structured]
        elif can.penalties == "joint":
            names = list(terms.stubborn)
        if names and can.penalties != "all":
            raise _refusal(solver, f"cannot take {names[0]} on {side}", f"penalty_{side}", "hals")
        if held is None or can.constraints == "all":
            continue
        if can.constraints == "convex" and not isinstance(held, UnitL2):
            continue
        if problem.one_sided == side:
            other = "H" if side == "W" else "W"
            what = (
                f"cannot hold {side} inside the unit ball, and a penalty on {other} alone has no "
                "minimum otherwise"
            )
            raise _refusal(solver, what, f"penalty_{other}", "hals")
        what = f"cannot keep {side} in {type(held).__name__}"
        raise _refusal(solver, what, f"constraint_{side}", "hals")
    if solver == "skinny" and not skinny.can(problem):
        what = f"takes an X with a side of at most {skinny.LIMIT}, fixed columns on the short side"
        raise _refusal(solver, what, "solver", "auto")


def _refusal(solver: str, what: str, argument: str, other: str) -> InputProblem:
    return InputProblem(
        f"the solver {solver!r} {what}", argument=argument, fix=f"use solver={other!r}"
    )


def settle(problem: Problem, seed: int) -> Problem:
    """Fix what is left to the data: from where on a residual counts as an outlier.

    Once for all starts, so that what they reach can be compared.
    """
    loss = problem.loss
    if not loss.robust or loss.bend or problem.empty:
        return problem
    # A first robust scale from a plain fit is too wide, since outliers pull
    # that fit; one round with it bent already shakes most of them off.
    bend = 0.0
    for _ in range(2):
        trial = replace(problem, loss=replace(loss, name="huber", bend=bend))
        solver = Block(trial, *begin(trial, "auto", seed, 0))
        trace = [solver.value()]
        while len(trace) <= _PLAIN_RULE.max_iter and not _PLAIN_RULE.met(trace, solver.kkt()):
            trace.append(solver.step(False))
        W, H = solver.factors()
        assert problem.weights is not None  # a robust loss has a table
        left = np.abs(problem.X - W @ H)[problem.weights > 0]
        level = float(problem.X.max()) * float(np.finfo(problem.dtype).eps)
        bend = max(loss.sigmas * 1.4826 * float(np.median(left)), level)
    return replace(problem, loss=replace(loss, bend=bend))


def make(name: str, problem: Problem, init: Any, seed: int, start: int) -> Solver:
    """Build the solver `name` and put it where start number `start` begins."""
    problem = settle(problem, seed)
    if name == "skinny":
        return _skinny(problem, init, seed, start)
    W, H = begin(problem, init, seed, start)
    if name == "mu":
        return Mu(problem, W, H)
    if name in RULES:
        return Alternating(problem, W, H, name)
    if problem.structured:
        return Block(problem, W, H)
    return Hals(problem, W, H, generator(seed, problem.rank, start, "revive"))


def _skinny(problem: Problem, init: Any, seed: int, start: int) -> Solver:
    flat = skinny.lying(problem)
    turned = flat is not problem
    part = skinny.sample(flat, generator(seed, problem.rank, start, "sample"))
    H = None
    if isinstance(init, str):
        W, H0 = begin(part or flat, init, seed, start)
        if part is None:
            H = H0
    else:
        W, H = begin(problem, init, seed, start)
        if turned:
            W, H = H.T, W.T
    if part is not None:
        few = skinny.Skinny(part, W, None, turned=False)
        trace = [few.value()]
        while len(trace) <= _SAMPLE_RULE.max_iter and not _SAMPLE_RULE.met(trace, few.kkt()):
            trace.append(few.step(False))
        W, H = few.factors()[0].astype(np.float64), None
    return skinny.Skinny(flat, W, H, turned=turned)
