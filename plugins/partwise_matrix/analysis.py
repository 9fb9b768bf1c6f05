"""Which parts is this table made of? From numbers to parts, residual, measures and trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Cancelled,
    Dataset,
    Factorization,
    Fit,
    InputProblem,
    Job,
    Part,
    RankScan,
    Residual,
    Result,
    ScanStep,
    Uniqueness,
    color_of,
    rank_scan,
    start_factors,
    stop_if_cancelled,
    uniqueness,
)
from partwise_matrix.asked import MOST_PARTS, loss_of
from partwise_matrix.asked import Params as _Params
from partwise_matrix.fits import Task, find_parts
from partwise_matrix.prepared import Prepared, prepare
from partwise_matrix.tell import factor_views, measures, scan_table, top_table, views
from partwise_matrix.trust import Evidence, leftover, lines, shares_explained

__all__ = ["MatrixAnalysis"]

Array = NDArray[np.floating[Any]]

_DOUBT_STARTS = 10


class MatrixAnalysis:
    """Nonnegative factorization X ≈ W·H of a table (Lee and Seung, Nature 401:788, 1999)."""

    id: ClassVar[str] = "parts"
    title: ClassVar[str] = "Find parts"
    Params: ClassVar[type] = _Params

    def memory(self, dataset: Dataset, params: _Params) -> int:
        """Return about how many bytes a run takes at its largest, beside the table itself."""
        values = dataset.values
        size = 8 * int(values.size) if values is not None else 0
        # Measured on tables of 2,000 × 2,000 and 3,000 × 3,000: 4.7 times the table for
        # Frobenius, 8.5 for others, and 27 while ranks are compared.
        if params.asked_rank is None or params.compare:
            return 27 * size
        return (5 if params.loss == "frobenius" and params.normalise == "none" else 9) * size

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Find the parts of a table.

        Raises
        ------
        InputProblem
            Negative entries, weights or locked parts that do not fit the table.
        """
        job.report(0.0, "Looking at the table")
        prepared = prepare(
            dataset,
            transpose=params.transpose,
            negative=params.negative,
            normalise=params.normalise,
            weights=params.weights,
        )
        kept = _kept(job, prepared)
        fixed = None
        if kept:
            profiles = [np.asarray(part.profile, dtype=np.float64) for part in kept]
            fixed = np.stack(profiles, axis=1) * prepared.row_scale
        task = Task(prepared.scaled, loss_of(params.loss), prepared.weights, fixed, job.seed)
        begun = _begun(job, prepared)
        scan = None
        if not begun and (params.asked_rank is None or params.compare):
            scan = _scan(task, params, prepared, kept, job)
        rank, why = _choose(scan, params, len(kept), len(begun))

        def show(W: Array, H: Array, trace: list[float]) -> None:
            parts = _parts(W, H, prepared, kept)
            job.snapshot(parts, trace, factor_views(prepared, parts))

        first = None
        if begun:
            first = start_factors(task.X, begun, rank, fixed_W=fixed, seed=job.seed)
        elif scan is not None and not kept and rank in scan.rank:
            first = (scan.fit(rank).W, scan.fit(rank).H)
        going_on = bool(begun) and first is not None
        found = find_parts(
            task, rank, params.starts, job, show, (0.6 if scan else 0.0, 0.85), first, going_on
        )
        doubt = _doubt(task, found.fit, params, job) if params.doubt else None
        stop_if_cancelled(job)
        job.report(0.98, "Looking at what is left")
        evidence = Evidence(
            prepared=prepared,
            found=found,
            loss=task.loss,
            scan=scan,
            rank=rank,
            why=why,
            doubt=doubt,
            left=leftover(task.X, found.fit.W, found.fit.H, task.weights, job.seed),
            explained=shares_explained(task, found.fit.W, found.fit.H),
        )
        job.report(1.0, "Done")
        return _result(evidence, task, kept)


def _kept(job: Job, prepared: Prepared) -> tuple[Part, ...]:
    rows = len(prepared.values)
    for part in job.kept:
        if np.size(part.profile) != rows:
            raise InputProblem(
                f"{part.name} is locked and has {np.size(part.profile)} entries, the table has "
                f"{rows} rows",
                argument="input",
                fix="unlock it, or turn the table back",
            )
    return tuple(job.kept)


def _begun(job: Job, prepared: Prepared) -> tuple[Part, ...]:
    """The parts to begin from, on the scale that is fitted; what a scan tried is no beginning."""
    begun = []
    for part in job.start:
        if np.size(part.profile) != len(prepared.values) or part.facts.get("tried"):
            continue
        profile = np.asarray(part.profile, dtype=np.float64) * prepared.row_scale[:, 0]
        course = part.course
        if course is not None and np.size(course) == prepared.values.shape[1]:
            course = np.asarray(course, dtype=np.float64) * prepared.column_scale[0]
        begun.append(replace(part, profile=profile, course=course))
    return tuple(begun)


def _scan(
    task: Task, params: _Params, prepared: Prepared, kept: tuple[Part, ...], job: Job
) -> RankScan:
    most = max(min(params.most, *task.X.shape), params.asked_rank or 0)
    shown = 0

    def on_step(step: ScanStep) -> bool:
        nonlocal shown
        words = f"Trying {step.rank} part{'s' if step.rank > 1 else ''}"
        job.report(0.6 * step.done / max(step.total, 1), words)
        fits = step.scan.fits
        if len(fits) > shown:
            shown = len(fits)
            best = fits[-1]
            parts = _parts(best.W, best.H, prepared, ())
            tried = [replace(part, facts={**part.facts, "tried": True}) for part in parts]
            trace = [float(v) for v in best.trace]
            job.snapshot(tried, trace, factor_views(prepared, parts))
        return not job.cancelled

    scan = rank_scan(
        task.X,
        range(1, max(most, len(kept)) + 1),
        loss=task.loss,
        weights=task.weights,
        starts=params.starts,
        seed=job.seed,
        on_step=on_step,
    )
    if job.cancelled:
        raise Cancelled
    return scan


def _choose(scan: RankScan | None, params: _Params, kept: int, begun: int) -> tuple[int, str]:
    """How many parts, and why, in words."""
    asked = params.asked_rank
    if asked is not None:
        if asked < kept:
            raise InputProblem(
                f"{kept} parts are locked and {asked} asked for",
                argument="rank",
                fix="unlock some, or ask for more",
            )
        return asked, "as was asked for"
    if scan is None:
        return kept + begun, "as many as the run was begun from"
    rules = {
        "heldout": (scan.heldout_rank, "hidden entries are foretold best"),
        "stability": (scan.stable_rank, "the most parts that every start finds again"),
        "line": (scan.line_rank, "beyond, R² only creeps along a line"),
        "vaf90": (scan.vaf_rank, "the fewest that explain 90 %"),
    }
    order = [params.rank_rule, *(name for name in rules if name != params.rank_rule)]
    for name in order:
        rank = rules[name][0]()
        if rank is not None:
            why = rules[name][1]
            if name != params.rank_rule:
                why += ", as the rule that was asked for does not decide"
            return max(int(rank), kept, 1), why
    return max(kept, 1), "no rule decides"


def _doubt(task: Task, fit: Factorization, params: _Params, job: Job) -> Uniqueness:
    starts = min(params.starts, _DOUBT_STARTS)

    def on_step(done: int) -> bool:
        job.report(0.85 + 0.12 * done / starts, "Looking for other parts that fit as well")
        return not job.cancelled

    return uniqueness(
        task.X,
        fit,
        loss=task.loss,
        weights=task.weights,
        starts=starts,
        seed=job.seed,
        on_step=on_step,
    )


def _parts(W: Array, H: Array, prepared: Prepared, kept: Sequence[Part]) -> tuple[Part, ...]:
    """Parts in the table's own unit, the kept ones first, then by how much they carry."""
    W, H, order = _ordered(W, H, prepared, kept)
    mass = W.sum(axis=0) * H.sum(axis=1)
    total = float(mass.sum()) or 1.0
    taken = {part.key for part in kept}
    free = (number for number in range(1, MOST_PARTS * 4) if f"part-{number}" not in taken)
    found = []
    for place in range(len(order)):
        share, course = float(mass[place]) / total, H[place].copy()
        if place < len(kept):
            part = kept[place]
            found.append(
                Part(part.key, part.name, part.color, part.profile, share, course, part.unit)
            )
            continue
        number = next(free)
        found.append(
            Part(
                f"part-{number}",
                f"Part {number}",
                color_of(number),
                W[:, place].copy(),
                share,
                course,
            )
        )
    return tuple(found)


def _ordered(
    W: Array, H: Array, prepared: Prepared, kept: Sequence[Part]
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Factors in the table's unit, free columns of unit length, heaviest first."""
    W = np.asarray(W, dtype=np.float64) / prepared.row_scale
    H = np.asarray(H, dtype=np.float64) / prepared.column_scale
    count = len(kept)
    length = np.linalg.norm(W, axis=0)
    length[:count] = 1.0
    length[length == 0] = 1.0
    W, H = W / length, H * length[:, None]
    mass = W.sum(axis=0) * H.sum(axis=1)
    free = count + np.argsort(-mass[count:], kind="stable")
    order = np.concatenate([np.arange(count), free]).astype(np.intp)
    return W[:, order], H[order], order


def _result(evidence: Evidence, task: Task, kept: tuple[Part, ...]) -> Result:
    prepared, fit = evidence.prepared, evidence.found.fit
    parts = _parts(fit.W, fit.H, prepared, kept)
    _, _, order = _ordered(fit.W, fit.H, prepared, kept)
    share = evidence.explained
    left = 1 - share.vaf
    tables = [top_table(parts, prepared)]
    if evidence.scan is not None:
        tables.append(scan_table(evidence.scan))
    return Result(
        parts=parts,
        residual=Residual(left, f"{100 * left:.2f} % of the sum of squares is in no part"),
        fit=Fit(
            loss=task.loss if isinstance(task.loss, str) else f"beta {task.loss:g}",
            value=float(fit.loss),
            explained=float(share.vaf),
            iterations=int(fit.iterations),
            stop=fit.stop,
            kkt=float(fit.kkt),
            trace=tuple(float(v) for v in fit.trace),
        ),
        measures=measures(evidence, parts),
        trust=lines(evidence, [parts[k].name for k in np.argsort(order)], len(kept)),
        views=views(evidence, parts),
        tables=tuple(tables),
        facts=_facts(evidence),
    )


def _facts(evidence: Evidence) -> dict[str, Any]:
    prepared = evidence.prepared
    return {
        "rank": evidence.rank,
        "rank_why": evidence.why,
        "offset": prepared.offset,
        "transposed": prepared.turned,
        "clipped": prepared.clipped,
        "missing": prepared.missing,
        "start_objectives": [float(v) for v in evidence.found.objectives],
    }
