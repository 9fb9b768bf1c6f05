"""Into which bands does the ear gather frequencies? Single bins below, mel-spaced above.

Mel triangles narrower than a bin hold nothing; bands are therefore at least one bin wide, so that
the lowest harmonics of a voice stay apart.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["band_matrix", "mel_of"]

Matrix = NDArray[np.float32]


def mel_of(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the pitch in mel of a frequency in Hz (O'Shaughnessy, 1987)."""
    return 2595.0 * np.log10(1.0 + np.asarray(hertz, dtype=np.float64) / 700.0)


@lru_cache(maxsize=8)
def band_matrix(bins: int, rate: float, bands: int) -> Matrix:
    """Return overlapping triangles that gather bins into bands.

    Parameters
    ----------
    bins : int
        Of the spectrum, from 0 to half of `rate`.
    rate : float
        Hz.
    bands : int

    Returns
    -------
    ndarray of float32, shape (bands, bins)
        Each bin's entries add up to one, so that what is put into bands is nothing lost.
    """
    centres = _centres(bins, rate, bands)
    place = np.arange(bins, dtype=np.float64)
    matrix = np.zeros((bands, bins))
    right = np.clip(np.searchsorted(centres, place, side="right"), 1, bands - 1)
    low, high = centres[right - 1], centres[right]
    toward = np.clip((place - low) / (high - low), 0.0, 1.0)
    matrix[right, np.arange(bins)] = toward
    matrix[right - 1, np.arange(bins)] += 1.0 - toward
    out = matrix.astype(np.float32)
    out.setflags(write=False)
    return out


def _centres(bins: int, rate: float, bands: int) -> NDArray[np.float64]:
    """Centres in bins: one bin apart until mel spacing is wider, then evenly spaced in mel."""
    if bands >= bins:
        return np.linspace(0.0, bins - 1.0, bands)
    step = rate / 2 / (bins - 1)
    for single in range(bands):
        rest = bands - single
        low, high = mel_of(single * step), mel_of(rate / 2)
        mels = np.linspace(low, high, rest)
        hertz = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
        if rest < 2 or hertz[1] - hertz[0] >= step:
            return np.concatenate([np.arange(single), hertz / step])
    return np.arange(bands, dtype=np.float64)
