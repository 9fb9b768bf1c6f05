"""A hand says how much, what is speech and what is noise, and where noise is alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from tests.journeys.conftest import Journey
from tests.journeys.speech.desk import (
    RATE,
    Room,
    drag,
    opened,
    ready,
    select,
    sounds,
)

from partwise_speech.strength import render


def test_strength_is_tried_out_at_once_and_can_be_undone(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    before = sounds(panel)["speech"].copy()
    view.look(type(view.window_shown)(2.0, 4.0))
    panel.teaching.strength.setSliderDown(True)
    with journey.qtbot.waitSignal(panel.trying.previewed, timeout=10_000):
        panel.teaching.strength.setValue(80)
    tried = sounds(panel)["speech"]
    inside, outside = slice(2 * RATE, 4 * RATE), slice(0, 2 * RATE)
    np.testing.assert_array_equal(tried[outside], before[outside])
    recorded, codes = panel.preparing.recording, panel.preparing.codes
    assert recorded is not None
    assert codes is not None
    expected = render(recorded, codes, 2 * RATE, 4 * RATE, 1.6).T
    np.testing.assert_allclose(tried[inside], expected, atol=1e-6)
    assert view._preview is not None
    panel.teaching.strength.setSliderDown(False)
    panel.teaching.strength.sliderReleased.emit()
    assert window.session.parameters["strength"] == pytest.approx(1.6)
    whole_length = render(recorded, codes, 0, 5 * RATE, 1.6).T

    def sounds_like(expected: NDArray[np.float32]) -> bool:
        return bool(np.allclose(sounds(panel)["speech"], expected, atol=1e-5))

    journey.qtbot.waitUntil(lambda: sounds_like(whole_length), timeout=10_000)
    journey.picture(window, "speech-strength")
    window.session.undo()
    journey.qtbot.waitUntil(lambda: sounds_like(before), timeout=10_000)
    assert view._preview is None


def test_paint_teaches_the_next_run_and_is_an_edit(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    before = sounds(panel)["speech"].copy()
    view.setFocus()
    journey.qtbot.keyClick(view, Qt.Key.Key_N)
    assert panel.teaching.held == "noise"
    pane = view.panes()[0]
    start = QPointF(view.x_of(2.4), view.y_of(2000, pane))
    end = QPointF(view.x_of(3.4), view.y_of(2000, pane))
    drag(journey, view, start, end)
    session = window.session
    assert session.parameters["painted"].startswith("noise 2.")
    assert session.undo_name == "Paint noise"
    journey.qtbot.waitUntil(lambda: bool(view._patches))

    def heard_anew() -> bool:
        return not np.array_equal(sounds(panel)["speech"], before)

    journey.qtbot.waitUntil(heard_anew, timeout=10_000)
    now = sounds(panel)["speech"]
    inside = slice(round(2.5 * RATE), round(3.3 * RATE))
    band = np.abs(np.fft.rfft(before[inside, 0])), np.abs(np.fft.rfft(now[inside, 0]))
    hertz = np.fft.rfftfreq(inside.stop - inside.start, 1 / RATE)
    marked = np.abs(hertz - 2000) < 60
    assert np.square(band[1][marked]).sum() < 0.1 * np.square(band[0][marked]).sum()
    # At once inside the mark; then what is in sight is fitted with it.
    journey.qtbot.waitUntil(lambda: panel.refitting.version > 0, timeout=20_000)
    assert panel.refitting.codes is not None
    assert panel.remasking.codes is not None
    elsewhere = slice(0, 2 * 125)
    learned = panel.refitting.codes[:, elsewhere] != panel.remasking.codes[:, elsewhere]
    assert learned.mean() > 0.01, "what was marked is known elsewhere, too"
    journey.qtbot.waitUntil(lambda: view._preview is not None)
    assert panel.teaching.note.full().startswith("Run to keep")
    journey.picture(window, "speech-painted")
    journey.qtbot.keyClick(view, Qt.Key.Key_N)
    assert panel.teaching.held == ""
    session.undo()
    journey.qtbot.waitUntil(lambda: not view._patches)
    journey.qtbot.waitUntil(lambda: not heard_anew(), timeout=10_000)
    assert panel.teaching.note.full().startswith("Noise −")


def test_the_end_of_the_noise_is_dragged(journey: Journey, room: Room) -> None:
    window, panel, view = opened(journey)
    session = window.session
    session.edits.parameter("noise_span", "0.5:1.5")
    journey.qtbot.waitUntil(lambda: bool(view.spans))
    select(journey, view, 1.5, 1.9)
    start, end = (float(edge) for edge in session.parameters["noise_span"].split(":"))
    assert start == pytest.approx(0.5)
    assert end == pytest.approx(1.9, abs=0.02)
    assert panel.stagehand.selection is None
    view.span_changed.emit(0, 0.5, 0.55)  # too short to learn from
    journey.qtbot.waitUntil(lambda: view.spans[0].end == pytest.approx(end))
    assert session.parameters["noise_span"].startswith("0.500:1.")


def test_another_noise_is_seen_and_heard_before_the_run_that_finds_the_same(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    refitting, session = panel.refitting, window.session
    found = refitting.codes
    assert found is panel.remasking.codes, "nothing is tried yet"
    session.edits.parameter("noise_span", "0.5:1.2")
    journey.qtbot.waitUntil(lambda: refitting.version > 0, timeout=20_000)
    tried = refitting.codes
    assert tried is not None
    assert (tried != found).mean() > 0.1
    assert panel.teaching.note.full().startswith("Run to keep")
    journey.qtbot.waitUntil(lambda: view._preview is not None)
    recorded = panel.preparing.recording
    assert recorded is not None
    expected = render(recorded, tried, 0, recorded.samples).T
    journey.qtbot.waitUntil(
        lambda: bool(np.allclose(sounds(panel)["speech"], expected, atol=1e-6)), timeout=10_000
    )
    session.edits.parameter("drift", False)
    journey.run(window)
    journey.qtbot.waitUntil(lambda: refitting.codes is not tried and not refitting.is_tried)
    ran = refitting.codes
    assert ran is not None
    np.testing.assert_array_equal(ran, tried)
    session.edits.parameter("noise_span", "20:30")
    journey.qtbot.waitUntil(lambda: bool(refitting._done.all()), timeout=20_000)
    assert refitting.codes is not None
    # What cannot be, a run tells; till then nothing changes.
    np.testing.assert_array_equal(refitting.codes, ran)
