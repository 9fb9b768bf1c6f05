"""Which solver for this problem and shape?"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.problem import Problem
from partwise.engine.solvers.base import Solver
from partwise.engine.solvers.hals import Hals
from partwise.engine.solvers.mu import Mu
from partwise.engine.start import generator

__all__ = ["choose", "make"]

_LATER = ("bpp", "active_set", "pg", "nenmf")


def choose(problem: Problem, solver: str) -> str:
    """Return the name of the solver that will run.

    Raises
    ------
    InputProblem
        For a name that is not known or cannot do what is asked.
    """
    if solver == "auto":
        return "hals" if problem.loss.beta == 2 else "mu"
    if solver in ("hals", "mu"):
        return solver
    if solver in _LATER:
        raise InputProblem(
            f"the solver {solver!r} is not available yet",
            argument="solver",
            fix="use 'auto', 'hals' or 'mu'",
        )
    raise InputProblem(
        f"solver {solver!r} is not known",
        argument="solver",
        fix="use 'auto', 'hals' or 'mu'",
    )


def make(
    name: str, problem: Problem, W: NDArray[Any], H: NDArray[Any], seed: int, start: int
) -> Solver:
    """Build the solver `name` at a start in the user's terms."""
    if name == "mu":
        return Mu(problem, W, H)
    return Hals(problem, W, H, generator(seed, problem.rank, start, "revive"))
