"""Where is a factor seen purest? Its core, the region that stands beside its curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, label, uniform_filter

__all__ = ["Core", "bright_level", "cores_of", "smoothed"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEW, _MANY = 12, 60  # voxels of a core
_TOP, _TOP_FEW = 0.995, 24  # quantile; voxels
_BRIGHT = 0.5  # of the strongest amounts: a core is no dim fringe


@dataclass(frozen=True, eq=False)
class Core:
    """Where a factor is purest.

    Attributes
    ----------
    columns : int array
        Of X.
    purity : float
        Share of the amounts there that are this factor's.
    thin : bool
        No voxel of the pool around has the pool on all sides: partial volume.
    """

    columns: NDArray[np.intp]
    purity: float
    thin: bool


def cores_of(
    H: Array,
    mask: Mask,
    anchors: Sequence[NDArray[np.intp]],
    W: Array,
    only: int | None = None,
) -> tuple[Core, ...]:
    """Return where each factor is purest.

    A few clicks are too few to measure by: the purest voxels join them. Many anchors, a region
    that a person drew, are the core themselves.

    Parameters
    ----------
    H : float64, shape (factors, voxels)
    mask : bool, shape (z, y, x)
    anchors : sequence of int arrays
        Columns of H, per factor.
    W : float64, shape (frames, factors)
        Their lengths say how much a factor counts beside others.
    only : int, optional
        The one factor that is asked for; its anchors alone are then its core, if it has any.
    """
    amounts = smoothed(H, mask)
    size = np.linalg.norm(W, axis=0)[:, None]
    share = amounts * size / np.maximum((amounts * size).sum(axis=0), 1e-30)
    found = []
    for k in range(len(H)) if only is None else (only,):
        given = anchors[k] if k < len(anchors) else np.empty(0, np.intp)
        columns = given
        if not given.size or (only is None and given.size < _MANY):
            columns = np.union1d(given, _purest(amounts[k], share[k], mask)).astype(np.intp)
        found.append(
            Core(columns, float(share[k][columns].mean()), _is_thin(amounts[k], columns, mask))
        )
    return tuple(found)


def _purest(amount: Array, share: Array, mask: Mask) -> NDArray[np.intp]:
    top = bright_level(amount)
    bright = amount > _BRIGHT * top if top > 0 else np.ones(amount.size, bool)
    score = np.where(bright, share * amount / max(top, 1e-30), 0.0)
    count = int(np.clip(0.15 * bright.sum(), _FEW, _MANY))
    best = np.argsort(-score, kind="stable")[: 2 * count]
    # Of the best voxels the largest piece: one pool, not specks of several.
    volume = np.zeros(mask.shape, bool)
    places = np.flatnonzero(mask)
    volume.ravel()[places[best]] = True
    pieces, number = label(volume, np.ones((3, 3, 3)))
    if number > 1:
        sizes = np.bincount(pieces.ravel())[1:]
        inside = pieces.ravel()[places[best]] == 1 + int(sizes.argmax())
        if inside.sum() >= _FEW:
            best = best[inside]
    return np.sort(best[:count]).astype(np.intp)


def _is_thin(amount: Array, columns: NDArray[np.intp], mask: Mask) -> bool:
    """Whether what is brighter than half the core goes when one voxel is peeled off."""
    level = 0.5 * float(amount[columns].mean())
    volume = np.zeros(mask.shape, bool)
    volume[mask] = amount > level
    flat = np.flatnonzero(mask)[columns]
    inner = binary_erosion(volume, np.ones((3, 3, 3), bool), border_value=1)
    return bool(inner.ravel()[flat].mean() < 0.25)


def bright_level(amount: Array) -> float:
    """Return how much a factor has where it is brightest.

    In a head a fixed share of all voxels would be more than all vessels together.
    """
    high = float(np.quantile(amount, _TOP))
    if amount.size <= _TOP_FEW:
        return high
    return max(high, float(np.partition(amount, -_TOP_FEW)[-_TOP_FEW]))


def smoothed(X: Array, mask: Mask, size: int = 3) -> Array:
    """Return the mean of each voxel and its neighbours within the mask, frame by frame."""
    inside = np.maximum(uniform_filter(mask.astype(np.float64), size), 1e-9)[mask]
    made = np.empty_like(X)
    volume = np.zeros(mask.shape)
    for k, frame in enumerate(X):
        volume[mask] = frame
        made[k] = uniform_filter(volume, size)[mask] / inside
    return np.maximum(made, 0, out=made)
