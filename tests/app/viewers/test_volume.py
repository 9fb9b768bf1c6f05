from __future__ import annotations

import gc
import weakref
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.theme import DARK, LIGHT
from partwise_app.viewers.curves import CurvesView
from partwise_app.viewers.scales import log_ticks, share_of
from partwise_app.viewers.slices import PLANES, Plane, Voxel, blended, shaded
from partwise_app.viewers.volume import VolumeView
from partwise_app.viewers.volumebrush import VolumeBrush

SHAPE = (6, 8, 10)
FRAMES = 5
NONE = Qt.KeyboardModifier.NoModifier


def volume() -> Any:
    rng = np.random.default_rng(0)
    return rng.random((FRAMES, *SHAPE)).astype(np.float32)


def axes(unit: str = "mm") -> tuple[Axis, ...]:
    return (
        Axis("time", FRAMES, "min", 2.0),
        Axis("z", SHAPE[0], unit, 4.0, -10.0),
        Axis("y", SHAPE[1], unit, 3.0, -12.0),
        Axis("x", SHAPE[2], unit, 2.0, -9.0),
    )


def view(values: Any = None, **options: Any) -> View:
    arrays = {"values": volume() if values is None else values}
    return View("volume", "Dynamic series", arrays, axes(), {"unit": "kBq/mL", **options})


def parts() -> tuple[Part, ...]:
    rng = np.random.default_rng(1)
    return tuple(
        Part(key, name, color, rng.random(FRAMES), 0.5, rng.random(int(np.prod(SHAPE))))
        for key, name, color in (("b", "Blood", "#c8503c"), ("m", "Muscle", "#3f9d6b"))
    )


@pytest.fixture
def shown(qtbot: Any) -> VolumeView:
    made = VolumeView()
    qtbot.addWidget(made)
    made.resize(520, 420)
    made.set_view(view(orientation="LPS"), (), ())
    made.show()
    return made


def at_voxel(made: VolumeView, place: int, voxel: Voxel) -> QPoint:
    return made.plan().spot(place, voxel).toPoint()


# Which way round


@pytest.mark.parametrize("orientation", ["", *("".join(o) for o in product("RL", "AP", "SI"))])
@pytest.mark.parametrize("name", PLANES)
def test_a_slice_shows_each_voxel_where_a_click_finds_it(name: str, orientation: str) -> None:
    plane = Plane(name, SHAPE, (4.0, 3.0, 2.0), orientation)
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    for voxel in (Voxel(0, 0, 0), Voxel(5, 1, 8), Voxel(2, 7, 3)):
        cut = plane.cut(values, voxel[plane.through])
        across, down = plane.to_screen(voxel)
        row, column = int(down * cut.shape[0]), int(across * cut.shape[1])
        assert cut[row, column] == values[voxel]
        assert plane.to_voxel(across, down, voxel) == voxel


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "LAI", "RPS"])
def test_right_front_and_head_lie_where_radiologists_look_for_them(orientation: str) -> None:
    letters = {name: Plane(name, SHAPE, (1, 1, 1), orientation).letters() for name in PLANES}
    assert letters["axial"] == ("R", "L", "A", "P")
    assert letters["coronal"] == ("R", "L", "S", "I")
    assert letters["sagittal"] == ("A", "P", "S", "I")
    # A voxel at the right end of the patient is on the left of the picture.
    rightmost = 0 if orientation[0] == "L" else SHAPE[2] - 1
    across, _ = Plane("axial", SHAPE, (1, 1, 1), orientation).to_screen((0, 0, rightmost))
    assert across < 0.1


@pytest.mark.parametrize(
    "orientation",
    ["".join(o) for pairs in permutations(("RL", "AP", "SI")) for o in product(*pairs)],
)
@pytest.mark.parametrize("name", PLANES)
def test_slices_are_named_by_the_body_however_it_is_stored(name: str, orientation: str) -> None:
    plane = Plane(name, SHAPE, (4.0, 3.0, 2.0), orientation)
    want = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}[name]
    assert "".join(plane.letters()) == want
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    for voxel in (Voxel(0, 0, 0), Voxel(5, 1, 8), Voxel(2, 7, 3)):
        cut = plane.cut(values, voxel[plane.through])
        across, down = plane.to_screen(voxel)
        assert cut[int(down * cut.shape[0]), int(across * cut.shape[1])] == values[voxel]
        assert plane.to_voxel(across, down, voxel) == voxel


def test_the_cursor_reads_where_in_the_body_it_is(shown: VolumeView) -> None:
    # Turned by a quarter: x runs to the back, y to the right.
    turned = np.array([[0, 3, 0, 30], [-2, 0, 0, -10], [0, 0, 4, 5], [0, 0, 0, 1.0]])
    shown.set_view(view(orientation="PRS", affine=turned.tolist()), (), ())
    assert shown.reading(Voxel(1, 2, 3))[0] == "R 36.0  P 16.0  S 9.0 mm"
    assert shown._held.depth(0, Voxel(1, 2, 3)) == "S 9.0 mm"
    assert shown._held.depth(2, Voxel(1, 2, 3)) == "R 36.0 mm"


def test_no_letters_are_made_up() -> None:
    assert set(Plane("axial", SHAPE, (1, 1, 1)).letters()) == {""}


def test_further_axes_come_through_a_cut() -> None:
    plane = Plane("coronal", SHAPE, (1, 1, 1), "LPS")
    values = volume()
    cuts = plane.cut(values, 3)
    assert cuts.shape == (FRAMES, SHAPE[0], SHAPE[2])
    np.testing.assert_array_equal(cuts[2], plane.cut(values[2], 3))


def test_brightness_and_colour_are_as_asked() -> None:
    gray = shaded(np.array([[0.0, 5.0, 10.0, 99.0, np.nan]]), 0.0, 10.0)
    np.testing.assert_allclose(gray, [[0, 0.5, 1, 1, 0]])
    plain = blended(gray, [])
    assert QColor(int(plain[0, 1])).name() == "#808080"
    strength = np.array([[0, 0, 0, 0, 1]], np.float32)
    red = QColor(int(blended(gray, [(strength, (255, 0, 0))])[0, 4]))
    assert red.red() > 180
    assert red.green() == 0
    assert QColor(int(blended(gray, [(strength, (255, 0, 0))])[0, 2])) == QColor("#ffffff")


# The drawing


def test_a_click_in_one_slice_moves_the_others(shown: VolumeView, qtbot: Any) -> None:
    wanted = Voxel(3, 6, 1)
    with qtbot.waitSignal(shown.curve_read) as told:
        qtbot.mouseClick(shown, Qt.MouseButton.LeftButton, pos=at_voxel(shown, 0, wanted))
    assert shown.voxel == wanted  # z stays, y and x follow
    np.testing.assert_allclose(told.args[0], volume()[:, 3, 6, 1])
    qtbot.mouseClick(shown, Qt.MouseButton.LeftButton, pos=at_voxel(shown, 2, Voxel(5, 2, 1)))
    assert shown.voxel == Voxel(5, 2, 1)


def test_the_cursor_reads_position_and_value(shown: VolumeView, qtbot: Any) -> None:
    shown.set_frame(2)
    with qtbot.waitSignal(shown.read) as told:
        qtbot.mouseMove(shown, at_voxel(shown, 1, Voxel(4, 4, 7)))
    where, value = told.args[0]
    assert where == "x 5.0  y 0.0  z 6.0 mm"
    assert float(value.split()[0]) == pytest.approx(float(volume()[2, 4, 4, 7]), rel=1e-3)
    assert value.endswith("kBq/mL")


def test_the_mean_of_all_frames_counts_their_durations(qtbot: Any) -> None:
    lasting = np.array([1.0, 1.0, 2.0, 4.0, 8.0])
    given = View("volume", "Series", {"values": volume(), "durations": lasting}, axes())
    made = VolumeView()
    qtbot.addWidget(made)
    made.set_view(given, (), ())
    assert made.frame == -1
    mean = np.tensordot(lasting / 16, volume(), axes=1)
    spoken = made.reading(Voxel(1, 2, 3))[1]
    assert float(spoken) == pytest.approx(float(mean[1, 2, 3]), rel=1e-3)


def test_slices_are_the_voxels_of_the_frame(shown: VolumeView) -> None:
    values = np.zeros((FRAMES, *SHAPE), np.float32)
    values[3, :, :, SHAPE[2] - 1] = 1.0  # LPS: the patient's left, the picture's right
    shown.set_view(view(values, orientation="LPS", window=[0, 1]), (), ())
    picture = shown._picture_of(0)
    shown.set_frame(3)
    picture = shown._picture_of(0)
    assert picture.pixelColor(picture.width() - 1, 2) == QColor("#ffffff")
    assert picture.pixelColor(0, 2) == QColor("#000000")
    shown.set_frame(1)
    assert shown._picture_of(0).pixelColor(picture.width() - 1, 2) == QColor("#000000")


def test_parts_lie_over_the_slices_and_follow_the_mixer(shown: VolumeView) -> None:
    given = view(np.zeros((FRAMES, *SHAPE), np.float32))
    both = parts()
    shown.set_view(given, both, [Strip(p.key, p.name, p.color) for p in both])
    mixed = shown._picture_of(0)
    hidden = [Strip("b", "Blood", "#c8503c"), Strip("m", "Muscle", "#3f9d6b", show=False)]
    shown.set_view(given, both, hidden)
    alone = shown._picture_of(0)
    assert alone != mixed
    assert "Blood" in shown.accessibleDescription()
    assert "Muscle" not in shown.accessibleDescription()
    color = alone.pixelColor(4, 4)
    assert color.red() >= color.green()
    assert len(shown.reading(shown.voxel)) == 3


def test_a_view_given_again_keeps_cross_frame_and_window(shown: VolumeView) -> None:
    given = view()
    shown.set_view(given, (), ())
    shown.set_voxel((1, 2, 3))
    shown.set_frame(2)
    shown.set_gray_window(0.1, 0.4)
    shown.set_view(given, parts(), ())
    assert shown.voxel == Voxel(1, 2, 3)
    assert shown.frame == 2
    assert shown.gray_window == (0.1, 0.4)
    shown.set_view(view(2 * volume()), parts(), ())  # a new run of the same series
    assert shown.voxel == Voxel(1, 2, 3)
    assert shown.frame == 2
    assert shown.gray_window[1] > 0.4


def test_anchors_are_set_by_a_click_and_by_a_key(shown: VolumeView, qtbot: Any) -> None:
    before = shown.voxel
    shown.set_anchoring(True)
    target = Voxel(3, 2, 8)
    with qtbot.waitSignal(shown.anchor_clicked) as told:
        qtbot.mouseClick(shown, Qt.MouseButton.LeftButton, pos=at_voxel(shown, 0, target))
    assert told.args == [3, 2, 8]
    assert shown.voxel == before
    with qtbot.waitSignal(shown.anchor_clicked) as told:
        qtbot.keyClick(shown, Qt.Key.Key_A)
    assert tuple(told.args) == before
    plain = shown.picture()
    shown.set_anchors([((3, 2, 8), "#ff0000")])
    assert shown.picture() != plain


def test_another_tab_of_the_same_volume_looks_at_the_same_voxel(
    shown: VolumeView, qtbot: Any
) -> None:
    shown.set_voxel((1, 2, 3))
    shown.zoom_in()
    for values, same in ((volume()[0], True), (volume()[0, :3], False)):
        other = VolumeView()
        qtbot.addWidget(other)
        other.set_view(View("volume", "Ki", {"values": values}, (), {"map": True}), (), ())
        other.look_as(shown)
        assert (other.voxel == Voxel(1, 2, 3)) == same
        assert (other.plan().zoom == shown.plan().zoom) == same


def test_what_is_at_the_cross_is_listed_as_far_as_there_is_room(shown: VolumeView) -> None:
    both = parts()
    shown.set_view(view(), both, [Strip(p.key, p.name, p.color) for p in both])
    told = shown._held.amounts(shown.voxel, -1)
    assert [each.name for each in told] == ["Value", "Blood", "Muscle"]
    listed = shown.plan().corner.toRect()
    empty = QColor(shown.tokens.canvas)
    image = shown.picture().copy(listed)
    inked = [
        QColor(image.pixel(x, y)) != empty
        for x in range(image.width())
        for y in range(image.height())
    ]
    assert any(inked)
    shown.resize(330, 290)
    assert shown.plan().corner.width() < 130
    assert not shown.picture().isNull()


def test_the_curve_is_that_under_the_cursor_and_else_at_the_cross(
    shown: VolumeView, qtbot: Any
) -> None:
    curve = shown.plan().curve.toRect()

    def drawn() -> Any:
        return shown.picture().copy(curve)

    at_cross = drawn()
    spot = at_voxel(shown, 0, Voxel(3, 1, 1))
    QTest.mouseMove(shown, spot)
    qtbot.waitUntil(lambda: drawn() != at_cross)
    under = drawn()
    assert shown.voxel != Voxel(3, 1, 1)
    QTest.keyClick(shown, Qt.Key.Key_Left)  # a hand on the keys looks at the cross
    assert drawn() not in (at_cross, under)
    QTest.keyClick(shown, Qt.Key.Key_Right)
    assert drawn() == at_cross
    QTest.mouseMove(shown, spot + QPoint(0, 1))
    qtbot.waitUntil(lambda: drawn() == under)
    shown.leaveEvent(QEvent(QEvent.Type.Leave))
    assert drawn() == at_cross
    QTest.mouseMove(shown, spot)
    shown.set_view(view(volume()[:, :2, :2, :2]), (), ())  # of another shape, below the hand
    assert not shown.picture().isNull()


def test_keys_move_the_cross_as_it_is_seen(shown: VolumeView, qtbot: Any) -> None:
    x = shown.voxel.x
    qtbot.keyClick(shown, Qt.Key.Key_Right)
    assert shown.voxel.x == x + 1  # LPS: index grows to the patient's left, the picture's right
    shown.set_view(view(orientation="RAS"), (), ())
    qtbot.keyClick(shown, Qt.Key.Key_Right)
    assert shown.voxel.x == x  # the other way: it grows to the right, the picture's left
    z = shown.voxel.z
    qtbot.keyClick(shown, Qt.Key.Key_PageUp)
    assert shown.voxel.z == z + 1
    qtbot.keyClick(shown, Qt.Key.Key_Period)
    assert shown.frame == 0


def test_the_right_button_changes_the_grey_scale(shown: VolumeView) -> None:
    low, high = shown.gray_window
    start = at_voxel(shown, 0, shown.voxel)
    QTest.mousePress(shown, Qt.MouseButton.RightButton, NONE, start)
    QTest.mouseMove(shown, start + QPoint(40, 0))
    QTest.mouseRelease(shown, Qt.MouseButton.RightButton, NONE, start + QPoint(40, 0))
    wider = shown.gray_window
    assert wider[1] - wider[0] > high - low
    assert sum(wider) == pytest.approx(low + high)


def test_zoomed_slices_still_find_the_voxel_below(shown: VolumeView, qtbot: Any) -> None:
    shown.set_voxel((3, 4, 5))
    for _ in range(5):
        shown.zoom_in()
    wanted = Voxel(3, 5, 6)
    qtbot.mouseClick(shown, Qt.MouseButton.LeftButton, pos=at_voxel(shown, 0, wanted))
    assert shown.voxel == wanted


@pytest.mark.parametrize("values", [np.empty((0, 0, 0)), np.zeros(SHAPE), np.full(SHAPE, np.nan)])
def test_odd_volumes_are_drawn_without_trouble(qtbot: Any, values: Any) -> None:
    made = VolumeView()
    qtbot.addWidget(made)
    for tokens in (DARK, LIGHT):
        made.set_theme(tokens)
        made.set_view(View("volume", "Odd", {"values": values}), (), ())
        assert not made.picture().isNull()


def test_nothing_is_left_behind(qtbot: Any) -> None:
    made = VolumeView()
    made.set_view(view(), parts(), ())
    made.grab()
    gone = weakref.ref(made)
    made.deleteLater()
    del made
    qtbot.wait(1)
    gc.collect()
    assert gone() is None


# Regions, maps and the logarithm of time


def test_what_lies_outside_of_a_region_is_darker(shown: VolumeView) -> None:
    shown.set_gray_window(0.0, 1.0)
    whole = shown._picture_of(0)
    region = np.zeros(SHAPE, bool)
    region[:, :, :5] = True
    shown.set_region(region)
    cut = shown._picture_of(0)
    inside: list[int] = []
    outside: list[int] = []
    for x in range(SHAPE[2]):
        column = [
            (QColor(whole.pixel(x, y)).red(), QColor(cut.pixel(x, y)).red())
            for y in range(SHAPE[1])
        ]
        same = all(a == b for a, b in column)
        (inside if same else outside).append(x)
        if not same:
            assert all(b <= a for a, b in column)
    assert len(inside) == len(outside) == 5
    shown.set_region(np.zeros((1, 1, 1), bool))  # of another series: not drawn
    assert shown._picture_of(0) == whole


def test_a_map_is_in_colour_and_has_no_parts_over_it(qtbot: Any) -> None:
    made = VolumeView()
    qtbot.addWidget(made)
    made.resize(520, 420)
    flat = np.zeros(SHAPE, np.float32)
    flat[..., 0] = 1.0
    told = View("volume", "Ki", {"values": flat}, axes()[1:], {"map": True, "window": [0.0, 1.0]})
    made.set_view(told, parts(), ())
    picture = made._picture_of(0)
    colors = {QColor(picture.pixel(x, 0)).name() for x in range(SHAPE[2])}
    assert colors == {"#440154", "#fde725"}


def test_time_may_run_by_its_logarithm(shown: VolumeView) -> None:
    times = np.array([0.05, 0.5, 5.0, 10.0, 50.0])
    arrays = {"values": volume(), "times": times}
    even = View("volume", "Series", arrays, axes(), {"unit": "kBq/mL"})
    log = View("volume", "Series", arrays, axes(), {"unit": "kBq/mL", "log_time": True})
    shown.resize(900, 600)
    shown.set_view(even, (), ())
    before = shown.picture()
    shown.set_view(log, (), ())
    assert shown.picture() != before
    assert log_ticks(0.05, 50.0) == [0.1, 1.0, 10.0]
    assert log_ticks(1.0, 9.0) == [1.0, 2.0, 5.0]
    assert log_ticks(0.0, 9.0) == []
    assert share_of(1.0, 0.1, 10.0, log=True) == pytest.approx(0.5)
    assert share_of(5.0, 0.0, 10.0, log=False) == 0.5


def test_curves_by_the_logarithm_of_time_read_in_minutes(qtbot: Any) -> None:
    made = CurvesView()
    qtbot.addWidget(made)
    made.resize(600, 300)
    x = np.array([0.1, 1.0, 10.0, 100.0])
    told = View(
        "curves",
        "Curves",
        {"y": np.ones((1, 4)), "x": x},
        (Axis("time", 4, "min"), Axis("activity", 1, "kBq/mL")),
        {"names": ["Blood"], "log": True},
    )
    made.set_view(told, (), ())
    made.show()
    read: list[Any] = []
    made.read.connect(read.append)
    lane = made._lanes()[0]
    third = QPointF(lane.left() + lane.width() * 2 / 3, lane.center().y())
    QTest.mouseMove(made, third.toPoint())
    qtbot.waitUntil(lambda: any(read))
    assert next(words for words in read if words)[0] == "Time (min) 10"


# The brush


def test_a_fast_stroke_has_no_gaps_and_is_told_once(shown: VolumeView, qtbot: Any) -> None:
    shown.set_brush(VolumeBrush(2.0, "#ffffff"))
    seen: list[Any] = []
    shown.stroke_grown.connect(seen.append)
    start, end = Voxel(3, 1, 1), Voxel(3, 6, 8)
    shown.set_voxel(start)
    left = Qt.MouseButton.LeftButton
    with qtbot.waitSignal(shown.stroke_done) as done:
        QTest.mousePress(shown, left, NONE, at_voxel(shown, 0, start))
        QTest.mouseMove(shown, at_voxel(shown, 0, end))
        QTest.mouseRelease(shown, left, NONE, at_voxel(shown, 0, end))
    (stroke,) = done.args
    assert stroke.through == 0
    assert (stroke.voxels[0], stroke.voxels[-1]) == (start, end)
    steps = np.abs(np.diff(np.array(stroke.voxels), axis=0)).max(axis=1)
    assert steps.max() <= 1
    assert seen[-1] == stroke
    assert shown.voxel == start  # painting does not move the cross


def test_escape_gives_up_a_stroke_and_a_key_dabs_at_the_cross(
    shown: VolumeView, qtbot: Any
) -> None:
    shown.set_brush(VolumeBrush(4.0, "#ffffff"))
    done: list[Any] = []
    grown: list[Any] = []
    shown.stroke_done.connect(done.append)
    shown.stroke_grown.connect(grown.append)
    spot = at_voxel(shown, 0, Voxel(3, 4, 5))
    QTest.mousePress(shown, Qt.MouseButton.LeftButton, NONE, spot)
    QTest.keyClick(shown, Qt.Key.Key_Escape)
    QTest.mouseRelease(shown, Qt.MouseButton.LeftButton, NONE, spot)
    assert done == []
    assert grown[-1] is None
    QTest.keyClick(shown, Qt.Key.Key_A)
    assert done[0].voxels == (shown.voxel,)


def test_a_map_is_dark_where_nothing_is_known_and_fills_the_stage(qtbot: Any) -> None:
    made = VolumeView()
    qtbot.addWidget(made)
    made.resize(520, 420)
    values = volume()[0]
    inside = np.zeros(SHAPE, bool)
    inside[:, :4] = True
    given = {"values": values, "inside": inside}
    made.set_view(View("volume", "Ki", given, axes()[1:], {"map": True}), (), ())
    picture = made._picture_of(0)
    colors = {picture.pixelColor(x, y).name() for x in range(SHAPE[2]) for y in range(4, SHAPE[1])}
    assert colors == {"#000000"}
    axial, coronal, sagittal = made.plan().panes
    assert coronal.left() > axial.right()
    assert sagittal.top() > coronal.bottom()
    assert max(axial.bottom(), sagittal.bottom()) < made.height()
    assert max(coronal.right(), sagittal.right()) <= made.width()
