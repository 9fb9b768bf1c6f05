"""How many factors does a series hold? Residual against count, and agreement of two halves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from partwise_pet.factors import tight_factors
from partwise_pet.question import Question

__all__ = ["Counted", "count_factors"]

Array = NDArray[np.float64]

_MOST = 3_000  # voxels that are looked at
_AGREE = 0.97  # cosine of the least alike pair of weighted curves
_GAIN = 0.01  # of the residual: less is not worth a factor


@dataclass(frozen=True)
class Counted:
    """What each count gains and how well two halves of the voxels agree on it.

    Attributes
    ----------
    rank : tuple of int
    residual : tuple of float
        Length of the weighted residual over that of the data.
    agreement : tuple of float
        Lowest cosine between the curves of both halves.
    chosen : int
    why : str
    """

    rank: tuple[int, ...]
    residual: tuple[float, ...]
    agreement: tuple[float, ...]
    chosen: int
    why: str


def count_factors(
    question: Question,
    least: int,
    most: int,
    on_done: Callable[[int, int], bool],
    alive: Callable[[], bool] | None = None,
) -> Counted:
    """Try counts from `least` to `most`; `on_done` hears each, and ends the search with False."""
    halves = _halves(question)
    ranks, residuals, agreements = [], [], []
    for number, rank in enumerate(range(least, most + 1)):
        if not on_done(number, most - least + 1):
            break
        # Anchors of more factors than are tried have nobody to belong to.
        found = [tight_factors(replace(half, rank=rank), alive) for half in halves]
        one, other = (_unit(each.W * half.root) for each, half in zip(found, halves, strict=True))
        likeness = one.T @ other
        rows, columns = linear_sum_assignment(-likeness)
        left = [
            np.linalg.norm((half.X - each.W @ each.H) * half.root)
            / np.linalg.norm(half.X * half.root)
            for each, half in zip(found, halves, strict=True)
        ]
        ranks.append(rank)
        residuals.append(float(np.mean(left)))
        agreements.append(float(likeness[rows, columns].min()))
    return _chosen(ranks, residuals, agreements)


def _chosen(ranks: list[int], residuals: list[float], agreements: list[float]) -> Counted:
    told = tuple(ranks), tuple(residuals), tuple(agreements)
    if not ranks:
        return Counted(*told, 3, "nothing was tried")
    steady = [
        k
        for k in range(len(ranks))
        if agreements[k] >= _AGREE and (k == 0 or residuals[k] < residuals[k - 1] * (1 - _GAIN))
    ]
    if steady:
        best = steady[-1]
        why = "the most that both halves of the voxels agree on and that still explain more"
    else:
        best = int(np.argmax(agreements))
        why = "no count is found alike in both halves of the voxels; this one is most alike"
    return Counted(*told, ranks[best], why)


def _halves(question: Question) -> tuple[Question, Question]:
    """Every other voxel, as on a chessboard, so that both see the same organs."""
    z, y, x = np.nonzero(question.mask)
    odd = (z + y + x) % 2 == 1
    keep = np.ones(odd.size, bool)
    if odd.size > 2 * _MOST:
        rng = np.random.default_rng([question.seed, 3])
        keep[:] = False
        keep[rng.choice(odd.size, 2 * _MOST, replace=False)] = True
    found = []
    for side in (odd, ~odd):
        columns = np.flatnonzero(side & keep)
        mask = np.zeros(question.mask.shape, bool)
        mask[z[columns], y[columns], x[columns]] = True
        found.append(replace(question, X=question.X[:, columns], mask=mask, anchors=(), start=None))
    return found[0], found[1]


def _unit(W: Array) -> Array:
    return np.asarray(W / np.maximum(np.linalg.norm(W, axis=0), 1e-30))
