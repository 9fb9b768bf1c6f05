"""How much do neighbouring cycles of a voice differ? Jitter of periods, shimmer of amplitudes.

A period is the shift at which one cycle is most like the next; both measures are the mean
difference of consecutive ones by their mean ("local", as they are mostly told).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["jitter_and_shimmer"]

_ALIKE = 0.7  # correlation of two cycles below which nothing is counted
_PERIODS, _PEAKS = 1.3, 1.6  # ratio beyond which two neighbours are of different makes
_LEAST = 5

Array = NDArray[np.float64]


@njit(cache=True, nogil=True)
def jitter_and_shimmer(
    sound: Array, rate: float, track: Array, step_s: float
) -> tuple[float, float]:
    """Return jitter and shimmer in %; NaN where there are too few cycles.

    Parameters
    ----------
    sound : ndarray of float64
    rate : float
    track : ndarray
        Pitch in Hz, 0 without voice, one per `step_s`.
    step_s : float
    """
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
        half, at = int(guess / 2), int(t * rate)
        if at - half < 1 or at + int(2.3 * guess) + half >= len(sound):
            t += step_s
            last_period = 0.0
            continue
        period = _period(sound, at, half, guess)
        if period <= 0:
            t += guess / rate
            last_period, last_peak = 0.0, 0.0
            continue
        peak = np.abs(sound[at - half : at + half]).max()
        if _near(period, last_period, _PERIODS):
            wobble += abs(period - last_period)
            wobbles += 1
        if _near(peak, last_peak, _PEAKS):
            shake += abs(peak - last_peak)
            shakes += 1
        periods += period
        peaks += peak
        count += 1
        last_period, last_peak = period, peak
        t += period / rate
    if wobbles < _LEAST or shakes < _LEAST:
        return np.nan, np.nan
    return 100 * wobble / wobbles / (periods / count), 100 * shake / shakes / (peaks / count)


@njit(cache=True, nogil=True)
def _period(sound: Array, at: int, half: int, guess: float) -> float:
    """Samples to the next cycle like this one, by a parabola through the peak; 0 for none."""
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
    if scores[best] < _ALIKE or best == 0 or best == high - low:
        return 0.0
    a, b, c = scores[best - 1], scores[best], scores[best + 1]
    return float(low + best + 0.5 * (a - c) / min(a - 2 * b + c, -1e-12))


@njit(cache=True, nogil=True, inline="always")
def _near(one: float, other: float, ratio: float) -> bool:
    return bool(other > 0 and max(one, other) < ratio * min(one, other))
