"""Which pitch has this sound, moment by moment? By autocorrelation, along the likeliest path.

P. Boersma, Proc. Inst. Phonetic Sci. Amsterdam 17:97, 1993: the autocorrelation of a tapered frame
is divided by that of its taper; peaks of it are candidates, one more is no voice, and the path
through them that jumps least is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import median_filter

__all__ = [
    "HIGHEST_HZ",
    "LOWEST_HZ",
    "STEP_S",
    "frames_around",
    "periodic_share",
    "pitch_of",
    "pitched_share",
]

LOWEST_HZ, HIGHEST_HZ = 65.0, 500.0
STEP_S = 0.01
_VOICE_HZ = 75.0, 350.0  # of those who talk; singers go further
_CANDIDATES = 5  # of which the first is no voice
_VOICED = 0.45  # autocorrelation below which a frame has no pitch
_OCTAVE, _JUMP, _CHANGE = 0.01, 0.35, 0.14  # per octave; per octave and 10 ms; per change
_FAINT = 0.03  # of the loudest frame

Sound = NDArray[np.float32]
Array = NDArray[np.float64]


def pitch_of(sound: Sound, rate: int) -> tuple[Array, Array]:
    """Return pitch in Hz (0 without voice) and periodicity (0 to 1), one per `STEP_S`."""
    corr, loud = _correlated(sound, rate)
    if not len(corr):
        return np.zeros(0), np.zeros(0)
    found = _candidates(corr, loud / max(float(loud.max()), 1e-12), float(rate))
    return _best_path(*found)


def pitched_share(sound: Sound, rate: int) -> float:
    """Return in which share of a sound there is the pitch of a voice, 75 to 350 Hz."""
    track, _ = pitch_of(sound, rate)
    if not len(track):
        return 0.0
    return float(np.mean((track > _VOICE_HZ[0]) & (track < _VOICE_HZ[1])))


def periodic_share(sound: Sound, rate: int) -> float:
    """Return in which share of a sound there is the pitch of a voice, without anything compiled.

    The likeliest pitch of each frame counts by itself, where most of the five around it have one
    of a voice; `pitched_share` follows the likeliest path instead.
    """
    corr, loud = _correlated(sound, rate)
    if not len(corr):
        return 0.0
    lags = np.arange(max(int(rate / HIGHEST_HZ), 1), corr.shape[1] - 1)
    left, inner, right = (corr[:, lags + k] for k in (-1, 0, 1))
    worth = np.where((inner >= left) & (inner > right), inner, -1.0)
    worth -= _OCTAVE * np.log2(HIGHEST_HZ * lags / rate)
    best = worth.argmax(axis=1)
    hertz = rate / lags[best]
    none = _VOICED + np.maximum(
        0.0, 2.0 - loud / (max(float(loud.max()), 1e-12) * _FAINT) * (1.0 + _VOICED)
    )
    voice = worth.max(axis=1) > none
    voice &= (hertz > _VOICE_HZ[0]) & (hertz < _VOICE_HZ[1])
    return float(np.mean(median_filter(voice.astype(np.uint8), 5)))


def _correlated(sound: Sound, rate: int) -> tuple[Array, Array]:
    """Autocorrelation of each frame by lag, 1 at none, and the largest sample of each."""
    window = round(3 * rate / LOWEST_HZ)
    frames = frames_around(sound, window, round(STEP_S * rate))
    if not len(frames):
        return np.zeros((0, 0)), np.zeros(0)
    loud = np.abs(frames).max(axis=1)
    phase = (np.arange(window) + 0.5) / window
    taper = (0.5 - 0.5 * np.cos(2 * np.pi * phase)).astype(np.float32)
    longest = int(rate / LOWEST_HZ) + 2
    size = scipy.fft.next_fast_len(window + longest, real=True)
    own = _autocorrelation(taper[None], size, longest)[0]
    corr = np.concatenate(
        [
            _autocorrelation((part - part.mean(axis=1, keepdims=True)) * taper, size, longest)
            for part in np.array_split(frames, max(len(frames) // 500, 1))
        ]
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        corr = np.nan_to_num(corr / corr[:, :1] / (own / own[0]), nan=0.0, posinf=0.0)
    return corr, loud


def frames_around(sound: Sound, window: int, step: int) -> Sound:
    """Return frames of `window` samples around every `step`-th sample, (frames, window)."""
    padded = np.pad(sound, (window // 2, window // 2))
    cut: Any = np.lib.stride_tricks.sliding_window_view(padded, window)[::step]
    return np.asarray(cut)


def _autocorrelation(frames: NDArray[np.floating[Any]], size: int, longest: int) -> Array:
    spectra = scipy.fft.rfft(frames, size, axis=1)
    power = np.square(spectra.real) + np.square(spectra.imag)
    return np.asarray(scipy.fft.irfft(power, size, axis=1)[:, :longest], np.float64)


@njit(cache=True, nogil=True)
def _candidates(corr: Array, loud: Array, rate: float) -> tuple[Array, Array, Array]:
    """Pitch, worth and periodicity of the best peaks of each frame; pitch 0 is no voice."""
    count, longest = corr.shape
    shortest = int(rate / HIGHEST_HZ)
    hertz = np.zeros((count, _CANDIDATES))
    value = np.full((count, _CANDIDATES), -1e9)
    strength = np.zeros((count, _CANDIDATES))
    for t in range(count):
        value[t, 0] = _VOICED + max(0.0, 2.0 - (loud[t] / _FAINT) * (1.0 + _VOICED))
        for lag in range(max(shortest, 1), longest - 1):
            a, b, c = corr[t, lag - 1], corr[t, lag], corr[t, lag + 1]
            if b <= 0.5 * _VOICED or b < a or b <= c:
                continue
            bend = a - 2 * b + c
            move = 0.5 * (a - c) / bend if bend != 0 else 0.0
            peak = min(b - 0.25 * (a - c) * move, 1.0)
            f = rate / (lag + move)
            worth = peak - _OCTAVE * np.log2(HIGHEST_HZ / f)
            worst = 1 + np.argmin(value[t, 1:])
            if worth > value[t, worst]:
                value[t, worst], hertz[t, worst], strength[t, worst] = worth, f, peak
    return hertz, value, strength


@njit(cache=True, nogil=True)
def _best_path(hertz: Array, value: Array, strength: Array) -> tuple[Array, Array]:
    """The path through the candidates that is worth most, its jumps taken off (Viterbi)."""
    count = len(hertz)
    back = np.zeros((count, _CANDIDATES), np.int64)
    total = value.copy()
    for t in range(1, count):
        for k in range(_CANDIDATES):
            best, at = -1e18, 0
            for j in range(_CANDIDATES):
                score = total[t - 1, j] - _jump(hertz[t - 1, j], hertz[t, k])
                if score > best:
                    best, at = score, j
            total[t, k] = value[t, k] + best
            back[t, k] = at
    f0, sure = np.zeros(count), np.zeros(count)
    k = int(np.argmax(total[count - 1]))
    for t in range(count - 1, -1, -1):
        f0[t], sure[t] = hertz[t, k], strength[t, k]
        k = back[t, k]
    return f0, sure


@njit(cache=True, nogil=True, inline="always")
def _jump(before: float, after: float) -> float:
    if (before > 0) != (after > 0):
        return _CHANGE
    return _JUMP * abs(np.log2(after / before)) if after > 0 else 0.0
