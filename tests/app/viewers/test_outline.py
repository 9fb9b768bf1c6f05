"""An outline that a hand changes becomes what the hand meant, and nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise_app.viewers.outline import Grip, dragged, grip_at, grips, without_corner
from partwise_app.viewers.penwork import size_words
from partwise_app.viewers.sketch import (
    Point,
    Shape,
    Sketch,
    area_of,
    box_of,
    ellipse_in,
    rectangle_in,
)

BOX: tuple[Point, ...] = rectangle_in((10, 20), (110, 70))
POLYGON: tuple[Point, ...] = ((0.0, 0.0), (100.0, 0.0), (100.0, 80.0), (50.0, 120.0), (0.0, 80.0))


def shape(points: tuple[Point, ...], kind: str) -> Shape:
    return Shape("a", points, "Tumour", chosen=True, kind=kind)


def grip(of: Shape, part: str, place: int) -> Grip:
    return next(g for g in grips(of) if g.part == part and g.place == place)


def corners(kind: str) -> Shape:
    return shape(ellipse_in((10, 20), (110, 70)) if kind == "ellipse" else BOX, kind)


@pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
def test_a_box_is_dragged_by_corners_and_sides_and_stays_one(kind: str) -> None:
    made = corners(kind)
    assert len(grips(made)) == 9
    wider = dragged(made, grip(made, "corner", 2), (210, 120), 5)
    assert box_of(wider) == pytest.approx((10, 20, 210, 120))
    assert len(grips(shape(wider, kind))) == 9, "still a box"
    for place, box in enumerate(((10, 0, 110, 70), (10, 20, 130, 70))):
        side = dragged(made, grip(made, "side", place), (130, 0), 5)
        assert box_of(side) == pytest.approx(box)
    through = dragged(made, grip(made, "corner", 0), (210, 170), 5)
    assert box_of(through) == pytest.approx((110, 70, 210, 170)), "past the other corner"
    even = dragged(made, grip(made, "corner", 2), (90, 30), 5, even=True)
    left, top, right, bottom = box_of(even)
    assert right - left == pytest.approx(bottom - top)


def test_what_a_file_calls_a_rectangle_may_be_none() -> None:
    slanted = shape(((0, 0), (100, 20), (90, 120), (-10, 100)), "rectangle")
    moved = dragged(slanted, grip(slanted, "corner", 1), (140, 10), 5)
    assert moved == ((0, 0), (140, 10), (90, 120), (-10, 100))


def test_a_polygons_corners_move_come_and_go() -> None:
    made = shape(POLYGON, "polygon")
    assert dragged(made, grip(made, "corner", 3), (60, 140), 5)[3] == (60, 140)
    more = dragged(made, grip(made, "edge", 4), (-20, 40), 5)
    assert more == (*POLYGON, (-20, 40)), "between the last corner and the first"
    less = without_corner(made, 3)
    assert less == (*POLYGON[:3], POLYGON[4])
    triangle = shape(POLYGON[:3], "polygon")
    assert without_corner(triangle, 0) is None
    assert without_corner(shape(BOX, "rectangle"), 0) is None


@given(
    st.floats(-500, 500),
    st.floats(-500, 500),
    st.sampled_from(["rectangle", "ellipse", "polygon", "freehand"]),
)
def test_moving_the_whole_changes_neither_size_nor_form(x: float, y: float, kind: str) -> None:
    made = corners(kind) if kind in ("rectangle", "ellipse") else shape(POLYGON, kind)
    hold = next(g for g in grips(made) if g.part == "whole")
    moved = dragged(made, hold, (hold.at[0] + x, hold.at[1] + y), 5)
    assert area_of(moved) == pytest.approx(area_of(made.points), rel=1e-6)
    assert box_of(moved)[:2] == pytest.approx(
        (box_of(made.points)[0] + x, box_of(made.points)[1] + y), abs=1e-6
    )


def test_a_thread_is_pulled_where_it_is_held_and_stays_elsewhere() -> None:
    round_line = shape(ellipse_in((0, 0), (200, 200)), "freehand")
    held = grip_at(round_line, (199, 101), 4)
    assert held is not None
    assert held.part == "line"
    pulled = dragged(round_line, held, (229, 101), 40)
    assert max(x for x, _ in pulled) == pytest.approx(229, abs=2)
    far = [point for point in round_line.points if math.dist(point, (200, 100)) > 60]
    assert set(far) <= set(pulled)
    assert area_of(pulled) > area_of(round_line.points)


def test_the_nearest_grip_is_taken_and_none_from_afar() -> None:
    made = shape(POLYGON, "polygon")
    for wanted, point in (
        ("corner", (2, 1)),
        ("edge", (51, -2)),
        ("whole", (50, 59)),
    ):
        found = grip_at(made, point, 6)
        assert found is not None
        assert found.part == wanted
    assert grip_at(made, (25, 25), 6) is None


def test_an_ellipse_is_drawn_in_its_box_and_as_a_circle_on_request() -> None:
    sketch = Sketch("ellipse")
    sketch.press((0, 0))
    sketch.even = True
    sketch.move((100, 60))
    outline = sketch.release((100, 60))
    assert outline is not None
    assert box_of(outline) == pytest.approx((0, 0, 100, 100))
    assert area_of(outline) == pytest.approx(math.pi * 50**2, rel=0.002)


def test_sizes_are_told_in_the_units_of_the_slide() -> None:
    assert size_words(BOX, "rectangle", None) == "100 × 50 px · 5,000 px²"
    assert size_words(BOX, "rectangle", 0.5) == "50 × 25 µm · 1250 µm²"
    assert size_words(BOX, "rectangle", 20.0) == "2.00 × 1.00 mm · 2 mm²"
    assert size_words(POLYGON, "polygon", 2.0) == "0.04 mm²"
