"""How much of what is seen in a tissue's core lies outside of it, brought there by blur?

Dim surroundings take signal from a thin wall and leave no trace in its curve. The edge tells:
where blur meets a straight edge, half of the signal is left, however wide the blur is. So the
body of tissue and blood is what exceeds half of its full amount, and the blur of what lies beyond
is worked out (as a geometric transfer matrix does for drawn regions: Rousset, Ma, Evans, J. Nucl.
Med. 39, 1998). An error of the width counts for the outer side of a wall alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, zoom

__all__ = ["Edge"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FWHM = 2 * np.sqrt(2 * np.log(2))
_FINER, _LARGE = 3, 500_000  # cells per voxel and axis; voxels beyond which there is one
_HALF = 0.5
_REACH_MM = 12.0  # around a core: what lies further away is hardly seen in it


class Edge:
    """Where tissue and blood end around a core.

    Parameters
    ----------
    share : float64, shape (voxels,)
        Of tissue and blood together, 1 deep within; beyond the mask all goes on as at its rim.
    mask : bool, shape (z, y, x)
    columns : int array
        The core, as columns of `share`.
    spacing_mm : (z, y, x)
    """

    def __init__(
        self,
        share: Array,
        mask: Mask,
        columns: NDArray[np.intp],
        spacing_mm: Sequence[float],
    ) -> None:
        self._spacing = spacing_mm
        at = np.stack(np.unravel_index(np.flatnonzero(mask)[columns], mask.shape))
        pad = [int(np.ceil(_REACH_MM / step)) for step in spacing_mm]
        low = [int(a.min()) - p for a, p in zip(at, pad, strict=True)]
        high = [int(a.max()) + p + 1 for a, p in zip(at, pad, strict=True)]
        volume = np.zeros(mask.shape)
        volume[mask] = share
        piece = _cut(volume, low, high)
        known = _cut(mask.astype(np.float64), low, high) > 0
        if not known.all():
            nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
            piece = piece[tuple(nearest)]
        self._at = tuple(a - n for a, n in zip(at, low, strict=True))
        self._finer = _FINER if piece.size <= _LARGE else 1
        within = zoom(piece, self._finer, order=1, grid_mode=True, mode="nearest") > _HALF
        self._within = within.astype(np.float32)

    def outside(self, width_mm: float) -> float:
        """Return the mean share in the core of what lies beyond, for a blur of a width (FWHM)."""
        seen = self._within
        for axis, step in enumerate(self._spacing):
            along = _weights(seen.shape[axis], self._finer, width_mm / _FWHM / step)
            seen = np.moveaxis(np.tensordot(along, seen, axes=(1, axis)), 0, axis)
        return float(np.clip(1 - seen[self._at].mean(), 0, 1))


def _cut(volume: Array, low: Sequence[int], high: Sequence[int]) -> Array:
    """A box of a volume; zero where it reaches beyond."""
    inside = tuple(
        slice(max(a, 0), min(b, n)) for a, b, n in zip(low, high, volume.shape, strict=True)
    )
    around = [(s.start - a, b - s.stop) for s, a, b in zip(inside, low, high, strict=True)]
    return np.asarray(np.pad(volume[inside], around))


def _weights(cells: int, finer: int, sigma: float) -> NDArray[np.float32]:
    """How much each cell counts at the middle of each voxel, shape (voxels, cells)."""
    at = (np.arange(cells) + 0.5) / finer - 0.5
    made = np.exp(-0.5 * ((np.arange(cells // finer)[:, None] - at) / max(sigma, 0.2)) ** 2)
    return np.asarray(made / made.sum(axis=1, keepdims=True), np.float32)
