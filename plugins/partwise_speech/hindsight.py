"""How loud was the noise, by what came before and after?

A tracker that goes forward learns of a noise that has risen only in time, and takes the loud end of
a word for noise. A recording can be gone through from its end as well: where either direction
hears speech, the noise is what is heard of it beside, half a second around.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from partwise_speech.tracker import Tracker

__all__ = ["magnitudes_of", "noise_in_hindsight"]

_AROUND = 61  # frames, 0.49 s, over which what is heard of the noise is gathered
_LITTLE = np.float32(0.02)  # what both trackers count for where only speech is heard
_RAYLEIGH = np.float32(np.sqrt(np.pi) / 2)  # mean magnitude of noise by the root of its power

Array = NDArray[np.float32]


def noise_in_hindsight(power: Array, tracker: Tracker) -> Array:
    """Return the power of the noise in a stretch, float32 (bins, frames).

    Parameters
    ----------
    power : ndarray of float32, shape (bins, frames)
    tracker : Tracker
        What is known of the noise before the stretch; it goes on to its end.
    """
    if not power.shape[1]:
        return np.array(power, np.float32)
    forward, speech = tracker.follow(power)
    backward, other = (a[:, ::-1] for a in Tracker(forward[:, -1]).follow(power[:, ::-1]))
    alone = 1 - np.maximum(speech, other)
    # Sums that run along may fall short of zero by a rounding error.
    heard, often = (
        np.maximum(uniform_filter1d(a, _AROUND, axis=1), 0) for a in (alone * power, alone)
    )
    heard += _LITTLE * np.sqrt(forward * backward)
    return np.asarray(heard / (often + _LITTLE), np.float32)


def magnitudes_of(noise: Array) -> Array:
    """Return the mean magnitudes of a noise whose power is known."""
    return np.asarray(_RAYLEIGH * np.sqrt(noise), np.float32)
