from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.theme import DARK, LIGHT
from partwise_app.viewers.minmax import MinMax
from partwise_app.viewers.strokes import coverage, lane_image, layer_of
from partwise_app.viewers.timeline import Span, Window, moment, time_ticks, time_title
from partwise_app.viewers.traces import TracesView

SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def view(channels: int = 3, samples: int = 1000, **options: Any) -> View:
    rng = np.random.default_rng(0)
    y = rng.random((channels, samples)).astype(np.float32)
    names = tuple(f"muscle {k}" for k in range(channels))
    axes = (
        Axis("channel", channels, labels=names),
        Axis("time", samples, "s", 0.01),
        Axis("amplitude", 0, "mV"),
    )
    return View("traces", "EMG", {"y": y}, axes, options)


@pytest.fixture
def traces(qtbot: Any) -> TracesView:
    made = TracesView()
    qtbot.addWidget(made)
    made.resize(500, 260)
    made.set_view(view(spans=[{"start": 2.0, "end": 5.0, "name": "rest"}]), (), ())
    made.show()
    return made


def point(made: TracesView, at: float, y: float | None = None) -> QPoint:
    height = made.area().center().y() if y is None else y
    return QPointF(made.x_of(at), height).toPoint()


# The pyramid


@pytest.mark.parametrize("samples", [1, 3, 64, 65, 1000, 4099])
@pytest.mark.parametrize("width", [1, 7, 50])
def test_a_column_spans_the_samples_below_it_and_no_more(samples: int, width: int) -> None:
    rng = np.random.default_rng(samples)
    y = rng.standard_normal((2, samples))
    low, high = MinMax(y).columns(0.0, float(samples), width)
    per_column = samples / width
    for k in range(width):
        if per_column < 2:
            continue
        inner = y[:, int(np.ceil(k * per_column)) : int(np.floor((k + 1) * per_column)) + 1]
        # Blocks on a border belong to both columns: at most half a column more on either side.
        reach = per_column / 2 + 1
        first = max(int(np.floor(k * per_column - reach)), 0)
        outer = y[:, first : int(np.ceil((k + 1) * per_column + reach)) + 1]
        assert (low[:, k] <= inner.min(axis=1)).all()
        assert (high[:, k] >= inner.max(axis=1)).all()
        assert (low[:, k] >= outer.min(axis=1)).all()
        assert (high[:, k] <= outer.max(axis=1)).all()


def test_all_levels_hold_the_extremes_of_every_channel() -> None:
    y = np.random.default_rng(1).standard_normal((4, 100_003)).astype(np.float32)
    y[2, 77_777] = 50.0
    pyramid = MinMax(y)
    for width in (1, 10, 333, 3000):
        low, high = pyramid.columns(0.0, 100_002.0, width)
        np.testing.assert_array_equal(low.min(axis=1), y.min(axis=1))
        np.testing.assert_array_equal(high.max(axis=1), y.max(axis=1))
    np.testing.assert_array_equal(pyramid.range()[1], y.max(axis=1))


def test_few_samples_are_joined_by_straight_lines() -> None:
    low, high = MinMax(np.array([[0.0, 1.0, 0.0]])).columns(0.0, 2.0, 20)
    np.testing.assert_allclose(low[0, :10], np.arange(10) / 10, atol=1e-12)
    np.testing.assert_allclose(high[0, :10], np.arange(1, 11) / 10, atol=1e-12)
    assert np.abs(high[0, 1:] - low[0, :-1]).max() <= 0.2 + 1e-9


def test_a_peak_between_two_borders_is_kept_when_close() -> None:
    y = np.zeros((1, 60))
    y[0, 31] = 9.0
    for width in (35, 41, 59):
        assert MinMax(y).columns(0.0, 59.0, width)[1].max() == 9.0


def test_missing_samples_leave_a_gap_and_hide_nothing() -> None:
    y = np.ones((1, 4000))
    y[0, 1000:3000] = np.nan
    y[0, 500] = 5.0
    low, high = MinMax(y).columns(0.0, 4000.0, 40)
    assert np.isnan(high[0, 12:28]).all()
    assert np.nanmax(high) == 5.0
    assert np.nanmin(low) == 1.0


def test_what_lies_beyond_the_samples_is_empty() -> None:
    low, high = MinMax(np.ones((1, 1000))).columns(-1000.0, 2000.0, 30)
    assert np.isnan(low[0, :9]).all()
    assert (high[0, 10:19] == 1).all()
    assert np.isnan(high[0, 21:]).all()


def test_a_line_covers_as_much_of_a_pixel_as_lies_within() -> None:
    cover = coverage(np.array([0.25, 1.5, np.nan]), np.array([0.75, 3.0, np.nan]), 0, 4)
    np.testing.assert_allclose(cover[:, 0], [0.5, 0, 0, 0])
    np.testing.assert_allclose(cover[:, 1], [0, 0.5, 1, 0])
    assert not cover[:, 2].any()
    part = coverage(np.array([0.25, 1.5, np.nan]), np.array([0.75, 3.0, np.nan]), 1, 3)
    np.testing.assert_array_equal(part, cover[1:3])


def test_layers_hide_what_is_below_them_and_let_the_rest_through() -> None:
    top, foot = np.array([2.0, np.nan]), np.array([3.0, np.nan])
    below = layer_of(np.zeros(2), np.full(2, 8.0), 8, "#0000ff", pen=0.0)
    above = layer_of(top, foot, 8, "#ff0000", pen=0.0, base=6.0)
    image = lane_image([below, above], 8, 2)
    assert image.pixelColor(0, 2).name() == "#ff0000"
    assert image.pixelColor(0, 1).name() == "#0000ff"
    thin = image.pixelColor(0, 4)
    assert (thin.red(), thin.blue()) == pytest.approx((0.28 * 255, 0.72 * 255), abs=2)
    assert image.pixelColor(1, 2).name() == "#0000ff"
    alone = lane_image([above], 8, 2)
    assert alone.pixelColor(0, 0).alpha() == 0
    assert alone.pixelColor(0, 7).alpha() == 0


# Time


def test_zooming_keeps_what_is_below_the_cursor_and_stays_within() -> None:
    limits = Window(0.0, 100.0)
    near = limits.zoomed(4, 30.0, limits, 0.1)
    assert near.size == pytest.approx(25)
    assert (30.0 - near.low) / near.size == pytest.approx(0.3)
    assert near.zoomed(1e-6, 30.0, limits, 0.1) == limits
    assert near.zoomed(1e9, 30.0, limits, 0.1).size == pytest.approx(0.1)
    assert near.moved(500, limits).high == 100.0
    assert near.moved(-500, limits).low == 0.0


def test_times_read_as_clocks_do_once_they_are_long() -> None:
    assert [words for _, words in time_ticks(Window(0, 4), "s", 5)] == ["0", "1", "2", "3", "4"]
    long = time_ticks(Window(0, 3700), "s", 6)
    assert [words for _, words in long][1:3] == ["15:00", "30:00"]
    assert time_title(Window(0, 3700), "s") == "Time (h:min:s)"
    assert moment(4.2312, Window(0, 9), "s") == "4.231 s"
    assert moment(3725.5, Window(3700, 3800), "s") == "1:02:05.5"
    assert moment(41.0, Window(0, 100), "%") == "41.0 %"


def test_ticks_are_in_sight_and_not_too_many() -> None:
    for size in np.geomspace(1e-3, 1e5, 40):
        window = Window(117.3, 117.3 + float(size))
        found = time_ticks(window, "s", 8)
        assert len(found) <= 17
        assert all(window.low - 1e-9 <= at <= window.high + 1e-9 for at, _ in found)


# The drawing


def test_the_cursor_reads_the_channel_below_it(traces: TracesView, qtbot: Any) -> None:
    lane = traces.lanes()[1]
    with qtbot.waitSignal(traces.read) as told:
        qtbot.mouseMove(traces, point(traces, 4.0, lane.center().y()))
    when, value = told.args[0]
    place = round(float(when.split()[0]) / 0.01)
    assert abs(place - 400) <= 2
    expected = float(view().arrays["y"][1, place])
    assert value.startswith("muscle 1 ")
    assert value.endswith(" mV")
    assert float(value.split()[2]) == pytest.approx(expected, rel=1e-3)


def test_the_end_of_a_span_is_dragged(traces: TracesView, qtbot: Any) -> None:
    changed: list[tuple[int, float, float]] = []
    traces.span_changed.connect(lambda *told: changed.append(told))
    QTest.mousePress(traces, Qt.MouseButton.LeftButton, NONE, point(traces, 5.0))
    QTest.mouseMove(traces, point(traces, 7.0))
    assert traces.spans[0].end == pytest.approx(7.0, abs=0.05)
    assert not changed  # only when it is let go
    QTest.mouseRelease(traces, Qt.MouseButton.LeftButton, NONE, point(traces, 7.0))
    assert changed[0] == pytest.approx((0, 2.0, 7.0), abs=0.05)
    assert len(changed) == 1
    assert traces.window_shown == traces.limits


def test_a_span_is_moved_by_its_name_and_stays_within(traces: TracesView) -> None:
    top = traces.area().top() + 5
    QTest.mousePress(traces, Qt.MouseButton.LeftButton, NONE, point(traces, 3.0, top))
    QTest.mouseMove(traces, point(traces, 9.0, top))
    QTest.mouseRelease(traces, Qt.MouseButton.LeftButton, NONE, point(traces, 9.0, top))
    span = traces.spans[0]
    assert span.end == pytest.approx(traces.limits.high)
    assert span.end - span.start == pytest.approx(3.0)


def test_a_fixed_span_does_not_move(traces: TracesView) -> None:
    traces.set_spans([Span(2.0, 5.0, "lead-in", fixed=True)])
    QTest.mousePress(traces, Qt.MouseButton.LeftButton, NONE, point(traces, 5.0))
    QTest.mouseMove(traces, point(traces, 7.0))
    QTest.mouseRelease(traces, Qt.MouseButton.LeftButton, NONE, point(traces, 7.0))
    assert traces.spans[0].end == 5.0


def test_shift_and_drag_draws_a_span(traces: TracesView, qtbot: Any) -> None:
    with qtbot.waitSignal(traces.span_drawn) as told:
        QTest.mousePress(traces, Qt.MouseButton.LeftButton, SHIFT, point(traces, 8.0))
        QTest.mouseMove(traces, point(traces, 6.0))
        QTest.mouseRelease(traces, Qt.MouseButton.LeftButton, SHIFT, point(traces, 6.0))
    assert told.args == [pytest.approx(6.0, abs=0.05), pytest.approx(8.0, abs=0.05)]
    assert len(traces.spans) == 1  # whoever listens decides


def test_keys_reach_everything(traces: TracesView, qtbot: Any) -> None:
    traces.setFocus()
    qtbot.keyClick(traces, Qt.Key.Key_Plus)
    assert traces.window_shown.size == pytest.approx(traces.limits.size / 1.25)
    low = traces.window_shown.low
    qtbot.keyClick(traces, Qt.Key.Key_Left)
    assert traces.window_shown.low < low
    qtbot.keyClick(traces, Qt.Key.Key_0)
    assert traces.window_shown == traces.limits
    qtbot.keyClick(traces, Qt.Key.Key_Up)
    assert traces.gain == pytest.approx(1.25)
    qtbot.keyClick(traces, Qt.Key.Key_Right, SHIFT)
    with qtbot.waitSignal(traces.span_changed) as told:
        qtbot.keyClick(traces, Qt.Key.Key_BracketLeft)
    assert told.args[1] == pytest.approx(5.0, abs=0.05)


def test_a_click_seeks_and_a_drag_pans(traces: TracesView, qtbot: Any) -> None:
    with qtbot.waitSignal(traces.sought) as told:
        qtbot.mouseClick(traces, Qt.MouseButton.LeftButton, pos=point(traces, 8.0))
    assert told.args == [pytest.approx(8.0, abs=0.05)]
    traces.look(Window(2.5, 4.5))
    start = point(traces, 3.5)
    QTest.mousePress(traces, Qt.MouseButton.LeftButton, NONE, start)
    with qtbot.waitSignal(traces.looked):
        QTest.mouseMove(traces, start - QPoint(40, 0))
    QTest.mouseRelease(traces, Qt.MouseButton.LeftButton, NONE, start - QPoint(40, 0))
    assert traces.window_shown.low > 2.5


def parts_of(channels: int, samples: int) -> tuple[Part, ...]:
    rng = np.random.default_rng(3)
    return tuple(
        Part(key, name, color, rng.random(channels), 0.5, rng.random(samples))
        for key, name, color in (("a", "Stance", "#c8503c"), ("b", "Swing", "#3f9d6b"))
    )


def has(made: TracesView, color: str) -> bool:
    shown = made.grab().toImage()
    return any(
        shown.pixelColor(x, y).name() == color
        for x in range(shown.width())
        for y in range(0, shown.height(), 2)
    )


def test_parts_lie_over_the_channels_and_follow_the_mixer(traces: TracesView) -> None:
    parts = parts_of(3, 1000)
    strips = [Strip(p.key, p.name, p.color) for p in parts]
    traces.set_view(view(), parts, strips)
    assert "Stance, Swing" in traces.accessibleDescription()
    traces.look(Window(0.0, 0.4))
    assert has(traces, "#c8503c")
    assert has(traces, "#3f9d6b")
    strips = [Strip("a", "Stance", "#c8503c", solo=True), Strip("b", "Swing", "#3f9d6b")]
    traces.set_view(view(), parts, strips)
    assert has(traces, "#c8503c")
    assert not has(traces, "#3f9d6b")


def test_the_window_is_kept_while_the_mixer_changes(traces: TracesView) -> None:
    traces.look(Window(1.0, 2.0))
    traces.set_view(view(), parts_of(3, 1000), ())
    assert traces.window_shown == Window(1.0, 2.0)
    traces.set_view(view(samples=500), (), ())
    assert traces.window_shown == traces.limits


def test_many_samples_are_prepared_in_a_thread(qtbot: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("partwise_app.viewers.traces._LARGE", 10)
    made = TracesView()
    qtbot.addWidget(made)
    made.set_view(view(2, 500), (), ())
    made.set_view(view(3, 600), (), ())
    assert made.is_empty()
    qtbot.waitUntil(lambda: not made.is_empty())
    assert len(made.ranges()) == 3
    made.grab()


def test_each_channel_may_have_its_own_scale_and_unit(qtbot: Any) -> None:
    y = np.stack([np.linspace(0, 2, 50), np.linspace(-7, 3, 50)])
    made = TracesView()
    qtbot.addWidget(made)
    options = {"units": ["mV", "N"]}
    made.set_view(View("traces", "Two", {"y": y}, (), options), (), ())
    assert made.ranges() == [(0.0, 2.0), (-7.0, 7.0)]
    made.set_gain(2.0)
    assert made.ranges()[0] == (0.0, 1.0)


@pytest.mark.parametrize("y", [np.empty((0, 0)), np.zeros((2, 1)), np.full((1, 9), np.nan)])
def test_odd_data_are_drawn_without_trouble(qtbot: Any, y: Any) -> None:
    made = TracesView()
    qtbot.addWidget(made)
    for tokens in (DARK, LIGHT):
        made.set_theme(tokens)
        made.set_view(View("traces", "Odd", {"y": y}), (), ())
        assert not made.picture().isNull()


def test_nothing_is_left_behind(qtbot: Any) -> None:
    made = TracesView()
    made.resize(200, 150)
    made.set_view(view(), parts_of(3, 1000), ())
    made.grab()
    gone = weakref.ref(made)
    made.deleteLater()
    del made
    qtbot.wait(1)
    gc.collect()
    assert gone() is None
