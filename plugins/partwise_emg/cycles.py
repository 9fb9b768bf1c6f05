"""How is a record cut into cycles of equal length? Stance and swing, 100 points each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem
from partwise_emg.events import Events

__all__ = ["OUTSIDE", "POINTS", "Cycles", "averaged", "cut", "whole_record"]

POINTS = 200  # of a cycle
OUTSIDE = "outside the record"
_STANCE = 100
_SHORTEST = 4  # samples of a phase
_COARSE_HZ = 100.0  # of a record that is taken as one stretch

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Cycles:
    """Envelopes cut into cycles.

    Attributes
    ----------
    values : float64, shape (muscles, cycles × points)
        Cycles one after the other.
    number : int64, shape (cycles × points,)
        Which cycle of the record each column belongs to, counted from 1.
    seconds : float64, shape (cycles × points,)
        When each column was measured; NaN where only points are known.
    points : int
        Columns of a cycle; of a record without cycles, all of it.
    stance : int
        How many of these are stance; 0 where no lift-off is known.
    left_out : tuple of (cycle, reason)
    """

    values: NDArray[np.float64]
    number: NDArray[np.int64]
    seconds: NDArray[np.float64]
    points: int
    stance: int
    left_out: tuple[tuple[int, str], ...] = ()

    @property
    def count(self) -> int:
        """How many cycles there are."""
        return int(self.values.shape[1]) // self.points

    def stacked(self) -> NDArray[np.float64]:
        """Return (muscles, cycles, points)."""
        return self.values.reshape(len(self.values), self.count, self.points)


def cut(
    envelopes: Array,
    start_s: float,
    step_s: float,
    events: Events,
    *,
    drop_first: bool = True,
    most: int = 0,
    rejected: Collection[int] = (),
) -> Cycles:
    """Cut envelopes at touch-downs and lift-offs.

    Each phase runs from the sample nearest to its event up to the one before the next event, and
    is interpolated linearly to 100 points, as musclesyneRgies does; without lift-offs the whole
    cycle gets 200.

    Parameters
    ----------
    envelopes : ndarray, shape (muscles, samples)
    start_s, step_s : float
        Time of the first sample, and between two.
    events : Events
    drop_first : bool
        Leave the first cycle out, where the filter still rings; kept where it is one of two.
    most : int
        Keep at most so many; 0 keeps all.
    rejected : collection of int
        Numbers of cycles that the person rejected, from 1.

    Raises
    ------
    InputProblem
        No cycle lies within the record.
    """
    samples = envelopes.shape[1]
    touch = [round((t - start_s) / step_s) for t in events.touchdown]
    lift = [round((t - start_s) / step_s) if np.isfinite(t) else -1 for t in events.liftoff]
    phased = events.phased
    kept: list[tuple[int, NDArray[np.float64], NDArray[np.float64]]] = []
    left: list[tuple[int, str]] = []
    total = len(touch) - 1
    for k in range(total):
        borders = [touch[k], lift[k], touch[k + 1]] if phased else [touch[k], touch[k + 1]]
        reason = ""
        if k + 1 in rejected:
            reason = "rejected"
        elif borders[0] < 0 or borders[-1] > samples:
            reason = OUTSIDE
        elif min(np.diff(borders)) < _SHORTEST:
            reason = "too short"
        elif k == 0 and drop_first and total > 2:
            reason = "the first, where the filter begins"
        elif most and len(kept) >= most:
            reason = "more than asked for"
        if reason:
            left.append((k + 1, reason))
            continue
        kept.append((k + 1, *_resampled(envelopes, borders)))
    if not kept:
        why = "; ".join(f"{number}: {reason}" for number, reason in left[:4])
        raise InputProblem(
            f"no cycle is left of {total} ({why})",
            argument="events",
            fix="give events in seconds of this recording, and reject fewer",
        )
    values = np.concatenate([piece for _, piece, _ in kept], axis=1)
    places = np.concatenate([at for _, _, at in kept])
    number = np.repeat(np.array([k for k, _, _ in kept], dtype=np.int64), POINTS)
    stance = _STANCE if phased else 0
    return Cycles(values, number, start_s + places * step_s, POINTS, stance, tuple(left))


def averaged(cycles: Cycles) -> Cycles:
    """Return the mean cycle, as one."""
    return Cycles(
        cycles.stacked().mean(axis=1),
        np.ones(cycles.points, dtype=np.int64),
        np.full(cycles.points, np.nan),
        cycles.points,
        cycles.stance,
        cycles.left_out,
    )


def whole_record(envelopes: Array, start_s: float, step_s: float) -> Cycles:
    """Take a record without events as one stretch, at no more than 100 points a second."""
    samples = envelopes.shape[1]
    rate = 1 / step_s
    points = max(round(samples * min(1.0, _COARSE_HZ / rate)), 2)
    places = np.linspace(0, samples - 1, points)
    values = _at(envelopes, places)
    seconds = start_s + places * step_s
    return Cycles(values, np.ones(points, dtype=np.int64), seconds, points, 0)


def _resampled(
    envelopes: Array, borders: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    each = POINTS // (len(borders) - 1)
    pairs = pairwise(borders)
    places = np.concatenate([np.linspace(a, b - 1, each) for a, b in pairs])
    return _at(envelopes, places), places


def _at(envelopes: Array, places: NDArray[np.float64]) -> NDArray[np.float64]:
    below = np.minimum(places.astype(np.intp), envelopes.shape[1] - 1)
    above = np.minimum(below + 1, envelopes.shape[1] - 1)
    part = places - below
    return np.asarray(envelopes[:, below] * (1 - part) + envelopes[:, above] * part)
