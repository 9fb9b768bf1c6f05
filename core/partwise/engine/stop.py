"""When are we done?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Clock", "Rule", "said_no"]


def said_no(answer: object) -> bool:
    """Did a callback ask to stop? By False, Python's or NumPy's, and by nothing else."""
    return isinstance(answer, bool | np.bool_) and not answer


@dataclass(frozen=True, slots=True)
class Rule:
    """Stop on optimality, on standstill, or on a budget.

    Standstill looks back over `_LOOK` iterations, so that one slow step of an
    accelerated method does not end a fit.
    """

    tol: float
    max_iter: int
    gain: float | None = None  # standstill, where it differs from `tol`

    def met(self, trace: list[float], kkt: float) -> bool:
        """Is the fit converged, given the objective so far and the KKT residual?"""
        if trace[-1] <= 0 or kkt <= _FAR_BELOW * self.tol:
            return True
        # The residual is relative to the data. Where parts fit them closely, it is small
        # long before the error that is left has settled.
        if kkt <= self.tol and _to_come(trace) <= _SETTLED * trace[-1]:
            return True
        if len(trace) <= _LOOK:
            return False
        least = self.tol if self.gain is None else self.gain
        return trace[-1 - _LOOK] - trace[-1] <= _LOOK * least * trace[-1]


_LOOK = 5
_SETTLED = 1e-4  # of the objective, still to be gained
_ONE_STEP = 5  # times what a single step gained
_FAR_BELOW = 0.01  # of the tolerance: data that are exact sums of parts gain with every step


def _to_come(trace: list[float]) -> float:
    """What the objective may still lose, if it falls as it fell in the last steps."""
    window = min(_LOOK, (len(trace) - 1) // 2)
    if window == 0:
        return _ONE_STEP * (trace[0] - trace[-1])
    last = trace[-1 - window] - trace[-1]
    before = trace[-1 - 2 * window] - trace[-1 - window]
    if last <= 0 or before <= 0:
        return max(last, 0.0)
    rate = min(last / before, 0.99)
    return last * rate / (1 - rate)


@dataclass(slots=True)
class Clock:
    """Wall time: the budget of a fit, and when the next report is due."""

    limit: float | None
    every: float = 0.05
    began: float = field(default_factory=time.perf_counter)
    _last: float = -1.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    @property
    def over(self) -> bool:
        return self.limit is not None and self.seconds >= self.limit

    @property
    def due(self) -> bool:
        """Has the time for the next report come?"""
        return self._last < 0 or self.seconds - self._last >= self.every

    def reported(self) -> None:
        self._last = self.seconds
