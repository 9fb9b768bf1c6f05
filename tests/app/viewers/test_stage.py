from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from partwise.data.mixing import Mixing
from partwise.data.pyramid import ArrayPyramid
from partwise.project.document import Strip
from partwise_app.theme import DARK, LIGHT
from partwise_app.viewers.image import ImagePane
from partwise_app.viewers.inset import OverviewInset
from partwise_app.viewers.stage import CursorReading, ImageStage
from partwise_app.viewers.swipe import SwipeHandle
from partwise_app.viewers.viewport import Tile

STRIPS = (
    Strip("h", "Haematoxylin", "#5a5fd6"),
    Strip("e", "Eosin", "#e0608f"),
    Strip("residual", "Residual", "#8b929a", show=False),
)


def image(height: int = 900, width: int = 1400) -> np.ndarray:
    """Smooth colours, so that a mean of neighbours is near each of them."""
    rows, columns = np.mgrid[0:height, 0:width]
    out = np.empty((height, width, 3), np.uint8)
    out[..., 0] = 60 + columns * 150 // width
    out[..., 1] = 40 + rows * 150 // height
    out[..., 2] = 90 + (columns + rows) * 100 // (width + height)
    return out


def mixing(lean: float = 0.0) -> Mixing:
    columns = np.array([[0.65 + lean, 0.07], [0.70 - lean, 0.99], [0.29, 0.11]])
    return Mixing(columns / np.linalg.norm(columns, axis=0), (240.0, 242.0, 244.0))


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[ImageStage]:
    made = ImageStage()
    qtbot.addWidget(made)
    made.resize(900, 500)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.close_threads()


@pytest.fixture
def run(stage: ImageStage, qtbot: QtBot) -> ImageStage:
    """A stage as it is after a run."""
    stage.set_image(ArrayPyramid(image()), title="tissue", microns_per_pixel=0.5)
    stage.set_mixing(mixing())
    stage.set_strips(STRIPS)
    return settled(stage, qtbot)


def settled(stage: ImageStage, qtbot: QtBot) -> ImageStage:
    qtbot.waitUntil(stage.is_settled, timeout=20_000)
    QApplication.processEvents()
    return stage


def panes(stage: ImageStage) -> list[ImagePane]:
    return [pane for pane in stage.findChildren(ImagePane) if not pane.isHidden()]


def pixel(picture: QImage, x: int, y: int) -> tuple[int, int, int]:
    color = picture.pixelColor(x, y)
    return color.red(), color.green(), color.blue()


def corners(rect: QRectF) -> tuple[float, float, float, float]:
    return rect.left(), rect.top(), rect.right(), rect.bottom()


def titles(stage: ImageStage) -> list[list[str]]:
    return [[sheet.title for sheet in pane.sheets] for pane in panes(stage)]


def test_without_an_image_it_says_what_to_do(stage: ImageStage) -> None:
    assert panes(stage) == []
    assert stage.view_rect().isEmpty()
    stage.zoom_in()
    stage.fit()
    shown = stage.grab().toImage()
    colors = {pixel(shown, x, y) for x in range(300, 600, 2) for y in range(220, 280, 2)}
    assert len(colors) > 2  # some words


def test_an_image_is_fitted_and_drawn_as_it_is(stage: ImageStage, qtbot: QtBot) -> None:
    rgb = image()
    stage.set_image(ArrayPyramid(rgb))
    settled(stage, qtbot)
    rect = stage.view_rect()
    assert rect.contains(QRectF(0, 0, 1400, 900))
    stage.zoom_to(1.0)
    settled(stage, qtbot)
    assert stage.zoom_percent == pytest.approx(100)
    corner = stage.view_rect().topLeft()
    shown = stage.picture()
    for x, y in ((300, 200), (450, 250), (700, 300)):
        assert pixel(shown, x, y) == tuple(rgb[round(corner.y()) + y, round(corner.x()) + x])


def test_parts_residual_and_one_part_show_what_the_mixing_renders(
    run: ImageStage, qtbot: QtBot
) -> None:
    rgb, mix = image(), mixing()
    run.set_mixing(mix)
    run.zoom_to(1.0)
    corner = run.view_rect().topLeft().toPoint()
    row, column = corner.y() + 250, corner.x() + 450
    one = rgb[row : row + 1, column : column + 1]
    for mode, shown in (
        ("parts", (True, True)),
        ("part:e", (False, True)),
        ("part:h", (True, False)),
    ):
        run.set_mode(mode)
        settled(run, qtbot)
        assert pixel(run.picture(), 450, 250) == tuple(mix.render(one, shown)[0, 0])


def test_each_mode_names_what_it_shows(run: ImageStage, qtbot: QtBot) -> None:
    seen: list[str] = []
    run.mode_changed.connect(seen.append)
    expected = {
        "compare": [["Whole", "Parts"]],
        "side": [["Whole"], ["Parts"], ["Residual"]],
        "parts": [["Parts"]],
        "residual": [["Residual"]],
        "part:e": [["Eosin"]],
        "whole": [["Whole"]],
    }
    for mode, names in expected.items():
        run.set_mode(mode)
        assert titles(run) == names
        assert run.mode() == mode
        settled(run, qtbot)
    assert seen == list(expected)


def test_an_unknown_mode_is_refused(stage: ImageStage) -> None:
    with pytest.raises(ValueError, match="no mode 'both'"):
        stage.set_mode("both")


def test_before_a_run_it_says_so_over_the_dimmed_whole(stage: ImageStage, qtbot: QtBot) -> None:
    stage.set_image(ArrayPyramid(image()))
    stage.set_mode("residual")
    settled(stage, qtbot)
    assert [sheet.message for sheet in panes(stage)[0].sheets] == ["Run to see the residual"]
    dimmed = pixel(stage.picture(), 450, 100)
    stage.set_mode("whole")
    settled(stage, qtbot)
    assert max(dimmed) < max(pixel(stage.picture(), 450, 100)) * 0.7


def test_solo_in_the_mixer_is_seen_in_compare(run: ImageStage, qtbot: QtBot) -> None:
    run.set_mode("compare")
    run.set_strips((dataclasses.replace(STRIPS[0], solo=True), *STRIPS[1:]))
    assert titles(run) == [["Whole", "Haematoxylin"]]
    assert panes(run)[0].sheets[1].color == "#5a5fd6"


def test_the_swipe_line_divides_whole_and_parts(run: ImageStage, qtbot: QtBot) -> None:
    handle = run.findChild(SwipeHandle)
    assert handle is not None
    assert not handle.isVisible()
    run.set_mode("whole")
    settled(run, qtbot)
    whole = pixel(run.picture(), 380, 250)
    run.set_mode("part:h")
    settled(run, qtbot)
    part = pixel(run.picture(), 380, 250)
    assert whole != part
    run.set_strips((dataclasses.replace(STRIPS[0], solo=True), *STRIPS[1:]))
    run.set_mode("compare")
    settled(run, qtbot)
    assert handle.isVisible()
    assert pixel(run.picture(), 380, 250) == whole
    start = handle.rect().center()
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(handle, start - QPoint(200, 0))
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=handle.rect().center())
    settled(run, qtbot)
    assert abs(handle.geometry().center().x() - 250) <= 2
    assert pixel(run.picture(), 380, 250) == part


def test_the_swipe_line_moves_by_keys_and_stays_inside(run: ImageStage, qtbot: QtBot) -> None:
    run.set_mode("compare")
    handle = run.findChild(SwipeHandle)
    assert handle is not None
    before = handle.x()
    qtbot.keyClick(handle, Qt.Key.Key_Right)
    assert handle.x() > before
    for key, x in ((Qt.Key.Key_End, 900), (Qt.Key.Key_Right, 900), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(handle, key)
        assert abs(handle.geometry().center().x() - x) <= 1


def test_side_by_side_panes_look_at_the_same_place(run: ImageStage, qtbot: QtBot) -> None:
    run.set_mode("side")
    settled(run, qtbot)
    three = panes(run)
    assert len(three) == 3
    widths = [pane.width() for pane in three]
    assert max(widths) - min(widths) <= 1
    assert run.view_rect().contains(QRectF(0, 0, 1400, 900))  # fitted anew into a third
    qtbot.keyClick(three[1], Qt.Key.Key_Plus)
    qtbot.keyClick(three[2], Qt.Key.Key_Left)
    assert len({pane.viewport_now for pane in three}) == 1
    assert not run.view_rect().contains(QRectF(0, 0, 1400, 900))
    qtbot.mouseMove(three[0], QPoint(100, 250))
    assert [pane._cross is not None for pane in three] == [False, True, True]


def test_the_wheel_zooms_at_the_cursor(run: ImageStage, qtbot: QtBot) -> None:
    pane = panes(run)[0]
    spot = QPointF(600, 300)
    before = pane.scene_point(spot)
    wheel = QWheelEvent(
        spot, pane.mapToGlobal(spot), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    zoom = run.zoom_percent
    QApplication.sendEvent(pane, wheel)
    assert run.zoom_percent == pytest.approx(zoom * 1.44)
    assert pane.scene_point(spot) == pytest.approx(before)


@pytest.mark.parametrize("button", [Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton])
def test_dragging_moves_the_image_with_the_hand(
    run: ImageStage, qtbot: QtBot, button: Qt.MouseButton
) -> None:
    run.zoom_to(1.0)
    pane = panes(run)[0]
    under = pane.scene_point(QPointF(400, 200))
    qtbot.mousePress(pane, button, pos=QPoint(400, 200))
    qtbot.mouseMove(pane, QPoint(460, 230))
    qtbot.mouseRelease(pane, button, pos=QPoint(460, 230))
    assert pane.scene_point(QPointF(460, 230)) == pytest.approx(under)


def test_double_click_and_home_show_all_again(run: ImageStage, qtbot: QtBot) -> None:
    fitted = run.view_rect()
    for back in ("double", "home"):
        run.zoom_to(3.0)
        if back == "double":
            qtbot.mouseDClick(panes(run)[0], Qt.MouseButton.LeftButton, pos=QPoint(50, 60))
        else:
            qtbot.keyClick(panes(run)[0], Qt.Key.Key_Home)
        assert run.view_rect() == fitted


def test_a_fitted_image_stays_fitted_and_a_chosen_place_stays_in_the_middle(
    run: ImageStage, qtbot: QtBot
) -> None:
    run.resize(700, 420)
    assert run.view_rect().contains(QRectF(0, 0, 1400, 900))
    run.set_view_rect(QRectF(300, 200, 350, 210))
    run.resize(800, 500)
    assert run.view_rect().center() == QPointF(475, 305)
    assert run.zoom_percent == pytest.approx(200)


def test_a_saved_place_is_found_again(run: ImageStage) -> None:
    run.zoom_to(2.5)
    place = run.view_rect()
    run.fit()
    run.set_view_rect(place)
    for mine, theirs in zip(corners(run.view_rect()), corners(place), strict=True):
        assert mine == pytest.approx(theirs)
    run.set_view_rect(QRectF())
    assert run.view_rect().center() == place.center()


def test_the_reading_is_the_pixel_and_its_mixing(run: ImageStage, qtbot: QtBot) -> None:
    rgb, mix = image(), mixing()
    run.set_mixing(mix)
    run.zoom_to(1.0)
    settled(run, qtbot)
    with qtbot.waitSignal(run.cursor_moved) as told:
        qtbot.mouseMove(panes(run)[0], QPoint(333, 222))
    reading = told.args[0]
    assert isinstance(reading, CursorReading)
    corner = run.view_rect().topLeft()
    assert (reading.x, reading.y) == (int(corner.x() + 333), int(corner.y() + 222))
    one = rgb[reading.y : reading.y + 1, reading.x : reading.x + 1]
    assert reading.rgb == tuple(one[0, 0])
    assert reading.strengths == pytest.approx(mix.strengths(one)[0, 0].tolist())
    assert reading.residual == pytest.approx(float(mix.residual(one)[0, 0]))
    assert (reading.unit, reading.names) == ("OD", ("Haematoxylin", "Eosin"))
    assert (reading.downsample, reading.microns) == (1.0, (reading.x * 0.5, reading.y * 0.5))


def test_zoomed_out_the_reading_says_it_is_a_mean(stage: ImageStage, qtbot: QtBot) -> None:
    rgb = image(2000, 2600)
    stage.set_image(ArrayPyramid(rgb))
    settled(stage, qtbot)
    with qtbot.waitSignal(stage.cursor_moved) as told:
        qtbot.mouseMove(panes(stage)[0], QPoint(400, 260))
    reading = told.args[0]
    assert reading.downsample >= 4
    assert np.abs(np.array(reading.rgb) - rgb[reading.y, reading.x]).max() <= 2
    assert (reading.strengths, reading.residual, reading.unit) == ((), None, "")


def test_outside_the_image_there_is_no_reading(run: ImageStage, qtbot: QtBot) -> None:
    run.zoom_out()
    run.zoom_out()
    with qtbot.waitSignal(run.cursor_moved) as told:
        qtbot.mouseMove(panes(run)[0], QPoint(3, 3))
    assert told.args == [None]


def test_a_new_layer_appears_without_an_empty_frame(run: ImageStage, qtbot: QtBot) -> None:
    canvas = tuple(int(DARK.canvas[i : i + 2], 16) for i in (1, 3, 5))
    frames: list[bool] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                top = Tile(pane._service.grid.top, 0, 0)
                layers = [sheet.recipe.layer for sheet in pane._on_show()]
                frames.append(all(pane._service.drawn(layer, top) for layer in layers))
            return False

    pane, watch = panes(run)[0], Watch()
    pane.installEventFilter(watch)
    for mode in ("residual", "parts", "part:e"):
        run.set_mode(mode)
        run.grab()
        settled(run, qtbot)
        assert frames
        assert all(frames)
        assert pixel(run.grab().toImage(), 450, 250) != canvas
        frames.clear()


def test_a_live_edit_draws_anew_without_reading(run: ImageStage, qtbot: QtBot) -> None:
    class Counting(ArrayPyramid):
        reads = 0

        def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
            Counting.reads += 1
            return super().read(level, x, y, width, height)

    run.set_image(Counting(image()))
    run.set_mode("parts")
    run.set_mixing(mixing())
    settled(run, qtbot)
    before, reads = pixel(run.picture(), 450, 250), Counting.reads
    edited = mixing(0.4)
    run.set_mixing(edited)
    settled(run, qtbot)
    assert Counting.reads == reads
    assert pixel(run.picture(), 450, 250) != before


def test_thumbnails_fill_their_size_and_follow_the_mixing(stage: ImageStage, qtbot: QtBot) -> None:
    size = QSize(150, 75)
    assert stage.thumbnail("whole", size).size() == size
    rgb = image()
    stage.set_image(ArrayPyramid(rgb))
    assert stage.thumbnail("whole", size).size() == size  # in the moment of opening
    settled(stage, qtbot)
    whole = stage.thumbnail("whole", size)
    middle = np.array(pixel(whole, 75, 37))
    assert np.abs(middle - rgb[450, 700]).max() <= 6
    stage.set_mixing(mixing())
    stage.set_strips(STRIPS)
    parts = {what: pixel(stage.thumbnail(what, size), 75, 37) for what in ("h", "e", "residual")}
    assert len({*parts.values(), tuple(middle)}) == 4
    assert stage.thumbnail("h", size).cacheKey() == stage.thumbnail("h", size).cacheKey()
    stage.set_mixing(mixing(0.4))
    assert pixel(stage.thumbnail("h", size), 75, 37) != parts["h"]


def test_a_large_figure_is_as_fine_as_its_pixels(stage: ImageStage, qtbot: QtBot) -> None:
    stripes = np.full((900, 1400, 3), 250, np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 20  # finer than the overview can show
    stage.set_image(ArrayPyramid(stripes))
    figure = stage.thumbnail("whole", QSize(1400, 900))
    levels = [pixel(figure, x, 450)[0] for x in range(600, 800)]
    assert (min(levels), max(levels)) == (20, 250)


def test_the_overview_shows_where_one_is_and_goes_there(run: ImageStage, qtbot: QtBot) -> None:
    inset = run.findChild(OverviewInset)
    assert inset is not None
    assert not inset.isVisible()  # all is in sight
    run.set_view_rect(QRectF(100, 100, 300, 160))
    qtbot.waitUntil(inset.isVisible)
    frame = inset.frame()
    qtbot.mouseClick(inset, Qt.MouseButton.LeftButton, pos=QPoint(inset.width() - 20, 60))
    assert inset.frame().center().x() > frame.center().x()
    assert run.view_rect().center().x() > 1000
    run.fit()
    assert not inset.isVisible()


def test_both_themes_draw_names_that_can_be_read(run: ImageStage, qtbot: QtBot) -> None:
    for tokens in (DARK, LIGHT):
        run.set_theme(tokens)
        shown = run.picture()
        badge = [shown.pixelColor(x, y).lightness() for x in range(16, 60) for y in range(14, 32)]
        assert max(badge) - min(badge) > 120


def test_everything_that_takes_focus_has_a_name(run: ImageStage) -> None:
    run.set_mode("compare")
    focusable = [
        child
        for child in (*run.findChildren(ImagePane), *run.findChildren(SwipeHandle))
        if child.focusPolicy() != Qt.FocusPolicy.NoFocus
    ]
    assert len(focusable) == 4
    assert all(child.accessibleName() for child in focusable)
    assert panes(run)[0].accessibleName() == "Image: Whole | Parts"


def test_deleting_the_stage_ends_its_threads(qtbot: QtBot) -> None:
    before = set(threading.enumerate())
    stage = ImageStage()
    stage.resize(300, 200)
    stage.show()
    stage.set_image(ArrayPyramid(image()))
    assert len(set(threading.enumerate()) - before) == 2
    stage.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # deferred deletions
    assert set(threading.enumerate()) == before


def test_taking_the_image_away_empties_the_stage(run: ImageStage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(run.cursor_moved) as told:
        run.set_image(None)
    assert told.args == [None]
    assert panes(run) == []
    assert run.is_settled()


def test_a_ring_lies_around_the_picture_and_never_on_a_figure(
    run: ImageStage, qtbot: QtBot
) -> None:
    qtbot.waitUntil(run.is_settled)
    run.activateWindow()
    qtbot.waitUntil(run.isActiveWindow)
    first = QPushButton(run)  # where the keyboard comes from
    first.setGeometry(0, 0, 5, 5)
    first.show()
    first.setFocus()
    plain, figure = run.grab().toImage(), run.picture()
    run.setFocus(Qt.FocusReason.TabFocusReason)
    ringed = run.grab().toImage()
    middle = run.rect().center()
    assert ringed.pixelColor(middle) == plain.pixelColor(middle), "what it surrounds stays"
    assert ringed.pixelColor(1, 200) != plain.pixelColor(1, 200)
    assert run.picture() == figure
