"""Where does a value lie along an axis: evenly, or by its logarithm?"""

from __future__ import annotations

import math

from partwise_app.viewers.plotting import ticks

__all__ = ["log_ticks", "share_of", "ticks_of"]

_STEPS = (1.0, 2.0, 5.0)
_MANY = 6


def share_of(value: float, low: float, high: float, *, log: bool) -> float:
    """Return where a value lies between both ends, 0 to 1; for a logarithm all are above zero."""
    if log:
        value, low, high = (math.log(max(v, 1e-300)) for v in (value, low, high))
    return (value - low) / max(high - low, 1e-12)


def log_ticks(low: float, high: float, most: int = _MANY) -> list[float]:
    """Return round places from `low` to `high`, about `most` of them: 0.1, 1, 10, or finer."""
    if not (0 < low < high and math.isfinite(high)):
        return []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps in ((1.0,), _STEPS):
        places = [step * 10.0**power for power in powers for step in steps]
        inside = [p for p in places if low * (1 - 1e-9) <= p <= high * (1 + 1e-9)]
        if not found or len(inside) <= max(most, 3):
            found = inside
    return found


def ticks_of(low: float, high: float, most: int, *, log: bool) -> list[float]:
    """Return round places on an axis of either kind."""
    return log_ticks(low, high, most) if log else ticks(low, high, most)
