"""Where is the border between two layers, and who moves it?"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from partwise_app.keyed import is_keyed
from partwise_app.theme import DARK, Tokens
from partwise_app.words import tr

__all__ = ["SwipeHandle"]


class SwipeHandle(QWidget):
    """The line between two layers; dragged, or moved by the arrow keys while it has the focus."""

    moved = Signal(float)
    """New place, 0 at the left border and 1 at the right."""

    WIDTH = 28
    _REACH = 4  # px on either side of the line
    _STEP = 0.02

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pane = parent
        self._fraction = 0.5
        self._tokens = DARK
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Swipe line"))
        self.setAccessibleDescription(tr("Moves the border between the whole and the parts"))
        self.setToolTip(tr("Drag to compare; left and right arrow keys move it"))

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self.update()

    def place(self, fraction: float, pane: QSize) -> None:
        """Lie at `fraction` of the width of a pane."""
        self._fraction = fraction
        left = round(fraction * pane.width() - self.WIDTH / 2)
        self.setGeometry(left, 0, self.WIDTH, pane.height())
        # What lies beside the line and the knob belongs to the image: hands draw there.
        middle, knob = self.WIDTH // 2, QRect(0, 0, self.WIDTH, self.WIDTH)
        knob.moveCenter(QPoint(middle, pane.height() // 2))
        line = QRect(middle - self._REACH, 0, 2 * self._REACH, pane.height())
        self.setMask(QRegion(line).united(QRegion(knob)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle = self.width() / 2
        # With the keyboard on it, the whole handle is in the accent.
        focus, tokens = is_keyed(self), self._tokens
        fill, ink = (tokens.accent, tokens.on_accent) if focus else ("#ffffff", "#1c2126")
        edge = QPen(QColor("#ffffff"), 2) if focus else QPen(QColor(0, 0, 0, 70), 1)
        painter.fillRect(QRectF(middle - 2, 0, 4, self.height()), QColor(0, 0, 0, 60))
        painter.fillRect(QRectF(middle - 1, 0, 2, self.height()), QColor(fill))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(edge)
        painter.setBrush(QColor(fill))
        centre = QPointF(middle, self.height() / 2)
        painter.drawEllipse(centre, 12, 12)
        painter.setPen(QPen(QColor(ink), 1.6, c=Qt.PenCapStyle.RoundCap))
        for side in (-1, 1):
            tip = QPointF(centre.x() + side * 6.5, centre.y())
            painter.drawLine(tip, QPointF(centre.x() + side * 2, centre.y()))
            painter.drawLine(tip, QPointF(tip.x() - side * 2.6, tip.y() - 2.8))
            painter.drawLine(tip, QPointF(tip.x() - side * 2.6, tip.y() + 2.8))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask(self.mapToParent(event.position()).x() / self._pane.width())
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._ask(0.5)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # zooms the image below

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -self._STEP, Qt.Key.Key_Right: self._STEP}
        ends = {Qt.Key.Key_Home: 0.0, Qt.Key.Key_End: 1.0}
        key = Qt.Key(event.key())
        if key in steps:
            self._ask(self._fraction + steps[key])
        elif key in ends:
            self._ask(ends[key])
        else:
            super().keyPressEvent(event)

    def _ask(self, fraction: float) -> None:
        self.moved.emit(min(max(fraction, 0.0), 1.0))
