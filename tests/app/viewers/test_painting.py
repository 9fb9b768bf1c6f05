"""Does a hand that paints, selects and previews over a spectrogram say what it means?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from tests.app.viewers.test_spectrogram import BINS, PARTS, TIMES, view

from partwise.data.dataset import Axis
from partwise.result import View
from partwise_app.viewers.painting import Brush, Patch
from partwise_app.viewers.spectrogram import SpectrogramView
from partwise_app.viewers.timeline import Span, Window

NOISE = Brush("noise", "#e08a2c", 12)


@pytest.fixture
def sound(qtbot: Any) -> SpectrogramView:
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(560, 480)
    made.set_view(view(), PARTS, ())
    made.show()
    return made


def drag(qtbot: Any, widget: SpectrogramView, *spots: QPointF) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(widget, left, pos=spots[0].toPoint())
    for spot in spots[1:]:
        qtbot.mouseMove(widget, spot.toPoint())
    qtbot.mouseRelease(widget, left, pos=spots[-1].toPoint())


def test_a_stroke_covers_where_the_brush_went(sound: SpectrogramView, qtbot: Any) -> None:
    sound.set_brush(NOISE)
    pane = sound.panes()[1]
    start = QPointF(sound.x_of(1.0), sound.y_of(2000, pane))
    end = QPointF(sound.x_of(2.0), sound.y_of(5000, pane))
    before = sound.window_shown
    with qtbot.waitSignal(sound.painted) as told:
        drag(qtbot, sound, start, end)
    dabs = told.args[0]
    assert sound.window_shown == before, "a brush paints and does not pan"
    near, far = dabs[0], dabs[-1]
    seconds = before.size / sound.area().width()
    assert (near.start + near.end) / 2 == pytest.approx(1.0, abs=2 * seconds)
    assert (far.start + far.end) / 2 == pytest.approx(2.0, abs=2 * seconds)
    assert near.low < 2000 < near.high
    assert far.low < 5000 < far.high
    assert near.end - near.start == pytest.approx(24 * seconds, rel=0.01)
    for one, next_ in itertools.pairwise(dabs):
        assert next_.start <= one.end, "no gap between two touches"
    sound.set_brush(None)
    drag(qtbot, sound, start, end)
    assert sound.window_shown == before  # all of it is on screen: nothing to pan to
    sound.zoom_in()
    zoomed = sound.window_shown
    drag(qtbot, sound, start, start + QPointF(40, 0))
    assert sound.window_shown != zoomed


def test_a_stroke_stays_inside_its_pane(sound: SpectrogramView, qtbot: Any) -> None:
    sound.set_brush(NOISE)
    pane = sound.panes()[0]
    with qtbot.waitSignal(sound.painted) as told:
        drag(qtbot, sound, pane.center(), QPointF(pane.right() + 300, pane.top() - 200))
    low, high = sound.frequencies()
    for dab in told.args[0]:
        assert low <= dab.low <= dab.high <= high
        assert sound.limits.low <= dab.start <= dab.end <= sound.limits.high + 1e-9


def test_patches_are_seen_where_they_are(sound: SpectrogramView) -> None:
    plain = sound.grab().toImage()
    sound.set_patches([Patch(1.0, 2.0, 2000, 4000, "#00ff00", "/")])
    shown = sound.grab().toImage()
    pane = sound.panes()[0]

    def changed(at: float, hertz: float) -> bool:
        x, y = int(sound.x_of(at)), int(sound.y_of(hertz, pane))
        return any(plain.pixelColor(x + k, y) != shown.pixelColor(x + k, y) for k in range(-2, 3))

    assert changed(1.5, 3000)
    assert not changed(1.5, 5000)
    assert not changed(2.5, 3000)


def test_a_drag_over_the_waveform_selects_and_a_click_seeks(
    sound: SpectrogramView, qtbot: Any
) -> None:
    y = sound.strip().center().y()
    assert sound.strip().height() > 0
    with qtbot.waitSignal(sound.span_drawn) as told:
        drag(qtbot, sound, QPointF(sound.x_of(0.5), y), QPointF(sound.x_of(1.5), y))
    assert told.args == pytest.approx([0.5, 1.5], abs=0.02)
    with qtbot.waitSignal(sound.sought) as sought:
        qtbot.mouseClick(sound, Qt.MouseButton.LeftButton, pos=QPoint(int(sound.x_of(2.0)), int(y)))
    assert sought.args[0] == pytest.approx(2.0, abs=0.02)


def test_a_span_is_taken_by_its_end_even_over_the_waveform(
    sound: SpectrogramView, qtbot: Any
) -> None:
    sound.set_spans([Span(0.5, 1.5, "noise only")])
    y = sound.strip().center().y()
    with qtbot.waitSignal(sound.span_changed) as told:
        drag(qtbot, sound, QPointF(sound.x_of(1.5), y), QPointF(sound.x_of(2.5), y))
    place, start, end = told.args
    assert place == 0
    assert (start, end) == pytest.approx((0.5, 2.5), abs=0.02)
    sound.set_view(view(), PARTS, ())
    assert sound.spans[0].end == pytest.approx(2.5, abs=0.02), "the panel's spans outlive a view"


def test_a_preview_is_drawn_over_the_parts_and_nowhere_else(qtbot: Any) -> None:
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(560, 480)
    zeros = np.zeros((2, BINS, TIMES), np.uint8)
    axes = (Axis("frequency", BINS, "Hz", 125.0), Axis("time", TIMES, "s", 0.01))
    arrays = {"whole": zeros[0], "parts": zeros}
    one = View("spectrogram", "Quiet", arrays, axes)
    made.set_view(one, PARTS, ())
    made.set_preview(np.full((BINS, 100), 255, np.uint8), 100)
    shown = made.picture()
    whole, parts = made.panes()

    def bright(at: float, pane: Any) -> int:
        return shown.pixelColor(int(made.x_of(at)), int(pane.center().y())).lightness()

    assert bright(1.5, parts) > 180
    assert bright(1.5, whole) < 10
    assert bright(0.9, parts) < 10
    assert bright(2.1, parts) < 10
    made.set_view(one, PARTS, ())
    shown = made.picture()
    assert bright(1.5, parts) > 180, "a mixer that changes leaves the preview"
    made.set_view(View("spectrogram", "Quiet", dict(arrays), axes), PARTS, ())
    shown = made.picture()
    assert bright(1.5, parts) < 10, "a new result ends it"


def test_what_is_drawn_alone_takes_the_place_of_the_first_part(qtbot: Any) -> None:
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(560, 480)
    loud = np.full((2, BINS, TIMES), 255, np.uint8)
    axes = (Axis("frequency", BINS, "Hz", 125.0), Axis("time", TIMES, "s", 0.01))
    one = View("spectrogram", "Loud", {"whole": loud[0], "parts": loud}, axes)
    made.set_view(one, PARTS, ())
    made.set_alone(np.zeros((BINS, 100), np.uint8), 100, "Atom 7", "#e08a2c")
    whole, part = made.panes()
    shown = made.picture()
    spot = QPointF(made.x_of(1.5), part.center().y())
    assert shown.pixelColor(spot.toPoint()).lightness() < 10
    above = QPointF(spot.x(), whole.center().y())
    assert shown.pixelColor(above.toPoint()).lightness() > 180
    words = made.reading(1.5, spot)
    assert words[-1].startswith("Atom 7 ≤ ")
    assert len(made.reading(2.5, spot)) == len(words) - 1, "beyond it nothing is known"
    made.set_alone(None)
    assert made.picture().pixelColor(spot.toPoint()).lightness() > 180


def test_the_page_turns_with_the_playhead(sound: SpectrogramView, qtbot: Any) -> None:
    sound.look(Window(0.0, 1.0))
    sound.follow(0.5)
    assert sound.window_shown == Window(0.0, 1.0)
    with qtbot.waitSignal(sound.looked):
        sound.follow(1.25)
    assert sound.window_shown == pytest.approx((1.25, 2.25))
    sound.follow(sound.limits.high)
    assert sound.window_shown.high == sound.limits.high


def test_fine_columns_take_over_where_all_in_sight_lies_in_them(qtbot: Any) -> None:
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(560, 480)
    coarse = np.zeros((BINS, TIMES), np.uint8)
    axes = (Axis("frequency", BINS, "Hz", 125.0), Axis("time", TIMES, "s", 0.1))
    made.set_view(View("spectrogram", "Long", {"whole": coarse}, axes), (), ())
    fine = np.zeros((BINS, 400), np.uint8)
    fine[:, 200:] = 255  # from 10.0 to 14.0 s, loud from 12.0 s on
    made.set_detail({"whole": fine}, 10.0, 0.01)

    def bright(at: float) -> int:
        pane = made.panes()[0]
        shown = made.picture()
        return shown.pixelColor(int(made.x_of(at)), int(pane.center().y())).lightness()

    made.look(Window(11.0, 13.0))
    assert bright(11.9) < 10
    assert bright(12.1) > 180
    made.look(Window(11.0, 20.0))
    assert bright(12.1) < 10, "what is partly held is drawn in one grain"
    made.look(Window(11.0, 13.0))
    made.set_detail(None)
    assert bright(12.1) < 10
