"""Which synergies made this recording? From channels to parts, residual, measures and trust."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Dataset,
    Factorization,
    Fit,
    InputProblem,
    Job,
    LocalJob,
    Part,
    Residual,
    Result,
    Uniqueness,
    View,
    explained,
    nmf,
    refit,
    stop_if_cancelled,
    uniqueness,
)
from partwise_emg.answer import Answer, parts_of
from partwise_emg.asked import Params as _Params
from partwise_emg.compare import (
    Against,
    Other,
    compare_with,
    find_quietly,
    other_of,
    protocol_of,
    sides_of,
)
from partwise_emg.delays import Delayed, find_delayed
from partwise_emg.doubt import bands_of, leftover
from partwise_emg.norm import Member, Norm, facts_of
from partwise_emg.prepared import Prepared, prepare
from partwise_emg.synergies import (
    Found,
    locked,
    muscle_vaf,
    order_in_time,
    scan_ranks,
    settle,
    turned,
)
from partwise_emg.tell import measures, tables
from partwise_emg.trust import lines
from partwise_emg.views import live_views, recording_view, views

__all__ = ["SynergyAnalysis"]

Array = NDArray[np.floating[Any]]

_DOUBT_STARTS = 8


class SynergyAnalysis:
    """Nonnegative factorization of envelopes, muscles × time (Lee and Seung 1999; Tresch 1999)."""

    id: ClassVar[str] = "synergies"
    title: ClassVar[str] = "Find synergies"
    Params: ClassVar[type] = _Params

    def memory(self, dataset: Dataset, params: _Params) -> int:
        """Return about how many bytes a run takes at its largest, beside the recording itself."""
        # Measured on twelve channels of 40,000 and of 400,000 samples: 5.3 times the recording.
        return 48 * int(np.size(dataset.values)) if dataset.values is not None else 0

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Find the synergies of a recording.

        Raises
        ------
        InputProblem
            Channels, events or locked synergies that do not fit the recording.
        AnalysisProblem
        Cancelled
        """
        if params.compare == "trials":
            from partwise_emg.cohort import run_cohort

            return run_cohort(dataset, params, job)
        job.report(0.0, "Making envelopes")
        prepared = prepare(dataset, params)
        stop_if_cancelled(job)
        other = None
        if params.compare == "sides":
            prepared, other = _sides(prepared, params, job)
        _check(prepared)
        X, kept = prepared.X, job.kept
        held = locked(kept, len(X)).shape[1] > 0

        def show(W: Array, H: Array, trace: Sequence[float]) -> None:
            emerging = _in_order(W, H, prepared, kept)[0]
            job.snapshot(emerging, trace, live_views(prepared, emerging))

        def trying(W: Array, H: Array, trace: Sequence[float]) -> None:
            emerging = _in_order(W, H, prepared, kept)[0]
            # Numbers of parts that are only tried are nothing to go on from after a stop.
            tried = [
                dataclasses.replace(part, facts={**part.facts, "tried": True}) for part in emerging
            ]
            job.snapshot(tried, trace, live_views(prepared, emerging))

        scan = scan_ranks(
            X,
            params.starts,
            job,
            least=len(kept),
            progress=(0.02, 0.5),
            show=None if held else trying,
        )
        found = settle(X, scan, _rank_text(params, job), params.rank_rule, params.starts, job, show)
        parts, order = _in_order(found.W, found.H, prepared, kept)
        found = turned(found, order)
        trace = [float(v) for v in found.fit.trace]
        job.snapshot(parts, trace, live_views(prepared, parts))
        answer = _answer(prepared, found, params, job)
        if params.compare == "file":
            job.report(0.9, "Comparing")
            other = other_of(params, job)
        if other is not None:
            against = compare_with(
                prepared, found.W, other, answer.vaf1, protocol_of(prepared), job
            )
            answer = dataclasses.replace(answer, against=against)
        stop_if_cancelled(job)
        job.report(1.0, "Done")
        return _result(answer, parts)

    def preview(self, dataset: Dataset) -> tuple[View, ...]:
        """Show the channels as they were recorded, before any run."""
        return (recording_view(dataset),)

    def warm_up(self) -> None:
        """Compile what a first run would wait for."""
        X = np.random.default_rng(0).random((4, 40))
        fit = nmf(X, 2, max_iter=3)
        refit(X, fit.W)
        scan_ranks(X, 2, LocalJob())


def _check(prepared: Prepared) -> None:
    X = prepared.X
    if not np.isfinite(X).all():
        raise InputProblem("the envelopes hold NaN", argument="input", fix="leave the channel out")
    if float(X.max()) <= 0:
        raise InputProblem(
            "the envelopes are all zero", argument="input", fix="look at the channels first"
        )


def _sides(prepared: Prepared, params: _Params, job: Job) -> tuple[Prepared, Other]:
    """The left side as what is analysed, the right one as what it is compared with."""
    (left, right), names = sides_of(prepared)

    def of(rows: list[int]) -> Prepared:
        cycles = dataclasses.replace(prepared.cycles, values=prepared.X[rows])
        return dataclasses.replace(prepared, muscles=names, cycles=cycles)

    other = of(right)
    found = find_quietly(other.X, params, job)
    found = turned(found, order_in_time(found.H, other.cycles))
    return of(left), Other("the right side", names, found.W, (other.X,), other.cycles.points)


def _rank_text(params: _Params, job: Job) -> str:
    """How many are asked for; as many as there are to begin from, where nothing else is said."""
    if params.rank.strip().lower() == "auto" and job.start:
        return str(len(job.start))
    return params.rank


def _in_order(
    W: Array, H: Array, prepared: Prepared, kept: Sequence[Part]
) -> tuple[tuple[Part, ...], list[int]]:
    """Parts in the order in which they act, the locked ones first."""
    length = np.linalg.norm(np.asarray(W), axis=0)
    length[: len(kept)] = 1.0
    length[length == 0] = 1.0
    W, H = np.asarray(W) / length, np.asarray(H) * length[:, None]
    order = order_in_time(H, prepared.cycles, len(kept))
    return parts_of(W[:, order], H[order], kept), order


def _answer(prepared: Prepared, found: Found, params: _Params, job: Job) -> Answer:
    X, fit = prepared.X, found.fit
    share = explained(X, found.W, found.H)
    one = found.scan.fit(1)
    vaf1 = float(explained(X, one.W, one.H).vaf)
    doubt = _doubt(X, fit, params, job) if params.doubt and min(X.shape) > 1 else None
    bands = None
    if params.bootstrap >= 2:
        bands = bands_of(X, fit, prepared.cycles, params.bootstrap, job, (0.7, 0.9))
    delayed = None
    if params.model == "delayed":
        delayed = _delayed(prepared, found, params, float(share.vaf), job)
    return Answer(
        prepared=prepared,
        found=found,
        vaf=float(share.vaf),
        r2=float(share.r2),
        vaf1=vaf1,
        muscles_vaf=muscle_vaf(X, found.W, found.H),
        repeats=leftover(X, found.W, found.H, prepared.cycles),
        bands=bands,
        doubt=doubt,
        delayed=delayed,
    )


def _doubt(X: Array, fit: Factorization, params: _Params, job: Job) -> Uniqueness:
    starts = min(params.starts, _DOUBT_STARTS)

    def on_step(done: int) -> bool:
        job.report(0.6 + 0.1 * done / starts, "Looking for other synergies that fit as well")
        return not job.cancelled

    found = uniqueness(X, fit, starts=starts, seed=job.seed, on_step=on_step)
    stop_if_cancelled(job)
    return found


def _delayed(prepared: Prepared, found: Found, params: _Params, vaf: float, job: Job) -> Delayed:
    width = max(round(prepared.cycles.points * params.delay / 100), 2)
    made = find_delayed(
        prepared.X,
        found.rank,
        min(width, prepared.X.shape[1] // 2),
        vaf,
        params.starts,
        job,
        (0.9, 0.97),
    )
    order = order_in_time(made.H, prepared.cycles)
    return dataclasses.replace(made, W=made.W[:, order], H=made.H[order], lag=made.lag[:, order])


def _result(answer: Answer, parts: tuple[Part, ...]) -> Result:
    found = answer.found
    vaf = answer.vaf
    if answer.delayed is not None:
        # The patterns' weights over all delays; their own courses.
        profile = np.linalg.norm(answer.delayed.W, axis=2)
        parts = parts_of(profile, answer.delayed.H)
        vaf = answer.delayed.vaf
    left = 1 - vaf
    fit = found.fit if answer.delayed is None else answer.delayed.fit
    names = [part.name for part in parts]
    return Result(
        parts=parts,
        residual=Residual(left, f"{100 * left:.1f} % of the sum of squares is in no synergy"),
        fit=Fit(
            loss="frobenius",
            value=float(fit.loss),
            explained=vaf,
            iterations=int(fit.iterations),
            stop=str(fit.stop),
            kkt=float(found.fit.kkt),
            trace=tuple(float(v) for v in fit.trace),
        ),
        measures=measures(answer, parts),
        trust=lines(answer, names),
        views=views(answer, parts),
        tables=tables(answer, parts),
        facts=_facts(answer),
    )


def _facts(answer: Answer) -> dict[str, Any]:
    prepared, found = answer.prepared, answer.found
    filters, cycles = prepared.filters, prepared.cycles
    facts: dict[str, Any] = {
        "muscles": list(prepared.muscles),
        "points": cycles.points,
        "cycles": cycles.count,
        "rank": found.rank,
        "rank_rule": found.why,
        "rules": dict(found.rules),
        "vaf": answer.vaf,
        "r2": answer.r2,
        "vaf1": answer.vaf1,
        "trial": prepared.trial,
        "norm": facts_of(norm_of(answer)),
    }
    if filters is not None:
        facts["filter"] = {
            "highpass_hz": filters.highpass,
            "lowpass_hz": filters.lowpass,
            "mains_hz": filters.mains,
            "source": filters.source,
        }
    if prepared.events is not None:
        facts["events"] = prepared.events.source
    if answer.against is not None:
        facts["compared"] = _compared(answer.against)
    return facts


def _compared(against: Against) -> dict[str, Any]:
    return {
        "with": against.other.name,
        "muscles": list(against.muscles),
        "cosine": [[round(float(v), 6) for v in row] for row in against.like.cosine],
        "pairs": [list(pair) for pair in against.like.pairs],
        "chance": against.like.chance,
        "merged_p": None if against.merged is None else float(against.merged.p.min()),
        "walk_dmc": against.dmc,
    }


def norm_of(answer: Answer) -> Norm:
    """Return the one-member norm that a run makes, of mean cycles."""
    prepared, found = answer.prepared, answer.found
    mean = prepared.cycles.stacked().mean(axis=1)
    H = found.H.reshape(found.rank, prepared.cycles.count, prepared.cycles.points).mean(axis=1)
    member = Member(found.W, H, mean, answer.vaf1, answer.vaf, answer.r2)
    return Norm(protocol_of(prepared), prepared.muscles, (member,))
