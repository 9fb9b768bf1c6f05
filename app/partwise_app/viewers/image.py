"""How does one pane show a layer of an image, and let a hand move it?

Painted tile by tile in device pixels. Where a tile has not come yet, the nearest coarser one
stands in, so that nothing is ever blank; the pane asks and waits for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from partwise_app.keyed import is_keyed
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.focused import paint_focus
from partwise_app.viewers.layers import Recipe
from partwise_app.viewers.marks import Marks
from partwise_app.viewers.overlays import (
    ColorBar,
    paint_badge,
    paint_color_bar,
    paint_message,
    paint_scale_bar,
)
from partwise_app.viewers.tiles import TileService, Wish
from partwise_app.viewers.viewport import Box, Tile, Viewport
from partwise_app.words import tr

__all__ = ["ImagePane", "Sheet"]

_WHEEL = 1.2  # zoom per notch
_STEP = 1.25  # zoom per key
_KEY_PAN = 0.12  # of the pane per arrow key
_MODE_KEYS = {Qt.Key.Key_W: "whole", Qt.Key.Key_R: "residual"}


@dataclass(frozen=True)
class Sheet:
    """One layer as a pane shows it.

    Attributes
    ----------
    recipe : Recipe
    title, color : str
        For the badge.
    bar : ColorBar or None
        Where the layer is a map of numbers.
    message : str
        Shown over the dimmed layer, such as "Run to see the parts".
    """

    recipe: Recipe
    title: str
    color: str = ""
    bar: ColorBar | None = None
    message: str = ""


class ImagePane(QWidget):
    """One or two layers (side by side of a swipe line) of the image of a `TileService`."""

    looked = Signal(object)
    """A hand asks for another `Viewport`."""
    fit_asked = Signal()
    mode_asked = Signal(str)
    """A key asks for ``"whole"`` or ``"residual"``, or back where that is shown already."""
    hovered = Signal(object)
    """Scene point (x, y) below the cursor, or None."""
    resized = Signal()

    def __init__(self, name: str, service: TileService, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._service = service
        self._sheets: tuple[Sheet, ...] = ()
        self._former: tuple[Sheet, ...] = ()  # until the new ones have something to show
        self._viewport = Viewport(0.0, 0.0, 1.0)
        self._swipe = 0.5
        self._tokens = DARK
        self._scene: tuple[int, int] | None = None
        self._microns: float | None = None
        self._with_scale = True
        self._cross: tuple[float, float] | None = None
        self._grabbed: QPointF | None = None
        self._marks: Marks | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(80, 80)
        self.setAccessibleName(tr("Image"))
        self.setAccessibleDescription(
            tr(
                "Arrow keys move, plus and minus zoom, Home fits; "
                "W shows the whole, R the residual, again to go back. "
                "Of a chosen outline, Space takes the next grip, Ctrl and arrow keys move it, "
                "Delete removes it"
            )
        )

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """What is shown, left to right of the swipe line."""
        return self._sheets

    @property
    def viewport_now(self) -> Viewport:
        """Where the pane looks."""
        return self._viewport

    @property
    def microns(self) -> float | None:
        """Micrometres per pixel of the image, where they are known."""
        return self._microns

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height in device-independent pixels."""
        return float(self.width()), float(self.height())

    def set_scene(self, scene: tuple[int, int] | None, microns_per_pixel: float | None) -> None:
        """Take the size of the image, or None where there is none."""
        self._scene, self._microns, self._former = scene, microns_per_pixel, ()
        self._cross = None
        self.update()

    def set_sheets(self, sheets: tuple[Sheet, ...], *, with_scale: bool = True) -> None:
        """Show one layer, or two with a line between them."""
        if sheets == self._sheets and with_scale == self._with_scale:
            return
        same = with_scale == self._with_scale and _plain(sheets) == _plain(self._sheets)
        self._former = self._on_show()
        self._sheets, self._with_scale = sheets, with_scale
        self.setAccessibleName(tr("Image: ") + " | ".join(sheet.title for sheet in sheets))
        if same and self.isVisible() and not self.is_settled():
            self._ask()  # an edit of the mixing alone: nothing new to paint before tiles come
        else:
            self.update()

    def set_marks(self, marks: Marks) -> None:
        """Paint marks over the layers, and let their tool have the left button."""
        self._marks = marks

    def scene_rect(self) -> QRectF | None:
        """Where the image lies in the pane, or None where there is none."""
        return self._target(Box(0, 0, *self._scene)) if self._scene is not None else None

    def set_viewport(self, viewport: Viewport) -> None:
        """Look elsewhere."""
        if viewport != self._viewport:
            self._viewport = viewport
            self.update()

    def set_swipe(self, fraction: float) -> None:
        """Put the line between two layers at a fraction of the width."""
        self._swipe = fraction
        self.update()

    def set_cross(self, point: tuple[float, float] | None) -> None:
        """Mark the scene point that the cursor is at in a linked pane."""
        if point != self._cross:
            self._cross = point
            self.update()

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self.update()

    def level(self) -> int:
        """Level of the display pyramid that is drawn now."""
        return self._service.grid.level_for(self._viewport.scale * self.devicePixelRatioF())

    def is_settled(self) -> bool:
        """Whether every tile in sight is drawn by the recipe that is asked for."""
        if self._scene is None:
            return True
        if self._on_show() is not self._sheets:
            return False  # the coarsest tile may come last, and until then the former are seen
        level = self.level()
        for sheet, area in self._areas(self._sheets):
            for tile in self._service.grid.tiles(level, self._scene_box(area)):
                entry = self._service.drawn(sheet.recipe.layer, tile)
                if entry is None or entry[0] != sheet.recipe:
                    return False
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._tokens.canvas))
        if self._scene is None or not self._sheets:
            return
        areas = self._areas(self._on_show())
        for sheet, area in areas:
            painter.setClipRect(area)
            self._paint_layer(painter, sheet, area)
            if sheet.message:
                dim = QColor(self._tokens.canvas)
                dim.setAlpha(190)
                painter.fillRect(area, dim)
                paint_message(painter, area, sheet.message, "", self._tokens, plate=True)
        painter.setClipping(False)
        if self._marks is not None:
            self._marks.paint(painter, self)
        self._paint_cross(painter)
        self._paint_overlays(painter, areas)
        if is_keyed(self):
            paint_focus(painter, QRectF(self.rect()), self._tokens)
        self._ask()

    def _on_show(self) -> tuple[Sheet, ...]:
        """The sheets to paint: while a new layer has nothing at all, rather the former ones."""
        top = Tile(self._service.grid.top, 0, 0)
        drawn = [self._service.drawn(sheet.recipe.layer, top) for sheet in self._sheets]
        if self._former and None in drawn and self._service.pixels(top) is not None:
            return self._former
        self._former = ()
        return self._sheets

    def _areas(self, sheets: tuple[Sheet, ...]) -> list[tuple[Sheet, QRectF]]:
        rect = QRectF(self.rect())
        if len(sheets) < 2:
            return [(sheet, rect) for sheet in sheets]
        border = round(self._swipe * rect.width())
        left, right = QRectF(rect), QRectF(rect)
        left.setRight(border)
        right.setLeft(border)
        return [
            (sheet, area)
            for sheet, area in zip(sheets, (left, right), strict=True)
            if area.width() >= 1
        ]

    def _scene_box(self, area: QRectF) -> Box:
        left, top = self._viewport.to_scene((area.left(), area.top()), self.extent)
        scale = self._viewport.scale
        return Box(left, top, area.width() / scale, area.height() / scale)

    def _paint_layer(self, painter: QPainter, sheet: Sheet, area: QRectF) -> None:
        """Paint what is at hand, by an older recipe or a coarser level where need be."""
        grid, layer = self._service.grid, sheet.recipe.layer
        # Above 100 % each pixel is a square; below, pixels are averaged.
        fine = self._viewport.scale * self.devicePixelRatioF() > 1
        for tile in grid.tiles(self.level(), self._scene_box(area)):
            entry = self._service.drawn(layer, tile)
            if entry is None:
                self._paint_ancestor(painter, layer, tile)
                continue
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not fine)
            painter.drawImage(self._target(grid.box(tile)), entry[1])

    def _ask(self) -> None:
        """Ask for what is missing in sight, then for what follows an older recipe, then around."""
        missing: list[Wish] = []
        stale: list[Wish] = []
        ahead: list[Wish] = []
        grid, level, known = self._service.grid, self.level(), 0
        for sheet, area in self._areas(self._sheets):
            recipe, box = sheet.recipe, self._scene_box(area)
            # The top tile stands in for all others, so it comes first.
            visible = dict.fromkeys((Tile(grid.top, 0, 0), *grid.tiles(level, box)))
            for tile in visible:
                entry = self._service.drawn(recipe.layer, tile)
                if entry is None:
                    missing.append(Wish(tile, recipe))
                elif entry[0] != recipe:
                    stale.append(Wish(tile, recipe))
            around = [t for t in grid.tiles(level, box, margin=0.5) if t not in visible]
            ahead += [
                Wish(t, recipe) for t in around if self._service.drawn(recipe.layer, t) is None
            ]
            known += len(visible) + len(around)
        self._service.want(self._name, [*missing, *stale, *ahead], room=known)

    def _paint_ancestor(self, painter: QPainter, layer: str, tile: Tile) -> None:
        grid = self._service.grid
        box = grid.box(tile)
        for coarser in grid.ancestors(tile):
            entry = self._service.drawn(layer, coarser)
            if entry is None:
                continue
            image, around = entry[1], grid.box(coarser)
            across, down = image.width() / around.width, image.height() / around.height
            source = QRectF(
                (box.x - around.x) * across,
                (box.y - around.y) * down,
                box.width * across,
                box.height * down,
            )
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.drawImage(self._target(box), image, source)
            return

    def _target(self, box: Box) -> QRectF:
        """Where a scene rectangle lies, on whole device pixels so that tiles meet without seams."""
        ratio = self.devicePixelRatioF()
        left, top = self._viewport.to_pane((box.x, box.y), self.extent)
        right, bottom = self._viewport.to_pane((box.x + box.width, box.y + box.height), self.extent)
        x, y = round(left * ratio), round(top * ratio)
        width, height = max(1, round(right * ratio) - x), max(1, round(bottom * ratio) - y)
        return QRectF(x / ratio, y / ratio, width / ratio, height / ratio)

    def _paint_cross(self, painter: QPainter) -> None:
        if self._cross is None:
            return
        x, y = (math.floor(v) + 0.5 for v in self._viewport.to_pane(self._cross, self.extent))
        for color, width in ((QColor(0, 0, 0, 110), 3.0), (QColor("#ffffff"), 1.0)):
            painter.setPen(QPen(color, width))
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                painter.drawLine(QPointF(x + 4 * dx, y + 4 * dy), QPointF(x + 12 * dx, y + 12 * dy))

    def _paint_overlays(self, painter: QPainter, areas: list[tuple[Sheet, QRectF]]) -> None:
        font = painter.font()
        known, drafts = self._service.known, not self.is_settled()
        for place, (sheet, area) in enumerate(areas):
            title = sheet.title
            if known < 1 and drafts:
                title += tr(" · being refined, {share} % read", share=math.floor(known * 100))
            paint_badge(painter, area, title, self._tokens, color=sheet.color, right=place > 0)
            painter.setFont(font)
        whole = QRectF(self.rect())
        above = 0.0
        if self._with_scale:
            bar = paint_scale_bar(painter, whole, self._viewport.scale, self._microns, self._tokens)
            painter.setFont(font)
            above = bar.height() + 6
        for sheet, _area in areas:
            if sheet.bar is not None:
                paint_color_bar(painter, whole, sheet.bar, self._tokens, above=above)
                painter.setFont(font)

    def scene_point(self, point: QPointF) -> tuple[float, float]:
        """Scene position of a point of the pane."""
        return self._viewport.to_scene((point.x(), point.y()), self.extent)

    def _zoom(self, factor: float, point: QPointF) -> None:
        if self._scene is None:
            return
        held = self._viewport.zoomed(factor, (point.x(), point.y()), self.extent)
        limited = held.clamped(*self._scene, self.extent).scale
        if limited != held.scale:
            factor = limited / self._viewport.scale
            held = self._viewport.zoomed(factor, (point.x(), point.y()), self.extent)
        self.looked.emit(held)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.pixelDelta().isNull() or not event.angleDelta().isNull():
            notches = event.angleDelta().y() / 120
        else:
            notches = event.pixelDelta().y() / 60
        if notches:
            self._zoom(_WHEEL**notches, event.position())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            self._zoom(1 + event.value(), event.position())
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton and self._scene is not None
        if (
            left
            and self._marks is not None
            and self._marks.press(self, event.position(), event.modifiers())
        ):
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._grabbed = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is not None:
            step = self._grabbed - event.position()
            self._grabbed = event.position()
            self.looked.emit(self._viewport.moved(step.x(), step.y()))
        elif self._marks is not None:
            self._marks.move(self, event.position(), event.modifiers())
        self.hovered.emit(self.scene_point(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton and self._scene is not None
        tool = left and self._marks is not None and self._marks.release(self, event.position())
        self._grabbed = None
        if not tool and self._marks is not None and self._marks.tool:
            self.setCursor(Qt.CursorShape.CrossCursor)  # the middle button had moved the image
        elif not tool:
            self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._marks is not None and self._marks.double(self, event.position()):
            return
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit_asked.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        reach = _KEY_PAN * (4 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        zooms = {Qt.Key.Key_Plus: _STEP, Qt.Key.Key_Equal: _STEP, Qt.Key.Key_Minus: 1 / _STEP}
        key = Qt.Key(event.key())
        if self._marks is not None and self._marks.key(self, key, event.modifiers()):
            return
        if key in moves:
            dx, dy = moves[key]
            width, height = self.extent
            self.looked.emit(self._viewport.moved(dx * reach * width, dy * reach * height))
        elif key in zooms:
            self._zoom(zooms[key], QPointF(self.rect().center()))
        elif key == Qt.Key.Key_Home:
            self.fit_asked.emit()
        elif key in _MODE_KEYS and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.mode_asked.emit(_MODE_KEYS[key])
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.resized.emit()


def _plain(sheets: tuple[Sheet, ...]) -> list[tuple[object, ...]]:
    """What sheets show besides their tiles."""
    return [(s.recipe.layer, s.title, s.color, s.bar, s.message) for s in sheets]
