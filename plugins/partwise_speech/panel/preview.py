"""What would another strength change in the ten seconds in sight? Levels and sound, at once.

The factors stay as they are: the gain that was found is scaled in decibels, and the stretch is
drawn and rendered anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise_speech.panel.heard import Samples
from partwise_speech.sound import Recording
from partwise_speech.strength import gains_of, render

__all__ = ["LONGEST_S", "Preview", "preview_of", "scaled_levels"]

Levels = NDArray[np.uint8]

LONGEST_S = 10.0


@dataclass(frozen=True, eq=False)
class Preview:
    """A stretch at another strength.

    Attributes
    ----------
    strength : float
    first : int
        Column of the spectrogram that the levels begin with.
    levels : ndarray of uint8, shape (frequencies, columns)
        Of the speech.
    start : int
        Sample that the sound begins with.
    sound : ndarray of float32, shape (samples, channels)
    """

    strength: float
    first: int
    levels: Levels
    start: int
    sound: Samples


def preview_of(
    recording: Recording,
    whole: Levels,
    codes: Levels,
    window: tuple[float, float],
    column_s: float,
    level_db: tuple[float, float],
    strength: float,
) -> Preview:
    """Draw and render what is in sight, at most `LONGEST_S` from its start on.

    Parameters
    ----------
    recording : Recording
    whole : ndarray of uint8, shape (frequencies, columns)
        Levels of the recording.
    codes : ndarray of uint8, shape (frequencies, frames)
        Gains as `partwise_speech.strength` keeps them; a column holds one frame or more.
    window : (start, end)
        Seconds in sight.
    column_s : float
        Seconds from column to column.
    level_db : (low, high)
        What 0 and 255 are.
    strength : float
    """
    start, end = window[0], min(window[1], window[0] + LONGEST_S)
    first = min(max(int(start / column_s), 0), whole.shape[1] - 1)
    last = min(max(int(np.ceil(end / column_s)) + 1, first + 1), whole.shape[1])
    each = max(round(codes.shape[1] / whole.shape[1]), 1)
    levels = scaled_levels(
        whole[:, first:last], codes[:, first * each : last * each : each], level_db, strength
    )
    low = max(round(start * recording.rate), 0)
    high = min(round(end * recording.rate), recording.samples)
    sound = render(recording, codes, low, high, strength).T
    return Preview(strength, first, levels, low, np.ascontiguousarray(sound))


def scaled_levels(
    whole: Levels, codes: Levels, level_db: tuple[float, float], strength: float
) -> Levels:
    """Return the levels of the speech: those of the whole, less what the gain takes away."""
    count = min(whole.shape[1], codes.shape[1])
    low, high = level_db
    step = 255 / (high - low)
    down = 20 * np.log10(np.maximum(gains_of(codes[:, :count], strength), 1e-9)) * step
    found = whole[:, :count] + down.astype(np.float32)
    found[whole[:, :count] == 0] = 0
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)
