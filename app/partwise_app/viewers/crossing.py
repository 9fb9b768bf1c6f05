"""What lies over a slice of a body: cross, letters, anchors; and below it the grey scale?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen

from partwise_app.theme import Tokens

__all__ = ["paint_anchor", "paint_cross", "paint_gray_scale", "paint_letters"]

_GAP = 7.0  # px around the voxel that the cross leaves free


def paint_cross(painter: QPainter, pane: QRectF, at: QPointF) -> None:
    """Draw a cross through a pane that leaves free what it points at."""
    x, y = at.x(), at.y()
    # Dark beside bright: seen on air and on a hot spot.
    for ink, by in ((QColor(0, 0, 0, 110), 1.0), (QColor(255, 255, 255, 150), 0.0)):
        painter.setPen(QPen(ink, 1))
        painter.drawLine(QPointF(pane.left(), y + by), QPointF(x - _GAP, y + by))
        painter.drawLine(QPointF(x + _GAP, y + by), QPointF(pane.right(), y + by))
        painter.drawLine(QPointF(x + by, pane.top()), QPointF(x + by, y - _GAP))
        painter.drawLine(QPointF(x + by, y + _GAP), QPointF(x + by, pane.bottom()))


def paint_letters(
    painter: QPainter, pane: QRectF, letters: tuple[str, str, str, str], badge: QRectF
) -> None:
    """Write what lies left, right, on top and below into a pane's borders, beside its badge."""
    box = pane.adjusted(5, 3, -5, -3)
    flag = Qt.AlignmentFlag
    beside = box.adjusted(badge.right() + 8 - box.left(), 0, 0, 0)
    covered = badge.right() + 12 > box.center().x()
    places = (
        (box, flag.AlignVCenter | flag.AlignLeft),
        (box, flag.AlignVCenter | flag.AlignRight),
        (
            beside if covered else box,
            (flag.AlignLeft if covered else flag.AlignHCenter) | flag.AlignTop,
        ),
        (box, flag.AlignHCenter | flag.AlignBottom),
    )
    for letter, (room, place) in zip(letters, places, strict=True):
        painter.setPen(QColor(0, 0, 0, 200))
        for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):  # an edge, for bright tissue
            painter.drawText(room.translated(across, down), place, letter)
        painter.setPen(QColor("#f2d06b"))
        painter.drawText(room, place, letter)


def paint_anchor(painter: QPainter, spot: QPointF, color: str, *, near: bool) -> None:
    """Mark a voxel: a dot where it lies in this slice, a ring where in the `near` one."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush if near else QColor(color))
    for ink, wide in ((QColor(0, 0, 0, 190), 4.0), (QColor("#ffffff"), 1.8)):
        painter.setPen(QPen(ink, wide))
        painter.drawEllipse(spot, 4.5, 4.5)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_gray_scale(
    painter: QPainter,
    left: float,
    line: float,
    low: str,
    high: str,
    tokens: Tokens,
    colors: NDArray[np.uint32] | None = None,
) -> None:
    """Draw the grey scale, or one of colours, with its ends, from `left` on around `line`."""
    metrics = QFontMetricsF(painter.font())
    baseline = line + metrics.ascent() / 2 - 1
    painter.setPen(QColor(tokens.muted))
    painter.drawText(QPointF(left, baseline), low)
    ramp = QRectF(left + metrics.horizontalAdvance(low) + 6, line - 4, 84, 8)
    shades = QLinearGradient(ramp.topLeft(), ramp.topRight())
    if colors is None:
        shades.setColorAt(0, QColor("#000000"))
        shades.setColorAt(1, QColor("#ffffff"))
    else:
        for place in np.linspace(0, len(colors) - 1, 9).astype(int):
            shades.setColorAt(place / (len(colors) - 1), QColor(int(colors[place])))
    painter.fillRect(ramp, shades)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(ramp)
    painter.drawText(QPointF(ramp.right() + 6, baseline), high)
