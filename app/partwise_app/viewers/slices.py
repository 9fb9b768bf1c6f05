"""Which way round is a volume shown, and where does a click in it lie? Pure geometry, no Qt.

Slices are shown as radiologists look at them: the patient's right on the left, front on top of
an axial slice and on the left of a sagittal one, head on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["AXIAL", "CORONAL", "PLANES", "SAGITTAL", "Plane", "Voxel", "blended", "shaded"]

_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))
_FIRST = "RAS"  # the ends that are shown on the left and on top
_ALONG = {"axial": "SAR", "coronal": "ASR", "sagittal": "RSA"}  # through, down, across
_AS_STORED = {"S": 0, "A": 1, "R": 2}  # where no file says it: z to the head, y back, x across
AXIAL, CORONAL, SAGITTAL = PLANES = ("axial", "coronal", "sagittal")
_OVER = 0.75  # opacity of a part where it is strongest


class Voxel(NamedTuple):
    """A place in a volume, by index."""

    z: int
    y: int
    x: int


@dataclass(frozen=True)
class Plane:
    """One of three slices through a volume.

    Attributes
    ----------
    name : {"axial", "coronal", "sagittal"}
    shape : (z, y, x)
        Of the volume, in voxels.
    spacing : (z, y, x)
        Of the voxels, in mm.
    orientation : str
        Where index grows along x, y and z, as ``"LPS"`` or ``"RAS"``; empty where not known.
    """

    name: str
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    orientation: str = ""

    @property
    def through(self) -> int:
        """Axis of the volume that the slices are stacked along."""
        return self._axis(0)

    @property
    def down(self) -> int:
        """Axis of the volume that runs down the screen."""
        return self._axis(1)

    @property
    def across(self) -> int:
        """Axis of the volume that runs across the screen."""
        return self._axis(2)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in mm."""
        return (
            self.shape[self.across] * self.spacing[self.across],
            self.shape[self.down] * self.spacing[self.down],
        )

    def letters(self) -> tuple[str, str, str, str]:
        """Return what lies left, right, on top and below; empty where not known."""
        ends = []
        for axis in (self.across, self.down):
            letter = self._letter(axis)
            first = letter if letter in _FIRST else _OPPOSITE.get(letter, "")
            ends += [first, _OPPOSITE.get(first, "")]
        return ends[0], ends[1], ends[2], ends[3]

    def flipped(self, axis: int) -> bool:
        """Whether index falls from left to right, or from top to bottom."""
        letter = self._letter(axis)
        return letter in _FIRST if letter else axis == 0

    def cut(self, volume: NDArray[Any], index: int) -> NDArray[Any]:
        """Return a slice as it is shown, shape (down, across); further axes come first."""
        offset = volume.ndim - 3
        cut = np.take(volume, index, axis=offset + self.through)
        if self.down > self.across:  # stored slice by slice across another direction
            cut = np.swapaxes(cut, -1, -2)
        if self.flipped(self.down):
            cut = np.flip(cut, axis=-2)
        return np.flip(cut, axis=-1) if self.flipped(self.across) else cut

    def to_screen(self, voxel: Sequence[int]) -> tuple[float, float]:
        """Return where the middle of a voxel lies, as shares of width and height."""
        return self._share(voxel, self.across), self._share(voxel, self.down)

    def to_voxel(self, across: float, down: float, voxel: Voxel) -> Voxel:
        """Return the voxel at shares of width and height; the slice is that of `voxel`."""
        found = list(voxel)
        for axis, share in ((self.across, across), (self.down, down)):
            along = 1 - share if self.flipped(axis) else share
            found[axis] = min(max(int(along * self.shape[axis]), 0), self.shape[axis] - 1)
        return Voxel(*found)

    def _share(self, voxel: Sequence[int], axis: int) -> float:
        share = (voxel[axis] + 0.5) / self.shape[axis]
        return 1 - share if self.flipped(axis) else share

    def _axis(self, place: int) -> int:
        wanted = _ALONG[self.name][place]
        letters = self.orientation.upper()
        ends = [letter if letter in _FIRST else _OPPOSITE.get(letter, "") for letter in letters]
        # A scan may be stored along any of the body's directions; the name follows the body.
        return 2 - ends.index(wanted) if sorted(ends) == sorted(_FIRST) else _AS_STORED[wanted]

    def _letter(self, axis: int) -> str:
        return self.orientation[2 - axis].upper() if len(self.orientation) == 3 else ""


def shaded(cut: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """Return a slice as brightness, 0 at `low` and below, 1 at `high`; missing values are dark."""
    span = max(high - low, 1e-30)
    bright = (np.nan_to_num(cut).astype(np.float32) - np.float32(low)) / np.float32(span)
    return np.asarray(np.clip(bright, 0, 1))


def blended(
    gray: NDArray[np.float32],
    overlays: Sequence[tuple[NDArray[np.float32], tuple[int, int, int]]],
) -> NDArray[np.uint32]:
    """Return brightness with parts in their colours over it, as 0xffRRGGBB.

    Parameters
    ----------
    gray : ndarray, shape (down, across)
        0 to 1.
    overlays : sequence of (strength, (red, green, blue))
        Strength like `gray`: how much of the colour covers.
    """
    pixels = np.repeat(gray[None] * np.float32(255), 3, axis=0)
    for strength, color in overlays:
        cover = strength * np.float32(_OVER)
        pixels += cover * (np.array(color, np.float32)[:, None, None] - pixels)
    red, green, blue = (pixels + np.float32(0.5)).astype(np.uint32)
    return np.ascontiguousarray(0xFF000000 | red << 16 | green << 8 | blue, dtype=np.uint32)
