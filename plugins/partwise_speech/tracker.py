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

    def follow(self, power: Array) -> tuple[Array, Array]:
        """Return the tracked noise power of the frames that follow, and where speech is.

        Parameters
        ----------
        power : ndarray of float32, shape (bins, frames)

        Returns
        -------
        noise, present : ndarray of float32, shape (bins, frames)
            Power of the noise, and the probability that there is speech.
        """
        power = np.ascontiguousarray(power, dtype=np.float32)
        noise, present = np.empty_like(power), np.empty_like(power)
        _follow(power, self.noise, self._present, noise, present)
        return noise, present

    def gains(self, power: Array, noise: Array | None = None) -> tuple[Array, Array]:
        """Return the gains of the frames that follow, and the noise power they are made with.

        Parameters
        ----------
        power : ndarray of float32, shape (bins, frames)
        noise : ndarray of float32, shape (bins, frames), optional
            Power of the noise where it is known; else it is tracked.

        Returns
        -------
        gain, noise : ndarray of float32, shape (bins, frames)
        """
        power = np.ascontiguousarray(power, dtype=np.float32)
        if noise is None:
            noise, _ = self.follow(power)
        gain = np.empty_like(power)
        _direct(power, noise, self._clean, gain)
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


@njit(cache=True, nogil=True)
def _follow(
    power: Array,
    level: NDArray[np.float64],
    smooth: NDArray[np.float64],
    noise: Array,
    present: Array,
) -> None:
    """Track the noise of each bin; `level` and `smooth` are what stood before, and go on."""
    bins, frames = power.shape
    factor = _PRIOR_SNR / (1.0 + _PRIOR_SNR)
    for b in range(bins):
        sigma, mean = level[b], smooth[b]
        for t in range(frames):
            p = max(power[b, t], 1e-20)
            speech = 1.0 / (1.0 + (1.0 + _PRIOR_SNR) * np.exp(-min(p / sigma * factor, 200.0)))
            mean = _SMOOTH_P * mean + (1.0 - _SMOOTH_P) * speech
            if mean > _MOST_P:
                speech = min(speech, _MOST_P)
            heard = speech * sigma + (1.0 - speech) * p
            sigma = max(_SMOOTH_NOISE * sigma + (1.0 - _SMOOTH_NOISE) * heard, 1e-20)
            noise[b, t] = sigma
            present[b, t] = speech
        level[b], smooth[b] = sigma, mean


@njit(cache=True, nogil=True)
def _direct(power: Array, noise: Array, clean: NDArray[np.float64], gain: Array) -> None:
    """Find gains, directed by the decision before; `clean` is that of the frame before."""
    bins, frames = power.shape
    for b in range(bins):
        before = clean[b]
        for t in range(frames):
            p, sigma = max(power[b, t], 1e-20), max(noise[b, t], 1e-20)
            after = min(p / sigma, 1e4)
            prior = _DIRECTED * before / sigma + (1.0 - _DIRECTED) * max(after - 1.0, 0.0)
            g = log_spectral_gain(max(prior, _LEAST_SNR), after)
            before = g * g * p
            gain[b, t] = g
        clean[b] = before
