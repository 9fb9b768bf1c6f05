"""What do all plots share? Round ticks, numbers as print sets them, names along an axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QRegion
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.theme import DARK, Tokens

__all__ = [
    "Plot",
    "Series",
    "axis_words",
    "left_room",
    "name_of",
    "number",
    "paint_names_below",
    "paint_names_left",
    "paint_title_below",
    "scrolled",
    "series_of",
    "ticks",
    "wanted_below",
    "widest",
]

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LONGEST_BELOW, _LONGEST_LEFT = 84.0, 132.0  # px of a name before it is cut
_LOOKED_AT = 400  # names looked at to find the widest
_FEWEST = 2  # numbers along an axis
_MANY = 4  # names that lie flat, at least, before they are turned
_LEGIBLE = ("#4b9fea", "#e08a2c", "#2a9d6f", "#d1477a", "#8f7fe0", "#b5a42e", "#56c7d6", "#b3562b")


# Widths by axis, size and font: each repaint asks for them.
_known: dict[tuple[Axis | None, int, float, float], float] = {}


@dataclass(frozen=True)
class Series:
    """One line or row of bars: its place in the view's arrays, name and colour."""

    place: int
    name: str
    color: str


class Plot(QWidget):
    """A drawing of one view: a theme, a size, words for what is under the cursor."""

    read = Signal(object)
    """A tuple of words for the status bar, or None when the cursor has left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tokens = DARK
        self.setMouseTracking(True)
        self.setMinimumSize(160, 110)

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self.tokens = tokens
        self.update()

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        """Show a view; names, colours and what is shown come from the strips."""
        raise NotImplementedError

    def layers(self) -> Sequence[tuple[str, str]]:
        """Return (mode, words on its tab) of what can be looked at by itself.

        Such as ``("whole", "Whole")``, ``("parts", "Parts")``, ``("residual", "Residual")``; empty
        where all is drawn at once. Asked of the first drawing on the stage.
        """
        return ()

    def show_layer(self, mode: str) -> None:
        """Show one of `layers`."""

    def look_as(self, other: Plot) -> bool:
        """Look where another drawing looks; False where they do not show the same space."""
        return False

    def fit(self) -> None:
        """Show all of it; a drawing that always does has nothing to do."""

    def zoom_in(self) -> None:
        """Look closer at the middle, where that is possible."""

    def zoom_out(self) -> None:
        """Step back from the middle, where that is possible."""

    def picture(self) -> QImage:
        """Return what is drawn, at the screen's resolution."""
        ratio = self.devicePixelRatioF()
        out = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        out.setDevicePixelRatio(ratio)
        out.fill(QColor(self.tokens.canvas))
        painter = QPainter(out)
        self.render(painter, QPointF().toPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
        painter.end()
        return out

    def leaveEvent(self, event: object) -> None:
        self.read.emit(None)


def scrolled(drawing: QWidget) -> QScrollArea:
    """Return an area for a drawing that may be higher than there is room; keys pass through it."""
    area = QScrollArea()
    area.setObjectName("canvas")
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(drawing)
    return area


def series_of(
    count: int, view: View, parts: Sequence[Part], strips: Sequence[Strip]
) -> tuple[Series, ...]:
    """Return the series of a view that are to be drawn.

    Series that belong to parts (option ``of="parts"``, or as many rows as parts and no names of
    their own) take name, colour, show and solo from the mixer; others have names of their own.
    """
    options: Mapping[str, object] = view.options
    names = options.get("names")
    own = isinstance(names, list | tuple) and len(names) == count
    if options.get("of") == "parts" or (len(parts) == count and not own):
        known = {strip.key: strip for strip in strips}
        soloed = any(strip.solo for strip in strips)
        found = []
        for place, part in enumerate(parts[:count]):
            strip = known.get(part.key, Strip(part.key, part.name, part.color))
            if strip.solo if soloed else strip.show:
                found.append(Series(place, strip.name, strip.color))
        return tuple(found)
    words = [str(name) for name in names] if own and isinstance(names, list | tuple) else []
    labels = view.axes[1].labels if len(view.axes) > 1 else ()
    if not words:
        words = list(labels) if len(labels) == count else [f"{k}" for k in range(1, count + 1)]
    given = options.get("colors")
    colors = given if isinstance(given, list | tuple) and len(given) == count else _LEGIBLE
    return tuple(Series(k, words[k], str(colors[k % len(colors)])) for k in range(count))


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round places from `low` to `high`, at most about `most` of them."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low] if math.isfinite(low) else []
    places: list[float] = []
    while len(places) < _FEWEST:  # one number alone says nothing of the scale
        raw = span / max(most, 1)
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
        first = math.ceil(low / step - 1e-9)
        last = math.floor(high / step + 1e-9)
        places = [k * step for k in range(first, last + 1)]
        most += 1
    return places


def number(value: float, digits: int = 3) -> str:
    """Return a number in the way of print: 12,300, 0.05, 9.02 × 10⁻⁵."""
    if not math.isfinite(value):
        return "missing"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}".replace("-", "−")
    if size >= 10 ** (digits - 1):
        return f"{value:,.0f}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")


def axis_words(axis: Axis | None) -> str:
    """Return the title of an axis with its unit."""
    if axis is None:
        return ""
    unit = axis.unit if axis.unit not in ("", "px") and axis.unit not in axis.name else ""
    name = axis.name[:1].upper() + axis.name[1:]
    return f"{name} ({unit})" if unit else name


def name_of(axis: Axis | None, place: int) -> str:
    """Name an entry of an axis: its label, its position with unit, or its number from 1."""
    if axis is not None and place < len(axis.labels):
        return axis.labels[place]
    if axis is not None and (axis.unit not in ("", "px") or axis.step != 1.0):
        return f"{number(axis.start + place * axis.step, 5)} {axis.unit}".strip()
    return f"{place + 1}"


def widest(axis: Axis | None, size: int, metrics: QFontMetricsF) -> float:
    """Return the width of the widest name of an axis."""
    key = axis, size, metrics.height(), metrics.averageCharWidth()
    if key not in _known:
        if len(_known) > _LOOKED_AT:
            _known.clear()
        step = max(1, size // _LOOKED_AT)
        names = {name_of(axis, k) for k in (*range(0, size, step), max(size - 1, 0))}
        _known[key] = max((metrics.horizontalAdvance(name) for name in names), default=0.0)
    return _known[key]


def wanted_below(axis: Axis | None, size: int, cell: float, metrics: QFontMetricsF) -> float:
    """Return the height that names below a plot need: one line, or turned on end."""
    return _turned_height(axis, size, cell, metrics) or metrics.height() + 2


def _turned_height(axis: Axis | None, size: int, cell: float, metrics: QFontMetricsF) -> float:
    """Height of names that are turned on end; 0 where they lie flat."""
    if axis is None or not axis.labels:
        return 0.0
    wide = widest(axis, size, metrics)
    if cell < metrics.height():
        # Long names of narrow columns: turned, more of them can be told.
        flat = size * cell / (min(wide, 110.0) + 14)
        turned = flat < min(_MANY, size)
    else:
        turned = wide + 8 > cell
    return min(wide, _LONGEST_BELOW) + 4 if turned else 0.0


def paint_names_below(
    painter: QPainter,
    plot: QRectF,
    axis: Axis | None,
    size: int,
    span: tuple[float, float],
) -> None:
    """Write the names of columns below a plot; as many as there is room for.

    Parameters
    ----------
    painter, plot
    axis : Axis or None
    size : int
        Number of columns.
    span : (first, last)
        Columns at the left and right border, as fractions of cells.
    """
    first, last = span
    cell = plot.width() / max(last - first, 1e-9)
    metrics = QFontMetricsF(painter.font())
    turned = _turned_height(axis, size, cell, metrics)
    if turned:
        for place in _spaced(axis, size, span, (metrics.height() + 1) / cell):
            x = plot.left() + (place + 0.5 - first) * cell
            if not plot.left() <= x <= plot.right():
                continue
            painter.save()
            painter.translate(x, plot.bottom() + 4)
            painter.rotate(-90)
            words = metrics.elidedText(
                name_of(axis, place), Qt.TextElideMode.ElideRight, _LONGEST_BELOW
            )
            box = QRectF(-turned, -metrics.height() / 2, turned, metrics.height())
            painter.drawText(
                box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words
            )
            painter.restore()
        return
    room = min(widest(axis, size, metrics), 110.0) + 14
    for place in _spaced(axis, size, span, room / cell):
        x = plot.left() + (place + 0.5 - first) * cell
        words = metrics.elidedText(name_of(axis, place), Qt.TextElideMode.ElideRight, 110.0)
        width = metrics.horizontalAdvance(words)
        left = min(max(x - width / 2, plot.left() - 2), plot.right() - width + 2)
        painter.drawText(QPointF(left, plot.bottom() + 4 + metrics.ascent()), words)


def paint_title_below(
    painter: QPainter, plot: QRectF, bottom: float, title: str, note: str = ""
) -> None:
    """Write the title of the axis below a plot, and at its right end a note on what is drawn.

    Where both do not fit beside each other with the title in the middle, it moves to the left.

    Parameters
    ----------
    painter, plot
    bottom : float
        Lower end of the line, in px.
    title, note : str
    """
    metrics = QFontMetricsF(painter.font())
    line = QRectF(plot.left(), bottom - metrics.height(), plot.width(), metrics.height())
    wide, room = metrics.horizontalAdvance(title), line.width()
    beside = metrics.horizontalAdvance(note) + 18 if note else 0.0
    middle = (room + wide) / 2 + beside <= room
    align = Qt.AlignmentFlag.AlignHCenter if middle else Qt.AlignmentFlag.AlignLeft
    painter.drawText(line, align | Qt.AlignmentFlag.AlignVCenter, title)
    if note:
        words = metrics.elidedText(note, Qt.TextElideMode.ElideRight, room - wide - 18)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def paint_names_left(
    painter: QPainter,
    plot: QRectF,
    axis: Axis | None,
    size: int,
    span: tuple[float, float],
    room: float,
) -> None:
    """Write the names of rows left of a plot, within `room` pixels; see `paint_names_below`."""
    first, last = span
    cell = plot.height() / max(last - first, 1e-9)
    metrics = QFontMetricsF(painter.font())
    for place in _spaced(axis, size, span, (metrics.height() + 1) / cell):
        y = plot.top() + (place + 0.5 - first) * cell
        box = QRectF(plot.left() - 6 - room, y - metrics.height() / 2, room, metrics.height())
        if box.top() < plot.top() - 4 or box.bottom() > plot.bottom() + 4:
            continue
        words = metrics.elidedText(name_of(axis, place), Qt.TextElideMode.ElideRight, room)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def left_room(axis: Axis | None, size: int, metrics: QFontMetricsF) -> float:
    """Return the width that the names of rows need."""
    return min(widest(axis, size, metrics), _LONGEST_LEFT)


def _spaced(axis: Axis | None, size: int, span: tuple[float, float], cells: float) -> list[int]:
    """Places in sight that are at least `cells` apart, at round steps, the same at any scroll."""
    low, high = max(int(span[0]), 0), min(math.ceil(span[1]), size)
    if cells <= 1:
        return list(range(low, high))
    power = 10 ** math.floor(math.log10(cells))
    step = int(next(m * power for m in (1, 2, 5, 10) if m * power >= cells))
    step = max(step, 1)
    # Numbers from 1 look round at 10, 20, 30; names begin with the first.
    shift = 0 if axis is not None and axis.labels else step - 1
    return [k for k in range(shift, high, step) if k >= low]
