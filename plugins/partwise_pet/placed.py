"""Does a mask lie on the series voxel by voxel, mirrored, or somewhere else?

Programs store one and the same grid in different directions: a mask that was drawn on a converted
or reoriented copy counts its voxels from the other side. What the affines say of both is believed,
so that such a mask is turned to the series and not taken for its mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Placed", "placed"]

Affine = NDArray[np.float64]
Shape = tuple[int, int, int]

_NEAR = 0.75  # of a voxel: formats round, and some count from the corner of a voxel


@dataclass(frozen=True)
class Placed:
    """How to bring a volume (x, y, z) to the voxels of a series.

    Attributes
    ----------
    axes : tuple of int
        Which of its axes stands for x, y and z.
    flipped : tuple of int
        Axes to reverse after that.
    apart_mm : float
        How far the affines put one voxel apart, where no turning makes them one; 0 where it does.
    """

    axes: tuple[int, ...] = (0, 1, 2)
    flipped: tuple[int, ...] = ()
    apart_mm: float = 0.0

    def turned(self, volume: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a volume (z, y, x) in the order of the series, (z, y, x) too."""
        return np.flip(volume.T.transpose(self.axes), self.flipped).T

    def note(self, name: str) -> str:
        """Say what is odd about where a file lies; empty where nothing is."""
        if not self.apart_mm:
            return ""
        return (
            f"{name} says that it lies up to {self.apart_mm:.0f} mm from the series; it was taken "
            "voxel by voxel, as it is stored."
        )


def placed(own: Affine | None, shape: Shape, series: Affine | None, wanted: Shape) -> Placed:
    """Return how a volume lies on a series.

    Parameters
    ----------
    own, series : float64, shape (4, 4), or None
        From indices x, y, z to mm; None where no file says it.
    shape, wanted : (x, y, z)
        How many voxels both have.
    """
    if own is None or series is None or not (_says(own) and _says(series)):
        return Placed()
    ends = np.array(np.meshgrid(*[(0.0, n - 1.0) for n in wanted])).reshape(3, -1)
    step = np.linalg.solve(own, series)  # from indices of the series to those of the volume
    turn = np.rint(step[:3, :3])
    if (np.abs(turn).sum(axis=0) == 1).all() and (np.abs(turn).sum(axis=1) == 1).all():
        axes = tuple(int(k) for k in np.abs(turn).argmax(axis=0))
        flipped = tuple(k for k in range(3) if turn[axes[k], k] < 0)
        first = np.array([wanted[k] - 1.0 if k in flipped else 0.0 for k in range(3)])
        off = step[:3, :3] @ ends + step[:3, 3:] - turn @ (ends - first[:, None])
        if tuple(shape[k] for k in axes) == wanted and np.abs(off).max() < _NEAR:
            return Placed(axes, flipped)
    here, there = (each[:3, :3] @ ends + each[:3, 3:] for each in (series, own))
    return Placed(apart_mm=float(np.linalg.norm(here - there, axis=0).max()))


def _says(affine: Affine) -> bool:
    """Whether an affine tells of a place: that of bare indices is what a program makes up."""
    known = np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 0
    return bool(known) and not np.array_equal(affine, np.eye(4))
