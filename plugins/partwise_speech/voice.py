"""Which measures has this voice? Pitch, jitter, shimmer, harmonics-to-noise ratio and CPPS.

Written from the published definitions, to show how separation moves them; they are no substitute
for a measurement of the recording as it was made.

References
----------
P. Boersma, Proc. Inst. Phonetic Sci. Amsterdam 17:97, 1993 (pitch and harmonics-to-noise ratio by
autocorrelation, corrected for the window). J. Hillenbrand and R. A. Houde, J. Speech Hear. Res.
39:311, 1996 (smoothed cepstral peak prominence).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from partwise_speech.cycles import jitter_and_shimmer
from partwise_speech.pitch import HIGHEST_HZ, LOWEST_HZ, STEP_S, frames_around, pitch_of

__all__ = ["Voice", "measure_voice"]

_CEPSTRUM = 1024  # samples
_LEAST_VOICED_S = 0.3

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Voice:
    """Measures of the voiced frames; NaN where there is too little voice.

    Attributes
    ----------
    f0, spread : float
        Median and standard deviation of the pitch, Hz.
    jitter, shimmer : float
        Mean difference of consecutive periods, and of their amplitudes, by their means, %.
    hnr, cpps : float
        dB.
    voiced : float
        Seconds with a pitch.
    """

    f0: float
    spread: float
    jitter: float
    shimmer: float
    hnr: float
    cpps: float
    voiced: float


def measure_voice(sound: Sound, rate: int) -> Voice:
    """Measure one channel of sound at `rate` Hz."""
    track, strength = pitch_of(sound, rate)
    voiced = track > 0
    seconds = float(voiced.sum() * STEP_S)
    nothing = float("nan")
    if seconds < _LEAST_VOICED_S:
        return Voice(nothing, nothing, nothing, nothing, nothing, nothing, seconds)
    r = np.clip(strength[voiced], 1e-3, 1 - 1e-5)
    jitter, shimmer = jitter_and_shimmer(np.asarray(sound, np.float64), rate, track, STEP_S)
    return Voice(
        float(np.median(track[voiced])),
        float(track[voiced].std()),
        float(jitter),
        float(shimmer),
        float(np.mean(10 * np.log10(r / (1 - r)))),
        _cpps(sound, rate, voiced),
        seconds,
    )


def _cpps(sound: Sound, rate: int, voiced: NDArray[np.bool_]) -> float:
    """Mean height of the smoothed cepstral peak over its regression line, dB."""
    frames = frames_around(sound, _CEPSTRUM, round(STEP_S * rate))[: len(voiced)]
    total = np.zeros(_CEPSTRUM // 2)
    taper = np.hanning(_CEPSTRUM).astype(np.float32)
    found = []
    for part in np.array_split(frames, max(len(frames) // 500, 1)):
        spectrum = 20 * np.log10(np.abs(scipy.fft.rfft(part * taper, axis=1)) + np.float32(1e-6))
        found.append(np.abs(scipy.fft.irfft(spectrum, axis=1))[:, : len(total)])
    cepstra = np.concatenate(found)
    smooth = uniform_filter(cepstra, 5, mode="nearest")
    level = 20 * np.log10(smooth[voiced[: len(smooth)]] + 1e-9)
    if not len(level):
        return float("nan")
    quefrency = np.arange(level.shape[1]) / rate
    inside = (quefrency >= 1 / HIGHEST_HZ) & (quefrency <= 1 / LOWEST_HZ)
    line = quefrency >= 0.001
    x = quefrency[line] - quefrency[line].mean()
    slope = level[:, line] @ x / (x @ x)
    height = level[:, line].mean(axis=1) - slope * quefrency[line].mean()
    place = np.argmax(np.where(inside, level, -np.inf), axis=1)
    rows = np.arange(len(level))
    return float(np.mean(level[rows, place] - (slope * quefrency[place] + height)))
