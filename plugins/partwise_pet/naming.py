"""What is each factor called at first? A suggestion from its curve, which the person may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Name", "names_of"]

Array = NDArray[np.float64]

_BLOOD = ("#d1495b", "#4f7cc4", "#a05fb4")
_TISSUE = ("#e0a93b", "#3f9d6b", "#5fb3c9", "#9a8f5b", "#c27ba0", "#7a8fa6", "#b5bd4c", "#8c6bb1")
_TRAPS = 0.9  # last third over the peak: what is still held then


class Name(NamedTuple):
    """Key, words and colour of a factor."""

    key: str
    words: str
    color: str


def names_of(W: Array, blood: Sequence[int], middle_min: Array) -> tuple[Name, ...]:
    """Return a name for each factor: blood by its early, high peak, the latest of them arterial."""
    names: list[Name] = []
    late = middle_min >= 2 * middle_min[-1] / 3
    order = list(blood)
    words = dict.fromkeys(order, "Blood")
    if len(order) > 1:
        words = {k: "Blood" if k not in (order[0], order[-1]) else "" for k in order}
        words[order[0]], words[order[-1]] = "Venous blood", "Arterial blood"
    tissues = 0
    for k in range(W.shape[1]):
        if k in words:
            place = len(order) - 1 - order.index(k)
            names.append(Name(f"blood-{place + 1}", words[k], _BLOOD[place % len(_BLOOD)]))
            continue
        peak = float(W[:, k].max())
        traps = peak > 0 and float(W[late, k].mean()) > _TRAPS * peak
        tissues += 1
        kind = "Retention" if traps else "Washout"
        names.append(Name(f"tissue-{tissues}", kind, _TISSUE[(tissues - 1) % len(_TISSUE)]))
    return _told_apart(names)


def _told_apart(names: list[Name]) -> tuple[Name, ...]:
    words = [name.words for name in names]
    seen: dict[str, int] = {}
    found = []
    for name in names:
        text = name.words
        if words.count(text) > 1:
            seen[text] = seen.get(text, 0) + 1
            text = f"{text} {seen[text]}"
        found.append(name._replace(words=text))
    return tuple(found)
