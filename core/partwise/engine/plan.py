"""Which solver for this problem and shape, and who can do what?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.penalties.constraints import UnitL2
from partwise.engine.problem import Problem
from partwise.engine.solvers import newton, onepass, skinny
from partwise.engine.solvers.alternating import RULES, Alternating
from partwise.engine.solvers.base import Solver
from partwise.engine.solvers.block import Block
from partwise.engine.solvers.hals import Hals
from partwise.engine.solvers.mu import Mu
from partwise.engine.start import begin, generator
from partwise.engine.stop import Rule

__all__ = ["ABILITIES", "Ability", "choose", "make", "settle"]

Array = NDArray[Any]
_HUBER = 1.345  # bend of the Huber loss, in standard deviations
_PLAIN_RULE = Rule(tol=1e-3, max_iter=60)


@dataclass(frozen=True, slots=True)
class Ability:
    """What a solver takes beyond a dense X with weights per row and column.

    Attributes
    ----------
    losses
        "squares": the squared error; "robust": that, and with outliers bent;
        "beta": every beta-divergence; "kl": that of Kullback and Leibler.
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
    "ccd": Ability("kl", False, False, "none", "none"),
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
        if newton.can(problem):
            return "ccd"
        solver = "hals" if problem.loss.beta == 2 else "mu"
    if solver not in ABILITIES:
        names = ", ".join(("auto", *ABILITIES))
        raise InputProblem(
            f"solver {solver!r} is not known", argument="solver", fix=f"use one of {names}"
        )
    _able(problem, solver, ABILITIES[solver])
    return solver


_LOSSES = {"beta": (None, "every beta-divergence"), "kl": (1.0, "the divergence 'kl'")}


def _able(problem: Problem, solver: str, can: Ability) -> None:  # noqa: C901 - one line a case
    loss = problem.loss
    wanted, meant = _LOSSES.get(can.losses, (2.0, "the squared error"))
    if loss.beta != (wanted or loss.beta) or (loss.robust and can.losses != "robust"):
        raise _refusal(solver, f"minimises {meant}, not {loss.name!r}", "solver", "solver='auto'")
    if problem.sparse and not can.sparse:
        raise _refusal(solver, "takes no sparse X", "solver", "solver='auto'")
    if problem.weights is not None and not can.entries:
        what = "takes no missing entries and no weights of a general pattern"
        raise _refusal(solver, what, "solver", "solver='auto'")
    for side in ("W", "H"):
        terms, held = problem.terms(side), problem.held(side)
        names = [type(item).__name__ for item in terms.items]
        if can.penalties == "plain":
            names = [type(item).__name__ for item in terms.structured]
        elif can.penalties == "joint":
            names = list(terms.stubborn)
        if names and can.penalties != "all":
            raise _refusal(
                solver, f"cannot take {names[0]} on {side}", f"penalty_{side}", _other(problem)
            )
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
            raise _refusal(solver, what, f"penalty_{other}", _other(problem))
        what = f"cannot keep {side} in {type(held).__name__}"
        raise _refusal(solver, what, f"constraint_{side}", _other(problem))
    if solver == "ccd" and not newton.can(problem):
        raise _refusal(solver, "takes no fixed columns", "solver", "solver='auto'")
    if solver == "skinny" and not skinny.can(problem):
        what = f"takes an X with a side of at most {skinny.LIMIT}, fixed columns on the short side"
        raise _refusal(solver, what, "solver", "solver='auto'")


def _other(problem: Problem) -> str:
    """Who takes all penalties and sets: a solver of the squared error alone."""
    return "solver='hals'" if problem.loss.beta == 2 else "loss='frobenius', or another penalty"


def _refusal(solver: str, what: str, argument: str, other: str) -> InputProblem:
    return InputProblem(f"the solver {solver!r} {what}", argument=argument, fix=f"use {other}")


def settle(problem: Problem, seed: int) -> Problem:
    """Fix what is left to the data: from where on a residual counts as an outlier.

    Once for all starts, so that what they reach can be compared.
    """
    loss = problem.loss
    if not loss.robust or loss.bend or problem.empty:
        return problem
    # The scale of a plain fit is too wide, since outliers pull that fit; one
    # round with it bent already shakes most of them off.
    bend = 0.0
    W, H = begin(problem, "random", seed, 0)
    for _ in range(2):
        W, H = _plain_fit(replace(problem, loss=replace(loss, name="huber", bend=bend)), W, H)
        assert problem.weights is not None  # a robust loss has a table
        left = np.abs(problem.X - W @ H)[problem.weights > 0]
        level = float(problem.X.max()) * float(np.finfo(problem.dtype).eps)
        bend = max(loss.sigmas * 1.4826 * float(np.median(left)), level)
    return replace(problem, loss=replace(loss, bend=bend))


def _plain_fit(problem: Problem, W: Array, H: Array) -> tuple[Array, Array]:
    """Where a short fit leads, for a better one to begin."""
    solver = Block(problem, W, H)
    trace = [solver.value()]
    while len(trace) <= _PLAIN_RULE.max_iter and not _PLAIN_RULE.met(trace, solver.kkt()):
        trace.append(solver.step(False))
    return solver.factors()


def _begin(problem: Problem, init: Any, seed: int, start: int) -> tuple[Array, Array]:
    if not problem.loss.robust or not isinstance(init, str):
        return begin(problem, init, seed, start)
    # Singular vectors run after outliers, and a fit that begins there gives
    # them a part of their own. Capped losses have many poor minima: they begin
    # where the convex loss with the same trust leads.
    W, H = begin(problem, "random" if init == "auto" else init, seed, start)
    if problem.loss.name != "capped":
        return W, H
    bend = problem.loss.bend * _HUBER / problem.loss.sigmas
    return _plain_fit(replace(problem, loss=replace(problem.loss, name="huber", bend=bend)), W, H)


def make(name: str, problem: Problem, init: Any, seed: int, start: int) -> Solver:
    """Build the solver `name` and put it where start number `start` begins."""
    problem = settle(problem, seed)
    if name == "skinny":
        return _skinny(problem, init, seed, start)
    W, H = _begin(problem, init, seed, start)
    given = not isinstance(init, str)
    if name == "ccd":
        return newton.Newton(problem, W, H, generator(seed, problem.rank, start, "revive"))
    if name == "mu":
        return Mu(problem, W, H)
    if name in RULES:
        return Alternating(problem, W, H, name, given=given)
    if problem.structured:
        return Block(problem, W, H, given=given)
    rng = generator(seed, problem.rank, start, "revive")
    if onepass.can(problem):
        return onepass.OnePass(problem, W, H, rng)
    return Hals(problem, W, H, rng, given=given)


def _skinny(problem: Problem, init: Any, seed: int, start: int) -> Solver:
    flat = skinny.lying(problem)
    levels = skinny.samples(flat, generator(seed, problem.rank, start, "sample"))
    H = None
    if isinstance(init, str):
        W, H0 = begin(levels[0] if levels else flat, init, seed, start)
        if not levels:
            H = H0
    else:
        W, H = begin(problem, init, seed, start)
        if flat is not problem:
            W, H = H.T, W.T
    return skinny.Skinny(flat, W, H, turned=flat is not problem, levels=levels)
