"""Where in the body, and how does it change? Three linked slices, and the curve of one voxel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSlider

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.viewers.crossing import (
    paint_anchor,
    paint_cross,
    paint_gray_scale,
    paint_letters,
)
from partwise_app.viewers.maps import packed_table
from partwise_app.viewers.overlays import paint_badge, paint_message, small_font
from partwise_app.viewers.plotting import Plot, Series, number, series_of
from partwise_app.viewers.slices import PLANES, Plane, Voxel, blended, shaded
from partwise_app.viewers.uptake import Curve, paint_curves
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["VolumeView"]

Volume = NDArray[Any]

_MARGIN, _GAP, _FOOT = 8.0, 6.0, 40.0
_LOOKED_AT = 200_000  # voxels from which the ends of the grey scale are found
_AT_ONCE = 50_000_000  # values up to which the mean of all frames is kept
_ZOOM, _CLOSEST = 1.25, 12.0
_MAP = packed_table("viridis")
_OUTSIDE = 0.35  # brightness of what lies outside of the region
_LEAST_CURVE = 150.0  # px of width below which no curve is drawn
_KEYS = mark(
    "Arrows move the cross in the slice last pointed at, Page up and down go through the slices, "
    "comma and full stop through the frames, A sets an anchor at the cross"
)


class VolumeView(Plot):
    """A ``"volume"`` view; see `partwise.result.View` for its arrays and options.

    Click or drag moves the cross; wheel goes through the slices, Ctrl and wheel zooms; the right
    button, dragged, changes the grey scale: across its width, up and down its level.
    """

    voxel_changed = Signal(int, int, int)
    """The cross stands at z, y, x."""
    curve_read = Signal(object)
    """Values over time at the cross, shape (frames,)."""
    frame_changed = Signal(int)
    """A frame is shown; -1 is the mean of all."""
    anchor_clicked = Signal(int, int, int)
    """A voxel was clicked while anchors are set, or ``A`` was pressed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: Volume = np.empty((0, 0, 0, 0))
        self._images: Volume | None = None
        self._tops: NDArray[np.float64] = np.empty(0)
        self._series: tuple[Series, ...] = ()
        self._profiles: tuple[NDArray[np.float64], ...] = ()
        self._planes: tuple[Plane, ...] = ()
        self._axes: tuple[Axis, ...] = ()
        self._options: Mapping[str, Any] = {}
        self._times: NDArray[np.float64] = np.empty(0)
        self._weights: NDArray[np.float64] = np.empty(0)
        self._mean: Volume | None = None
        self._time = Axis("time", 0, "s")
        self._window = (0.0, 1.0)
        self._voxel = Voxel(0, 0, 0)
        self._anchors: tuple[tuple[Voxel, str], ...] = ()
        self._anchoring = False
        self._region: Volume | None = None
        self._zoom_factor = 1.0
        self._active = 0
        self._drag: tuple[Qt.MouseButton, QPointF, tuple[float, float]] | None = None
        self._pictures: dict[int, tuple[object, QImage]] = {}
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setAccessibleName(tr("Frame"))
        self._slider.setToolTip(tr("Frame; at the left end the mean of all"))
        self._slider.valueChanged.connect(self._on_slid)
        self._slider.hide()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 280)
        self.setAccessibleName(tr("Volume"))

    def sizeHint(self) -> QSize:
        return QSize(720, 560)

    # What is shown

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        given = view.arrays.get("values")
        values = given if given is not None else np.empty((0, 0, 0))
        timed = values.ndim == 4
        values = values if timed else values[None]
        other = values.shape != self._values.shape
        fresh = other or values.ctypes.data != self._values.ctypes.data
        self._values, self._options = values, view.options
        if not values.size:
            self._planes = ()
            self.update()
            return
        shape = (values.shape[1], values.shape[2], values.shape[3])
        axes = view.axes[1:] if timed and len(view.axes) == 4 else view.axes
        self._axes = axes if len(axes) == 3 else tuple(Axis(n, 0, "px") for n in "zyx")
        self._time = view.axes[0] if timed and len(view.axes) == 4 else Axis("time", len(values))
        spacing = tuple(abs(axis.step) or 1.0 for axis in self._axes)
        orientation = str(view.options.get("orientation", ""))
        self._planes = tuple(
            Plane(name, shape, (spacing[0], spacing[1], spacing[2]), orientation) for name in PLANES
        )
        self._take_frames(view)
        if fresh:
            small = values.size <= _AT_ONCE
            self._mean = self._mean_of(values) if small else None
        self._take_parts(view, parts, strips, shape)
        if fresh:
            self._window = self._whole_window(view)
        if other:  # else a new run of the same series: the hand stays where it is
            self._voxel = Voxel(*(size // 2 for size in shape))
            self._slider.blockSignals(True)
            self._slider.setRange(0, len(values))
            self._slider.setValue(0)
            self._slider.blockSignals(False)
        self._slider.setVisible(timed and len(values) > 1)
        self._pictures = {}
        self.setAccessibleName(view.title)
        names = ", ".join(series.name for series in self._series)
        words = tr("Axial, coronal and sagittal slices")
        words += tr(", with {names}", names=names) if names else ""
        self.setAccessibleDescription(f"{words}. {tr(_KEYS)}")
        self.update()

    @property
    def voxel(self) -> Voxel:
        """Where the cross stands."""
        return self._voxel

    def set_voxel(self, voxel: Sequence[int]) -> None:
        """Move the cross, kept within the volume; all three slices follow."""
        if not self._planes:
            return
        shape = self._planes[0].shape
        kept = Voxel(*(min(max(int(v), 0), n - 1) for v, n in zip(voxel, shape, strict=True)))
        if kept == self._voxel:
            return
        self._voxel = kept
        self.voxel_changed.emit(*kept)
        self.curve_read.emit(self.curve())
        self.update()

    def curve(self) -> NDArray[np.float64]:
        """Return the values over time at the cross, shape (frames,)."""
        z, y, x = self._voxel
        return np.asarray(self._values[:, z, y, x], dtype=np.float64)

    @property
    def frame(self) -> int:
        """The frame shown; -1 for the mean of all."""
        return self._slider.value() - 1 if len(self._values) > 1 else 0

    def set_frame(self, frame: int) -> None:
        """Show a frame; -1 shows the mean of all, by their durations where they are known."""
        self._slider.setValue(frame + 1)

    @property
    def gray_window(self) -> tuple[float, float]:
        """Values that are drawn black and white."""
        return self._window

    def set_gray_window(self, low: float, high: float) -> None:
        """Draw `low` black and `high` white."""
        self._window = (low, max(high, low + 1e-12))
        self.update()

    def set_anchors(self, anchors: Sequence[tuple[Sequence[int], str]]) -> None:
        """Mark voxels (z, y, x) with rings of a colour."""
        self._anchors = tuple((Voxel(*(int(v) for v in at)), color) for at, color in anchors)
        self.update()

    def set_region(self, region: Volume | None) -> None:
        """Darken what lies outside of a region, bool (z, y, x); None for no region."""
        fits = region is not None and bool(self._planes) and region.shape == self._planes[0].shape
        self._region = region if fits else None
        self._pictures = {}
        self.update()

    def set_anchoring(self, on: bool) -> None:
        """Let a click set an anchor rather than move the cross."""
        self._anchoring = on
        self.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    def fit(self) -> None:
        """Show all of every slice."""
        self._zoom_to(1.0)

    def zoom_in(self) -> None:
        """Look closer at the cross."""
        self._zoom_to(self._zoom_factor * _ZOOM)

    def zoom_out(self) -> None:
        """Step back from the cross."""
        self._zoom_to(self._zoom_factor / _ZOOM)

    # Where things are

    def panes(self) -> list[QRectF]:
        """Return the places of the axial, coronal and sagittal slice, and of the curve.

        Axial stands over coronal and beside it sagittal, so that each shares an axis with its
        neighbour; the curve takes what is left.
        """
        room = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_FOOT)
        (wide, deep), (_, tall) = self._planes[0].size, self._planes[1].size
        scale = min(
            (room.width() - _GAP) / (wide + deep), max(room.height() - _GAP, 1.0) / (deep + tall)
        )
        left, top = room.left(), room.top()
        low = top + deep * scale + _GAP
        right = left + wide * scale + _GAP
        return [
            QRectF(left, top, wide * scale, deep * scale),
            QRectF(left, low, wide * scale, tall * scale),
            QRectF(right, low, deep * scale, tall * scale),
            QRectF(right, top, room.right() - right, deep * scale),
        ]

    def _picture_rect(self, place: int, pane: QRectF) -> QRectF:
        """Return where all of a slice would lie; larger than its pane where it is zoomed."""
        wide, tall = pane.width() * self._zoom_factor, pane.height() * self._zoom_factor
        across, down = self._planes[place].to_screen(self._voxel)
        left = min(max(pane.center().x() - across * wide, pane.right() - wide), pane.left())
        top = min(max(pane.center().y() - down * tall, pane.bottom() - tall), pane.top())
        return QRectF(left, top, wide, tall)

    def _voxel_at(self, spot: QPointF, place: int | None = None) -> tuple[int, Voxel] | None:
        if not self._planes:
            return None
        panes = self.panes()
        for k, pane in enumerate(panes[:3]):
            if k == place or (place is None and pane.contains(spot)):
                whole = self._picture_rect(k, pane)
                across = (spot.x() - whole.left()) / whole.width()
                down = (spot.y() - whole.top()) / whole.height()
                return k, self._planes[k].to_voxel(across, down, self._voxel)
        return None

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        if not self._planes:
            words = tr("No volume to show")
            paint_message(painter, QRectF(self.rect()), words, "", self.tokens, plate=False)
            painter.end()
            return
        panes = self.panes()
        for place, pane in enumerate(panes[:3]):
            self._paint_slice(painter, place, pane)
        painter.setFont(small_font(self.font()))
        if panes[3].width() >= _LEAST_CURVE and len(self._values) > 1:
            paint_curves(
                painter,
                panes[3],
                self._curves(),
                self._time,
                str(self._options.get("unit", "")),
                self.frame,
                self.tokens,
                log=bool(self._options.get("log_time")),
            )
        self._paint_foot(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self.tokens.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_slice(self, painter: QPainter, place: int, pane: QRectF) -> None:
        plane, whole = self._planes[place], self._picture_rect(place, pane)
        painter.save()
        painter.setClipRect(pane)
        painter.fillRect(pane, QColor("#000000"))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(whole, self._picture_of(place))
        paint_cross(painter, pane, _spot(plane, self._voxel, whole))
        for voxel, color in self._anchors:
            far = abs(voxel[plane.through] - self._voxel[plane.through])
            if far <= 1:
                paint_anchor(painter, _spot(plane, voxel, whole), color, near=far == 1)
        painter.setFont(small_font(self.font()))
        paint_letters(painter, pane, plane.letters())
        axis = self._axes[plane.through]
        at = axis.start + self._voxel[plane.through] * axis.step
        where = f"{number(at, 4)} mm" if axis.unit == "mm" else f"{self._voxel[plane.through] + 1}"
        painter.setFont(self.font())
        words = f"{plane.name.capitalize()} {where}"
        paint_badge(painter, pane.adjusted(-6, -6, 0, 0), words, self.tokens, right=False)
        painter.restore()

    def _paint_foot(self, painter: QPainter) -> None:
        """The grey scale with its ends, and the frame's words beside the slider."""
        metrics = QFontMetricsF(painter.font())
        line = self.height() - _FOOT / 2
        unit = str(self._options.get("unit", ""))
        low, high = number(self._window[0]), f"{number(self._window[1])} {unit}".strip()
        colors = _MAP if self._options.get("map") else None
        paint_gray_scale(painter, _MARGIN, line, low, high, self.tokens, colors)
        if self._slider.isVisible():
            words = self._frame_words()
            wide = metrics.horizontalAdvance(words)
            painter.setPen(QColor(self.tokens.text))
            baseline = line + metrics.ascent() / 2 - 1
            painter.drawText(QPointF(self.width() - _MARGIN - wide, baseline), words)

    def _picture_of(self, place: int) -> QImage:
        plane = self._planes[place]
        index = self._voxel[plane.through]
        colors = tuple((series.place, series.color) for series in self._series)
        state = (index, self.frame, self._window, colors)
        known = self._pictures.get(place)
        if known is not None and known[0] == state:
            return known[1]
        frame = self.frame
        if frame < 0:
            if self._mean is not None:
                cut = plane.cut(self._mean, index)
            else:
                cut = self._mean_of(plane.cut(self._values, index))
        else:
            cut = plane.cut(self._values[frame], index)
        gray = shaded(cut, *self._window)
        if self._options.get("map"):
            return self._keep(place, state, _MAP[(gray * np.float32(255)).astype(np.intp)])
        if self._region is not None and self._region.shape == plane.shape:
            gray = np.where(plane.cut(self._region, index), gray, gray * np.float32(_OUTSIDE))
        overlays = []
        if self._images is not None:
            for series in self._series:
                strength = shaded(
                    plane.cut(self._images[series.place], index), 0.0, self._tops[series.place]
                )
                ink = QColor(series.color)
                overlays.append((strength, (ink.red(), ink.green(), ink.blue())))
        return self._keep(place, state, blended(gray, overlays))

    def _keep(self, place: int, state: object, pixels: NDArray[np.uint32]) -> QImage:
        pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
        self._pictures[place] = (state, image)
        return image

    def _curves(self) -> Curve:
        z, y, x = self._voxel
        each = []
        if self._images is not None:
            for series in self._series:
                profile = self._profiles[series.place]
                if profile.size == len(self._times):
                    strength = float(self._images[series.place, z, y, x])
                    each.append((series.name, series.color, profile * strength))
        return Curve(self._times, self.curve(), tuple(each))

    # Hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        found = self._voxel_at(event.position())
        if found is None:
            return
        self._active = found[0]
        self._drag = (event.button(), event.position(), self._window)
        if event.button() == Qt.MouseButton.LeftButton:
            if self._anchoring:
                self.anchor_clicked.emit(*found[1])
            else:
                self.set_voxel(found[1])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        if self._drag is not None and self._drag[0] == Qt.MouseButton.RightButton:
            _, start, (low, high) = self._drag
            span = (high - low) * 1.01 ** (spot.x() - start.x())
            level = (low + high) / 2 + (spot.y() - start.y()) / 200 * (high - low)
            self.set_gray_window(level - span / 2, level + span / 2)
        elif self._drag is not None and not self._anchoring:
            found = self._voxel_at(spot, self._active)
            if found is not None:
                self.set_voxel(found[1])
        found = self._voxel_at(spot)
        self.read.emit(self.reading(found[1]) if found is not None else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom_to(self._zoom_factor * _ZOOM ** (turned / 120))
        else:
            found = self._voxel_at(event.position())
            self._active = found[0] if found is not None else self._active
            self._step(
                self._planes[self._active].through if self._planes else 0, 1 if turned > 0 else -1
            )
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plane = self._planes[self._active] if self._planes else None
        if plane is None:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            by = 1 if key == Qt.Key.Key_Right else -1
            self._step(plane.across, -by if plane.flipped(plane.across) else by)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            by = 1 if key == Qt.Key.Key_Down else -1
            self._step(plane.down, -by if plane.flipped(plane.down) else by)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self._step(plane.through, 1 if key == Qt.Key.Key_PageUp else -1)
        elif key in (Qt.Key.Key_Comma, Qt.Key.Key_Period):
            self._slider.setValue(self._slider.value() + (1 if key == Qt.Key.Key_Period else -1))
        elif key == Qt.Key.Key_A:
            self.anchor_clicked.emit(*self._voxel)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key == Qt.Key.Key_Minus:
            self.zoom_out()
        elif key == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        words = QFontMetricsF(small_font(self.font())).horizontalAdvance(
            "Frame 100 of 100 · 1,000–1,000 min"
        )
        left = 250
        self._slider.setGeometry(
            left,
            int(self.height() - _FOOT / 2 - 11),
            max(int(self.width() - left - words - 24), 60),
            22,
        )
        super().resizeEvent(event)

    def reading(self, voxel: Voxel) -> tuple[str, ...]:
        """Return words about a voxel in the frame shown: where it is, its value, its parts."""
        at = [axis.start + v * axis.step for axis, v in zip(self._axes, voxel, strict=True)]
        unit = str(self._options.get("unit", ""))
        if all(axis.unit == "mm" for axis in self._axes):
            where = f"x {at[2]:.1f}  y {at[1]:.1f}  z {at[0]:.1f} mm".replace("-", "−")
        else:
            where = f"x {voxel.x + 1}  y {voxel.y + 1}  z {voxel.z + 1}"
        course = self._values[:, voxel.z, voxel.y, voxel.x]
        value = float(course @ self._weights) if self.frame < 0 else float(course[self.frame])
        words = [where, f"{number(value, 4)} {unit}".strip()]
        if self._images is not None:
            words += [
                f"{s.name} {number(float(self._images[s.place, voxel.z, voxel.y, voxel.x]))}"
                for s in self._series[:4]
            ]
        return tuple(words)

    # Within

    def _take_frames(self, view: View) -> None:
        count = len(self._values)
        times, lasting = view.arrays.get("times"), view.arrays.get("durations")
        if times is not None and np.size(times) == count:
            self._times = np.asarray(times, np.float64).ravel()
        else:
            steps = np.arange(count, dtype=np.float64)
            self._times = np.asarray(self._time.start + self._time.step * steps, np.float64)
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
        self._series = series_of(count, view, parts, strips) if count else ()
        self._profiles = tuple(np.asarray(p.profile, np.float64).ravel() for p in parts[:count])
        self._profiles += (np.empty(0),) * (count - len(self._profiles))
        self._tops = np.array([_ends(image)[1] for image in images] if images is not None else [])

    def _whole_window(self, view: View) -> tuple[float, float]:
        given = view.options.get("window")
        if given is not None:
            return float(given[0]), float(given[1])
        flat = self._values.reshape(len(self._values), -1)
        seen = flat[:, :: max(1, flat.shape[1] // _LOOKED_AT)]
        low, high = _ends(np.nan_to_num(self._weights @ seen))
        # What is counted begins at zero, also where noise took a few below it.
        return (0.0 if low > -0.05 * high else low), max(high, low + 1e-12)

    def _frame_words(self) -> str:
        count, frame = len(self._values), self.frame
        if frame < 0:
            return tr("Mean of {count} frames", count=count)
        unit = self._time.unit
        return f"Frame {frame + 1} of {count} · {number(float(self._times[frame]))} {unit}".strip()

    def _on_slid(self) -> None:
        self.frame_changed.emit(self.frame)
        self.update()

    def _step(self, axis: int, by: int) -> None:
        moved = list(self._voxel)
        moved[axis] += by
        self.set_voxel(moved)

    def _zoom_to(self, factor: float) -> None:
        self._zoom_factor = min(max(factor, 1.0), _CLOSEST)
        self.update()


def _spot(plane: Plane, voxel: Voxel, whole: QRectF) -> QPointF:
    across, down = plane.to_screen(voxel)
    return QPointF(whole.left() + across * whole.width(), whole.top() + down * whole.height())


def _ends(values: Volume) -> tuple[float, float]:
    """The values that all but one voxel in 500 exceed, and that only one in 500 exceeds."""
    flat = values.reshape(-1)
    seen = flat[:: max(1, flat.size // _LOOKED_AT)]
    finite = seen[np.isfinite(seen)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.quantile(finite, (0.002, 0.998))
    return float(low), float(high)
