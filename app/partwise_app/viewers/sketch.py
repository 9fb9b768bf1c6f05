"""Which outline is a hand drawing? Points in, a closed outline out; pure geometry, no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = [
    "TOOLS",
    "Point",
    "Shape",
    "Sketch",
    "area_of",
    "box_of",
    "ellipse_in",
    "inside",
    "rectangle_in",
]

Point = tuple[float, float]

TOOLS = ("rectangle", "ellipse", "polygon", "freehand", "pick")
_CORNERS = 3  # fewest of an area
_ROUND = 64  # corners of an ellipse: its area is 0.2 % short


@dataclass(frozen=True)
class Shape:
    """A closed outline on an image.

    Attributes
    ----------
    key, name, color : str
    points : tuple of (x, y)
        In pixels of level 0.
    chosen : bool
        Drawn stronger than the others.
    kind : str
        The tool it was drawn with, which says how a hand can change it.
    """

    key: str
    points: tuple[Point, ...]
    name: str = ""
    color: str = "#ffffff"
    chosen: bool = False
    kind: str = "polygon"


class Sketch:
    """An outline while it is drawn.

    Rectangle, ellipse, freehand and pick go from press to release; a polygon takes a corner with
    each click and ends with a double click, with Enter, or on its first corner.

    Parameters
    ----------
    tool : str
        One of `TOOLS`.
    near : float
        Distance, in pixels of the image, within which two points are one.
    """

    def __init__(self, tool: str, near: float = 1.0) -> None:
        self.tool = tool
        self.near = near
        self.even = False  # whether rectangle and ellipse are as wide as high
        self._fixed: list[Point] = []
        self._last: Point | None = None
        self._down = False

    @property
    def begun(self) -> bool:
        """Whether there is something to cancel."""
        return bool(self._fixed)

    @property
    def points(self) -> tuple[Point, ...]:
        """The outline as it would be if it ended here."""
        if not self._fixed:
            return ()
        end = self._last or self._fixed[-1]
        if self.tool in ("rectangle", "ellipse"):
            make = ellipse_in if self.tool == "ellipse" else rectangle_in
            return make(self._fixed[0], end, even=self.even)
        if self.tool == "pick":
            return rectangle_in(self._fixed[0], end)
        return (*self._fixed, end) if self.tool == "polygon" else tuple(self._fixed)

    def press(self, point: Point) -> tuple[Point, ...] | None:
        """Take a press; returns the outline where that ends it."""
        self._down = True
        polygon = self.tool == "polygon"
        closes = polygon and len(self._fixed) >= _CORNERS
        if closes and math.dist(point, self._fixed[0]) <= 2 * self.near:
            return self.end()
        if not self._fixed or (polygon and math.dist(point, self._fixed[-1]) > self.near):
            self._fixed.append(point)
        self._last = point
        return None

    def move(self, point: Point) -> None:
        """Take a movement, pressed or not."""
        if not self._fixed:
            return
        self._last = point
        if self.tool == "freehand" and self._down and self._away(point):
            self._fixed.append(point)

    def release(self, point: Point) -> tuple[Point, ...] | None:
        """Take a release; returns the outline where that ends it."""
        self._down = False
        if self.tool == "polygon" or not self._fixed:
            return None
        self.move(point)
        return self.end()

    def end(self) -> tuple[Point, ...] | None:
        """End here; returns the outline, or None where it has no area."""
        points = tuple(self._fixed) if self.tool == "polygon" else self.points
        self.cancel()
        if self.tool == "pick":
            return points
        if len(points) < _CORNERS:
            return None
        left, top, right, bottom = box_of(points)
        return points if min(right - left, bottom - top) >= self.near else None

    def cancel(self) -> None:
        """Forget what was drawn."""
        self._fixed, self._last, self._down = [], None, False

    def _away(self, point: Point) -> bool:
        return math.dist(point, self._fixed[-1]) > self.near


def inside(point: Point, outline: tuple[Point, ...]) -> bool:
    """Return whether a point lies in a closed outline, by the even-odd rule."""
    x, y = point
    odd = False
    for (x0, y0), (x1, y1) in zip(outline, (*outline[1:], outline[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def box_of(points: tuple[Point, ...]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of what points span."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def area_of(points: tuple[Point, ...]) -> float:
    """Return the area in a closed outline, by the shoelace formula."""
    pairs = zip(points, (*points[1:], *points[:1]), strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def rectangle_in(a: Point, b: Point, *, even: bool = False) -> tuple[Point, ...]:
    """Return the corners of the box from `a` to `b`, clockwise from the upper left.

    With `even` it is as wide as high, and begins at `a`.
    """
    left, top, right, bottom = box_of((a, _even(a, b) if even else b))
    return (left, top), (right, top), (right, bottom), (left, bottom)


def ellipse_in(a: Point, b: Point, *, even: bool = False) -> tuple[Point, ...]:
    """Return an outline of the ellipse in the box from `a` to `b`, as in `rectangle_in`."""
    left, top, right, bottom = box_of((a, _even(a, b) if even else b))
    x, y, wide, high = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    turns = [2 * math.pi * k / _ROUND for k in range(_ROUND)]
    return tuple((x + wide / 2 * math.cos(t), y + high / 2 * math.sin(t)) for t in turns)


def _even(a: Point, b: Point) -> Point:
    side = max(abs(b[0] - a[0]), abs(b[1] - a[1]))
    return a[0] + math.copysign(side, b[0] - a[0]), a[1] + math.copysign(side, b[1] - a[1])
