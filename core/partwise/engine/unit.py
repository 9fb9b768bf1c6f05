"""In which unit are the data reckoned? Their own, unless squares of them would not be numbers.

The same question for X / unit has the same W; H, and any loss but for its power
of the unit, follow. Fixed columns of W that are out of all proportion to the data have
a unit each, which their rows of H take over. A unit is a power of 2, so that nothing is
rounded on the way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.problem import Problem

__all__ = ["from_unit", "given_columns", "in_own_unit", "in_unit", "told"]

Array = NDArray[Any]
_SAFE = {4: 1e9, 8: 1e60}  # by bytes of a number: means this large or as small do no harm
_OUT_OF_PROPORTION = 7  # powers of 2 between a fixed column and one that a start makes


def in_own_unit(problem: Problem) -> Problem:
    """The question itself, or one whose X has a mean near 1 and fixed columns to match.

    Penalties and sets are meant for the factors of X as it was given, so they keep its unit.
    """
    return _columns_in_own_unit(_data_in_own_unit(problem))


def _data_in_own_unit(problem: Problem) -> Problem:
    # Exact steps take fixed columns as they are, and columns of next to no length for none.
    safe = _SAFE[4 if problem.fixed is not None else problem.dtype.itemsize]
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


def _columns_in_own_unit(problem: Problem) -> Problem:
    """Fixed columns near the size at which the free ones begin.

    A start that is right for columns of one size is far off for others, and steps along a
    gradient would have to be as short as the largest column asks.
    """
    if problem.fixed is None or problem.penalised or problem.empty:
        return problem
    largest = problem.fixed.max(axis=0)
    mean = np.ldexp(problem.mean, -problem.power)
    usual = 0.5 * np.log2(mean / problem.rank)
    powers = np.where(largest > 0, np.frexp(largest)[1] - round(usual), 0)
    if (np.abs(powers) <= _OUT_OF_PROPORTION).all():
        return problem
    return replace(problem, fixed=np.ldexp(problem.fixed, -powers), fixed_powers=powers)


def in_unit(problem: Problem, factor: Array) -> Array:
    """The factor that carries the scale, in the terms of the data as they were given.

    Raises
    ------
    InputProblem
        Where it is beyond the precision of X.
    """
    powers = _powers(problem, factor)
    if not np.any(powers):
        return factor
    with np.errstate(over="ignore"):
        return np.asarray(_finite(np.ldexp(factor, powers), problem))


def from_unit(problem: Problem, H: Array) -> Array:
    """H as it was given, in the terms in which the data are reckoned."""
    powers = _powers(problem, H)
    return np.asarray(np.ldexp(H, -powers)) if np.any(powers) else H


def given_columns(problem: Problem) -> Array | None:
    """The fixed columns of W as they were given."""
    if problem.fixed is None or problem.fixed_powers is None:
        return problem.fixed
    return np.asarray(np.ldexp(problem.fixed, problem.fixed_powers))


def _powers(problem: Problem, factor: Array) -> Any:
    """By which powers of 2 the rows of a factor are less than in the terms of the data."""
    if problem.fixed_powers is None:
        return problem.power
    powers = np.full((len(factor), 1), problem.power)
    powers[: problem.fixed_count, 0] -= problem.fixed_powers
    return powers


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
    if problem.fixed_powers is not None:
        raise InputProblem(
            f"fixed_W is out of all proportion to X: H would be beyond {problem.dtype}",
            argument="fixed_W",
            fix="give columns of about unit length",
        )
    raise InputProblem(
        f"X holds values around 1e{int(0.30103 * problem.power):+d}, too large for the loss "
        f"{problem.loss.name!r} in {problem.dtype}",
        argument="X",
        fix="divide X by a constant",
    )
