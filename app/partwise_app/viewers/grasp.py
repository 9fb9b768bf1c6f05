"""How does a hand hold the chosen outline? By its grips, with the mouse or with keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt, Signal

from partwise_app.viewers.outline import Grip, dragged, grip_at, grips, without_corner
from partwise_app.viewers.penwork import name_plate, paint_grips, paint_shape, paint_size
from partwise_app.viewers.sketch import Point, Shape

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from partwise_app.viewers.image import ImagePane

__all__ = ["Grasp"]

_NEAR = 4.0  # px on the screen that a click may tremble
_REACH = 8.0  # px on the screen within which a grip is taken hold of
_THREAD = 48.0  # px on the screen of a line that follow a pull, on either side
_FAR_STEP = 10  # px on the screen that Shift and an arrow key move, in place of one
_NONE = -1
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_CURSORS = {
    "corner": Qt.CursorShape.CrossCursor,
    "edge": Qt.CursorShape.CrossCursor,
    "line": Qt.CursorShape.PointingHandCursor,
    "whole": Qt.CursorShape.SizeAllCursor,
}
_BOX_CURSORS = {  # of a box's corner, or of its side, by place
    "corner": (Qt.CursorShape.SizeFDiagCursor, Qt.CursorShape.SizeBDiagCursor),
    "side": (Qt.CursorShape.SizeVerCursor, Qt.CursorShape.SizeHorCursor),
}


@dataclass(frozen=True)
class _Hold:
    """A grip in hand: of which outline, as it was, and where it has been dragged to."""

    shape: Shape
    grip: Grip
    pressed: QPointF  # on the screen
    start: Point
    points: tuple[Point, ...]

    @property
    def still(self) -> bool:
        return self.points is self.shape.points


class Grasp(QObject):
    """The chosen outline, the grip that a hand drags, and the grip that keys move."""

    changed = Signal()
    """It looks otherwise."""
    reshaped = Signal(str, object, str)
    """Key of the outline, its new points, and the deed: ``"move"``, ``"change"`` or ``"nudge"``."""
    removal_asked = Signal(str)
    left = Signal()
    """The outline shall no longer be the chosen one."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._shape: Shape | None = None
        self._hold: _Hold | None = None
        self._place = _NONE  # of the grip that keys move

    @property
    def held(self) -> str | None:
        """Key of the outline that is being dragged."""
        return self._hold.shape.key if self._hold is not None else None

    def set_shape(self, shape: Shape | None) -> None:
        """Hold another outline, or the same one as it is now."""
        before, self._shape = self._shape, shape
        if shape is None or before is None or shape.key != before.key:
            self._hold, self._place = None, _NONE
        elif len(shape.points) != len(before.points):
            self._place = _NONE

    def paint(self, painter: QPainter, pane: ImagePane, *, with_grips: bool) -> None:
        """Paint the outline where it is dragged to, or its grips."""
        if self._hold is not None:
            shape = replace(self._hold.shape, points=self._hold.points)
            paint_shape(painter, pane, shape)
            paint_size(painter, pane, shape.points, shape.kind)
        elif self._shape is not None and with_grips:
            paint_grips(painter, pane, self._shape, grips(self._shape), self._place)

    def below(self, pane: ImagePane, point: QPointF) -> Grip | None:
        """What is below a point: a grip, or the outline's name, which moves it all."""
        if self._shape is None:
            return None
        scene = pane.scene_point(point)
        found = grip_at(self._shape, scene, _REACH / pane.viewport_now.scale)
        if found is None and name_plate(pane, self._shape).contains(point):
            return Grip("whole", 0, scene)
        return found

    def press(self, pane: ImagePane, point: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """Take hold of what is below a point; returns whether there is something."""
        shape, grip = self._shape, self.below(pane, point)
        if shape is None or grip is None:
            return False
        if modifiers & Qt.KeyboardModifier.AltModifier and grip.part == "corner":
            self._drop_corner(shape, grip.place)
        else:
            self._hold = _Hold(shape, grip, point, pane.scene_point(point), shape.points)
        return True

    def move(self, pane: ImagePane, point: QPointF, *, even: bool) -> bool:
        """Drag what is held, else say by the cursor what a press would take hold of."""
        hold = self._hold
        if hold is None:
            self._point_out(pane, point)
            return False
        if hold.still and (point - hold.pressed).manhattanLength() < _NEAR:
            return True  # a click that trembles changes nothing
        # The grip keeps the distance from the cursor at which it was taken.
        (x, y), (x0, y0), at = pane.scene_point(point), hold.start, hold.grip.at
        reach = _THREAD / pane.viewport_now.scale
        to = (at[0] + x - x0, at[1] + y - y0)
        points = dragged(hold.shape, hold.grip, to, reach, even=even)
        self._hold = replace(hold, points=points)
        self.changed.emit()
        return True

    def release(self) -> bool:
        """Let go; returns whether something was held."""
        hold, self._hold = self._hold, None
        if hold is None:
            return False
        if hold.still:  # a click: the keys are for this grip now
            known = grips(hold.shape)
            self._place = known.index(hold.grip) if hold.grip in known else _NONE
        else:
            deed = "move" if hold.grip.part == "whole" else "change"
            self._tell(hold.shape, hold.grip, hold.points, deed)
        self.changed.emit()
        return True

    def key(self, pane: ImagePane, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Take a key; returns whether it was for the outline."""
        shape = self._shape
        if shape is None:
            return False
        known = grips(shape)
        grip = known[self._place] if 0 <= self._place < len(known) else None
        if key == Qt.Key.Key_Escape:
            if self._hold is None and grip is None:
                self.left.emit()
            self._hold, self._place = None, _NONE
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if grip is None or grip.part != "corner" or not self._drop_corner(shape, grip.place):
                self.removal_asked.emit(shape.key)
        elif key == Qt.Key.Key_Space:
            self._place = (self._place + 1) % len(known)
        elif key in _ARROWS and modifiers & Qt.KeyboardModifier.ControlModifier:
            far = _FAR_STEP if modifiers & Qt.KeyboardModifier.ShiftModifier else 1
            self._nudge(pane, shape, grip or known[-1], _ARROWS[key], far)
        else:
            return False
        self.changed.emit()
        return True

    def _nudge(
        self, pane: ImagePane, shape: Shape, grip: Grip, way: tuple[int, int], far: int
    ) -> None:
        step = far / pane.viewport_now.scale
        to = (grip.at[0] + way[0] * step, grip.at[1] + way[1] * step)
        points = dragged(shape, grip, to, _THREAD / pane.viewport_now.scale)
        self._tell(shape, grip, points, "nudge")

    def _tell(self, shape: Shape, grip: Grip, points: tuple[Point, ...], deed: str) -> None:
        self.reshaped.emit(shape.key, points, deed)
        if grip.part == "edge":  # the keys go on with the corner that was pulled out
            self._place = grip.place + 1

    def _drop_corner(self, shape: Shape, place: int) -> bool:
        points = without_corner(shape, place)
        if points is None:
            return False
        self._place = _NONE
        self.reshaped.emit(shape.key, points, "change")
        return True

    def _point_out(self, pane: ImagePane, point: QPointF) -> None:
        grip = self.below(pane, point)
        if self._shape is None or grip is None:
            pane.unsetCursor()
        elif self._shape.kind in ("rectangle", "ellipse") and grip.part in _BOX_CURSORS:
            pane.setCursor(_BOX_CURSORS[grip.part][grip.place % 2])
        else:
            pane.setCursor(_CURSORS[grip.part])
