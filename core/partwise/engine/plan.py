"""Which solver for this problem and shape?"""

from __future__ import annotations

from typing import Any

import numpy as np

from partwise.engine.errors import InputProblem
from partwise.engine.problem import Problem
from partwise.engine.solvers import skinny
from partwise.engine.solvers.base import Solver
from partwise.engine.solvers.hals import Hals
from partwise.engine.solvers.mu import Mu
from partwise.engine.start import begin, generator
from partwise.engine.stop import Rule

__all__ = ["choose", "make"]

_LATER = ("bpp", "active_set", "pg", "nenmf")
_HERE = ("auto", "hals", "mu", "skinny")
_SAMPLE_RULE = Rule(tol=1e-6, max_iter=400, gain=1e-7)


def choose(problem: Problem, solver: str) -> str:
    """Return the name of the solver that will run.

    Raises
    ------
    InputProblem
        For a name that is not known or cannot do what is asked.
    """
    fix = f"use one of {', '.join(_HERE)}"
    if solver in _LATER:
        raise InputProblem(
            f"the solver {solver!r} is not available yet", argument="solver", fix=fix
        )
    if solver not in _HERE:
        raise InputProblem(f"solver {solver!r} is not known", argument="solver", fix=fix)
    if solver == "skinny" and not skinny.can(problem):
        raise InputProblem(
            "the solver 'skinny' cannot do what is asked",
            argument="solver",
            fix=f"it takes a dense X with a side of at most {skinny.LIMIT}, the squared error, "
            "no penalties and no missing entries; use 'auto'",
        )
    if solver != "auto":
        return solver
    if skinny.can(problem):
        return "skinny"
    return "hals" if problem.loss.beta == 2 else "mu"


def make(name: str, problem: Problem, init: Any, seed: int, start: int) -> Solver:
    """Build the solver `name` and put it where start number `start` begins."""
    if name == "skinny":
        return _skinny(problem, init, seed, start)
    W, H = begin(problem, init, seed, start)
    if name == "mu":
        return Mu(problem, W, H)
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
