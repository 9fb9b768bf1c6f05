"""How is a result seen that is no image? Its curves with their axes, and its tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, Result, Table, View
from partwise_app.controls import SectionLabel, label
from partwise_app.tables import copyable
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.kinds import KINDS
from partwise_app.viewers.plotting import Plot, number
from partwise_app.words import tr

__all__ = ["Chart", "Sheets", "filled_curve", "spark"]

_CURVES = ("curves", "bars")  # small enough for a chart; other kinds have drawings of their own
_DRAWING_HEIGHT = 280
_MOST_POINTS = 2000  # per line; more than a screen has columns
_MOST_ROWS = 200
_DIGITS = 4


class Sheets(QScrollArea):
    """Parts, views and tables of a result, one below the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(tr("Stage"))
        self._tokens = DARK
        self._charts: list[Chart] = []
        self._drawings: list[tuple[View, Plot]] = []

    def set_result(self, result: Result | None, strips: Sequence[Strip]) -> None:
        """Show a result; None says what to do."""
        body = QWidget()
        self._drop_drawings(result.views if result is not None else ())
        box = QVBoxLayout(body)
        box.setContentsMargins(20, 16, 20, 20)
        box.setSpacing(10)
        self._charts = []
        if result is None:
            box.addStretch()
            hint = label(tr("Press Run to find the parts."), "muted")
            hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
            box.addWidget(hint)
        else:
            shown = _shown(result.parts, strips)
            self._add_chart(box, tr("Profiles of the parts"), shown, ())
            for view in result.views:
                if view.kind in _CURVES:
                    self._add_chart(box, view.title, _lines_of(view), view.axes)
                elif view.kind in KINDS:
                    self._add_drawing(box, view, result.parts, strips)
            for table in result.tables:
                box.addWidget(SectionLabel(table.title))
                box.addWidget(_table(table))
        box.addStretch()
        self.setWidget(body)

    def charts(self) -> tuple[Chart, ...]:
        """Return the charts shown, from top to bottom."""
        return tuple(self._charts)

    def drawings(self) -> tuple[Plot, ...]:
        """Return the drawings of views that are more than lines, from top to bottom."""
        return tuple(drawing for _, drawing in self._drawings)

    def drawing(self, kind: str) -> Plot | None:
        """Return the first drawing of a kind of view."""
        return next((made for view, made in self._drawings if view.kind == kind), None)

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        for chart in self._charts:
            chart.set_theme(tokens)
        for drawing in self.drawings():
            drawing.set_theme(tokens)

    def _add_drawing(
        self, box: QVBoxLayout, view: View, parts: Sequence[Part], strips: Sequence[Strip]
    ) -> None:
        made = next((drawing for known, drawing in self._drawings if known is view), None)
        if made is None:
            made = KINDS[view.kind]()
            made.setMinimumHeight(_DRAWING_HEIGHT)
            self._drawings.append((view, made))
        made.set_theme(self._tokens)
        made.set_view(view, parts, strips)
        box.addWidget(SectionLabel(view.title))
        box.addWidget(made)

    def _drop_drawings(self, views: Sequence[View]) -> None:
        """Take drawings out of the page that goes; those that stay keep where they look."""
        for _, drawing in self._drawings:
            drawing.setParent(None)
        gone = [d for view, d in self._drawings if not any(view is v for v in views)]
        self._drawings = [(v, d) for v, d in self._drawings if d not in gone]
        for drawing in gone:
            drawing.deleteLater()

    def _add_chart(
        self, box: QVBoxLayout, title: str, lines: list[Line], axes: tuple[Axis, ...]
    ) -> None:
        if not lines:
            return
        chart = Chart(title, lines, axes)
        chart.set_theme(self._tokens)
        box.addWidget(SectionLabel(title))
        box.addWidget(chart)
        self._charts.append(chart)


Line = tuple[str, NDArray[np.float64]]  # colour (empty for the text's), values


class Chart(QWidget):
    """Lines over a common axis, with the range of both axes written at their ends."""

    def __init__(self, title: str, lines: Sequence[Line], axes: tuple[Axis, ...]) -> None:
        super().__init__()
        self.lines = tuple((color, _thinned(values)) for color, values in lines)
        self._axes = axes
        self._sizes = max(values.size for _, values in lines)
        self._tokens = DARK
        self.setMinimumHeight(150)
        self.setAccessibleName(title)

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, 170)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(56, 6, -8, -24)
        values = np.concatenate([line for _, line in self.lines])
        low, high = min(float(values.min()), 0.0), float(values.max())
        painter.setPen(QPen(QColor(self._tokens.line), 1))
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())
        painter.drawLine(frame.topLeft(), frame.bottomLeft())
        for color, line in self.lines:
            painter.setPen(QPen(QColor(color or self._tokens.text), 1.6))
            painter.drawPolyline(_points(line, frame, low, high))
        self._paint_ends(painter, frame, low, high)
        painter.end()

    def _paint_ends(self, painter: QPainter, frame: QRectF, low: float, high: float) -> None:
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(self._tokens.muted))
        right, top = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignTop
        column = QRectF(0, frame.top() - 4, 50, 16)
        painter.drawText(column, right, number(high, _DIGITS))
        painter.drawText(column.translated(0, frame.height() - 8), right, number(low, _DIGITS))
        row = QRectF(frame.left(), frame.bottom() + 5, frame.width(), 16)
        axis = self._axes[-1] if self._axes else None
        start = axis.start if axis else 0.0
        end = start + (axis.step if axis else 1.0) * (self._sizes - 1)
        unit = axis.unit if axis and axis.unit else ""
        name = axis.name if axis else "entry"
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | top, number(start, _DIGITS))
        painter.drawText(row, right | top, f"{number(end, _DIGITS)} {unit}".strip())
        painter.drawText(row, Qt.AlignmentFlag.AlignHCenter | top, name)


def spark(part: Part, size: QSize, tokens: Tokens, color: str) -> QImage:
    """Draw a part that is no image as a small filled curve, for its strip."""
    # The course of a part that fills a volume is its image, voxel after voxel: no curve.
    flat = part.course is not None and not part.facts.get("volume")
    values = part.course if flat and part.course is not None else part.profile
    return filled_curve(values, size, tokens, color)


def filled_curve(values: NDArray[np.floating], size: QSize, tokens: Tokens, color: str) -> QImage:
    """Draw numbers as a small filled curve, from zero or their least to their most."""
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor(tokens.canvas))
    line = _thinned(np.asarray(values, dtype=np.float64).ravel(), max(size.width(), 2))
    frame = QRectF(0, size.height() * 0.1, size.width(), size.height() * 0.86)
    points = _points(line, frame, min(float(line.min()), 0.0), float(line.max()))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ink = QColor(color)
    painter.setPen(QPen(ink, max(size.height() / 40, 1.2)))
    fill = QColor(ink)
    fill.setAlphaF(0.3)
    painter.setBrush(fill)
    painter.drawPolygon([frame.bottomLeft(), *points, frame.bottomRight()])
    painter.end()
    return image


def _shown(parts: Sequence[Part], strips: Sequence[Strip]) -> list[Line]:
    soloed = any(strip.solo for strip in strips)
    known = {strip.key: strip for strip in strips}
    lines = []
    for part in parts:
        strip = known.get(part.key, Strip(part.key, part.name, part.color))
        if strip.solo if soloed else strip.show:
            values = strip.profile if strip.profile is not None else part.profile
            lines.append((strip.color, np.asarray(values, dtype=np.float64).ravel()))
    return lines


def _lines_of(view: View) -> list[Line]:
    """Every row of every array that is no axis; what is not finite is left out of the drawing."""
    lines: list[Line] = []
    for name, array in view.arrays.items():
        if name == "x" or array.ndim not in (1, 2):
            continue
        rows = np.nan_to_num(np.atleast_2d(np.asarray(array, dtype=np.float64)))
        lines.extend(("", row) for row in rows[:32] if row.size)
    return lines


def _thinned(values: NDArray[np.float64], most: int = _MOST_POINTS) -> NDArray[np.float64]:
    """Keep the largest of each stretch where there are more points than columns."""
    if values.size <= most:
        return values
    width = -(-values.size // most)
    whole = values[: values.size // width * width]
    return np.asarray(whole.reshape(-1, width).max(axis=1))


def _points(line: NDArray[np.float64], frame: QRectF, low: float, high: float) -> list[QPointF]:
    span = high - low or 1.0
    across = (
        np.linspace(frame.left(), frame.right(), line.size) if line.size > 1 else [frame.left()]
    )
    down = frame.bottom() - (line - low) / span * frame.height()
    return [QPointF(float(x), float(y)) for x, y in zip(across, down, strict=True)]


def _table(table: Table) -> QTableWidget:
    rows = table.rows[:_MOST_ROWS]
    made = QTableWidget(len(rows), len(table.columns))
    made.setAccessibleName(table.title)
    made.setHorizontalHeaderLabels(list(table.columns))
    made.verticalHeader().hide()
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            item = QTableWidgetItem(cell if isinstance(cell, str) else number(cell, _DIGITS))
            if not isinstance(cell, str):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            made.setItem(r, c, item)
    made.setFixedHeight(min(34 + 30 * len(rows), 360))
    copyable(made)
    made.setTabKeyNavigation(False)  # Tab leads out again, arrows go through the cells
    return made
