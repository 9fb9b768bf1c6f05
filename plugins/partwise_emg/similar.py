"""How alike are two sets of synergies, and how alike would chance make them?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import match_parts

__all__ = ["Likeness", "common_muscles", "likeness", "paired"]

Array = NDArray[np.floating[Any]]

_SHUFFLES = 1000


@dataclass(frozen=True, eq=False)
class Likeness:
    """Cosines between the synergies of two sets of any size.

    Attributes
    ----------
    cosine : float64, shape (first, second)
    pairs : tuple of (first, second)
        One partner each, so that the cosines add up highest; the larger set keeps some alone.
    chance : float
        Below it lie 95 % of the cosines between synergies whose muscles were shuffled.
    """

    cosine: NDArray[np.float64]
    pairs: tuple[tuple[int, int], ...]
    chance: float

    @property
    def mean(self) -> float:
        """Mean cosine of the pairs."""
        return float(np.mean([self.cosine[a, b] for a, b in self.pairs])) if self.pairs else 0.0

    @property
    def shared(self) -> int:
        """How many pairs are more alike than chance makes them."""
        return sum(bool(self.cosine[a, b] > self.chance) for a, b in self.pairs)


def likeness(A: Array, B: Array, seed: int = 0) -> Likeness:
    """Set two sets of synergies, (muscles, any number) each, side by side."""
    first, second = _unit(A), _unit(B)
    cosine = first.T @ second
    rng = np.random.default_rng([seed, 7])
    rounds = max(_SHUFFLES // max(cosine.size, 1), 20)
    shuffled = [first.T @ rng.permuted(second, axis=0) for _ in range(rounds)]
    chance = float(np.percentile(np.stack(shuffled), 95))
    return Likeness(cosine, paired(first, second), chance)


def paired(A: Array, B: Array) -> tuple[tuple[int, int], ...]:
    """Pair the columns of two sets of any size, one to one."""
    if A.shape[1] <= B.shape[1]:
        places = match_parts(A, B).permutation
        return tuple((k, int(place)) for k, place in enumerate(places))
    places = match_parts(B, A).permutation
    return tuple(sorted((int(place), k) for k, place in enumerate(places)))


def common_muscles(
    first: tuple[str, ...], second: tuple[str, ...]
) -> tuple[list[int], list[int], tuple[str, ...]]:
    """Return the places of the muscles that both sets have, and their names.

    Names count in any case; left and right are told apart, unless one of the sets knows no sides.
    """
    mine, theirs = [_plain(name) for name in first], [_plain(name) for name in second]
    shared = [name for name in mine if name in theirs]
    return (
        [mine.index(name) for name in shared],
        [theirs.index(name) for name in shared],
        tuple(first[mine.index(name)] for name in shared),
    )


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _unit(A: Array) -> NDArray[np.float64]:
    A = np.asarray(A, dtype=np.float64)
    length = np.linalg.norm(A, axis=0)
    return A / np.where(length > 0, length, 1.0)
