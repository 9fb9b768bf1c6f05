"""How are the cells of a table coloured, and how is it told what a colour means?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from partwise_app.theme import Tokens
from partwise_app.viewers.grids import Lens
from partwise_app.viewers.maps import packed_table
from partwise_app.viewers.plotting import number

__all__ = ["Cells", "Edges", "Layer", "cells_image", "paint_bar", "paint_values"]

_BAR = 92.0  # px
_BRIGHT = 0.6  # of the limit, where dark words are read better than bright ones
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


def paint_bar(
    painter: QPainter, layer: Layer, tokens: Tokens, right: float, middle: float
) -> float:
    """Paint what the colours mean, up to `right` and around the line `middle`.

    Returns where it begins; it is shorter where a title would not fit beside it.
    """
    metrics = QFontMetricsF(painter.font())
    base = middle + metrics.ascent() / 2 - 1
    low = f"−{number(layer.limit)}" if layer.signed else "0"
    high = ("≥ " if layer.cut else "") + number(layer.limit)
    length = min(max(right - 196.0, 28.0), _BAR)
    painter.setPen(QColor(tokens.muted))
    right -= metrics.horizontalAdvance(high)
    painter.drawText(QPointF(right, base), high)
    box = QRectF(right - 6 - length, middle - 4, length, 8)
    ramp = np.linspace(-1 if layer.signed else 0, 1, int(length))[None] * layer.limit
    painter.drawImage(box, cells_image(ramp, layer, tokens))
    left = box.left() - 6 - metrics.horizontalAdvance(low)
    painter.drawText(QPointF(left, base), low)
    return left


def paint_values(
    painter: QPainter,
    plot: QRectF,
    layer: Layer,
    lens: Lens,
    shape: tuple[int, int],
    tokens: Tokens,
) -> None:
    """Write the numbers into cells that have room for them."""
    cell_x = plot.width() / (lens.right - lens.left)
    cell_y = plot.height() / (lens.bottom - lens.top)
    metrics = QFontMetricsF(painter.font())
    wide = metrics.horizontalAdvance("−0.000") + 10
    if layer.means is None or cell_x < wide or cell_y < metrics.height() + 8:
        return
    rows = range(max(int(lens.top), 0), min(math.ceil(lens.bottom), shape[0]))
    columns = range(max(int(lens.left), 0), min(math.ceil(lens.right), shape[1]))
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
            ink = tokens.text if layer.signed else "#10151b" if dark else "#f4f6f8"
            painter.setPen(QColor(ink))
            box = QRectF(
                plot.left() + (column - lens.left) * cell_x,
                plot.top() + (row - lens.top) * cell_y,
                cell_x,
                cell_y,
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, number(value, 2))


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
