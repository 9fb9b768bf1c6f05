"""How far can a factor curve be believed? What else fits, and what the voxels themselves say.

A good fit is no evidence for a blood curve: nonnegativity lets it hand its late part to the
tissue around it. So two things are computed beside each curve. The *band* holds the curves of
other fits that are as good. The *core* is where a factor is seen purest; the plain mean of what
was measured there is the curve that a region of interest gives, and what the fit takes away from
it in favour of other factors is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from partwise.api import refit
from partwise_pet.core import Core, cores_of
from partwise_pet.factors import find_factors
from partwise_pet.question import Factors, Question
from partwise_pet.scale import scaled_by_core

__all__ = [
    "Band",
    "Blood",
    "band_of",
    "blood_check",
    "misfit",
    "resampled_band",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_TIMES = (0.0, 0.35, 2.5)  # of the overlap that was used
_WITHIN = 0.02  # of the misfit: as good a fit
_LATE = 1 / 3  # of the scan: where the early peak is over


@dataclass(frozen=True, eq=False)
class Band:
    """Lowest and highest curve among equally good solutions, each (frames, factors).

    `tried` and `good` count the other solutions.
    """

    low: Array
    high: Array
    tried: int
    good: int


@dataclass(frozen=True)
class Blood:
    """What the fit does to blood: the late part of a factor beside that of its core.

    Attributes
    ----------
    factor : int
    off : float
        Late part of the factor over that of the region of interest, minus 1.
    given_away : float
        Share of the late signal in the core that the fit gives to other factors.
    """

    factor: int
    off: float
    given_away: float


def blood_check(
    factors: Factors, cores: Sequence[Core], roi: Sequence[Array], frames: Array
) -> tuple[Blood, ...]:
    """Set the late part of each blood factor against what was measured in its core.

    What blur carries into the core, as far as that was told, is no blood and is taken off first.
    """
    middle = frames.mean(axis=1)
    seconds = frames[:, 1] - frames[:, 0]
    late = middle >= frames[0, 0] + _LATE * (frames[-1, 1] - frames[0, 0])
    if not late.any():
        late = middle >= middle[-1]
    share = seconds[late] / seconds[late].sum()
    found = []
    for k in factors.blood:
        H = factors.H[:, cores[k].columns].mean(axis=1)
        own = float(share @ factors.W[late, k]) * float(H[k])
        spill = factors.spill_of(k)
        brought = float(share @ spill.curve[late]) if spill is not None else 0.0
        seen = float(share @ roi[k][late]) - brought
        total = float((share @ factors.W[late]) @ H) - brought
        found.append(
            Blood(
                k,
                own / seen - 1 if seen > 0 else float("nan"),
                1 - own / total if total > 0 else float("nan"),
            )
        )
    return tuple(found)


def misfit(question: Question, W: Array) -> float:
    """Weighted squared error of the best images for curves, with nothing else asked of them."""
    few = _few(question)
    data = question.X[:, few] * question.root
    curves = W * question.root
    H = refit(data, curves)
    return float(np.square(data - curves @ H).sum())


def band_of(
    question: Question,
    found: Factors,
    on_done: Callable[[int, int], bool],
    alive: Callable[[], bool] | None = None,
) -> Band:
    """Look for other solutions: less and more overlap, and none asked for at all.

    Parameters
    ----------
    question, found
    on_done : callable
        Called with how many of how many are done; False ends the search with what there is.
    """
    low, high = found.W.copy(), found.W.copy()
    # Of the fit alone: that a pool holds nothing but blood is not asked of the others.
    question = replace(question, spacing_mm=None)
    best = misfit(question, found.W)
    good = tried = 0
    for number, times in enumerate(_TIMES):
        if not on_done(number, len(_TIMES)):
            break
        asked = replace(
            question, overlap=times * found.overlap, start=found.W * _jitter(question, number)
        )
        other = find_factors(asked, None, alive)
        tried += 1
        if misfit(question, other.W) > (1 + _WITHIN) * best:
            continue
        good += 1
        cores = cores_of(other.H, question.mask, question.anchors, other.W)
        roi = [question.X[:, core.columns].mean(axis=1) for core in cores]
        matched = _matched(found.W, scaled_by_core(other, cores, roi, question).W)
        for spill in found.spills:
            matched[:, spill.factor] /= spill.recovery
        for own in found.owns:
            matched[:, own.factor] *= (own.share + own.outside) / own.share
        low, high = np.minimum(low, matched), np.maximum(high, matched)
    return Band(low, high, tried, good)


def resampled_band(
    question: Question,
    found: Factors,
    rounds: int,
    on_done: Callable[[int, int], bool],
    alive: Callable[[], bool] | None = None,
) -> Band:
    """Bootstrap over blocks of voxels: the middle 95 % of the curves that other samples give."""
    curves = []
    # Drawn voxels have no neighbours, so that blur is left alone; each answer is held against
    # the one that all voxels give without it.
    question = replace(question, overlap=found.overlap, start=found.W, spacing_mm=None)
    plain = found.W
    if found.spills:
        plain = _fitted(found.W, _matched(found.W, find_factors(question, None, alive).W))
    blocks = _blocks(question.mask)
    names, block_of = np.unique(blocks, return_inverse=True)
    members = [np.flatnonzero(block_of == k) for k in range(len(names))]
    rng = np.random.default_rng([question.seed, 11])
    for number in range(rounds):
        if not on_done(number, rounds):
            break
        drawn = rng.integers(0, len(members), len(members))
        columns = np.concatenate([members[k] for k in drawn])
        # Where each voxel lies does not matter from here on: the start is given.
        mask = np.ones((1, 1, columns.size), bool)
        place: dict[int, list[int]] = {}
        for k, column in enumerate(columns):
            place.setdefault(int(column), []).append(k)
        anchors = tuple(
            np.array([k for at in each for k in place.get(int(at), ())], dtype=np.intp)
            for each in question.anchors
        )
        asked = replace(question, X=question.X[:, columns], mask=mask, anchors=anchors)
        other = find_factors(asked, None, alive)
        matched = _matched(found.W, other.W)
        curves.append(np.maximum(found.W + _fitted(plain, matched) - plain, 0))
    if len(curves) < 2:
        return Band(found.W.copy(), found.W.copy(), len(curves), len(curves))
    low, high = np.quantile(np.stack(curves), (0.025, 0.975), axis=0)
    return Band(np.minimum(low, found.W), np.maximum(high, found.W), len(curves), len(curves))


def _fitted(W: Array, other: Array) -> Array:
    """Columns of `other`, each by the amount that fits that of W best."""
    size = (other * W).sum(axis=0) / np.maximum((other**2).sum(axis=0), 1e-30)
    return np.asarray(other * size)


def _blocks(mask: Mask, side: int = 4) -> NDArray[np.intp]:
    """Number of the cube of voxels that each column lies in."""
    z, y, x = np.nonzero(mask)
    shape = [-(-n // side) for n in mask.shape]
    return np.asarray(((z // side) * shape[1] + y // side) * shape[2] + x // side, dtype=np.intp)


def _few(question: Question, most: int = 20_000) -> NDArray[np.intp]:
    count = question.X.shape[1]
    if count <= most:
        return np.arange(count)
    rng = np.random.default_rng([question.seed, 7])
    return np.sort(rng.choice(count, most, replace=False))


def _jitter(question: Question, number: int) -> Array:
    rng = np.random.default_rng([question.seed, 13, number])
    return np.asarray(rng.lognormal(0.0, 0.05, (len(question.X), question.rank)))


def _matched(W: Array, other: Array) -> Array:
    """Columns of `other` in the order of those of W that they are most like."""
    unit = W / np.maximum(np.linalg.norm(W, axis=0), 1e-30)
    mine = other / np.maximum(np.linalg.norm(other, axis=0), 1e-30)
    _, order = linear_sum_assignment(-(unit.T @ mine))
    return np.asarray(other[:, order])
