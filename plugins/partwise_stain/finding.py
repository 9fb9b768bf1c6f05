"""Which stains made these pixels? From regions of a slide to vectors, with how surely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem, Job, Part, stop_if_cancelled
from partwise_stain.asked import Params, read_vectors
from partwise_stain.coreset import Coreset, gather
from partwise_stain.foreign import left_out
from partwise_stain.optics import White
from partwise_stain.presets import STAINS, is_inky, preset, published, swatch, unit
from partwise_stain.profile import Profile
from partwise_stain.survey import Survey
from partwise_stain.trust import Steadiness, steadiness
from partwise_stain.unmix import Census
from partwise_stain.vectors import find_vectors

__all__ = ["Found", "check_tissue", "find", "kkt", "names_of", "parts_of"]

Vectors = NDArray[np.float64]

_LEAST_TISSUE = 0.04  # share of the sampled area
_LEAST_BINS = 60  # different colours
_GREY = 4.0  # degrees from grey; tissue nearer has no colour
_BROWN = 3.0  # times the eosin


@dataclass(frozen=True, eq=False)
class Found:
    """The front end's answer for one image."""

    stains: str
    vectors: Vectors
    white: White
    coreset: Coreset
    trace: tuple[float, ...]
    rounds: int
    steady: Steadiness | None


def find(looked: Survey, params: Params, profile: Profile | None, job: Job) -> Found:
    """Find the stains of a slide, or take those that are fixed, in the first half of a run.

    Raises
    ------
    InputProblem
        No tissue, or no colour.
    """
    fixed = read_vectors(params.vectors)
    stains = params.stains
    if profile is not None:
        stains = profile.stains
        fixed = profile.vectors if fixed is None else fixed
    left = left_out(params.exclude)
    coreset = gather(
        looked.regions, looked.white, brown=stains != "he", inky=is_inky(stains), left=left, job=job
    )
    check_tissue(coreset)
    if stains == "auto":
        stains = _which(coreset)
        if stains == "he":
            coreset = gather(looked.regions, looked.white, brown=False, left=left, job=job)
            check_tissue(coreset)
    prior = _priors(stains, job)
    if fixed is None and prior.shape[2] == 3:
        # Three dyes fill all colours, so that no cone in a plane can be fitted to them.
        fixed = preset(stains)
    trace: list[float] = []

    def show(vectors: Vectors, cost: float) -> None:
        # The cost that is minimised: colours outside the cone, its width, distance to published
        # vectors. Of the pairs tried so far the least counts.
        stop_if_cancelled(job)
        trace.append(cost)
        job.snapshot(parts_of(stains, vectors, None), trace)
        job.report(min(0.1 + 0.01 * len(trace), 0.3), "Finding the stains")

    if fixed is not None:
        fixed = _by_hand(fixed, stains, job)
        show(fixed, _loss(coreset, fixed))
        return Found(stains, fixed, looked.white, coreset, tuple(trace), 0, None)
    kept = _kept(stains, job)
    start = preset(stains)
    for column, vector in kept.items():
        start[:, column] = vector
    job.snapshot(parts_of(stains, start, None))
    vectors = find_vectors(coreset, prior, kept=kept, on_step=show).vectors
    job.report(0.3, "Checking how steady they are")
    steady = steadiness(coreset, prior, kept, job) if params.resample else None
    return Found(stains, vectors, looked.white, coreset, tuple(trace), len(trace), steady)


def _priors(stains: str, job: Job) -> Vectors:
    """Pairs to begin the search from: published ones, or where a hand or a stop left it."""
    known = published(stains)
    keys = [stain.key for stain in STAINS[stains]]
    begun = {part.key: part for part in (*job.kept, *job.start)}
    if known.shape[2] != len(keys) or not job.start or set(keys) - begun.keys():
        return known
    profiles = [np.asarray(begun[key].profile, dtype=np.float64) for key in keys]
    if any(profile.shape != (3,) for profile in profiles):
        return known
    pair = np.column_stack([unit(profile) for profile in profiles])[None]
    # A correction by hand is where to look; what only stood is one more place beside the others.
    by_hand = any(part.facts.get("corrected") for part in job.start)
    return pair if by_hand else np.concatenate([pair, known])


def _by_hand(fixed: Vectors, stains: str, job: Job) -> Vectors:
    """Fixed vectors, those in their place that a hand has put there since, or keeps."""
    put = {part.key: part for part in job.start if part.facts.get("corrected")}
    put |= {part.key: part for part in job.kept}
    vectors = fixed.copy()
    for column, stain in enumerate(STAINS[stains][: fixed.shape[1]]):
        profile = np.asarray(put[stain.key].profile if stain.key in put else (), dtype=np.float64)
        if profile.shape == (3,):
            vectors[:, column] = unit(profile)
    return vectors


def _kept(stains: str, job: Job) -> dict[int, Vectors]:
    keys = [stain.key for stain in STAINS[stains]]
    return {
        keys.index(part.key): np.asarray(part.profile, dtype=np.float64)
        for part in job.kept
        if part.key in keys
    }


def check_tissue(coreset: Coreset) -> None:
    """Raise `InputProblem`, with the reason, where no stains can be found."""
    if coreset.tissue < _LEAST_TISSUE:
        ink = f" ({100 * coreset.pen:.0f} % is felt pen)" if coreset.pen > 0.005 else ""
        raise InputProblem(
            f"there is almost no tissue: {100 * coreset.tissue:.1f} % of the image{ink}",
            argument="input",
            fix="choose a field with tissue, or fix the white point if the slide is very pale",
        )
    counts = coreset.counts()
    toward = coreset.od / np.linalg.norm(coreset.od, axis=1)[:, None]
    off = np.degrees(np.arccos(np.clip(toward.sum(axis=1) / np.sqrt(3), -1, 1)))
    if (counts * (off < _GREY)).sum() > 0.9 * counts.sum():
        raise InputProblem(
            "the image is grey, and one channel cannot carry two stains",
            argument="input",
            fix="use the colour image as it came from the scanner or camera",
        )
    if coreset.tissue >= _LEAST_TISSUE and len(coreset.od) < _LEAST_BINS:
        raise InputProblem(
            f"tissue has {len(coreset.od)} colours that can be measured, too few for stains",
            argument="input",
            fix="choose a larger field, or one that is neither drawn nor overexposed",
        )


def _which(coreset: Coreset) -> str:
    """Tell H&E from H-DAB by which of eosin and DAB carries more.

    DAB has to win clearly: red cells, pigment and a white point that is off look brown too.
    """
    three = np.column_stack([preset("he"), preset("hdab")[:, 1]])
    amount = coreset.counts() @ _nonnegative(three, coreset.od)
    return "hdab" if amount[2] > _BROWN * amount[1] else "he"


def _nonnegative(vectors: Vectors, od: Vectors) -> Vectors:
    """Nonnegative least squares of all rows, shape (n, parts), by trying every set of parts."""
    parts = vectors.shape[1]
    best = np.zeros((len(od), parts))
    most = np.zeros(len(od))
    for members in range(1, 2**parts):
        chosen = [k for k in range(parts) if members >> k & 1]
        h = od @ np.linalg.pinv(vectors[:, chosen]).T
        gain = (h * (od @ vectors[:, chosen])).sum(axis=1)
        better = (h >= 0).all(axis=1) & (gain > most)
        best[better] = 0
        best[np.ix_(better, chosen)] = h[better]
        most[better] = gain[better]
    return best


def _loss(coreset: Coreset, vectors: Vectors) -> float:
    """Half the mean squared OD that the vectors leave over on the colours of tissue."""
    counts = coreset.counts()
    rest = coreset.od - _nonnegative(vectors, coreset.od) @ vectors.T
    return float(0.5 * (counts @ (rest**2).sum(axis=1)) / counts.sum())


def kkt(coreset: Coreset, vectors: Vectors) -> float:
    """Scaled optimality residual of the concentrations for these vectors."""
    h = _nonnegative(vectors, coreset.od)
    gradient = (h @ vectors.T - coreset.od) @ vectors
    scale = np.abs(coreset.od @ vectors).max()
    return float(np.abs(np.minimum(h, gradient)).max() / scale)


def names_of(stains: str, count: int) -> list[tuple[str, str]]:
    """Keys and words of `count` parts."""
    known = [(stain.key, stain.name) for stain in STAINS[stains]]
    return [*known, ("third", "Third stain")][:count]


def parts_of(stains: str, vectors: Vectors, counted: Census | None) -> tuple[Part, ...]:
    """Return stains as parts; their shares where they were counted."""
    return tuple(
        Part(
            key=key,
            name=name,
            color=swatch(vectors[:, k]),
            profile=vectors[:, k].copy(),
            share=float(counted.share[k]) if counted is not None else 0.0,
            unit="OD",
            facts={"vector": [float(value) for value in vectors[:, k]]},
        )
        for k, (key, name) in enumerate(names_of(stains, vectors.shape[1]))
    )
