"""What does a hand paint over the slices of a volume? A brush, and the stroke it draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from partwise_app.viewers.slices import Plane, Voxel

__all__ = ["VolumeBrush", "VolumeStroke", "grown", "paint_ring"]

_APART = 0.5  # of the radius, between two dabs of a stroke


class VolumeBrush(NamedTuple):
    """What a hand paints with: its radius, and the colour of its ring."""

    radius_mm: float
    color: str


class VolumeStroke(NamedTuple):
    """Middles of the dabs of one drag, and the axis of the volume that the slice lies across."""

    voxels: tuple[Voxel, ...]
    through: int


def grown(
    voxels: Sequence[Voxel], to: Voxel, spacing: Sequence[float], brush: VolumeBrush
) -> tuple[Voxel, ...]:
    """Return a stroke that goes on to a voxel, without gaps however fast the hand is.

    Parameters
    ----------
    voxels : sequence of Voxel
        So far.
    to : Voxel
    spacing : (z, y, x)
        mm.
    brush : VolumeBrush
    """
    if not voxels:
        return (to,)
    last = voxels[-1]
    way = [(b - a) * s for a, b, s in zip(last, to, spacing, strict=True)]
    length = math.hypot(*way)
    step = max(_APART * brush.radius_mm, min(spacing))
    if length < step:
        return tuple(voxels)
    count = math.ceil(length / step)
    made = list(voxels)
    for k in range(1, count + 1):
        z, y, x = (round(a + (b - a) * k / count) for a, b in zip(last, to, strict=True))
        made.append(Voxel(z, y, x))
    return tuple(made)


def paint_ring(
    painter: QPainter, pane: QRectF, spot: QPointF, plane: Plane, whole: QRectF, brush: VolumeBrush
) -> None:
    """Draw how far the brush reaches around the hand, within a pane."""
    radius = brush.radius_mm * whole.width() / plane.size[0]
    painter.save()
    painter.setClipRect(pane)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    # Dark below bright: seen on air and on a hot spot.
    for color, width in (("#000000", 3.0), (brush.color, 1.4)):
        painter.setPen(QPen(QColor(color), width))
        painter.drawEllipse(spot, radius, radius)
    painter.restore()
