"""Which colour has each stain? Points on a wheel of hue and saturation, to be dragged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)

from partwise_app.api import TipPlot, tr
from partwise_stain.hue import CORNERS, chroma, vector_at

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["Wheel"]

_DENSITY = 0.75  # OD at which colours are painted
_STEP = 0.02  # per arrow key, in units of chromaticity
_MARGIN = 10.0
_HEIGHT = 220  # px
_ROOT = math.sqrt(3)


class Wheel(TipPlot):
    """Hue and saturation of optical density; a stain is a point, its mixtures lie between.

    Tissue is drawn as a cloud, published vectors as small rings.
    """

    moved = Signal(str, object)
    """Key of a stain and its new unit vector (r, g, b) in OD."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cloud: NDArray[np.float64] = np.empty((0, 2))
        self._known: NDArray[np.float64] = np.empty((0, 2))
        self._ground = QImage()  # the colours
        self._shade = QImage()  # the tissue over them
        self.setMinimumWidth(160)
        # Not to be squeezed for a moment while the column makes room: its colours would be drawn
        # anew for that height, and again for this one.
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName(tr("Colour wheel"))
        self.setToolTip(
            tr("Hue and saturation in optical density: drag a stain; rings are published vectors")
        )
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(240, _HEIGHT)

    def set_stains(
        self,
        vectors: Mapping[str, Sequence[float]],
        names: Mapping[str, tuple[str, str]],
        locked: frozenset[str],
    ) -> None:
        """Show stains: vectors by key, and name and colour by key."""
        places = {
            key: (float(x), float(y))
            for key, vector in vectors.items()
            for x, y in (chroma(np.asarray(vector, dtype=np.float64)),)
        }
        self.set_tips(places, names, locked)

    def set_tissue(self, od: NDArray[np.floating]) -> None:
        """Show the colours of tissue, densities (n, 3)."""
        points = chroma(od) if len(od) else np.empty((0, 2))
        self._cloud = points[np.isfinite(points).all(axis=1)]
        self._shade = QImage()
        self.update()

    def set_published(self, vectors: NDArray[np.float64]) -> None:
        """Show published vectors, unit columns (sets, 3, stains)."""
        self._known = chroma(vectors.transpose(0, 2, 1).reshape(-1, 3))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._ground.isNull():
            self._ground = self._draw_ground()
        if self._shade.isNull():
            self._shade = self._draw_shade()
        painter.drawImage(QPointF(0, 0), self._ground)
        painter.drawImage(QPointF(0, 0), self._shade)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = self.palette().mid().color()
        painter.setPen(QPen(edge, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolygon(QPolygonF([self._to_screen(*corner) for corner in CORNERS]))
        painter.setPen(QPen(QColor(0, 0, 0, 150), 1))
        for x, y in self._known:
            painter.drawEllipse(self._to_screen(float(x), float(y)), 3.0, 3.0)
        places = [self.tip(key) for key in self._places]
        if len(places) > 1:
            painter.setPen(QPen(QColor(0, 0, 0, 120), 1, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF([*places, places[0]]))
        self._write_corners(painter)
        self._paint_tips(painter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._ground = self._shade = QImage()

    def _dragged(self, key: str, x: float, y: float) -> None:
        vector = vector_at(x, y)
        at = chroma(np.array(vector))
        self._places[key] = (float(at[0]), float(at[1]))
        self.update()
        self.moved.emit(key, vector)

    def _stepped(self, key: str, across: int, up: int) -> None:
        x, y = self._places[key]
        self._dragged(key, x + across * _STEP, y + up * _STEP)

    # Geometry: x of the wheel from -1 to 2, y from -sqrt 3 to sqrt 3

    def _scale(self) -> float:
        line = self.fontMetrics().height()
        wide = (self.width() - 2 * _MARGIN) / 3
        high = (self.height() - 2 * _MARGIN - 2 * line) / (2 * math.sqrt(3))
        return max(min(wide, high), 1.0)

    def _to_screen(self, x: float, y: float) -> QPointF:
        scale = self._scale()
        return QPointF(self.width() / 2 + (x - 0.5) * scale, self.height() / 2 - y * scale)

    def _to_units(self, point: QPointF) -> tuple[float, float]:
        scale = self._scale()
        return (
            (point.x() - self.width() / 2) / scale + 0.5,
            (self.height() / 2 - point.y()) / scale,
        )

    def _draw_ground(self) -> QImage:
        """Each point in its colour."""
        width, height = max(self.width(), 1), max(self.height(), 1)
        scale = self._scale()
        xs = (np.arange(width) + 0.5 - width / 2) / scale + 0.5
        ys = (height / 2 - np.arange(height) - 0.5) / scale
        x, y = np.meshgrid(xs, ys)
        root = math.sqrt(3)
        raw = np.stack([x + 1, (2 - x + root * y) / 2, (2 - x - root * y) / 2], axis=2)
        inside: NDArray[np.bool_] = np.asarray((raw >= 0).all(axis=2))
        od = np.maximum(raw, 0)
        od /= np.maximum(np.linalg.norm(od, axis=2), 1e-9)[..., None]
        light = 255 * 10 ** (-_DENSITY * od)
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[..., :3] = np.where(inside[..., None], light, 0)[..., ::-1]
        pixels[..., 3] = np.where(inside, 255, 0)
        shape = QImage.Format.Format_ARGB32_Premultiplied
        return QImage(pixels.data, width, height, 4 * width, shape).copy()

    def _draw_shade(self) -> QImage:
        """Tissue as a cloud, the darker the more of it has a colour."""
        width, height, scale = max(self.width(), 1), max(self.height(), 1), self._scale()
        columns = ((self._cloud[:, 0] - 0.5) * scale + width / 2).astype(np.int64)
        rows = (height / 2 - self._cloud[:, 1] * scale).astype(np.int64)
        held = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        flat = rows[held] * width + columns[held]
        counts = np.bincount(flat, minlength=width * height)
        pixels = np.zeros((height, width, 4), np.uint8)  # black, premultiplied
        share = np.minimum(0.12 * np.log2(1 + counts), 0.45)
        pixels[..., 3] = (255 * share).reshape(height, width)
        shape = QImage.Format.Format_ARGB32_Premultiplied
        return QImage(pixels.data, width, height, 4 * width, shape).copy()

    def _write_corners(self, painter: QPainter) -> None:
        """What the corners absorb: red light, green light, blue light."""
        painter.setPen(self.palette().text().color())
        metrics = QFontMetricsF(painter.font())
        words = (tr("absorbs red"), tr("absorbs green"), tr("absorbs blue"))
        for (x, y), text in zip(CORNERS, words, strict=True):
            at, width = self._to_screen(x, y), metrics.horizontalAdvance(text)
            left = min(max(at.x() - (width if x > 0 else 0), 2), self.width() - width - 2)
            if x > 0:  # below the edge, which rises to this corner by 30 degrees
                base = at.y() + width / _ROOT + metrics.ascent()
            else:
                base = at.y() - 4 if y > 0 else at.y() + metrics.ascent() + 2
            painter.drawText(QPointF(left, base), text)

    def _describe(self) -> None:
        name = self._names.get(self._chosen, ("", ""))[0]
        self.setAccessibleDescription(
            tr("Arrow keys move {name}, Space chooses the next stain", name=name)
            if name
            else tr("Empty until a run has found stains")
        )
