"""How much is one of a factor? Curves in the unit of the data, images as shares of the volume.

A fit leaves the scale of each factor open. Its core, where it is purest, closes it: in the core
of a pool there is blood alone, but for what blur takes. In that of a tissue there are tissue, the
blood that runs through it, and what blur brings from outside; the three shares add up to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partwise_pet.core import Core
from partwise_pet.outside import Edge
from partwise_pet.question import Factors, Own, Question
from partwise_pet.vascular import amounts_of, blood_within, first_pass_seen

__all__ = ["scaled_by_core"]

Array = NDArray[np.float64]

_MOST_BLOOD = 0.5  # of a tissue's core, where the first pass tells of it
_GRANTED = 1 / 3  # the same where images alone do
_OWN = 0.4  # a core that is less of its tissue than that says nothing of it
_ROUNDS = 3
# Standard deviations: a core is chosen for holding little blood, and noise has a part in that.
_CHOSEN = 0.5
# Of a tissue's own sum of squares: what cutting at zero may add when blood is moved. It adds below
# 0.003 to tissues of the simulated bodies, and 40 and more to a factor that is one too many.
_STAYS = 0.1
_UNSEEN = 0.05  # how far off blood in a core may be where no first pass is seen


def scaled_by_core(
    factors: Factors, cores: Sequence[Core], roi: Sequence[Array], question: Question
) -> Factors:
    """Return the factors as shares of volume, and curves in the unit of the data.

    Where the first pass of blood is seen, blood that a tissue's curve holds is moved from its
    factor to that of blood; the sum of all factors stays as it is.

    Parameters
    ----------
    factors : Factors
    cores : sequence of Core
    roi : sequence of float64, shape (frames,)
        Mean curve of what was measured in each core.
    question : Question
    """
    W, H = factors.W.copy(), factors.H.copy()
    for k in factors.blood:
        size = _of_pool(factors, k, cores[k], roi[k], question.weights)
        W[:, k], H[k] = W[:, k] * size, H[k] / size
    tissues = [k for k in range(W.shape[1]) if k not in factors.blood and cores[k].columns.size]
    owns = [_of_tissue(W, H, factors, k, cores[k], roi[k], question) for k in tissues]
    return replace(factors, W=W, H=H, owns=tuple(owns))


def _of_pool(factors: Factors, k: int, core: Core, roi: Array, weights: Array) -> float:
    """What the curve of a pool is multiplied with to be that of blood alone."""
    curve, spill = factors.W[:, k], factors.spill_of(k)
    if spill is not None:
        clean = roi - spill.curve
        amount = float((weights * curve) @ clean) / max(float((weights * curve) @ curve), 1e-300)
        amount /= spill.recovery
    else:
        # Not the mean of the image: noise is nowhere below zero there, and others gain by it.
        amount = float(amounts_of(roi, factors.W, weights)[k])
    if amount <= 0 and core.columns.size:
        amount = float(factors.H[k, core.columns].mean())
    return amount if amount > 0 else 1.0


def _of_tissue(
    W: Array,
    H: Array,
    factors: Factors,
    k: int,
    core: Core,
    roi: Array,
    question: Question,
) -> Own:
    """Scale a tissue in place, its curve without blood, and tell what its core is made of."""
    blood = list(factors.blood)
    frames, weights = question.frames, question.weights
    pools = W[:, blood]
    told = _least_squares(roi, W[:, [*blood, k]], weights)
    amount: float = float(told[-1])
    if amount <= 0:
        amount, told = float(H[k, core.columns].mean()) or 1.0, np.zeros(1 + len(blood))
    within, off = told[:-1], _UNSEEN
    seen = bool(blood) and first_pass_seen(pools[:, -1], frames)
    if seen:
        within, off = blood_within(roi, list(pools.T), frames, weights)
        within[-1] += _CHOSEN * off
        held = (within - told[:-1]) / amount
        if k >= question.kept and not _moved(W, H, blood, k, held, weights):
            seen, within, off = False, told[:-1], _UNSEEN
    there = float(np.clip(within.sum(), 0, _MOST_BLOOD if seen else _GRANTED))
    outside = 0.0
    if factors.spills and question.spacing_mm is not None:
        spill = factors.spills[0]
        for _ in range(_ROUNDS):
            share = max(_OWN, 1 - there - outside)
            body = H[blood].sum(axis=0) + H[k] * (share / amount)
            edge = Edge(body, question.mask, core.columns, question.spacing_mm)
            outside = edge.outside(spill.width_mm)
    share = max(_OWN, 1 - there - outside)
    size = amount / share
    W[:, k], H[k] = W[:, k] * size, H[k] / size
    return Own(k, there, outside, share, off, (roi - pools @ within) / share)


def _moved(W: Array, H: Array, blood: list[int], k: int, held: Array, weights: Array) -> bool:
    """Move the blood that a tissue's curve holds to the factors of blood, in place.

    Nothing is moved, and the answer is False, where the sum of all factors would not stay: a
    factor that is one too many has a core of somebody else, and has no blood of that size to give.
    """
    curve = np.maximum(W[:, k] - W[:, blood] @ held, 0)
    images = np.maximum(H[blood] + held[:, None] * H[k], 0)
    # What cutting at zero adds to the sum, as columns times rows of few: never frames by voxels.
    columns = np.column_stack([curve - W[:, k] + W[:, blood] @ held, W[:, blood]])
    rows = np.vstack([H[k], images - H[blood] - held[:, None] * H[k]])
    added = np.sum((columns.T * weights @ columns) * (rows @ rows.T))
    own = float(weights @ W[:, k] ** 2) * float(H[k] @ H[k])
    if added > _STAYS * own:
        return False
    W[:, k], H[blood] = curve, images
    return True


def _least_squares(curve: Array, columns: Array, weights: Array) -> Array:
    root = np.sqrt(weights)
    return np.asarray(np.linalg.lstsq(columns * root[:, None], curve * root, rcond=None)[0])
