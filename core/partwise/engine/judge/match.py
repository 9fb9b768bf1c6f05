"""Which part is which? Matching the parts of two runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from partwise.engine.errors import InputProblem
from partwise.engine.given import numbers

__all__ = ["Match", "match_parts"]


class Match(NamedTuple):
    """How the columns of B lie beside those of A.

    ``B[:, permutation] * scale`` is nearest to A; ``cosine`` says how near,
    column by column.
    """

    permutation: NDArray[np.intp]
    scale: NDArray[np.float64]
    cosine: NDArray[np.float64]


def match_parts(A: ArrayLike, B: ArrayLike) -> Match:
    """Pair the columns of two dictionaries so that the cosines add up highest.

    Parameters
    ----------
    A, B
        (features, rank) each. B may have more columns than A, not fewer.

    Returns
    -------
    Match
        permutation, scale (least squares, B to A) and cosine per column of A.

    Raises
    ------
    InputProblem
        If the shapes do not go together or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.eye(3)[:, :2]
    >>> match_parts(A, 2 * A[:, ::-1]).permutation.tolist()
    [1, 0]
    """
    first, second = _columns(A, "A"), _columns(B, "B")
    if first.shape[0] != second.shape[0] or second.shape[1] < first.shape[1]:
        raise InputProblem(
            f"A has shape {first.shape} and B {second.shape}",
            argument="B",
            fix="both need the same rows, and B at least as many columns",
        )
    first, unit_first = _in_own_unit(first)
    second, unit_second = _in_own_unit(second)
    norm_first = np.linalg.norm(first, axis=0)
    norm_second = np.linalg.norm(second, axis=0)
    inner = first.T @ second
    norms = np.outer(norm_first, norm_second)
    cosine = np.divide(inner, norms, out=np.zeros_like(inner), where=norms > 0)
    rows, columns = linear_sum_assignment(-cosine)
    squares = norm_second[columns] ** 2
    chosen = inner[rows, columns]
    scale = np.divide(chosen, squares, out=np.zeros_like(chosen), where=squares > 0)
    with np.errstate(over="ignore"):
        scale = np.ldexp(scale, unit_first[rows] - unit_second[columns])
    return Match(columns, scale, np.clip(cosine[rows, columns], -1, 1))


def _in_own_unit(columns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Columns with a largest value near 1, and the powers of 2 that they were divided by."""
    powers = np.frexp(np.abs(columns).max(axis=0, initial=0.0))[1]
    return np.ldexp(columns, -powers), powers


def _columns(value: ArrayLike, argument: str) -> NDArray[Any]:
    array = numbers(value, argument, np.float64)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise InputProblem(
            f"{argument} must be a finite matrix, got shape {array.shape}",
            argument=argument,
            fix="give features x parts",
        )
    return array
