"""Which piece of the whole image is on screen? The whole, small, with a frame around the piece."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.viewport import Box
from partwise_app.words import tr

__all__ = ["OverviewInset"]


class OverviewInset(QWidget):
    """The whole image, small, with a frame around what is on screen; a click goes there."""

    asked = Signal(float, float)
    """Scene point to look at."""

    _LONGEST = 150
    _BORDER = 2

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pane = parent
        self._image = QImage()
        self._scene = (1, 1)
        self._box = Box(0, 0, 1, 1)
        self._tokens = DARK
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Overview"))
        self.setAccessibleDescription(tr("The whole image; click to look there"))
        self.setToolTip(tr("Click to look there"))
        self.hide()

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self.update()

    def set_image(self, image: QImage, scene: tuple[int, int]) -> None:
        """Show a picture of the whole scene of the given size."""
        self._scene = scene
        longest = max(scene)
        width = max(24, round(self._LONGEST * scene[0] / longest)) + 2 * self._BORDER
        height = max(24, round(self._LONGEST * scene[1] / longest)) + 2 * self._BORDER
        self.resize(width, height)
        self._image = image
        if not image.isNull():
            self._image = image.scaled(
                self._inner().size().toSize() * self.devicePixelRatioF(),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        self.update()

    def set_box(self, box: Box) -> None:
        """Frame a rectangle of the scene; hidden while nothing lies outside."""
        self._box = box
        inside = (
            box.x <= 0.5
            and box.y <= 0.5
            and box.x + box.width >= self._scene[0] - 0.5
            and box.y + box.height >= self._scene[1] - 0.5
        )
        parent = self._pane.size()
        small = parent.width() < 3 * self.width() or parent.height() < 2 * self.height()
        self.setVisible(not inside and not small and not self._image.isNull())
        self.update()

    def frame(self) -> QRectF:
        """The frame in the inset's own pixels."""
        inner = self._inner()
        across, down = inner.width() / self._scene[0], inner.height() / self._scene[1]
        framed = QRectF(
            inner.left() + self._box.x * across,
            inner.top() + self._box.y * down,
            self._box.width * across,
            self._box.height * down,
        ).intersected(inner)
        if framed.width() < 5 or framed.height() < 5:
            framed = QRectF(framed.center() - QPointF(2.5, 2.5), framed.center() + QPointF(3, 3))
        return framed

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#ffffff"))
        painter.drawImage(self._inner(), self._image)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0, 0, -1, -1))
        frame = self.frame()
        painter.setPen(QPen(QColor("#ffffff"), 3))
        painter.drawRect(frame)
        painter.setPen(QPen(QColor("#1b6ec2"), 1.5))
        painter.drawRect(frame)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def _inner(self) -> QRectF:
        edge = self._BORDER
        return QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)

    def _go(self, event: QMouseEvent) -> None:
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        inner = self._inner()
        x = (event.position().x() - inner.left()) / inner.width() * self._scene[0]
        y = (event.position().y() - inner.top()) / inner.height() * self._scene[1]
        self.asked.emit(x, y)
