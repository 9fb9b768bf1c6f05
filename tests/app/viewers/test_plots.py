from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.theme import DARK, LIGHT
from partwise_app.viewers.curve import ConvergenceCurve
from partwise_app.viewers.overlays import nice_length
from partwise_app.viewers.scatter import ScatterView

RAYS = np.array([[-0.3, 0.9], [0.3, 0.9]])
PARTS = tuple(
    Part(key, name, color, np.ones(3))
    for key, name, color in (("h", "Haematoxylin", "#5a5fd6"), ("e", "Eosin", "#e0608f"))
)


def view() -> View:
    rng = np.random.default_rng(0)
    points = rng.gamma(1.2, 0.35, (2000, 2)) @ RAYS
    axes = (Axis("haematoxylin to eosin", 2000, "OD"), Axis("density", 2000, "OD"))
    return View("scatter", "Colours of tissue", {"points": points, "rays": RAYS}, axes)


def colors(widget: QWidget) -> int:
    shown = widget.grab().toImage()
    return len({shown.pixel(x, y) for x in range(shown.width()) for y in range(shown.height())})


@pytest.fixture
def scatter(qtbot: QtBot) -> ScatterView:
    made = ScatterView()
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.set_view(view(), PARTS)
    made.show()
    return made


@pytest.mark.parametrize(
    ("longest", "microns", "scale", "expected"),
    [
        (120, 0.5, 1.0, (100, "50 µm")),
        (120, 0.25, 0.01, (80, "2 mm")),
        (120, None, 1.0, (100, "100 px")),
        (120, 0.25, 32.0, (64, "500 nm")),
        (119, None, 0.01, (100, "10,000 px")),
    ],
)
def test_scale_bars_are_round(
    longest: float, microns: float | None, scale: float, expected: tuple[float, str]
) -> None:
    length, text = nice_length(longest, microns, scale)
    assert length == pytest.approx(expected[0])
    assert text == expected[1]


def test_scale_bars_use_a_fair_part_of_their_room() -> None:
    for scale in np.geomspace(1e-4, 32, 200):
        length, _ = nice_length(120, 0.23, float(scale))
        assert 120 / 2.6 <= length <= 120 * (1 + 1e-9)


def test_the_curve_says_what_will_appear_and_then_what_happened(qtbot: QtBot) -> None:
    curve = ConvergenceCurve()
    qtbot.addWidget(curve)
    assert "during a run" in curve.accessibleDescription()
    curve.set_trace([4.0, 2.0, math.nan, 1.5], 0.31, running=True)
    assert curve.trace == (4.0, 2.0, 1.5)
    assert "1.5 so far" in curve.accessibleDescription()
    assert not curve.is_logarithmic()
    curve.set_trace([4.0, 0.00001234], None, running=False)
    assert curve.is_logarithmic()
    assert "1.234 × 10⁻⁵ at the end" in curve.accessibleDescription()


@pytest.mark.parametrize(
    "trace", [[], [1.0], [2.0, 2.0, 2.0], [1.0, 0.0], list(range(9000, 0, -1))]
)
def test_any_trace_can_be_drawn_in_both_themes(qtbot: QtBot, trace: list[float]) -> None:
    curve = ConvergenceCurve()
    qtbot.addWidget(curve)
    curve.resize(240, 92)
    for tokens in (DARK, LIGHT):
        curve.set_theme(tokens)
        curve.set_trace(trace, 2.0, running=False)
        assert colors(curve) > 3


def test_a_falling_loss_is_a_falling_line(qtbot: QtBot) -> None:
    curve = ConvergenceCurve()
    qtbot.addWidget(curve)
    curve.resize(240, 92)
    curve.set_trace([1 / (k + 1) for k in range(20)], None, running=False)
    points = curve._points(curve.rect().toRectF())
    assert len(points) == 20
    assert all(a.x() < b.x() and a.y() < b.y() for a, b in pairwise(points))


def test_rays_point_where_the_parts_point(scatter: ScatterView) -> None:
    for part, ray in zip(PARTS, RAYS, strict=True):
        assert scatter.ray(part.key) == pytest.approx(tuple(ray / np.linalg.norm(ray)))
        tip = scatter.tip(part.key)
        assert scatter.rect().contains(tip.toPoint())
    x, y = scatter._to_units(scatter.tip("e"))
    assert y / x == pytest.approx(3)


def test_axes_of_one_unit_are_stretched_within_bounds_and_centred(scatter: ScatterView) -> None:
    for width, height in ((600, 120), (150, 400), (300, 200)):
        scatter.resize(width, height)
        across, up = scatter._scales()
        assert 1 / 3.01 <= across / up <= 3.01
        plot = scatter._plot()
        left, right = (
            scatter._to_screen(scatter._low[0], 0),
            scatter._to_screen(scatter._high[0], 0),
        )
        assert left.x() - plot.left() == pytest.approx(plot.right() - right.x(), abs=0.01)
        assert left.x() >= plot.left() - 0.01


def test_dragging_a_tip_turns_its_ray(scatter: ScatterView, qtbot: QtBot) -> None:
    moved: list[tuple[str, tuple[float, float]]] = []
    scatter.ray_moved.connect(lambda key, ray: moved.append((key, ray)))
    tip = scatter.tip("e").toPoint()
    qtbot.mousePress(scatter, Qt.MouseButton.LeftButton, pos=tip)
    qtbot.mouseMove(scatter, tip + QPoint(20, 15))
    with qtbot.waitSignal(scatter.ray_released) as released:
        qtbot.mouseRelease(scatter, Qt.MouseButton.LeftButton, pos=tip + QPoint(20, 15))
    assert released.args == ["e"]
    key, ray = moved[-1]
    assert key == "e"
    assert math.hypot(*ray) == pytest.approx(1)
    assert ray[0] / ray[1] > 0.3 / 0.9
    target = scatter._to_units((tip + QPoint(20, 15)).toPointF())
    assert ray[0] / ray[1] == pytest.approx(target[0] / target[1])
    assert scatter.ray("h") == pytest.approx(tuple(RAYS[0] / np.linalg.norm(RAYS[0])))


def test_an_answer_during_a_drag_leaves_the_tip_in_the_hand(
    scatter: ScatterView, qtbot: QtBot
) -> None:
    tip = scatter.tip("e").toPoint()
    qtbot.mousePress(scatter, Qt.MouseButton.LeftButton, pos=tip)
    qtbot.mouseMove(scatter, tip + QPoint(20, 15))
    held = scatter.ray("e")
    scatter.set_view(view(), PARTS)
    assert scatter.ray("e") == held
    qtbot.mouseRelease(scatter, Qt.MouseButton.LeftButton, pos=tip + QPoint(20, 15))
    scatter.set_view(view(), PARTS)
    assert scatter.ray("e") != held


def test_a_locked_ray_stays(scatter: ScatterView, qtbot: QtBot) -> None:
    scatter.set_view(view(), PARTS, (Strip("e", "Eosin", "#e0608f", locked=True),))
    before = scatter.ray("e")
    tip = scatter.tip("e").toPoint()
    qtbot.mousePress(scatter, Qt.MouseButton.LeftButton, pos=tip)
    qtbot.mouseMove(scatter, tip + QPoint(30, 20))
    qtbot.mouseRelease(scatter, Qt.MouseButton.LeftButton, pos=tip + QPoint(30, 20))
    assert scatter.ray("e") == before


def test_keys_choose_and_turn_a_ray(scatter: ScatterView, qtbot: QtBot) -> None:
    assert "Haematoxylin" in scatter.accessibleDescription()
    qtbot.keyClick(scatter, Qt.Key.Key_Space)
    assert "Eosin" in scatter.accessibleDescription()
    with qtbot.waitSignal(scatter.ray_moved) as moved:
        qtbot.keyClick(scatter, Qt.Key.Key_Right)
    key, (x, y) = moved.args
    assert key == "e"
    before = math.atan2(0.9, 0.3)
    assert math.degrees(before - math.atan2(y, x)) == pytest.approx(0.5)


def test_the_scatter_draws_with_and_without_data(scatter: ScatterView) -> None:
    for tokens in (DARK, LIGHT):
        scatter.set_theme(tokens)
        scatter.set_view(view(), PARTS)
        assert colors(scatter) > 20
        scatter.set_view(None)
        assert colors(scatter) > 2


def test_points_that_are_no_numbers_are_left_out(scatter: ScatterView) -> None:
    points = np.array([[0.1, 0.2], [np.nan, 1.0], [np.inf, 0.0]])
    scatter.set_view(View("scatter", "", {"points": points}, view().axes), ())
    assert np.isfinite(scatter._low + scatter._high).all()
    scatter.grab()
