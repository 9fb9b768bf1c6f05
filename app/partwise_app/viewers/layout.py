"""Where do nodes lie, so that those who are tied are near one another? Springs, without Qt.

Springs pull tied nodes together, all nodes push one another away, and the whole cools down
(Fruchterman and Reingold 1991). Beyond a few hundred nodes the push of far ones is that of their
cell's centre. The springs' pull grows with the logarithm of the distance, which sets
communities apart (Noack 2007).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["spring_layout"]

Places = NDArray[np.float64]
Loads = NDArray[np.float64]

_EXACT = 500  # nodes up to which every pair is looked at
_CELLS = 20  # along each side
_STEPS = 100
_FALL = 1.6  # power of the distance with which the push falls: 1 reaches far, 2 stays near
_HOLD = 0.3  # pull towards the middle, so that what is tied to nothing does not leave
_GOLDEN = np.pi * (3 - np.sqrt(5))


def spring_layout(
    count: int,
    edges: NDArray[np.intp],
    weights: NDArray[Any],
    groups: NDArray[np.intp] | None = None,
) -> Places:
    """Return places of nodes in the unit square; the same graph lies the same way each time.

    Parameters
    ----------
    count : int
        Number of nodes.
    edges : ndarray of int, shape (edges, 2)
    weights : ndarray, shape (edges,)
        0 or more.
    groups : ndarray of int, shape (count,), optional
        Communities: where the search begins.

    Returns
    -------
    ndarray, shape (count, 2)
    """
    places = _beginning(count, groups)
    if count < 2:
        return np.full((count, 2), 0.5)
    reach = 1 / np.sqrt(count)
    i, j = (edges[:, 0], edges[:, 1]) if len(edges) else (np.empty(0, np.intp),) * 2
    pull = np.asarray(weights, float) / max(float(np.mean(weights)) if len(weights) else 1, 1e-30)
    tied = np.bincount(i, pull, count) + np.bincount(j, pull, count)
    load: Loads = 1 + tied / max(float(tied.mean()), 1e-30)
    pull = pull / max(len(edges) / count, 1.0) * 3
    for step in range(_STEPS):
        force = _push(places, load, step) * reach ** (1 + _FALL)
        along = places[j] - places[i]
        far = np.sqrt((along**2).sum(axis=1)) + 1e-12
        drawn = along * (pull * np.log1p(far / reach) * reach / far)[:, None]
        for axis in (0, 1):
            force[:, axis] += np.bincount(i, drawn[:, axis], count)
            force[:, axis] -= np.bincount(j, drawn[:, axis], count)
        force -= _HOLD * reach * (places - places.mean(axis=0)) * load[:, None]
        size = np.sqrt((force**2).sum(axis=1)) + 1e-12
        heat = 0.08 * (1 - step / _STEPS) ** 1.5 + 1e-4
        places = places + force / size[:, None] * np.minimum(size, heat)[:, None]
    low, high = places.min(axis=0), places.max(axis=0)
    span = float((high - low).max()) or 1.0
    return np.asarray((places - (low + high) / 2) / span + 0.5)


def _beginning(count: int, groups: NDArray[np.intp] | None) -> Places:
    """A sunflower, or one for each group around a circle."""
    at = np.arange(count)
    places = np.empty((count, 2))
    if groups is None or len(np.unique(groups)) < 2:
        radius = 0.5 * np.sqrt((at + 0.5) / max(count, 1))
        return np.stack([radius * np.cos(at * _GOLDEN), radius * np.sin(at * _GOLDEN)], axis=1)
    kinds = np.unique(groups)
    for k, kind in enumerate(kinds):
        members = np.flatnonzero(groups == kind)
        turn = 2 * np.pi * k / len(kinds)
        order = np.arange(len(members))
        radius = 0.5 * np.sqrt((order + 0.5) / count)
        places[members, 0] = 0.5 * np.cos(turn) + radius * np.cos(order * _GOLDEN)
        places[members, 1] = 0.5 * np.sin(turn) + radius * np.sin(order * _GOLDEN)
    return places


def _push(places: Places, load: Loads, step: int) -> Places:
    """Push of all others on each node by their loads, falling with the distance."""
    if len(places) <= _EXACT:
        sources, strength, soft = places, load, 1e-4 / len(places)
    else:
        sources, strength, soft = _cells(places, load, step)
    dx = places[:, :1] - sources[None, :, 0]
    dy = places[:, 1:] - sources[None, :, 1]
    share = strength[None, :] / (dx * dx + dy * dy + soft) ** ((1 + _FALL) / 2)
    push = np.stack([(dx * share).sum(axis=1), (dy * share).sum(axis=1)], axis=1)
    return np.asarray(push * load[:, None])


def _cells(places: Places, load: Loads, step: int) -> tuple[Places, Loads, float]:
    low = places.min(axis=0)
    side = max(float((places.max(axis=0) - low).max()), 1e-9) / (_CELLS - 1)
    # The grid lies elsewhere each time, or nodes would gather along its lines.
    shift = np.modf(step * np.array([0.7549, 0.5698]))[0]
    cell = np.clip((places - low + shift * side) // side, 0, _CELLS - 1).astype(np.intp)
    number = cell[:, 0] * _CELLS + cell[:, 1]
    total: Loads = np.bincount(number, load, _CELLS**2).astype(np.float64)
    full = np.flatnonzero(total > 0)
    middles = [np.bincount(number, load * places[:, k], _CELLS**2)[full] for k in (0, 1)]
    centres = np.stack(middles, axis=1) / total[full][:, None]
    # Within its own cell a node is pushed from the centre, softly: it is part of it.
    return centres, total[full], 0.1 * side**2
