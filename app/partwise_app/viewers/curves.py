"""How do values change along an axis? Lines over one another, or one below the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)

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
)
from partwise_app.viewers.scales import ticks_of
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["CurvesView"]

_LANE, _TOP, _RIGHT = 50, 14.0, 16.0
_MANY, _LOW_LANE = 8, 34  # lanes, and px of each, beyond which names stand beside their lines
_EMPTY = mark("No part is shown: press Show on a strip of the mixer")
_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)

Values = NDArray[np.floating[Any]]


class CurvesView(Plot):
    """A ``"curves"`` view: ``y`` (series, n), optionally ``x`` (n,), ``low`` and ``high`` like y.

    Optionally ``each`` (series, repeats, n) is drawn thinly behind: cycles behind their mean.

    Options: ``of="parts"`` follows the mixer; ``names``; ``lanes`` puts the lines one below the
    other; ``points`` marks each value; ``marks`` is a list of ``{"x", "text"}`` lines across;
    ``chosen`` a place on x that is stressed; ``range`` the ends of the vertical axis,
    ``cut`` lets nothing be drawn beyond them; ``note`` says what band and thin lines are.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._y: Values = np.empty((0, 0))
        self._x: Values = np.empty(0)
        self._log = False
        self._edge = 0.0
        self._band: tuple[Values, Values] | None = None
        self._each: Values | None = None
        self._series: tuple[Series, ...] = ()
        self._axes: tuple[Axis | None, Axis | None] = (None, None)
        self._options: Mapping[str, Any] = {}
        self._of_parts = False
        self._mark: int | None = None
        self.setAccessibleName(tr("Curves"))

    def sizeHint(self) -> QSize:
        return QSize(480, 300)

    @property
    def series(self) -> tuple[Series, ...]:
        """What is drawn."""
        return self._series

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        self._y = np.atleast_2d(np.asarray(view.arrays["y"], dtype=np.float64))
        axes = (*view.axes, None, None)
        self._axes = axes[0], axes[1]
        count, axis = self._y.shape[1], axes[0]
        given = view.arrays.get("x")
        if given is not None and np.size(given) == count:
            self._x = np.asarray(given, dtype=np.float64).ravel()
        elif axis is not None and not axis.labels:
            first = axis.start if axis.step != 1.0 or axis.start else 1.0
            self._x = first + axis.step * np.arange(count)
        else:
            self._x = np.arange(count) + 1.0
        # By its logarithm an axis shows the first pass of a bolus as well as the hour after.
        self._log = bool(view.options.get("log")) and bool((self._x > 0).all())
        self._x = np.log10(self._x) if self._log else self._x
        # Values in the middle of their cells: the axis runs from the first edge to the last.
        plain = given is None and not self._log
        centred = plain and axis is not None and axis.start == axis.step / 2
        self._edge = float(self._x[0]) if centred and count else 0.0
        low, high = view.arrays.get("low"), view.arrays.get("high")
        self._band = None
        if low is not None and high is not None and low.shape == high.shape == self._y.shape:
            self._band = np.asarray(low, np.float64), np.asarray(high, np.float64)
        each = view.arrays.get("each")
        alike = each is not None and np.ndim(each) == 3 and each.shape[::2] == self._y.shape
        self._each = np.asarray(each, np.float64) if alike else None
        self._options = view.options
        self._series = series_of(len(self._y), view, parts, strips)
        self._of_parts = "names" not in view.options
        lanes = len(self._series) if view.options.get("lanes") else 1
        self.setMinimumHeight(int(lanes * (_LOW_LANE if self._beside() else _LANE) + 80))
        self.setAccessibleName(view.title)
        names = ", ".join(each.name for each in self._series)
        self.setAccessibleDescription(tr("Curves of {names}", names=names) if names else tr(_EMPTY))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        painter.setFont(small_font(self.font()))
        if not self._series:
            paint_message(painter, QRectF(self.rect()), "", tr(_EMPTY), self.tokens, plate=False)
            return
        span, lanes = self._range(), self._lanes()
        for lane, members in zip(lanes, self._members(), strict=True):
            self._paint_grid(painter, lane, span)
            self._paint_marks(painter, lane, words=lane is lanes[0])
            if self._options.get("cut"):
                painter.setClipRect(lane.adjusted(-4, -4, 4, 4))
            for each in members:
                self._paint_line(painter, each, lane, span)
            painter.setClipping(False)
            if len(lanes) > 1:
                self._paint_name(painter, members[0], lane)
        if len(lanes) == 1:
            self._paint_legend(painter, lanes[0], span)
        self._paint_cursor(painter, lanes)
        self._paint_axes(painter, lanes)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        lane = self._lanes()[0] if self._series else QRectF()
        place: int | None = None
        if lane.left() <= event.position().x() <= lane.right():
            x = self._low + (event.position().x() - lane.left()) / lane.width() * self._wide
            place = int(np.abs(self._x - x).argmin())
        if place != self._mark:
            self._mark = place
            self.update()
        if place is None:
            self.read.emit(None)
            return
        axis = self._axes[0]
        where = name_of(axis, place) if axis is not None and axis.labels else ""
        where = where or f"{axis_words(axis)} {number(self._real(place), 5)}".strip()
        words = [
            f"{each.name} {number(float(self._y[each.place, place]), 4)}" for each in self._series
        ]
        self.read.emit((where, "   ".join(words)))

    def leaveEvent(self, event: object) -> None:
        self._mark = None
        self.update()
        super().leaveEvent(event)

    def _real(self, place: int) -> float:
        at = float(self._x[place])
        return 10.0**at if self._log else at

    # Where things are

    @property
    def _pad(self) -> float:
        """What is left free on both sides of the values."""
        return 0.04 * float(np.ptp(self._x)) if self._options.get("points") else self._edge

    @property
    def _low(self) -> float:
        return float(self._x.min()) - self._pad

    @property
    def _wide(self) -> float:
        return max(float(self._x.max()) + self._pad - self._low, 1e-12)

    def _range(self) -> tuple[float, float]:
        given = self._options.get("range")
        places = [each.place for each in self._series]
        drawn = self._y[places]
        finite = drawn[np.isfinite(drawn)]
        high = float(finite.max(initial=0.0))
        low = float(finite.min(initial=0.0))
        if self._each is not None and places:
            high = max(high, float(np.nanmax(self._each[places], initial=0.0)))
        if self._band is not None:
            high = max(high, float(np.nanmax(self._band[1][places], initial=0.0)))
            low = min(low, float(np.nanmin(self._band[0][places], initial=0.0)))
        if given is not None:
            low, high = min(float(given[0]), low), max(float(given[1]), high)
            if self._options.get("cut"):  # what leaves the range is beyond what can be said
                low, high = float(given[0]), float(given[1])
        return low, high if high > low else low + 1.0

    def _legend_width(self, metrics: QFontMetricsF) -> float:
        if self._options.get("lanes") or len(self._series) < 2:
            return 0.0
        wide = max(metrics.horizontalAdvance(each.name) for each in self._series)
        return min(wide, 150.0) + 34

    def _beside(self) -> bool:
        """Whether names stand beside their lines, to leave more lanes their height."""
        return bool(self._options.get("lanes")) and len(self._series) > _MANY

    def _names_width(self, metrics: QFontMetricsF) -> float:
        if not self._beside():
            return 0.0
        return min(max(metrics.horizontalAdvance(each.name) for each in self._series), 120.0) + 24

    def _lanes(self) -> list[QRectF]:
        metrics = QFontMetricsF(small_font(self.font()))
        low, high = self._range()
        count = len(self._series) if self._options.get("lanes") else 1
        wide = max(metrics.horizontalAdvance(number(v)) for v in (low, high, *ticks(low, high)))
        left = wide + metrics.height() + 22 + self._names_width(metrics)
        marks = len(self._grouped_marks())
        top = _TOP + (metrics.height() + 4 if marks else 0)
        below = 2 * metrics.height() + 14
        width = self.width() - left - _RIGHT - self._legend_width(metrics)
        each = (self.height() - top - below) / count
        head = metrics.height() + 2 if count > 1 and not self._beside() else 0
        return [
            QRectF(left, top + k * each + head, max(width, 1.0), max(each - head - 6, 8.0))
            for k in range(count)
        ]

    def _members(self) -> list[tuple[Series, ...]]:
        if self._options.get("lanes"):
            return [(each,) for each in self._series]
        return [self._series]

    def _to_screen(self, x: float, y: float, lane: QRectF, span: tuple[float, float]) -> QPointF:
        low, high = span
        return QPointF(
            lane.left() + (x - self._low) / self._wide * lane.width(),
            lane.bottom() - (y - low) / (high - low) * lane.height(),
        )

    def _all_to_screen(
        self, x: Values, y: Values, lane: QRectF, span: tuple[float, float]
    ) -> list[QPointF]:
        """As `_to_screen`, for many at once: a repaint has thousands of them."""
        low, high = span
        right = lane.left() + (x - self._low) / self._wide * lane.width()
        up = lane.bottom() - (y - low) / (high - low) * lane.height()
        return list(map(QPointF, right.tolist(), up.tolist()))

    # Drawing

    def _paint_grid(self, painter: QPainter, lane: QRectF, span: tuple[float, float]) -> None:
        metrics = QFontMetricsF(painter.font())
        for tick in ticks(*span, 2 if self._options.get("lanes") else 5):
            y = self._to_screen(self._low, tick, lane, span).y()
            painter.setPen(QPen(QColor(self.tokens.line), 1))
            painter.drawLine(QPointF(lane.left(), y), QPointF(lane.right(), y))
            painter.setPen(QColor(self.tokens.muted))
            box = QRectF(0, y - metrics.height() / 2, lane.left() - 7, metrics.height())
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number(tick)
            )

    def _paint_line(
        self, painter: QPainter, each: Series, lane: QRectF, span: tuple[float, float]
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = QColor(each.color)
        x, y = _thinned(self._x, self._y[each.place], int(lane.width()))
        if self._each is not None:
            self._paint_repeats(painter, each, lane, span)
        if self._band is not None:
            self._paint_band(painter, each, lane, span)
        alone = self._of_parts or bool(self._options.get("lanes"))
        dash = Qt.PenStyle.SolidLine if alone else _DASHES[each.place % len(_DASHES)]
        painter.setPen(QPen(color, 1.7, dash))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for run in _runs(y):
            places = self._all_to_screen(x[run], y[run], lane, span)
            painter.drawPolyline(QPolygonF(places))
            if self._options.get("points"):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                for place in places:
                    painter.drawEllipse(place, 2.8, 2.8)
                painter.setPen(QPen(color, 1.7, dash))
                painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_repeats(
        self, painter: QPainter, each: Series, lane: QRectF, span: tuple[float, float]
    ) -> None:
        assert self._each is not None
        color = QColor(each.color)
        color.setAlpha(70)
        painter.setPen(QPen(color, 0.9))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for one in self._each[each.place]:
            x, y = _thinned(self._x, one, int(lane.width()))
            for run in _runs(y):
                painter.drawPolyline(QPolygonF(self._all_to_screen(x[run], y[run], lane, span)))

    def _paint_band(
        self, painter: QPainter, each: Series, lane: QRectF, span: tuple[float, float]
    ) -> None:
        assert self._band is not None
        low, high = self._band[0][each.place], self._band[1][each.place]
        known = np.isfinite(low) & np.isfinite(high)
        x = self._x[known]
        up = self._all_to_screen(x, high[known], lane, span)
        down = self._all_to_screen(x, low[known], lane, span)
        fill = QColor(each.color)
        fill.setAlpha(50)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF([*up, *reversed(down)]))

    def _paint_name(self, painter: QPainter, each: Series, lane: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        left, middle = lane.left(), lane.top() - metrics.height() / 2 - 3
        room = lane.width() - 20
        if self._beside():
            room = self._names_width(metrics) - 24
            left, middle = metrics.height() + 12, lane.center().y()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(each.color))
        painter.drawRoundedRect(QRectF(left, middle - 4.5, 9, 9), 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QColor(self.tokens.text))
        words = metrics.elidedText(each.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(left + 15, middle + metrics.ascent() / 2 - 1), words)

    def _paint_legend(self, painter: QPainter, lane: QRectF, span: tuple[float, float]) -> None:
        """Names at the ends of their lines, moved apart where they would overlap."""
        metrics = QFontMetricsF(painter.font())
        if not self._legend_width(metrics):
            return
        ends = []
        for each in self._series:
            known = np.flatnonzero(np.isfinite(self._y[each.place]))
            if known.size:
                y = float(self._y[each.place, known[-1]])
                at = self._to_screen(self._low, y, lane, span).y()
                # One that has left the range is named where it would be seen next.
                top = lane.top() + metrics.height()
                ends.append((min(max(at, top), lane.bottom()), each))
        ends.sort(key=_first)
        places = _apart([y for y, _ in ends], metrics.height() + 1, lane.bottom() + 2)
        for at, (y, each) in zip(places, ends, strict=True):
            painter.setPen(QPen(QColor(each.color), 1))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawLine(QPointF(lane.right() + 4, y), QPointF(lane.right() + 16, at))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QColor(self.tokens.text))
            words = metrics.elidedText(each.name, Qt.TextElideMode.ElideRight, 150.0)
            painter.drawText(QPointF(lane.right() + 20, at + metrics.ascent() / 2 - 1), words)

    def _grouped_marks(self) -> list[tuple[float, str]]:
        grouped: dict[float, list[str]] = {}
        for one in self._options.get("marks", ()):
            grouped.setdefault(float(one["x"]), []).append(str(one["text"]))
        return [(x, " · ".join(words)) for x, words in sorted(grouped.items())]

    def _paint_marks(self, painter: QPainter, lane: QRectF, *, words: bool) -> None:
        """Lines across a lane; their words stand above the first lane alone."""
        metrics = QFontMetricsF(painter.font())
        marks = self._grouped_marks()
        chosen = self._options.get("chosen")
        before = lane.left() - 1
        for k, (x, text) in enumerate(marks):
            at = self._to_screen(x, 0.0, lane, (0.0, 1.0)).x()
            best = chosen is not None and float(chosen) == x
            color = QColor(self.tokens.accent if best else self.tokens.muted)
            painter.setPen(QPen(color, 1.5 if best else 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(at, lane.top() - 2), QPointF(at, lane.bottom()))
            if not words:
                continue
            after = (
                self._to_screen(marks[k + 1][0], 0.0, lane, (0.0, 1.0)).x()
                if k + 1 < len(marks)
                else float(self.width() - 4)
            )
            room = (after - before) - 10
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room, 0.0))
            width = metrics.horizontalAdvance(shown)
            left = min(max(at - width / 2, before + 4), after - width - 4)
            painter.setPen(color)
            painter.drawText(QPointF(left, lane.top() - 6), shown)
            before = left + width + 4

    def _paint_cursor(self, painter: QPainter, lanes: list[QRectF]) -> None:
        if self._mark is None or self._mark >= len(self._x):
            return
        color = QColor(self.tokens.text)
        color.setAlpha(110)
        painter.setPen(QPen(color, 1))
        at = self._to_screen(float(self._x[self._mark]), 0.0, lanes[0], (0.0, 1.0)).x()
        painter.drawLine(QPointF(at, lanes[0].top()), QPointF(at, lanes[-1].bottom()))

    def _paint_axes(self, painter: QPainter, lanes: list[QRectF]) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.setPen(QColor(self.tokens.muted))
        lane, axis = lanes[-1], self._axes[0]
        if axis is not None and axis.labels:
            count = len(self._x)
            paint_names_below(painter, lane, axis, count, (0.0, float(count)))
        else:
            most = max(int(lane.width() / 60), 2)
            ends = self._low, self._low + self._wide
            real = (10.0 ** ends[0], 10.0 ** ends[1]) if self._log else ends
            counted = bool(self._options.get("points")) and bool((self._x % 1 == 0).all())
            for tick in ticks_of(real[0], real[1], most, log=self._log):
                if counted and tick % 1:
                    continue  # there is nothing between a number of parts and the next
                at = np.log10(tick) if self._log else tick
                at = self._to_screen(float(at), 0.0, lane, (0.0, 1.0)).x()
                words = number(tick, 5)
                left = at - metrics.horizontalAdvance(words) / 2
                painter.drawText(QPointF(left, lane.bottom() + 5 + metrics.ascent()), words)
        note = str(self._options.get("note", ""))
        paint_title_below(painter, lane, self.height() - 5, axis_words(axis), note)
        painter.save()
        painter.translate(6, (lanes[0].top() + lane.bottom()) / 2)
        painter.rotate(-90)
        box = QRectF(-200, 0, 400, metrics.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, axis_words(self._axes[1]))
        painter.restore()


def _apart(wanted: Sequence[float], line: float, bottom: float) -> list[float]:
    """Places at least `line` apart, in order, near where they are wanted, none below `bottom`."""
    places: list[float] = []
    for y in wanted:
        places.append(max(y, places[-1] + line) if places else y)
    limit = bottom
    for k in range(len(places) - 1, -1, -1):
        places[k] = min(places[k], limit)
        limit = places[k] - line
    return places


def _first(end: tuple[float, Series]) -> float:
    return end[0]


def _runs(y: Values) -> list[slice]:
    """Stretches without a missing value."""
    known = np.concatenate([[False], np.isfinite(y), [False]])
    turns = np.flatnonzero(known[1:] != known[:-1])
    return [slice(int(a), int(b)) for a, b in zip(turns[::2], turns[1::2], strict=True)]


def _thinned(x: Values, y: Values, pixels: int) -> tuple[Values, Values]:
    """Lowest and highest of every pixel where there are more values than pixels."""
    if len(y) <= 4 * max(pixels, 1):
        return x, y
    cuts = np.linspace(0, len(y), pixels + 1).astype(np.intp)[:-1]
    low, high = np.minimum.reduceat(y, cuts), np.maximum.reduceat(y, cuts)
    return np.repeat(x[cuts], 2), np.stack([low, high], axis=1).ravel()
