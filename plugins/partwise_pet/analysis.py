"""Which curves and images make up a dynamic series, and how far are they determined?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
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
    stop_if_cancelled,
)
from partwise_pet.arranged import band_in_order, kept_exactly, order_of, parts_of
from partwise_pet.asked import PetParams
from partwise_pet.beside import beside_of
from partwise_pet.blood import Samples, read_samples
from partwise_pet.core import Core, cores_of
from partwise_pet.count import Counted, count_factors
from partwise_pet.doubt import (
    band_of,
    blood_check,
    resampled_band,
)
from partwise_pet.evidence import OFF, Evidence
from partwise_pet.factors import find_factors
from partwise_pet.graphical import Graphical, graphical_of, patlak_beside
from partwise_pet.kinetics import Line
from partwise_pet.question import Factors, Question, blood_of
from partwise_pet.scale import scaled_by_core
from partwise_pet.scaling import Scaling
from partwise_pet.series import Series, Settings, most_looked_at, prepare
from partwise_pet.tell import measures, preview_of, tables, views
from partwise_pet.trust import lines
from partwise_pet.uptake import Uptake, uptakes_of

__all__ = ["PetAnalysis"]

Array = NDArray[np.float64]

_MOST_FACTORS = 12  # that anchors may name before their number is settled
_LARGE = 1_000_000  # voxels beyond which not every step is shown
_EVERY = 6


class PetAnalysis:
    """Factor analysis of dynamic PET, X ≈ W·H with frames weighted by their noise.

    Research use, not diagnostic.
    """

    id: ClassVar[str] = "factors"
    title: ClassVar[str] = "Factor analysis"
    Params: ClassVar[type] = PetParams

    def preview(self, dataset: Dataset) -> tuple[View, ...]:
        """Return the slices of a series before any run."""
        return preview_of(dataset)

    def memory(self, dataset: Dataset, params: PetParams) -> int:
        """Return about how many bytes a run takes."""
        # The series as it is; of the voxels looked at, doubles, weighted, and smoothed once to
        # begin. Images beside them are small.
        if dataset.values is None or dataset.values.ndim != 4:
            return 0
        frames, *shape = dataset.values.shape
        looked_at = most_looked_at((shape[0], shape[1], shape[2]), _settings(params))
        return int(4 * dataset.values.size + 28 * frames * looked_at)

    def warm_up(self) -> None:
        """Compile what a first run would wait for."""
        rng = np.random.default_rng(0)
        X = rng.random((8, 64))
        frames = np.stack([np.arange(8.0), np.arange(8.0) + 1], axis=1)
        question = Question(X, np.ones(8), frames, np.ones((4, 4, 4), bool), 3)
        find_factors(question)

    def run(self, dataset: Dataset, params: PetParams, job: Job) -> Result:
        """Find the factors of a series.

        Raises
        ------
        InputProblem
            No frame times, an empty mask, anchors that contradict the count of factors.
        """
        job.report(0.0, "Looking at the frames")
        wanted = None if params.rank.strip().lower() == "auto" else int(params.rank)
        series = prepare(dataset, _settings(params), wanted or _MOST_FACTORS, job)
        samples = read_samples(params.blood, series.unit) if params.blood else None
        if params.input == "samples" and samples is None:
            raise InputProblem(
                "blood samples are to be the input, and none are given",
                argument="blood",
                fix="give a table of samples (blood=FILE), or use the blood factor",
            )
        filtered = dataset.meta.get("filter_mm")
        filter_mm = float(filtered) if isinstance(filtered, int | float) else None
        question = _question(series, params, wanted, filter_mm, job)
        counted = None
        if wanted is None:
            counted = _count(question, series, params, job)
            question = replace(question, rank=counted.chosen)
        question = replace(question, anchors=series.anchors(question.rank))
        found = _fit(question, series, job)
        return _finished(question, series, found, counted, samples, params, job)


def _settings(params: PetParams) -> Settings:
    return Settings(
        params.frames,
        params.mask,
        params.region,
        params.threshold,
        params.anchors,
        params.points,
        params.negative,
        params.weighting,
        Scaling(params.decay, params.half_life, params.suv, params.dose, params.weight),
    )


def _question(
    series: Series, params: PetParams, wanted: int | None, filter_mm: float | None, job: Job
) -> Question:
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
    blur = params.blur.strip().lower()
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
        spacing_mm=series.spacing_mm,
        blur_mm=None if blur == "auto" else float(blur),
        filter_mm=filter_mm,
    )


def _count(question: Question, series: Series, params: PetParams, job: Job) -> Counted:
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
        stop_if_cancelled(job)  # at once: what follows the steps would still be worked out
        return True

    job.report(0.42, "Finding the factors")
    found = find_factors(question, on_step, lambda: not job.cancelled)
    if job.cancelled:
        raise Cancelled
    return found


def _live(W: Array, H: Array, question: Question, series: Series, job: Job) -> tuple[Part, ...]:
    top = np.quantile(H, 0.99, axis=1)
    top = np.where(top > 0, top, 1.0)
    W, H = W * top, H / top[:, None]
    # Named as the result will be: what is called blood at the end is not "retention" before.
    blood = blood_of(W, H, question.frames)
    factors = Factors(W, H, None, 0.0, blood)  # type: ignore[arg-type]  # no fit yet
    return parts_of(factors, order_of(factors, question), series, job)


def _finished(
    question: Question,
    series: Series,
    found: Factors,
    counted: Counted | None,
    samples: Samples | None,
    params: PetParams,
    job: Job,
) -> Result:
    job.report(0.74, "Looking for the core of each factor")
    cores = cores_of(found.H, series.mask, question.anchors, found.W)
    places = np.flatnonzero(series.mask)
    seen = [series.mean_curve(places[core.columns]) for core in cores]
    loose = found
    found = kept_exactly(scaled_by_core(found, cores, seen, question), question)
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
    order = order_of(found, question)
    loose, found = loose.in_order(order), found.in_order(order)
    cores = tuple(cores[k] for k in order)
    band, drawn = band_in_order(band, order), band_in_order(drawn, order)
    roi = tuple(seen[k] for k in order)
    job.report(0.96, "Patlak and Logan")
    checks = blood_check(found, cores, roi, series.frames)
    choice = params.input
    if choice == "factor" and any(abs(each.off) > OFF[1] for each in checks):
        choice = "core"  # a curve that fails its own core drives nothing
    plots = graphical_of(series, found, roi, samples, choice, params.patlak_from)
    parts = parts_of(found, list(range(question.rank)), series, job)
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
        question.blur_mm is not None,
        question.filter_mm,
        _uptakes(loose, found, cores, roi, question, series, plots),
    )
    job.report(1.0, "Done")
    return _result(question, parts, evidence)


def _uptakes(
    loose: Factors,
    found: Factors,
    cores: Sequence[Core],
    roi: Sequence[Array],
    question: Question,
    series: Series,
    plots: Graphical | None,
) -> tuple[Uptake, ...]:
    """Bands of Ki; none where the input is a region, whose partial volume nobody knows."""
    if plots is None or plots.kind == "region":
        return ()

    def line_of(each: Factors) -> Line:
        return patlak_beside(series, each, plots)

    beside = beside_of(loose, found, cores, roi, question, line_of)
    return uptakes_of(found, plots.factors[0], plots.kind == "factor", beside)


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
        "blur_mm": [round(spill.width_mm, 3) for spill in evidence.found.spills],
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
