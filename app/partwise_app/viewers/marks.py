"""What lies on an image beside its layers: outlines that a hand draws and changes, and masks?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter

from partwise_app.viewers.grasp import Grasp
from partwise_app.viewers.laid import Laid, Mask
from partwise_app.viewers.penwork import paint_shape, paint_size
from partwise_app.viewers.sketch import TOOLS, Shape, Sketch, inside

if TYPE_CHECKING:
    from partwise_app.viewers.image import ImagePane

__all__ = ["Marks", "Mask", "Shape"]

_NEAR = 4.0  # px on the screen within which two points are one


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
        self._grasp = Grasp(self)
        self._grasp.changed.connect(self._repaint)
        self._grasp.reshaped.connect(self.reshaped)
        self._grasp.removal_asked.connect(self.removal_asked)
        self._grasp.left.connect(self._leave)
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
        self._shapes = tuple(shapes)
        self._grasp.set_shape(next((shape for shape in shapes if shape.chosen), None))
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
        still = tuple(shape for shape in self._shapes if shape.key != self._grasp.held)
        self._laid.paint(painter, pane, still)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        self._grasp.paint(painter, pane, with_grips=self._sketch is None)
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
            return self._grasp.press(pane, point, modifiers)
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
        if self._sketch is None:
            return self._grasp.move(pane, point, even=even)
        self._sketch.even = even
        self._sketch.move(pane.scene_point(point))
        if self._sketch.begun:
            self._repaint()
        return True

    def release(self, pane: ImagePane, point: QPointF) -> bool:
        """Take a release of the left button; returns whether it was a tool's or a grip's."""
        pressed, self._pressed = self._pressed, None
        if self._grasp.release():
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
            return self._grasp.below(pane, point) is not None
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
            return self._grasp.key(pane, key, modifiers)
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

    def _end(self, outline: tuple[tuple[float, float], ...] | None) -> None:
        if outline is None or self._sketch is None:
            return
        if self._sketch.tool == "pick":
            (left, top), _, (right, bottom), _ = outline
            self.picked.emit(QRectF(left, top, right - left, bottom - top))
        else:
            self.drawn.emit(self._sketch.tool, outline)

    def _leave(self) -> None:
        self.chosen.emit("")

    def _choose(self, point: tuple[float, float]) -> None:
        hit = [shape.key for shape in self._shapes if inside(point, shape.points)]
        self.chosen.emit(hit[-1] if hit else "")

    def _repaint(self) -> None:
        for pane in self._panes:
            pane.update()
