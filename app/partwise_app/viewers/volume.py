"""Where in the body, and how does it change? Three linked slices, and the curve of one voxel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)

from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.keyed import is_keyed
from partwise_app.theme import Tokens
from partwise_app.viewers.crossing import (
    paint_anchor,
    paint_cross,
    paint_letters,
)
from partwise_app.viewers.focused import paint_focus
from partwise_app.viewers.framebar import FrameBar
from partwise_app.viewers.overlays import paint_badge, paint_message, small_font
from partwise_app.viewers.plotting import Plot
from partwise_app.viewers.slices import AXIAL, CORONAL, SAGITTAL, Voxel
from partwise_app.viewers.uptake import paint_amounts, paint_curves
from partwise_app.viewers.volumebrush import VolumeBrush, VolumeStroke, grown, paint_ring
from partwise_app.viewers.volumedata import Contents
from partwise_app.viewers.volumeplan import Plan, plan_of
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["VolumeView"]

Volume = NDArray[Any]

_MARGIN = 8.0
_ZOOM, _CLOSEST = 1.25, 12.0
_LEAST_CURVE = 150.0  # px of width below which no curve is drawn
_TITLES = {AXIAL: mark("Axial"), CORONAL: mark("Coronal"), SAGITTAL: mark("Sagittal")}
_KEYS = mark(
    "Arrows move the cross in the slice last pointed at, Page up and down go through the slices, "
    "comma and full stop through the frames, A sets an anchor or a dab of the brush at the cross, "
    "Escape gives up a stroke"
)


class VolumeView(Plot):
    """A ``"volume"`` view; see `partwise.result.View` for its arrays and options.

    What a voxel does over time is drawn for the one under the cursor, else for the one at the
    cross. Click or drag moves the cross; wheel goes through the slices, Ctrl and wheel zooms; the
    right button, dragged, changes the grey scale: across its width, up and down its level.
    """

    voxel_changed = Signal(int, int, int)
    """The cross stands at z, y, x."""
    curve_read = Signal(object)
    """Values over time at the cross, shape (frames,)."""
    frame_changed = Signal(int)
    """A frame is shown; -1 is the mean of all."""
    anchor_clicked = Signal(int, int, int)
    """A voxel was clicked while anchors are set, or ``A`` was pressed."""
    stroke_grown = Signal(object)
    """A drag with the brush has got this far; None where it was given up (Escape)."""
    stroke_done = Signal(object)
    """A `VolumeStroke` of the brush has ended."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._held = Contents()
        self._window = (0.0, 1.0)
        self._voxel = Voxel(0, 0, 0)
        self._anchors: tuple[tuple[Voxel, str], ...] = ()
        self._anchoring = False
        self._brush: VolumeBrush | None = None
        self._stroke: VolumeStroke | None = None
        self._hand: QPointF | None = None
        self._pointed: Voxel | None = None
        self._region: Volume | None = None
        self._zoom_factor = 1.0
        self._active = 0
        self._drag: tuple[Qt.MouseButton, QPointF, tuple[float, float]] | None = None
        self._pictures: dict[int, tuple[object, QImage]] = {}
        self._bar = FrameBar(self._held, self)
        self._bar.changed.connect(self._on_frame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 280)
        self.setAccessibleName(tr("Volume"))

    def sizeHint(self) -> QSize:
        return QSize(720, 560)

    def set_theme(self, tokens: Tokens) -> None:
        self._bar.set_theme(tokens)
        super().set_theme(tokens)

    # What is shown

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        held = self._held
        fresh, other = held.take(view, parts, strips)
        if not held.planes:
            self.update()
            return
        if fresh:
            self._window = held.window()
        if other:  # else a new run of the same series: the hand stays where it is
            self._voxel = Voxel(*(size // 2 for size in held.planes[0].shape))
            self._pointed = None
        self._bar.take(anew=other)
        self._bar.set_window(self._window)
        self._pictures = {}
        self.setAccessibleName(view.title)
        names = ", ".join(series.name for series in held.series)
        words = tr("Axial, coronal and sagittal slices")
        words += tr(", with {names}", names=names) if names else ""
        self.setAccessibleDescription(f"{words}. {tr(_KEYS)}")
        self.update()

    @property
    def voxel(self) -> Voxel:
        """Where the cross stands."""
        return self._voxel

    def set_voxel(self, voxel: Sequence[int]) -> None:
        """Move the cross, kept within the volume; all three slices follow."""
        if not self._held.planes:
            return
        shape = self._held.planes[0].shape
        kept = Voxel(*(min(max(int(v), 0), n - 1) for v, n in zip(voxel, shape, strict=True)))
        if kept == self._voxel:
            return
        self._voxel, self._pointed = kept, None  # whoever moves the cross looks at it
        self.voxel_changed.emit(*kept)
        self.curve_read.emit(self.curve())
        self.update()

    def curve(self) -> NDArray[np.float64]:
        """Return the values over time at the cross, shape (frames,)."""
        return self._held.curve(self._voxel)

    @property
    def frame(self) -> int:
        """The frame shown; -1 for the mean of all."""
        return self._bar.frame

    def set_frame(self, frame: int) -> None:
        """Show a frame; -1 shows the mean of all, by their durations where they are known."""
        self._bar.set_frame(frame)

    @property
    def gray_window(self) -> tuple[float, float]:
        """Values that are drawn black and white."""
        return self._window

    def set_gray_window(self, low: float, high: float) -> None:
        """Draw `low` black and `high` white."""
        self._window = (low, max(high, low + 1e-12))
        self._bar.set_window(self._window)
        self.update()

    def set_anchors(self, anchors: Sequence[tuple[Sequence[int], str]]) -> None:
        """Mark voxels (z, y, x) with rings of a colour."""
        self._anchors = tuple((Voxel(*(int(v) for v in at)), color) for at, color in anchors)
        self.update()

    def set_region(self, region: Volume | None) -> None:
        """Darken what lies outside of a region, bool (z, y, x); None for no region."""
        self._region = region if region is not None and region.shape == self._shape() else None
        self._pictures = {}
        self.update()

    def set_anchoring(self, on: bool) -> None:
        """Let a click set an anchor rather than move the cross."""
        self._anchoring = on
        self.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    def set_brush(self, brush: VolumeBrush | None) -> None:
        """Let a drag paint rather than move the cross; None has it move the cross again."""
        self._brush, self._stroke = brush, None
        self.setCursor(Qt.CursorShape.CrossCursor if brush else Qt.CursorShape.ArrowCursor)
        self.update()

    def reading(self, voxel: Voxel) -> tuple[str, ...]:
        """Return words about a voxel in the frame shown: where it is, its value, its parts."""
        return self._held.reading(voxel, self.frame)

    def look_as(self, other: Plot) -> bool:
        if not isinstance(other, VolumeView) or self._shape() != other._shape():
            return False
        self._zoom_to(other._zoom_factor)
        self.set_voxel(other.voxel)
        return True

    def fit(self) -> None:
        """Show all of every slice."""
        self._zoom_to(1.0)

    def zoom_in(self) -> None:
        """Look closer at the cross."""
        self._zoom_to(self._zoom_factor * _ZOOM)

    def zoom_out(self) -> None:
        """Step back from the cross."""
        self._zoom_to(self._zoom_factor / _ZOOM)

    # Where things are

    def plan(self) -> Plan:
        """Return where slices, curve and reading lie."""
        room = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -FrameBar.HEIGHT)
        timed = len(self._held.values) > 1
        return plan_of(room, self._held.planes, self._voxel, self._zoom_factor, timed=timed)

    def _voxel_at(self, spot: QPointF, place: int | None = None) -> tuple[int, Voxel] | None:
        return self.plan().voxel_at(spot, place) if self._held.planes else None

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        if not self._held.planes:
            words = tr("No volume to show")
            paint_message(painter, QRectF(self.rect()), words, "", self.tokens, plate=False)
            painter.end()
            return
        plan = self.plan()
        for place in range(len(plan.panes)):
            self._paint_slice(painter, plan, place)
        painter.setFont(small_font(self.font()))
        voxel = self._pointed or self._voxel
        where = tr("Under the cursor") if self._pointed else tr("At the cross")
        if plan.curve.width() >= _LEAST_CURVE:
            paint_curves(
                painter,
                plan.curve,
                self._held.curves(voxel),
                self._held.time,
                self._held.unit,
                self.frame,
                self.tokens,
                where=where,
                log=bool(self._held.options.get("log_time")),
            )
        amounts = self._held.amounts(voxel, self.frame)
        paint_amounts(painter, plan.corner, amounts, self.tokens, where=where)
        self._paint_brush(painter, plan)
        if is_keyed(self):
            paint_focus(painter, QRectF(self.rect()), self.tokens)
        painter.end()

    def _paint_slice(self, painter: QPainter, plan: Plan, place: int) -> None:
        plane, pane = plan.planes[place], plan.panes[place]
        painter.save()
        painter.setClipRect(pane)
        painter.fillRect(pane, QColor("#000000"))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(plan.whole(place), self._picture_of(place))
        paint_cross(painter, pane, plan.spot(place, self._voxel))
        for voxel, color in self._anchors:
            far = abs(voxel[plane.through] - self._voxel[plane.through])
            if far <= 1:
                paint_anchor(painter, plan.spot(place, voxel), color, near=far == 1)
        painter.setFont(self.font())
        words = f"{tr(_TITLES[plane.name])} {self._held.depth(place, self._voxel)}"
        badge = paint_badge(painter, pane.adjusted(-6, -6, 0, 0), words, self.tokens, right=False)
        painter.setFont(small_font(self.font()))
        paint_letters(painter, pane, plane.letters(), badge)
        painter.restore()

    def _paint_brush(self, painter: QPainter, plan: Plan) -> None:
        hand, brush = self._hand, self._brush
        found = plan.voxel_at(hand) if hand is not None else None
        if brush is not None and hand is not None and found is not None:
            place = found[0]
            pane, plane, whole = plan.panes[place], plan.planes[place], plan.whole(place)
            paint_ring(painter, pane, hand, plane, whole, brush)

    def _picture_of(self, place: int) -> QImage:
        index = self._voxel[self._held.planes[place].through]
        colors = tuple((series.place, series.color) for series in self._held.series)
        state = (index, self.frame, self._window, colors)
        known = self._pictures.get(place)
        if known is not None and known[0] == state:
            return known[1]
        pixels = np.ascontiguousarray(
            self._held.pixels(place, self._voxel, self.frame, self._window, self._region)
        )
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
        self._pictures[place] = (state, image)
        return image

    # Hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        found = self._voxel_at(event.position())
        if found is None:
            return
        self._active = found[0]
        self._drag = (event.button(), event.position(), self._window)
        if event.button() == Qt.MouseButton.LeftButton:
            if self._brush is not None:
                self._paint_on(found[1])
            elif self._anchoring:
                self.anchor_clicked.emit(*found[1])
            else:
                self.set_voxel(found[1])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        if self._drag is not None and self._drag[0] == Qt.MouseButton.RightButton:
            _, start, (low, high) = self._drag
            span = (high - low) * 1.01 ** (spot.x() - start.x())
            level = (low + high) / 2 + (spot.y() - start.y()) / 200 * (high - low)
            self.set_gray_window(level - span / 2, level + span / 2)
        elif self._drag is not None and (self._stroke is not None or not self._anchoring):
            found = self._voxel_at(spot, self._active)
            if found is not None and self._stroke is not None:
                self._paint_on(found[1])
            elif found is not None and self._brush is None:
                self.set_voxel(found[1])
        found = self._voxel_at(spot)
        self.read.emit(self.reading(found[1]) if found is not None else None)
        pointed = found[1] if found is not None else None
        if self._brush is not None or pointed != self._pointed:
            self._hand, self._pointed = spot, pointed
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self._end_stroke()

    def leaveEvent(self, event: object) -> None:
        self._hand = self._pointed = None
        self.update()
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom_to(self._zoom_factor * _ZOOM ** (turned / 120))
        else:
            found = self._voxel_at(event.position())
            self._active = found[0] if found is not None else self._active
            self._step(
                self._held.planes[self._active].through if self._held.planes else 0,
                1 if turned > 0 else -1,
            )
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plane = self._held.planes[self._active] if self._held.planes else None
        if plane is None:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            by = 1 if key == Qt.Key.Key_Right else -1
            self._step(plane.across, -by if plane.flipped(plane.across) else by)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            by = 1 if key == Qt.Key.Key_Down else -1
            self._step(plane.down, -by if plane.flipped(plane.down) else by)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self._step(plane.through, 1 if key == Qt.Key.Key_PageUp else -1)
        elif key in (Qt.Key.Key_Comma, Qt.Key.Key_Period):
            self.set_frame(max(self.frame + (1 if key == Qt.Key.Key_Period else -1), -1))
        elif key == Qt.Key.Key_A and self._brush is None:
            self.anchor_clicked.emit(*self._voxel)
        elif key == Qt.Key.Key_A:
            self._paint_on(self._voxel)
            self._end_stroke()
        elif key == Qt.Key.Key_Escape and self._stroke is not None:
            self._stroke = self._drag = None
            self.stroke_grown.emit(None)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key == Qt.Key.Key_Minus:
            self.zoom_out()
        elif key == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._bar.setGeometry(0, self.height() - FrameBar.HEIGHT, self.width(), FrameBar.HEIGHT)
        super().resizeEvent(event)

    # Within

    def _shape(self) -> tuple[int, ...]:
        return self._held.planes[0].shape if self._held.planes else ()

    def _paint_on(self, voxel: Voxel) -> None:
        assert self._brush is not None
        plane = self._held.planes[self._active]
        so_far = self._stroke.voxels if self._stroke is not None else ()
        voxels = grown(so_far, voxel, plane.spacing, self._brush)
        if voxels != so_far:
            self._stroke = VolumeStroke(voxels, plane.through)
            self.stroke_grown.emit(self._stroke)

    def _end_stroke(self) -> None:
        stroke, self._stroke = self._stroke, None
        if stroke is not None:
            self.stroke_done.emit(stroke)

    def _on_frame(self, frame: int) -> None:
        self.frame_changed.emit(frame)
        self.update()

    def _step(self, axis: int, by: int) -> None:
        moved = list(self._voxel)
        moved[axis] += by
        self.set_voxel(moved)

    def _zoom_to(self, factor: float) -> None:
        self._zoom_factor = min(max(factor, 1.0), _CLOSEST)
        self.update()
