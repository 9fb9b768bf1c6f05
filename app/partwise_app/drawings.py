"""The small drawings that every room shares: verdicts, colours, shares and pictures."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from partwise_app.keyed import is_keyed
from partwise_app.theme import DARK, Tokens

__all__ = ["Dot", "ShareBar", "Swatch", "Thumbnail", "paint_verdict"]

_DIMMED = 0.72  # of a picture whose part is not on the stage: set back, still to be read


class Dot(QWidget):
    """A verdict: its colour, and for those who do not see the colour, its shape."""

    def __init__(self, verdict: str = "", size: int = 8) -> None:
        super().__init__()
        self._verdict = verdict
        self._tokens = DARK
        self.setFixedSize(size, size)

    def set_verdict(self, verdict: str) -> None:
        """Show another verdict; empty for none."""
        self._verdict = verdict
        self.update()

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_verdict(painter, QRectF(self.rect()), self._verdict, self._tokens)
        painter.end()


def paint_verdict(painter: QPainter, box: QRectF, verdict: str, tokens: Tokens) -> None:
    """Draw a verdict: a disc is good, a triangle wants a look, a square is bad."""
    color = {"good": tokens.good, "look": tokens.look, "bad": tokens.bad}.get(verdict)
    if color is None:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    if verdict == "good":
        painter.drawEllipse(box.adjusted(0.5, 0.5, -0.5, -0.5))
    elif verdict == "look":
        corners = [
            QPointF(box.center().x(), box.top()),
            QPointF(box.right(), box.bottom() - 0.5),
            QPointF(box.left(), box.bottom() - 0.5),
        ]
        painter.drawPolygon(QPolygonF(corners))
    else:
        painter.drawRect(box.adjusted(1, 1, -1, -1))
    painter.restore()


class Swatch(QAbstractButton):
    """A part's colour; a click asks for another."""

    def __init__(self, color: str, name: str, size: int = 14) -> None:
        super().__init__()
        self._color = color
        self._side = size
        self.setFixedSize(size + 4, size + 4)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(name)
        self.setToolTip(name)

    def set_color(self, color: str) -> None:
        if color != self._color:
            self._color = color
            self.update()

    def color(self) -> str:
        """Return the colour shown, ``#rrggbb``."""
        return self._color

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_keyed(self):
            painter.setPen(QPen(self.palette().highlight().color(), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 5, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._color))
        painter.drawRoundedRect(QRectF(2.5, 2.5, self._side - 1, self._side - 1), 3.5, 3.5)
        painter.end()


class ShareBar(QWidget):
    """How much of the whole: a bar of four pixels."""

    def __init__(self, color: str) -> None:
        super().__init__()
        self._color = color
        self._share = 0.0
        self.setFixedHeight(4)

    def set_share(self, share: float, color: str) -> None:
        """Show `share`, 0 to 1."""
        self._share = min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
        self._color = color
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().light())
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)
        if self._share > 0:
            painter.setBrush(QColor(self._color))
            width = max(4.0, self.width() * self._share)
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), 2, 2)
        painter.end()


class Thumbnail(QAbstractButton):
    """A small picture that fills its frame; a click shows the part alone on the stage."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._picture = QPixmap()
        self.dimmed = False  # the part is not in the picture on the stage
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_picture(self, picture: QPixmap) -> None:
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        frame = QRectF(self.rect())
        painter.fillRect(frame, self.palette().light())
        if not self._picture.isNull():
            painter.setOpacity(_DIMMED if self.dimmed else 1.0)
            painter.drawPixmap(frame, self._picture, _cover(self._picture, frame))
            painter.setOpacity(1.0)
        if is_keyed(self):
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
            # On a picture as bright as the accent, the line inside it is what is seen.
            painter.setPen(QPen(self.palette().shadow().color(), 2))
            painter.drawRect(frame.adjusted(3, 3, -3, -3))
        painter.end()


def _cover(picture: QPixmap, frame: QRectF) -> QRectF:
    """The middle of the picture that has the frame's proportions."""
    width, height = float(picture.width()), float(picture.height())
    if frame.width() <= 0 or frame.height() <= 0:
        return QRectF(0, 0, width, height)
    ratio = frame.width() / frame.height()
    if width / height > ratio:
        kept = height * ratio
        return QRectF((width - kept) / 2, 0, kept, height)
    kept = width / ratio
    return QRectF(0, (height - kept) / 2, width, kept)
