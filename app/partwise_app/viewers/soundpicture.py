"""How does a stretch of sound become a picture? Columns of levels, as colours in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter

from partwise_app.theme import Tokens
from partwise_app.viewers.peaks import Peaks
from partwise_app.viewers.soundscale import FrequencyScale, Levels, shades
from partwise_app.viewers.timeline import Window
from partwise_app.words import tr

__all__ = ["Grain", "Look", "paint_grain", "paint_not_yet"]


class Grain(NamedTuple):
    """Columns of levels: the moment of the first, and from one to the next."""

    peaks: Peaks
    start: float
    step: float


@dataclass(frozen=True)
class Look:
    """How time lies on the screen.

    Attributes
    ----------
    window : Window
        What is in sight.
    left, width : float
        Where it is drawn, in px.
    ratio : float
        Pixels of the device for one of the screen.
    """

    window: Window
    left: float
    width: float
    ratio: float

    def x_of(self, at: float) -> float:
        """Return where a moment lies."""
        return self.left + (at - self.window.low) / self.window.size * self.width

    def time_at(self, x: float) -> float:
        """Return the moment at a place."""
        return self.window.low + (x - self.left) / max(self.width, 1.0) * self.window.size

    def part(self, place: QRectF, start: float, end: float) -> QRectF:
        """Return the part of a place from one moment to another."""
        left, right = (min(max(self.x_of(at), place.left()), place.right()) for at in (start, end))
        return QRectF(left, place.top(), right - left, place.height())


def paint_grain(
    painter: QPainter,
    place: QRectF,
    grain: Grain,
    look: Look,
    scale: FrequencyScale,
    levels: Levels,
) -> None:
    """Draw columns where they belong; what they do not reach repeats their ends."""
    peaks, start, step = grain
    width = max(round(place.width() * look.ratio), 1)
    height = max(round(place.height() * look.ratio), 1)
    first, last = ((look.time_at(x) - start) / step for x in (place.left(), place.right()))
    shown = scale.rows(height).taken(peaks.columns(first, last, width))
    pixels = shades(levels)[shown]
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
    image.setDevicePixelRatio(look.ratio)
    painter.drawImage(place.topLeft(), image)


def paint_not_yet(
    painter: QPainter, rest: QRectF, tokens: Tokens, words: str | None = None
) -> None:
    """Hatch what a run that goes on has not come to: it is unknown, and not silent."""
    painter.fillRect(rest, QColor(tokens.canvas))
    painter.fillRect(rest, QBrush(QColor(tokens.line), Qt.BrushStyle.BDiagPattern))
    words = tr("not yet") if words is None else words
    metrics = QFontMetricsF(painter.font())
    if words and rest.width() > metrics.horizontalAdvance(words) + 12:
        painter.setPen(QColor(tokens.muted))
        painter.drawText(rest, Qt.AlignmentFlag.AlignCenter, words)
