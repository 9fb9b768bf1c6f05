"""When in the cycle is a synergy active, and for how long?

G. Martino and others, J. Neurophysiol. 112:2810, 2014, in the form in which musclesyneRgies
(Santuz, iScience 25:103574, 2022) computes them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["centre_of_activity", "fwhm"]


def fwhm(course: ArrayLike) -> int:
    """Return the full width at half maximum in points.

    Counts points above half of the maximum after the minimum was subtracted; 0 for a course that
    does not vary.
    """
    x = np.asarray(course, dtype=np.float64)
    x = x - x.min()
    top = float(x.max())
    return int((x / top > 0.5).sum()) if top > 0 else 0


def centre_of_activity(course: ArrayLike) -> float:
    """Return the circular mean of activity in points, 0 to the length of the cycle.

    The first and last point of the cycle stand for the same angle. NaN for a course without a
    direction (zero, or even around the circle).
    """
    x = np.asarray(course, dtype=np.float64)
    angle = 2 * np.pi * np.arange(x.size) / max(x.size - 1, 1)
    across, up = float(x @ np.cos(angle)), float(x @ np.sin(angle))
    if across == 0 and up == 0:
        return float("nan")
    return float(np.arctan2(up, across) % (2 * np.pi) / (2 * np.pi) * x.size)
