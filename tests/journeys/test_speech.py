"""A recording is seen, heard and taught, in a real window with an ear of our own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QInputDialog, QPushButton
from tests.journeys.conftest import Journey

from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.plugins.registry import load_registry
from partwise.project.document import Document, Source
from partwise.project.store import save
from partwise_app.viewers.spectrogram import SpectrogramView
from partwise_app.window import Window
from partwise_speech import device
from partwise_speech.dictionary import load_dictionary
from partwise_speech.loudness import Loudness
from partwise_speech.panel import Panel
from partwise_speech.panel.inspecting import Inspector
from partwise_speech.panel.tile import AtomTile
from partwise_speech.player import NoSound, Pull
from partwise_speech.readers import load_sound
from partwise_speech.strength import render

RATE = 16_000
FADE = 160


class Ear:
    """What would be heard: samples that the test asks for."""

    latency = 0.0

    def __init__(self, pull: Pull, rate: int, channels: int) -> None:
        self.pull, self.rate, self.channels = pull, rate, channels
        self.running = False

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        self.running = False

    def listen(self, frames: int) -> NDArray[np.float32]:
        out = np.zeros((frames, self.channels), np.float32)
        for start in range(0, frames, 128):
            self.pull(out[start : start + 128])
        return out[:, 0]


class Room:
    """Loudspeaker, microphone, and whether they are there."""

    def __init__(self) -> None:
        self.ear: Ear | None = None
        self.push: Callable[[NDArray[np.float32]], None] | None = None
        self.why = ""

    def open_speaker(self, pull: Pull, rate: int, channels: int) -> Ear:
        if self.why:
            raise NoSound(self.why)
        self.ear = Ear(pull, rate, channels)
        return self.ear

    def open_microphone(self, push: Any, rate: int) -> Any:
        self.push = push
        return Ear(lambda out: None, rate, 1)

    def reason(self) -> str:
        return self.why


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = Room()
    monkeypatch.setattr(device, "open_speaker", made.open_speaker)
    monkeypatch.setattr(device, "open_microphone", made.open_microphone)
    monkeypatch.setattr(device, "why_no_speaker", made.reason)
    monkeypatch.setattr(device, "why_no_microphone", made.reason)
    return made


def recording(folder: Path) -> Path:
    """Two seconds of noise alone, then a voice of vowels in it."""
    rng = np.random.default_rng(7)
    t = np.arange(5 * RATE) / RATE
    pitch = 2 * np.pi * np.cumsum(130 + 15 * np.sin(2 * np.pi * 0.8 * t)) / RATE
    harmonics = np.arange(1, 24)[:, None]
    voice = (np.sin(harmonics * pitch) / harmonics).sum(axis=0)
    voice *= 0.09 * (t > 2) * np.clip(np.sin(2 * np.pi * 2 * t) + 0.4, 0, 1)
    noise = np.convolve(rng.standard_normal(t.size + 7), np.ones(8) / 8, "valid")
    path = folder / "visit.wav"
    soundfile.write(path, (voice + 0.06 * noise).astype(np.float32), RATE, "PCM_16")
    return path


def opened(journey: Journey) -> tuple[Window, Panel, SpectrogramView]:
    window = journey.window()
    journey.open(window, recording(journey.folder))
    panel = window.desk.findChild(Panel)
    assert panel is not None
    journey.qtbot.waitUntil(lambda: panel.listening.duration > 0)
    view = panel.stagehand.view
    assert view is not None
    return window, panel, view


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a result, made once."""
    folder = tmp_path_factory.mktemp("done")
    dataset = load_sound(recording(folder))
    assert dataset.source is not None
    request = Request("speech", "denoise", dataset, {"noise_span": "0.2:1.8", "drift": False})
    result = perform(request, LocalJob(), load_registry())
    document = Document()
    document.add_source(Source("source-1", "speech", dataset.title, dataset.source))
    document.add_run("source-1", "speech", "denoise", "Run 1", result)
    save(document.state, folder / "visit.partwise")
    return folder / "visit.partwise"


def ready(journey: Journey, project: Path) -> tuple[Window, Panel, SpectrogramView]:
    """A window with the result in sight, all of it prepared."""
    window = journey.window()
    journey.open(window, project)
    panel = window.desk.findChild(Panel)
    assert panel is not None
    heard(journey, panel)
    view = panel.stagehand.view
    assert view is not None
    journey.qtbot.waitUntil(lambda: len(view.panes()) == 2)
    return window, panel, view


def heard(journey: Journey, panel: Panel) -> None:
    journey.qtbot.waitUntil(lambda: "speech" in panel.listening.keys, timeout=20_000)
    listening = panel.listening

    def measured() -> bool:
        return listening._levels is not None and "speech" in listening._levels.gains

    journey.qtbot.waitUntil(measured, timeout=20_000)


def drag(journey: Journey, view: SpectrogramView, start: QPointF, end: QPointF) -> None:
    left = Qt.MouseButton.LeftButton
    journey.qtbot.mousePress(view, left, pos=start.toPoint())
    journey.qtbot.mouseMove(view, ((start + end) / 2).toPoint())
    journey.qtbot.mouseMove(view, end.toPoint())
    journey.qtbot.mouseRelease(view, left, pos=end.toPoint())


def select(journey: Journey, view: SpectrogramView, start: float, end: float) -> None:
    y = view.strip().center().y()
    drag(journey, view, QPointF(view.x_of(start), y), QPointF(view.x_of(end), y))


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

    tracks = panel.preparing.heard.tracks
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


def test_strength_is_tried_out_at_once_and_can_be_undone(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    before = panel.preparing.heard.tracks["speech"].copy()
    view.look(type(view.window_shown)(2.0, 4.0))
    panel.teaching.strength.setSliderDown(True)
    with journey.qtbot.waitSignal(panel.trying.previewed, timeout=10_000):
        panel.teaching.strength.setValue(80)
    tried = panel.listening.heard.tracks["speech"]
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
        return bool(np.allclose(panel.listening.heard.tracks["speech"], expected, atol=1e-5))

    journey.qtbot.waitUntil(lambda: sounds_like(whole_length), timeout=10_000)
    journey.picture(window, "speech-strength")
    window.session.undo()
    journey.qtbot.waitUntil(lambda: sounds_like(before), timeout=10_000)
    assert view._preview is None


def test_paint_teaches_the_next_run_and_is_an_edit(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
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
    journey.picture(window, "speech-painted")
    journey.qtbot.keyClick(view, Qt.Key.Key_N)
    assert panel.teaching.held == ""
    session.undo()
    journey.qtbot.waitUntil(lambda: not view._patches)


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


def test_an_atom_is_heard_alone(journey: Journey, room: Room, done: Path) -> None:
    _, panel, _ = ready(journey, done)
    tiles = panel.atoms.tiles["noise"]
    assert len(tiles) >= 8
    with journey.qtbot.waitSignal(panel.preparing.atoms_ready, timeout=20_000):
        tiles[0].click()
    assert panel.listening.key == "atoms"
    atom = panel.listening.heard.tracks["atoms"]
    rest = panel.listening.heard.tracks["whole"] - panel.listening.heard.tracks["speech"]
    assert 0 < np.square(atom).mean() < np.square(rest).mean()
    tiles[0].click()
    journey.qtbot.waitUntil(lambda: panel.listening.key == "residual")


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
    names = [row.accessibleName() for row in again.shelf.findChildren(type(_radio(panel)))]
    assert "Use Visit in March" in names


def _radio(panel: Panel) -> Any:
    from PySide6.QtWidgets import QRadioButton

    found = panel.shelf.findChild(QRadioButton)
    assert found is not None
    return found


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
    assert not panel.recording.button.isEnabled()
    journey.qtbot.keyClick(view, Qt.Key.Key_2)
    assert panel.listening.key == "whole", "there is no speech before a run"
    journey.picture(window, "speech-silent")


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


def test_an_atom_that_is_dropped_on_the_other_side_counts_there_at_once(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    session, remasking = window.session, panel.remasking
    journey.qtbot.waitUntil(lambda: len(panel.atoms.tiles["voice"]) == 12, timeout=20_000)
    found = remasking.codes
    assert found is not None
    before = panel.listening.heard.tracks["speech"].copy()
    placed = panel.atoms.sides["noise"].grid.itemAt(0)
    strongest = placed.widget() if placed is not None else None
    assert isinstance(strongest, AtomTile)
    carried = strongest.mime  # the event does not keep it
    drop = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.MoveAction,
        carried,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    panel.atoms.sides["voice"].dropEvent(drop)
    assert session.parameters["moved"] == f"noise {strongest.number}"
    assert session.undo_name == f"Move atom {strongest.number}"
    journey.qtbot.waitUntil(lambda: remasking.version > 0, timeout=20_000)
    assert strongest.parent() is panel.atoms.sides["voice"]
    tried = remasking.codes
    assert tried is not None
    assert tried is not found
    assert (tried.astype(int) - found >= -1).mean() > 0.9, "more counts as speech, so more stays"
    recorded = panel.preparing.recording
    assert recorded is not None
    expected = render(recorded, tried, 0, 5 * RATE).T

    def sounds_like(expected: NDArray[np.float32]) -> bool:
        return bool(np.allclose(panel.listening.heard.tracks["speech"], expected, atol=1e-6))

    journey.qtbot.waitUntil(lambda: sounds_like(expected), timeout=10_000)
    journey.qtbot.waitUntil(lambda: view._preview is not None)
    assert panel.teaching.note.full() == "Run to keep"
    journey.picture(window, "speech-moved")
    session.undo()
    journey.qtbot.waitUntil(lambda: sounds_like(before), timeout=10_000)
    assert remasking.codes is found


def test_the_keyboard_moves_an_atom_and_moves_it_back(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, _ = ready(journey, done)
    journey.qtbot.waitUntil(lambda: len(panel.atoms.tiles["voice"]) == 12, timeout=20_000)
    group = panel.atoms.tiles["voice"][3]
    for moved, name in (("voice 4", "counts as noise"), ("", "of it")):
        group.setFocus()
        journey.qtbot.keyClick(group, Qt.Key.Key_T)
        assert window.session.parameters["moved"] == moved
        journey.qtbot.waitUntil(lambda name=name: group.accessibleName().endswith(name))
    with journey.qtbot.waitSignal(panel.preparing.atoms_ready, timeout=20_000):
        group.click()
    mine = panel.listening.heard.tracks["atoms"]
    speech = panel.listening.heard.tracks["speech"]
    assert 0 < np.square(mine).mean() < np.square(speech).mean()


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
    tracks = listening.heard.tracks
    speech, whole = tracks["speech"][:, 0], tracks["whole"][:, 0]
    mixed = 0.6 * speech + 0.4 * whole
    gain = listening._levels.gains["speech"]  # type: ignore[union-attr]  # it was measured
    cut = slice(int(2.5 * RATE) + 2 * FADE, 3 * RATE)
    np.testing.assert_allclose(second[2 * FADE :], gain * mixed[cut], atol=2e-5)
    steps = np.abs(np.diff(np.concatenate([first, second])))
    assert steps[len(first) - FADE : len(first) + 2 * FADE].max() < steps.max() + 0.02
    journey.qtbot.waitUntil(lambda: panel.teaching.note.full() == "Run to keep")
    known = Loudness({"x": (gain * mixed)[:, None].astype(np.float32)}, RATE)
    assert known.of({"x": 1}) == pytest.approx(listening.loudness, abs=0.1)
    opened_ = window.session.input
    assert opened_ is not None
    exporter = next(e for e in opened_.plugin.exporters if e.role == "speech")
    window.session.export([(exporter, None)], journey.folder, "heard")
    journey.qtbot.waitUntil(lambda: bool(list(journey.folder.glob("heard*.wav"))), timeout=20_000)
    written, _ = soundfile.read(next(journey.folder.glob("heard*.wav")))
    np.testing.assert_allclose(written, mixed, atol=1e-4)
    window.session.undo()
    journey.qtbot.waitUntil(lambda: listening.original == 0)


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
    whole, speech = (listening.heard.tracks[k][:, 0] for k in ("whole", "speech"))
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
    assert "speech" not in listening.heard.tracks


def test_atoms_are_seen_while_they_form(journey: Journey, room: Room) -> None:
    _, panel, _ = opened(journey)
    board = panel.atoms
    assert not board.isVisible()
    board.show_noise(np.eye(8, 96, dtype=np.float32), None)
    panel._fold_atoms()
    assert board.isVisible()
    assert [tile.isEnabled() for tile in board.tiles["noise"]] == [False] * 8
    assert board.sides["noise"].title.words() == "Noise, being learned"
    panel.teaching.atoms.click()
    assert not board.isVisible()


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
