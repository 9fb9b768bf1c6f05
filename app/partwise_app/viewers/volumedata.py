"""What does a volume view hold, and what is seen of it at a voxel, in a slice, in a frame?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.viewers.maps import packed_table
from partwise_app.viewers.plotting import Series, number, series_of
from partwise_app.viewers.slices import (
    AXIAL,
    CORONAL,
    PLANES,
    SAGITTAL,
    Plane,
    Voxel,
    blended,
    shaded,
)
from partwise_app.viewers.uptake import Amount, Curve
from partwise_app.words import tr

__all__ = ["Contents"]

Volume = NDArray[Any]

_LOOKED_AT = 200_000  # voxels from which the ends of the grey scale are found
_AT_ONCE = 50_000_000  # values up to which the mean of all frames is kept
_MAP = packed_table("viridis")
_SIDES = ("RL", "AP", "SI")  # where millimetres along an axis of the body are above and below zero
_NOTHING = 1e-4  # of a part's strongest: less is what a fit leaves where there is none
_OUTSIDE = 0.35  # brightness of what lies outside of the region


class Contents:
    """The arrays of a ``"volume"`` view with their parts; nothing here is drawn.

    Attributes
    ----------
    values : (frames, z, y, x)
    planes : tuple of Plane
        Axial, coronal, sagittal; empty where there is no volume.
    axes : tuple of Axis
        z, y, x.
    time : Axis
    times : float64, shape (frames,)
    series : tuple of Series
        Parts that are shown over the slices.
    options : mapping
    """

    def __init__(self) -> None:
        self.values: Volume = np.empty((0, 0, 0, 0))
        self.planes: tuple[Plane, ...] = ()
        self.axes: tuple[Axis, ...] = ()
        self.time = Axis("time", 0, "s")
        self.times: NDArray[np.float64] = np.empty(0)
        self.series: tuple[Series, ...] = ()
        self.options: Mapping[str, Any] = {}
        self.title = ""
        self._affine: NDArray[np.float64] | None = None
        self._images: Volume | None = None
        self._tops: NDArray[np.float64] = np.empty(0)
        self._profiles: tuple[NDArray[np.float64], ...] = ()
        self._weights: NDArray[np.float64] = np.empty(0)
        self._mean: Volume | None = None
        self._inside: Volume | None = None

    def take(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> tuple[bool, bool]:
        """Hold a view; say whether its values are other ones, and of another shape."""
        given = view.arrays.get("values")
        values = given if given is not None else np.empty((0, 0, 0))
        timed = values.ndim == 4
        values = values if timed else values[None]
        other = values.shape != self.values.shape
        fresh = other or values.ctypes.data != self.values.ctypes.data
        self.values, self.options, self.title = values, view.options, view.title
        if not values.size:
            self.planes = ()
            return fresh, other
        shape = (values.shape[1], values.shape[2], values.shape[3])
        axes = view.axes[1:] if timed and len(view.axes) == 4 else view.axes
        self.axes = axes if len(axes) == 3 else tuple(Axis(n, 0, "px") for n in "zyx")
        self.time = view.axes[0] if timed and len(view.axes) == 4 else Axis("time", len(values))
        spacing = tuple(abs(axis.step) or 1.0 for axis in self.axes)
        orientation = str(view.options.get("orientation", ""))
        told = view.options.get("affine")
        self._affine = np.asarray(told, np.float64) if orientation and told is not None else None
        self.planes = tuple(
            Plane(name, shape, (spacing[0], spacing[1], spacing[2]), orientation) for name in PLANES
        )
        inside = view.arrays.get("inside")
        self._inside = inside if inside is not None and inside.shape == shape else None
        self._take_frames(view)
        if fresh:
            mean = view.arrays.get("mean")
            if mean is None or mean.shape != shape:
                mean = self._mean_of(values) if values.size <= _AT_ONCE else None
            self._mean = mean
        self._take_parts(view, parts, strips, shape)
        return fresh, other

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return str(self.options.get("unit", ""))

    @property
    def colors(self) -> NDArray[np.uint32] | None:
        """Colours of a map, 0xffRRGGBB from low to high; None for greys."""
        return _MAP if self.options.get("map") else None

    def window(self) -> tuple[float, float]:
        """Return the values to draw black and white at first."""
        given = self.options.get("window")
        if given is not None:
            return float(given[0]), float(given[1])
        if self._mean is not None:
            low, high = _ends(self._mean)
        else:
            flat = self.values.reshape(len(self.values), -1)
            seen = flat[:, :: max(1, flat.shape[1] // _LOOKED_AT)]
            low, high = _ends(np.nan_to_num(self._weights @ seen))
        # What is counted begins at zero, also where noise took a few below it.
        return (0.0 if low > -0.05 * high else low), max(high, low + 1e-12)

    def curve(self, voxel: Voxel) -> NDArray[np.float64]:
        """Return the values over time of a voxel, shape (frames,)."""
        return np.asarray(self.values[:, voxel.z, voxel.y, voxel.x], dtype=np.float64)

    def curves(self, voxel: Voxel) -> Curve:
        """Return the same with what each part makes of it."""
        each = []
        if self._images is not None:
            for series in self.series:
                profile = self._profiles[series.place]
                if profile.size == len(self.times):
                    strength = float(self._images[series.place, voxel.z, voxel.y, voxel.x])
                    each.append((series.name, series.color, profile * strength))
        return Curve(self.times, self.curve(voxel), tuple(each))

    def pixels(
        self,
        place: int,
        voxel: Voxel,
        frame: int,
        window: tuple[float, float],
        region: Volume | None,
    ) -> NDArray[np.uint32]:
        """Return a slice through a voxel as it is drawn, 0xffRRGGBB.

        Parameters
        ----------
        place : int
            Of the plane.
        voxel, frame
            -1 is the mean of all frames.
        window : (low, high)
        region : bool, shape (z, y, x), or None
            What lies outside is darker.
        """
        plane = self.planes[place]
        index = voxel[plane.through]
        gray = shaded(self._cut(plane, index, frame), *window)
        outside = None
        if region is not None and region.shape == plane.shape:
            outside = ~plane.cut(region, index)
        if self.colors is not None:
            pixels = self.colors[(gray * np.float32(255)).astype(np.intp)]
            known = self._inside is None or plane.cut(self._inside, index)
            return np.asarray(np.where(known, pixels, np.uint32(0xFF000000)))
        if outside is not None:
            gray = np.where(outside, gray * np.float32(_OUTSIDE), gray)
        overlays = []
        if self._images is not None:
            for series in self.series:
                top = self._tops[series.place]
                strength = shaded(plane.cut(self._images[series.place], index), 0.0, top)
                ink = QColor(series.color)
                overlays.append((strength, (ink.red(), ink.green(), ink.blue())))
        return blended(gray, overlays)

    def reading(self, voxel: Voxel, frame: int) -> tuple[str, ...]:
        """Return words about a voxel in a frame: where it is, its value, its parts."""
        where = self.place(voxel)
        told = self.amounts(voxel, frame)
        words = [where, told[0].words]
        return (*words, *(f"{each.name} {each.words}" for each in told[1:5]))

    def amounts(self, voxel: Voxel, frame: int) -> tuple[Amount, ...]:
        """Return the value at a voxel in a frame, and how much of each part is there."""
        course = self.values[:, voxel.z, voxel.y, voxel.x]
        value = float(course @ self._weights) if frame < 0 else float(course[frame])
        found = [Amount(tr("Value"), "", f"{number(value, 4)} {self.unit}".strip())]
        if self._images is not None:
            for series in self.series:
                amount = float(self._images[series.place, voxel.z, voxel.y, voxel.x])
                nothing = abs(amount) < _NOTHING * self._tops[series.place]
                words = number(0.0 if nothing else amount)
                found.append(Amount(series.name, series.color, words, amount))
        return tuple(found)

    def place(self, voxel: Voxel) -> str:
        """Return where a voxel lies: in the body where the file says it, else by its axes."""
        if self._affine is not None:
            return "  ".join(_beside(at, k) for k, at in enumerate(self._in_body(voxel))) + " mm"
        if all(axis.unit == "mm" for axis in self.axes):
            at = [axis.start + v * axis.step for axis, v in zip(self.axes, voxel, strict=True)]
            return f"x {at[2]:.1f}  y {at[1]:.1f}  z {at[0]:.1f} mm".replace("-", "−")
        return f"x {voxel.x + 1}  y {voxel.y + 1}  z {voxel.z + 1}"

    def depth(self, place: int, voxel: Voxel) -> str:
        """Return where the slice of a plane through a voxel lies."""
        plane = self.planes[place]
        if self._affine is not None:
            along = (SAGITTAL, CORONAL, AXIAL).index(plane.name)
            return f"{_beside(self._in_body(voxel)[along], along)} mm"
        axis = self.axes[plane.through]
        if axis.unit == "mm":
            return f"{number(axis.start + voxel[plane.through] * axis.step, 4)} mm"
        return f"{voxel[plane.through] + 1}"

    def frame_words(self, frame: int) -> str:
        """Return which frame is shown, and when it was taken."""
        count = len(self.values)
        if frame < 0:
            return tr("Mean of {count} frames", count=count)
        at = number(float(self.times[frame]))
        return f"Frame {frame + 1} of {count} · {at} {self.time.unit}".strip()

    # Within

    def _in_body(self, voxel: Voxel) -> NDArray[np.float64]:
        """Millimetres to the right, to the front and to the head."""
        assert self._affine is not None
        return np.asarray(self._affine[:3] @ (voxel.x, voxel.y, voxel.z, 1.0))

    def _cut(self, plane: Plane, index: int, frame: int) -> Volume:
        if frame >= 0:
            return plane.cut(self.values[frame], index)
        if self._mean is not None:
            return plane.cut(self._mean, index)
        return self._mean_of(plane.cut(self.values, index))

    def _take_frames(self, view: View) -> None:
        count = len(self.values)
        times, lasting = view.arrays.get("times"), view.arrays.get("durations")
        if times is not None and np.size(times) == count:
            self.times = np.asarray(times, np.float64).ravel()
        else:
            steps = np.arange(count, dtype=np.float64)
            self.times = np.asarray(self.time.start + self.time.step * steps, np.float64)
        self._weights = np.full(count, 1 / count, np.float64)
        if lasting is not None and np.size(lasting) == count and np.sum(lasting) > 0:
            shares = np.asarray(lasting, np.float64).ravel()
            self._weights = np.asarray(shares / float(shares.sum()), np.float64)

    def _mean_of(self, values: Volume) -> Volume:
        # In the type of the values, which are not copied for it.
        weights = self._weights.astype(values.dtype if values.dtype.kind == "f" else np.float32)
        return np.asarray(np.tensordot(weights, values, axes=1))

    def _take_parts(
        self,
        view: View,
        parts: Sequence[Part],
        strips: Sequence[Strip],
        shape: tuple[int, int, int],
    ) -> None:
        images = view.arrays.get("images")
        if (
            images is None
            and not view.options.get("map")
            and parts
            and all(p.course is not None and p.course.size == int(np.prod(shape)) for p in parts)
        ):
            images = np.stack([np.reshape(np.asarray(p.course), shape) for p in parts])
        count = len(images) if images is not None else 0
        self._images = images
        self.series = series_of(count, view, parts, strips) if count else ()
        self._profiles = tuple(np.asarray(p.profile, np.float64).ravel() for p in parts[:count])
        self._profiles += (np.empty(0),) * (count - len(self._profiles))
        self._tops = np.array([_ends(image)[1] for image in images] if images is not None else [])


def _beside(at: float, along: int) -> str:
    """A place on an axis of the body, by the side it lies on: "R 12.0"."""
    at = round(at, 1)
    return f"{_SIDES[along][int(at < 0)]} {abs(at):.1f}"


def _ends(values: Volume) -> tuple[float, float]:
    """The values that all but one voxel in 500 exceed, and that only one in 500 exceeds."""
    flat = values.reshape(-1)
    seen = flat[:: max(1, flat.size // _LOOKED_AT)]
    finite = seen[np.isfinite(seen)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.quantile(finite, (0.002, 0.998))
    return float(low), float(high)
