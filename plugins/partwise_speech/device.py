"""Which loudspeaker and microphone are there, and if none, why? The only user of PortAudio."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from partwise_speech.player import NoSound, Pull, Samples, Sink
from partwise_speech.recorder import Push, Source

__all__ = ["open_microphone", "open_speaker", "why_no_microphone", "why_no_speaker"]

_WITHOUT = "The sound library PortAudio is not installed (package libportaudio2)"


def open_speaker(pull: Pull, rate: int, channels: int) -> Sink:
    """Open the system's output; raises `NoSound`."""
    return _Speaker(_library(), pull, rate, channels)


def open_microphone(push: Push, rate: int) -> Source:
    """Open the system's input, one channel; raises `NoSound`."""
    return _Microphone(_library(), push, rate)


def why_no_speaker() -> str:
    """Return why nothing can be heard; empty where it can."""
    return _why("output", "No loudspeaker or headphones are connected")


def why_no_microphone() -> str:
    """Return why nothing can be recorded; empty where it can."""
    return _why("input", "No microphone is connected")


def _why(kind: str, missing: str) -> str:
    try:
        library = _library()
    except NoSound as reason:
        return str(reason)
    try:
        library.query_devices(kind=kind)
    except (ValueError, library.PortAudioError):
        return missing
    return ""


def _library() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError) as error:  # the package is there, but the library it calls not
        raise NoSound(_WITHOUT) from error


class _Speaker:
    """Pulls from PortAudio's own thread; at the device's rate where it takes no other."""

    def __init__(self, library: Any, pull: Pull, rate: int, channels: int) -> None:
        self._library, self._pull = library, pull
        self._resample: Any = None
        try:
            self._stream = self._open(rate, channels)
        except library.PortAudioError:
            try:
                native = int(library.query_devices(kind="output")["default_samplerate"])
                self._stream = self._open(native, channels)
            except (ValueError, library.PortAudioError) as error:
                raise NoSound(f"The sound output cannot be opened: {error}") from error
            self._resample = _Resampled(pull, rate, native, channels)

    @property
    def latency(self) -> float:
        return float(self._stream.latency)

    def start(self) -> None:
        try:
            if not self._stream.active:
                self._stream.start()
        except self._library.PortAudioError as error:
            raise NoSound(f"The sound output cannot be started: {error}") from error

    def stop(self) -> None:
        self._stream.stop(ignore_errors=True)

    def close(self) -> None:
        self._stream.close(ignore_errors=True)

    def _open(self, rate: int, channels: int) -> Any:
        return self._library.OutputStream(
            samplerate=rate, channels=channels, dtype="float32", callback=self._on_frames
        )

    def _on_frames(self, out: Samples, frames: int, time: object, status: object) -> None:
        if self._resample is None:
            self._pull(out)
        else:
            self._resample.fill(out)


class _Resampled:
    """Pulls at one rate what is wanted at another."""

    def __init__(self, pull: Pull, rate: int, native: int, channels: int) -> None:
        import soxr

        self._pull = pull
        self._stream = soxr.ResampleStream(rate, native, channels, dtype="float32")
        self._block = np.zeros((max(rate // 50, 1), channels), np.float32)
        self._left = np.zeros((0, channels), np.float32)

    def fill(self, out: Samples) -> None:
        while len(self._left) < len(out):
            self._pull(self._block)
            more = self._stream.resample_chunk(self._block).reshape(-1, out.shape[1])
            self._left = np.concatenate([self._left, more])
        out[:] = self._left[: len(out)]
        self._left = self._left[len(out) :]


class _Microphone:
    def __init__(self, library: Any, push: Push, rate: int) -> None:
        self._library, self._push = library, push
        try:
            self._stream = library.InputStream(
                samplerate=rate, channels=1, dtype="float32", callback=self._on_frames
            )
        except (ValueError, library.PortAudioError) as error:
            raise NoSound(f"The microphone cannot be opened: {error}") from error

    @property
    def latency(self) -> float:
        return float(self._stream.latency)

    def start(self) -> None:
        try:
            self._stream.start()
        except self._library.PortAudioError as error:
            raise NoSound(f"The microphone cannot be started: {error}") from error

    def close(self) -> None:
        self._stream.close(ignore_errors=True)

    def _on_frames(self, heard: Samples, frames: int, time: object, status: object) -> None:
        self._push(heard[:, 0])
