"""How loud is it when? The waveform above a spectrogram, with its axis."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from partwise_app.theme import Tokens
from partwise_app.viewers.minmax import MinMax
from partwise_app.viewers.plotting import number
from partwise_app.viewers.soundscale import paint_upright
from partwise_app.viewers.strokes import lane_image, layer_of
from partwise_app.words import tr

__all__ = ["paint_wave"]

_PEN = 0.6  # half the width of the line, px


def paint_wave(
    painter: QPainter,
    wave: MinMax,
    strip: QRectF,
    ends: tuple[float, float],
    ratio: float,
    tokens: Tokens,
) -> None:
    """Draw a waveform between its largest values, zero in the middle.

    Parameters
    ----------
    painter : QPainter
    wave : MinMax
    strip : QRectF
    ends : (first, last)
        Samples at the left and the right border.
    ratio : float
        Pixels of the device for one of the screen.
    tokens : Tokens
    """
    width, rows = max(round(strip.width() * ratio), 1), round(strip.height() * ratio)
    low, high = wave.columns(*ends, width)
    top = float(np.nanmax(np.abs(np.concatenate(wave.range()).astype(float)), initial=0.0)) or 1.0
    scale = rows / 2 / top
    upper, lower = rows / 2 - high[0] * scale, rows / 2 - low[0] * scale
    line = layer_of(upper, lower, rows, tokens.accent, pen=_PEN * ratio)
    painter.setPen(QPen(QColor(tokens.line), 1))
    middle = strip.center().y()
    painter.drawLine(QPointF(strip.left(), middle), QPointF(strip.right(), middle))
    image = lane_image([line], rows, width)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(strip.topLeft(), image)
    _paint_axis(painter, strip, top, tokens)


def _paint_axis(painter: QPainter, strip: QRectF, top: float, tokens: Tokens) -> None:
    """Write the largest round value that fits, up and down, and zero."""
    metrics = QFontMetricsF(painter.font())
    rung = _round_below(top)
    painter.setPen(QColor(tokens.muted))
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for value in (rung, 0.0, -rung):
        y = strip.center().y() - value / top * strip.height() / 2
        painter.drawLine(QPointF(strip.left() - 4, y), QPointF(strip.left() - 1, y))
        half = metrics.height() / 2
        middle = min(max(y, strip.top() + half - 3), strip.bottom() - half + 3)
        box = QRectF(0, middle - half, strip.left() - 8, metrics.height())
        painter.drawText(box, right, number(value))
    paint_upright(painter, strip, tr("Amplitude"), "")


def _round_below(top: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is no larger."""
    power = 10.0 ** np.floor(np.log10(top) + 1e-9)
    return float(max(step for step in (1, 2, 5) if step * power <= top * (1 + 1e-9)) * power)
