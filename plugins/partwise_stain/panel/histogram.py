"""How much tissue has how much of a stain, and which share lies beyond each threshold?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from partwise_app.api import tr
from partwise_stain.regional import BIN_OD

__all__ = ["Histogram"]

_REACH = 7.0  # px
_LONGEST = 1.5  # OD that the axis has at least
_SHOWN = 2  # bins to one that is drawn
_STEP = 0.01  # OD per arrow key
_GRADES = 3  # thresholds of a chromogen


class Histogram(QWidget):
    """Optical density of one stain in tissue, with thresholds that can be dragged.

    The share beyond each is told from the histogram at once, while a hand is dragging.
    """

    moved = Signal(int, float)
    """Place of a threshold and where the hand has let it go, in OD."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: NDArray[np.float64] = np.empty(0)
        self._color = QColor("#888888")
        self._marks: list[float] = []
        self._asked: object = None
        self._held: int | None = None
        self._chosen = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(tr("Histogram of optical density"))
        self.setToolTip(tr("Drag a line to move a threshold; arrow keys move the chosen one"))

    def sizeHint(self) -> QSize:
        return QSize(240, 130)

    def set_counts(
        self, counts: NDArray[np.float64] | None, color: str, marks: Sequence[float]
    ) -> None:
        """Show pixels of tissue by bins of `BIN_OD`, and thresholds in OD; None while counted."""
        asked = (id(counts), color, tuple(marks))
        if asked == self._asked:
            return
        self._asked = asked
        self._counts = np.empty(0) if counts is None else np.asarray(counts, dtype=np.float64)
        self._color = QColor(color)
        if self._held is None:
            self._marks = list(marks)
        self._chosen = min(self._chosen, max(len(self._marks) - 1, 0))
        self._describe()
        self.update()

    def share(self, threshold: float) -> float:
        """Share of tissue at or beyond a density, 0 to 1."""
        total = float(self._counts.sum())
        beyond = float(self._counts[max(round(threshold / BIN_OD), 0) :].sum())
        return beyond / total if total else 0.0

    def x_of(self, od: float) -> float:
        """Where a density is drawn, in pixels from the left."""
        plot = self._plot()
        return plot.left() + od / self._reach() * plot.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = QFontMetricsF(painter.font())
        plot = self._plot()
        text, muted = self.palette().text().color(), self.palette().mid().color()
        if not self._counts.sum():
            painter.setPen(muted)
            words = tr("Counting…")
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()), int(flags), words)
            return
        shares = self._shares()
        highest = float(shares[1:].max()) if len(shares) > 1 and shares[1:].max() > 0 else 1.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        corners = [plot.bottomLeft()]
        for k, share in enumerate(shares):
            x = self.x_of((k + 0.5) * _SHOWN * BIN_OD)
            if x > plot.right():
                break
            corners.append(QPointF(x, plot.bottom() - min(share / highest, 1.0) * plot.height()))
        corners.append(QPointF(corners[-1].x(), plot.bottom()))
        fill = QColor(self._color)
        fill.setAlpha(150)
        painter.setPen(QPen(self._color, 1.2))
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(corners))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(muted)
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        self._write_axes(painter, plot, metrics, highest)
        for place, mark in enumerate(self._marks):
            x = round(self.x_of(mark)) + 0.5
            strong = place == self._chosen and (self.hasFocus() or self._held is not None)
            painter.setPen(QPen(text, 2 if strong else 1))
            painter.drawLine(QPointF(x, plot.top() - 2), QPointF(x, plot.bottom()))
        painter.setPen(text)
        for place, mark in enumerate(self._marks):  # over all lines, so that each can be read
            x = round(self.x_of(mark)) + 0.5
            # Weak, moderate and strong are one, two and three plus to who scores by eye.
            grade = f"≥{place + 1}+  " if len(self._marks) == _GRADES else ""
            words = f"{grade}{100 * self.share(mark):.1f} %"
            width = metrics.horizontalAdvance(words)
            left = min(x + 4, plot.right() - width)
            top = plot.top() - 2 + (metrics.height() + 1) * place
            plate = QColor(self.palette().window().color())
            plate.setAlpha(235)
            box = QRectF(left - 2, top, width + 4, metrics.height())
            painter.fillRect(box, plate)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = self._near(event.position().x())
            self._chosen = self._held if self._held is not None else self._chosen
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            over = self._near(event.position().x()) is not None
            self.setCursor(Qt.CursorShape.SplitHCursor if over else Qt.CursorShape.ArrowCursor)
            return
        plot = self._plot()
        od = (event.position().x() - plot.left()) / max(plot.width(), 1) * self._reach()
        low = self._marks[self._held - 1] + _STEP if self._held else _STEP
        high = self._marks[self._held + 1] - _STEP if self._held + 1 < len(self._marks) else 2.9
        self._marks[self._held] = min(max(od, low), high)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        held, self._held = self._held, None
        if held is not None:
            self.moved.emit(held, self._marks[held])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -_STEP, Qt.Key.Key_Right: _STEP}
        key = Qt.Key(event.key())
        if key in steps and self._marks:
            self.moved.emit(self._chosen, max(self._marks[self._chosen] + steps[key], _STEP))
        elif key == Qt.Key.Key_Space and self._marks:
            self._chosen = (self._chosen + 1) % len(self._marks)
            self._describe()
            self.update()
        else:
            super().keyPressEvent(event)

    def _near(self, x: float) -> int | None:
        near = [(abs(self.x_of(mark) - x), place) for place, mark in enumerate(self._marks)]
        found = min(near, default=(_REACH + 1, 0))
        return found[1] if found[0] <= _REACH else None

    def _plot(self) -> QRectF:
        line = QFontMetricsF(self.font()).height()
        return QRectF(self.rect()).adjusted(34, 8, -8, -line - 6)

    def _reach(self) -> float:
        """The density at the right end of the axis."""
        total = float(self._counts.sum())
        if not total:
            return _LONGEST
        high = float(np.argmax(np.cumsum(self._counts) >= 0.999 * total) + 1) * BIN_OD
        return min(max(high, _LONGEST, *(1.1 * mark for mark in self._marks)), 3.0)

    def _shares(self) -> NDArray[np.float64]:
        """Per cent of tissue in each bin that is drawn."""
        whole = len(self._counts) // _SHOWN * _SHOWN
        bins = self._counts[:whole].reshape(-1, _SHOWN).sum(axis=1)
        return np.asarray(100 * bins / max(float(self._counts.sum()), 1.0))

    def _write_axes(
        self, painter: QPainter, plot: QRectF, metrics: QFontMetricsF, highest: float
    ) -> None:
        painter.setPen(self.palette().mid().color())
        base = plot.bottom() + metrics.ascent() + 3
        step = 0.5
        for k in range(int(self._reach() / step) + 1):
            x, words = self.x_of(k * step), f"{k * step:g}"
            painter.drawLine(QPointF(x, plot.bottom()), QPointF(x, plot.bottom() + 3))
            width = metrics.horizontalAdvance(words)
            if x + width / 2 < plot.right() - metrics.horizontalAdvance(tr("OD")) - 6:
                painter.drawText(QPointF(x - width / 2, base), words)
        unit = tr("OD")
        painter.drawText(QPointF(plot.right() - metrics.horizontalAdvance(unit), base), unit)
        top = f"{highest:.2g} %"
        painter.drawText(QPointF(2, plot.top() + metrics.ascent()), top)
        painter.drawText(QPointF(2, plot.bottom()), "0 %")

    def _describe(self) -> None:
        if not self._marks or not self._counts.sum():
            self.setAccessibleDescription(tr("Empty until a run has found stains"))
            return
        mark = self._marks[self._chosen]
        self.setAccessibleDescription(
            tr(
                "{share} % of tissue at or beyond {od} OD; arrow keys move it, Space the next",
                share=f"{100 * self.share(mark):.1f}",
                od=f"{mark:.2f}",
            )
        )
