"""What did a scan of ranks find?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import Factorization
from partwise.engine.judge.elbow import line_rule

__all__ = ["RankScan"]

Curve = NDArray[np.float64]
_STEADY = 0.95  # mean cosine of matched parts over all random starts


@dataclass(frozen=True)
class RankScan:
    """What each number of parts gains and costs; one entry per rank in every array.

    Attributes
    ----------
    rank
        The ranks that were scanned, increasing.
    error
        D(X | W H) of the best fit: never rises with the rank, so it cannot
        choose one.
    vaf, r2
        Share of X explained, both definitions: ``vaf`` = 1 − SSE/Σx²
        (uncentred), ``r2`` = 1 − SSE/Σ(x − mean)² (about the grand mean).
    stability
        Mean cosine of the matched parts between each random start and the best
        fit; 1 when every start finds the same parts.
    chance
        What `stability` unrelated parts of the same values would reach (95th
        percentile over shuffled features): below it, agreement means nothing.
    cophenetic, dispersion
        Agreement of the starts on which samples belong together (Brunet et al.
        2004; Kim and Park 2007); 1 is perfect.
    heldout, heldout_se
        How badly entries are foretold that the fit has not seen, in units of
        what the mean of the others would do, and the standard error over the
        masks; NaN where it was not asked for.
    consensus, consensus_columns
        Per rank the share of starts in which two samples belong together,
        float32, and which samples those are: all of them, or 600 spread evenly.
    part_stability
        Per rank an array (rank,): the mean cosine of each part of the best fit.
    fits
        The best `Factorization` per rank, on all of X.
    starts, columns, seed
        How many random starts each rank had, how many columns they saw, and
        what makes it all repeatable.
    stop
        "complete", "cancelled" or "max_seconds".
    seconds
        Wall time.
    """

    rank: NDArray[np.intp]
    error: Curve
    vaf: Curve
    r2: Curve
    stability: Curve
    chance: Curve
    cophenetic: Curve
    dispersion: Curve
    heldout: Curve
    heldout_se: Curve
    consensus: tuple[NDArray[np.float32], ...]
    consensus_columns: NDArray[np.intp]
    part_stability: tuple[Curve, ...]
    fits: tuple[Factorization, ...]
    starts: int
    columns: int
    seed: int
    stop: str
    seconds: float

    def fit(self, rank: int) -> Factorization:
        """Return the best fit of `rank` parts."""
        if rank not in self.rank:
            raise InputProblem(
                f"rank {rank} was not scanned",
                argument="rank",
                fix=f"use one of {', '.join(map(str, self.rank.tolist()))}",
            )
        return self.fits[int(np.flatnonzero(self.rank == rank)[0])]

    def line_rank(self, threshold: float = 1e-4) -> int | None:
        """The smallest rank from which R² is straight; None without a finite R²."""
        known = np.isfinite(self.r2)
        if not known.any():
            return None
        return line_rule(self.rank[known], self.r2[known], threshold)

    def vaf_rank(self, level: float = 0.9) -> int | None:
        """The smallest rank that explains at least `level` (uncentred), or None."""
        enough = self.rank[self.vaf >= level]
        return int(enough[0]) if enough.size else None

    def stable_rank(self, level: float = _STEADY) -> int | None:
        """The largest rank above 1 whose starts agree at least to `level`, or None."""
        steady = self.rank[(self.stability >= level) & (self.rank > 1)]
        return int(steady[-1]) if steady.size else None

    def heldout_rank(self) -> int | None:
        """The smallest rank within one standard error of the best prediction, or None."""
        known = np.flatnonzero(np.isfinite(self.heldout))
        if not known.size:
            return None
        best = known[self.heldout[known].argmin()]
        near = self.heldout <= self.heldout[best] + np.nan_to_num(self.heldout_se[best])
        return int(self.rank[known][near[known]][0])

    @property
    def words(self) -> tuple[str, ...]:
        """What each rule says, in sentences; the rules may well disagree."""
        return tuple(_words(self))


def _words(scan: RankScan) -> Iterable[str]:
    if not scan.rank.size:
        yield "No rank was finished."
        return
    last = int(scan.rank[-1])
    line = scan.line_rank()
    if line is not None and scan.rank.size > 2:
        if line >= int(scan.rank[-2]):
            yield f"R² still bends at {last} parts: the line rule cannot decide."
        else:
            yield f"R² is a straight line from {line} parts on (line rule)."
    enough = scan.vaf_rank()
    if enough is None:
        yield f"VAF stays below 0.90 up to {last} parts."
    else:
        yield f"VAF, uncentred, first reaches 0.90 with {_parts(enough)}."
    held = scan.heldout_rank()
    if held is not None:
        yield f"Held-out entries are foretold best by {_parts(held)}, within one standard error."
    if scan.starts > 1 and last > 1:
        steady = scan.rank[(scan.stability >= _STEADY) & (scan.rank > 1)].tolist()
        if not steady:
            yield f"With no number of parts do the starts agree within {_STEADY}."
        else:
            some = " and ".join(filter(None, (", ".join(map(str, steady[:-1])), str(steady[-1]))))
            yield f"With {some} parts the starts agree (mean cosine at least {_STEADY})."


def _parts(number: int) -> str:
    return "1 part" if number == 1 else f"{number} parts"
