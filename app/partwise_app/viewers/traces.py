"""How do many measured channels run in time? One below the other, and what parts make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPen

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.theme import mixed
from partwise_app.viewers.later import Later
from partwise_app.viewers.minmax import MinMax
from partwise_app.viewers.overlays import small_font
from partwise_app.viewers.plotting import left_room, name_of, number, series_of, ticks
from partwise_app.viewers.strokes import lane_image, layer_of
from partwise_app.viewers.timed import TimedPlot
from partwise_app.viewers.timeline import Span, Window, moment, time_ticks
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["TracesView", "spans_of"]

_LANE = 22  # px, the least height of a channel
_TOP, _GAP = 10.0, 4.0
_PEN = 1.3  # px
_LARGE = 2_000_000  # values from which the pyramid is built in a thread
_GAINS = (0.1, 100.0)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What is drawn: channels, each part's course, and what the parts shown sum up to."""

    whole: MinMax
    courses: MinMax | None = None
    total: MinMax | None = None


@dataclass(frozen=True, eq=False)
class _Model:
    """The parts that are drawn over the channels."""

    names: tuple[str, ...]
    colors: tuple[str, ...]
    W: NDArray[np.float64]  # (channels, parts)
    H: NDArray[np.float64]  # (parts, samples)


class TracesView(TimedPlot):
    """A ``"traces"`` view; see `partwise.result.View` for its arrays and options.

    Up and down arrows change the gain.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = tr("No channels to show")
        self._values: NDArray[Any] = np.empty((0, 0))
        self._drawn_now: _Drawn | None = None
        self._model: _Model | None = None
        self._names: tuple[str, ...] = ()
        self._channel, self._amount = Axis("channel", 0), Axis("amplitude", 0)
        self._units: tuple[str, ...] = ()
        self._own = False
        self._gain = 1.0
        self._room_of: tuple[object, ...] = ()
        self._room = 0.0  # px at the right of the lanes
        self._step, self._start = 1.0, 0.0
        self._later = Later(self)
        self._later.done.connect(self._take)
        self.setAccessibleName(tr("Channels"))

    # What is shown

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        values = np.atleast_2d(view.arrays["y"])
        count, size = values.shape
        known, had = values is self._values or _same(values, self._values), self._drawn_now
        axes = (
            *view.axes,
            *(Axis(n, 0) for n in ("channel", "time", "amplitude")[len(view.axes) :]),
        )
        self._channel, time, self._amount = axes[0], axes[1], axes[2]
        self._names = tuple(name_of(self._channel, k) for k in range(count))
        self._units = tuple(str(unit) for unit in view.options.get("units", ()))
        self._own = view.options.get("scale", "own" if self._units else "common") == "own"
        self._room_of = ()
        self._values, self._step, self._start = values, time.step or 1.0, time.start
        end = time.start + max(size - 1, 1) * self._step
        name = time.name[:1].upper() + time.name[1:]
        self.set_time(Window(time.start, end), time.unit, name, 8 * self._step)
        self.set_spans(spans_of(view))
        self._model = _model(values.shape, view, parts, strips)
        whole = had.whole if known and had is not None else None
        model, words = self._model, f"{count} channels: {', '.join(self._names[:24])}"
        if model is not None and model.names:
            words += f"; over them {', '.join(model.names)}"
        self.setAccessibleName(view.title)
        self.describe(words)
        self.setMinimumHeight(int(count * _LANE + 60))
        if whole is None:
            self._drawn_now = None
            self.empty = tr("Reading the channels") if size else tr("No channels to show")

        def build() -> _Drawn:
            return _build(values, model, whole)

        work = values.size * (whole is None) + (model.W.shape[0] * size if model else 0)
        self._later.ask(build, at_once=work <= _LARGE)
        self.stale()

    @property
    def gain(self) -> float:
        """How many times higher than by itself the data are drawn."""
        return self._gain

    def set_gain(self, gain: float) -> None:
        """Draw the data `gain` times as high; what leaves its lane is cut."""
        self._gain = min(max(gain, _GAINS[0]), _GAINS[1])
        self.stale()

    def is_empty(self) -> bool:
        return self._drawn_now is None or not self._values.size

    # Where things are

    def area(self) -> QRectF:
        metrics = QFontMetricsF(small_font(self.font()))
        left = max(left_room(self._channel, len(self._names), metrics), 24.0) + 20
        key = self._drawn_now, self._gain, metrics.averageCharWidth()
        if key != self._room_of:  # asked for once per thing that is drawn
            scale = f"0.00 {self._unit(0) or 'mV'}"
            wide = max(metrics.horizontalAdvance(words) for words in (scale, *self._peaks()))
            self._room_of, self._room = key, min(wide, 110.0) + 18
        right = self._room
        height = self.height() - self._top() - self.below()
        return QRectF(left, self._top(), max(self.width() - left - right, 1.0), max(height, 1.0))

    def _top(self) -> float:
        model = self._model
        legend = model is not None and bool(model.names)
        return _TOP + (QFontMetricsF(small_font(self.font())).height() + 6 if legend else 0)

    def lanes(self) -> list[QRectF]:
        """Return the lane of each channel."""
        area, count = self.area(), max(len(self._names), 1)
        each = area.height() / count
        gap = _GAP if each > 18 else 1.0
        return [
            QRectF(area.left(), area.top() + k * each + gap / 2, area.width(), each - gap)
            for k in range(count)
        ]

    def ranges(self) -> list[tuple[float, float]]:
        """Return the values at the lower and upper border of each lane."""
        if self._drawn_now is None:
            return []
        low, high = (np.nan_to_num(np.asarray(v, float)) for v in self._drawn_now.whole.range())
        top = np.maximum(np.abs(low), np.abs(high))
        if not self._own:
            top = np.full_like(top, top.max(initial=0.0))
        signed = low < 0 if self._own else np.full(len(low), bool((low < 0).any()))
        top = np.where(top > 0, top, 1.0) / self._gain
        return [(-float(t) if s else 0.0, float(t)) for t, s in zip(top, signed, strict=True)]

    def _unit(self, place: int) -> str:
        return self._units[place] if place < len(self._units) else self._amount.unit

    def _peaks(self) -> list[str]:
        if not self._own:
            return []
        return [
            f"{'±' if low < 0 else ''}{number(high)} {self._unit(k)}".strip()
            for k, (low, high) in enumerate(self.ranges())
        ]

    # Drawing

    def paint_still(self, painter: QPainter) -> None:
        area, lanes, ranges = self.area(), self.lanes(), self.ranges()
        painter.setPen(QPen(QColor(self.tokens.line), 1))
        for at, _ in time_ticks(self.window_shown, self.unit, max(int(area.width() / 86), 2)):
            x = self.x_of(at)
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        for lane, (low, high) in zip(lanes, ranges, strict=True):
            y = lane.bottom() + low / (high - low) * lane.height()
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        self._paint_lines(painter, lanes, ranges)
        self._paint_names(painter, lanes)
        if self._own:
            self._paint_peaks(painter, lanes)
        else:
            self._paint_scale(painter, lanes[-1], ranges[-1])
        self._paint_legend(painter)
        self.paint_time_axis(painter, area.bottom())

    def _paint_lines(
        self, painter: QPainter, lanes: list[QRectF], ranges: list[tuple[float, float]]
    ) -> None:
        drawn, model = self._drawn_now, self._model
        assert drawn is not None
        ratio = self.devicePixelRatioF()
        width = max(round(lanes[0].width() * ratio), 1)
        first, last = (self._sample(at) for at in self.window_shown)
        low, high = drawn.whole.columns(first, last, width)
        courses = drawn.courses.columns(first, last, width) if drawn.courses else None
        total = drawn.total.columns(first, last, width) if drawn.total else None
        tops = np.nanmax(courses[1], axis=1, initial=0.0) if courses is not None else np.empty(0)
        over = model is not None and bool(model.names)
        ink = mixed(self.tokens.text, self.tokens.canvas, 0.45) if over else self.tokens.accent
        pen = _PEN * ratio / 2
        for k, (lane, span) in enumerate(zip(lanes, ranges, strict=True)):
            rows = max(round(lane.height() * ratio), 1)
            scale = rows / (span[1] - span[0])
            zero = rows + span[0] * scale
            top, foot = zero - high[k] * scale, zero - low[k] * scale
            layers = [layer_of(top, foot, rows, ink, pen=pen)]
            if courses is not None and model is not None:
                for part, color in enumerate(model.colors):
                    weight = float(model.W[k, part]) * scale
                    if weight * float(tops[part]) < 0.5:
                        continue  # under half a pixel: nothing to be seen
                    top, foot = zero - courses[1][part] * weight, zero - courses[0][part] * weight
                    layers.append(layer_of(top, foot, rows, color, pen=pen, base=zero))
            if total is not None:
                top, foot = zero - total[1][k] * scale, zero - total[0][k] * scale
                layers.append(layer_of(top, foot, rows, self.tokens.text, pen=pen))
            image = lane_image(layers, rows, width)
            image.setDevicePixelRatio(ratio)
            painter.drawImage(QPointF(lane.left(), lane.top()), image)

    def _paint_names(self, painter: QPainter, lanes: list[QRectF]) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.setPen(QColor(self.tokens.text))
        every = max(1, int(np.ceil(metrics.height() / (lanes[0].height() + _GAP))))
        for place in range(0, len(lanes), every):
            lane = lanes[place]
            box = QRectF(
                8, lane.center().y() - metrics.height() / 2, lane.left() - 18, metrics.height()
            )
            words = metrics.elidedText(self._names[place], Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words
            )

    def _paint_peaks(self, painter: QPainter, lanes: list[QRectF]) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.setPen(QColor(self.tokens.muted))
        every = max(1, int(np.ceil(metrics.height() / (lanes[0].height() + _GAP))))
        for place, words in list(enumerate(self._peaks()))[::every]:
            lane = lanes[place]
            painter.drawText(
                QPointF(lane.right() + 8, lane.center().y() + metrics.ascent() / 2 - 1), words
            )

    def _paint_scale(self, painter: QPainter, lane: QRectF, span: tuple[float, float]) -> None:
        """One bar for all: how high a round amount is."""
        steps = [step for step in ticks(0.0, span[1] - span[0], 2) if step > 0]
        if not steps:
            return
        amount = steps[0]
        tall = amount / (span[1] - span[0]) * lane.height()
        x = lane.right() + 8
        painter.setPen(
            QPen(QColor(self.tokens.text), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
        )
        painter.drawLine(QPointF(x, lane.bottom() - tall), QPointF(x, lane.bottom()))
        painter.setPen(QColor(self.tokens.muted))
        metrics = QFontMetricsF(painter.font())
        words = f"{number(amount)} {self._unit(0)}".strip()
        painter.drawText(QPointF(x + 6, lane.bottom() - tall / 2 + metrics.ascent() / 2 - 1), words)

    def _paint_legend(self, painter: QPainter) -> None:
        model = self._model
        if model is None or not model.names:
            return
        metrics, x = QFontMetricsF(painter.font()), self.area().left()
        whole = mixed(self.tokens.text, self.tokens.canvas, 0.45)
        shown = [(tr("Measured"), whole), *zip(model.names, model.colors, strict=True)]
        if len(model.names) > 1:
            shown.append((tr("Sum of the parts shown"), self.tokens.text))
        for name, color in shown:
            words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, 150.0)
            wide = metrics.horizontalAdvance(words) + 32
            if x + wide > self.width() - 8:
                break
            painter.fillRect(QRectF(x, _TOP - 4 + metrics.height() / 2, 12, 3), QColor(color))
            painter.setPen(QColor(self.tokens.muted))
            painter.drawText(QPointF(x + 17, _TOP - 4 + metrics.ascent()), words)
            x += wide

    # Cursor

    def reading(self, at: float, spot: QPointF) -> tuple[str, ...]:
        place = round(self._sample(at))
        if not 0 <= place < self._values.shape[1]:
            return (moment(at, self.window_shown, self.unit),)
        when = moment(self._start + place * self._step, self.window_shown, self.unit)
        words = [when]
        channel = self._channel_at(spot)
        if channel is not None:
            value = float(self._values[channel, place])
            words.append(f"{self._names[channel]} {number(value, 4)} {self._unit(channel)}".strip())
            if self._model is not None:
                model = self._model
                each = model.W[channel] * model.H[:, place]
                words += [
                    f"{n} {number(float(v))}" for n, v in zip(model.names[:4], each, strict=False)
                ]
        return tuple(words)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.set_gain(self._gain * (1.25 if event.key() == Qt.Key.Key_Up else 0.8))
            return
        super().keyPressEvent(event)

    # Within

    def _take(self, drawn: object) -> None:
        assert isinstance(drawn, _Drawn)
        self._drawn_now = drawn
        self.empty = tr("No channels to show")
        self.stale()

    def _sample(self, at: float) -> float:
        return (at - self._start) / self._step

    def _channel_at(self, spot: QPointF) -> int | None:
        area = self.area()
        place = int((spot.y() - area.top()) / area.height() * max(len(self._names), 1))
        return place if area.top() <= spot.y() and place < len(self._names) else None


def spans_of(view: View) -> tuple[Span, ...]:
    """Return the spans that a view carries in its options."""
    return tuple(
        Span(
            float(each["start"]),
            float(each["end"]),
            str(each.get("name", "")),
            str(each.get("color", "")),
            bool(each.get("fixed", False)),
        )
        for each in view.options.get("spans", ())
    )


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays are the same memory: a view that is given again."""
    return a.shape == b.shape and a.ctypes.data == b.ctypes.data and a.dtype == b.dtype


def _model(
    shape: tuple[int, int], view: View, parts: Sequence[Part], strips: Sequence[Strip]
) -> _Model | None:
    """The parts that the mixer shows, where they are made of these channels and samples."""
    fit = all(
        p.profile.size == shape[0] and p.course is not None and p.course.size == shape[1]
        for p in parts
    )
    if not parts or not fit or view.options.get("model") == "none":
        return None
    mine = View("traces", view.title, options={"of": "parts"})
    shown = series_of(len(parts), mine, parts, strips)
    chosen = [parts[each.place] for each in shown]
    return _Model(
        tuple(each.name for each in shown),
        tuple(each.color for each in shown),
        np.array([np.asarray(p.profile, float) for p in chosen]).reshape(-1, shape[0]).T,
        np.array([np.asarray(p.course, float) for p in chosen]).reshape(-1, shape[1]),
    )


def _build(values: NDArray[Any], model: _Model | None, whole: MinMax | None) -> _Drawn:
    whole = whole or MinMax(values)
    if model is None or not model.names:
        return _Drawn(whole)
    total = MinMax((model.W @ model.H).astype(np.float32)) if len(model.names) > 1 else None
    return _Drawn(whole, MinMax(model.H), total)
