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
from scipy.ndimage import binary_erosion, label
from scipy.optimize import linear_sum_assignment

from partwise.api import refit
from partwise_pet.factors import Factors, Question, find_factors, smoothed

__all__ = [
    "Band",
    "Blood",
    "Core",
    "band_of",
    "blood_check",
    "cores_of",
    "misfit",
    "resampled_band",
    "scaled_by_core",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEW, _MANY = 12, 60  # voxels of a core
_BRIGHT = 0.5  # of the strongest amounts: a core is no dim fringe
_TIMES = (0.0, 0.35, 2.5)  # of the overlap that was used
_WITHIN = 0.02  # of the misfit: as good a fit
_ROUNDS, _GRANTED = 30, 1 / 3
_LATE = 1 / 3  # of the scan: where the early peak is over


@dataclass(frozen=True, eq=False)
class Core:
    """Where a factor is purest.

    Attributes
    ----------
    columns : int array
        Of X.
    purity : float
        Share of the amounts there that are this factor's.
    thin : bool
        No voxel of the pool around has the pool on all sides: partial volume.
    """

    columns: NDArray[np.intp]
    purity: float
    thin: bool


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


def cores_of(
    H: Array, mask: Mask, anchors: Sequence[NDArray[np.intp]], W: Array
) -> tuple[Core, ...]:
    """Return where each factor is purest; its anchors, where it has any."""
    amounts = smoothed(H, mask)
    size = np.linalg.norm(W, axis=0)[:, None]
    share = amounts * size / np.maximum((amounts * size).sum(axis=0), 1e-30)
    found = []
    for k in range(len(H)):
        given = anchors[k] if k < len(anchors) else np.empty(0, np.intp)
        columns = given if given.size else _purest(amounts[k], share[k], mask)
        found.append(
            Core(columns, float(share[k][columns].mean()), _is_thin(amounts[k], columns, mask))
        )
    return tuple(found)


def _purest(amount: Array, share: Array, mask: Mask) -> NDArray[np.intp]:
    top = float(np.quantile(amount, 0.995))
    bright = amount > _BRIGHT * top if top > 0 else np.ones(amount.size, bool)
    score = np.where(bright, share * amount / max(top, 1e-30), 0.0)
    count = int(np.clip(0.15 * bright.sum(), _FEW, _MANY))
    best = np.argsort(-score, kind="stable")[: 2 * count]
    # Of the best voxels the largest piece: one pool, not specks of several.
    volume = np.zeros(mask.shape, bool)
    places = np.flatnonzero(mask)
    volume.ravel()[places[best]] = True
    pieces, number = label(volume, np.ones((3, 3, 3)))
    if number > 1:
        sizes = np.bincount(pieces.ravel())[1:]
        inside = pieces.ravel()[places[best]] == 1 + int(sizes.argmax())
        if inside.sum() >= _FEW:
            best = best[inside]
    return np.sort(best[:count]).astype(np.intp)


def _is_thin(amount: Array, columns: NDArray[np.intp], mask: Mask) -> bool:
    """Whether what is brighter than half the core goes when one voxel is peeled off."""
    level = 0.5 * float(amount[columns].mean())
    volume = np.zeros(mask.shape, bool)
    volume[mask] = amount > level
    flat = np.flatnonzero(mask)[columns]
    inner = binary_erosion(volume, np.ones((3, 3, 3), bool), border_value=1)
    return bool(inner.ravel()[flat].mean() < 0.25)


def scaled_by_core(factors: Factors, cores: Sequence[Core]) -> Factors:
    """Return the factors as shares of volume, and curves in the unit of the data.

    In a core all shares add up to 1: what other factors hold there (blood in the middle of a
    muscle, by its vessels and by blur) is not part of its own. At most a third is granted to the
    others, or a factor that is nowhere pure would grow without bound.
    """
    count = len(cores)
    amount = np.array(
        [factors.H[:, core.columns].mean(axis=1) if core.columns.size else np.eye(count)[k]
         for k, core in enumerate(cores)]
    )  # fmt: skip
    own = np.where(np.diag(amount) > 0, np.diag(amount), 1.0)
    per = 1 / own
    others = amount - np.diag(np.diag(amount))
    for _ in range(_ROUNDS):
        per = (1 - np.minimum(others @ per, _GRANTED)) / own
    return replace(factors, W=factors.W / per, H=factors.H * per[:, None])


def blood_check(
    factors: Factors, cores: Sequence[Core], roi: Sequence[Array], frames: Array
) -> tuple[Blood, ...]:
    """Set the late part of each blood factor against what was measured in its core."""
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
        seen = float(share @ roi[k][late])
        parts = (share @ factors.W[late]) * H
        total = float(parts.sum())
        found.append(
            Blood(
                k,
                own / seen - 1 if seen > 0 else float("nan"),
                1 - float(parts[k]) / total if total > 0 else float("nan"),
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
        matched = _matched(found.W, scaled_by_core(other, cores).W)
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
        asked = replace(
            question, X=question.X[:, columns], mask=mask, anchors=anchors,
            overlap=found.overlap, start=found.W,
        )  # fmt: skip
        other = find_factors(asked, None, alive)
        matched = _matched(found.W, other.W)
        # One scale per curve: the amount that fits the curve found best.
        size = (matched * found.W).sum(axis=0) / np.maximum((matched**2).sum(axis=0), 1e-30)
        curves.append(matched * size)
    if len(curves) < 2:
        return Band(found.W.copy(), found.W.copy(), len(curves), len(curves))
    low, high = np.quantile(np.stack(curves), (0.025, 0.975), axis=0)
    return Band(np.minimum(low, found.W), np.maximum(high, found.W), len(curves), len(curves))


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
