"""Who is tied to whom? Nodes on a circle, stronger ties drawn stronger."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.viewers.overlays import small_font
from partwise_app.viewers.plotting import Plot, left_room, name_of, number

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["GraphView"]

_MOST_TIES = 2000
_NEAR = 12.0


class GraphView(Plot):
    """A ``"graph"`` view: ``adjacency`` (nodes, nodes), optionally ``group`` (nodes,) of parts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ties = np.empty((0, 3))
        self._size = 0
        self._axis: Axis | None = None
        self._colors: list[str] = []
        self._mark: int | None = None

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        adjacency = np.abs(np.asarray(view.arrays["adjacency"], dtype=np.float64))
        both = np.triu(np.maximum(adjacency, adjacency.T), 1)
        i, j = np.nonzero(np.nan_to_num(both))
        heavy = np.argsort(-both[i, j], kind="stable")[:_MOST_TIES]
        self._ties = np.column_stack([i[heavy], j[heavy], both[i, j][heavy]])
        self._size = len(adjacency)
        self._axis = view.axes[0] if view.axes else None
        colors = {strip.key: strip.color for strip in strips}
        group = np.asarray(view.arrays.get("group", ()), dtype=np.intp)
        self._colors = [
            colors.get(parts[k].key, parts[k].color) if 0 <= k < len(parts) else ""
            for k in group[: self._size]
        ]
        self._colors += [""] * (self._size - len(self._colors))
        self.setAccessibleName(view.title)
        self.setAccessibleDescription(f"{self._size} nodes, {len(self._ties)} ties")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        painter.setFont(small_font(self.font()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = float(self._ties[:, 2].max()) if len(self._ties) else 1.0
        for i, j, weight in self._ties[::-1]:
            color = QColor(self.tokens.muted)
            beside = self._mark is None or self._mark in (int(i), int(j))
            color.setAlphaF(0.15 + 0.7 * weight / most if beside else 0.05)
            painter.setPen(QPen(color, 0.6 + 3 * weight / most))
            painter.drawLine(self._spot(int(i)), self._spot(int(j)))
        metrics = QFontMetricsF(painter.font())
        for node in range(self._size):
            spot = self._spot(node)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._colors[node] or self.tokens.accent))
            painter.drawEllipse(spot, 4.5, 4.5)
            if self._size <= 60 or node == self._mark:
                self._paint_name(painter, metrics, node, spot)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        near = [
            (math.hypot(spot.x() - event.position().x(), spot.y() - event.position().y()), node)
            for node in range(self._size)
            for spot in (self._spot(node),)
        ]
        distance, node = min(near, default=(math.inf, 0))
        mark = node if distance <= _NEAR else None
        if mark != self._mark:
            self._mark = mark
            self.update()
        if mark is None:
            self.read.emit(None)
            return
        tied = self._ties[(self._ties[:, 0] == mark) | (self._ties[:, 1] == mark)]
        total = number(float(tied[:, 2].sum()))
        self.read.emit((name_of(self._axis, mark), f"{len(tied)} ties, {total} in all"))

    def _spot(self, node: int) -> QPointF:
        metrics = QFontMetricsF(small_font(self.font()))
        margin = left_room(self._axis, self._size, metrics) + 18
        turn = 2 * math.pi * node / max(self._size, 1) - math.pi / 2
        middle = QRectF(self.rect()).center()
        across = max(self.width() / 2 - margin, 20.0)
        up = max(self.height() / 2 - 28, 20.0)
        reach = min(across, up)
        return QPointF(middle.x() + reach * math.cos(turn), middle.y() + reach * math.sin(turn))

    def _paint_name(
        self, painter: QPainter, metrics: QFontMetricsF, node: int, spot: QPointF
    ) -> None:
        words = name_of(self._axis, node)
        right = spot.x() >= self.width() / 2
        left = spot.x() + 9 if right else spot.x() - 9 - metrics.horizontalAdvance(words)
        painter.setPen(QColor(self.tokens.text))
        painter.drawText(QPointF(left, spot.y() + metrics.ascent() / 2 - 1), words)
