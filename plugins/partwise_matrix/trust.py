"""How far can the parts be believed? Each line is a number that was computed, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partwise.api import RankScan, Trust, Uniqueness, Verdict, graded, number
from partwise_matrix.fits import Fitted, Task
from partwise_matrix.prepared import Prepared

__all__ = ["Evidence", "Explained", "Leftover", "leftover", "lines", "shares_explained"]

Array = NDArray[np.floating[Any]]

_SIDE = 400  # rows and columns of what is left that are looked at
_FLIPS = 20  # of signs; the 95th percentile of these is what chance gives
_LOST = 1e-3  # of the error; less is the end of an iteration
_STRUCTURE = 1.25, 1.6  # times what chance leaves in the strongest pattern
_ALIKE = 0.95, 0.8  # cosines
_NEAR = 0.01  # of the best objective: a start that ends within it has found as good a fit
_KKT = 1e-2  # of the scaled optimality residual: above it, a fit has not settled
_SEVERAL, _OUTWEIGHS = 4, 0.5  # rows or columns, and the share of the squares that one carries


class Explained(NamedTuple):
    """Shares of the table that the parts explain: about zero (``vaf``), about the mean (``r2``)."""

    vaf: float
    r2: float


class Leftover(NamedTuple):
    """How much of the residual one pattern carries, what chance gives, and where it is strongest.

    `row` and `column` are indices.
    """

    share: float
    chance: float
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that was found out about one answer; `scan` and `doubt` where they were asked for."""

    prepared: Prepared
    found: Fitted
    loss: str | float
    scan: RankScan | None
    rank: int
    why: str
    doubt: Uniqueness | None
    left: Leftover
    explained: Explained


def shares_explained(task: Task, W: Array, H: Array) -> Explained:
    """Return both shares over the entries that count, as they were fitted."""
    x = np.asarray(task.X, dtype=np.float64)
    known = ~np.isnan(x)
    weight = known * (1.0 if task.weights is None else np.asarray(task.weights, dtype=np.float64))
    x = np.where(known, x, 0.0)
    error = float((weight * (x - W @ H) ** 2).sum())
    square, total = float((weight * x**2).sum()), float(weight.sum())
    mean = float((weight * x).sum()) / total if total > 0 else 0.0
    about = float((weight * (x - mean) ** 2).sum())
    return Explained(
        1 - error / square if square > 0 else 0.0, 1 - error / about if about > 0 else float("nan")
    )


def leftover(X: Array, W: Array, H: Array, weights: Array | None, seed: int) -> Leftover:
    """Ask whether what is left looks like noise or like something missed.

    The share of its strongest pattern (first singular vectors) is set against the same residual
    with the signs of its entries thrown at random, which keeps how strong each entry is and
    destroys whatever they have in common.
    """
    rest = np.nan_to_num(np.asarray(X, dtype=np.float64) - W @ H)
    if weights is not None:
        rest = rest * np.sqrt(weights)
    m, n = rest.shape
    rows = np.unique(np.linspace(0, m - 1, min(m, _SIDE)).astype(np.intp))
    columns = np.unique(np.linspace(0, n - 1, min(n, _SIDE)).astype(np.intp))
    few = rest[np.ix_(rows, columns)]
    square = float((few**2).sum())
    if square <= 0:
        return Leftover(0.0, 0.0, 0, 0)
    rng = np.random.default_rng([seed, 2])
    chance = [
        _first(few * rng.choice(np.array([-1.0, 1.0]), few.shape)) / square for _ in range(_FLIPS)
    ]
    left, _, right = np.linalg.svd(few, full_matrices=False)
    row = int(rows[np.abs(left[:, 0]).argmax()])
    column = int(columns[np.abs(right[0]).argmax()])
    return Leftover(_first(few) / square, float(np.percentile(chance, 95)), row, column)


def lines(evidence: Evidence, names: Sequence[str], kept: int) -> tuple[Trust, ...]:
    """Return the trust card.

    Parameters
    ----------
    evidence : Evidence
    names : sequence of str
        Of the parts, in the order of the fit's columns.
    kept : int
        How many of the fit's first columns were given.
    """
    told = [_explained(evidence), _noise(evidence)]
    told += [_stability(evidence, names, kept)] if len(names) > kept else []
    if evidence.doubt is not None:
        told.append(_uniqueness(evidence.doubt, names))
    if evidence.scan is not None:
        told.append(_rank(evidence.scan, evidence.rank, evidence.why))
    told += _begun(evidence)
    told += _table(evidence.prepared)
    told += _outweighed(evidence)
    told.append(_converged(evidence))
    return tuple(told)


def _explained(evidence: Evidence) -> Trust:
    share = evidence.explained
    about = "" if np.isnan(share.r2) else f"R² about the mean is {share.r2:.3f}. "
    scaled = evidence.prepared.normalised
    of = f" of the table with {scaled}" if scaled else ""
    return Trust(
        "explained",
        share.vaf,
        graded(share.vaf, 0.9, 0.7),
        f"{100 * share.vaf:.1f} % explained",
        f"Of the sum of squares{of}, about zero. {about}"
        "A table that is far from zero everywhere is explained by one part already.",
    )


def _begun(evidence: Evidence) -> list[Trust]:
    """What a run that went on from parts leaves on the table."""
    found = evidence.found
    if not found.going_on:
        return []
    mine, best = found.objectives[0], min(found.objectives)
    lost = (mine - best) / mine if mine > 0 else 0.0
    if lost < _LOST:
        words = "Gone on from the parts that stood"
        told = "No other start fits better." if len(found.objectives) > 1 else ""
        return [Trust("begun", lost, "good", words, told)]
    return [
        Trust(
            "begun",
            lost,
            "look",
            f"{100 * lost:.1f} % of the error could be saved elsewhere",
            "The run went on from the parts that stood; another start fits better. Run anew for "
            "the best of all starts.",
        )
    ]


def _noise(evidence: Evidence) -> Trust:
    left, prepared = evidence.left, evidence.prepared
    if left.share == 0:
        return Trust("residual", 0.0, "good", "0 % left: the parts give the table exactly")
    times = left.share / max(left.chance, 1e-12)
    verdict = graded(-times, -_STRUCTURE[0], -_STRUCTURE[1])
    words = {
        "good": "What is left looks like noise",
        "look": "What is left has a faint pattern",
        "bad": "What is left has a pattern: something is missed",
    }[verdict]
    row, column = prepared.row_name(left.row), prepared.column_name(left.column)
    where = f" It is strongest in {row} and {column}." if verdict != "good" else ""
    return Trust(
        "residual",
        times,
        verdict,
        f"{words} ({times:.1f}× chance)",
        f"Its strongest pattern holds {100 * left.share:.1f} % of it; with random signs, "
        f"{100 * left.chance:.1f} %.{where}",
    )


def _stability(evidence: Evidence, names: Sequence[str], kept: int) -> Trust:
    found = evidence.found
    others = len(found.alike)
    if not others:
        return Trust(
            "stability",
            None,
            "look",
            "1 start: how steady the parts are was not looked at",
            "Ask for more starts to see whether the same parts come back.",
        )
    free = found.alike[:, kept:]
    each = free.mean(axis=0)
    worst = int(each.argmin())
    mean = float(each.mean())
    best = min(found.objectives)
    near = sum(value <= best * (1 + _NEAR) + 1e-300 for value in found.objectives)
    return Trust(
        "stability",
        mean,
        graded(float(each[worst]), *_ALIKE),
        f"{mean:.2f} alike when begun elsewhere",
        f"Mean cosine of the parts of {others + 1} starts with the best; {near} of them end "
        f"within 1 % of it. Least steady: {names[kept + worst]}, {each[worst]:.2f}.",
    )


def _uniqueness(doubt: Uniqueness, names: Sequence[str]) -> Trust:
    worst = int(np.argmin(doubt.spread))
    value = float(doubt.spread[worst])
    good, tried = doubt.solutions
    words = {
        "good": "No other parts explain the table as well",
        "look": "Slightly other parts explain the table as well",
        "bad": "The table does not determine the parts",
    }[doubt.verdict]
    return Trust(
        "uniqueness",
        value,
        doubt.verdict,
        f"{words} ({value:.2f})",
        f"{good} of {tried} other fits are as good; {names[worst]} changes most, "
        f"to a cosine of {value:.2f}. {doubt.text}",
    )


def _rank(scan: RankScan, rank: int, why: str) -> Trust:
    rules = [scan.heldout_rank(), scan.stable_rank(), scan.line_rank(), scan.vaf_rank()]
    said = [one for one in rules if one is not None]
    agree = said.count(rank)
    edge = rank >= int(scan.rank[-1]) and len(scan.rank) > 1
    verdict: Verdict = "look" if edge or agree < 2 else "good"
    beyond = " It is the largest number that was tried; allow more." if edge else ""
    parts = "1 part" if rank == 1 else f"{rank} parts"
    return Trust(
        "rank",
        float(rank),
        verdict,
        f"{parts}: {why}",
        f"{agree} of {len(said)} rules agree. {' '.join(scan.words)}{beyond}",
    )


def _table(prepared: Prepared) -> list[Trust]:
    told = []
    size = prepared.values.size
    if prepared.missing:
        share = prepared.missing / size
        told.append(
            Trust(
                "missing",
                share,
                graded(-share, -0.1, -0.5),
                f"{prepared.missing:,} of {size:,} entries are missing",
                "They have no say in the fit, and the parts foretell them.",
            )
        )
    if prepared.clipped:
        share = prepared.clipped / size
        told.append(
            Trust(
                "clipped",
                share,
                graded(-share, -0.02, -0.1),
                f"{prepared.clipped:,} of {size:,} entries were below zero and taken as zero",
                "Noise about zero does no harm; real negative values are lost.",
            )
        )
    if prepared.offset:
        told.append(
            Trust(
                "offset",
                prepared.offset,
                "look",
                f"{prepared.offset:g} was added to every entry",
                "The parts are those of the raised table, and one of them may carry the offset.",
            )
        )
    if prepared.misnamed:
        told.append(
            Trust(
                "weights",
                None,
                "look",
                "The weights went by their place, not by name",
                f"{prepared.misnamed} The first weight was taken for the first entry, and so on.",
            )
        )
    return told


def _outweighed(evidence: Evidence) -> list[Trust]:
    """Whether one row or column decides alone: squares make the large larger still."""
    if evidence.loss not in ("frobenius", 2.0):
        return []
    prepared = evidence.prepared
    squares = np.nan_to_num(np.asarray(prepared.scaled, dtype=np.float64)) ** 2
    squares *= 1.0 if prepared.weights is None else prepared.weights
    total = float(squares.sum())
    for axis, what, name in ((0, "column", prepared.column_name), (1, "row", prepared.row_name)):
        sums = squares.sum(axis=axis)
        place = int(sums.argmax())
        share = float(sums[place]) / total if total > 0 else 0.0
        if len(sums) >= _SEVERAL and share > _OUTWEIGHS:
            return [
                Trust(
                    "outweighed",
                    share,
                    "look",
                    f"{name(place)} carries {100 * share:.0f} % of the squares",
                    f"One of {len(sums)} {what}s outweighs the others, and the parts follow it. "
                    f"Normalise gives each {what} the same say; for counts, the error kl does "
                    "them justice.",
                )
            ]
    return []


def _converged(evidence: Evidence) -> Trust:
    fit = evidence.found.fit
    good = fit.stop == "converged" and fit.kkt <= _KKT
    ended = {
        "converged": "the error had stopped falling",
        "max_iter": "the largest number of steps was reached",
    }.get(fit.stop, fit.stop)
    return Trust(
        "converged",
        float(fit.kkt),
        "good" if good else "look",
        f"{number(float(f'{fit.kkt:.1g}'))} from the optimum" if fit.kkt > 0 else "At an optimum",
        f"Ended after {fit.iterations} steps, as {ended}. The optimality residual is 0 where no "
        f"small change lowers the error.{' ' + ' '.join(fit.notes) if fit.notes else ''}",
    )


def _first(matrix: Array) -> float:
    """Square of the largest singular value."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    return float(np.linalg.eigvalsh(wide @ wide.T)[-1])
