"""Which curves belong in a report? Those of the parts, thinned to what paper can show."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partwise.report.words import number

if TYPE_CHECKING:
    from partwise.result import Part, Result, View

__all__ = ["Chart", "Line", "charts_from", "charts_of", "ticks"]

_BINS = 240  # two points each: finer than a pen's width on half a page
_MOST_LINES = 12
_MOST_BARS = 400  # more than that are no longer told apart on paper
_LONGEST_LABEL = 14
_LEADING_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


@dataclass(frozen=True)
class Line:
    """One curve: name, colour, and its points."""

    name: str
    color: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """Curves over one axis; `x_label` carries the unit.

    Where the axis counts categories, `labels` names them and `bars` is true: a line from one
    category to the next would mean nothing.
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    labels: tuple[str, ...] = ()
    bars: bool = False

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of all curves; the bottom is 0 unless a value is below."""
        xs = [x for line in self.lines for x in line.x]
        ys = [y for line in self.lines for y in line.y]
        low, high = min(0.0, *ys), max(ys)
        left, right = min(xs), max(xs)
        if self.bars:
            left, right = left - 0.5, right + 0.5
        return left, right if right > left else left + 1, low, high if high > low else low + 1

    def x_ticks(self, most: int) -> list[tuple[float, str]]:
        """Return positions along the axis and what to write there."""
        left, right, _, _ = self.bounds
        places = ticks(left, right, most)
        if not self.labels:
            return [(x, number(x)) for x in places]
        whole = [int(x) for x in places if x == int(x) and 0 <= x < len(self.labels)]
        return [(float(k), self.labels[k][:_LONGEST_LABEL]) for k in whole]

    def stems(self) -> Iterator[tuple[str, float, float, float]]:
        """Yield colour, left edge, right edge and height of each bar."""
        wide = 0.8 / len(self.lines)
        for k, line in enumerate(self.lines):
            for x, y in zip(line.x, line.y, strict=True):
                yield line.color, x - 0.4 + k * wide, x - 0.4 + (k + 1) * wide, y


def charts_of(result: Result) -> tuple[Chart, ...]:
    """Return the views of a result that hold one curve or row of bars per part."""
    return charts_from(result.views, result.parts)


def charts_from(views: Sequence[View], parts: tuple[Part, ...]) -> tuple[Chart, ...]:
    """Return the views that hold one curve or row of bars per part, as charts."""
    found = (_chart(view, parts) for view in views if view.kind in ("curves", "bars"))
    return tuple(chart for chart in found if chart is not None)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round positions between two bounds, at most `most` of them.

    Examples
    --------
    >>> ticks(0, 10)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return []
    raw = span / (most - 1)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _chart(view: View, parts: tuple[Part, ...]) -> Chart | None:
    y = view.arrays.get("y" if view.kind == "curves" else "values")
    if y is None or y.ndim != 2 or y.shape[0] != len(parts) or not view.axes:
        return None
    of_parts = view.options.get("of") == "parts" or len(view.axes) == 1
    if not of_parts or len(parts) > _MOST_LINES or y.shape[1] < 3 or not np.isfinite(y).all():
        return None
    axis = view.axes[0]
    x = view.arrays.get("x")
    if x is None or x.shape != (y.shape[1],):
        x = axis.start + axis.step * np.arange(y.shape[1])
    lines = tuple(
        Line(part.name, part.color, *_thinned(np.asarray(x, float), np.asarray(row, float)))
        for part, row in zip(parts, y, strict=True)
    )
    unit = f" ({axis.unit})" if axis.unit else ""
    along = view.axes[1].name if len(view.axes) > 1 else ""
    labels = axis.labels if len(axis.labels) == y.shape[1] else ()
    bars = view.kind == "bars" and y.size <= _MOST_BARS and not _evenly_numbered(labels)
    if (labels or bars) and len(lines[0].x) == y.shape[1]:
        index = tuple(float(k) for k in range(y.shape[1]))
        lines = tuple(replace(line, x=index) for line in lines)
        labels = labels or tuple(number(float(v)) for v in x)
    else:
        labels, bars = (), False
    return Chart(view.title, f"{axis.name}{unit}", along, lines, labels, bars)


def _evenly_numbered(labels: tuple[str, ...]) -> bool:
    """Whether labels such as "450 nm", "455 nm" count on evenly, so that a line has a meaning."""
    found = [_LEADING_NUMBER.match(label) for label in labels]
    if len(found) < 3 or not all(found):
        return False
    steps = np.diff([float(match.group()) for match in found if match])
    return bool(steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-3))


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Keep the lowest and the highest of each stretch, so that no peak is lost."""
    if len(y) <= 2 * _BINS:
        return tuple(x.tolist()), tuple(y.tolist())
    kept: list[int] = []
    for part in np.array_split(np.arange(len(y)), _BINS):
        kept += sorted({int(part[np.argmin(y[part])]), int(part[np.argmax(y[part])])})
    return tuple(x[kept].tolist()), tuple(y[kept].tolist())
