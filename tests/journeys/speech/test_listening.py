"""Whole, speech and residual are heard at the same sample, equally loud, before and after a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt
from tests.journeys.conftest import Journey
from tests.journeys.speech.desk import (
    FADE,
    RATE,
    Room,
    heard,
    opened,
    ready,
    select,
    sounds,
)

from partwise_speech.loudness import Loudness
from partwise_speech.trust import quieter_alone


def test_drop_drag_over_noise_listen(journey: Journey, room: Room) -> None:
    """The default for a new user, and 1, 2, 3 at the same sample, equally loud."""
    window, panel, view = opened(journey)
    assert not view.is_empty(), "a recording is seen before any run"
    assert panel.under_stage.isVisible()
    assert not panel.selection.noise.isVisible()
    journey.picture(window, "speech-open")

    select(journey, view, 0.2, 1.8)
    assert panel.selection.noise.isVisible()
    journey.picture(window, "speech-selected")
    with journey.qtbot.waitSignal(window.session.run_added, timeout=90_000):
        panel.selection.noise.click()
    assert window.session.parameters["noise_span"].startswith("0.")
    heard(journey, panel)
    view = panel.stagehand.view  # type: ignore[assignment]  # there is one, asserted above
    assert [span.name for span in view.spans] == ["Noise only"]
    assert len(view.panes()) == 2, "the first result is seen beside the recording"

    tracks = sounds(panel)
    whole, speech = (tracks[k][:, 0] for k in ("whole", "speech"))
    assert np.square(speech[: 2 * RATE]).mean() < 0.2 * np.square(whole[: 2 * RATE]).mean()

    assert panel.listening.position == pytest.approx(0.2, abs=0.02), "where it was selected"
    panel.listening.seek(0.0)
    view.setFocus()
    journey.qtbot.keyClick(view, Qt.Key.Key_Space)
    assert panel.listening.playing
    ear = room.ear
    assert ear is not None
    gains = panel.listening._levels.gains  # type: ignore[union-attr]  # the loudness is known
    first = ear.listen(RATE)
    np.testing.assert_allclose(first[FADE:], gains["whole"] * whole[FADE:RATE], atol=2e-5)
    strips = window.session.strips
    journey.qtbot.keyClick(view, Qt.Key.Key_2)
    second = ear.listen(RATE)
    expected = gains["speech"] * speech[RATE : 2 * RATE]
    np.testing.assert_allclose(second[FADE:], expected[FADE:], atol=2e-5)
    journey.qtbot.keyClick(view, Qt.Key.Key_3)
    third = ear.listen(RATE)
    rest = gains["residual"] * (whole - speech)[2 * RATE : 3 * RATE]
    np.testing.assert_allclose(third[FADE:], rest[FADE:], atol=2e-5)
    assert window.session.strips == strips, "digits choose what is heard, not what is shown"
    steps = np.abs(np.diff(np.concatenate([first, second, third])))
    own = max(np.abs(np.diff(x)).max() for x in (first[FADE:], second[FADE:], third[FADE:]))
    assert steps.max() < own + 0.02, "no click between them"
    known, mixes = Loudness(tracks, RATE), panel.preparing.heard.mixes
    loud = [known.of({k: v * gains[key] for k, v in mix.items()}) for key, mix in mixes.items()]
    assert max(loud) - min(loud) < 0.5
    journey.qtbot.waitUntil(lambda: view._playhead is not None)
    assert panel.listening.position == pytest.approx(3.0, abs=0.01)
    journey.picture(window, "speech-playing")
    journey.qtbot.keyClick(view, Qt.Key.Key_Space)
    ear.listen(1024)
    journey.qtbot.waitUntil(lambda: not ear.running)


def test_solo_in_the_mixer_is_what_is_heard(journey: Journey, room: Room, done: Path) -> None:
    window, panel, _ = ready(journey, done)
    session = window.session
    session.edits.strip("speech", "Solo Speech", {"solo": True})
    journey.qtbot.waitUntil(lambda: panel.listening.key == "speech")
    session.edits.strip("speech", "End solo", {"solo": False})
    journey.qtbot.waitUntil(lambda: panel.listening.key == "whole")
    session.edits.strip("noise", "Solo Noise", {"solo": True})
    journey.qtbot.waitUntil(lambda: panel.listening.key == "residual")


def test_speech_is_heard_before_any_run(journey: Journey, room: Room) -> None:
    window, panel, view = opened(journey)
    listening = panel.listening
    journey.qtbot.waitUntil(lambda: "speech" in listening.keys)
    view.setFocus()
    listening.seek(0.5)
    journey.qtbot.keyClick(view, Qt.Key.Key_2)
    assert listening.key == "whole", "nothing is heard before there is some"
    journey.qtbot.waitUntil(lambda: listening.key == "speech", timeout=20_000)
    assert "48 ms" in panel.transport._said.full()
    ahead = panel.hearing.streaming._ahead
    assert ahead is not None
    journey.qtbot.waitUntil(lambda: ahead.done, timeout=20_000)
    whole, speech = (sounds(panel)[k][:, 0] for k in ("whole", "speech"))
    assert np.square(speech[: 2 * RATE]).mean() < 0.2 * np.square(whole[: 2 * RATE]).mean()
    loud = slice(2 * RATE, 5 * RATE)
    assert np.corrcoef(whole[loud], speech[loud])[0, 1] > 0.8, "at its place in time"
    journey.picture(window, "speech-preview")
    window.session.edits.parameter("noise_span", "0.2:1.8")
    journey.qtbot.waitUntil(lambda: panel.hearing.streaming._ahead is not ahead)
    assert listening.key == "speech", "made anew with what was chosen, and heard meanwhile"
    journey.qtbot.keyClick(view, Qt.Key.Key_1)
    window.session.undo()
    journey.qtbot.waitUntil(lambda: panel.hearing.streaming._ahead is None)
    assert "speech" not in sounds(panel)


def test_the_original_slides_under_the_speech_while_it_plays(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    listening = panel.listening
    view.setFocus()
    journey.qtbot.keyClick(view, Qt.Key.Key_2)
    listening.seek(2.0)
    listening.toggle()
    ear = room.ear
    assert ear is not None
    first = ear.listen(RATE // 2)
    panel.teaching.original.setSliderDown(True)
    for percent in (10, 25, 40):
        panel.teaching.original.setValue(percent)
    second = ear.listen(RATE // 2)
    panel.teaching.original.setSliderDown(False)
    panel.teaching.original.sliderReleased.emit()
    assert window.session.parameters["original"] == pytest.approx(40)
    tracks = sounds(panel)
    speech, whole = tracks["speech"][:, 0], tracks["whole"][:, 0]
    mixed = 0.6 * speech + 0.4 * whole
    gain = listening._levels.gains["speech"]  # type: ignore[union-attr]  # it was measured
    cut = slice(int(2.5 * RATE) + 2 * FADE, 3 * RATE)
    np.testing.assert_allclose(second[2 * FADE :], gain * mixed[cut], atol=2e-5)
    steps = np.abs(np.diff(np.concatenate([first, second])))
    assert steps[len(first) - FADE : len(first) + 2 * FADE].max() < steps.max() + 0.02
    result = window.session.run.result if window.session.run is not None else None
    quieter = quieter_alone(result)
    assert quieter is not None
    left = -20 * np.log10(0.6 * 10 ** (-quieter / 20) + 0.4)
    said = f"Run to keep · Noise −{left:.0f} dB"
    journey.qtbot.waitUntil(lambda: panel.teaching.note.full().startswith(said))

    def measured() -> bool:
        found = panel.teaching._quality
        return found is not None and abs(found.quieter - left) < 0.5 and found.after > found.before

    journey.qtbot.waitUntil(measured, timeout=10_000)
    known = Loudness({"x": (gain * mixed)[:, None].astype(np.float32)}, RATE)
    assert known.of({"x": 1}) == pytest.approx(listening.loudness, abs=0.1)
    opened_ = window.session.input
    assert opened_ is not None
    exporter = next(e for e in opened_.plugin.exporters if e.role == "speech")
    window.session.outbox.export([(exporter, None)], journey.folder, "heard")
    journey.qtbot.waitUntil(lambda: bool(list(journey.folder.glob("heard*.wav"))), timeout=20_000)
    written, _ = soundfile.read(next(journey.folder.glob("heard*.wav")))
    np.testing.assert_allclose(written, mixed, atol=1e-4)
    window.session.undo()
    journey.qtbot.waitUntil(lambda: listening.original == 0)


def test_keys_belong_to_the_picture_but_not_to_a_text_that_is_written(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    view.setFocus()
    journey.qtbot.mouseClick(panel.transport.choice("speech"), Qt.MouseButton.LeftButton)
    assert panel.listening.key == "speech"
    assert view.hasFocus(), "a click on a button leaves the keys where they were"
    journey.qtbot.keyClick(view, Qt.Key.Key_A)
    assert panel.listening.key == "whole"
    journey.qtbot.keyClick(view, Qt.Key.Key_R)
    assert panel.listening.loop == pytest.approx(panel.stagehand.window, abs=0.02)
    journey.qtbot.keyClick(view, Qt.Key.Key_R)
    assert panel.listening.loop is None
    field = window.desk.form.field("noise_span")
    field.setFocus()
    journey.qtbot.keyClick(field, Qt.Key.Key_3)
    assert panel.listening.key == "whole"
    assert "3" in field.text()  # type: ignore[attr-defined]  # a line edit
    panel.transport.play.setFocus(Qt.FocusReason.TabFocusReason)
    journey.qtbot.keyClick(panel.transport.play, Qt.Key.Key_Space)
    assert panel.listening.playing, "reached by Tab, Space presses it, once"


def test_what_plays_ends_when_another_input_is_looked_at(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, _ = ready(journey, done)
    panel.listening.toggle()
    assert panel.listening.playing
    journey.open(window, journey.tissue())
    journey.qtbot.waitUntil(lambda: not panel.listening.playing)
    assert not panel.under_stage.isVisible()
    before = window.session.strips
    window.session.look_at_source(window.session.state.sources[0].id)
    journey.qtbot.waitUntil(lambda: panel.listening.duration > 0)
    assert before == ()


def test_without_a_loudspeaker_all_else_works_and_the_reason_is_there(
    journey: Journey, room: Room
) -> None:
    room.why = "No loudspeaker or headphones are connected"
    window, panel, view = opened(journey)
    journey.qtbot.waitUntil(lambda: bool(panel.listening.reason))
    assert not panel.transport.play.isEnabled()
    assert room.why in panel.transport.play.toolTip()
    assert panel.transport._said.full() == "No sound output"
    assert panel.transport.toolTip() == room.why
    view.setFocus()
    journey.qtbot.keyClick(view, Qt.Key.Key_Space)
    assert not panel.listening.playing
    # The microphone is asked for by itself, in the background.
    journey.qtbot.waitUntil(lambda: not panel.recording.button.isEnabled())
    journey.qtbot.keyClick(view, Qt.Key.Key_2)
    assert panel.listening.key == "whole", "there is no speech before a run"
    journey.picture(window, "speech-silent")
