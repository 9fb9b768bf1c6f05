"""Voices and noises are learned, kept by name, looked into and used at another visit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtWidgets import QFileDialog, QInputDialog, QPushButton, QRadioButton
from tests.journeys.conftest import Journey
from tests.journeys.speech.desk import (
    RATE,
    Room,
    opened,
    ready,
    recording,
    select,
)

from partwise_speech.dictionary import load_dictionary
from partwise_speech.panel import Panel
from partwise_speech.panel.inspecting import Inspector


def test_a_voice_is_learned_kept_and_used_again(
    journey: Journey, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, panel, view = opened(journey)
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: ("Visit in March", True))
    select(journey, view, 2.1, 4.9)
    with journey.qtbot.waitSignal(panel.learning.learned, timeout=30_000):
        panel.selection.voice.click()
    path = window.session.parameters["speech_dictionary"]
    assert Path(path).is_file()
    assert load_dictionary(Path(path)).name == "Visit in March"
    journey.picture(window, "speech-voice")
    other = journey.window()
    journey.open(other, recording(journey.folder))
    again = other.desk.findChild(Panel)
    assert again is not None
    assert "Use Visit in March" in _picks(again)


def _picks(panel: Panel) -> dict[str, QRadioButton]:
    return {made.accessibleName(): made for made in panel.shelf.findChildren(QRadioButton)}


def test_a_class_of_noise_is_learned_from_recordings_and_used_on_another_recording(
    journey: Journey, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, panel, _ = opened(journey)
    rng = np.random.default_rng(2)
    paths = [str(journey.folder / f"fan {k}.wav") for k in range(2)]
    for path in paths:
        soundfile.write(path, 0.1 * rng.standard_normal(RATE), RATE)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *a, **k: (paths, ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: ("Fans", True))
    with journey.qtbot.waitSignal(panel.learning.learned, timeout=30_000):
        panel.shelf.gather["noise"].click()
    kept = window.session.parameters["noise_file"]
    found = load_dictionary(Path(kept))
    assert (found.name, found.kind, found.count) == ("Fans", "noise", 16)
    assert window.session.undo_name == "Choose a noise"
    journey.picture(window, "speech-class")

    journey.open(window, recording(journey.folder).rename(journey.folder / "other.wav"))
    journey.qtbot.waitUntil(lambda: "Use Fans" in _picks(panel))
    _picks(panel)["Use This recording's own"].click()
    assert not window.session.parameters["noise_file"]
    journey.qtbot.waitUntil(lambda: not _picks(panel)["Use Fans"].isChecked())
    for _ in range(2):  # chosen again it stays
        _picks(panel)["Use Fans"].click()
        assert window.session.parameters["noise_file"] == kept
    journey.run(window)
    result = window.session.run.result if window.session.run is not None else None
    assert result is not None
    table = next(t for t in result.tables if "used" in t.title)
    assert table.rows[1][:3] == ("Noise", "Fans", 16)

    def is_chosen() -> bool:  # the list is made anew
        return _picks(panel)["Use Fans"].isChecked()

    journey.qtbot.waitUntil(is_chosen)
    journey.qtbot.waitUntil(lambda: "all with the noise Fans" in panel.folder._hint.text())
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: ("Of today", True))
    journey.qtbot.waitUntil(panel.shelf.save_noise.isVisible)
    panel.shelf.save_noise.click()
    journey.qtbot.waitUntil(lambda: "Use Of today" in _picks(panel), timeout=20_000)


def test_a_dictionary_is_looked_into_and_heard(journey: Journey, room: Room, done: Path) -> None:
    _, panel, _ = ready(journey, done)
    look = next(
        made
        for made in panel.shelf.findChildren(QPushButton)
        if made.accessibleName() == "Look at Generic voice"
    )
    look.click()
    box = panel.findChild(Inspector)
    assert box is not None
    journey.qtbot.waitExposed(box)
    assert box.grab().save(str(journey.results / "journey-speech-dictionary.png"))
    assert len(box.tiles) > 40
    box.tiles[5].click()
    ear = room.ear
    assert ear is not None
    assert np.abs(ear.listen(8000)).max() > 0.2
    box.close()


def test_a_file_that_went_away_is_said_and_the_window_stays(
    journey: Journey, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partwise_speech.readers._IN_MEMORY", 1000)
    window, panel, view = opened(journey)
    (journey.folder / "visit.wav").unlink()
    select(journey, view, 2.1, 4.9)
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: ("Gone", True))
    with journey.qtbot.waitSignal(panel.learning.failed, timeout=20_000):
        panel.selection.voice.click()
    assert window.notices.notice is not None
