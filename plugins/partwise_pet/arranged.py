"""In which order, and under which names, do factors become parts?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partwise.api import Job, Part
from partwise_pet.doubt import Band
from partwise_pet.naming import names_of
from partwise_pet.question import Factors, Question, shares_of
from partwise_pet.series import Series

__all__ = ["band_in_order", "kept_exactly", "order_of", "parts_of"]

Array = NDArray[np.float64]


def kept_exactly(found: Factors, question: Question) -> Factors:
    """Give locked curves back to the last bit, their images on the matching scale."""
    if question.fixed is None:
        return found
    W, H = found.W.copy(), found.H.copy()
    for k in range(question.kept):
        given = question.fixed[:, k]
        size = float(W[:, k] @ given) / max(float(given @ given), 1e-300)
        W[:, k], H[k] = given, H[k] * size
    return replace(found, W=W, H=H)


def order_of(found: Factors, question: Question) -> list[int]:
    """Return in which order factors stand.

    Anchored and locked factors stay at their numbers; else blood first, then by their share.
    """
    rank = found.W.shape[1]
    if any(at.size for at in question.anchors):
        return _as_anchored(found.H, question)
    if question.start is not None:
        return list(range(rank))
    kept = list(range(question.kept))
    seconds = question.frames[:, 1] - question.frames[:, 0]
    shares = shares_of(found.W, found.H, seconds)
    blood = [k for k in reversed(found.blood) if k not in kept]
    rest = [k for k in np.argsort(-shares, kind="stable") if k not in kept and k not in blood]
    return [*kept, *blood, *(int(k) for k in rest)]


def _as_anchored(H: Array, question: Question) -> list[int]:
    """At each number with anchors the factor that holds them.

    At the end of a run that is the order they are in; while factors emerge they are first found
    without anchors, in any order.
    """
    free = list(range(question.kept, len(H)))
    taken: dict[int, int] = {}
    for k, at in enumerate(question.anchors[: len(H)]):
        if k >= question.kept and at.size and H[free][:, at].any():
            held = H[free][:, at].mean(axis=1)
            taken[k] = free.pop(int(held.argmax()))
    rest = iter(free)
    locked = range(question.kept)
    found = (taken[k] if k in taken else next(rest) for k in range(question.kept, len(H)))
    return [*locked, *found]


def band_in_order(band: Band | None, order: Sequence[int]) -> Band | None:
    """Return a band with its factors in another order."""
    if band is None:
        return None
    return replace(band, low=band.low[:, list(order)], high=band.high[:, list(order)])


def parts_of(found: Factors, order: Sequence[int], series: Series, job: Job) -> tuple[Part, ...]:
    """Return the parts of a result: named by their curves, the locked ones as they were."""
    found = found.in_order(order)
    names = names_of(found.W, found.blood, series.middle_min)
    shares = shares_of(found.W, found.H, series.seconds)
    taken = {part.key for part in job.kept}
    made = []
    for k, name in enumerate(names):
        key, words, color = name
        if k < len(job.kept):
            key, words, color = job.kept[k].key, job.kept[k].name, job.kept[k].color
        else:
            number = 1
            while key in taken:
                number += 1
                key = f"{name.key.partition('-')[0]}-{len(names) + number}"
        taken.add(key)
        made.append(
            Part(
                key,
                words,
                color,
                np.array(found.W[:, k]),
                share=float(shares[k]),
                course=series.filled(found.H[k]),
                unit="",
                facts={"blood": k in found.blood, "volume": True},
            )
        )
    return tuple(made)
