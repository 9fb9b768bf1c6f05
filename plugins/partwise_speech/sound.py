"""Where are the samples of a recording? In memory, or read piece by piece from its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem, InputProblem
from partwise_speech.packed import unpacked

__all__ = ["Recording", "mono_at", "recording_of", "resampled"]

Sound = NDArray[np.float32]

_BLOCK_S = 20.0


class Recording:
    """Samples of a sound dataset by place, whether they are in memory or not.

    Parameters
    ----------
    dataset : Dataset
        Of kind ``"sound"``, as `partwise_speech.readers.load_sound` gives it.

    Attributes
    ----------
    rate : float
        Samples per second.
    channels, samples : int

    Raises
    ------
    InputProblem
        The dataset is no sound.
    """

    def __init__(self, dataset: Dataset) -> None:
        if dataset.kind != "sound":
            raise InputProblem(
                f"{dataset.title} is no sound",
                argument="input",
                fix="give a recording, such as WAV or FLAC",
            )
        time, channel = dataset.axis("time"), dataset.axis("channel")
        self.rate = float(1.0 / time.step)
        self.samples, self.channels = time.size, channel.size
        self.title = dataset.title
        self._values: NDArray[np.generic] | None = dataset.values
        self._path = Path(dataset.source.path) if dataset.source else None
        self._packed = "unpacked" in dataset.meta

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    def read(self, start: int, stop: int) -> Sound:
        """Return samples from `start` to before `stop`, float32 (channels, samples).

        What lies outside the recording is zero.
        """
        low, high = max(start, 0), min(stop, self.samples)
        if self._values is None and (low, high) == (start, stop) and low < high:
            return self._cut(low, high)
        out = np.zeros((self.channels, max(stop - start, 0)), np.float32)
        if high > low:
            out[:, low - start : high - start] = self._cut(low, high)
        return out

    def mono(self, start: int, stop: int) -> Sound:
        """Return the mean of the channels, float32 (samples,)."""
        found = self.read(start, stop)
        mean = found[0] if self.channels == 1 else found.mean(axis=0)
        return np.asarray(mean, dtype=np.float32)

    def blocks(self, seconds: float = _BLOCK_S) -> Iterator[tuple[int, int]]:
        """Return starts and ends of pieces that cover the recording."""
        size = max(int(seconds * self.rate), 1)
        for start in range(0, self.samples, size):
            yield start, min(start + size, self.samples)

    def _cut(self, low: int, high: int) -> Sound:
        if self._values is not None:
            return np.asarray(self._values[:, low:high], dtype=np.float32)
        import soundfile

        assert self._path is not None
        try:
            if self._packed:
                found, whole_numbers = unpacked(self._path).read(low, high), False
            else:
                with soundfile.SoundFile(self._path) as file:
                    file.seek(low)
                    found = file.read(high - low, dtype="float32", always_2d=True).T
                    whole_numbers = file.subtype.startswith("PCM")
        except (OSError, RuntimeError) as error:
            raise FileProblem(
                self._path,
                "is gone or has changed since it was opened",
                fix="put it back, or open it again",
            ) from error
        if not whole_numbers:  # else all of them are finite
            found = np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
        if found.shape != (self.channels, high - low):
            raise FileProblem(
                self._path, "has changed since it was opened", fix="open the recording again"
            )
        return np.asarray(found, dtype=np.float32)


def recording_of(dataset: Dataset) -> Recording:
    """Return access to the samples of a dataset; raises `InputProblem` where it is no sound."""
    return Recording(dataset)


def mono_at(recording: Recording, rate: int, start_s: int, end_s: int) -> Sound:
    """Return a stretch of a recording as one channel at another rate, zero outside it.

    Parameters
    ----------
    recording : Recording
    rate : int
        Hz.
    start_s, end_s : int
        Whole seconds, where samples of both rates fall together; may lie outside.

    Returns
    -------
    ndarray of float32, shape ((end_s - start_s) * rate,)
    """
    # A second more at both ends keeps the resampler's edges out of the stretch.
    whole = round(recording.rate)
    first, last = (start_s - 1) * whole, (end_s + 1) * whole
    found = resampled(recording.mono(first, last), recording.rate, rate)
    return found[rate : rate + (end_s - start_s) * rate]


def resampled(sound: Sound, rate: float, wanted: float) -> Sound:
    """Return a sound at another rate."""
    if rate == wanted or not len(sound):
        return sound
    import soxr

    made: Any = soxr.resample(sound, rate, wanted)
    return np.asarray(made, dtype=np.float32)
