"""How loud is the noise now, and how much of each bin is speech, by statistics alone?

The noise spectrum is tracked by the probability that speech is present (Gerkmann and Hendriks,
IEEE Trans. Audio Speech Lang. Process. 20:1383, 2012); the gain is the minimum mean square error
estimator of the log spectral amplitude (Ephraim and Malah, IEEE Trans. ASSP 33:443, 1985) with
the decision-directed estimate of the signal-to-noise ratio.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["Tracker", "log_spectral_gain"]

Array = NDArray[np.float32]

_PRIOR_SNR = 10.0**1.5  # 15 dB: the typical ratio in bins that hold speech
_SMOOTH_P = 0.9
_SMOOTH_NOISE = 0.8
_MOST_P = 0.99  # a probability that stays above is taken for a noise that has risen
_DIRECTED = 0.98
_LEAST_SNR = 10.0 ** (-1.5)


class Tracker:
    """Noise tracking and log-spectral gains, block after block.

    Parameters
    ----------
    noise : ndarray of float, shape (bins,)
        Noise power to begin with, of a stretch without speech or of the first frames.
    """

    def __init__(self, noise: NDArray[np.floating[Any]]) -> None:
        self.noise = np.maximum(np.asarray(noise, dtype=np.float64), 1e-20)
        self._present = np.full(len(self.noise), 0.5)
        self._clean = np.zeros(len(self.noise))

    def gains(self, power: Array) -> tuple[Array, Array]:
        """Return the gains and the tracked noise power of the frames that follow.

        Parameters
        ----------
        power : ndarray of float32, shape (bins, frames)

        Returns
        -------
        gain, noise : ndarray of float32, shape (bins, frames)
        """
        power = np.ascontiguousarray(power, dtype=np.float32)
        gain, noise = np.empty_like(power), np.empty_like(power)
        _track(power, self.noise, self._present, self._clean, gain, noise)
        return gain, noise


@njit(cache=True, nogil=True, inline="always")
def _e1(x: float) -> float:
    """Exponential integral E1 (Abramowitz and Stegun 5.1.53 and 5.1.56; error below 1e-4)."""
    if x <= 1.0:
        x = max(x, 1e-10)
        poly = -0.57721566 + x * (
            0.99999193 + x * (-0.24991055 + x * (0.05519968 + x * (-0.00976004 + x * 0.00107857)))
        )
        return float(poly - np.log(x))
    top = x * (x * (x * (x + 8.5733287401) + 18.0590169730) + 8.6347608925) + 0.2677737343
    low = x * (x * (x * (x + 9.5733223454) + 25.6329561486) + 21.0996530827) + 3.9584969228
    return float(np.exp(-x) / x * top / low)


@njit(cache=True, nogil=True, inline="always")
def log_spectral_gain(prior: float, after: float) -> float:
    """Return the gain of least error in the logarithm, at most 1.

    Parameters
    ----------
    prior, after : float
        Ratio of speech to noise, and of what is heard to noise, as powers.
    """
    wiener = prior / (1.0 + prior)
    return float(min(wiener * np.exp(0.5 * _e1(wiener * after)), 1.0))


@njit(cache=True, nogil=True, fastmath=False)
def _track(
    power: Array,
    level: NDArray[np.float64],
    present: NDArray[np.float64],
    clean: NDArray[np.float64],
    gain: Array,
    noise: Array,
) -> None:
    bins, frames = power.shape
    factor = _PRIOR_SNR / (1.0 + _PRIOR_SNR)
    for b in range(bins):
        sigma, smooth, before = level[b], present[b], clean[b]
        for t in range(frames):
            p = max(power[b, t], 1e-20)
            speech = 1.0 / (1.0 + (1.0 + _PRIOR_SNR) * np.exp(-min(p / sigma * factor, 200.0)))
            smooth = _SMOOTH_P * smooth + (1.0 - _SMOOTH_P) * speech
            if smooth > _MOST_P:
                speech = min(speech, _MOST_P)
            heard = speech * sigma + (1.0 - speech) * p
            sigma = max(_SMOOTH_NOISE * sigma + (1.0 - _SMOOTH_NOISE) * heard, 1e-20)
            after = min(p / sigma, 1e4)
            prior = _DIRECTED * before / sigma + (1.0 - _DIRECTED) * max(after - 1.0, 0.0)
            prior = max(prior, _LEAST_SNR)
            g = log_spectral_gain(prior, after)
            before = g * g * p
            gain[b, t] = g
            noise[b, t] = sigma
        level[b], present[b], clean[b] = sigma, smooth, before
