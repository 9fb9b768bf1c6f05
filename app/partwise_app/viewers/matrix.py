"""How does a table look? As cells in colour, with names, axis titles and the meaning of colours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
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
from partwise_app.theme import Tokens
from partwise_app.viewers.grids import Lens, TableGrid, edges
from partwise_app.viewers.maps import packed_table
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

__all__ = ["Layer", "MatrixPane", "MatrixView", "cells_image"]

_HEAD = 30.0
_RIGHT = 14.0
_BAR = 92.0
_BRIGHT = 0.6  # of the limit, where dark words are read better than bright ones
_WHEEL = 1.0015  # zoom per eighth of a degree
# Below zero blue, above zero orange, nothing in the colour of the canvas: told apart by colour-
# blind eyes, and the sign is not carried by red against green.
_BELOW, _ABOVE = ("#8fd0ff", "#2f86c9"), ("#ffca8a", "#c9701d")
_MISSING = {"dark": "#3a3f45", "light": "#c9ced4"}

Cells = NDArray[np.floating[Any]]
Edges = NDArray[np.intp]


@dataclass(frozen=True)
class Layer:
    """What a pane draws.

    Attributes
    ----------
    title : str
    means : callable of (row edges, column edges) -> ndarray, or None
        The values of blocks of cells; None where there is nothing to draw yet.
    limit : float
        Value at the bright end.
    cut : bool
        Whether larger values are drawn as the limit.
    signed : bool
        Whether the map runs from -limit to limit.
    color : str
        Swatch beside the title, or empty.
    message : str
        What to do instead, where there is nothing to draw.
    value : str
        What is drawn, for the colour bar's tooltip and screen readers.
    """

    title: str
    means: Callable[[Edges, Edges], Cells] | None = field(default=None, compare=False)
    limit: float = 1.0
    cut: bool = False
    signed: bool = False
    color: str = ""
    message: str = ""
    value: str = ""


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
        self._ringed = False
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
        if self._ringed:
            painter.setPen(QPen(QColor(self.tokens.accent), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Who came by keyboard sees where they are; who clicked knows.
        self._ringed = event.reason() in (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
        )
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ringed = False
        super().focusOutEvent(event)
        self.update()

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
        self._paint_values(painter, plot)
        painter.restore()

    def _paint_values(self, painter: QPainter, plot: QRectF) -> None:
        """Write the numbers into cells that have room for them."""
        lens, layer = self._lens, self._layer
        cell_x = plot.width() / (lens.right - lens.left)
        cell_y = plot.height() / (lens.bottom - lens.top)
        metrics = QFontMetricsF(painter.font())
        wide = metrics.horizontalAdvance("−0.000") + 10
        if layer.means is None or cell_x < wide or cell_y < metrics.height() + 8:
            return
        rows = range(max(int(lens.top), 0), min(math.ceil(lens.bottom), self._shape[0]))
        columns = range(max(int(lens.left), 0), min(math.ceil(lens.right), self._shape[1]))
        if not rows or not columns or layer.color:
            return
        down = np.arange(rows[0], rows[-1] + 2)
        across = np.arange(columns[0], columns[-1] + 2)
        values = np.asarray(layer.means(down, across), dtype=np.float64)
        bright = max(layer.limit, 1e-300)
        for row, line in zip(rows, values, strict=True):
            for column, value in zip(columns, line.tolist(), strict=True):
                if not math.isfinite(value):
                    continue
                dark = value / bright > _BRIGHT  # words on the bright end of the map
                ink = self.tokens.text if layer.signed else "#10151b" if dark else "#f4f6f8"
                painter.setPen(QColor(ink))
                box = QRectF(
                    plot.left() + (column - lens.left) * cell_x,
                    plot.top() + (row - lens.top) * cell_y,
                    cell_x,
                    cell_y,
                )
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, number(value, 2))

    def _paint_head(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(painter.font())
        layer, left = self._layer, _RIGHT
        middle = _HEAD / 2 + 1
        bar = layer.means is not None
        if layer.color:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(layer.color))
            painter.drawRoundedRect(QRectF(left, middle - 4.5, 9, 9), 2, 2)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            left += 15
        room = self.width() - left - _RIGHT - (self._bar_width(metrics) + 12 if bar else 0)
        painter.setPen(QColor(self.tokens.text))
        words = metrics.elidedText(layer.title, Qt.TextElideMode.ElideRight, max(room, 0))
        painter.drawText(QPointF(left, middle + metrics.ascent() / 2 - 1), words)
        if bar:
            self._paint_bar(painter, metrics, middle)

    def _bar_words(self) -> tuple[str, str]:
        layer = self._layer
        high = ("≥ " if layer.cut else "") + number(layer.limit)
        return (f"−{number(layer.limit)}" if layer.signed else "0", high)

    def _bar_length(self) -> float:
        """Shorter where the title would not fit beside it."""
        return min(max(self.width() - 210.0, 28.0), _BAR)

    def _bar_width(self, metrics: QFontMetricsF) -> float:
        low, high = self._bar_words()
        return (
            metrics.horizontalAdvance(low)
            + metrics.horizontalAdvance(high)
            + self._bar_length()
            + 12
        )

    def _paint_bar(self, painter: QPainter, metrics: QFontMetricsF, middle: float) -> None:
        low, high = self._bar_words()
        base = middle + metrics.ascent() / 2 - 1
        right = self.width() - _RIGHT
        painter.setPen(QColor(self.tokens.muted))
        wide = metrics.horizontalAdvance(high)
        painter.drawText(QPointF(right - wide, base), high)
        length = self._bar_length()
        box = QRectF(right - wide - 6 - length, middle - 4, length, 8)
        ramp = np.linspace(-1 if self._layer.signed else 0, 1, int(length))[None]
        ramp = ramp * self._layer.limit
        painter.drawImage(box, cells_image(ramp, self._layer, self.tokens))
        wide = metrics.horizontalAdvance(low)
        painter.drawText(QPointF(box.left() - 6 - wide, base), low)

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


def cells_image(values: Cells, layer: Layer, tokens: Tokens) -> QImage:
    """Return one pixel per value, in the layer's map; missing ones in the colour of none."""
    half = 0.5 if layer.signed else 1.0
    scaled = np.asarray(values, dtype=np.float32) * np.float32(255 * half / layer.limit)
    scaled += np.float32(128 if layer.signed else 0.5)
    missing = np.isnan(scaled) if np.isnan(scaled.sum()) else None
    if missing is not None:
        scaled[missing] = 0
    # To bytes first: a look-up per cell is all that remains.
    levels = np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
    table = _diverging(tokens) if layer.signed else packed_table()
    packed = np.ascontiguousarray(table[levels])
    if missing is not None:
        packed[missing] = QColor(_MISSING[tokens.name]).rgb()
    height, width = packed.shape
    return QImage(packed.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def _diverging(tokens: Tokens) -> NDArray[np.uint32]:
    """Colours from below zero to above, 0xffRRGGBB; nothing looks like the canvas."""
    ends = (_BELOW, _ABOVE) if tokens.name == "dark" else (_BELOW[::-1], _ABOVE[::-1])
    nothing = "#20252a" if tokens.name == "dark" else "#f7f8f9"
    stops = [ends[0][0], ends[0][1], nothing, ends[1][1], ends[1][0]]
    codes = [QColor(code).rgb() for code in stops]
    places = np.array([0, 62, 127.5, 193, 255])
    steps = np.arange(256)
    packed = np.full(256, 0xFF000000, np.uint32)
    for shift in (16, 8, 0):
        channel = np.interp(steps, places, [code >> shift & 0xFF for code in codes])
        packed |= np.rint(channel).astype(np.uint32) << np.uint32(shift)
    return packed
