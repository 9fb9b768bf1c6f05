"""How is a table looked at? Cells in colour between names and axis titles, nearer or further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.keyed import is_keyed
from partwise_app.theme import Tokens
from partwise_app.viewers.cells import Edges, Layer, cells_image, paint_bar, paint_values
from partwise_app.viewers.focused import paint_focus
from partwise_app.viewers.grids import Lens, TableGrid, edges
from partwise_app.viewers.overlays import paint_message, small_font
from partwise_app.viewers.plotting import (
    Plot,
    axis_words,
    left_room,
    name_of,
    number,
    paint_names_below,
    paint_names_left,
    wanted_below,
)
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["MatrixPane", "MatrixView"]

_HEAD = 30.0
_RIGHT = 14.0
_WHEEL = 1.0015  # zoom per eighth of a degree


class MatrixPane(Plot):
    """One table in colour. Wheel zooms, dragging moves, a double click shows all."""

    looked = Signal(object)
    """A `Lens` that the person asks for."""
    fit_asked = Signal()
    hovered = Signal(object)
    """(row, column) under the cursor, or None."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes: tuple[Axis, Axis] | None = None
        self._shape = (1, 1)
        self._lens = Lens(0, 1, 0, 1)
        self._layer = Layer("")
        self._with_names = True
        self._image = QImage()
        self._drawn: tuple[Edges, Edges] | None = None
        self._mark: tuple[int, int] | None = None
        self._held: QPointF | None = None
        self._square = False
        self.setAccessibleName(tr("Table in colour"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        return QSize(480, 360)

    def set_theme(self, tokens: Tokens) -> None:
        self._image = QImage()
        super().set_theme(tokens)

    def set_axes(self, axes: tuple[Axis, Axis], shape: tuple[int, int], *, square: bool) -> None:
        """Draw another table: rows and columns as `axes` name them."""
        self._axes, self._shape, self._square = axes, shape, square
        self._image, self._mark = QImage(), None

    def set_layer(self, layer: Layer, *, with_names: bool = True) -> None:
        """Draw a layer; row names stand at the left where `with_names`."""
        self._layer, self._with_names = layer, with_names
        self._image = QImage()
        self.setAccessibleDescription(f"{layer.title}. {layer.value}".strip())
        self.update()

    def set_lens(self, lens: Lens) -> None:
        """Look at other cells."""
        if lens != self._lens:
            self._lens = lens
            self._image = QImage()
            self.update()

    def set_mark(self, cell: tuple[int, int] | None) -> None:
        """Mark the row and column that are read in any pane."""
        if cell != self._mark:
            self._mark = cell
            self.update()

    @property
    def layer(self) -> Layer:
        """What is drawn."""
        return self._layer

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """Return (row, column) of a place on the screen, or None beside the table."""
        plot = self.plot()
        if not plot.contains(point) or self._axes is None:
            return None
        x, y = self._to_cells(point, plot)
        row, column = int(y), int(x)
        rows, columns = self._shape
        return (row, column) if 0 <= row < rows and 0 <= column < columns else None

    def plot(self) -> QRectF:
        """Return where the cells are."""
        metrics = QFontMetricsF(small_font(self.font()))
        axes = self._axes or (None, None)
        rows, columns = self._shape
        left = _RIGHT
        if self._with_names and axes[0] is not None:
            left = 16 + metrics.height() + left_room(axes[0], rows, metrics)
        wide = max(self.width() - left - _RIGHT, 1)
        span = self._lens.right - self._lens.left
        below = wanted_below(axes[1], columns, wide / max(span, 1), metrics) + metrics.height() + 8
        rect = QRectF(self.rect()).adjusted(left, _HEAD, -_RIGHT, -below - 6)
        if self._square:
            side = max(min(rect.width(), rect.height()), 1.0)
            rect = QRectF(rect.left() + (rect.width() - side) / 2, rect.top(), side, side)
        return rect

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.tokens.canvas))
        painter.setFont(small_font(self.font()))
        plot = self.plot()
        self._paint_head(painter)
        if self._layer.means is None or self._axes is None:
            message = self._layer.message
            paint_message(painter, plot, "", message, self.tokens, plate=False)
        else:
            if self._image.isNull():
                self._draw(plot)
            self._paint_cells(painter, plot)
            self._paint_names(painter, plot)
            self._paint_mark(painter, plot)
        if is_keyed(self):
            paint_focus(painter, QRectF(self.rect()), self.tokens)
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        plot = self.plot()
        if self._axes is None or not plot.contains(event.position()):
            event.ignore()
            return
        x, y = self._to_cells(event.position(), plot)
        factor = _WHEEL ** event.angleDelta().y()
        self.looked.emit(self._lens.zoomed(factor, x, y, self._shape))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._held = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit_asked.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            plot, lens = self.plot(), self._lens
            step = event.position() - self._held
            self._held = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            dx = -step.x() * (lens.right - lens.left) / max(plot.width(), 1)
            dy = -step.y() * (lens.bottom - lens.top) / max(plot.height(), 1)
            self.looked.emit(lens.moved(dx, dy, self._shape))
        self.hovered.emit(self.cell_at(event.position()))

    def leaveEvent(self, event: object) -> None:
        self.hovered.emit(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._image = QImage()

    def _to_cells(self, point: QPointF, plot: QRectF) -> tuple[float, float]:
        lens = self._lens
        x = lens.left + (point.x() - plot.left()) / plot.width() * (lens.right - lens.left)
        y = lens.top + (point.y() - plot.top()) / plot.height() * (lens.bottom - lens.top)
        return x, y

    def _draw(self, plot: QRectF) -> None:
        assert self._layer.means is not None
        ratio = self.devicePixelRatioF()
        rows, columns = self._shape
        lens = self._lens
        across = edges(lens.left, lens.right, columns, int(plot.width() * ratio))
        down = edges(lens.top, lens.bottom, rows, int(plot.height() * ratio))
        self._drawn = down, across
        self._image = cells_image(self._layer.means(down, across), self._layer, self.tokens)

    def _paint_cells(self, painter: QPainter, plot: QRectF) -> None:
        assert self._drawn is not None
        down, across = self._drawn
        lens = self._lens
        per_x = plot.width() / (lens.right - lens.left)
        per_y = plot.height() / (lens.bottom - lens.top)
        target = QRectF(
            plot.left() + (across[0] - lens.left) * per_x,
            plot.top() + (down[0] - lens.top) * per_y,
            (across[-1] - across[0]) * per_x,
            (down[-1] - down[0]) * per_y,
        )
        painter.save()
        painter.setClipRect(plot)
        painter.drawImage(target, self._image)
        paint_values(painter, plot, self._layer, lens, self._shape, self.tokens)
        painter.restore()

    def _paint_head(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        layer, left, right = self._layer, _RIGHT, self.width() - _RIGHT
        middle = _HEAD / 2 + 1
        if layer.means is not None:
            right = paint_bar(painter, layer, self.tokens, right, middle) - 12
        if layer.color:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(layer.color))
            painter.drawRoundedRect(QRectF(left, middle - 4.5, 9, 9), 2, 2)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            left += 15
        painter.setPen(QColor(self.tokens.text))
        room = max(right - left, 0)
        words = metrics.elidedText(layer.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(left, middle + metrics.ascent() / 2 - 1), words)

    def _paint_names(self, painter: QPainter, plot: QRectF) -> None:
        assert self._axes is not None
        rows, columns = self._shape
        lens, metrics = self._lens, QFontMetricsF(painter.font())
        painter.setPen(QColor(self.tokens.muted))
        paint_names_below(painter, plot, self._axes[1], columns, (lens.left, lens.right))
        cell = plot.width() / max(lens.right - lens.left, 1)
        names = wanted_below(self._axes[1], columns, cell, metrics)
        title = QRectF(plot.left(), plot.bottom() + names + 6, plot.width(), 20)
        painter.drawText(title, Qt.AlignmentFlag.AlignHCenter, axis_words(self._axes[1]))
        if not self._with_names:
            return
        room = left_room(self._axes[0], rows, metrics)
        paint_names_left(painter, plot, self._axes[0], rows, (lens.top, lens.bottom), room)
        painter.save()
        painter.translate(plot.left() - room - 10 - metrics.height(), plot.center().y())
        painter.rotate(-90)
        box = QRectF(-plot.height() / 2, 0, plot.height(), metrics.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, axis_words(self._axes[0]))
        painter.restore()

    def _paint_mark(self, painter: QPainter, plot: QRectF) -> None:
        if self._mark is None:
            return
        lens, (row, column) = self._lens, self._mark
        per_x = plot.width() / (lens.right - lens.left)
        per_y = plot.height() / (lens.bottom - lens.top)
        x, y = plot.left() + (column - lens.left) * per_x, plot.top() + (row - lens.top) * per_y
        color = QColor(self.tokens.text)
        color.setAlpha(150)
        painter.setPen(QPen(color, 1))
        painter.setClipRect(plot.adjusted(0, 0, 1, 1))
        if per_x >= 4 and per_y >= 4:
            painter.setPen(QPen(QColor(self.tokens.text), 1))
            painter.drawRect(QRectF(x, y, per_x, per_y))
        else:
            middle = QPointF(x + per_x / 2, y + per_y / 2)
            painter.drawLine(QPointF(plot.left(), middle.y()), QPointF(plot.right(), middle.y()))
            painter.drawLine(QPointF(middle.x(), plot.top()), QPointF(middle.x(), plot.bottom()))
        painter.setClipping(False)


class MatrixView(MatrixPane):
    """A ``"matrix"`` view that carries its own ``values``, such as a consensus of starts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid: TableGrid | None = None
        self._word = "value"
        self.looked.connect(self.set_lens)
        self.fit_asked.connect(self.fit)
        self.hovered.connect(self._say)

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        values = np.asarray(view.arrays["values"], dtype=np.float64)
        self._grid = grid = TableGrid(values)
        self._word = str(view.options.get("value", "value"))
        limit, cut = grid.limit
        if "limit" in view.options:
            limit, cut = float(view.options["limit"]), False
        rows, columns = grid.shape
        axes = view.axes if len(view.axes) == 2 else (Axis("row", rows), Axis("column", columns))
        self.set_axes((axes[0], axes[1]), grid.shape, square=bool(view.options.get("square")))
        signed = bool(np.nanmin(values, initial=0.0) < 0)
        title = self._word[:1].upper() + self._word[1:]
        self.set_layer(Layer(title, grid.means, limit, cut, signed))
        self.setAccessibleName(view.title)
        self.fit()

    def fit(self) -> None:
        """Show all cells."""
        if self._grid is not None:
            rows, columns = self._grid.shape
            self.set_lens(Lens(0, columns, 0, rows))

    def _say(self, cell: tuple[int, int] | None) -> None:
        self.set_mark(cell)
        if cell is None or self._grid is None or self._axes is None:
            self.read.emit(None)
            return
        row, column = cell
        names = f"{name_of(self._axes[0], row)}, {name_of(self._axes[1], column)}"
        self.read.emit((names, f"{self._word} {number(self._grid.at(row, column), 4)}"))
