"""Which little picture stands for what? Our own drawings, in the theme's colour."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from partwise_resources import resource

__all__ = ["app_icon", "icon", "pixmap"]

_SCALES = (1, 2, 3)
_BRAND = ("#5b5fd6", "#e0608f", "#8b929a")  # two parts and what is left over


@lru_cache(maxsize=64)
def _source(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


def pixmap(name: str, color: str, size: int = 16, scale: int = 1) -> QPixmap:
    """Draw an icon in one colour; `size` in device-independent pixels.

    Raises
    ------
    FileNotFoundError
        No such icon comes with Partwise.
    """
    picture = QPixmap(QSize(size, size) * scale)
    picture.fill(Qt.GlobalColor.transparent)
    data = _source(name).replace("currentColor", color).encode()
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(data)).render(painter)
    painter.end()
    picture.setDevicePixelRatio(scale)
    return picture


def icon(name: str, color: str, size: int = 16) -> QIcon:
    """Return an icon in one colour, sharp on screens of any density."""
    picture = QIcon()
    for scale in _SCALES:
        picture.addPixmap(pixmap(name, color, size, scale))
    return picture


def app_icon(size: int = 256) -> QIcon:
    """Return the three squares: two parts and the residual."""
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    side, gap = size * 0.27, size * 0.065
    for place, color in enumerate(_BRAND):
        painter.setBrush(QColor(color))
        left = gap + place * (side + gap)
        painter.drawRoundedRect(QRectF(left, (size - side) / 2, side, side), side / 5, side / 5)
    painter.end()
    return QIcon(picture)
