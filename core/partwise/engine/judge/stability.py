"""Do the same parts come back when the fit begins elsewhere?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.judge.match import match_parts

__all__ = ["chance_level", "part_stability"]

Array = NDArray[Any]


def part_stability(reference: Array, others: Sequence[Array]) -> NDArray[np.float64]:
    """Return (runs, rank): the cosine of each part with its like in each other run.

    Parameters
    ----------
    reference
        (features, rank) the parts that are asked about.
    others
        Dictionaries of the same shape from other starts. Their parts are
        paired with the reference by the assignment of highest total cosine.
    """
    rank = reference.shape[1]
    if not others:
        return np.empty((0, rank))
    return np.stack([match_parts(reference, other).cosine for other in others])


def chance_level(reference: Array, rng: np.random.Generator, shuffles: int = 40) -> float:
    """Return the mean matched cosine that unrelated parts reach by chance (95th percentile).

    Nonnegative vectors of few features are alike by nature: the parts are
    matched with copies whose features are shuffled, part by part.
    """
    levels = [
        match_parts(reference, rng.permuted(reference, axis=0)).cosine.mean()
        for _ in range(shuffles)
    ]
    return float(np.percentile(levels, 95))
