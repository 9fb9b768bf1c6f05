"""How does one voxel change over time, and which parts make it so?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from partwise.data.dataset import Axis
from partwise_app.theme import Tokens, mixed
from partwise_app.viewers.plotting import axis_words, number, ticks
from partwise_app.viewers.scales import share_of, ticks_of
from partwise_app.words import tr

__all__ = ["Amount", "Curve", "paint_amounts", "paint_curves"]

Values = NDArray[np.float64]

_LEAST, _WIDEST = 130.0, 240.0  # px of a list of amounts
_NAME, _KEY = 110.0, 26.0  # px of a name in the legend at most, and of its key


class Curve(NamedTuple):
    """Values over time of one voxel, and of each part there: (name, colour, values)."""

    times: Values
    measured: Values
    parts: tuple[tuple[str, str, Values], ...] = ()


class Amount(NamedTuple):
    """What is in a voxel: a name with its colour, a number in words, and as it is."""

    name: str
    color: str
    words: str
    size: float = 0.0


def paint_amounts(
    painter: QPainter, area: QRectF, amounts: Sequence[Amount], tokens: Tokens, *, where: str
) -> None:
    """List what is in a voxel, a line each; where there is no room for all, the most of it."""
    metrics = QFontMetricsF(painter.font())
    line = metrics.height() + 3
    if area.width() < _LEAST or area.height() < 2 * line:
        return
    box = area.adjusted(8, 6, -8, -6)
    painter.setPen(QColor(tokens.muted))
    painter.drawText(box, Qt.AlignmentFlag.AlignTop, where)
    wide = min(box.width(), _WIDEST)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    room = int(box.height() / line) - 1
    kept = sorted(range(len(amounts)), key=lambda k: (k > 0, -amounts[k].size))[:room]
    for k, amount in enumerate((amounts[k] for k in sorted(kept)), 1):
        row = QRectF(box.left(), box.top() + k * line, wide, line)
        indent = 0.0
        if amount.color:
            painter.fillRect(QRectF(row.left(), row.center().y() - 4, 8, 8), QColor(amount.color))
            indent = 14.0
        free = wide - metrics.horizontalAdvance(amount.words) - indent - 6
        name = metrics.elidedText(amount.name, Qt.TextElideMode.ElideRight, free)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(row.adjusted(indent, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(QColor(tokens.text))
        painter.drawText(row, right, amount.words)


def paint_curves(
    painter: QPainter,
    area: QRectF,
    curve: Curve,
    time: Axis,
    unit: str,
    frame: int,
    tokens: Tokens,
    *,
    where: str = "",
    log: bool = False,
) -> None:
    """Draw what was measured as dots, each part as a line, and the frame shown as a rule.

    Parameters
    ----------
    painter, area
    curve : Curve
    time : Axis
        Name and unit of the axis across.
    unit : str
        Of the values.
    frame : int
        -1 marks none.
    tokens : Tokens
    where : str
        Which voxel it is, in words.
    log : bool
        Time by its logarithm, where all times are above zero: the first pass is seen.
    """
    metrics = QFontMetricsF(painter.font())
    total = (
        np.sum([values for _, _, values in curve.parts], axis=0) if curve.parts else curve.measured
    )
    high = float(np.nanmax([curve.measured.max(), np.max(total)])) or 1.0
    low = min(float(np.nanmin(curve.measured)), 0.0)
    scale = ticks(low, high, max(int(area.height() / 48), 2))
    left = max(metrics.horizontalAdvance(number(v)) for v in (*scale, high)) + metrics.height() + 16
    lines = [(name, color, values, 1.8) for name, color, values in curve.parts]
    if len(lines) > 1:  # wide, and below the parts that it may consist of alone
        lines.insert(
            0, (tr("Sum"), mixed(tokens.text, tokens.canvas, 0.55), np.asarray(total), 4.0)
        )
    named = [(tr("Measured"), tokens.text), *((name, color) for name, color, _, _ in lines)]
    rows = _legend_rows(metrics, named, area.width() - left)
    top = len(rows) * metrics.height() + 14
    plot = area.adjusted(left, top, -10, -(2 * metrics.height() + 12))
    if plot.width() < 60 or plot.height() < 40:
        return
    first, last = float(curve.times[0]), float(curve.times[-1])
    log = log and first > 0
    first = min(first, 0.0) if first < 0.2 * last and not log else first

    def spot(at: float, value: float) -> QPointF:
        return QPointF(
            plot.left() + share_of(at, first, last, log=log) * plot.width(),
            plot.bottom() - (value - low) / max(high - low, 1e-30) * plot.height(),
        )

    for value in scale:
        y = spot(first, value).y()
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setPen(QColor(tokens.muted))
        box = QRectF(area.left(), y - metrics.height() / 2, left - 6, metrics.height())
        painter.drawText(
            box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number(value)
        )
    for at in ticks_of(first, last, max(int(plot.width() / 80), 2), log=log):
        words = number(at, 5)
        x = spot(at, low).x() - metrics.horizontalAdvance(words) / 2
        painter.drawText(
            QPointF(min(x, plot.right() - 10), plot.bottom() + 5 + metrics.ascent()), words
        )
    title = QRectF(
        plot.left(), plot.bottom() + 5 + metrics.height(), plot.width(), metrics.height() + 2
    )
    painter.drawText(title, Qt.AlignmentFlag.AlignHCenter, axis_words(time))
    painter.save()
    painter.translate(area.left() + 2, plot.center().y())
    painter.rotate(-90)
    box = QRectF(-plot.height() / 2, 0, plot.height(), metrics.height())
    words = f"{where} ({unit})" if unit else where
    if unit and metrics.horizontalAdvance(words) > plot.height():
        words = unit  # where there is room for one of both
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()
    if 0 <= frame < len(curve.times):
        x = spot(float(curve.times[frame]), low).x()
        painter.setPen(QPen(QColor(tokens.muted), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for _, color, values, wide in lines:
        painter.setPen(QPen(QColor(color), wide))
        places = [spot(float(t), float(v)) for t, v in zip(curve.times, values, strict=True)]
        painter.drawPolyline(QPolygonF(places))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.text))
    for t, v in zip(curve.times, curve.measured, strict=True):
        if np.isfinite(v):
            painter.drawEllipse(spot(float(t), float(v)), 2.2, 2.2)
    _paint_legend(painter, area, plot.left(), rows, tokens)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _legend_rows(
    metrics: QFontMetricsF, entries: list[tuple[str, str]], room: float
) -> list[list[tuple[str, str, float]]]:
    """Words, colour and width of each entry, in as many rows as they need."""
    rows: list[list[tuple[str, str, float]]] = [[]]
    taken = 0.0
    for name, color in entries:
        words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, _NAME)
        wide = metrics.horizontalAdvance(words) + _KEY
        if rows[-1] and taken + wide > room:
            rows.append([])
            taken = 0.0
        rows[-1].append((words, color, wide))
        taken += wide
    return rows


def _paint_legend(
    painter: QPainter,
    area: QRectF,
    left: float,
    rows: list[list[tuple[str, str, float]]],
    tokens: Tokens,
) -> None:
    metrics = QFontMetricsF(painter.font())
    for number_of, row in enumerate(rows):
        x, middle = left, area.top() + (number_of + 0.5) * metrics.height() + 3
        for words, color, wide in row:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(color))
            if words == tr("Measured"):
                painter.drawEllipse(QPointF(x + 4, middle), 2.5, 2.5)
            else:
                painter.drawRect(QRectF(x, middle - 1.5, 10, 3))
            painter.setPen(QColor(tokens.muted))
            painter.drawText(QPointF(x + 14, middle + metrics.ascent() / 2 - 1), words)
            x += wide
