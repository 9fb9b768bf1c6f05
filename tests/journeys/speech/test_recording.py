"""A microphone is recorded, and heard live without its noise."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog
from tests.journeys.conftest import Journey
from tests.journeys.speech.desk import (
    Room,
    opened,
)

from partwise_speech.panel.capture import Capture


def test_a_recording_is_made_and_opened(journey: Journey, room: Room) -> None:
    window, panel, _ = opened(journey)
    target = journey.folder / "new visit.flac"
    panel.recording.start(target)
    push = room.push
    assert push is not None
    said = 0.3 * np.sin(np.arange(48_000) / 20).astype(np.float32)
    for start in range(0, said.size, 4800):
        push(said[start : start + 4800])
    with journey.qtbot.waitSignal(window.session.opened, timeout=20_000):
        panel.recording.stop()
    journey.qtbot.waitUntil(lambda: window.session.input is not None, timeout=20_000)
    source = window.session.source
    assert source is not None
    assert source.title == "new visit.flac"
    journey.qtbot.waitUntil(lambda: panel.listening.duration == pytest.approx(1.0))


def test_a_microphone_is_heard_live(journey: Journey, room: Room) -> None:
    window, panel, _ = opened(journey)
    live = panel.recording.live
    journey.qtbot.waitUntil(live.isEnabled)
    live.click()
    push, monitor = room.push, panel.recording.monitor
    assert push is not None
    assert monitor is not None
    noise = 0.05 * np.random.default_rng(1).standard_normal(72_000).astype(np.float32)
    for start in range(0, noise.size, 4800):
        push(noise[start : start + 4800])
    words = panel.recording._words
    journey.qtbot.waitUntil(lambda: "ms late" in words.text(), timeout=20_000)
    journey.picture(window, "speech-live")
    live.click()
    assert panel.recording.monitor is None
    assert words.text() == ""


def test_one_begins_with_a_microphone(
    journey: Journey, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = journey.folder / "first visit.wav"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(target), ""))
    window = journey.window()
    window.welcome.record_asked.emit()
    page = window.findChild(Capture)
    assert page is not None
    journey.qtbot.waitUntil(page.recording.button.isEnabled)
    page.recording.button.click()
    assert room.push is not None
    tone = 0.2 * np.sin(2 * np.pi * 150 * np.arange(4800) / 48_000)
    for _ in range(10):
        room.push(tone[:, None].astype(np.float32))
    page.close()  # what was recorded is kept
    journey.qtbot.waitUntil(lambda: window.session.input is not None, timeout=20_000)
    assert window.session.title == "first visit"
    assert target.is_file()
