"""How many synergies are there, and which? The scan of ranks, its rules, and the fit itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Cancelled,
    Factorization,
    InputProblem,
    Job,
    Part,
    Step,
    match_parts,
    nmf,
    start_factors,
)
from partwise_emg.cycles import Cycles
from partwise_emg.scanning import Scan, ScanStep, scan
from partwise_emg.timing import centre_of_activity

__all__ = [
    "RULES",
    "Found",
    "canonical",
    "locked",
    "muscle_vaf",
    "order_in_time",
    "scan_ranks",
    "settle",
    "turned",
]

Array = NDArray[np.floating[Any]]
Show = Callable[[Array, Array, Sequence[float]], None]

_TOL = 1e-7
_MOST_STEPS = 3000
_PROGRESS = 0.5, 0.6  # of the whole run, while the synergies are fitted to the end
_ENOUGH = 0.90  # Clark and others, J. Neurophysiol. 103:844, 2010

RULES: Mapping[str, str] = {
    "line": "bend of R²",
    "vaf90": "VAF ≥ 0.90",
    "muscles90": "VAF ≥ 0.90 in each muscle",
    "stability": "agreement of starts",
    "heldout": "hidden entries",
}


@dataclass(frozen=True, eq=False)
class Found:
    """Synergies of one matrix.

    Attributes
    ----------
    W : float64, shape (muscles, synergies)
        Columns of unit length.
    H : float64, shape (synergies, columns)
    fit : Factorization
    scan : Scan
        Of all numbers of synergies that were tried.
    rank : int
    rules : mapping of str to int or None
        What each rule says.
    why : str
        By which rule, in words; empty where the number was given.
    alike : float64, shape (synergies,)
        Mean cosine of each synergy with its like over random starts; NaN where unknown.
    """

    W: NDArray[np.float64]
    H: NDArray[np.float64]
    fit: Factorization
    scan: Scan
    rank: int
    rules: Mapping[str, int | None]
    why: str
    alike: NDArray[np.float64]


def _highest_rank(muscles: int) -> int:
    """Return the highest rank that is tried: m − round(m / 4), as musclesyneRgies does."""
    return max(muscles - round(muscles / 4), 1)


def scan_ranks(
    X: Array,
    starts: int,
    job: Job,
    *,
    least: int = 1,
    heldout: bool = True,
    progress: tuple[float, float] = (0.0, 0.5),
    show: Show | None = None,
) -> Scan:
    """Try ranks from 1 on; `show` sees the best fit of each as it is done.

    Raises
    ------
    Cancelled
    """
    low, high = progress
    most = min(max(_highest_rank(len(X)), least), *X.shape)
    job.report(low, "Trying 1 synergy")

    def cancelled() -> bool:
        return job.cancelled

    def on_rank(step: ScanStep) -> None:
        share = step.rank / step.total
        job.report(low + (high - low) * share, f"Tried {step.rank} of {step.total}")
        if show is not None:
            show(step.fit.W, step.fit.H, [step.fit.error])

    return scan(
        X,
        range(1, most + 1),
        starts=starts,
        heldout=heldout,
        seed=job.seed,
        cancelled=cancelled,
        on_rank=on_rank,
    )


def _rules_of(scan: Scan, X: Array) -> dict[str, int | None]:
    """Return what each rule says of a scan; None where it does not decide."""
    each = next(
        (
            int(rank)
            for rank, fit in zip(scan.rank, scan.fits, strict=True)
            if float(np.nanmin(muscle_vaf(X, fit.W, fit.H))) >= _ENOUGH
        ),
        None,
    )
    return {
        "line": scan.line_rank(),
        "vaf90": scan.vaf_rank(_ENOUGH),
        "muscles90": each,
        "stability": scan.stable_rank(),
        "heldout": scan.heldout_rank(),
    }


def muscle_vaf(X: Array, W: Array, H: Array) -> NDArray[np.float64]:
    """Return VAF, 1 − SSE/Σx², of each muscle; NaN for one that is silent."""
    rest = ((X - W @ H) ** 2).sum(axis=1)
    total = (np.asarray(X, dtype=np.float64) ** 2).sum(axis=1)
    share = np.divide(total - rest, total, out=np.full(len(total), np.nan), where=total > 0)
    return np.asarray(share)


def settle(
    X: Array, tried: Scan, rank_asked: str, rule: str, starts: int, job: Job, show: Show
) -> Found:
    """Choose the number of synergies and fit them to the end.

    Locked synergies (``job.kept``) stay as they are; where the run goes on from earlier ones
    (``job.start``), it begins there.

    Raises
    ------
    InputProblem
        Locked synergies of other muscles, or more of them than asked for.
    Cancelled
    """
    kept = locked(job.kept, len(X))
    rules = _rules_of(tried, X)
    rank, why = _choose(rank_asked, rule, rules, kept.shape[1], min(X.shape))
    inits = _inits(X, tried, rank, kept, job, starts)
    low, high = _PROGRESS
    fits: list[Factorization] = []
    for number, init in enumerate(inits):
        at = low + (high - low) * number / len(inits)
        least = min((fit.objective for fit in fits), default=np.inf)

        def on_step(step: Step, at: float = at, least: float = least) -> bool:
            job.report(at, f"Settling {rank} {'synergy' if rank == 1 else 'synergies'}")
            if step.objective < least:
                show(step.W, step.H, ())
            return not job.cancelled

        fit = nmf(
            X,
            rank,
            fixed_W=kept if kept.shape[1] else None,
            init=init,
            seed=job.seed + number,
            tol=_TOL,
            max_iter=_MOST_STEPS,
            on_step=on_step,
        )
        if job.cancelled:
            raise Cancelled
        fits.append(fit)
    best = min(fits, key=lambda fit: fit.objective)
    W, H = canonical(best.W, best.H, kept.shape[1])
    show(W, H, [float(v) for v in best.trace])
    if not kept.shape[1] and rank in tried.rank:
        alike = _steadiness(W, tried, rank)
    else:
        others = [match_parts(W, fit.W).cosine for fit in fits if fit is not best]
        alike = np.mean(others, axis=0) if others else np.full(rank, np.nan)
    return Found(W, H, best, tried, rank, rules, why, np.asarray(alike))


def canonical(W: Array, H: Array, kept: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return factors whose columns of W have unit length; the first `kept` stay as they are."""
    W, H = np.array(W, dtype=np.float64), np.array(H, dtype=np.float64)
    length = np.linalg.norm(W, axis=0)
    length[:kept] = 1.0
    length[length == 0] = 1.0
    return W / length, H * length[:, None]


def order_in_time(H: Array, cycles: Cycles, kept: int = 0) -> list[int]:
    """Return the order of synergies by when in the cycle they act; locked ones stay in front.

    A record without cycles is ordered by how much each synergy carries.
    """
    mean = np.asarray(H).reshape(len(H), cycles.count, cycles.points).mean(axis=1)
    if cycles.count > 1 or cycles.points <= 400:
        when = [float(np.nan_to_num(centre_of_activity(row), nan=0.0)) for row in mean]
    else:
        when = [-float(row.sum()) for row in mean]
    free = sorted(range(kept, len(H)), key=lambda k: when[k])
    return [*range(kept), *free]


def turned(found: Found, order: Sequence[int]) -> Found:
    """Return the same synergies in another order."""
    W, H = found.W[:, order], found.H[order]
    fit = dataclasses.replace(found.fit, W=W, H=H)
    return dataclasses.replace(found, W=W, H=H, fit=fit, alike=found.alike[order])


def locked(kept: Sequence[Part], muscles: int) -> NDArray[np.float64]:
    """Return the weights of locked synergies; raises `InputProblem` for other muscles."""
    for part in kept:
        if np.size(part.profile) != muscles:
            raise InputProblem(
                f"{part.name} is locked and is of {np.size(part.profile)} muscles, and {muscles} "
                "are chosen now",
                argument="channels",
                fix="unlock it, or choose the same channels as before",
            )
    if not kept:
        return np.empty((muscles, 0))
    return np.stack([np.asarray(part.profile, dtype=np.float64) for part in kept], axis=1)


def _choose(
    asked: str, rule: str, rules: Mapping[str, int | None], kept: int, most: int
) -> tuple[int, str]:
    if asked.strip().lower() != "auto":
        rank = int(asked)
        if rank > most:
            raise InputProblem(
                f"{rank} synergies of {most} muscles or points",
                argument="rank",
                fix=f"ask for at most {most}",
            )
        if rank < kept:
            raise InputProblem(
                f"{kept} synergies are locked and {rank} asked for",
                argument="rank",
                fix="unlock some, or ask for more",
            )
        return rank, ""
    for name in (rule, *(other for other in RULES if other != rule)):
        said = rules.get(name)
        if said is not None:
            other = "" if name == rule else f", as {RULES[rule]} does not decide"
            return max(int(said), kept, 1), f"{RULES[name]}{other}"
    return max(kept, 1), "no rule decides"


def _steadiness(W: Array, tried: Scan, rank: int) -> NDArray[np.float64]:
    """How alike the random starts of the scan found each column of `W`; NaN for a single start."""
    if tried.starts < 2:
        return np.full(rank, np.nan)
    place = int(np.flatnonzero(tried.rank == rank)[0])
    return tried.part_stability[place][match_parts(W, tried.fit(rank).W).permutation]


def _inits(
    X: Array,
    scan: Scan,
    rank: int,
    kept: NDArray[np.float64],
    job: Job,
    starts: int,
) -> list[Any]:
    """Where the fits begin: at what stood, else at the best of the scan, else anywhere."""
    begun = start_factors(
        X, job.start, rank, fixed_W=kept if kept.shape[1] else None, seed=job.seed
    )
    if begun is not None:
        return [begun]
    if kept.shape[1]:
        return ["random"] * max(min(starts, 20), 1)
    if rank in scan.rank:
        fit = scan.fit(rank)
        return [(fit.W, fit.H)]
    return ["auto", *(["random"] * max(min(starts, 50) - 1, 0))]
