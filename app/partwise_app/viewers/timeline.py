"""Which stretch of time is on screen, and how are its moments called? No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from partwise_app.viewers.plotting import number, ticks

__all__ = ["Span", "Window", "moment", "time_ticks", "time_title"]

_LONG = 120.0  # seconds on screen from which the clock reads minutes
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)


class Window(NamedTuple):
    """A stretch of an axis, in its unit."""

    low: float
    high: float

    @property
    def size(self) -> float:
        """How long it is."""
        return self.high - self.low

    def zoomed(self, factor: float, about: float, limits: Window, least: float) -> Window:
        """Look `factor` times closer, `about` staying where it is; never beyond `limits`."""
        size = min(max(self.size / factor, min(least, limits.size)), limits.size)
        share = (about - self.low) / self.size
        return Window(about - share * size, about - share * size + size).within(limits)

    def moved(self, by: float, limits: Window) -> Window:
        """Look later by `by`, at most up to the ends of `limits`."""
        return Window(self.low + by, self.high + by).within(limits)

    def within(self, limits: Window) -> Window:
        """Shift into `limits`, keeping the length where it fits."""
        size = min(self.size, limits.size)
        low = min(max(self.low, limits.low), limits.high - size)
        return Window(low, low + size)


@dataclass(frozen=True)
class Span:
    """A named stretch of time that a person set.

    Attributes
    ----------
    start, end : float
        In the unit of the time axis.
    name : str
        Words on screen ("noise only").
    color : str
        ``#rrggbb``; empty for the theme's accent.
    fixed : bool
        Whether it is there to be seen only.
    """

    start: float
    end: float
    name: str = ""
    color: str = ""
    fixed: bool = False


def time_ticks(window: Window, unit: str, most: int) -> list[tuple[float, str]]:
    """Return round moments in a window and their words, at most about `most`."""
    if unit != "s" or window.high < _LONG:
        return [(at, number(_clean(at, window.size), 6)) for at in ticks(*window, most)]
    raw = window.size / max(most, 1)
    step = next((float(s) for s in _STEPS if s >= raw), _STEPS[-1] * math.ceil(raw / _STEPS[-1]))
    if raw < _STEPS[0] / 2:
        return [(at, _clock(at, 3 if raw < 0.005 else 2)) for at in ticks(*window, most)]
    first, last = math.ceil(window.low / step - 1e-9), math.floor(window.high / step + 1e-9)
    return [(k * step, _clock(k * step, 1 if step < 1 else 0)) for k in range(first, last + 1)]


def time_title(window: Window, unit: str, name: str = "Time") -> str:
    """Return what stands below a time axis."""
    if unit == "s" and window.high >= _LONG:
        unit = "h:min:s" if window.high >= 3600 else "min:s"
    return f"{name} ({unit})" if unit else name


def moment(at: float, window: Window, unit: str) -> str:
    """Name a moment as finely as the window shows it: ``"4.231 s"``, ``"12:03.4"``."""
    digits = max(0, min(6, 3 - math.floor(math.log10(max(window.size, 1e-9)))))
    if unit == "s" and window.high >= _LONG:
        return _clock(at, min(digits, 3))
    return f"{at:,.{digits}f} {unit}".strip().replace("-", "−")


def _clock(at: float, digits: int) -> str:
    sign = "−" if at < 0 else ""
    scale = 10**digits
    whole, part = divmod(round(abs(at) * scale), scale)
    fine = f".{part:0{digits}d}" if digits else ""
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{sign}{hours}:{minutes:02d}:{seconds:02d}{fine}"
    return f"{sign}{minutes}:{seconds:02d}{fine}"


def _clean(value: float, span: float) -> float:
    """Zero where rounding left a speck of the span."""
    return 0.0 if abs(value) < 1e-9 * span else value
