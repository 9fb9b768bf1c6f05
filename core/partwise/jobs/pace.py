"""How long will it still take? From how fast it went lately, said only when it is known."""

from __future__ import annotations

import statistics
from collections import deque

__all__ = ["Pace", "in_words"]

_KEPT = 24  # stretches whose speed is remembered
_STRETCH = 0.01  # of the whole, at least, before a speed is measured
_KNOWN_FROM = 3  # stretches


class Pace:
    """Estimates the time left from the fractions that a run reports.

    The speed is the median over the last stretches: one that waited for the disk, or a first one
    that compiled, does not count. A fraction that falls begins again.

    Examples
    --------
    >>> pace = Pace()
    >>> for second in range(11):
    ...     pace.note(second / 100, float(second))
    >>> round(pace.left())
    90
    """

    def __init__(self) -> None:
        self._speeds: deque[float] = deque(maxlen=_KEPT)
        self._fraction = 0.0
        self._from: tuple[float, float] | None = None

    def note(self, fraction: float, now: float) -> None:
        """Take in that `fraction` of the run was done at the time `now`, in seconds."""
        self._fraction = fraction
        if self._from is None or fraction < self._from[0]:
            self._from = (fraction, now)
            self._speeds.clear()
            return
        done, took = fraction - self._from[0], now - self._from[1]
        if done >= _STRETCH and took > 0:
            self._speeds.append(done / took)
            self._from = (fraction, now)

    def left(self) -> float | None:
        """Return the seconds left, or None while nobody can know."""
        if len(self._speeds) < _KNOWN_FROM or not 0 < self._fraction < 1:
            return None
        return (1 - self._fraction) / statistics.median(self._speeds)


def in_words(seconds: float) -> str:
    """Return a span of time as one rounded number with its unit.

    Examples
    --------
    >>> in_words(0.2), in_words(75), in_words(100), in_words(9000)
    ('1 s', '75 s', '2 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
