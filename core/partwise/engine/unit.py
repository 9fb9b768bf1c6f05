"""In which unit are the data reckoned? Their own, unless squares of them would not be numbers.

The same question for X / unit has the same W; H, and any loss but for its power
of the unit, follow. A unit is a power of 2, so that nothing is rounded on the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.problem import Problem

__all__ = ["in_own_unit", "in_unit", "told"]

Array = NDArray[Any]
_SAFE = {4: 1e9, 8: 1e60}  # by bytes of a number: means this large or as small do no harm


def in_own_unit(problem: Problem) -> Problem:
    """The question itself, or one whose X has a mean near 1.

    Penalties and sets are meant for the factors of X as it was given, so they keep its unit.
    """
    safe = _SAFE[problem.dtype.itemsize]
    if problem.penalised or 1 / safe < problem.mean < safe or problem.empty:
        return problem
    values = problem.X.data if problem.sparse else problem.X
    power = int(np.frexp(values.max())[1])
    if problem.sparse:
        structure = problem.X.indices, problem.X.indptr
        X: Any = sp.csr_array((np.ldexp(values, -power), *structure), shape=problem.shape)
    else:
        X = np.ldexp(values, -power)
    loss = replace(problem.loss, bend=float(np.ldexp(problem.loss.bend, -power)))
    return replace(problem, X=X, loss=loss, power=power)


def in_unit(problem: Problem, factor: Array) -> Array:
    """The factor that carries the scale, in the terms of the data as they were given.

    Raises
    ------
    InputProblem
        Where it is beyond the precision of X.
    """
    if not problem.power:
        return factor
    with np.errstate(over="ignore"):
        return np.asarray(_finite(np.ldexp(factor, problem.power), problem))


def told(problem: Problem, losses: Any) -> Any:
    """Losses in the terms of the data as they were given.

    Raises
    ------
    InputProblem
        Where they are beyond double precision.
    """
    if not problem.power:
        return losses
    whole, rest = divmod(problem.power * problem.loss.beta, 1)
    with np.errstate(over="ignore"):
        return _finite(np.ldexp(losses * 2**rest, int(whole)), problem)


def _finite(values: Any, problem: Problem) -> Any:
    if np.isfinite(values).all():
        return values
    raise InputProblem(
        f"X holds values around 1e{int(0.30103 * problem.power):+d}, too large for the loss "
        f"{problem.loss.name!r} in {problem.dtype}",
        argument="X",
        fix="divide X by a constant",
    )
