"""What is tied to what, how strongly, and where were the nodes put? Read from a view's arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise.result import View
from partwise_app.viewers.net import CLASSES

__all__ = ["FEW", "Ties", "levels_of", "ties_of", "unit_square"]

FEW = 24  # ties up to which each bears its amount

Ties = NDArray[np.intp]


def ties_of(view: View) -> tuple[Ties, NDArray[np.float64], int]:
    """Each tie once, with its weight, and the number of nodes."""
    adjacency = view.arrays.get("adjacency")
    if adjacency is not None:
        table = np.abs(np.nan_to_num(np.asarray(adjacency, dtype=np.float64)))
        both = np.triu(np.maximum(table, table.T), 1)
        i, j = np.nonzero(both)
        return np.stack([i, j], axis=1), both[i, j], len(table)
    edges = np.asarray(view.arrays.get("edges", np.empty((0, 2))), np.intp).reshape(-1, 2)
    weights = np.asarray(view.arrays.get("weights", np.ones(len(edges))), np.float64)
    named = len(view.axes[0].labels) or view.axes[0].size if view.axes else 0
    count = max(named, int(edges.max(initial=-1)) + 1, len(view.arrays.get("group", ())))
    apart = edges[:, 0] != edges[:, 1]
    return edges[apart], np.abs(np.nan_to_num(weights))[apart], count


def levels_of(weights: NDArray[np.float64]) -> Ties:
    """Class of strength of each tie, the weakest 0: of few by amount, of many by rank."""
    if len(weights) <= FEW:
        most = float(weights.max(initial=0.0)) or 1.0
        # Each of few ties is worth being seen, so none is of the faintest classes.
        return np.clip(weights / most * CLASSES, 2, CLASSES - 1).astype(np.intp)
    ranks = np.argsort(np.argsort(weights, kind="stable"), kind="stable")
    return np.asarray(ranks * CLASSES // len(ranks), dtype=np.intp)


def unit_square(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit given places into the unit square, their proportions kept; y grows upwards."""
    places = np.nan_to_num(places) * (1, -1)
    low, high = places.min(axis=0), places.max(axis=0)
    span = float((high - low).max()) or 1.0
    return np.asarray((places - (low + high) / 2) / span + 0.5)
