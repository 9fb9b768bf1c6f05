"""Could this difference be chance?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import numbers

__all__ = ["PermutationTest", "benjamini_hochberg", "permutation_test"]

Array = NDArray[Any]
Statistic = Callable[[Array, NDArray[np.intp]], ArrayLike]
_BATCH = 1 << 22  # entries of permuted statistics held at once


@dataclass(frozen=True)
class PermutationTest:
    """How often relabelled data show as much.

    Attributes
    ----------
    statistic
        The statistic of the labels as they are, one per entry.
    p
        Two-sided p-value per entry.
    adjusted
        The same, adjusted for the number of entries so that rejecting those at
        or below q keeps the expected share of false ones at q.
    permutations
        How many relabellings were looked at.
    exact
        Whether these were all there are.
    """

    statistic: NDArray[np.float64]
    p: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    permutations: int
    exact: bool


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for their number (false discovery rate).

    Benjamini and Hochberg (J. R. Stat. Soc. B 57, 1995). NaN stays NaN and is
    not counted. Any shape.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    values = numbers(p, "p", np.float64)
    known = np.isfinite(values)
    if ((values[known] < 0) | (values[known] > 1)).any():
        raise InputProblem("p holds values outside 0 to 1", argument="p", fix="give p-values")
    flat = values[known]
    order = np.argsort(flat)[::-1]
    rank = np.arange(flat.size, 0, -1)
    adjusted = np.empty_like(flat)
    adjusted[order] = np.minimum.accumulate(np.minimum(flat[order] * (flat.size / rank), 1))
    out = np.full(values.shape, np.nan)
    out[known] = adjusted
    return out


def permutation_test(
    values: ArrayLike,
    labels: ArrayLike,
    *,
    statistic: Statistic | None = None,
    permutations: int = 9999,
    seed: int = 0,
) -> PermutationTest:
    """Compare two groups entry by entry by exchanging their labels.

    Parameters
    ----------
    values
        (observations, ...) one row per person, side or recording. Observations
        must be exchangeable if nothing distinguishes the groups: several rows
        of one person are not.
    labels
        (observations,) with two distinct values; the second in sorted order
        minus the first is the sign of the difference.
    statistic
        Function of (values, labels as 0 and 1) that returns a number or an
        array; large absolute values speak against chance. By default the
        difference of means, per entry.
    permutations
        Random relabellings; where there are no more than that in all, every
        one is looked at, and p is exact.
    seed
        Makes the relabellings repeatable.

    Returns
    -------
    PermutationTest

    Notes
    -----
    Among random relabellings the given labels count as one, so that p is never
    0 (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).

    Examples
    --------
    >>> test = permutation_test([1.0, 2.0, 3.0, 11.0, 12.0, 13.0], list("aaabbb"))
    >>> float(test.statistic), float(test.p), test.exact
    (10.0, 0.1, True)
    """
    data, group = _checked(values, labels)
    if permutations < 1:
        raise InputProblem(
            f"permutations must be at least 1, got {permutations}",
            argument="permutations",
            fix="try 9999",
        )
    total = comb(group.size, int(group.sum()))
    exact = total <= permutations
    relabelled = _every(group) if exact else _some(group, permutations, np.random.default_rng(seed))
    if statistic is None:
        found, extreme, count = _means(data, group, relabelled)
    else:
        found, extreme, count = _any(data, group, relabelled, statistic)
    p = extreme / count if exact else (extreme + 1) / (count + 1)
    return PermutationTest(found, p, benjamini_hochberg(p), count, exact)


def _checked(values: ArrayLike, labels: ArrayLike) -> tuple[Array, NDArray[np.intp]]:
    data = numbers(values, "values", np.float64)
    given = np.asarray(labels)
    if data.ndim < 1 or given.shape != data.shape[:1]:
        raise InputProblem(
            f"labels have shape {given.shape} for values of shape {data.shape}",
            argument="labels",
            fix="give one label per observation",
        )
    if not np.isfinite(data).all():
        raise InputProblem(
            "values hold NaN or infinite entries",
            argument="values",
            fix="leave those observations or entries out",
        )
    if np.ma.is_masked(labels):
        raise InputProblem(
            "labels are masked", argument="labels", fix="leave those observations out"
        )
    names, group = np.unique(given, return_inverse=True)
    if names.size != 2:
        raise InputProblem(
            f"labels name {names.size} groups", argument="labels", fix="compare two groups"
        )
    return data, np.asarray(group, dtype=np.intp)


def _every(group: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for chosen in combinations(range(group.size), int(group.sum())):
        labels = np.zeros(group.size, dtype=np.intp)
        labels[list(chosen)] = 1
        yield labels


def _some(
    group: NDArray[np.intp], number: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    for _ in range(number):
        yield rng.permutation(group)


def _means(
    data: Array, group: NDArray[np.intp], relabelled: Iterator[NDArray[np.intp]]
) -> tuple[Array, Array, int]:
    """Differences of means of many relabellings at once: one product each batch."""
    flat = data.reshape(group.size, -1)
    ones = int(group.sum())
    # Centred, so that the product does not cancel; a difference does not notice.
    flat = flat - flat.mean(axis=0)

    def contrast(labels: Array) -> Array:
        return np.where(labels == 1, 1 / ones, -1 / (group.size - ones))

    found = contrast(group) @ flat
    bar = np.abs(found) * (1 - 1e-12) - 1e-14 * np.abs(flat).max(axis=0, initial=0)
    extreme = np.zeros(flat.shape[1])
    count = 0
    size = max(1, _BATCH // max(1, flat.shape[1], group.size))
    batch: list[NDArray[np.intp]] = []
    for labels in relabelled:
        batch.append(labels)
        if len(batch) == size:
            extreme += (np.abs(contrast(np.stack(batch)) @ flat) >= bar).sum(axis=0)
            count += len(batch)
            batch = []
    if batch:
        extreme += (np.abs(contrast(np.stack(batch)) @ flat) >= bar).sum(axis=0)
        count += len(batch)
    shape = data.shape[1:]
    return found.reshape(shape), extreme.reshape(shape), count


def _any(
    data: Array,
    group: NDArray[np.intp],
    relabelled: Iterator[NDArray[np.intp]],
    statistic: Statistic,
) -> tuple[Array, Array, int]:
    found = np.asarray(statistic(data, group), dtype=np.float64)
    bar = np.abs(found) * (1 - 1e-12)
    extreme = np.zeros(found.shape)
    count = 0
    for labels in relabelled:
        extreme += np.abs(np.asarray(statistic(data, labels), dtype=np.float64)) >= bar
        count += 1
    return found, extreme, count
