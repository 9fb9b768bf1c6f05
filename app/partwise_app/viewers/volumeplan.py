"""Where on screen do three slices lie, and which voxel is under a point of them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF

from partwise_app.viewers.slices import Plane, Voxel

__all__ = ["Plan", "plan_of"]

_GAP = 6.0


@dataclass(frozen=True)
class Plan:
    """Places of slices, curve and reading, and how far the slices are zoomed around the cross.

    Attributes
    ----------
    planes : tuple of Plane
        Axial, coronal, sagittal.
    panes : tuple of QRectF
        Of the slices, in the same order.
    curve, corner : QRectF
        What is left beside the axial and beside the sagittal slice.
    voxel : Voxel
        Where the cross stands.
    zoom : float
        1 shows all of every slice.
    """

    planes: tuple[Plane, ...]
    panes: tuple[QRectF, QRectF, QRectF]
    curve: QRectF
    corner: QRectF
    voxel: Voxel
    zoom: float

    def whole(self, place: int) -> QRectF:
        """Return where all of a slice would lie; larger than its pane where it is zoomed."""
        pane = self.panes[place]
        wide, tall = pane.width() * self.zoom, pane.height() * self.zoom
        across, down = self.planes[place].to_screen(self.voxel)
        left = min(max(pane.center().x() - across * wide, pane.right() - wide), pane.left())
        top = min(max(pane.center().y() - down * tall, pane.bottom() - tall), pane.top())
        return QRectF(left, top, wide, tall)

    def spot(self, place: int, voxel: Voxel) -> QPointF:
        """Return where the middle of a voxel lies in a slice."""
        whole = self.whole(place)
        across, down = self.planes[place].to_screen(voxel)
        return QPointF(whole.left() + across * whole.width(), whole.top() + down * whole.height())

    def voxel_at(self, spot: QPointF, place: int | None = None) -> tuple[int, Voxel] | None:
        """Return the slice that a point lies in and the voxel there.

        With `place` the point belongs to that slice, also beyond its borders.
        """
        for k, pane in enumerate(self.panes):
            if k == place or (place is None and pane.contains(spot)):
                whole = self.whole(k)
                across = (spot.x() - whole.left()) / whole.width()
                down = (spot.y() - whole.top()) / whole.height()
                return k, self.planes[k].to_voxel(across, down, self.voxel)
        return None


def plan_of(
    room: QRectF, planes: Sequence[Plane], voxel: Voxel, zoom: float, *, timed: bool
) -> Plan:
    """Lay out slices of one scale.

    Axial stands over coronal and beside it sagittal, so that each shares an axis with its
    neighbour; the curve of a series takes what is left. Without a curve axial takes the left half.
    """
    (wide, deep), (_, tall) = planes[0].size, planes[1].size
    left, top = room.left(), room.top()
    high = max(room.height() - _GAP, 1.0)
    if timed:
        scale = min((room.width() - _GAP) / (wide + deep), high / (deep + tall))
        right, low = left + wide * scale + _GAP, top + deep * scale + _GAP
        panes = (
            QRectF(left, top, wide * scale, deep * scale),
            QRectF(left, low, wide * scale, tall * scale),
            QRectF(right, low, deep * scale, tall * scale),
        )
        curve = QRectF(right, top, room.right() - right, deep * scale)
    else:
        widest = max(wide, deep)
        scale = min((room.width() - _GAP) / (2 * widest), high / max(deep, 2 * tall))
        right, low = left + widest * scale + _GAP, top + tall * scale + _GAP
        panes = (
            QRectF(left, top, wide * scale, deep * scale),
            QRectF(right, top, wide * scale, tall * scale),
            QRectF(right, low, deep * scale, tall * scale),
        )
        curve = QRectF()
    beside = panes[2].right() + _GAP
    corner = QRectF(beside, panes[2].top(), max(room.right() - beside, 0.0), panes[2].height())
    return Plan(tuple(planes), panes, curve, corner, voxel, zoom)
