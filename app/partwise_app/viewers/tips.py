"""Which part of a plot is in hand? Named tips that are dragged, or moved by the arrow keys."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

__all__ = ["TIP", "TipPlot"]

TIP = 6.5  # px, radius of a tip
_REACH = 12.0  # px around a tip that grab it
_GAP = 4.0  # px between a tip and its name
_WIDEST = 110.0  # px of a name
_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class TipPlot(QWidget):
    """A plot with one tip per part, at a place in the plot's own units.

    Whoever draws one says where a place lies on the screen (`_to_screen`, and `_to_units` back),
    what becomes of a tip that a hand drags (`_dragged`) or a key steps (`_stepped`), and calls
    `_paint_tips` last. While a tip is held, `set_tips` leaves the places alone: an answer that
    arrives during a drag must not pull it away.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places: dict[str, tuple[float, float]] = {}
        self._names: dict[str, tuple[str, str]] = {}  # name and colour
        self._locked: frozenset[str] = frozenset()
        self._held = self._chosen = ""
        self._plate, self._ink = QColor("#ffffff"), QColor("#1c2126")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_tips(
        self,
        places: Mapping[str, tuple[float, float]],
        names: Mapping[str, tuple[str, str]],
        locked: frozenset[str],
    ) -> None:
        """Show tips: places, and names with colours, by key; those locked stay where they are."""
        if not self._held:
            self._places = dict(places)
        self._names, self._locked = dict(names), locked
        if self._chosen not in self._places:
            self._chosen = next(iter(self._places), "")
        self._describe()
        self.update()

    def tip(self, key: str) -> QPointF:
        """Where a tip is drawn; raises `KeyError`."""
        return self._to_screen(*self._places[key])

    # To be said by whoever draws one

    def _to_screen(self, x: float, y: float) -> QPointF:
        raise NotImplementedError

    def _to_units(self, point: QPointF) -> tuple[float, float]:
        raise NotImplementedError

    def _room(self) -> QRectF:
        """Where names may stand."""
        return QRectF(self.rect())

    def _dragged(self, key: str, x: float, y: float) -> None:
        """Take a tip to where a hand has it."""
        raise NotImplementedError

    def _stepped(self, key: str, across: int, up: int) -> None:
        """Take a tip one step of an arrow key on."""
        raise NotImplementedError

    def _let_go(self, key: str) -> None:
        """Hear that a hand has let a tip go, or that a key has moved it."""

    def _describe(self) -> None:
        """Tell screen readers which tip the keys move."""

    # Painting

    def _paint_tips(self, painter: QPainter) -> None:
        for key in self._places:
            self._paint_tip(painter, key)
        taken: list[QRectF] = []
        metrics = QFontMetricsF(painter.font())
        for key in self._places:
            plate = self._name_plate(metrics, key, taken)
            taken.append(plate)
            halo = QColor(self._plate)
            halo.setAlpha(200)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(halo)
            painter.drawRoundedRect(plate, 3, 3)
            painter.setPen(self._ink)
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, self._words(metrics, key))

    def _paint_tip(self, painter: QPainter, key: str) -> None:
        at, color = self.tip(key), QColor(self._named(key)[1])
        marked = key == self._held or (self.hasFocus() and key == self._chosen)
        painter.setPen(QPen(self._ink if marked else self._plate, 2.5 if marked else 2))
        painter.setBrush(self._plate if key in self._locked else color)
        painter.drawEllipse(at, TIP, TIP)
        if key in self._locked:  # hollow: it stays where it is
            painter.setPen(QPen(color, 2))
            painter.drawEllipse(at, TIP - 1.5, TIP - 1.5)

    def _name_plate(self, metrics: QFontMetricsF, key: str, taken: list[QRectF]) -> QRectF:
        """Beside its tip, on a side where it covers neither another tip nor another name."""
        others = [
            QRectF(at.x() - TIP, at.y() - TIP, 2 * TIP, 2 * TIP)
            for at in (self.tip(other) for other in self._places if other != key)
        ]
        room = self._room()
        plates = [plate for plate in self._plates(metrics, key) if room.contains(plate)]
        free = [
            plate for plate in plates if not any(plate.intersects(rect) for rect in others + taken)
        ]
        if free or plates:
            return (free or plates)[0]
        plate = next(self._plates(metrics, key))
        left = min(max(plate.left(), room.left()), max(room.right() - plate.width(), room.left()))
        top = min(max(plate.top(), room.top()), max(room.bottom() - plate.height(), room.top()))
        plate.moveTopLeft(QPointF(left, top))
        return plate

    def _plates(self, metrics: QFontMetricsF, key: str) -> Iterator[QRectF]:
        """Where a name may stand: right, left, above and below its tip, then a line off."""
        at, height = self.tip(key), metrics.height()
        width, away = metrics.horizontalAdvance(self._words(metrics, key)) + 6, TIP + _GAP
        right, left = at.x() + away - 3, at.x() - away + 3 - width
        level = at.y() - height / 2
        yield QRectF(right, level, width, height)
        yield QRectF(left, level, width, height)
        yield QRectF(at.x() - width / 2, at.y() - away - height, width, height)
        yield QRectF(at.x() - width / 2, at.y() + away, width, height)
        for lines in (-1, 1, -2, 2):
            for x in (right, left):
                yield QRectF(x, level + lines * height, width, height)

    def _words(self, metrics: QFontMetricsF, key: str) -> str:
        """The name at a tip; a long one is cut, the mixer tells it in full."""
        cut = Qt.TextElideMode.ElideRight
        return metrics.elidedText(self._named(key)[0], cut, _WIDEST)

    def _named(self, key: str) -> tuple[str, str]:
        return self._names.get(key, (key, self._ink.name()))

    # Hands and keys

    def _near(self, point: QPointF) -> str:
        """The tip that a press at a point takes hold of, or nothing."""
        near = [
            (math.dist(self.tip(key).toTuple(), point.toTuple()), key)
            for key in self._places
            if key not in self._locked
        ]
        found = min(near, default=(math.inf, ""))
        return found[1] if found[0] <= _REACH else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = self._near(event.position())
            self._chosen = self._held or self._chosen
            self._describe()
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held:
            self._dragged(self._held, *self._to_units(event.position()))
            return
        over = bool(self._near(event.position()))
        self.setCursor(Qt.CursorShape.OpenHandCursor if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        held, self._held = self._held, ""
        if held:
            self._let_go(held)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.unsetCursor()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, chosen = Qt.Key(event.key()), self._chosen
        if key in _STEPS and chosen in self._places and chosen not in self._locked:
            self._stepped(chosen, *_STEPS[key])
            self._let_go(chosen)
        elif key == Qt.Key.Key_Space and self._places:
            keys = list(self._places)
            place = keys.index(chosen) + 1 if chosen in keys else 0
            self._chosen = keys[place % len(keys)]
            self._describe()
            self.update()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
