"""How is anything that runs in time looked at? One axis: zoom, pan, cursor, playhead, spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)

from partwise_app.keyed import is_keyed
from partwise_app.theme import Tokens
from partwise_app.viewers.focused import paint_focus
from partwise_app.viewers.overlays import paint_message, small_font
from partwise_app.viewers.plotting import Plot
from partwise_app.viewers.timeline import Span, Window
from partwise_app.viewers.timemarks import (
    HANDLE,
    HEAD,
    paint_axis,
    paint_line,
    paint_playhead,
    paint_span,
    shade,
)
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["TimedPlot"]

_GRAB = 5.0  # px beside a span's end where it can be taken
_ZOOM = 1.25
_STILL = 4.0  # px a hand may move in a click
_KEYS = mark("Arrows pan, + and − zoom, 0 shows all, Shift and arrows move the cursor")


class TimedPlot(Plot):
    """A drawing over time.

    Wheel zooms, Shift and wheel or a drag pans, double-click shows all, a click moves the
    playhead, Shift and drag draws a span; spans are dragged by their ends or their name.
    ``[`` and ``]`` set the start and the end of the chosen span at the cursor.
    """

    looked = Signal(object)
    """The `Window` on screen has changed by hand; give it to `look` of another to link them."""
    sought = Signal(float)
    """A moment was clicked."""
    span_changed = Signal(int, float, float)
    """A span was set by hand: its place, start and end; once per drag, when it is let go."""
    span_drawn = Signal(float, float)
    """A new span was drawn; whoever listens decides what it means and gives it to `set_spans`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.limits = Window(0.0, 1.0)
        self.window_shown = self.limits
        self.unit, self.time_name = "s", tr("Time")
        self.least = 1e-3
        self.empty = tr("Nothing to show")
        self._spans: tuple[Span, ...] = ()
        self._chosen = 0
        self._playhead: float | None = None
        self._mark: QPointF | None = None
        self._drag: tuple[str, QPointF, Window, Span | None] | None = None
        self._drawn: Span | None = None
        self._still: QPixmap | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("")

    def sizeHint(self) -> QSize:
        return QSize(640, 420)

    # What a drawing says of itself

    def area(self) -> QRectF:
        """Return where time runs, from the top lane to the bottom one."""
        raise NotImplementedError

    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        raise NotImplementedError

    def is_building(self) -> bool:
        """Whether what is to be drawn is still being prepared; here, while it is empty."""
        return self.is_empty()

    def paint_still(self, painter: QPainter) -> None:
        """Draw all that stays while the cursor moves."""
        raise NotImplementedError

    def paint_over(self, painter: QPainter) -> None:
        """Draw what changes more often than the data below it; nothing by itself."""

    def reading(self, at: float, spot: QPointF) -> tuple[str, ...]:
        """Return words for the status bar about a moment and a place."""
        raise NotImplementedError

    # What is shown

    def set_time(self, limits: Window, unit: str, name: str, least: float) -> None:
        """Say how far time goes; the stretch on screen is kept where it still fits."""
        if limits != self.limits:
            self.limits = self.window_shown = limits
        self.unit, self.time_name, self.least = unit, name, least
        self.stale()

    def look(self, window: Window) -> None:
        """Show a stretch of time; says nothing to `looked`."""
        window = Window(*window).within(self.limits)
        if window != self.window_shown:
            self.window_shown = window
            self.stale()

    def fit(self) -> None:
        """Show all of it."""
        self._look(self.limits)

    def zoom_in(self) -> None:
        """Look closer at the middle."""
        self._zoom(_ZOOM)

    def zoom_out(self) -> None:
        """Step back from the middle."""
        self._zoom(1 / _ZOOM)

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans drawn."""
        return self._spans

    def set_spans(self, spans: Sequence[Span]) -> None:
        """Show named stretches of time."""
        self._spans = tuple(spans)
        self._chosen = min(self._chosen, max(len(self._spans) - 1, 0))
        self.update()

    def set_playhead(self, at: float | None) -> None:
        """Show where the sound is, in the unit of the axis; None while nothing plays."""
        before = self._playhead
        self._playhead = at
        for moment in (before, at):
            if moment is not None:
                x = self.x_of(moment)
                self.update(int(x - HEAD), 0, int(2 * HEAD), self.height())

    def follow(self, at: float) -> None:
        """Turn the page when a moment that moves on leaves what is on screen."""
        window = self.window_shown
        if not window.low <= at <= window.high:
            self._look(Window(at, at + window.size).within(self.limits))

    def set_theme(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.stale()

    def stale(self) -> None:
        """Draw all anew with the next repaint."""
        self._still = None
        self.update()

    @property
    def cursor_spot(self) -> QPointF | None:
        """Where the cursor is, None while it is elsewhere."""
        return self._mark

    def x_of(self, at: float) -> float:
        """Return where a moment lies on screen."""
        area, window = self.area(), self.window_shown
        return area.left() + (at - window.low) / window.size * area.width()

    def time_at(self, x: float) -> float:
        """Return the moment at a place on screen."""
        area, window = self.area(), self.window_shown
        return window.low + (x - area.left()) / max(area.width(), 1.0) * window.size

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._still is None or self._still.deviceIndependentSize() != self.size().toSizeF():
            self._still = self._drawn_still()
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        spans = (*self._spans, *((self._drawn,) if self._drawn is not None else ()))
        if self.is_empty():
            spans = ()
        area = self.area()
        for span in spans:  # below the data, which stay as bright as they are
            shade(painter, span, area, self.x_of, self.tokens)
        painter.drawPixmap(0, 0, self._still)
        painter.setFont(small_font(self.font()))
        for place, span in enumerate(spans):
            chosen = place == self._chosen
            paint_span(painter, span, self._spans, area, self.x_of, self.tokens, chosen=chosen)
        if not self.is_empty():
            self.paint_over(painter)
            if self._mark is not None:
                paint_line(painter, self._mark.x(), area, 90, 120)
            if self._playhead is not None:
                paint_playhead(painter, self.x_of(self._playhead), area)
        if is_keyed(self):
            paint_focus(painter, QRectF(self.rect()), self.tokens)
        painter.end()

    def _drawn_still(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        still = QPixmap(self.size() * ratio)
        still.setDevicePixelRatio(ratio)
        still.fill(Qt.GlobalColor.transparent)
        painter = QPainter(still)
        painter.setFont(self.font())
        if self.is_empty():
            paint_message(painter, QRectF(self.rect()), self.empty, "", self.tokens, plate=False)
        else:
            painter.setFont(small_font(self.font()))
            self.paint_still(painter)
        painter.end()
        return still

    def paint_time_axis(self, painter: QPainter, bottom: float) -> None:
        """Write moments and the axis' title below `bottom`."""
        words = self.unit, self.time_name
        paint_axis(painter, self.area(), bottom, self.window_shown, words, self.tokens)

    def below(self) -> float:
        """Return the room that the time axis needs."""
        return 2 * QFontMetricsF(small_font(self.font())).height() + 12

    # Hands

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned, across = event.angleDelta().y(), event.angleDelta().x()
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if across or shift:
            by = -(across or turned) / 120 * 0.1 * self.window_shown.size
            self._look(self.window_shown.moved(by, self.limits))
        else:
            about = self.time_at(event.position().x())
            factor = _ZOOM ** (turned / 120)
            self._look(self.window_shown.zoomed(factor, about, self.limits, self.least))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        middle = event.button() == Qt.MouseButton.MiddleButton
        if not middle and event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        what, span = ("pan", None) if middle else self.grabbed(spot)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not middle:
            what, span = "draw", None
        self._drag = (what, spot, self.window_shown, span)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        if self._drag is not None:
            self._dragged(spot)
        else:
            self._point(spot)
        self._set_mark(spot)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            return
        what, start, _, _ = self._drag
        self._drag = None
        far = abs(event.position().x() - start.x()) > _STILL
        if what == "draw" and far:
            drawn, self._drawn = self._drawn, None
            self.update()
            if drawn is not None:
                self.span_drawn.emit(drawn.start, drawn.end)
        elif what not in ("pan", "draw") and far:
            span = self._spans[self._chosen]
            self.span_changed.emit(self._chosen, span.start, span.end)
        elif not far and self.area().contains(start):
            self._drawn = None
            self.sought.emit(min(max(self.time_at(start.x()), self.limits.low), self.limits.high))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, window = event.key(), self.window_shown
        side = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(key), 0)
        if side and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            spot = self._mark or QPointF(self.area().center())
            self._set_mark(spot + QPointF(side, 0))
        elif side:
            self._look(window.moved(0.1 * side * window.size, self.limits))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            by = self.limits.size * (-1 if key == Qt.Key.Key_Home else 1)
            self._look(window.moved(by, self.limits))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key == Qt.Key.Key_Minus:
            self.zoom_out()
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight) and self._mark is not None:
            self._set_end(self.time_at(self._mark.x()), key == Qt.Key.Key_BracketLeft)
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._mark = None
        self.update()
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._still = None
        super().resizeEvent(event)

    def focusInEvent(self, event: object) -> None:
        self.update()

    def focusOutEvent(self, event: object) -> None:
        self.update()

    # Within

    def describe(self, words: str) -> None:
        """Say to a screen reader what is drawn and how it is moved."""
        self.setAccessibleDescription(f"{words}. {tr(_KEYS)}")

    def _look(self, window: Window) -> None:
        if window == self.window_shown:
            return
        self.look(window)
        self.looked.emit(self.window_shown)

    def _zoom(self, factor: float) -> None:
        window = self.window_shown
        about = (window.low + window.high) / 2
        self._look(window.zoomed(factor, about, self.limits, self.least))

    def _set_mark(self, spot: QPointF) -> None:
        area = self.area()
        inside = not self.is_empty() and area.left() <= spot.x() <= area.right()
        self._mark = QPointF(spot) if inside else None
        self.update()
        self.read.emit(self.reading(self.time_at(spot.x()), spot) if inside else None)

    def grabbed(self, spot: QPointF) -> tuple[str, Span | None]:
        """Tell what a press takes hold of, and choose the span it belongs to.

        ``"start"``, ``"end"`` or ``"whole"`` of a span, ``"pan"``, or ``"draw"`` where a drag
        draws a new span.
        """
        area = self.area()
        for place, span in enumerate(self._spans):
            if span.fixed or not area.top() <= spot.y() <= area.bottom():
                continue
            left, right = self.x_of(span.start), self.x_of(span.end)
            near = {"start": abs(spot.x() - left), "end": abs(spot.x() - right)}
            end = min(near, key=near.__getitem__)
            on_name = left <= spot.x() <= right and spot.y() <= area.top() + HANDLE
            if near[end] <= _GRAB or (span.name and on_name):
                self._chosen = place
                return (end if near[end] <= _GRAB else "whole"), span
        return "pan", None

    def _point(self, spot: QPointF) -> None:
        chosen = self._chosen
        what, _ = self.grabbed(spot)
        self._chosen = chosen
        shape = {
            "start": Qt.CursorShape.SplitHCursor,
            "end": Qt.CursorShape.SplitHCursor,
            "whole": Qt.CursorShape.OpenHandCursor,
            "draw": Qt.CursorShape.IBeamCursor,
        }.get(what, Qt.CursorShape.ArrowCursor)
        if shape != self.cursor().shape():
            self.setCursor(shape)

    def _dragged(self, spot: QPointF) -> None:
        assert self._drag is not None
        what, start, window, span = self._drag
        by = (spot.x() - start.x()) / max(self.area().width(), 1.0) * window.size
        if what == "pan":
            self._look(window.moved(-by, self.limits))
        elif what == "draw":
            ends = sorted(self._clamped(self.time_at(x)) for x in (start.x(), spot.x()))
            self._drawn = Span(ends[0], ends[1])
        elif span is not None:
            if what == "whole":
                by = min(max(by, self.limits.low - span.start), self.limits.high - span.end)
                self._put(replace(span, start=span.start + by, end=span.end + by))
            else:
                at = self._clamped((span.start if what == "start" else span.end) + by)
                other = span.end if what == "start" else span.start
                self._put(replace(span, start=min(at, other), end=max(at, other)))

    def _set_end(self, at: float, is_start: bool) -> None:
        if not self._spans or self._spans[self._chosen].fixed:
            return
        span, at = self._spans[self._chosen], self._clamped(at)
        ends = sorted((at, span.end) if is_start else (span.start, at))
        self._put(replace(span, start=ends[0], end=ends[1]))
        self.span_changed.emit(self._chosen, ends[0], ends[1])

    def _put(self, span: Span) -> None:
        before, after = self._spans[: self._chosen], self._spans[self._chosen + 1 :]
        self._spans = (*before, span, *after)
        self.update()

    def _clamped(self, at: float) -> float:
        return min(max(at, self.limits.low), self.limits.high)
