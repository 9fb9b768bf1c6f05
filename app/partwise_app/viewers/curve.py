"""What does the loss do while a run goes on? Drawn as it was, also where it does not fall."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.overlays import small_font
from partwise_app.words import mark, tr

__all__ = ["ConvergenceCurve"]

_LOG_FROM = 10.0  # a fall by more than this factor is drawn on a logarithmic axis, and says so
_FLAT = 0.02  # a change below this share of the loss is drawn as flat as it is
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_EMPTY = mark("The loss appears here during a run")


class ConvergenceCurve(QWidget):
    """The loss from the first iteration to the last, both ends labelled."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trace: tuple[float, ...] = ()
        self._seconds: float | None = None
        self._running = False
        self._tokens = DARK
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Convergence"))
        self.setAccessibleDescription(tr(_EMPTY))

    def sizeHint(self) -> QSize:
        return QSize(240, 92)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 72)

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self.update()

    def set_trace(self, trace: Sequence[float], seconds: float | None, running: bool) -> None:
        """Show the objective per iteration; values that are not finite are left out.

        Parameters
        ----------
        trace : sequence of float
            May be empty: then the card says what will appear.
        seconds : float or None
            Time that the trace took; None labels the ends by iterations.
        running : bool
            Whether more is to come.
        """
        self._trace = tuple(float(value) for value in trace if math.isfinite(value))
        self._seconds, self._running = seconds, running
        self.setAccessibleDescription(self._in_words())
        self.update()

    @property
    def trace(self) -> tuple[float, ...]:
        """What is drawn."""
        return self._trace

    def has_risen(self) -> bool:
        """Whether the loss ends above where it began, beyond what rounding explains."""
        if len(self._trace) < 2:
            return False
        first, last = self._trace[0], self._trace[-1]
        return last > first + 1e-9 * abs(first)

    def is_logarithmic(self) -> bool:
        """Whether the vertical axis is logarithmic."""
        if len(self._trace) < 2 or min(self._trace) <= 0:
            return False
        return max(self._trace) / min(self._trace) > _LOG_FROM

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small_font(self.font()))
        metrics = QFontMetricsF(painter.font())
        line = metrics.height()
        rect = QRectF(self.rect())
        if not self._trace:
            painter.setPen(QColor(self._tokens.muted))
            words = tr("Waiting for the first step") if self._running else tr(_EMPTY)
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, rect.width())
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, shown)
            return
        plot = rect.adjusted(1, line + 4, -6, -line - 5)
        self._paint_labels(painter, rect, line)
        painter.setPen(QPen(QColor(self._tokens.line), 1))
        painter.drawLine(
            QPointF(rect.left(), plot.bottom() + 2.5), QPointF(rect.right(), plot.bottom() + 2.5)
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        points = self._points(plot)
        painter.setPen(QPen(QColor(self._tokens.accent), 1.6))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._tokens.accent))
        painter.drawEllipse(points[-1], 2.8, 2.8)

    def _points(self, plot: QRectF) -> list[QPointF]:
        """Polyline of the trace, at most two points per pixel."""
        log = self.is_logarithmic()
        values = [math.log10(v) for v in self._trace] if log else list(self._trace)
        low, high = min(values), max(values)
        count = len(values)
        stride = max(1, count // max(2 * int(plot.width()), 1))
        places = [*range(0, count - 1, stride), count - 1]
        # Seen against the loss itself, or the last digit would look like a fall or a rise.
        least = 0.0 if log else _FLAT * max(abs(high), abs(low))
        spare = max(least - (high - low), 0.0) / 2
        low, spread = low - spare, high - low + 2 * spare
        across = plot.width() / max(count - 1, 1)
        return [
            QPointF(
                plot.left() + place * across if count > 1 else plot.right(),
                plot.bottom() - (values[place] - low) / spread * plot.height()
                if spread > 0
                else plot.center().y(),
            )
            for place in places
        ]

    def _paint_labels(self, painter: QPainter, rect: QRectF, line: float) -> None:
        top = QRectF(rect.left(), rect.top(), rect.width(), line)
        bottom = QRectF(rect.left(), rect.bottom() - line, rect.width(), line)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.setPen(QColor(self._tokens.muted))
        count = len(self._trace)
        if count > 1:
            painter.drawText(top, left, _number(self._trace[0], 3))
        start, end = ("0 s", _time(self._seconds)) if self._seconds is not None else ("1", "")
        steps = f"{count} step" if count == 1 else f"{count} steps"
        painter.drawText(bottom, left, start)
        painter.drawText(bottom, right, f"{steps} · {end}" if end else steps)
        if self.is_logarithmic():
            painter.drawText(bottom, Qt.AlignmentFlag.AlignHCenter, "log scale")
        rose = self.has_risen() and not self._running
        painter.setPen(QColor(self._tokens.look if rose else self._tokens.text))
        painter.drawText(top, right, self._last_words())

    def _last_words(self) -> str:
        last = _number(self._trace[-1], 4)
        if self.has_risen() and not self._running:
            return tr("loss {value}, not fallen", value=last)
        return tr("loss {value}", value=last)

    def _in_words(self) -> str:
        if not self._trace:
            return tr(_EMPTY)
        words = mark("Loss {last} at the end, {first} at first, {steps} steps")
        if self._running:
            words = mark("Loss {last} so far, {first} at first, {steps} steps")
        elif self.has_risen():
            words = mark(
                "Loss {last} at the end, which is no fall: {first} at first, {steps} steps"
            )
        first, last = (_number(self._trace[k], 4) for k in (0, -1))
        return tr(words, first=first, last=last, steps=len(self._trace))


def _number(value: float, digits: int) -> str:
    """Return a number in the way of print: 9.02 × 10⁻⁵, not 9.02e-05."""
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}"


def _time(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
