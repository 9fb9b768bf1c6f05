"""What stands along a time axis? Moments below it, spans with their names, cursor and playhead."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from partwise_app.theme import Tokens
from partwise_app.viewers.timeline import Span, Window, time_ticks, time_title

__all__ = ["HANDLE", "HEAD", "paint_axis", "paint_line", "paint_playhead", "paint_span", "shade"]

HANDLE = 16.0  # px from the top where a span as a whole can be taken
HEAD = 8.0  # px of the playhead's flag

XOf = Callable[[float], float]


def paint_axis(
    painter: QPainter,
    area: QRectF,
    bottom: float,
    window: Window,
    words: tuple[str, str],
    tokens: Tokens,
) -> None:
    """Write moments and the axis' title below `bottom`; `words` are unit and name of time."""
    metrics, (unit, name) = QFontMetricsF(painter.font()), words
    painter.setPen(QColor(tokens.muted))
    last = area.left() - 10
    for at, said in time_ticks(window, unit, max(int(area.width() / 86), 2)):
        x = area.left() + (at - window.low) / window.size * area.width()
        wide = metrics.horizontalAdvance(said)
        left = min(max(x - wide / 2, area.left() - 2), area.right() - wide + 2)
        painter.drawLine(QPointF(x, bottom), QPointF(x, bottom + 3))
        if left >= last + 8:
            painter.drawText(QPointF(left, bottom + 5 + metrics.ascent()), said)
            last = left + wide
    tall = metrics.height()
    title = QRectF(area.left(), bottom + 5 + tall, area.width(), tall + 2)
    painter.drawText(title, Qt.AlignmentFlag.AlignHCenter, time_title(window, unit, name))


def shade(painter: QPainter, span: Span, area: QRectF, x_of: XOf, tokens: Tokens) -> None:
    """Tint a span, below the data."""
    fill = QColor(span.color or tokens.accent)
    fill.setAlpha(40)
    painter.fillRect(_box(span, area, x_of), fill)


def paint_span(
    painter: QPainter,
    span: Span,
    among: Sequence[Span],
    area: QRectF,
    x_of: XOf,
    tokens: Tokens,
    *,
    chosen: bool,
) -> None:
    """Draw the ends of a span and its name, as far as that of the next leaves room."""
    box = _box(span, area, x_of)
    if box.width() <= 0:
        return
    color = QColor(span.color or tokens.accent)
    painter.setPen(QPen(color, 2 if chosen and not span.fixed else 1))
    for x in (x_of(span.start), x_of(span.end)):
        if area.left() <= x <= area.right():
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
    after = [x_of(each.start) for each in among if each.start > span.start]
    room = min([*after, area.right()]) - box.left() - 10
    if span.name and room > 14:
        metrics = QFontMetricsF(painter.font())
        words = metrics.elidedText(span.name, Qt.TextElideMode.ElideRight, room)
        plate = QRectF(box.left(), area.top(), metrics.horizontalAdvance(words) + 10, HANDLE)
        painter.fillRect(plate, color)
        painter.setPen(QColor("#101418" if color.lightnessF() > 0.55 else "#ffffff"))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)


def paint_line(painter: QPainter, x: float, area: QRectF, dark: int, bright: int) -> None:
    """Draw a white line with a dark rim, to be seen on any colour; both of some opacity."""
    if area.left() <= x <= area.right():
        for color, wide in ((QColor(0, 0, 0, dark), 3.0), (QColor(255, 255, 255, bright), 1.0)):
            painter.setPen(QPen(color, wide))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


def paint_playhead(painter: QPainter, x: float, area: QRectF) -> None:
    """Draw a line with a flag on top, to be told from the cursor and the ends of spans."""
    paint_line(painter, x, area, 200, 255)
    if area.left() <= x <= area.right():
        half = HEAD / 2
        flag = [QPointF(x - half, 0), QPointF(x + half, 0), QPointF(x, HEAD)]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0, max(area.top() - HEAD, 0))
        painter.setPen(QPen(QColor(0, 0, 0, 200), 1))
        painter.setBrush(QColor("#ffffff"))
        painter.drawPolygon(QPolygonF(flag))
        painter.restore()


def _box(span: Span, area: QRectF, x_of: XOf) -> QRectF:
    left = x_of(span.start)
    return QRectF(left, area.top(), x_of(span.end) - left, area.height()).intersected(area)
