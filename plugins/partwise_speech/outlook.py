"""What is seen of a recording before it is taken apart? Its waveform and its spectrogram."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, View
from partwise_speech.frames import RATE, STFT, stft_for
from partwise_speech.separator import model_frames
from partwise_speech.sound import Recording, mono_at, recording_of

__all__ = ["Wave", "overview", "view_of_recording", "waveform"]

_RANGE_DB = 80.0
_MOST_COLUMNS = 30_000
_MOST_WAVE = 10_000_000
_AT_ONCE = 5000  # frames, 40 s
_MANY = 4  # frames in a column from which every second one is enough

Array = NDArray[np.float32]
Wave = tuple[Array, float]
"""What is drawn of the sound, and the seconds from one number of it to the next."""


def view_of_recording(dataset: Dataset) -> View:
    """Return the view that the stage shows before a run.

    A long recording is drawn by the loudest of each few frames, and its waveform by the lowest
    and highest of each few samples, so that nothing short is lost and memory stays bounded.
    """
    recording = recording_of(dataset)
    stft = stft_for(RATE)
    every = max(-(-model_frames(recording) // _MOST_COLUMNS), 1)
    every += every % 2 if every >= _MANY else 0
    power = overview(recording, every)
    top = float(power.max(initial=0.0)) or 1.0
    decibels = 10 * np.log10(np.maximum(power / top, 1e-12))
    levels = np.clip(np.rint((decibels + _RANGE_DB) / _RANGE_DB * 255), 0, 255).astype(np.uint8)
    wave, step = waveform(recording)
    high = 10 * float(np.log10(top)) - stft.full_scale_db
    return View(
        "spectrogram",
        "Spectrogram",
        {"whole": levels, "wave": wave},
        (
            Axis("frequency", stft.bins, "Hz", RATE / 2 / (stft.bins - 1)),
            Axis("time", levels.shape[1], "s", stft.hop / RATE * every),
        ),
        {"level": [high - _RANGE_DB, high], "unit": "dBFS", "wave_step": step, "tab": "Recording"},
    )


def overview(
    recording: Recording, every: int, cancelled: Callable[[], bool] = lambda: False
) -> Array:
    """Return the power of a recording, the largest of each few frames, float32 (257, columns).

    Parameters
    ----------
    recording : Recording
    every : int
        Frames in a column. Of many every second will do, whose windows still see every sample.
    cancelled : callable
        Asked once per stretch; what is left stays zero.
    """
    frames, stft = model_frames(recording), stft_for(RATE)
    skip = 2 if every >= _MANY and every % 2 == 0 else 1
    thin = STFT(stft.window, stft.hop * skip)
    columns = max(-(-frames // every), 1)
    out = np.zeros((stft.bins, columns), np.float32)
    step = max(_AT_ONCE // every, 1) * every
    for first in range(0, frames, step):
        if cancelled():
            break
        sound = _inside(recording, stft, first, min(first + step, frames))
        found = thin.inside(sound)
        power = np.square(found.real) + np.square(found.imag)
        if every > 1:
            power = np.maximum.reduceat(power, np.arange(0, power.shape[1], every // skip), axis=1)
        low = first // every
        out[:, low : low + power.shape[1]] = power[:, : columns - low]
    return out


def _inside(recording: Recording, stft: STFT, first: int, last: int) -> Array:
    """Samples that frames `first` to before `last` cover, at the model's rate."""
    low, high = first * stft.hop - stft.lead, last * stft.hop
    start_s, end_s = low // RATE, -(-high // RATE)
    sound = mono_at(recording, RATE, start_s, end_s)
    return sound[low - start_s * RATE : high - start_s * RATE]


def waveform(recording: Recording) -> Wave:
    """Return samples, or of a long recording pairs of the lowest and highest of each few."""
    if recording.samples <= _MOST_WAVE:
        pieces = [recording.mono(start, stop) for start, stop in recording.blocks()]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32), 1 / recording.rate
    few = 2 * -(-recording.samples // _MOST_WAVE)
    size = few * 65_536
    pairs = []
    for start in range(0, recording.samples, size):
        sound = recording.mono(start, min(start + size, recording.samples))
        sound = np.pad(sound, (0, -len(sound) % few), mode="edge")
        across = np.ascontiguousarray(sound.reshape(-1, few).T)  # few long rows reduce faster
        pairs.append(np.stack([across.min(axis=0), across.max(axis=0)], axis=1).ravel())
    return np.concatenate(pairs), few / 2 / recording.rate
