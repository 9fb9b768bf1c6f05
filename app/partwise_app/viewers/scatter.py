"""Where do the pixels lie, and where do the parts point? A scatter with rays to drag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)

from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.overlays import paint_message, small_font
from partwise_app.viewers.tips import TipPlot
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from partwise.data.dataset import Axis
    from partwise.project.document import Strip
    from partwise.result import Part, View

__all__ = ["ScatterView"]

_STRETCH = 3.0  # most that one of two axes of the same unit is stretched against the other
_TURN = math.radians(0.5)  # per arrow key
_TOO_NEAR = 1e-9  # units from the origin
_FAR = 99.7  # percentile of the points that the axes reach: a few outliers must not shrink the rest


class ScatterView(TipPlot):
    """Points with one ray per part; a ray's tip can be dragged, or turned by the arrow keys."""

    ray_moved = Signal(str, object)
    """Key of the part and its new direction ``(dx, dy)``, of length 1, in the axes' units."""
    ray_released = Signal(str)
    """The hand has let go of a part's ray."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given: NDArray[np.floating] | None = None
        self._points: NDArray[np.float64] = np.empty((0, 2))
        self._reach = np.zeros(2), np.ones(2)  # what the points span, but for a few
        self._cones: dict[str, float] = {}  # half angle in the axes' units, radians
        self._axes: tuple[Axis, ...] = ()
        self._low = (0.0, 0.0)
        self._high = (1.0, 1.0)
        self._cloud = QImage()
        self.setMinimumSize(120, 90)
        self.setAccessibleName(tr("Scatter"))
        self.set_theme(DARK)
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(260, 170)

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self._plate, self._ink = QColor(tokens.window), QColor(tokens.text)
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
        self._take_points(view.arrays.get("points") if view else None)
        self._axes = view.axes if view else ()
        rays = np.asarray(view.arrays.get("rays", ()) if view else (), float).reshape(-1, 2)
        found = {
            part.key: (float(ray[0]), float(ray[1]))
            for part, ray in zip(parts, rays, strict=False)
            if np.isfinite(ray).all() and np.hypot(*ray) > 0
        }
        names = {
            part.key: (
                chosen[part.key].name if part.key in chosen else part.name,
                chosen[part.key].color if part.key in chosen else part.color,
            )
            for part in parts
        }
        spread = view.options.get("spread", ()) if view else ()
        self._cones = {
            part.key: math.radians(float(angle))
            for part, angle in zip(parts, spread, strict=False)
            if angle is not None and math.isfinite(angle) and angle > 0
        }
        self.set_tips(found, names, frozenset(strip.key for strip in strips if strip.locked))
        self._set_limits()
        self.setAccessibleName(view.title if view and view.title else tr("Scatter"))

    def _take_points(self, given: NDArray[np.floating] | None) -> None:
        """Take other points; while a ray is dragged they are the same ones."""
        if given is not None and given is self._given:
            return
        self._given = given
        points = np.asarray(() if given is None else given, float).reshape(-1, 2)
        self._points = points[np.isfinite(points).all(axis=1)]
        self._reach = np.zeros(2), np.ones(2)
        if len(self._points):
            low, high = np.percentile(self._points, (100 - _FAR, _FAR), axis=0)
            self._reach = np.minimum(low, 0), np.maximum(high, 0)
        self._cloud = QImage()

    def ray(self, key: str) -> tuple[float, float]:
        """Direction of a part's ray as drawn, of length 1; raises `KeyError`."""
        x, y = self._places[key]
        length = math.hypot(x, y)
        return x / length, y / length

    def tip(self, key: str) -> QPointF:
        """Where a part's tip is drawn; raises `KeyError`."""
        dx, dy = self.ray(key)
        # As far along the ray as one sees, a little short of the frame.
        plot = self._plot()
        (left, low), (right, high) = (
            self._to_units(corner) for corner in (plot.bottomLeft(), plot.topRight())
        )
        rooms = [
            (most if d > 0 else least) / d
            for d, least, most in ((dx, left, right), (dy, low, high))
            if abs(d) > 1e-9
        ]
        length = 0.93 * max(min(rooms), 1e-9)
        return self._to_screen(dx * length, dy * length)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not len(self._points) and not self._places:
            words = "Run to see how the pixels spread"
            paint_message(painter, QRectF(self.rect()), "", words, self._tokens, plate=False)
            return
        plot = self._plot()
        self._paint_axes(painter, plot)
        if self._cloud.isNull():
            self._cloud = self._draw_cloud(plot)
        painter.drawImage(plot.topLeft(), self._cloud)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(plot)
        for key in self._places:
            self._paint_cone(painter, key)
        painter.setClipping(False)
        for key in self._places:
            painter.setPen(QPen(QColor(self._named(key)[1]), 2))
            painter.drawLine(self._to_screen(0, 0), self.tip(key))
        self._paint_tips(painter)

    def _room(self) -> QRectF:
        return QRectF(self.rect()).adjusted(0, 0, 0, -self._below())

    def _below(self) -> float:
        """Pixels that the words of an axis take."""
        return QFontMetricsF(small_font(self.font())).height() + 8

    def _plot(self) -> QRectF:
        edge = self._below()
        return QRectF(self.rect()).adjusted(edge, 6, -8, -edge)

    def _set_limits(self) -> None:
        reach = np.array(list(self._places.values())) if self._places else np.empty((0, 2))
        low, high = self._reach
        if len(reach):  # a ray needs some room on the side it points to
            size = float((high - low).max())
            low = np.minimum(low, np.minimum(reach.min(axis=0), 0) * 0.15 * size)
            high = np.maximum(high, np.maximum(reach.max(axis=0), 0) * 0.15 * size)
        pad = 0.05 * np.maximum(high - low, 1e-6)
        before = self._low, self._high
        self._low = float(low[0] - pad[0]), float(low[1] - pad[1])
        self._high = float(high[0] + pad[0]), float(high[1] + pad[1])
        if (self._low, self._high) != before:
            self._cloud = QImage()

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
        # The unit stands with the number, so that there is room for the name.
        names = [axis.name for axis in self._axes] + ["", ""]
        units = [f" {axis.unit}" if axis.unit else "" for axis in self._axes] + ["", ""]
        below = QRectF(plot.left(), plot.bottom() + 5, plot.width(), metrics.height())
        mark = self._to_screen(last_x, 0).x()
        painter.drawLine(QPointF(mark, zero.y()), QPointF(mark, zero.y() + 4))
        number = f"{last_x:g}{units[0]}"
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
        number = f"{last_y:g}{units[1]}"
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
        shade = QColor(self._named(key)[1])
        painter.setPen(QPen(shade, 1, Qt.PenStyle.DotLine))
        shade.setAlpha(90)
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF(corners))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._cloud = QImage()

    def _dragged(self, key: str, x: float, y: float) -> None:
        length = math.hypot(x, y)
        if length <= _TOO_NEAR:
            return  # the origin is no direction
        self._places[key] = x / length, y / length
        self.update()
        self.ray_moved.emit(key, self._places[key])

    def _stepped(self, key: str, across: int, up: int) -> None:
        x, y = self.ray(key)
        turn = (up - across) * _TURN
        cos, sin = math.cos(turn), math.sin(turn)
        self._dragged(key, x * cos - y * sin, x * sin + y * cos)

    def _let_go(self, key: str) -> None:
        self.ray_released.emit(key)

    def _describe(self) -> None:
        if not self._places:
            self.setAccessibleDescription(tr("Empty until a run has found parts"))
            return
        name = self._named(self._chosen)[0]
        self.setAccessibleDescription(
            tr(
                "Arrow keys turn {name}, Space chooses the next part; tips can be dragged",
                name=name,
            )
        )


def _round_below(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is at most `value`."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return max(m * power for m in (1, 2, 5) if m * power <= value * (1 + 1e-9))
