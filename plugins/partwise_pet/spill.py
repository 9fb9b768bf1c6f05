"""What does blur carry into the cores of blood, and what would it, were it narrower or wider?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partwise_pet.blur import blur_of
from partwise_pet.core import cores_of
from partwise_pet.question import BESIDE_MM, Question, Spill, sampled, scale_of, unscaled
from partwise_pet.sharp import Vessels, near_blood, unspilled

__all__ = ["spills_of"]

Array = NDArray[np.float64]
Spills = tuple[Spill, ...]

_LEAST = 20  # voxels near blood without which nothing is known of blur
_TOLD = 0.1  # of a width that is told: its doubt, as persons move and filters add to it
_NARROWEST = 0.5  # mm: a blur that is hardly one


def spills_of(
    question: Question,
    W: Array,
    H: Array,
    pairs: Array,
    blood: tuple[int, ...],
    going: Callable[[], bool],
) -> tuple[Spills, Spills, Spills]:
    """Return what blur carries into each pool: for its width, a narrower and a wider one.

    Empty where no width is known, blur is none, or nobody waits any more.

    Parameters
    ----------
    question : Question
    W : float64, shape (frames, factors)
        Weighted curves.
    H : float64, shape (factors, voxels)
        Images for them, on the scale of the weighted data.
    pairs : float64, shape (factors, factors)
        How strongly images avoid each other.
    blood : tuple of int
    going : callable
        Whether somebody still waits.
    """
    pools = [k for k in blood if k >= question.kept]
    scale = scale_of(question, sampled(question)[0])
    vessels = _vessels_of(question, W, H, pools, pairs, scale) if pools else None
    if vessels is None or not going():
        return (), (), ()
    told = (
        blur_of(vessels, W, question.filter_mm, going)
        if question.blur_mm is None
        else (question.blur_mm, _TOLD * question.blur_mm)
    )
    if told is None or not told[0]:
        return (), (), ()
    width, doubt = told
    found: list[Spills] = []
    begun = None
    for asked in (width, max(width - BESIDE_MM, _NARROWEST), width + BESIDE_MM):
        sharp = unspilled(vessels, W, asked, begun, going)
        begun = begun or sharp
        curves = unscaled(question, np.asarray(sharp.W, np.float64))
        brought = {k: sharp.spill[k] * scale / question.root[:, 0] for k in pools}
        found.append(
            tuple(
                Spill(k, asked, doubt, sharp.recovery[k], brought[k], curves[:, k]) for k in pools
            )
        )
    return (found[0], found[1], found[2]) if going() else ((), (), ())


def _vessels_of(
    question: Question, W: Array, H: Array, pools: list[int], pairs: Array, scale: float
) -> Vessels | None:
    """What lies in and around pools of blood; None where there is too little of it."""
    assert question.spacing_mm is not None
    cores = cores_of(H, question.mask, question.anchors, W)
    places = {k: cores[k].columns for k in pools}
    near = near_blood(H, question.mask, places, question.spacing_mm)
    columns = np.flatnonzero(near[question.mask])
    if columns.size < _LEAST:
        return None
    return Vessels(
        np.asarray(question.X[:, columns] * (question.root / scale), np.float32),
        near,
        {k: np.flatnonzero(np.isin(columns, cores[k].columns)) for k in pools},
        pairs,
        question.spacing_mm,
    )
