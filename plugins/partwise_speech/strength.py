"""How is a gain kept, weakened and applied? One byte per bin and frame, in steps of 1/8 dB.

The gain that a run found is the gain at strength 1. Strength scales it in decibels, so that 0 is
the recording as it is; nothing has to be fitted again. What speech loses is the noise: both
always add up to the whole, sample by sample.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from partwise_speech.frames import STFT, stft_for
from partwise_speech.sound import Recording

__all__ = ["LOWEST_DB", "at_bins", "codes_of", "gains_of", "render"]

LOWEST_DB = -255 / 8
_STEP_DB = 1 / 8

Codes = NDArray[np.uint8]
Sound = NDArray[np.float32]


def codes_of(gain: NDArray[np.floating]) -> Codes:
    """Return gains of 0 to 1 as bytes: 255 is 0 dB, each step below 1/8 dB, 0 the lowest."""
    decibels = 20.0 * np.log10(np.maximum(gain, 10.0 ** (LOWEST_DB / 20)))
    return np.asarray(np.clip(np.rint(255.0 + decibels / _STEP_DB), 0, 255), np.uint8)


def gains_of(codes: Codes, strength: float = 1.0) -> NDArray[np.float32]:
    """Return gains from bytes, their decibels times `strength`."""
    table = 10.0 ** ((np.arange(256) - 255.0) * _STEP_DB * strength / 20.0)
    return np.asarray(table.astype(np.float32)[codes])


def render(
    recording: Recording,
    codes: Codes,
    start: int,
    stop: int,
    strength: float = 1.0,
    original: float = 0.0,
) -> Sound:
    """Return the speech of a stretch of a recording, at its own rate and for each channel.

    Parameters
    ----------
    recording : Recording
    codes : ndarray of uint8, shape (257, frames)
        Gains in bins of 31.25 Hz up to 8 kHz, every 8 ms. Above, the gain of the highest
        kilohertz holds.
    start, stop : int
        Samples.
    strength : float
        0 is the recording itself, 1 what the run found.
    original : float
        Share of the recording that is mixed under the speech, 0 to 1.

    Returns
    -------
    ndarray of float32, shape (channels, stop - start)
    """
    stft = stft_for(recording.rate)
    first = max(start // stft.hop, 0)
    last = min((stop + stft.lead) // stft.hop + 1, stft.count(recording.samples))
    low = first * stft.hop - stft.lead
    sound = recording.read(low, (last - 1) * stft.hop + stft.hop)
    gain = _at_rate(codes, stft, recording.rate, first, last, strength)
    made = [stft.overlapped(stft.inside(channel) * gain) for channel in sound]
    cut = slice(start - low, stop - low)
    speech = np.stack(made)[:, cut]
    if original:
        speech += np.float32(original) * (sound[:, cut] - speech)
    return speech


def _at_rate(
    codes: Codes, stft: STFT, rate: float, first: int, last: int, strength: float
) -> NDArray[np.float32]:
    """Gains for the frames and bins of another rate."""
    frames = np.clip(np.arange(first, last), 0, codes.shape[1] - 1)
    if math.isclose(stft.hop / rate, 0.008, rel_tol=1e-9):
        cut = gains_of(codes[:, frames], strength)
    else:
        # Hops are whole samples, so at odd rates frames drift against the 8 ms of the model.
        place = stft.middle(0) / rate + np.arange(first, last) * stft.hop / rate
        model = stft_for(16_000)
        where = np.rint((place * 16_000 + model.lead - model.window / 2) / model.hop)
        cut = gains_of(codes[:, np.clip(where.astype(np.intp), 0, codes.shape[1] - 1)], strength)
    return at_bins(cut, stft.bins, rate / stft.window)


def at_bins(gain: NDArray[np.float32], bins: int, step: float) -> NDArray[np.float32]:
    """Return gains in the bins of another rate.

    Parameters
    ----------
    gain : ndarray of float32, shape (257, frames)
    bins : int
        Wanted.
    step : float
        Hz from one to the next; above 8 kHz the mean of the highest kilohertz holds.
    """
    if bins == len(gain) and math.isclose(step, 31.25):
        return gain
    wanted = np.arange(bins) * step / (16_000 / 512)
    top = len(gain) - 1
    low = np.minimum(wanted.astype(np.intp), top - 1)
    share = np.clip(wanted - low, 0.0, 1.0).astype(np.float32)[:, None]
    out = gain[low] * (1 - share) + gain[low + 1] * share
    beyond = wanted > top
    if beyond.any():
        out[beyond] = gain[top - 32 :].mean(axis=0)
    return np.asarray(out, dtype=np.float32)
