"""What lies on an image beside its layers: outlines that a hand draws and changes, and masks?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from partwise_app.viewers.laid import Laid, Mask
from partwise_app.viewers.outline import Grip, dragged, grip_at, grips, without_corner
from partwise_app.viewers.penwork import name_plate, paint_grips, paint_shape, paint_size
from partwise_app.viewers.sketch import TOOLS, Point, Shape, Sketch, inside

if TYPE_CHECKING:
    from partwise_app.viewers.image import ImagePane

__all__ = ["Marks", "Mask", "Shape"]

_NEAR = 4.0  # px on the screen within which two points are one
_GRASP = 8.0  # px on the screen within which a grip is taken hold of
_THREAD = 48.0  # px on the screen of a line that follow a pull, on either side
_FAR_STEP = 10  # px on the screen that Shift and an arrow key move, in place of one
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
    start: Point
    points: tuple[Point, ...]


class Marks(QObject):
    """Outlines, masks and the tool in hand, the same on all panes of a stage.

    Without a tool, drags move the image as ever, except on the grips of the chosen outline. All
    points are in pixels of level 0.
    """

    drawn = Signal(str, object)
    """A tool and the closed outline that was drawn with it, a tuple of (x, y)."""
    picked = Signal(object)
    """`QRectF` of what was picked: a point where its size is 0."""
    reshaped = Signal(str, object, str)
    """Key of an outline, its new points, and the deed: ``"move"``, ``"change"`` or ``"nudge"``."""
    chosen = Signal(str)
    """Key of the outline that was clicked, or "" beside all."""
    removal_asked = Signal(str)
    """Delete was pressed while an outline was chosen."""
    tool_changed = Signal(str)

    def __init__(self, panes: Sequence[ImagePane], parent: QObject) -> None:
        super().__init__(parent)
        self._panes = tuple(panes)
        self._shapes: tuple[Shape, ...] = ()
        self._laid, self._masked = Laid(), 0
        self._sketch: Sketch | None = None
        self._hold: _Hold | None = None
        self._place = -1  # of the grip that keys move
        self._tool_keys: dict[Qt.Key, str] = {}
        self._pressed: QPointF | None = None
        for pane in self._panes:
            pane.set_marks(self)

    @property
    def tool(self) -> str:
        """The tool in hand, or "" where drags move the image."""
        return self._sketch.tool if self._sketch is not None else ""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The outlines on show."""
        return self._shapes

    def set_tool(self, tool: str) -> None:
        """Take ``"rectangle"``, ``"ellipse"``, ``"polygon"``, ``"freehand"`` or ``"pick"`` in hand.

        ``""`` lays it down.

        Raises
        ------
        ValueError
            No such tool.
        """
        if tool and tool not in TOOLS:
            msg = f"no tool {tool!r}; there are {', '.join(TOOLS)}"
            raise ValueError(msg)
        if tool == self.tool:
            return
        self._sketch = Sketch(tool) if tool else None
        for pane in self._panes:
            if tool:
                pane.setCursor(Qt.CursorShape.CrossCursor)
            else:
                pane.unsetCursor()
        self._repaint()
        self.tool_changed.emit(tool)

    def set_tool_keys(self, letters: Mapping[str, str]) -> None:
        """Let letters take tools in hand while a pane has the keyboard: tools by letter."""
        self._tool_keys = {Qt.Key(ord(letter)): tool for letter, tool in letters.items()}

    def set_shapes(self, shapes: Sequence[Shape]) -> None:
        """Show outlines in place of those before."""
        if tuple(shapes) == self._shapes:
            return
        before = self._chosen_shape()
        self._shapes = tuple(shapes)
        now = self._chosen_shape()
        if now is None or before is None or now.key != before.key:
            self._hold, self._place = None, -1
        elif now.points != before.points and len(now.points) != len(before.points):
            self._place = -1
        self._repaint()

    def set_masks(self, masks: Sequence[Mask]) -> None:
        """Lay masks over the image in place of those before."""
        self._masked = len(masks)
        self._laid.set_masks(masks)
        self._repaint()

    @property
    def masked(self) -> int:
        """Number of masks on show."""
        return self._masked

    # Asked by the panes

    def paint(self, painter: QPainter, pane: ImagePane) -> None:
        """Paint masks, outlines and what is being drawn."""
        held_key = self._hold.shape.key if self._hold is not None else None
        still = tuple(shape for shape in self._shapes if shape.key != held_key)
        self._laid.paint(painter, pane, still)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if self._hold is not None:
            held = replace(self._hold.shape, points=self._hold.points)
            paint_shape(painter, pane, held)
            paint_size(painter, pane, held.points, held.kind)
        chosen = self._chosen_shape()
        if chosen is not None and self._sketch is None and self._hold is None:
            paint_grips(painter, pane, chosen, grips(chosen), self._place)
        if self._sketch is not None and self._sketch.begun:
            drawing = self._sketch.points
            paint_shape(painter, pane, Shape("", drawing, chosen=True))
            if self._sketch.tool != "pick":
                paint_size(painter, pane, drawing, self._sketch.tool)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def press(
        self,
        pane: ImagePane,
        point: QPointF,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> bool:
        """Take a press of the left button; returns whether it was a tool's or a grip's."""
        self._pressed = point
        if self._sketch is None:
            return self._take(pane, point, modifiers)
        self._sketch.near = _NEAR / pane.viewport_now.scale
        self._end(self._sketch.press(pane.scene_point(point)))
        self._repaint()
        return True

    def move(
        self,
        pane: ImagePane,
        point: QPointF,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> bool:
        """Take a movement; returns whether it was a tool's or a grip's."""
        even = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        if self._hold is not None:
            self._drag(pane, point, even)
            return True
        if self._sketch is None:
            self._point_out(pane, point)
            return False
        self._sketch.even = even
        self._sketch.move(pane.scene_point(point))
        if self._sketch.begun:
            self._repaint()
        return True

    def release(self, pane: ImagePane, point: QPointF) -> bool:
        """Take a release of the left button; returns whether it was a tool's or a grip's."""
        pressed, self._pressed = self._pressed, None
        if self._hold is not None:
            self._let_go()
            return True
        if self._sketch is not None:
            self._end(self._sketch.release(pane.scene_point(point)))
            self._repaint()
            return True
        if pressed is not None and (point - pressed).manhattanLength() < _NEAR and self._shapes:
            self._choose(pane.scene_point(point))
        return False

    def double(self, pane: ImagePane, point: QPointF) -> bool:
        """Take a double click; returns whether it was a tool's or a grip's."""
        if self._sketch is None:
            return self._grip(pane, point) is not None
        if self._sketch.tool == "polygon":
            self._end(self._sketch.end())
            self._repaint()
        return True

    def key(
        self,
        pane: ImagePane,
        key: Qt.Key,
        modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> bool:
        """Take a key; returns whether it was for what is drawn."""
        sketch = self._sketch
        if key in self._tool_keys and modifiers == Qt.KeyboardModifier.NoModifier:
            self.set_tool(self._tool_keys[key])
            return True
        if sketch is None:
            return self._key_on_outline(pane, key, modifiers)
        if key == Qt.Key.Key_Escape:
            if sketch.begun:
                sketch.cancel()
                self._repaint()
            else:
                self.set_tool("")
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and sketch.begun:
            self._end(sketch.end())
            self._repaint()
            return True
        return False

    # The chosen outline in hand

    def _chosen_shape(self) -> Shape | None:
        return next((shape for shape in self._shapes if shape.chosen), None)

    def _grip(self, pane: ImagePane, point: QPointF) -> Grip | None:
        """What of the chosen outline is below a point: a grip, or its name, which moves it all."""
        shape = self._chosen_shape()
        if shape is None:
            return None
        scene = pane.scene_point(point)
        found = grip_at(shape, scene, _GRASP / pane.viewport_now.scale)
        if found is None and name_plate(pane, shape).contains(point):
            found = Grip("whole", 0, scene)
        return found

    def _take(self, pane: ImagePane, point: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        shape, grip = self._chosen_shape(), self._grip(pane, point)
        if shape is None or grip is None:
            return False
        if modifiers & Qt.KeyboardModifier.AltModifier and grip.part == "corner":
            self._drop_corner(shape, grip.place)
            return True
        self._hold = _Hold(shape, grip, pane.scene_point(point), shape.points)
        return True

    def _drag(self, pane: ImagePane, point: QPointF, even: bool) -> None:
        hold, scene = self._hold, pane.scene_point(point)
        assert hold is not None
        pressed = self._pressed or point
        still = hold.points is hold.shape.points
        if still and (point - pressed).manhattanLength() < _NEAR:
            return  # a click that trembles changes nothing
        # The grip keeps the distance from the cursor at which it was taken.
        (x, y), (x0, y0), at = scene, hold.start, hold.grip.at
        to = (at[0] + x - x0, at[1] + y - y0)
        reach = _THREAD / pane.viewport_now.scale
        points = dragged(hold.shape, hold.grip, to, reach, even=even)
        self._hold = replace(hold, points=points)
        self._repaint()

    def _let_go(self) -> None:
        hold, self._hold = self._hold, None
        assert hold is not None
        if hold.points is hold.shape.points:  # a click: the keys are for this grip now
            chosen = [*grips(hold.shape)]
            self._place = chosen.index(hold.grip) if hold.grip in chosen else -1
        else:
            deed = "move" if hold.grip.part == "whole" else "change"
            self.reshaped.emit(hold.shape.key, hold.points, deed)
        self._repaint()

    def _drop_corner(self, shape: Shape, place: int) -> None:
        points = without_corner(shape, place)
        if points is not None:
            self._place = -1
            self.reshaped.emit(shape.key, points, "change")

    def _point_out(self, pane: ImagePane, point: QPointF) -> None:
        """Say by the cursor what a press would take hold of."""
        shape, grip = self._chosen_shape(), self._grip(pane, point)
        if shape is None or grip is None:
            pane.unsetCursor()
            return
        boxed = shape.kind in ("rectangle", "ellipse") and grip.part in _BOX_CURSORS
        pane.setCursor(_BOX_CURSORS[grip.part][grip.place % 2] if boxed else _CURSORS[grip.part])

    def _key_on_outline(self, pane: ImagePane, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        shape = self._chosen_shape()
        if shape is None:
            return False
        held = grips(shape)
        grip = held[self._place] if 0 <= self._place < len(held) else None
        if key == Qt.Key.Key_Escape:
            if self._hold is not None or grip is not None:
                self._hold, self._place = None, -1
                self._repaint()
            else:
                self.chosen.emit("")
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if grip is not None and grip.part == "corner" and without_corner(shape, grip.place):
                self._drop_corner(shape, grip.place)
            else:
                self.removal_asked.emit(shape.key)
        elif key == Qt.Key.Key_Space:
            self._place = (self._place + 1) % len(held)
            self._repaint()
        elif key in _ARROWS and modifiers & Qt.KeyboardModifier.ControlModifier:
            far = _FAR_STEP if modifiers & Qt.KeyboardModifier.ShiftModifier else 1
            step = far / pane.viewport_now.scale
            grip = grip or held[-1]
            dx, dy = _ARROWS[key]
            to = (grip.at[0] + dx * step, grip.at[1] + dy * step)
            points = dragged(shape, grip, to, _THREAD / pane.viewport_now.scale)
            self.reshaped.emit(shape.key, points, "nudge")
        else:
            return False
        return True

    def _end(self, outline: tuple[tuple[float, float], ...] | None) -> None:
        if outline is None or self._sketch is None:
            return
        if self._sketch.tool == "pick":
            (left, top), _, (right, bottom), _ = outline
            self.picked.emit(QRectF(left, top, right - left, bottom - top))
        else:
            self.drawn.emit(self._sketch.tool, outline)

    def _choose(self, point: tuple[float, float]) -> None:
        hit = [shape.key for shape in self._shapes if inside(point, shape.points)]
        self.chosen.emit(hit[-1] if hit else "")

    def _repaint(self) -> None:
        for pane in self._panes:
            pane.update()
