"""What is kept of a recording as it goes by? Gains as bytes, spectra, levels, sums; not samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise_speech.frames import RATE, stft_for
from partwise_speech.separator import Stretch
from partwise_speech.sound import Recording
from partwise_speech.strength import codes_of, render

__all__ = ["Summary"]

_MOST_COLUMNS = 30_000  # of a spectrogram that is kept for the stage
_PIECE_S, _MOST_PIECES = 10.0, 6  # of noise alone, by which its attenuation is measured

Array = NDArray[np.float32]


class Summary:
    """Adds stretches up.

    Parameters
    ----------
    recording : Recording
    frames : int
    span : tuple of float or None
        Noise alone, in seconds.

    Attributes
    ----------
    codes : ndarray of uint8, shape (257, frames)
        Gains as `partwise_speech.strength` keeps them.
    reached : int
        Frames that have gone by.
    used : ndarray of float32, shape (voice atoms,)
        How much of the recording each atom of the voice renders.
    """

    def __init__(self, recording: Recording, frames: int, span: tuple[float, float] | None) -> None:
        bins = RATE // 2 // 125 * 4 + 1
        self.frames, self.reached = frames, 0
        self._recording = recording
        self.codes = np.full((bins, frames), 255, np.uint8)
        self.every = max(-(-frames // _MOST_COLUMNS), 1)
        self.power = np.zeros((bins, -(-frames // self.every)), np.float32)
        self.energy = 0.0
        self.trace: list[float] = []
        self.updates = 0
        self.kkt = 0.0
        self.atoms: Array = np.zeros((0, 0), np.float32)
        self.active: list[Array] = []
        self.used = np.zeros(0, np.float32)
        self._spectra = np.zeros((2, bins))
        self._courses = np.zeros((2, frames), np.float32)
        self._square = self._error = 0.0
        self._mass = self._missed = 0.0
        hop = stft_for(RATE).hop / RATE
        self.span = span
        self._inside = (round(span[0] / hop), round(span[1] / hop)) if span else (0, 0)
        self._lead = np.zeros(2)

    def add(self, stretch: Stretch) -> None:
        """Take one stretch in."""
        first, count = stretch.first, stretch.power.shape[1]
        cut = slice(first, first + count)
        self.reached = first + count
        gain, power = stretch.gain, stretch.power
        self.codes[:, cut] = codes_of(gain)
        kept = np.square(gain) * power
        self.energy += float(power.sum(dtype=np.float64))
        for k, part in enumerate((kept, power - kept)):
            self._spectra[k] += part.sum(axis=1, dtype=np.float64)
            self._courses[k, cut] = np.sqrt(np.maximum(part.mean(axis=0), 0))
        low, high = (max(edge - first, 0) for edge in self._inside)
        self._lead += power[:, low:high].sum(), kept[:, low:high].sum()
        self._shrink(first, power)
        fit = stretch.fit
        self.trace = _summed(self.trace, fit.trace)
        self.updates += fit.updates
        self.kkt = max(self.kkt, fit.kkt)
        self._square += fit.square
        self._error += fit.error
        self._mass += fit.mass
        self._missed += fit.missed
        self.atoms = fit.atoms
        self.active.append(fit.active)
        self.used = self.used + fit.used if self.used.size else fit.used

    @property
    def explained(self) -> float:
        """Share of the sum of squares, in bands, that both models explain."""
        return 1.0 - self._error / self._square if self._square > 0 else 0.0

    @property
    def left(self) -> float:
        """Share of the magnitudes that no model explains."""
        return self._missed / self._mass if self._mass > 0 else 0.0

    @cached_property
    def lead_in(self) -> tuple[float, float] | None:
        """Energy in the noise-only span before and after, as it is heard, or None without one.

        What is left of noise differs from frame to frame, and much of it cancels where frames
        overlap: the sound itself is measured, once, when all of it has gone by.
        """
        if self.span is None or not self._lead[0] > 0:
            return None
        start, stop = (round(edge * self._recording.rate) for edge in self.span)
        before = after = 0.0
        size = round(_PIECE_S * self._recording.rate)
        for first in range(start, min(stop, start + _MOST_PIECES * size), size):
            last = min(first + size, stop)
            before += _energy(self._recording.read(first, last))
            after += _energy(render(self._recording, self.codes, first, last))
        return (before, after) if before > 0 else None

    def snr_before(self) -> float:
        """Return the ratio of speech to noise of the recording, in dB; needs a noise-only span."""
        return self._ratio(self.energy - self._lead[0], 0.0)

    def snr_after(self, quieter: float) -> float:
        """Return the ratio of speech to noise of what was kept, in dB; needs a noise-only span.

        Parameters
        ----------
        quieter : float
            By how many dB the stretch of noise alone has become quieter.
        """
        return self._ratio(float(self._spectra[0].sum()) - self._lead[1], quieter)

    def _ratio(self, beside: float, quieter: float) -> float:
        """Ratio to the noise alone of the energy beside it that is more than that noise, in dB."""
        if self.span is None or not self._lead[0] > 0:
            return float("nan")
        span = max(self._inside[1] - self._inside[0], 1)
        noise = self._lead[0] / span * 10 ** (-quieter / 10)
        rest = max(self.frames - span, 1)
        return float(10 * np.log10(np.clip(beside / rest / max(noise, 1e-20) - 1, 1e-3, 1e6)))

    def shares(self) -> tuple[float, float]:
        """Return the share of the energy that is speech, and noise."""
        total = float(self._spectra.sum()) or 1.0
        return float(self._spectra[0].sum() / total), float(self._spectra[1].sum() / total)

    def spectrum(self, part: int) -> NDArray[np.float64]:
        """Return the root mean square spectrum of a part, (257,)."""
        power = np.maximum(self._spectra[part] / max(self.frames, 1), 0)
        return np.asarray(np.sqrt(power), np.float64)

    def course(self, part: int) -> Array:
        """Return the level of a part per frame, (frames,)."""
        return np.array(self._courses[part])

    def _shrink(self, first: int, power: Array) -> None:
        places = (first + np.arange(power.shape[1])) // self.every
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        columns: Any = np.maximum.reduceat(power, starts, axis=1)
        target = self.power[:, places[starts]]
        self.power[:, places[starts]] = np.maximum(target, columns)


def _energy(sound: Array) -> float:
    return float(np.square(sound, dtype=np.float64).sum())


def _summed(trace: Sequence[float], other: Sequence[float]) -> list[float]:
    """Objectives of stretches that are fitted each for itself, together; one may have stopped."""
    if not trace:
        return list(other)
    length = max(len(trace), len(other))
    both = [[*one, *[one[-1]] * (length - len(one))] for one in (trace, other)]
    return [a + b for a, b in zip(*both, strict=True)]
