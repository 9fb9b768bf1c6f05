"""How does a drawing leave the window as a figure? On white, lines and words as vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import (
    QBuffer,
    QIODevice,
    QMarginsF,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    QSizeF,
)
from PySide6.QtGui import QColor, QImage, QPageSize, QPaintDevice, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

from partwise_app.theme import LIGHT, Tokens

__all__ = ["PAPER", "SUFFIXES", "Printable", "figure", "png"]

PAPER = replace(LIGHT, name="paper", canvas="#ffffff", window="#ffffff")
_SCREEN, _PRINT = 96, 300  # dots per inch: of Qt's pixels, and of a figure in a journal
_POINTS = 72 / _SCREEN


class Printable(Protocol):
    """A stage: it has a theme, and something drawn on it."""

    def drawn_size(self) -> QSize:
        """Return how large the drawing is, in pixels of the window."""
        ...

    def draw_on(self, painter: QPainter) -> None:
        """Draw what is looked at, without tabs, scroll bars and controls."""
        ...

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        ...


def figure(stage: Printable, suffix: str, title: str, now: Tokens) -> bytes:
    """Return what is on a stage as the bytes of a file, at its size in the window.

    Parameters
    ----------
    stage : Printable
    suffix : str
        One of `SUFFIXES`.
    title : str
        Goes into the file as its title.
    now : Tokens
        The theme of the window, in which the stage is left.
    """
    stage.set_theme(PAPER)
    try:
        return _WRITERS[suffix](stage, title)
    finally:
        stage.set_theme(now)


def png(image: QImage) -> bytes:
    """Return an image as the bytes of a PNG file."""
    buffer = _buffer()
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want the format as bytes
    return bytes(buffer.data().data())


def _svg(stage: Printable, title: str) -> bytes:
    size = stage.drawn_size()
    buffer = _buffer()
    paper = QSvgGenerator()
    paper.setOutputDevice(buffer)
    paper.setResolution(_SCREEN)
    paper.setSize(size)
    paper.setViewBox(QRect(QPoint(), size))
    paper.setTitle(title)
    _paint(stage, paper)
    return bytes(buffer.data().data())


def _pdf(stage: Printable, title: str) -> bytes:
    page = QSizeF(stage.drawn_size()) * _POINTS
    buffer = _buffer()
    paper = QPdfWriter(buffer)
    exact = QPageSize.SizeMatchPolicy.ExactMatch
    paper.setPageSize(QPageSize(page, QPageSize.Unit.Point, "", exact))
    paper.setPageMargins(QMarginsF())
    paper.setResolution(_SCREEN)
    paper.setTitle(title)
    paper.setCreator("Partwise")
    _paint(stage, paper)
    return bytes(buffer.data().data())


def _png(stage: Printable, title: str) -> bytes:
    ratio = _PRINT / _SCREEN
    image = QImage(stage.drawn_size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.setText("Title", title)
    _paint(stage, image)
    image.setDevicePixelRatio(1.0)
    for axis in (image.setDotsPerMeterX, image.setDotsPerMeterY):
        axis(round(_PRINT / 0.0254))
    return png(image)


def _paint(stage: Printable, device: QPaintDevice) -> None:
    painter = QPainter(device)
    painter.fillRect(QRectF(QPointF(), QSizeF(stage.drawn_size())), QColor(PAPER.canvas))
    stage.draw_on(painter)
    painter.end()


def _buffer() -> QBuffer:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    return buffer


_WRITERS: dict[str, Callable[[Printable, str], bytes]] = {".svg": _svg, ".pdf": _pdf, ".png": _png}
SUFFIXES = tuple(_WRITERS)
