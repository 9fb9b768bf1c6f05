"""How does a hand change an outline that is there? Grips, and what dragging one makes; no Qt.

A rectangle and an ellipse stay what they are and are dragged by their box. A polygon is dragged
by its corners, and a new one is pulled out of the middle of an edge. A freehand line, with more
corners than anybody would move one by one, is pulled like a thread.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from partwise_app.viewers.sketch import Point, Shape, box_of, ellipse_in, rectangle_in

__all__ = ["Grip", "dragged", "grip_at", "grips", "without_corner"]

Part = Literal["corner", "side", "edge", "line", "whole"]

_BOXES = ("rectangle", "ellipse")
_MANY = 60  # corners; beyond, an outline is a line
_LEAST = 3  # corners of an area
_EPSILON = 1e-6


class Grip(NamedTuple):
    """What a hand may take hold of.

    Attributes
    ----------
    part : str
        A ``"corner"``, the ``"side"`` of a box, the middle of an ``"edge"`` where a corner can be
        pulled out, the ``"line"`` itself, or the ``"whole"`` outline.
    place : int
        Which of them, clockwise from the upper left in a box.
    at : (x, y)
        In pixels of the image.
    """

    part: Part
    place: int
    at: Point


def grips(shape: Shape) -> list[Grip]:
    """Return what can be taken hold of, the line itself excepted."""
    left, top, right, bottom = box_of(shape.points)
    middle = ((left + right) / 2, (top + bottom) / 2)
    whole = Grip("whole", 0, middle)
    if _is_box(shape):
        corners = rectangle_in((left, top), (right, bottom))
        sides = [_between(a, b) for a, b in _edges(corners)]
        return [
            *(Grip("corner", k, at) for k, at in enumerate(corners)),
            *(Grip("side", k, at) for k, at in enumerate(sides)),
            whole,
        ]
    if _is_line(shape):
        return [whole]
    edges = [_between(a, b) for a, b in _edges(shape.points)]
    return [
        *(Grip("corner", k, at) for k, at in enumerate(shape.points)),
        *(Grip("edge", k, at) for k, at in enumerate(edges)),
        whole,
    ]


def grip_at(shape: Shape, point: Point, near: float) -> Grip | None:
    """Return the grip within `near` pixels of the image of a point; a corner before all others."""
    order = {"corner": 0.0, "side": 0.3, "edge": 0.6, "whole": 0.3}
    found = [
        (math.dist(grip.at, point) + order[grip.part] * near, grip)
        for grip in grips(shape)
        if math.dist(grip.at, point) <= near
    ]
    if found:
        return min(found, key=_distance)[1]
    if _is_line(shape):
        distance, place = min(
            (_from_edge(point, a, b), k) for k, (a, b) in enumerate(_edges(shape.points))
        )
        if distance <= near:
            return Grip("line", place, point)
    return None


def dragged(
    shape: Shape, grip: Grip, to: Point, reach: float, *, even: bool = False
) -> tuple[Point, ...]:
    """Return the outline with a grip at another place.

    Parameters
    ----------
    shape : Shape
        As it was when the grip was taken.
    grip : Grip
    to : (x, y)
    reach : float
        How much of a line on either side follows, in pixels of the image.
    even : bool
        Whether a box becomes as wide as high.
    """
    by = (to[0] - grip.at[0], to[1] - grip.at[1])
    if grip.part == "whole":
        return tuple((x + by[0], y + by[1]) for x, y in shape.points)
    if grip.part == "line":
        return _pulled(shape.points, grip, by, reach)
    if _is_box(shape):
        return _boxed(shape, grip, to, even)
    points = list(shape.points)
    if grip.part == "edge":
        points.insert(grip.place + 1, to)
    else:
        points[grip.place] = to
    return tuple(points)


def without_corner(shape: Shape, place: int) -> tuple[Point, ...] | None:
    """Return the outline without a corner; None where it has none to spare."""
    if _is_box(shape) or _is_line(shape) or len(shape.points) <= _LEAST:
        return None
    return (*shape.points[:place], *shape.points[place + 1 :])


def _boxed(shape: Shape, grip: Grip, to: Point, even: bool) -> tuple[Point, ...]:
    left, top, right, bottom = box_of(shape.points)
    if grip.part == "side":
        if grip.place in (0, 2):
            top, bottom = (to[1], bottom) if grip.place == 0 else (top, to[1])
        else:
            left, right = (to[0], right) if grip.place == 3 else (left, to[0])
        first, last = (left, top), (right, bottom)
    else:
        first, last = rectangle_in((left, top), (right, bottom))[(grip.place + 2) % 4], to
    make = ellipse_in if shape.kind == "ellipse" else rectangle_in
    return make(first, last, even=even and grip.part == "corner")


def _pulled(
    points: tuple[Point, ...], grip: Grip, by: tuple[float, float], reach: float
) -> tuple[Point, ...]:
    """Move a line near a place, the less the further along it, like a thread between fingers."""
    count = len(points)
    away = [math.inf] * count
    for step, start in ((1, (grip.place + 1) % count), (-1, grip.place)):
        place, walked, last = start, math.dist(points[start], grip.at), points[start]
        for _ in range(count):
            if walked >= reach:
                break
            away[place] = min(away[place], walked)
            place = (place + step) % count
            walked += math.dist(points[place], last)
            last = points[place]
    shares = [math.cos(math.pi / 2 * far / reach) ** 2 if far < reach else 0.0 for far in away]
    moved = [
        (x + share * by[0], y + share * by[1]) for (x, y), share in zip(points, shares, strict=True)
    ]
    # Where corners lie far apart, the point under the hand has to follow it all the same.
    moved.insert(grip.place + 1, (grip.at[0] + by[0], grip.at[1] + by[1]))
    return tuple(moved)


def _is_box(shape: Shape) -> bool:
    """Whether it is what its kind says: a file may call any outline a rectangle."""
    if shape.kind not in _BOXES:
        return False
    left, top, right, bottom = box_of(shape.points)
    make = ellipse_in if shape.kind == "ellipse" else rectangle_in
    meant = make((left, top), (right, bottom))
    size = max(right - left, bottom - top, _EPSILON)
    return len(meant) == len(shape.points) and all(
        math.dist(a, b) < 1e-3 * size for a, b in zip(meant, shape.points, strict=True)
    )


def _is_line(shape: Shape) -> bool:
    return shape.kind == "freehand" or len(shape.points) > _MANY


def _edges(points: tuple[Point, ...]) -> list[tuple[Point, Point]]:
    return list(zip(points, (*points[1:], points[0]), strict=True))


def _between(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _from_edge(point: Point, a: Point, b: Point) -> float:
    along = (b[0] - a[0], b[1] - a[1])
    square = along[0] ** 2 + along[1] ** 2
    if square < _EPSILON:
        return math.dist(point, a)
    part = ((point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1]) / square
    part = min(max(part, 0.0), 1.0)
    return math.dist(point, (a[0] + part * along[0], a[1] + part * along[1]))


def _distance(found: tuple[float, Grip]) -> float:
    return found[0]
