"""What lies below any voice: is it noise, or does it come with the talker?

Wind, rain, traffic and desks rumble where no voice has a pitch, and often with more energy than
anywhere else. A voice that is nobody's knows nothing of it and must not render it; what one
microphone or room adds below its talker cannot be known beforehand. The whole recording tells: what
is there beside the talker beyond what was there in the noise alone, as in a Wiener filter of the
whole (Wiener, Extrapolation, Interpolation, and Smoothing of Stationary Time Series, 1949).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise_speech.frames import RATE, stft_for

__all__ = ["RUMBLE", "RUMBLE_HZ", "rumble_kept", "without_rumble"]

RUMBLE = 3  # bins of 31.25 Hz, and as many bands: up to 78 Hz
RUMBLE_HZ = (RUMBLE - 0.5) * RATE / stft_for(RATE).window
_LEAST_VOICE = 0.1  # share of what is heard where somebody talks

Array = NDArray[np.float32]


def without_rumble(atoms: Array, bands: int) -> Array:
    """Return atoms that hold nothing below any voice; columns add up to one again.

    Parameters
    ----------
    atoms : ndarray of float32, shape (frames * bands, atoms)
        Frames one after the other.
    bands : int
    """
    deep = atoms.reshape(-1, bands, atoms.shape[1]).copy()
    deep[:, :RUMBLE] = 0
    found = deep.reshape(atoms.shape)
    return np.asarray(found / np.maximum(found.sum(axis=0), 1e-20), np.float32)


def rumble_kept(power: NDArray[np.floating[Any]], level: NDArray[np.floating[Any]]) -> Array:
    """Return the gain of the bins below any voice, float32 (RUMBLE, frames).

    Parameters
    ----------
    power : ndarray, shape (bins, frames)
        Mean power where somebody talks, or up to each frame.
    level : ndarray, shape (bins, 1)
        Mean power of the noise alone.
    """
    heard = power[RUMBLE:].sum(axis=0)
    voice = np.maximum(heard - level[RUMBLE:].sum(axis=0), _LEAST_VOICE * heard)
    more = np.maximum(power - level, 0)[:RUMBLE]
    # What is louder than all of the voice is none of the talker's.
    fair = np.minimum(voice / np.maximum(more.sum(axis=0), 1e-20), 1.0)
    return np.asarray(fair * more / np.maximum(power[:RUMBLE], 1e-20), np.float32)
