"""How much of each bin is kept? Both models and the tracked level, made into one gain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise_speech.bands import band_matrix
from partwise_speech.choice import Choice
from partwise_speech.dictionary import BANDS
from partwise_speech.frames import RATE
from partwise_speech.rumble import RUMBLE

__all__ = ["BINS", "gain_of", "mask_of"]

BINS = 257

Array = NDArray[np.float32]


def mask_of(speech: Array, noise: Array, sharp: float, loudest: Array | None = None) -> Array:
    """Return which share of each bin is speech, float32 (257, frames).

    Parameters
    ----------
    speech, noise : ndarray of float32, shape (BANDS, frames)
        Both models, as magnitudes.
    sharp : float
        Power of both in the mask, s^p / (s^p + n^p).
    loudest : ndarray of float32, shape (257,), optional
        The most that was heard of the noise alone: its model counts for no more.
    """
    weights = band_matrix(BINS, RATE, BANDS).T
    s, n = weights @ speech, weights @ noise
    if loudest is not None:
        np.minimum(n, loudest[:, None], out=n)
    np.power(s, np.float32(sharp), out=s)
    np.power(n, np.float32(sharp), out=n)
    return np.asarray(s / (s + n + np.float32(1e-12)), np.float32)


def gain_of(mask: Array, tracked: Array, choice: Choice, rumble: Array | None = None) -> Array:
    """Return the gain, float32 (257, frames), never below the floor of the choice.

    Parameters
    ----------
    mask, tracked : ndarray of float32, shape (257, frames)
    choice : Choice
    rumble : ndarray of float32, shape (RUMBLE, 1) or (RUMBLE, frames), optional
        What counts for the mask below any voice, where the atoms know of nothing; a mask that
        keeps more there holds what a hand has moved to the voice.
    """
    gain = np.power(tracked, np.float32(choice.tracked))
    if choice.mask == 1.0:
        gain *= mask
    elif choice.mask > 0:
        gain *= np.power(mask, np.float32(choice.mask))
    if rumble is not None:
        np.maximum(gain[:RUMBLE], rumble * tracked[:RUMBLE], out=gain[:RUMBLE])
    return np.maximum(gain, np.float32(choice.floor))
