"""What is there to play on and to record from, and what is said where there is nothing?"""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from partwise_speech import device
from partwise_speech.player import NoSound, Player

RATE = 8000


def test_a_machine_without_the_sound_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert "PortAudio" in device.why_no_speaker()
    assert "PortAudio" in device.why_no_microphone()
    with pytest.raises(NoSound, match="libportaudio2"):
        device.open_speaker(lambda out: None, RATE, 1)


class _Library:
    """As much of sounddevice as is used, with a device that takes 48 kHz alone."""

    class PortAudioError(Exception):
        pass

    latency, active = 0.02, False

    def __init__(self, rates: tuple[int, ...] = (48_000,)) -> None:
        self.rates = rates

    def query_devices(self, kind: str) -> dict[str, float]:
        if not self.rates:
            raise ValueError("no device")
        return {"default_samplerate": float(self.rates[0])}

    def OutputStream(self, samplerate: int, callback: object, **kinds: object) -> _Library:
        if samplerate not in self.rates:
            raise self.PortAudioError("Invalid sample rate")
        self.callback = callback
        return self

    def start(self) -> None:
        self.active = True

    def stop(self, ignore_errors: bool) -> None:
        self.active = False

    def close(self, ignore_errors: bool) -> None: ...


def test_a_device_that_knows_only_its_own_rate_plays_at_the_right_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = _Library()
    monkeypatch.setattr(importlib, "import_module", lambda name: library)
    sound = (0.5 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)).astype(np.float32)
    player = Player(device.open_speaker)
    player.load({"a": sound}, RATE)
    player.choose({"a": 1.0})
    player.play()
    assert library.active
    heard = np.zeros((24_000, 1), np.float32)
    for start in range(0, 24_000, 480):
        library.callback(heard[start : start + 480], 480, None, None)  # type: ignore[operator]
    spectrum = np.abs(np.fft.rfft(heard[4800:, 0] * np.hanning(19_200)))
    assert np.argmax(spectrum) * 48_000 / 19_200 == pytest.approx(500, abs=3)
    assert 0.4 < np.abs(heard[4800:]).max() < 0.6


def test_no_device_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: _Library(()))
    assert device.why_no_speaker().startswith("No loudspeaker")
    assert device.why_no_microphone().startswith("No microphone")
    with pytest.raises(NoSound, match="cannot be opened"):
        device.open_speaker(lambda out: None, RATE, 1)
