"""What was measured: an array or a pyramid, its axes with units, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.data.fingerprint import InputFile
from partwise.data.pyramid import Pyramid

__all__ = ["Axis", "Dataset"]


@dataclass(frozen=True)
class Axis:
    """One axis of an array.

    Attributes
    ----------
    name : str
        Such as ``"x"``, ``"time"``, ``"channel"``.
    size : int
    unit : str
        Unit of `step` and `start`; ``"px"`` where only the index is known.
    step, start : float
        Position of index i is ``start + i * step``.
    labels : tuple of str
        Names of the entries of a categorical axis, else empty.
    """

    name: str
    size: int
    unit: str = ""
    step: float = 1.0
    start: float = 0.0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """One measurement as every analysis receives it.

    Attributes
    ----------
    kind : str
        ``"image"``, ``"sound"``, ``"traces"``, ``"volume"`` or ``"table"``.
    title : str
        What to call it on screen, usually the file's name.
    axes : tuple of Axis
        In the order of the array's dimensions.
    values : ndarray or None
        The measurement in memory; None where it is read piece by piece from `pyramid`.
    pyramid : Pyramid or None
        An image of any size, read by tiles.
    source : InputFile or None
        Fingerprint of the file; None for data made in memory.
    meta : mapping
        Further facts of the file, JSON types only (vendor, magnification, microns per pixel).
    beside : tuple of InputFile
        Further files of its folder that were read with it, such as a sidecar, or the other slices
        of a series.
    """

    kind: str
    title: str
    axes: tuple[Axis, ...]
    values: NDArray[np.generic] | None = None
    pyramid: Pyramid | None = None
    source: InputFile | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[InputFile, ...] = ()

    def axis(self, name: str) -> Axis:
        """Return the axis called `name`; raises `KeyError`."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise KeyError(name)
