"""Which synergies of many trials are the same? k-means over activations, checked on muscles.

As in musclesyneRgies (Santuz, 2022): clusters of low-passed activations; how many, by where the
curve of what they explain becomes a line; and beside them clusters of the weights, whose
agreement tells whether synergies that act alike are of the same muscles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.signal
from numpy.typing import NDArray

from partwise.api import line_rule

__all__ = ["Classes", "classify"]

Array = NDArray[np.floating[Any]]

_CORNER = 0.1  # of the Nyquist frequency of a cycle
_STARTS = 20
_MOST = 10


@dataclass(frozen=True, eq=False)
class Classes:
    """Synergies of all trials in classes.

    Attributes
    ----------
    label : int64, shape (synergies of all trials,)
        Class of each, from 0, in the order in which classes act in the cycle.
    W : float64, shape (muscles, classes)
        Mean of unit columns.
    H : float64, shape (classes, points)
        Mean activation, each scaled to a maximum of 1 before.
    explained : tuple of float
        Share of the scatter of activations that 1, 2, … classes explain.
    agreement : float
        Share of synergies whose class by activation is also their class by weights.
    """

    label: NDArray[np.int64]
    W: NDArray[np.float64]
    H: NDArray[np.float64]
    explained: tuple[float, ...]
    agreement: float


def classify(Ws: Sequence[Array], Hs: Sequence[Array], seed: int = 0) -> Classes:
    """Put the synergies of several trials into classes.

    Parameters
    ----------
    Ws : sequence of ndarray, shape (muscles, synergies)
    Hs : sequence of ndarray, shape (synergies, points)
        Mean cycles of one length.
    seed : int
    """
    W = np.concatenate([np.asarray(each, np.float64).T for each in Ws])
    H = np.concatenate([np.asarray(each, np.float64) for each in Hs])
    W = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-12)
    H = H / np.maximum(H.max(axis=1, keepdims=True), 1e-12)
    smooth = _lowpassed(H)
    most = min(_MOST, len(H) - 1, max(2 * max(len(each) for each in Hs), 2))
    total = float(((smooth - smooth.mean(axis=0)) ** 2).sum())
    labels, curve = [], []
    for count in range(1, max(most, 1) + 1):
        label, within = _kmeans(smooth, count, seed)
        labels.append(label)
        curve.append(1 - within / total if total > 0 else 1.0)
    count = line_rule(list(range(1, len(curve) + 1)), curve, 1e-3) if len(curve) > 2 else 1
    # Never fewer than a usual trial has: two synergies of one trial are two.
    count = min(max(count, int(np.median([len(each) for each in Hs]))), len(curve))
    label = _in_time(labels[count - 1], smooth)
    found = range(int(label.max()) + 1)
    by_weight, _ = _kmeans(W, len(found), seed)
    table = np.array([[((label == a) & (by_weight == b)).sum() for b in found] for a in found])
    rows, columns = scipy.optimize.linear_sum_assignment(-table)
    return Classes(
        label,
        np.stack([W[label == k].mean(axis=0) for k in found], axis=1),
        np.stack([H[label == k].mean(axis=0) for k in found]),
        tuple(curve),
        float(table[rows, columns].sum() / len(label)),
    )


def _lowpassed(H: Array) -> NDArray[np.float64]:
    """Smooth around the cycle, whose end is its beginning."""
    sos = scipy.signal.butter(4, _CORNER, output="sos")
    three = np.concatenate([H, H, H], axis=1)
    points = H.shape[1]
    return np.asarray(scipy.signal.sosfiltfilt(sos, three, axis=1)[:, points : 2 * points])


def _kmeans(points: Array, count: int, seed: int) -> tuple[NDArray[np.int64], float]:
    """The best of several starts: labels and the scatter within."""
    best: tuple[float, NDArray[np.int64]] | None = None
    for start in range(_STARTS):
        rng = np.random.default_rng([seed, 13, count, start])
        middle = _spread(points, count, rng)
        for _ in range(60):
            away = ((points[:, None] - middle[None]) ** 2).sum(axis=2)
            label = away.argmin(axis=1)
            moved = np.stack(
                [
                    points[label == k].mean(axis=0) if (label == k).any() else middle[k]
                    for k in range(count)
                ]
            )
            if np.allclose(moved, middle):
                break
            middle = moved
        within = float(away.min(axis=1).sum())
        if best is None or within < best[0] - 1e-12:
            best = within, label.astype(np.int64)
    assert best is not None
    return best[1], best[0]


def _spread(points: Array, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Begin at points far from one another (k-means++, Arthur and Vassilvitskii, 2007)."""
    chosen = [points[int(rng.integers(len(points)))]]
    for _ in range(count - 1):
        away = np.min([((points - each) ** 2).sum(axis=1) for each in chosen], axis=0)
        total = float(away.sum())
        place = int(rng.choice(len(points), p=away / total)) if total > 0 else 0
        chosen.append(points[place])
    return np.stack(chosen)


def _in_time(label: NDArray[np.int64], H: Array) -> NDArray[np.int64]:
    """Number classes by when they act."""
    used = sorted(set(label.tolist()))
    when = {k: float(H[label == k].mean(axis=0).argmax()) for k in used}
    order = {k: place for place, k in enumerate(sorted(used, key=lambda k: when[k]))}
    return np.array([order[k] for k in label.tolist()], dtype=np.int64)
