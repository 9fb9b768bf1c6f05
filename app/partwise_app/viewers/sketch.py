"""Which outline is a hand drawing? Points in, a closed outline out; pure geometry, no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["TOOLS", "Point", "Shape", "Sketch", "inside"]

Point = tuple[float, float]

TOOLS = ("rectangle", "polygon", "freehand", "pick")
_CORNERS = 3  # fewest of an area


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
    """

    key: str
    points: tuple[Point, ...]
    name: str = ""
    color: str = "#ffffff"
    chosen: bool = False


class Sketch:
    """An outline while it is drawn.

    Rectangle, freehand and pick go from press to release; a polygon takes a corner with each
    click and ends with a double click, with Enter, or on its first corner.

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
        if self.tool in ("rectangle", "pick"):
            return _box(self._fixed[0], end)
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
        wide = max((x for x, _ in points), default=0) - min((x for x, _ in points), default=0)
        high = max((y for _, y in points), default=0) - min((y for _, y in points), default=0)
        if len(points) < _CORNERS or min(wide, high) < self.near:
            return None
        return points

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


def _box(a: Point, b: Point) -> tuple[Point, ...]:
    left, right = sorted((a[0], b[0]))
    top, bottom = sorted((a[1], b[1]))
    return (left, top), (right, top), (right, bottom), (left, bottom)
