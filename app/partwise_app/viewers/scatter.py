"""Where do the pixels lie, and where do the parts point? A scatter with rays to drag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.overlays import paint_message, small_font
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise.data.dataset import Axis
    from partwise.project.document import Strip
    from partwise.result import Part, View

__all__ = ["ScatterView"]

_TIP = 6.5  # px, radius of a ray's tip
_REACH = 12.0  # px around a tip that grab it
_STRETCH = 3.0  # most that one of two axes of the same unit is stretched against the other
_TURN = math.radians(0.5)  # per arrow key
_FAR = 99.7  # percentile of the points that the axes reach: a few outliers must not shrink the rest


class ScatterView(QWidget):
    """Points with one ray per part; a ray's tip can be dragged, or turned by the arrow keys."""

    ray_moved = Signal(str, object)
    """Key of the part and its new direction ``(dx, dy)``, of length 1, in the axes' units."""
    ray_released = Signal(str)
    """The hand has let go of a part's ray."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: NDArray[np.float64] = np.empty((0, 2))
        self._rays: dict[str, tuple[float, float]] = {}
        self._names: dict[str, tuple[str, str]] = {}  # name and colour
        self._locked: set[str] = set()
        self._cones: dict[str, float] = {}  # half angle in the axes' units, radians
        self._axes: tuple[Axis, ...] = ()
        self._low = (0.0, 0.0)
        self._high = (1.0, 1.0)
        self._cloud = QImage()
        self._held: str | None = None
        self._chosen: str | None = None
        self._tokens = DARK
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 90)
        self.setAccessibleName(tr("Scatter"))
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(260, 170)

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self._cloud = QImage()
        self.update()

    def set_view(
        self, view: View | None, parts: Sequence[Part] = (), strips: Sequence[Strip] = ()
    ) -> None:
        """Show a ``"scatter"`` view; names, colours and locks come from the strips.

        Parameters
        ----------
        view : View or None
            ``points`` (n, 2) and optionally ``rays`` (parts, 2); two axes. With the option
            ``spread`` (degrees, one per ray) each ray lies in the cone of its uncertainty. None
            empties the plot.
        parts : sequence of Part
            In the order of the rays.
        strips : sequence of Strip
        """
        chosen = {strip.key: strip for strip in strips}
        points = np.asarray(view.arrays.get("points", ()) if view else (), float).reshape(-1, 2)
        self._points = points[np.isfinite(points).all(axis=1)]
        self._axes = view.axes if view else ()
        rays = np.asarray(view.arrays.get("rays", ()) if view else (), float).reshape(-1, 2)
        if self._held is None:  # an answer that arrives during a drag must not pull the tip away
            self._rays = {
                part.key: (float(ray[0]), float(ray[1]))
                for part, ray in zip(parts, rays, strict=False)
                if np.isfinite(ray).all() and np.hypot(*ray) > 0
            }
        self._names = {
            part.key: (
                chosen[part.key].name if part.key in chosen else part.name,
                chosen[part.key].color if part.key in chosen else part.color,
            )
            for part in parts
        }
        self._locked = {strip.key for strip in strips if strip.locked}
        spread = view.options.get("spread", ()) if view else ()
        self._cones = {
            part.key: math.radians(float(angle))
            for part, angle in zip(parts, spread, strict=False)
            if angle is not None and math.isfinite(angle) and angle > 0
        }
        if self._chosen not in self._rays:
            self._chosen = next(iter(self._rays), None)
        self._set_limits()
        self._cloud = QImage()
        self.setAccessibleName(view.title if view and view.title else tr("Scatter"))
        self._describe()
        self.update()

    def ray(self, key: str) -> tuple[float, float]:
        """Direction of a part's ray as drawn, of length 1; raises `KeyError`."""
        x, y = self._rays[key]
        length = math.hypot(x, y)
        return x / length, y / length

    def tip(self, key: str) -> QPointF:
        """Where a part's tip is drawn; raises `KeyError`."""
        dx, dy = self.ray(key)
        # As far along the ray as the axes go, a little short of the frame.
        rooms = [
            (high if d > 0 else low) / d
            for d, low, high in (
                (dx, self._low[0], self._high[0]),
                (dy, self._low[1], self._high[1]),
            )
            if abs(d) > 1e-9
        ]
        length = 0.93 * max(min(rooms), 1e-9)
        return self._to_screen(dx * length, dy * length)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not len(self._points) and not self._rays:
            words = "Run to see how the pixels spread"
            paint_message(painter, QRectF(self.rect()), "", words, self._tokens, plate=False)
            return
        plot = self._plot()
        self._paint_axes(painter, plot)
        if self._cloud.isNull():
            self._cloud = self._draw_cloud(plot)
        painter.drawImage(plot.topLeft(), self._cloud)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for key in self._rays:
            self._paint_cone(painter, key)
        for key in self._rays:
            self._paint_ray(painter, key, plot)

    def _plot(self) -> QRectF:
        line = QFontMetricsF(small_font(self.font())).height()
        return QRectF(self.rect()).adjusted(line + 8, 6, -8, -line - 8)

    def _set_limits(self) -> None:
        reach = np.array(list(self._rays.values())) if self._rays else np.empty((0, 2))
        if len(self._points):
            low = np.minimum(np.percentile(self._points, 100 - _FAR, axis=0), 0)
            high = np.maximum(np.percentile(self._points, _FAR, axis=0), 0)
        else:
            low, high = np.zeros(2), np.ones(2)
        if len(reach):  # a ray needs some room on the side it points to
            size = float((high - low).max())
            low = np.minimum(low, np.minimum(reach.min(axis=0), 0) * 0.15 * size)
            high = np.maximum(high, np.maximum(reach.max(axis=0), 0) * 0.15 * size)
        pad = 0.05 * np.maximum(high - low, 1e-6)
        self._low = float(low[0] - pad[0]), float(low[1] - pad[1])
        self._high = float(high[0] + pad[0]), float(high[1] + pad[1])

    def _scales(self) -> tuple[float, float]:
        """Pixels per unit across and up.

        Where the units agree, one axis is stretched against the other, but not without bounds:
        a narrow cone needs room to be dragged in, a round cloud should stay round-ish.
        """
        plot = self._plot()
        across = max(plot.width(), 1) / (self._high[0] - self._low[0])
        up = max(plot.height(), 1) / (self._high[1] - self._low[1])
        if len(self._axes) == 2 and self._axes[0].unit != self._axes[1].unit:
            return across, up
        return min(across, _STRETCH * up), min(up, _STRETCH * across)

    def _shift(self) -> float:
        """Pixels that centre the drawing where it does not fill the width."""
        return (self._plot().width() - (self._high[0] - self._low[0]) * self._scales()[0]) / 2

    def _to_screen(self, x: float, y: float) -> QPointF:
        plot, (across, up) = self._plot(), self._scales()
        return QPointF(
            plot.left() + self._shift() + (x - self._low[0]) * across,
            plot.bottom() - (y - self._low[1]) * up,
        )

    def _to_units(self, point: QPointF) -> tuple[float, float]:
        plot, (across, up) = self._plot(), self._scales()
        return (
            (point.x() - plot.left() - self._shift()) / across + self._low[0],
            (plot.bottom() - point.y()) / up + self._low[1],
        )

    def _draw_cloud(self, plot: QRectF) -> QImage:
        """Points as density: how dark a pixel is grows with the logarithm of their number."""
        # In device-independent pixels: a point of one fine screen's pixel could not be seen.
        width, height = max(1, int(plot.width())), max(1, int(plot.height()))
        across, up = self._scales()
        columns = ((self._points[:, 0] - self._low[0]) * across + self._shift()).astype(np.int64)
        rows = height - 1 - ((self._points[:, 1] - self._low[1]) * up).astype(np.int64)
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        flat = rows[inside] * width + columns[inside]
        counts = np.bincount(flat, minlength=width * height).reshape(height, width)
        alpha = np.where(counts > 0, np.minimum(90 + 45 * np.log2(np.maximum(counts, 1)), 235), 0)
        color = QColor(self._tokens.muted)
        red, green, blue = color.red(), color.green(), color.blue()
        share = alpha / 255
        pixels = np.empty((height, width, 4), np.uint8)  # blue, green, red, alpha: premultiplied
        for channel, level in enumerate((blue, green, red)):
            pixels[..., channel] = np.rint(share * level)
        pixels[..., 3] = alpha
        shape = QImage.Format.Format_ARGB32_Premultiplied
        return QImage(pixels.data, width, height, 4 * width, shape).copy()

    def _paint_axes(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(small_font(self.font()))
        metrics = QFontMetricsF(painter.font())
        zero = self._to_screen(0, 0)
        painter.setPen(QPen(QColor(self._tokens.line), 1))
        painter.drawLine(QPointF(plot.left(), zero.y()), QPointF(plot.right(), zero.y()))
        painter.drawLine(QPointF(zero.x(), plot.top()), QPointF(zero.x(), plot.bottom()))
        painter.setPen(QColor(self._tokens.muted))
        across, up = self._scales()
        last_x = _round_below(self._low[0] + (plot.width() - self._shift()) / across)
        last_y = _round_below(self._low[1] + plot.height() / up)
        names = [_axis_words(axis) for axis in self._axes] + ["", ""]
        below = QRectF(plot.left(), plot.bottom() + 5, plot.width(), metrics.height())
        mark = self._to_screen(last_x, 0).x()
        painter.drawLine(QPointF(mark, zero.y()), QPointF(mark, zero.y() + 4))
        number = f"{last_x:g}"
        width = metrics.horizontalAdvance(number)
        left = min(mark - width / 2, plot.right() - width)
        painter.drawText(QPointF(left, below.bottom() - metrics.descent()), number)
        words = metrics.elidedText(names[0], Qt.TextElideMode.ElideRight, left - plot.left() - 8)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, words)
        painter.save()
        painter.translate(plot.left() - metrics.height() - 5, plot.bottom())
        painter.rotate(-90)
        along = QRectF(0, 0, plot.height(), metrics.height())
        place = plot.bottom() - self._to_screen(0, last_y).y()
        number = f"{last_y:g}"
        width = metrics.horizontalAdvance(number)
        left = min(place - width / 2, along.width() - width)
        painter.drawText(QPointF(left, along.bottom() - metrics.descent()), number)
        words = metrics.elidedText(names[1], Qt.TextElideMode.ElideRight, left - 8)
        painter.drawText(along, Qt.AlignmentFlag.AlignLeft, words)
        painter.restore()
        mark = self._to_screen(0, last_y).y()
        painter.drawLine(QPointF(zero.x() - 4, mark), QPointF(zero.x(), mark))

    def _paint_cone(self, painter: QPainter, key: str) -> None:
        """How far a ray moves when the data are resampled, as a wedge behind it."""
        if key not in self._cones:
            return
        dx, dy = self.ray(key)
        tip = self._to_units(self.tip(key))
        length, half = math.hypot(*tip), self._cones[key]
        corners = [self._to_screen(0, 0)]
        for turn in (-half, half):
            cos, sin = math.cos(turn), math.sin(turn)
            x, y = dx * cos - dy * sin, dx * sin + dy * cos
            corners.append(self._to_screen(x * length, y * length))
        shade = QColor(self._names.get(key, (key, self._tokens.accent))[1])
        painter.setPen(QPen(shade, 1, Qt.PenStyle.DotLine))
        shade.setAlpha(90)
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF(corners))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_ray(self, painter: QPainter, key: str, plot: QRectF) -> None:
        name, code = self._names.get(key, (key, self._tokens.accent))
        color, tip = QColor(code), self.tip(key)
        painter.setPen(QPen(color, 2))
        painter.drawLine(self._to_screen(0, 0), tip)
        focused = self.hasFocus() and key == self._chosen
        ring = self._tokens.text if focused or key == self._held else self._tokens.window
        painter.setPen(QPen(QColor(ring), 2))
        painter.setBrush(QColor(self._tokens.window) if key in self._locked else color)
        painter.drawEllipse(tip, _TIP, _TIP)
        if key in self._locked:  # hollow: it stays where it is
            painter.setPen(QPen(color, 2))
            painter.drawEllipse(tip, _TIP - 1.5, _TIP - 1.5)
        metrics = QFontMetricsF(painter.font())
        width = metrics.horizontalAdvance(name)
        left = tip.x() + _TIP + 4
        if left + width > plot.right():
            left = tip.x() - _TIP - 4 - width
        top = min(max(tip.y() + metrics.ascent() / 2, plot.top() + metrics.ascent()), plot.bottom())
        halo = QColor(self._tokens.window)
        halo.setAlpha(200)
        painter.fillRect(
            QRectF(left - 2, top - metrics.ascent(), width + 4, metrics.height()), halo
        )
        painter.setPen(QColor(self._tokens.text))
        painter.drawText(QPointF(left, top), name)

    def _tip_near(self, point: QPointF) -> str | None:
        near = [(_distance(self.tip(key), point), key) for key in self._rays]
        found = min(near, default=(math.inf, ""))
        return found[1] if found[0] <= _REACH and found[1] not in self._locked else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = self._tip_near(event.position())
            self._chosen = self._held or self._chosen
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            over = self._tip_near(event.position()) is not None
            self.setCursor(Qt.CursorShape.OpenHandCursor if over else Qt.CursorShape.ArrowCursor)
            return
        x, y = self._to_units(event.position())
        if math.hypot(x, y) > 1e-9:
            self._move(self._held, x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        held, self._held = self._held, None
        if held is not None:
            self.ray_released.emit(held)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.unsetCursor()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = list(self._rays)
        turns = {
            Qt.Key.Key_Left: _TURN,
            Qt.Key.Key_Up: _TURN,
            Qt.Key.Key_Right: -_TURN,
            Qt.Key.Key_Down: -_TURN,
        }
        key = Qt.Key(event.key())
        if key in turns and self._chosen in self._rays and self._chosen not in self._locked:
            x, y = self.ray(self._chosen)
            cos, sin = math.cos(turns[key]), math.sin(turns[key])
            self._move(self._chosen, x * cos - y * sin, x * sin + y * cos)
            self.ray_released.emit(self._chosen)
        elif key == Qt.Key.Key_Space and keys:
            place = keys.index(self._chosen) + 1 if self._chosen in keys else 0
            self._chosen = keys[place % len(keys)]
            self._describe()
            self.update()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._cloud = QImage()

    def _move(self, key: str, x: float, y: float) -> None:
        length = math.hypot(x, y)
        self._rays[key] = x / length, y / length
        self.update()
        self.ray_moved.emit(key, self._rays[key])

    def _describe(self) -> None:
        if not self._rays:
            self.setAccessibleDescription(tr("Empty until a run has found parts"))
            return
        name = self._names.get(self._chosen or "", ("", ""))[0]
        self.setAccessibleDescription(
            tr(
                "Arrow keys turn {name}, Space chooses the next part; tips can be dragged",
                name=name,
            )
        )


def _axis_words(axis: Axis) -> str:
    return f"{axis.name} ({axis.unit})" if axis.unit and axis.unit not in axis.name else axis.name


def _round_below(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is at most `value`."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return max(m * power for m in (1, 2, 5) if m * power <= value * (1 + 1e-9))


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())
