"""What did a hand paint over a spectrogram? Boxes of time and frequency, and the brush for them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen

__all__ = ["Brush", "Dab", "Patch", "Stroke", "paint_patches"]

_FILL, _EDGE = 70, 190  # opacities of 255: what lies below stays readable
_HATCH = {"/": Qt.BrushStyle.BDiagPattern, "\\": Qt.BrushStyle.FDiagPattern}
_APART = 0.5  # of the radius, between two dabs of a stroke


@dataclass(frozen=True)
class Patch:
    r"""A box that was painted.

    Attributes
    ----------
    start, end : float
        In the unit of time.
    low, high : float
        Hz.
    color : str
        ``#rrggbb``.
    hatch : {"", "/", "\\"}
        Lines over the colour, so that patches differ by more than hue.
    """

    start: float
    end: float
    low: float
    high: float
    color: str
    hatch: str = ""


@dataclass(frozen=True)
class Brush:
    """What a hand paints with: words for it, its colour, its radius on screen in px."""

    name: str
    color: str
    radius: float = 14.0


class Dab(NamedTuple):
    """The box around a round touch of the brush, in time and Hz."""

    start: float
    end: float
    low: float
    high: float


class Stroke:
    """One stroke while it is painted, in pixels.

    Parameters
    ----------
    brush : Brush
    pane : QRectF
        Where it may paint.
    """

    def __init__(self, brush: Brush, pane: QRectF) -> None:
        self.brush, self.pane = brush, pane
        self._path: list[QPointF] = []

    def add(self, spot: QPointF) -> None:
        """Paint on to a place."""
        pane = self.pane
        x = min(max(spot.x(), pane.left()), pane.right())
        y = min(max(spot.y(), pane.top()), pane.bottom())
        self._path.append(QPointF(x, y))

    def dabs(
        self, time_at: Callable[[float], float], hertz_at: Callable[[float, QRectF], float]
    ) -> tuple[Dab, ...]:
        """Return the touches of the brush along the stroke, close to one another."""
        radius, pane, found = self.brush.radius, self.pane, []
        for spot in _dense(self._path, max(_APART * radius, 1.0)):
            top, bottom = max(spot.y() - radius, pane.top()), min(spot.y() + radius, pane.bottom())
            left, right = max(spot.x() - radius, pane.left()), min(spot.x() + radius, pane.right())
            low, high = hertz_at(bottom, pane), hertz_at(top, pane)
            found.append(Dab(time_at(left), time_at(right), low, high))
        return tuple(found)

    def paint(self, painter: QPainter) -> None:
        """Draw what is painted so far."""
        color = QColor(self.brush.color)
        color.setAlpha(110)
        pen = QPen(color, 2 * self.brush.radius)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.save()
        painter.setClipRect(self.pane)
        painter.setPen(pen)
        if len(self._path) == 1:
            painter.drawPoint(self._path[0])
        else:
            painter.drawPolyline(self._path)
        painter.restore()


def paint_patches(
    painter: QPainter,
    patches: Sequence[Patch],
    pane: QRectF,
    x_of: Callable[[float], float],
    y_of: Callable[[float, QRectF], float],
) -> None:
    """Draw the patches that are in sight of a pane."""
    painter.save()
    painter.setClipRect(pane)
    for patch in patches:
        left, right = x_of(patch.start), x_of(patch.end)
        if right < pane.left() or left > pane.right():
            continue
        top, bottom = y_of(patch.high, pane), y_of(patch.low, pane)
        box = QRectF(left, top, right - left, bottom - top).intersected(pane)
        fill, edge = QColor(patch.color), QColor(patch.color)
        fill.setAlpha(_FILL)
        edge.setAlpha(_EDGE)
        painter.fillRect(box, fill)
        if patch.hatch:
            painter.fillRect(box, QBrush(edge, _HATCH[patch.hatch]))
    painter.restore()


def _dense(path: Sequence[QPointF], apart: float) -> list[QPointF]:
    """Places along a path, none farther from the next than `apart`."""
    if not path:
        return []
    found = [path[0]]
    for start, end in itertools.pairwise(path):
        way = end - start
        steps = max(math.ceil(math.hypot(way.x(), way.y()) / apart), 1)
        found += [start + way * (k / steps) for k in range(1, steps + 1)]
    return found
