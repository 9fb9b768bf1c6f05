"""Where is the keyboard? A ring that is seen on any picture: the accent, and the ground within."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

if TYPE_CHECKING:
    from partwise_app.theme import Tokens

__all__ = ["paint_focus"]

_WIDE = 2.0


def paint_focus(painter: QPainter, box: QRectF, tokens: Tokens, radius: float = 0.0) -> None:
    """Paint the mark of the keyboard within a box."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    # On a picture as bright as the accent, the line inside it is what is seen.
    for inward, color in ((0.5, tokens.accent), (1.5, tokens.canvas)):
        by = inward * _WIDE
        painter.setPen(QPen(QColor(color), _WIDE, j=Qt.PenJoinStyle.MiterJoin))
        painter.drawRoundedRect(box.adjusted(by, by, -by, -by), radius, radius)
    painter.restore()
