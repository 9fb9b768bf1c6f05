"""How strong is the speech in each bin, by what lasts in its cepstrum?

A voice lies in few cepstral coefficients, the lowest for its envelope and one for its pitch, while
the random peaks of noise lie in all of them. The signal-to-noise ratio is therefore smoothed over
time in the cepstrum, hardly where a voice lies and strongly elsewhere (Breithaupt, Gerkmann and
Martin, ICASSP 2008, p. 4897). It errs otherwise than the decision-directed estimate of the tracker
does, and the geometric mean of both gains is nearer to the speech than either.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numba import njit
from numpy.typing import NDArray

from partwise_speech.frames import RATE
from partwise_speech.tracker import Tracker, log_spectral_gain

__all__ = ["Steadied"]

Array = NDArray[np.float32]

_LEAST_SNR = 10.0**-2.5
_ENVELOPE, _COARSE = 3, 19  # coefficients below: not smoothed at all, smoothed a little
_A_LITTLE, _STRONGLY, _PITCHED = 0.5, 0.9, 0.2
_VOICE_HZ = 70.0, 300.0
_PEAK = 0.2  # height from which a cepstral peak is a pitch
_BESIDE = 2  # coefficients on each side of the peak that belong to it
_BIAS = 0.5 * 0.5772  # half the bias of the mean of the logarithm, which smoothing takes


class Steadied:
    """Tracked noise with the mean of two log-spectral gains, block after block.

    Parameters
    ----------
    noise : ndarray of float, shape (257,)
        Noise power to begin with.
    """

    def __init__(self, noise: NDArray[np.floating[Any]]) -> None:
        self._tracker = Tracker(noise)
        self._smooth = np.full(len(noise), np.nan, np.float32)

    def gains(self, power: Array, noise: Array | None = None) -> Array:
        """Return the gains of the frames that follow.

        Parameters
        ----------
        power : ndarray of float32, shape (257, frames)
        noise : ndarray of float32, shape (257, frames), optional
            Power of the noise where it is known; else it is tracked.

        Returns
        -------
        ndarray of float32, shape (257, frames)
        """
        gain, noise = self._tracker.gains(power, noise)
        if not power.shape[1]:
            return gain
        after = np.clip(power / noise, 0.0, 1e4).astype(np.float32)
        heard = np.log(np.maximum(after - 1, np.float32(_LEAST_SNR)) * noise)
        size = 2 * (len(power) - 1)
        cepstra = np.ascontiguousarray(scipy.fft.irfft(heard.T, size, axis=1)[:, : len(power)])
        low, high = (int(RATE / hertz) for hertz in _VOICE_HZ[::-1])
        _smooth(cepstra, self._smooth, low, high)
        # Even in quefrency: the other half is the same backwards.
        whole = np.concatenate([cepstra, cepstra[:, -2:0:-1]], axis=1)
        speech = np.exp(scipy.fft.rfft(whole, axis=1).real.T + np.float32(_BIAS))
        _mean(np.ascontiguousarray(speech / noise, dtype=np.float32), after, gain)
        return gain


@njit(cache=True, nogil=True)
def _smooth(cepstra: Array, last: Array, low: int, high: int) -> None:
    """Smooth cepstra (frames, coefficients) over time, in place; `last` is what stood before."""
    frames, count = cepstra.shape
    for t in range(frames):
        row = cepstra[t]
        peak = low + np.argmax(row[low:high])
        pitched = row[peak] > _PEAK
        for q in range(count):
            keep = _STRONGLY
            if q < _ENVELOPE:
                keep = 0.0
            elif q < _COARSE:
                keep = _A_LITTLE
            elif pitched and abs(q - peak) <= _BESIDE:
                keep = _PITCHED
            if not np.isnan(last[q]):
                row[q] = keep * last[q] + (1.0 - keep) * row[q]
            last[q] = row[q]


@njit(cache=True, nogil=True)
def _mean(prior: Array, after: Array, gain: Array) -> None:
    """Take the geometric mean of gains with those of another ratio before, in place."""
    bins, frames = gain.shape
    for b in range(bins):
        for t in range(frames):
            other = log_spectral_gain(max(prior[b, t], _LEAST_SNR), after[b, t])
            gain[b, t] = np.sqrt(gain[b, t] * other)
