"""Which columns speak for all of them?"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.given import plain

__all__ = ["cut_columns", "few_columns"]

_RUN = 64  # neighbours drawn together: a cache line of each row, and more


def few_columns(number: int, limit: int, rng: np.random.Generator) -> NDArray[np.intp] | None:
    """Return about `limit` of `number` column indices, increasing and spread evenly.

    None where all columns are no more than twice as many: then a sample saves
    little. Neighbouring columns are drawn in short runs, one at a random place
    in each stretch of the data.
    """
    if number <= 2 * limit:
        return None
    run = min(_RUN, limit)
    edges = np.linspace(0, number - run, max(1, limit // run) + 1)
    first = (edges[:-1] + rng.random(edges.size - 1) * np.maximum(np.diff(edges) - run, 0)).astype(
        np.intp
    )
    return np.asarray((first[:, None] + np.arange(run)).ravel(), dtype=np.intp)


def cut_columns(X: Any, weights: Any, picks: NDArray[np.intp] | None) -> tuple[Any, Any]:
    """Return X and its weights (per entry, row or column) at some columns, or as they are."""
    if picks is None:
        return X, weights
    data: Any = sp.csc_array(X)[:, picks] if bool(sp.issparse(X)) else plain(X)[:, picks]
    if weights is None or weights.shape[1] == 1:
        return data, weights
    return data, weights[:, picks]
