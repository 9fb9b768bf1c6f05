"""How are outlines painted: line, name, grips, and how large they are?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from partwise_app.viewers.outline import Grip
from partwise_app.viewers.overlays import small_font
from partwise_app.viewers.sketch import Point, Shape, area_of, box_of

if TYPE_CHECKING:
    from partwise_app.viewers.image import ImagePane

__all__ = ["name_plate", "outer_box", "paint_grips", "paint_shape", "paint_size", "size_words"]

_BOXES = ("rectangle", "ellipse")
_GRIP, _SMALL, _MOVER = 4.5, 3.2, 8.0  # px, radius
_TIGHT = 14.0  # px between grips, below which only those of whole outline and box are painted
_DARK, _BRIGHT = QColor(0, 0, 0, 170), QColor("#ffffff")


def paint_shape(painter: QPainter, pane: ImagePane, shape: Shape) -> None:
    """Paint an outline and its name."""
    outline = QPolygonF([_on(pane, point) for point in shape.points])
    painter.setBrush(Qt.BrushStyle.NoBrush)
    # A dark line below a bright one is seen on any tissue.
    painter.setPen(QPen(QColor(0, 0, 0, 150), 4.5 if shape.chosen else 3.5))
    painter.drawPolygon(outline)
    painter.setPen(QPen(QColor(shape.color), 2.5 if shape.chosen else 1.5))
    painter.drawPolygon(outline)
    if shape.name:
        _paint_words(painter, name_plate(pane, shape), shape.name)


def outer_box(pane: ImagePane, shape: Shape) -> QRectF:
    """Return what an outline takes of a pane with its line and its name."""
    left, top, right, bottom = box_of(shape.points)
    box = QRectF(_on(pane, (left, top)), _on(pane, (right, bottom))).adjusted(-5, -5, 5, 5)
    return box.united(name_plate(pane, shape)) if shape.name else box


def name_plate(pane: ImagePane, shape: Shape) -> QRectF:
    """Return where the name of an outline is written, in the pane's pixels."""
    metrics = QFontMetricsF(small_font(pane.font()))
    left, top, right, _bottom = box_of(shape.points)
    start, end = _on(pane, (left, top)), _on(pane, (right, top))
    width, height = metrics.horizontalAdvance(shape.name) + 10, metrics.height() + 2
    plate = QRectF(start.x(), start.y() - height - 6, width, height)
    if plate.top() < 0:
        plate.moveTop(start.y() + 4)
    # The name of an outline that reaches beyond the pane stays in sight while there is room.
    if plate.left() < 0 and end.x() > width:
        plate.moveLeft(2)
    return plate


def paint_grips(
    painter: QPainter, pane: ImagePane, shape: Shape, grips: Sequence[Grip], chosen: int
) -> None:
    """Paint what of an outline can be taken hold of; the one that keys move is filled."""
    left, top, right, bottom = box_of(shape.points)
    scale = pane.viewport_now.scale
    roomy = min(right - left, bottom - top) * scale > 3 * _TIGHT
    color = QColor(shape.color)
    corners = [_on(pane, grip.at) for grip in grips if grip.part == "corner"]
    spread = _spread(corners)
    for place, grip in enumerate(grips):
        at = _on(pane, grip.at)
        if grip.part == "whole":
            if roomy or place == chosen:
                _paint_mover(painter, at, color if place == chosen else _BRIGHT)
            continue
        small = grip.part in ("edge", "side")
        if (small and spread < 3 * _TIGHT) or (spread < _TIGHT and shape.kind not in _BOXES):
            continue
        radius = _SMALL if small else _GRIP
        box = QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)
        painter.setPen(QPen(_DARK, 1.2))
        painter.setBrush(color if place == chosen else _BRIGHT)
        if grip.part == "edge":
            painter.drawEllipse(box)
        else:
            painter.drawRect(box)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_size(painter: QPainter, pane: ImagePane, points: Sequence[Point], kind: str) -> None:
    """Write below an outline how large it is while a hand changes it."""
    if len(points) < 2:
        return
    _left, _top, right, bottom = box_of(tuple(points))
    words = size_words(tuple(points), kind, pane.microns)
    metrics = QFontMetricsF(small_font(pane.font()))
    width, height = metrics.horizontalAdvance(words) + 10, metrics.height() + 2
    corner = _on(pane, (right, bottom))
    x = min(max(corner.x() - width, 2), pane.width() - width - 2)
    y = min(max(corner.y() + 8, 2), pane.height() - height - 2)
    _paint_words(painter, QRectF(x, y, width, height), words)


def size_words(points: tuple[Point, ...], kind: str, microns: float | None) -> str:
    """Return the sides of a box and the area of any outline, in words.

    Parameters
    ----------
    points : tuple of (x, y)
        In pixels of level 0.
    kind : str
        What it is drawn as.
    microns : float or None
        Micrometres per pixel; None counts in pixels.
    """
    left, top, right, bottom = box_of(points)
    size = microns or 1.0
    area = area_of(points) * size**2
    if microns is None:
        whole = f"{area:,.0f} px²"
    else:
        whole = f"{area / 1e6:.3g} mm²" if area >= 1e4 else f"{area:.0f} µm²"
    if kind not in _BOXES:
        return whole
    wide, high = (right - left) * size, (bottom - top) * size
    if microns is None:
        return f"{wide:,.0f} × {high:,.0f} px · {whole}"
    if max(wide, high) >= 1000:
        return f"{wide / 1000:.2f} × {high / 1000:.2f} mm · {whole}"
    return f"{wide:.0f} × {high:.0f} µm · {whole}"


def _on(pane: ImagePane, point: Point) -> QPointF:
    return QPointF(*pane.viewport_now.to_pane(point, pane.extent))


def _spread(corners: Sequence[QPointF]) -> float:
    """The shortest way from one corner to the next."""
    pairs = zip(corners, (*corners[1:], *corners[:1]), strict=True)
    return min((math.dist(a.toTuple(), b.toTuple()) for a, b in pairs), default=math.inf)


def _paint_mover(painter: QPainter, at: QPointF, color: QColor) -> None:
    """Four arrows from a middle."""
    for pen in (QPen(_DARK, 4.0), QPen(color, 1.8)):
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            tip = at + QPointF(dx * _MOVER, dy * _MOVER)
            painter.drawLine(at, tip)
            for side in (-1, 1):
                back = QPointF(-2.6 * dx + 2.6 * side * dy, -2.6 * dy + 2.6 * side * dx)
                painter.drawLine(tip, tip + back)


def _paint_words(painter: QPainter, plate: QRectF, words: str) -> None:
    painter.save()
    painter.setFont(small_font(painter.font()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_DARK)
    painter.drawRoundedRect(plate, 3, 3)
    painter.setPen(_BRIGHT)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()
