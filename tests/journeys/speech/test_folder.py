"""What was chosen for one recording is done to all of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import soundfile
from tests.journeys.conftest import Journey
from tests.journeys.speech.desk import Room, opened

from partwise_speech.panel.folder import words_for


def test_a_folder_gets_the_same(journey: Journey, room: Room) -> None:
    window, panel, _ = opened(journey)
    folder, out = journey.folder / "visits", journey.folder / "out"
    folder.mkdir()
    shutil.copy(journey.folder / "visit.wav", folder / "monday.wav")
    (folder / "tuesday.wav").write_bytes(b"no sound")
    edits = window.session.edits
    edits.parameter("noise_span", "0.2:1.8")
    edits.parameter("strength", 0.5)
    edits.parameter("drift", False)
    journey.qtbot.waitUntil(lambda: panel.folder._values.get("strength") == 0.5)
    panel.folder.run(folder, out)
    journey.qtbot.waitUntil(lambda: panel.folder.process is None, timeout=60_000)
    assert panel.folder.words.full() == "1 done, 1 refused"
    assert not panel.folder.look.isHidden()
    made = soundfile.info(next((out / "monday").glob("*speech.wav")))
    assert made.frames == soundfile.info(folder / "monday.wav").frames
    assert '"strength": 0.5' in (out / "monday" / "result.json").read_text("utf-8")
    assert '"noise_span": "0.2:1.8"' not in (out / "monday" / "result.json").read_text("utf-8")


def test_one_noise_serves_for_all_and_marks_stay_where_they_were_made() -> None:
    values = {"noise_file": "rain.wav", "painted": "noise 1:2 0:8000", "moved": "noise 3"}
    words = words_for({**values, "noise_span": "0:1", "drift": True}, Path("in"), Path("out"))
    assert words[:5] == ["batch", "speech", "in", "-o", "out"]
    assert words[5:] == ["-p", "noise_file=rain.wav", "-p", "drift=true"]
