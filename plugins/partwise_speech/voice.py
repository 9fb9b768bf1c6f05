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
from typing import Any

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

__all__ = ["Voice", "measure_voice", "pitch_of"]

LOWEST_HZ, HIGHEST_HZ = 65.0, 500.0
_STEP_S = 0.01
_CANDIDATES = 5
_VOICED = 0.45  # autocorrelation below which a frame has no pitch
_OCTAVE, _JUMP, _CHANGE = 0.01, 0.35, 0.14  # per octave; per octave and 10 ms; per change
_FAINT = 0.03  # of the loudest frame
_CEPSTRUM = 1024
_LEAST_VOICED_S = 0.3

Sound = NDArray[np.float32]
Array = NDArray[np.float64]


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
    seconds = float(voiced.sum() * _STEP_S)
    nothing = float("nan")
    if seconds < _LEAST_VOICED_S:
        return Voice(nothing, nothing, nothing, nothing, nothing, nothing, seconds)
    r = np.clip(strength[voiced], 1e-3, 1 - 1e-5)
    jitter, shimmer = _cycles(np.asarray(sound, np.float64), rate, track, _STEP_S)
    return Voice(
        float(np.median(track[voiced])),
        float(track[voiced].std()),
        float(jitter),
        float(shimmer),
        float(np.mean(10 * np.log10(r / (1 - r)))),
        _cpps(sound, rate, voiced),
        seconds,
    )


def pitch_of(sound: Sound, rate: int) -> tuple[Array, Array]:
    """Return pitch in Hz (0 without voice) and periodicity (0 to 1), one per 10 ms."""
    window = round(3 * rate / LOWEST_HZ)
    frames = _frames(sound, window, round(_STEP_S * rate))
    if not len(frames):
        return np.zeros(0), np.zeros(0)
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
    return _best_path(corr, loud / max(float(loud.max()), 1e-12), float(rate))


def _frames(sound: Sound, window: int, step: int) -> NDArray[np.float32]:
    padded = np.pad(sound, (window // 2, window // 2))
    cut: Any = np.lib.stride_tricks.sliding_window_view(padded, window)[::step]
    return np.asarray(cut)


def _autocorrelation(frames: NDArray[np.floating[Any]], size: int, longest: int) -> Array:
    spectra = scipy.fft.rfft(frames, size, axis=1)
    power = np.square(spectra.real) + np.square(spectra.imag)
    return np.asarray(scipy.fft.irfft(power, size, axis=1)[:, :longest], np.float64)


@njit(cache=True, nogil=True)
def _best_path(  # noqa: C901 - a compiled loop is one function
    corr: Array, loud: Array, rate: float
) -> tuple[Array, Array]:
    """Candidates per frame, and the path through them that costs least (Viterbi)."""
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
            worst = 1
            for k in range(1, _CANDIDATES):
                if value[t, k] < value[t, worst]:
                    worst = k
            if worth > value[t, worst]:
                value[t, worst], hertz[t, worst], strength[t, worst] = worth, f, peak
    back = np.zeros((count, _CANDIDATES), np.int64)
    total = value.copy()
    for t in range(1, count):
        for k in range(_CANDIDATES):
            best, at = -1e18, 0
            for j in range(_CANDIDATES):
                cost = 0.0
                if (hertz[t, k] > 0) != (hertz[t - 1, j] > 0):
                    cost = _CHANGE
                elif hertz[t, k] > 0:
                    cost = _JUMP * abs(np.log2(hertz[t, k] / hertz[t - 1, j]))
                score = total[t - 1, j] - cost
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


@njit(cache=True, nogil=True)
def _cycles(sound: Array, rate: float, track: Array, step_s: float) -> tuple[float, float]:
    """Jitter and shimmer in %, from periods found by how alike neighbouring cycles are."""
    wobble, periods, shake, peaks = 0.0, 0.0, 0.0, 0.0
    wobbles, count, shakes = 0, 0, 0
    t = 0.0
    last_period, last_peak = 0.0, 0.0
    while t < len(sound) / rate - 0.03:
        frame = min(int(t / step_s + 0.5), len(track) - 1)
        if track[frame] <= 0:
            t += step_s
            last_period, last_peak = 0.0, 0.0
            continue
        guess = rate / track[frame]
        half = int(guess / 2)
        at = int(t * rate)
        if at - half < 1 or at + int(2.3 * guess) + half >= len(sound):
            t += step_s
            last_period = 0.0
            continue
        low, high = int(0.8 * guess), int(1.25 * guess) + 1
        scores = np.zeros(high - low + 1)
        for lag in range(low, high + 1):
            ab, aa, bb = 0.0, 1e-12, 1e-12
            for i in range(-half, half):
                a, b = sound[at + i], sound[at + lag + i]
                ab += a * b
                aa += a * a
                bb += b * b
            scores[lag - low] = ab / np.sqrt(aa * bb)
        best = int(np.argmax(scores))
        if scores[best] < 0.7 or best == 0 or best == high - low:
            t += guess / rate
            last_period, last_peak = 0.0, 0.0
            continue
        a, b, c = scores[best - 1], scores[best], scores[best + 1]
        period = low + best + 0.5 * (a - c) / min(a - 2 * b + c, -1e-12)
        peak = 0.0
        for i in range(-half, half):
            peak = max(peak, abs(sound[at + i]))
        if last_period > 0 and max(period, last_period) < 1.3 * min(period, last_period):
            wobble += abs(period - last_period)
            wobbles += 1
        if last_peak > 0 and max(peak, last_peak) < 1.6 * min(peak, last_peak):
            shake += abs(peak - last_peak)
            shakes += 1
        periods += period
        peaks += peak
        count += 1
        last_period, last_peak = period, peak
        t += period / rate
    if wobbles < 5 or shakes < 5:
        return np.nan, np.nan
    return 100 * wobble / wobbles / (periods / count), 100 * shake / shakes / (peaks / count)


def _cpps(sound: Sound, rate: int, voiced: NDArray[np.bool_]) -> float:
    """Mean height of the smoothed cepstral peak over its regression line, dB."""
    frames = _frames(sound, _CEPSTRUM, round(_STEP_S * rate))[: len(voiced)]
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
