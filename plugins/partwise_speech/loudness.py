"""How loud does a sound seem, and any mixture of sounds? Gated loudness after ITU-R BS.1770-5.

The power of a mixture follows from the products of its tracks, so these are summed once per
100 ms and every later mixture (a residual, half wet and half dry) costs no pass over the sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from partwise_speech.track import Track

__all__ = ["Loudness", "k_weighting"]

Samples = NDArray[np.float32]

_HOP_S, _HOPS = 0.1, 4  # blocks of 400 ms that overlap by three quarters
_OFFSET = -0.691  # dB, so that a 997 Hz sine at full scale reads −3.01 LUFS
_ABSOLUTE, _RELATIVE = -70.0, -10.0
_AT_ONCE_S = 20.0


class Loudness:
    """What some tracks of equal length say about the loudness of their mixtures.

    Parameters
    ----------
    tracks : mapping of str to Track, shape (samples,) or (samples, channels)
    rate : int
        Samples per second.

    Notes
    -----
    Channels weigh the same, as left and right do in BS.1770. A recording below 400 ms is one
    block.
    """

    def __init__(self, tracks: Mapping[str, Track], rate: int) -> None:
        self._keys = tuple(tracks)
        self._products = _products([_columns(t) for t in tracks.values()], rate)

    def of(self, mix: Mapping[str, float]) -> float:
        """Return the loudness of a sum of tracks times gains, in LUFS; −inf for silence."""
        gains = np.array([mix.get(key, 0.0) for key in self._keys])
        power = np.einsum("i,bij,j->b", gains, self._products, gains)
        return _gated(np.maximum(power, 0.0))


def _gated(power: NDArray[np.float64]) -> float:
    """Mean of the blocks above −70 LUFS and no more than 10 LU below their mean."""
    loud = power[_level(power) > _ABSOLUTE]
    if not loud.size:
        return -np.inf
    floor = _level(loud.mean()) + _RELATIVE
    return float(_level(loud[_level(loud) > floor].mean()))


def _level(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    return np.asarray(_OFFSET + 10 * np.log10(np.maximum(power, 1e-30)))


def _products(tracks: Sequence[Track], rate: int) -> NDArray[np.float64]:
    """Mean products of the weighted tracks, shape (blocks, tracks, tracks)."""
    count, hop = len(tracks), max(round(_HOP_S * rate), 1)
    samples, channels = tracks[0].shape
    hops = max(-(-samples // hop), 1)
    sums = np.zeros((hops, count, count))
    sections = k_weighting(rate)
    state = np.zeros((count, len(sections), 2, channels))
    step = max(round(_AT_ONCE_S / _HOP_S), 1) * hop
    for start in range(0, samples, step):
        stop = min(start + step, samples)
        rows = -(-(stop - start) // hop)
        weighted = np.zeros((count, rows * hop, channels))
        for k, track in enumerate(tracks):
            filtered, state[k] = sosfilt(sections, track[start:stop], axis=0, zi=state[k])
            weighted[k, : stop - start] = filtered
        cut = weighted.reshape(count, rows, hop * channels)
        sums[start // hop : start // hop + rows] = np.einsum("ibn,jbn->bij", cut, cut)
    if samples < _HOPS * hop:
        return np.asarray(sums.sum(axis=0, keepdims=True) / max(samples, 1))
    whole = samples // hop  # a last hop that is not full belongs to no block
    run = np.cumsum(np.concatenate([np.zeros((1, count, count)), sums[:whole]]), axis=0)
    return np.asarray((run[_HOPS:] - run[:-_HOPS]) / (_HOPS * hop))


def _columns(track: Track) -> Track:
    return np.asarray(track)[:, None] if len(track.shape) == 1 else track


@lru_cache(maxsize=8)
def k_weighting(rate: int) -> NDArray[np.float64]:
    """Return the K-weighting of BS.1770 at any rate, as second-order sections.

    The standard tabulates 48 kHz; its shelf and high-pass are taken as analogue prototypes and
    transformed bilinearly, which gives the tabulated numbers back.
    """
    gain, f_shelf, q_shelf = 3.999843853973347, 1681.974450955533, 0.7071752369554196
    f_high, q_high = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * f_shelf / rate)
    top = 10 ** (gain / 20)
    band = top**0.4996667741545416
    a0 = 1 + k / q_shelf + k * k
    shelf = [
        (top + band * k / q_shelf + k * k) / a0,
        2 * (k * k - top) / a0,
        (top - band * k / q_shelf + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q_shelf + k * k) / a0,
    ]
    k = np.tan(np.pi * f_high / rate)
    a0 = 1 + k / q_high + k * k
    high = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q_high + k * k) / a0]
    return np.array([shelf, high])
