"""What is an answer made of? All that was found out about a recording, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Part, Uniqueness, color_of
from partwise_emg.compare import Against
from partwise_emg.cycles import Cycles
from partwise_emg.delays import Delayed
from partwise_emg.doubt import Bands
from partwise_emg.prepared import Prepared
from partwise_emg.synergies import Found

__all__ = ["Answer", "mean_courses", "parts_of"]

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Answer:
    """All that was found out about one recording.

    Attributes
    ----------
    prepared : Prepared
    found : Found
    vaf, r2 : float
        Explained about zero, and about the grand mean.
    vaf1 : float
        What one synergy alone explains, about zero.
    muscles_vaf : float64, shape (muscles,)
        The same of each muscle, by all synergies; NaN for one that is silent.
    repeats : float
        Correlation of what is left in odd with that in even cycles; NaN with one cycle.
    bands, doubt, delayed, against
        Intervals, other solutions, delays and a comparison, where they were asked for.
    """

    prepared: Prepared
    found: Found
    vaf: float
    r2: float
    vaf1: float
    muscles_vaf: NDArray[np.float64]
    repeats: float
    bands: Bands | None = None
    doubt: Uniqueness | None = None
    delayed: Delayed | None = None
    against: Against | None = None


def parts_of(W: Array, H: Array, kept: Sequence[Part] = ()) -> tuple[Part, ...]:
    """Return synergies as parts, the locked ones first and as they were."""
    carried = (np.asarray(W) ** 2).sum(axis=0) * (np.asarray(H) ** 2).sum(axis=1)
    total = float(carried.sum()) or 1.0
    taken = {part.key for part in kept}
    free = (number for number in range(1, 400) if f"synergy-{number}" not in taken)
    found = []
    for place in range(len(H)):
        share, course = float(carried[place]) / total, np.array(H[place], dtype=np.float64)
        if place < len(kept):
            old = kept[place]
            found.append(Part(old.key, old.name, old.color, old.profile, share, course, old.unit))
            continue
        number = next(free)
        found.append(
            Part(
                f"synergy-{number}",
                f"Synergy {number}",
                color_of(number),
                np.array(W[:, place], dtype=np.float64),
                share,
                course,
            )
        )
    return tuple(found)


def mean_courses(parts: Sequence[Part], cycles: Cycles) -> NDArray[np.float64]:
    """Return the mean cycle of each activation, (synergies, points)."""
    H = np.stack([np.asarray(part.course, dtype=np.float64) for part in parts])
    return np.asarray(H.reshape(len(H), cycles.count, cycles.points).mean(axis=1))
