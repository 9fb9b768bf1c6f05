"""A window with a recording in it, an ear and a mouth of our own, and hands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from tests.journeys.conftest import Journey

from partwise_app.viewers.spectrogram import SpectrogramView
from partwise_app.window import Window
from partwise_speech.panel import Panel
from partwise_speech.player import NoSound, Pull

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


def sounds(panel: Panel) -> dict[str, NDArray[np.float32]]:
    """What can be heard now, by track."""
    return {key: np.asarray(track) for key, track in panel.listening.heard.tracks.items()}
