"""Which curves and images make up a dynamic series, and how far are they determined?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Cancelled,
    Dataset,
    Fit,
    InputProblem,
    Job,
    Part,
    Residual,
    Result,
    View,
    param,
    stop_if_cancelled,
)
from partwise_pet.blood import Samples, read_samples
from partwise_pet.core import cores_of
from partwise_pet.count import Counted, count_factors
from partwise_pet.doubt import (
    Band,
    band_of,
    blood_check,
    resampled_band,
    scaled_by_core,
)
from partwise_pet.factors import Factors, Question, find_factors, shares_of
from partwise_pet.graphical import graphical_of
from partwise_pet.naming import names_of
from partwise_pet.region import check_points, check_region
from partwise_pet.series import Series, Settings, prepare
from partwise_pet.tell import measures, preview_of, tables, views
from partwise_pet.trust import OFF, Evidence, lines

__all__ = ["PetAnalysis"]

Array = NDArray[np.float64]

_MOST_FACTORS = 12
_LARGE = 1_000_000  # voxels beyond which not every step is shown
_EVERY = 6


def _check_rank(text: str) -> str | None:
    word = text.strip().lower()
    if word == "auto" or (word.isdigit() and 1 <= int(word) <= _MOST_FACTORS):
        return None
    return f"give auto, or a number from 1 to {_MOST_FACTORS}"


def _check_overlap(text: str) -> str | None:
    if text.strip().lower() == "auto":
        return None
    try:
        value = float(text)
    except ValueError:
        return "give auto, or a number from 0 to 1"
    return None if 0 <= value <= 1 else "give auto, or a number from 0 to 1"


def _check_loss(text: str) -> str | None:
    word = text.strip().lower()
    if word in ("frobenius", "kl", "is"):
        return None
    try:
        return None if -2 <= float(word) <= 3 else "give frobenius, kl, is, or a beta from -2 to 3"
    except ValueError:
        return "give frobenius, kl, is, or a beta from -2 to 3"


@dataclass(frozen=True)
class _Params:
    rank: str = param(
        "auto",
        label="Factors",
        check=_check_rank,
        help="How many curves to look for; auto compares two halves of the voxels.",
    )
    mask: str = param(
        "", label="Mask", kind="file", help="A volume that marks the voxels to look at."
    )
    region: str = param(
        "",
        label="Region",
        check=check_region,
        help="Steps that draw the region in voxels, such as box 10:38 12:36 0:20; -ball 5 5 5 2.",
    )
    threshold: float = param(
        5.0,
        ge=0.0,
        le=100.0,
        unit="%",
        label="Threshold",
        help="Without a mask, voxels are looked at whose mean exceeds this share of the bright.",
    )
    anchors: str = param(
        "",
        label="Anchors",
        kind="file",
        help="A label volume: label k holds voxels that belong to factor k alone.",
    )
    points: str = param(
        "",
        label="Anchor points",
        check=check_points,
        help="Voxels of one factor alone, such as 1@28,24,10 2@18,24,10, as set by clicks.",
    )
    frames: str = param(
        "",
        label="Frame times",
        kind="file",
        help="Start and end of the frames (BIDS-PET JSON or TSV), in place of the file's own.",
    )
    negative: str = param(
        "zero",
        label="Below zero",
        choices={"zero": "Take as zero", "cut": "Cut noise first", "refuse": "Refuse"},
        help="What to do with values below zero, which noise causes.",
    )
    input: str = param(
        "factor",
        label="Input function",
        choices={"factor": "Blood factor", "roi": "Its region", "samples": "Blood samples"},
        help="Which blood curve drives the Patlak and Logan plots.",
    )
    blood: str = param(
        "",
        label="Blood samples",
        kind="file",
        help="Measured blood, a table with time_s or time_min and activity, to compare and scale.",
    )
    patlak_from: float = param(
        15.0,
        ge=0.0,
        le=600.0,
        unit="min",
        label="Lines from",
        help="From when on the Patlak and Logan plots are taken for straight.",
    )
    bootstrap: int = param(
        0,
        ge=0,
        le=500,
        label="Resamplings",
        help="How often voxels are drawn anew for intervals of the curves; 0 for none.",
    )
    suv: bool = param(
        False, label="SUV", advanced=True, help="Divide by injected activity per body weight."
    )
    weighting: str = param(
        "noise",
        label="Frames count",
        choices={"noise": "By their noise", "duration": "By duration", "none": "Alike"},
        advanced=True,
        help="How much each frame counts in the fit.",
    )
    overlap: str = param(
        "auto",
        label="Overlap",
        check=_check_overlap,
        advanced=True,
        help="How strongly factors avoid each other's voxels; auto follows the noise, 0 is none.",
    )
    loss: str = param(
        "frobenius",
        label="Error",
        check=_check_loss,
        advanced=True,
        help="What a deviation costs: frobenius (weighted squares), kl, is, or a beta.",
    )
    most: int = param(
        6,
        ge=2,
        le=_MOST_FACTORS,
        label="At most",
        advanced=True,
        help="The largest number of factors that auto tries.",
    )
    doubt: bool = param(
        True,
        label="Look for other fits",
        advanced=True,
        help="Draw the band of curves that fit as well.",
    )


class PetAnalysis:
    """Factor analysis of dynamic PET, X ≈ W·H with frames weighted by their noise.

    Research use, not diagnostic.
    """

    id: ClassVar[str] = "factors"
    title: ClassVar[str] = "Factor analysis"
    Params: ClassVar[type] = _Params

    def preview(self, dataset: Dataset) -> tuple[View, ...]:
        """Return the slices of a series before any run."""
        return preview_of(dataset)

    def memory(self, dataset: Dataset, params: _Params) -> int:
        """Return about how many bytes a run takes."""
        # The series as doubles, weighted, and smoothed once to begin; images beside it are small.
        size = int(np.size(dataset.values)) if dataset.values is not None else 0
        return 32 * size

    def warm_up(self) -> None:
        """Compile what a first run would wait for."""
        rng = np.random.default_rng(0)
        X = rng.random((8, 64))
        frames = np.stack([np.arange(8.0), np.arange(8.0) + 1], axis=1)
        question = Question(X, np.ones(8), frames, np.ones((4, 4, 4), bool), 3)
        find_factors(question)

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Find the factors of a series.

        Raises
        ------
        InputProblem
            No frame times, an empty mask, anchors that contradict the count of factors.
        """
        job.report(0.0, "Looking at the frames")
        wanted = None if params.rank.strip().lower() == "auto" else int(params.rank)
        series = prepare(dataset, _settings(params), wanted or _MOST_FACTORS, job)
        samples = read_samples(params.blood) if params.blood else None
        if params.input == "samples" and samples is None:
            raise InputProblem(
                "blood samples are to be the input, and none are given",
                argument="blood",
                fix="give a table of samples (blood=FILE), or use the blood factor",
            )
        question = _question(series, params, wanted, job)
        counted = None
        if wanted is None:
            counted = _count(question, series, params, job)
            question = replace(question, rank=counted.chosen)
        question = replace(question, anchors=series.anchors(question.rank))
        found = _fit(question, series, job)
        return _finished(question, series, found, counted, samples, params, job)


def _settings(params: _Params) -> Settings:
    return Settings(
        params.frames,
        params.mask,
        params.region,
        params.threshold,
        params.anchors,
        params.points,
        params.negative,
        params.weighting,
        params.suv,
    )


def _question(series: Series, params: _Params, wanted: int | None, job: Job) -> Question:
    count = len(series.frames)
    for part in job.kept:
        if np.size(part.profile) != count:
            raise InputProblem(
                f"{part.name} is locked and has {np.size(part.profile)} frames, the series {count}",
                argument="input",
                fix="unlock it",
            )
    kept = [np.asarray(part.profile, np.float64) for part in job.kept]
    if wanted is not None and len(kept) > wanted:
        raise InputProblem(
            f"{len(kept)} factors are locked and {wanted} asked for",
            argument="rank",
            fix="unlock some, or ask for more",
        )
    begun = [np.asarray(p.profile, np.float64) for p in job.start if np.size(p.profile) == count]
    overlap = params.overlap.strip().lower()
    loss = params.loss.strip().lower()
    return Question(
        series.X,
        series.weights,
        series.frames,
        series.mask,
        wanted or 3,
        overlap=None if overlap == "auto" else float(overlap),
        seed=job.seed,
        fixed=np.stack(kept, axis=1) if kept else None,
        start=np.stack(begun, axis=1) if begun else None,
        loss=loss if loss in ("frobenius", "kl", "is") else float(loss),
    )


def _count(question: Question, series: Series, params: _Params, job: Job) -> Counted:
    anchored = max((k + 1 for k, at in enumerate(series.anchor_places) if at.size), default=0)
    least = max(2, question.kept, anchored)

    def on_done(done: int, of: int) -> bool:
        job.report(0.02 + 0.4 * done / of, f"Trying {least + done} factors")
        stop_if_cancelled(job)
        return True

    return count_factors(question, least, max(params.most, least), on_done, _alive(job))


def _fit(question: Question, series: Series, job: Job) -> Factors:
    steps = 0

    def on_step(W: Array, H: Array, trace: list[float]) -> bool:
        nonlocal steps
        steps += 1
        job.report(0.42 + 0.3 * (1 - 1 / (1 + 0.05 * steps)), "Finding the factors")
        if series.mask.size <= _LARGE or steps % _EVERY == 1:
            job.snapshot(_live(W, H, question, series, job), trace)
        return not job.cancelled

    job.report(0.42, "Finding the factors")
    found = find_factors(question, on_step)
    if job.cancelled:
        raise Cancelled
    return found


def _live(W: Array, H: Array, question: Question, series: Series, job: Job) -> tuple[Part, ...]:
    top = np.quantile(H, 0.99, axis=1)
    top = np.where(top > 0, top, 1.0)
    factors = Factors(W * top, H / top[:, None], None, 0.0, ())  # type: ignore[arg-type]  # no fit yet
    return _parts(factors, _order(factors, question), series, job)


def _finished(
    question: Question,
    series: Series,
    found: Factors,
    counted: Counted | None,
    samples: Samples | None,
    params: _Params,
    job: Job,
) -> Result:
    job.report(0.74, "Looking for the core of each factor")
    cores = cores_of(found.H, series.mask, question.anchors, found.W)
    found = _kept_exactly(scaled_by_core(found, cores), question)
    band = None
    if params.doubt and question.loss == "frobenius":
        hears = _hears(job, 0.75, 0.1, "Looking for other fits as good")
        band = band_of(question, found, hears, _alive(job))
    drawn = None
    if params.bootstrap:
        rounds = params.bootstrap
        hears = _hears(job, 0.85, 0.1, "Drawing voxels")
        drawn = resampled_band(question, found, rounds, hears, _alive(job))
    stop_if_cancelled(job)
    order = _order(found, question)
    found, cores = _reordered(found, order), tuple(cores[k] for k in order)
    band, drawn = _reordered_band(band, order), _reordered_band(drawn, order)
    places = np.flatnonzero(series.mask)
    roi = tuple(series.mean_curve(places[core.columns]) for core in cores)
    job.report(0.96, "Patlak and Logan")
    checks = blood_check(found, cores, roi, series.frames)
    choice = params.input
    if choice == "factor" and any(abs(each.off) > OFF[1] for each in checks):
        choice = "core"  # a curve that fails its own core drives nothing
    plots = graphical_of(series, found, roi, samples, choice, params.patlak_from)
    parts = _parts(found, list(range(question.rank)), series, job)
    evidence = Evidence(
        series,
        found,
        cores,
        roi,
        checks,
        band,
        drawn,
        counted,
        _explained(question, found),
        bool(any(at.size for at in question.anchors)),
        samples,
        plots,
    )
    job.report(1.0, "Done")
    return _result(question, parts, evidence)


def _result(question: Question, parts: tuple[Part, ...], evidence: Evidence) -> Result:
    explained, fit = evidence.explained, evidence.found.fit
    left = 1 - explained
    return Result(
        parts=parts,
        residual=Residual(left, f"{100 * left:.2f} % of the weighted squares is in no factor"),
        fit=Fit(
            loss=str(question.loss),
            value=float(fit.loss),
            explained=explained,
            iterations=int(fit.iterations),
            stop=fit.stop,
            kkt=float(fit.kkt),
            trace=tuple(float(v) for v in fit.trace),
        ),
        measures=measures(evidence, parts),
        trust=lines(evidence, parts),
        views=views(evidence, parts),
        tables=tables(evidence, parts),
        facts=_facts(question, evidence),
    )


def _facts(question: Question, evidence: Evidence) -> dict[str, Any]:
    series = evidence.series
    return {
        "use": "research use, not diagnostic",
        "rank": question.rank,
        "rank_why": evidence.counted.why if evidence.counted is not None else "",
        "overlap": evidence.found.overlap,
        "voxels": int(series.mask.sum()),
        "frames_s": [[float(a), float(b)] for a, b in series.frames],
        "timing": series.timing,
        "unit": series.unit,
        "blood": list(evidence.found.blood),
        "negative_share": series.below,
        "weights": [float(w) for w in series.weights],
    }


def _explained(question: Question, found: Factors) -> float:
    root = question.root
    left = total = 0.0
    for first in range(0, question.X.shape[1], 1 << 15):
        piece = slice(first, first + (1 << 15))
        data = question.X[:, piece] * root
        left += float(np.square(data - (found.W @ found.H[:, piece]) * root).sum())
        total += float(np.square(data).sum())
    return 1 - left / total if total > 0 else 0.0


def _kept_exactly(found: Factors, question: Question) -> Factors:
    """Give locked curves back to the last bit, their images on the matching scale."""
    if question.fixed is None:
        return found
    W, H = found.W.copy(), found.H.copy()
    for k in range(question.kept):
        given = question.fixed[:, k]
        size = float(W[:, k] @ given) / max(float(given @ given), 1e-300)
        W[:, k], H[k] = given, H[k] * size
    return replace(found, W=W, H=H)


def _order(found: Factors, question: Question) -> list[int]:
    """Anchored and locked factors stay at their numbers; else blood first, then by their share."""
    rank = found.W.shape[1]
    if any(at.size for at in question.anchors) or question.start is not None:
        return list(range(rank))
    kept = list(range(question.kept))
    seconds = question.frames[:, 1] - question.frames[:, 0]
    shares = shares_of(found.W, found.H, seconds)
    blood = [k for k in reversed(found.blood) if k not in kept]
    rest = [k for k in np.argsort(-shares, kind="stable") if k not in kept and k not in blood]
    return [*kept, *blood, *(int(k) for k in rest)]


def _reordered(found: Factors, order: list[int]) -> Factors:
    back = {old: new for new, old in enumerate(order)}
    return replace(
        found,
        W=found.W[:, order],
        H=found.H[order],
        blood=tuple(back[k] for k in found.blood),
    )


def _reordered_band(band: Band | None, order: list[int]) -> Band | None:
    if band is None:
        return None
    return replace(band, low=band.low[:, order], high=band.high[:, order])


def _parts(found: Factors, order: Sequence[int], series: Series, job: Job) -> tuple[Part, ...]:
    found = _reordered(found, list(order))
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


def _alive(job: Job) -> Callable[[], bool]:
    def alive() -> bool:
        stop_if_cancelled(job)
        return True

    return alive


class _Hears:
    def __init__(self, job: Job, first: float, width: float, words: str) -> None:
        self._job, self._first, self._width, self._words = job, first, width, words

    def __call__(self, done: int, of: int) -> bool:
        self._job.report(self._first + self._width * done / of, self._words)
        stop_if_cancelled(self._job)
        return True


def _hears(job: Job, first: float, width: float, words: str) -> _Hears:
    return _Hears(job, first, width, words)
