"""Where is there noise alone? As the person says, or found where a recording begins."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem

__all__ = ["check_span", "find_lead_in", "read_span"]

_SPAN = re.compile(r"^\s*(\d+(?:\.\d*)?)\s*[:\-–]\s*(\d+(?:\.\d*)?)\s*$")
LEAST_S = 0.25

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

    Parameters
    ----------
    bands : ndarray, shape (bands, frames)
        Magnitudes of the beginning of the recording.
    frame_s : float
        Seconds from frame to frame.
    """
    level = 20 * np.log10(np.maximum(bands, 1e-7)).mean(axis=0)
    window = max(round(0.25 / frame_s), 1)
    count = len(level) // window
    if count < 4:
        return None
    steps = level[: count * window].reshape(count, window).mean(axis=1)
    spread = level[: count * window].reshape(count, window).std(axis=1)
    end = 2
    while end < count:
        usual = steps[:end].mean()
        room = max(3.0, 2.5 * float(steps[:end].std()), 1.5 * float(spread[:end].mean()))
        if steps[end] > usual + room:
            break
        end += 1
    if end >= count or end * window * frame_s < 0.5:
        return None
    return 0.0, (end - 0.5) * window * frame_s
