"""How are values per name shown? A row of bars for each part, all to one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.viewers.overlays import paint_message, small_font
from partwise_app.viewers.plotting import (
    Plot,
    Series,
    axis_words,
    name_of,
    number,
    paint_names_below,
    paint_title_below,
    series_of,
    ticks,
    wanted_below,
)
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["BarsView"]

_LANE = 44  # px, the least height of a row of bars
_RIGHT, _TOP = 14.0, 14.0
_GAP = 14.0
_FEW = 2  # numbers at the scale of a low row
_APART = 90.0  # px between them in a high one
_NEAR = 0.06  # of what is drawn
_EMPTY = mark("No part is shown: press Show on a strip of the mixer")

Values = NDArray[np.floating[Any]]


class BarsView(Plot):
    """A ``"bars"`` view: ``values`` (series, entries), optionally ``low`` and ``high`` beside it.

    Options: ``of="parts"`` follows the mixer, ``names`` names the series otherwise, ``note`` says
    what the lines at the bars are.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: Values = np.empty((0, 0))
        self._bounds: tuple[Values, Values] | None = None
        self._series: tuple[Series, ...] = ()
        self._axes: tuple[Axis | None, Axis | None] = (None, None)
        self._note = ""
        self._mark: int | None = None
        self.setAccessibleName(tr("Bars"))

    def sizeHint(self) -> QSize:
        return QSize(480, 320)

    @property
    def series(self) -> tuple[Series, ...]:
        """What is drawn, from top to bottom."""
        return self._series

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        self._values = np.atleast_2d(np.asarray(view.arrays["values"], dtype=np.float64))
        low, high = view.arrays.get("low"), view.arrays.get("high")
        self._bounds = None
        if low is not None and high is not None and low.shape == high.shape == self._values.shape:
            self._bounds = np.asarray(low, np.float64), np.asarray(high, np.float64)
        self._series = series_of(len(self._values), view, parts, strips)
        self._note = str(view.options.get("note", ""))
        axes = (*view.axes, None, None)
        self._axes = axes[0], axes[1]
        self.setMinimumHeight(int(len(self._series) * (_LANE + _GAP) + 90))
        self.setAccessibleName(view.title)
        names = ", ".join(each.name for each in self._series)
        self.setAccessibleDescription(tr("Bars of {names}", names=names) if names else tr(_EMPTY))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        painter.setFont(small_font(self.font()))
        if not self._series:
            paint_message(painter, QRectF(self.rect()), "", tr(_EMPTY), self.tokens, plate=False)
            return
        high, low = self._range()
        lanes = self._lanes()
        for each, lane in zip(self._series, lanes, strict=True):
            self._paint_lane(painter, each, lane, (low, high))
        self._paint_axes(painter, lanes)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place, lane = self._under(event.position())
        if place != self._mark:
            self._mark = place
            self.update()
        if place is None:
            self.read.emit(None)
            return
        words = [name_of(self._axes[0], place)]
        words += [
            f"{each.name} {number(float(self._values[each.place, place]), 4)}"
            for each in (self._series if lane is None else (self._series[lane],))
        ]
        self.read.emit(tuple(words))

    def leaveEvent(self, event: object) -> None:
        self._mark = None
        self.update()
        super().leaveEvent(event)

    def _range(self) -> tuple[float, float]:
        drawn = self._values[[each.place for each in self._series]]
        high = float(np.nanmax(drawn, initial=0.0))
        low = float(np.nanmin(drawn, initial=0.0))
        if self._bounds is not None:
            places = [each.place for each in self._series]
            high = max(high, float(np.nanmax(self._bounds[1][places], initial=0.0)))
            low = min(low, float(np.nanmin(self._bounds[0][places], initial=0.0)))
        if high <= low:
            return low + 1.0, low
        # A round number just beyond, such as 100 %, is shown as well.
        return max(high, ticks(low, high + _NEAR * (high - low), _FEW)[-1]), low

    def _left(self, metrics: QFontMetricsF) -> float:
        high, low = self._range()
        wide = max(
            metrics.horizontalAdvance(number(v)) for v in (high, low, *ticks(low, high, _FEW))
        )
        return wide + metrics.height() + 22

    def _lanes(self) -> list[QRectF]:
        metrics = QFontMetricsF(small_font(self.font()))
        left = self._left(metrics)
        wide = max(self.width() - left - _RIGHT, 1.0)
        count = self._values.shape[1]
        below = wanted_below(self._axes[0], count, wide / max(count, 1), metrics)
        below += metrics.height() + 12
        room = self.height() - _TOP - below
        each = room / len(self._series)
        head = metrics.height() + 2
        return [
            QRectF(left, _TOP + k * each + head, wide, max(each - head - 6, 8.0))
            for k in range(len(self._series))
        ]

    def _paint_lane(
        self, painter: QPainter, each: Series, lane: QRectF, span: tuple[float, float]
    ) -> None:
        low, high = span
        metrics = QFontMetricsF(painter.font())
        per = lane.height() / (high - low)
        zero = lane.bottom() + low * per
        painter.setPen(QPen(QColor(self.tokens.line), 1))
        places = ticks(low, high, max(_FEW, int(lane.height() / _APART)))
        for tick in places:
            y = round(zero - tick * per) + 0.5
            painter.drawLine(QPointF(lane.left(), y), QPointF(lane.right(), y))
        painter.setPen(QColor(self.tokens.muted))
        for tick in places:
            box = QRectF(0, zero - tick * per - metrics.height() / 2, lane.left() - 7, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight, number(tick))
        self._paint_bars(painter, each, lane, (zero, per))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(each.color))
        top = lane.top() - metrics.height() / 2 - 3
        painter.drawRoundedRect(QRectF(lane.left(), top - 4.5, 9, 9), 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QColor(self.tokens.text))
        words = metrics.elidedText(each.name, Qt.TextElideMode.ElideRight, lane.width() - 20)
        painter.drawText(QPointF(lane.left() + 15, top + metrics.ascent() / 2 - 1), words)

    def _paint_bars(
        self, painter: QPainter, each: Series, lane: QRectF, scale: tuple[float, float]
    ) -> None:
        zero, per = scale
        values = self._values[each.place]
        count = len(values)
        cell = lane.width() / count
        color = QColor(each.color)
        dim = QColor(color)
        dim.setAlpha(150)
        if cell < 1.5:  # more bars than pixels: the highest of each pixel stands
            edges = np.linspace(0, count, max(int(lane.width()), 1) + 1).astype(np.intp)[:-1]
            values = np.maximum.reduceat(values, edges)
            cell = lane.width() / len(values)
        gap = min(max(cell * 0.18, 0.0), 3.0) if cell >= 3 else 0.0
        for place, value in enumerate(values):
            if not np.isfinite(value):
                continue
            shade = color if self._mark is None or place == self._mark else dim
            top = zero - max(float(value), 0.0) * per
            height = abs(float(value)) * per
            left = lane.left() + place * cell + gap / 2
            painter.fillRect(QRectF(left, top, max(cell - gap, 1.0), height), shade)
        if self._bounds is not None and cell >= 4:
            painter.setPen(QPen(QColor(self.tokens.text), 1))
            low, high = self._bounds[0][each.place], self._bounds[1][each.place]
            for place in range(count):
                x = lane.left() + (place + 0.5) * cell
                if np.isfinite(low[place]) and np.isfinite(high[place]):
                    painter.drawLine(
                        QPointF(x, zero - float(low[place]) * per),
                        QPointF(x, zero - float(high[place]) * per),
                    )

    def _paint_axes(self, painter: QPainter, lanes: list[QRectF]) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.setPen(QColor(self.tokens.muted))
        count = self._values.shape[1]
        paint_names_below(painter, lanes[-1], self._axes[0], count, (0.0, float(count)))
        title = axis_words(self._axes[0])
        paint_title_below(painter, lanes[-1], self.height() - 5, title, self._note)
        painter.save()
        painter.translate(6, (lanes[0].top() + lanes[-1].bottom()) / 2)
        painter.rotate(-90)
        box = QRectF(-200, 0, 400, metrics.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, axis_words(self._axes[1]))
        painter.restore()

    def _under(self, point: QPointF) -> tuple[int | None, int | None]:
        if not self._series:
            return None, None
        lanes = self._lanes()
        count = self._values.shape[1]
        place = int((point.x() - lanes[0].left()) / lanes[0].width() * count)
        if not 0 <= place < count or point.x() < lanes[0].left():
            return None, None
        lane = next((k for k, box in enumerate(lanes) if box.contains(point)), None)
        return place, lane
