"""Who is tied to whom? Nodes in the colours of their communities, stronger ties drawn stronger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.keyed import is_keyed
from partwise_app.theme import Tokens
from partwise_app.viewers.focused import paint_focus
from partwise_app.viewers.gradual import Gradual
from partwise_app.viewers.later import Later
from partwise_app.viewers.layout import spring_layout
from partwise_app.viewers.net import Disc, Scene, disc, draw_discs, strokes
from partwise_app.viewers.overlays import paint_message, small_font
from partwise_app.viewers.plotting import Plot, name_of, number, series_of
from partwise_app.viewers.ties import FEW, Ties, levels_of, ties_of, unit_square
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["GraphView"]

_NEAR = 12.0
_ZOOM, _CLOSEST = 1.25, 30.0
_SMALL = 300  # nodes up to which the layout is found at once
_NAMED = 40  # nodes that bear their names at most while none is pointed at
_KEYS = mark(
    "Arrows pan, + and − zoom, 0 shows all, N and P go from node to node, the strongest first"
)


class GraphView(Plot):
    """A ``"graph"`` view; see `partwise.result.View` for its arrays and options.

    Wheel zooms, a drag pans, double-click shows all. Ties are drawn bit by bit into a picture
    that is painted at once wherever the view moves meanwhile.
    """

    node_chosen = Signal(int)
    """A node was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edges: Ties = np.empty((0, 2), np.intp)
        self._weights: NDArray[np.float64] = np.empty(0)
        self._level: NDArray[np.intp] = np.empty(0, np.intp)
        self._places: NDArray[np.float64] = np.empty((0, 2))
        self._size = 0
        self._axis: Axis | None = None
        self._colors: list[str] = []
        self._words: list[str] = []
        self._legend: list[tuple[str, str]] = []
        self._strength: NDArray[np.float64] = np.empty(0)
        self._given: object = None
        self._outward = False
        self._mark: int | None = None
        self._look = (1.0, 0.5, 0.5)  # magnification, middle of the view
        self._drag: tuple[QPointF, tuple[float, float, float]] | None = None
        self._gradual = Gradual(self)
        self._gradual.advanced.connect(self.update)
        self._later = Later(self)
        self._later.done.connect(self._take)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Graph"))

    def sizeHint(self) -> QSize:
        return QSize(640, 520)

    # What is shown

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        fresh = self._given is not view.arrays
        self._given = view.arrays
        self._axis = view.axes[0] if view.axes else None
        if fresh:
            self._edges, self._weights, self._size = ties_of(view)
            self._level = levels_of(self._weights)
            ends, twice = self._edges.ravel(), np.repeat(self._weights, 2)
            self._strength = np.bincount(ends, twice, self._size).astype(np.float64)
        groups = view.arrays.get("group")
        self._take_colors(groups, view, parts, strips)
        self.setAccessibleName(view.title)
        self.setAccessibleDescription(f"{self._size} nodes, {len(self._edges)} ties")
        self.setWhatsThis(tr(_KEYS))
        given = view.arrays.get("positions")
        # Places that were thought out leave the room between nodes to their ties.
        self._outward = given is not None and self._size <= _NAMED
        if given is not None:
            self._take(unit_square(np.asarray(given, np.float64)))
        elif fresh:
            self._places = np.empty((0, 2))
            count, edges, weights = self._size, self._edges, self._weights
            kinds = np.asarray(groups, np.intp) if groups is not None else None

            def lay_out() -> NDArray[np.float64]:
                return spring_layout(count, edges, weights, kinds)

            self._later.ask(lay_out, at_once=count <= _SMALL)
        self._redraw()

    def set_theme(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self._gradual.clear()
        self._redraw()

    def is_settled(self) -> bool:
        """Whether all ties are drawn as they are to be seen."""
        return self._gradual.begun is None and (not self._size or len(self._places) == self._size)

    def picture(self) -> QImage:
        self._gradual.finish()
        return super().picture()

    def fit(self) -> None:
        """Show all nodes."""
        self._move((1.0, 0.5, 0.5))

    def zoom_in(self) -> None:
        """Look closer at the middle."""
        self._zoom(_ZOOM, QPointF(self.rect().center()))

    def zoom_out(self) -> None:
        """Step back from the middle."""
        self._zoom(1 / _ZOOM, QPointF(self.rect().center()))

    # Where things are

    def _spot(self, node: int) -> QPointF:
        """Return where a node lies on screen."""
        x, y = self._spots(np.array([node]))[0]
        return QPointF(float(x), float(y))

    def _scale(self) -> float:
        margin = 46 if self._size <= _NAMED else 24
        room = min(self.width() - 2 * margin, self.height() - 2 * margin - 20)
        return max(room, 40.0) * self._look[0]

    def _spots(self, nodes: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float64]:
        _, x, y = self._look
        middle = np.array([self.width() / 2, self.height() / 2 + 10])
        return np.asarray((self._places[nodes] - (x, y)) * self._scale() + middle)

    def _radii(self) -> NDArray[np.float64]:
        most = float(self._strength.max(initial=0.0)) or 1.0
        base = 4.5 if self._size <= 200 else 2.4
        base *= min(max(self._look[0], 1.0) ** 0.4, 2.5)
        return np.asarray(base * (0.8 + 0.9 * np.sqrt(self._strength / most)))

    def _radius(self, node: int) -> float:
        return float(self._radii()[node])

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        if not self._size or len(self._places) != self._size:
            words = tr("Finding places for the nodes") if self._size else tr("No nodes to show")
            paint_message(painter, QRectF(self.rect()), words, "", self.tokens, plate=False)
            painter.end()
            return
        self._paint_layer(painter)
        painter.setFont(small_font(self.font()))
        if self._mark is not None:
            self._paint_near(painter, self._mark)
        else:
            self._paint_amounts(painter)
            self._paint_names(painter)
        self._paint_legend(painter)
        if is_keyed(self):
            paint_focus(painter, QRectF(self.rect()), self.tokens)
        painter.end()

    def _paint_layer(self, painter: QPainter) -> None:
        """Paint what is drawn already, moved to where the view looks now."""
        drawn, begun = self._gradual.drawn, self._gradual.begun
        if drawn is None:
            if begun is not None:
                painter.drawImage(0, 0, begun)
            return
        image, (zoom, x, y) = drawn
        now, scale = self._look, self._scale()
        grown = now[0] / zoom
        middle = QPointF(self.width() / 2, self.height() / 2 + 10)
        left = middle.x() * (1 - grown) + (x - now[1]) * scale
        top = middle.y() * (1 - grown) + (y - now[2]) * scale
        size = image.deviceIndependentSize()
        painter.drawImage(QRectF(left, top, size.width() * grown, size.height() * grown), image)

    def _paint_near(self, painter: QPainter, node: int) -> None:
        """A node and those it is tied to, in front of all others."""
        veil = QColor(self.tokens.canvas)
        veil.setAlpha(170)
        painter.fillRect(self.rect(), veil)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        spots = self._spots()
        tied = np.flatnonzero((self._edges == node).any(axis=1))
        most = float(self._weights.max(initial=0.0)) or 1.0
        ink = QColor(self.tokens.text)
        near = set()
        for tie in tied:
            i, j = (int(v) for v in self._edges[tie])
            share = float(self._weights[tie]) / most
            ink.setAlphaF(0.25 + 0.5 * share)
            painter.setPen(QPen(ink, 0.7 + 2 * share))
            painter.drawLine(QPointF(*spots[i].tolist()), QPointF(*spots[j].tolist()))
            near.add(j if i == node else i)
        for other in near:
            draw_discs([self._disc(other)], painter)
        heavy = sorted(near, key=self._strength.__getitem__, reverse=True)[:12]
        taken: list[QRectF] = [self._paint_name(painter, node, plate=True)]
        draw_discs([self._disc(node, 1.5)], painter)
        for other in heavy:
            box = self._name_box(painter, other)
            if not any(box.intersects(each) for each in taken):
                taken.append(self._paint_name(painter, other))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_names(self, painter: QPainter) -> None:
        """Names of the strongest nodes in sight, as many as do not cover one another."""
        spots, names = self._spots(), 0
        taken: list[QRectF] = []
        if self._size <= _NAMED:
            radii = [self._radius(node) for node in range(self._size)]
            taken = [
                QRectF(x - r, y - r, 2 * r, 2 * r)
                for (x, y), r in zip(spots.tolist(), radii, strict=True)
            ]
        seen = QRectF(self.rect()).adjusted(4, 24, -4, -4)
        for node in np.argsort(-self._strength, kind="stable"):
            if names >= _NAMED:
                break
            if not seen.contains(QPointF(*spots[node].tolist())):
                continue
            box = self._name_box(painter, int(node), taken)
            room = box.adjusted(-12, -6, 12, 6) if self._size > _NAMED else box
            if any(room.intersects(each) for each in taken):
                if names > 12 and self._size > 200:
                    break
                continue
            taken.append(self._paint_name(painter, int(node), box))
            names += 1

    def _paint_amounts(self, painter: QPainter) -> None:
        """How much each of few ties weighs, at its middle."""
        if len(self._edges) > FEW or self._size > _NAMED:
            return
        metrics, spots = QFontMetricsF(painter.font()), self._spots()
        for (i, j), weight in zip(self._edges.tolist(), self._weights.tolist(), strict=True):
            words = number(weight, 2)
            middle = QPointF(*((spots[i] + spots[j]) / 2).tolist())
            box = QRectF(0, 0, metrics.horizontalAdvance(words) + 8, metrics.height())
            box.moveCenter(middle)
            painter.fillRect(box, QColor(self.tokens.canvas))
            painter.setPen(QColor(self.tokens.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def _name_box(self, painter: QPainter, node: int, taken: Sequence[QRectF] = ()) -> QRectF:
        """Where a name goes: right of its node, or wherever it covers nothing that is taken."""
        metrics = QFontMetricsF(painter.font())
        spot, away = self._spot(node), self._radius(node) + 4
        wide, tall = metrics.horizontalAdvance(name_of(self._axis, node)), metrics.height()
        x, y = spot.x(), spot.y()
        boxes = [
            QRectF(x + away, y - tall / 2, wide, tall),
            QRectF(x - away - wide, y - tall / 2, wide, tall),
            QRectF(x - wide / 2, y + away - 2, wide, tall),
            QRectF(x - wide / 2, y - away - tall + 2, wide, tall),
        ]
        if self._outward and x < self.width() / 2:
            boxes[:2] = boxes[1::-1]
        seen = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        inside = [box for box in boxes if seen.contains(box)] or boxes
        free = (box for box in inside if not any(box.intersects(each) for each in taken))
        return next(free, inside[0])

    def _paint_name(
        self, painter: QPainter, node: int, box: QRectF | None = None, *, plate: bool = False
    ) -> QRectF:
        box, words = box or self._name_box(painter, node), name_of(self._axis, node)
        metrics = QFontMetricsF(painter.font())
        ground = QColor(self.tokens.window if plate else self.tokens.canvas)
        ground.setAlpha(235 if plate else 150)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box.adjusted(-4, -1, 4, 1), 3, 3)
        painter.setPen(QColor(self.tokens.text))
        painter.drawText(QPointF(box.left(), box.top() + metrics.ascent()), words)
        return box

    def _paint_legend(self, painter: QPainter) -> None:
        metrics, x = QFontMetricsF(painter.font()), 14.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, (name, color) in enumerate(self._legend):
            words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, 140.0)
            wide = metrics.horizontalAdvance(words) + 30
            painter.setPen(QColor(self.tokens.muted))
            last = place == len(self._legend) - 1
            if x + wide > self.width() - (8 if last else 70):
                left = f"and {len(self._legend) - place} more"
                painter.drawText(QPointF(x, 8 + metrics.ascent()), left)
                break
            painter.drawText(QPointF(x + 13, 8 + metrics.ascent()), words)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(color))
            painter.drawEllipse(QPointF(x + 4, 8 + metrics.height() / 2), 4, 4)
            x += wide
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # The picture of all ties, drawn bit by bit

    def _redraw(self) -> None:
        self.update()
        if not self._size or len(self._places) != self._size or self.width() < 2:
            self._gradual.clear()
            return
        ratio = self.devicePixelRatioF()
        scene = Scene(
            self._spots(),
            self._edges,
            self._level,
            self._strength,
            self._radii(),
            tuple(self._colors),
            self.tokens,
            self.size(),
        )
        self._gradual.start(self.size(), ratio, self._look, strokes(scene))

    def _disc(self, node: int, grown: float = 1.0) -> Disc:
        return disc(self._colors[node], self._spot(node), self._radius(node) * grown, self.tokens)

    # Hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = (event.position(), self._look)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            start, (zoom, x, y) = self._drag
            by = (event.position() - start) / self._scale()
            self._move((zoom, x - by.x(), y - by.y()))
            return
        self._set_mark(self._nearest(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is not None and (event.position() - drag[0]).manhattanLength() < 4:
            node = self._nearest(event.position())
            if node is not None:
                self.node_chosen.emit(node)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._zoom(_ZOOM ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        if key in steps:
            zoom, x, y = self._look
            across, down = steps[key]
            self._move((zoom, x + 0.1 * across / zoom, y + 0.1 * down / zoom))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key == Qt.Key.Key_Minus:
            self.zoom_out()
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key in (Qt.Key.Key_N, Qt.Key.Key_P) and self._size:
            order = np.argsort(-self._strength, kind="stable")
            at = int(np.flatnonzero(order == self._mark)[0]) if self._mark is not None else -1
            by = 1 if key == Qt.Key.Key_N else -1
            self._set_mark(int(order[(at + by) % self._size]))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._set_mark(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._gradual.clear()
        self._redraw()
        super().resizeEvent(event)

    # Within

    def _take(self, places: object) -> None:
        assert isinstance(places, np.ndarray)
        self._places = places
        self._gradual.clear()
        self._redraw()

    def _take_colors(
        self,
        groups: NDArray[Any] | None,
        view: View,
        parts: Sequence[Part],
        strips: Sequence[Strip],
    ) -> None:
        mine = View("graph", view.title, options={"of": "parts"})
        shown = {s.place: s for s in series_of(len(parts), mine, parts, strips)}
        known = {strip.key: strip.name for strip in strips}
        names = [known.get(part.key, part.name) for part in parts]
        own = [int(k) for k in groups] if groups is not None else [-1] * self._size
        plain = self.tokens.accent if not parts or groups is None else ""
        self._colors = [shown[k].color if k in shown else plain for k in own]
        self._words = [names[k] if 0 <= k < len(names) else "" for k in own]
        present = set(own)
        self._legend = [(s.name, s.color) for k, s in shown.items() if k in present]

    def _nearest(self, at: QPointF) -> int | None:
        if len(self._places) != self._size or not self._size:
            return None
        away = np.hypot(*(self._spots() - (at.x(), at.y())).T)
        node = int(away.argmin())
        return node if away[node] <= max(_NEAR, self._radius(node)) else None

    def _set_mark(self, node: int | None) -> None:
        if node != self._mark:
            self._mark = node
            self.update()
        if node is None:
            self.read.emit(None)
            return
        tied = (self._edges == node).any(axis=1)
        total = number(float(self._weights[tied].sum()))
        ties = int(tied.sum())
        words = [name_of(self._axis, node), self._words[node], f"{ties} ties, {total} in all"]
        self.read.emit(tuple(word for word in words if word))

    def _zoom(self, factor: float, about: QPointF) -> None:
        zoom, x, y = self._look
        grown = min(max(zoom * factor, 0.5), _CLOSEST)
        away = about - QPointF(self.width() / 2, self.height() / 2 + 10)
        share = (1 - zoom / grown) / self._scale()
        self._move((grown, x + away.x() * share, y + away.y() * share))

    def _move(self, look: tuple[float, float, float]) -> None:
        zoom, x, y = look
        self._look = (zoom, min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))
        self._redraw()
