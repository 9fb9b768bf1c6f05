"""What lies on an image beside its layers: outlines that a hand draws, and coloured masks?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from partwise_app.viewers.overlays import small_font
from partwise_app.viewers.sketch import TOOLS, Shape, Sketch, inside

if TYPE_CHECKING:
    from partwise_app.viewers.image import ImagePane

__all__ = ["Marks", "Mask", "Shape"]

_NEAR = 4.0  # px on the screen within which two points are one
_MASK_ALPHA = 130


@dataclass(frozen=True, eq=False)
class Mask:
    """Where something is, over the whole image.

    Attributes
    ----------
    color : str
    where : bool, shape (height, width)
        Of any resolution; it is stretched over the image.
    """

    color: str
    where: NDArray[np.bool_]


class Marks(QObject):
    """Outlines, masks and the tool in hand, the same on all panes of a stage.

    Without a tool, drags move the image as ever. All points are in pixels of level 0.
    """

    drawn = Signal(str, object)
    """A tool and the closed outline that was drawn with it, a tuple of (x, y)."""
    picked = Signal(object)
    """`QRectF` of what was picked: a point where its size is 0."""
    chosen = Signal(str)
    """Key of the outline that was clicked, or "" beside all."""
    removal_asked = Signal(str)
    """Delete was pressed while an outline was chosen."""
    tool_changed = Signal(str)

    def __init__(self, panes: Sequence[ImagePane], parent: QObject) -> None:
        super().__init__(parent)
        self._panes = tuple(panes)
        self._shapes: tuple[Shape, ...] = ()
        self._masks: list[QImage] = []
        self._sketch: Sketch | None = None
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
        """Take ``"rectangle"``, ``"polygon"``, ``"freehand"``, ``"pick"``, or ``""`` in hand.

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

    def set_shapes(self, shapes: Sequence[Shape]) -> None:
        """Show outlines in place of those before."""
        if tuple(shapes) != self._shapes:
            self._shapes = tuple(shapes)
            self._repaint()

    def set_masks(self, masks: Sequence[Mask]) -> None:
        """Lay masks over the image in place of those before."""
        self._masks = [_picture_of(mask) for mask in masks]
        self._repaint()

    @property
    def masked(self) -> int:
        """Number of masks on show."""
        return len(self._masks)

    # Asked by the panes

    def paint(self, painter: QPainter, pane: ImagePane) -> None:
        """Paint masks, outlines and what is being drawn."""
        scene = pane.scene_rect()
        if scene is not None and self._masks:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            for picture in self._masks:
                painter.drawImage(scene, picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for shape in self._shapes:
            _paint_shape(painter, pane, shape)
        if self._sketch is not None and self._sketch.begun:
            _paint_shape(painter, pane, Shape("", self._sketch.points, chosen=True))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def press(self, pane: ImagePane, point: QPointF) -> bool:
        """Take a press of the left button; returns whether it was a tool's."""
        self._pressed = point
        if self._sketch is None:
            return False
        self._sketch.near = _NEAR / pane.viewport_now.scale
        self._end(self._sketch.press(pane.scene_point(point)))
        self._repaint()
        return True

    def move(self, pane: ImagePane, point: QPointF) -> bool:
        """Take a movement; returns whether it was a tool's."""
        if self._sketch is None:
            return False
        self._sketch.move(pane.scene_point(point))
        if self._sketch.begun:
            self._repaint()
        return True

    def release(self, pane: ImagePane, point: QPointF) -> bool:
        """Take a release of the left button; returns whether it was a tool's."""
        pressed, self._pressed = self._pressed, None
        if self._sketch is not None:
            self._end(self._sketch.release(pane.scene_point(point)))
            self._repaint()
            return True
        if pressed is not None and (point - pressed).manhattanLength() < _NEAR and self._shapes:
            self._choose(pane.scene_point(point))
        return False

    def double(self) -> bool:
        """Take a double click; returns whether it was a tool's."""
        if self._sketch is None:
            return False
        if self._sketch.tool == "polygon":
            self._end(self._sketch.end())
            self._repaint()
        return True

    def key(self, key: Qt.Key) -> bool:
        """Take a key; returns whether it was for what is drawn."""
        sketch = self._sketch
        if sketch is not None and key == Qt.Key.Key_Escape:
            if sketch.begun:
                sketch.cancel()
                self._repaint()
            else:
                self.set_tool("")
            return True
        if sketch is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and sketch.begun:
            self._end(sketch.end())
            self._repaint()
            return True
        chosen = next((shape.key for shape in self._shapes if shape.chosen), "")
        if chosen and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removal_asked.emit(chosen)
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

    def _choose(self, point: tuple[float, float]) -> None:
        hit = [shape.key for shape in self._shapes if inside(point, shape.points)]
        self.chosen.emit(hit[-1] if hit else "")

    def _repaint(self) -> None:
        for pane in self._panes:
            pane.update()


def _paint_shape(painter: QPainter, pane: ImagePane, shape: Shape) -> None:
    viewport, extent = pane.viewport_now, pane.extent
    corners = [QPointF(*viewport.to_pane(point, extent)) for point in shape.points]
    outline = QPolygonF(corners)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    # A dark line below a bright one is seen on any tissue.
    painter.setPen(QPen(QColor(0, 0, 0, 150), 4.5 if shape.chosen else 3.5))
    painter.drawPolygon(outline)
    painter.setPen(QPen(QColor(shape.color), 2.5 if shape.chosen else 1.5))
    painter.drawPolygon(outline)
    if not shape.name:
        return
    painter.save()
    painter.setFont(small_font(painter.font()))
    metrics = QFontMetricsF(painter.font())
    box = outline.boundingRect()
    width = metrics.horizontalAdvance(shape.name)
    plate = QRectF(box.left(), box.top() - metrics.height() - 5, width + 10, metrics.height() + 2)
    if plate.top() < 0:
        plate.moveTop(box.top() + 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 170))
    painter.drawRoundedRect(plate, 3, 3)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, shape.name)
    painter.restore()


def _picture_of(mask: Mask) -> QImage:
    where = np.asarray(mask.where, dtype=np.bool_)
    color = QColor(mask.color)
    share = _MASK_ALPHA / 255
    levels = [round(part * share) for part in (color.red(), color.green(), color.blue())]
    packed = (_MASK_ALPHA << 24) | (levels[0] << 16) | (levels[1] << 8) | levels[2]
    pixels = np.where(where, np.uint32(packed), np.uint32(0))
    height, width = pixels.shape
    shape = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.data, width, height, 4 * width, shape).copy()
