"""In which order factors stand while anchors say what some of them are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from partwise_pet.arranged import order_of
from partwise_pet.question import Factors, Question

RNG = np.random.default_rng(0)
FRAMES = np.stack([np.arange(6.0), np.arange(6.0) + 1], axis=1)


def asked(anchors: dict[int, int], locked: int = 0) -> Question:
    places = tuple(np.array([anchors[k]] if k in anchors else [], np.intp) for k in range(4))
    fixed = RNG.random((6, locked)) if locked else None
    mask = np.ones((1, 1, 8), bool)
    return Question(RNG.random((6, 8)), np.ones(6), FRAMES, mask, 4, anchors=places, fixed=fixed)


def found(holds: list[int]) -> Factors:
    """Factors that each hold one voxel more than all others do."""
    H = 0.1 * np.ones((4, 8))
    H[np.arange(4), holds] = 1.0
    fit: Any = None
    return Factors(RNG.random((6, 4)), H, fit, 0.0, ())


@pytest.mark.parametrize(
    ("holds", "anchors", "locked", "want"),
    [
        ([0, 1, 2, 3], {0: 0, 1: 1}, 0, [0, 1, 2, 3]),  # as they are at the end of a run
        ([5, 6, 7, 0], {0: 0}, 0, [3, 0, 1, 2]),
        ([5, 2, 7, 0], {0: 0, 2: 2}, 0, [3, 0, 1, 2]),
        ([5, 6, 7, 0], {1: 0}, 1, [0, 3, 1, 2]),  # a locked factor stays where it is
        ([0, 6, 7, 5], {0: 6}, 1, [0, 1, 2, 3]),
    ],
)
def test_a_factor_stands_at_the_number_of_its_anchors(
    holds: list[int], anchors: dict[int, int], locked: int, want: list[int]
) -> None:
    assert order_of(found(holds), asked(anchors, locked)) == want
