"""Where is there noise alone? As the person says, or found where a recording begins."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem

__all__ = ["check_span", "find_lead_in", "read_span"]

_SPAN = re.compile(r"^\s*(\d+(?:\.\d*)?)\s*[:\-–]\s*(\d+(?:\.\d*)?)\s*$")
LEAST_S = 0.25
LEAST_LEAD_S = 0.4
_STEP_S = 0.064
_BANDS = 16
_MARGIN_S = 0.25  # the first sound of speech may be soft
_PLAIN = 12.0  # gain in log likelihood per band
_MOST_BANDS = 0.7
_LEAST_SPREAD = 0.05  # variance of log power that any steady noise has over 64 ms

Array = NDArray[np.float32]


def check_span(text: str) -> str | None:
    """Say what is wrong with a value of ``noise_span``, or None."""
    if text.strip().lower() in ("auto", "none"):
        return None
    found = _SPAN.match(text)
    if not found:
        return "give START:END in seconds, auto, or none"
    if float(found[2]) - float(found[1]) < LEAST_S:
        return f"a stretch of noise lasts at least {LEAST_S} s"
    return None


def read_span(text: str, seconds: float) -> tuple[float, float]:
    """Return start and end of a span as written; raises `InputProblem` beyond the recording."""
    found = _SPAN.match(text)
    assert found is not None
    start, end = float(found[1]), float(found[2])
    if min(end, seconds) - start < LEAST_S:
        raise InputProblem(
            f"noise_span={text} lies beyond the recording of {seconds:.2f} s",
            argument="noise_span",
            fix="choose a stretch inside it, or auto",
        )
    return start, min(end, seconds)


def find_lead_in(bands: Array, frame_s: float) -> tuple[float, float] | None:
    """Return the stretch at the start that holds no speech yet, in seconds, or None.

    The place is sought that best cuts the beginning in two, each of one mean and one variance per
    band of log power (the change point of highest Gaussian likelihood). It counts where the cut
    is plain and most bands reach higher after it, as speech comes on top of noise.

    Parameters
    ----------
    bands : ndarray, shape (bands, frames)
        Magnitudes of the beginning of the recording.
    frame_s : float
        Seconds from frame to frame.
    """
    step = max(round(_STEP_S / frame_s), 1)
    count = bands.shape[1] // step
    least = max(round(LEAST_LEAD_S / _STEP_S), 2)
    if count < 2 * least + 2:
        return None
    level = _levels(bands[:, : count * step], count)
    gain, higher = _cuts(level, least)
    cut = int(np.argmax(gain))
    end = cut * step * frame_s - _MARGIN_S
    if gain[cut] < _PLAIN or higher[cut] < _MOST_BANDS or end < LEAST_LEAD_S:
        return None
    return 0.0, round(end, 3)


def _levels(bands: Array, count: int) -> NDArray[np.float64]:
    """Log power in a few wide bands, once per step."""
    power = np.square(bands, dtype=np.float64).reshape(len(bands), count, -1).mean(axis=2)
    edges = np.unique(np.geomspace(4, 0.94 * len(bands), _BANDS + 1).astype(int))
    wide = [power[a:b].mean(axis=0) for a, b in pairwise(edges)]
    return np.log(np.stack(wide) + 1e-9)


def _cuts(level: NDArray[np.float64], least: int) -> tuple[NDArray[np.float64], Array]:
    """What each cut gains in log likelihood per band, and the share of bands higher after it."""
    count = level.shape[1]
    sums, squares = np.cumsum(level, axis=1), np.cumsum(np.square(level), axis=1)
    gain, higher = np.full(count, -np.inf), np.zeros(count, np.float32)
    whole = _spread(sums[:, -1], squares[:, -1], count)
    for cut in range(least, count - least):
        first, second = cut, count - cut
        a, b = sums[:, cut - 1], squares[:, cut - 1]
        before = _spread(a, b, first)
        after = _spread(sums[:, -1] - a, squares[:, -1] - b, second)
        fit = count * np.log(whole) - first * np.log(before) - second * np.log(after)
        gain[cut] = 0.5 * float(fit.mean())
        top = (sums[:, -1] - a) / second + np.sqrt(after)
        higher[cut] = float((top > a / first + np.sqrt(before)).mean())
    return gain, higher


def _spread(
    total: NDArray[np.float64], squares: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    return np.maximum(squares / count - np.square(total / count), _LEAST_SPREAD)
