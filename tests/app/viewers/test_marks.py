"""What a hand draws on an image arrives in the image's own pixels, and moves nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from partwise.data.mixing import Mixing
from partwise.data.pyramid import ArrayPyramid
from partwise_app.viewers.image import ImagePane
from partwise_app.viewers.layers import Extra
from partwise_app.viewers.marks import Mask, Shape
from partwise_app.viewers.sketch import Sketch, inside
from partwise_app.viewers.stage import ImageStage

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def stage(qtbot: Any) -> Any:
    made = ImageStage()
    qtbot.addWidget(made)
    made.resize(400, 300)
    pixels = np.full((300, 400, 3), 200, np.uint8)
    pixels[100:200, 100:200] = (90, 40, 120)
    made.set_image(ArrayPyramid(pixels))
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(made.is_settled)
    yield made
    made.close_threads()


def pane_of(stage: ImageStage) -> ImagePane:
    return next(pane for pane in stage.findChildren(ImagePane) if not pane.isHidden())


def drag(pane: ImagePane, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT) -> None:
    QTest.mousePress(pane, button, pos=start)
    QTest.mouseMove(pane, (start + end) / 2)
    QTest.mouseMove(pane, end)
    QTest.mouseRelease(pane, button, pos=end)


def test_a_rectangle_is_told_in_pixels_of_the_image(stage: ImageStage) -> None:
    pane, told = pane_of(stage), []
    stage.marks.drawn.connect(lambda tool, points: told.append((tool, points)))
    stage.marks.set_tool("rectangle")
    before = stage.view_rect()
    drag(pane, QPoint(120, 90), QPoint(60, 30))
    assert stage.view_rect() == before
    tool, points = told[0]
    assert tool == "rectangle"
    corners = [pane.scene_point(QPointF(x, y)) for x, y in ((60, 30), (120, 90))]
    assert points[0] == pytest.approx(corners[0], abs=1)
    assert points[2] == pytest.approx(corners[1], abs=1)


def test_a_polygon_ends_on_its_first_corner_and_escape_forgets_it(stage: ImageStage) -> None:
    pane, told = pane_of(stage), []
    stage.marks.drawn.connect(lambda tool, points: told.append(points))
    stage.marks.set_tool("polygon")
    for x, y in ((50, 50), (150, 50)):
        QTest.mouseClick(pane, LEFT, pos=QPoint(x, y))
    QTest.keyClick(pane, Qt.Key.Key_Escape)
    assert stage.marks.tool == "polygon"
    for x, y in ((50, 50), (150, 50), (150, 150), (51, 51)):
        QTest.mouseClick(pane, LEFT, pos=QPoint(x, y))
    assert [len(points) for points in told] == [3]
    QTest.keyClick(pane, Qt.Key.Key_Escape)
    assert stage.marks.tool == ""


def test_freehand_follows_the_hand_and_a_click_draws_nothing(stage: ImageStage) -> None:
    pane, told = pane_of(stage), []
    stage.marks.drawn.connect(lambda tool, points: told.append(points))
    stage.marks.set_tool("freehand")
    QTest.mouseClick(pane, LEFT, pos=QPoint(50, 50))
    assert told == []
    QTest.mousePress(pane, LEFT, pos=QPoint(50, 50))
    for x, y in ((90, 55), (130, 90), (80, 140), (40, 90)):
        QTest.mouseMove(pane, QPoint(x, y))
    QTest.mouseRelease(pane, LEFT, pos=QPoint(40, 90))
    assert len(told) == 1
    assert len(told[0]) == 5


def test_without_a_tool_a_drag_moves_and_a_click_chooses(stage: ImageStage) -> None:
    pane = pane_of(stage)
    chosen: list[str] = []
    asked: list[str] = []
    stage.marks.chosen.connect(chosen.append)
    stage.marks.removal_asked.connect(asked.append)
    square = ((100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0))
    stage.marks.set_shapes([Shape("a", square, "Tumour")])
    middle = QPointF(*pane.viewport_now.to_pane((150, 150), pane.extent)).toPoint()
    QTest.mouseClick(pane, LEFT, pos=middle)
    QTest.mouseClick(pane, LEFT, pos=QPoint(5, 5))
    assert chosen == ["a", ""]
    QTest.keyClick(pane, Qt.Key.Key_Delete)
    assert asked == []
    stage.marks.set_shapes([Shape("a", square, "Tumour", chosen=True)])
    QTest.keyClick(pane, Qt.Key.Key_Delete)
    assert asked == ["a"]
    before = stage.view_rect()
    drag(pane, QPoint(125, 170), QPoint(95, 120))
    assert stage.view_rect() != before, "inside an outline too, beside its grips"


SQUARE = ((100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0))


def at(stage: ImageStage, x: float, y: float) -> QPoint:
    pane = pane_of(stage)
    return QPointF(*pane.viewport_now.to_pane((x, y), pane.extent)).toPoint()


def test_grips_of_the_chosen_outline_change_it_and_the_image_stays(stage: ImageStage) -> None:
    pane, told = pane_of(stage), []
    stage.marks.reshaped.connect(lambda *deed: told.append(deed))
    stage.marks.set_shapes([Shape("a", SQUARE, "Tumour", kind="rectangle")])
    before = stage.view_rect()
    drag(pane, at(stage, 200, 200), at(stage, 250, 220))
    assert told == [], "nothing is chosen: the image moves"
    stage.set_view_rect(before)
    stage.marks.set_shapes([Shape("a", SQUARE, "Tumour", chosen=True, kind="rectangle")])
    plain = stage.picture()
    drag(pane, at(stage, 200, 200), at(stage, 250, 220))
    drag(pane, at(stage, 150, 150), at(stage, 170, 140))
    assert stage.view_rect() == before
    (key, points, deed), (_, moved, other) = told
    assert (key, deed, other) == ("a", "change", "move")
    assert points[2] == pytest.approx((250, 220), abs=1.5)
    assert moved[0] == pytest.approx((120, 90), abs=1.5)
    assert stage.picture() == plain, "it is drawn where the document has it"
    QTest.mouseClick(pane, LEFT, pos=at(stage, 100, 100))
    assert len(told) == 2, "a click alone changes nothing"


def test_keys_reach_every_grip(stage: ImageStage) -> None:
    pane, told = pane_of(stage), []
    stage.marks.reshaped.connect(lambda *deed: told.append(deed))
    corners = (*SQUARE, (80.0, 150.0))
    stage.marks.set_shapes([Shape("a", corners, "Tumour", chosen=True)])
    QTest.keyClick(pane, Qt.Key.Key_Space)
    QTest.keyClick(pane, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    _, points, deed = told[-1]
    assert deed == "nudge"
    assert points[0] == pytest.approx((100 + 1 / pane.viewport_now.scale, 100))
    assert points[1:] == corners[1:]
    QTest.keyClick(pane, Qt.Key.Key_Delete)
    assert told[-1][1] == corners[1:]
    alt = Qt.KeyboardModifier.AltModifier
    QTest.mouseClick(pane, LEFT, alt, at(stage, 80, 150))
    assert told[-1][1] == SQUARE
    stage.marks.reshaped.connect(  # as a document does
        lambda key, points, _: stage.marks.set_shapes([Shape(key, points, "Tumour", chosen=True)])
    )
    for _ in range(6):
        QTest.keyClick(pane, Qt.Key.Key_Space)  # past five corners, to the middle of an edge
    for _ in range(2):
        QTest.keyClick(pane, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    pulled = told[-1][1]
    assert pulled[1] == pytest.approx((150, 100 - 2 / pane.viewport_now.scale))
    QTest.keyClick(pane, Qt.Key.Key_Delete)
    assert told[-1][1] == corners
    asked: list[str] = []
    stage.marks.chosen.connect(asked.append)
    QTest.keyClick(pane, Qt.Key.Key_Space)
    for _ in range(2):
        QTest.keyClick(pane, Qt.Key.Key_Escape)
    assert asked == [""], "first the grip is let go, then the outline"


def test_letters_take_the_tools_that_were_given_to_them(stage: ImageStage) -> None:
    pane = pane_of(stage)
    QTest.keyClick(pane, Qt.Key.Key_O)
    assert stage.marks.tool == "", "none was given"
    stage.marks.set_tool_keys({"O": "ellipse", "M": ""})
    QTest.keyClick(pane, Qt.Key.Key_O)
    assert stage.marks.tool == "ellipse"
    QTest.keyClick(pane, Qt.Key.Key_M)
    assert stage.marks.tool == ""


def test_beside_the_line_a_hand_draws_on_the_image(stage: ImageStage) -> None:
    stage.set_mixing(Mixing(np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]]), (240, 240, 240)))
    stage.set_mode("compare")
    line = stage.childAt(QPoint(stage.width() // 2, 40))
    beside = stage.childAt(QPoint(stage.width() // 2 + 9, 40))
    assert not isinstance(line, ImagePane)
    assert isinstance(beside, ImagePane)


def test_a_pick_tells_the_box_it_was_drawn_over(stage: ImageStage) -> None:
    pane = pane_of(stage)
    boxes: list[Any] = []
    stage.marks.picked.connect(boxes.append)
    stage.marks.set_tool("pick")
    drag(pane, QPoint(110, 110), QPoint(130, 140))
    QTest.mouseClick(pane, LEFT, pos=QPoint(60, 60))
    assert boxes[0].width() == pytest.approx(20 / pane.viewport_now.scale, abs=1.5)
    assert boxes[1].width() == 0


def test_masks_cover_the_image_and_another_image_forgets_them(stage: ImageStage) -> None:
    plain = stage.picture()
    where = np.zeros((3, 4), bool)
    where[1, 1] = True
    stage.marks.set_masks([Mask("#ff0000", where)])
    inside_mask, outside = QPoint(150, 150), QPoint(50, 50)
    painted = stage.picture()
    assert painted.pixelColor(inside_mask).red() > plain.pixelColor(inside_mask).red() + 40
    assert painted.pixelColor(outside) == plain.pixelColor(outside)
    stage.marks.set_tool("pick")
    stage.set_image(ArrayPyramid(np.full((60, 60, 3), 250, np.uint8)))
    assert stage.marks.masked == 0
    assert stage.marks.tool == ""


def test_a_panel_may_offer_a_layer_of_its_own(stage: ImageStage, qtbot: Any) -> None:
    stage.set_mixing(Mixing(np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]]), (240, 240, 240)))
    stage.set_extra(Extra("Negative", lambda rgb: 255 - rgb))
    stage.set_mode("extra")
    qtbot.waitUntil(stage.is_settled)
    middle = stage.picture().pixelColor(QPoint(150, 150))
    assert (middle.red(), middle.green(), middle.blue()) == (165, 215, 135)
    stage.set_mode("compare:extra")
    stage.set_extra(None)
    assert stage.mode() == "compare"


def test_a_key_shows_the_residual_and_goes_back(stage: ImageStage) -> None:
    pane = pane_of(stage)
    QTest.keyClick(pane, Qt.Key.Key_R)
    assert stage.mode() == "whole", "there is none before a run"
    stage.set_mixing(Mixing(np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]]), (240, 240, 240)))
    stage.set_mode("compare")
    QTest.keyClick(pane, Qt.Key.Key_R)
    assert stage.mode() == "residual"
    QTest.keyClick(pane, Qt.Key.Key_R)
    assert stage.mode() == "compare"
    QTest.keyClick(pane, Qt.Key.Key_W)
    assert stage.mode() == "whole"


def test_pixels_in_sight_are_those_of_the_view(stage: ImageStage, qtbot: Any) -> None:
    seen = stage.seen()
    assert seen is not None
    assert {tuple(pixel) for pixel in seen.tolist()} == {(200, 200, 200), (90, 40, 120)}
    stage.set_view_rect(stage.view_rect().__class__(120, 120, 40, 30))
    qtbot.waitUntil(stage.is_settled)
    close = stage.seen(100)
    assert close is not None
    assert {tuple(pixel) for pixel in close.tolist()} == {(90, 40, 120)}
    assert len(close) <= 150


def test_inside_follows_the_even_odd_rule() -> None:
    shape = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (5.0, 2.0), (0.0, 10.0))
    assert inside((1, 5), shape)
    assert not inside((5, 8), shape)
    assert not inside((11, 5), shape)


def test_a_sketch_without_area_is_none() -> None:
    sketch = Sketch("rectangle", near=2)
    sketch.press((10, 10))
    assert sketch.release((11, 11)) is None
    polygon = Sketch("polygon")
    polygon.press((0, 0))
    polygon.press((10, 0))
    assert polygon.end() is None
