"""What does each number of synergies gain and cost? Many small fits, side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partwise.api import Cancelled, line_rule, match_parts, refit
from partwise_emg.kernels import descend, descend_masked

__all__ = ["Factors", "Scan", "ScanStep", "scan"]

Array = NDArray[np.float64]

_COLUMNS = 2048  # what the starts see of a long record; the best of them is finished on all of it
# A start need only show which minimum it falls into; the best two are finished tightly.
_START = 300, 2e-4
_CLOSE = 1000, 2e-6
_MASKS, _HIDDEN = 5, 0.1
_HOLD = 150, 1e-3
_HOLD_COLUMNS = 600  # in which entries are hidden
_SHUFFLES = 40
_STEADY = 0.95
_MOST_THREADS = 4


class Factors(NamedTuple):
    """W (muscles, synergies), H (synergies, columns) and ½‖X − WH‖²."""

    W: Array
    H: Array
    error: float


@dataclass(frozen=True, eq=False)
class Scan:
    """One entry per rank in every array.

    Attributes
    ----------
    rank, error : ndarray
        The ranks, increasing, and ½‖X − WH‖² of the best fit of each.
    vaf, r2 : ndarray
        Uncentred, and about the grand mean.
    stability, chance : ndarray
        Mean cosine of matched synergies between random starts and the best fit; and what shuffled
        muscles reach (95th percentile).
    heldout, heldout_se : ndarray
        Error on hidden entries over that of each muscle's mean, and its standard error over masks.
    part_stability : tuple of ndarray
        Per rank the mean cosine of each synergy.
    fits : tuple of Factors
    starts, seed : int
    """

    rank: NDArray[np.intp]
    error: Array
    vaf: Array
    r2: Array
    stability: Array
    chance: Array
    heldout: Array
    heldout_se: Array
    part_stability: tuple[Array, ...]
    fits: tuple[Factors, ...]
    starts: int
    seed: int

    def fit(self, rank: int) -> Factors:
        """Return the best fit of a rank; raises `KeyError`."""
        places = np.flatnonzero(self.rank == rank)
        if not places.size:
            raise KeyError(rank)
        return self.fits[int(places[0])]

    def line_rank(self, threshold: float = 1e-4) -> int | None:
        """The smallest rank from which R² is a straight line (Cheung 2005, d'Avella 2006)."""
        known = np.isfinite(self.r2)
        return line_rule(self.rank[known], self.r2[known], threshold) if known.any() else None

    def vaf_rank(self, level: float = 0.9) -> int | None:
        """The smallest rank whose uncentred VAF is at least `level`, or None."""
        enough = self.rank[self.vaf >= level]
        return int(enough[0]) if enough.size else None

    def stable_rank(self, level: float = _STEADY) -> int | None:
        """The largest rank above 1 whose starts agree at least to `level`, or None."""
        steady = self.rank[(self.stability >= level) & (self.rank > 1)]
        return int(steady[-1]) if steady.size and self.starts > 1 else None

    def heldout_rank(self) -> int | None:
        """The smallest rank within one standard error of the best foretelling, or None."""
        known = np.flatnonzero(np.isfinite(self.heldout))
        if not known.size:
            return None
        best = known[self.heldout[known].argmin()]
        near = self.heldout <= self.heldout[best] + np.nan_to_num(self.heldout_se[best])
        return int(self.rank[known][near[known]][0])


class ScanStep(NamedTuple):
    """How far a scan has come: the rank that is done, of how many, and its best fit."""

    rank: int
    total: int
    fit: Factors


@dataclass(frozen=True, eq=False)
class _Verdict:
    fit: Factors
    parts: Array
    chance: float
    held: Array


def scan(
    X: NDArray[Any],
    ranks: Iterable[int],
    *,
    starts: int = 20,
    heldout: bool = True,
    seed: int = 0,
    cancelled: Callable[[], bool] | None = None,
    on_rank: Callable[[ScanStep], None] | None = None,
) -> Scan:
    """Fit every rank from many places, and keep the best of each.

    The same seed gives the same bits with any number of threads.

    Parameters
    ----------
    X : ndarray, shape (muscles, columns)
        Finite, nonnegative.
    ranks : iterable of int
    starts : int
        Random starts per rank; one more begins at the best fit of the rank before.
    heldout : bool
        Whether entries are hidden and foretold.
    seed : int
    cancelled : callable, optional
    on_rank : callable, optional
        Called with a `ScanStep` after each rank, in the caller's thread.

    Raises
    ------
    Cancelled
    """
    work = _Work(np.ascontiguousarray(X, dtype=np.float64), starts, heldout, seed)
    wanted = sorted(set(ranks))
    found: list[_Verdict] = []
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    with ThreadPoolExecutor(threads, thread_name_prefix="partwise-emg") as pool:
        for rank in wanted:
            before = found[-1].fit if found else None
            found.append(work.judge(rank, before, pool, cancelled or _never))
            if on_rank is not None:
                on_rank(ScanStep(rank, len(wanted), found[-1].fit))
    return work.result(wanted, found)


class _Work:
    """What all ranks share: the data, a sample of a long record, the masks."""

    def __init__(self, X: Array, starts: int, heldout: bool, seed: int) -> None:
        self._X, self._starts, self._seed = X, starts, seed
        columns = X.shape[1]
        self._picks: NDArray[np.intp] | None = None
        self._few = X
        if columns > _COLUMNS:
            rng = np.random.default_rng([seed, 29])
            self._picks = np.sort(rng.choice(columns, _COLUMNS, replace=False))
            self._few = np.ascontiguousarray(X[:, self._picks])
        self._masks: list[Array] = []
        if heldout and min(X.shape) > 1:
            rng = np.random.default_rng([seed, 31])
            few = self._few
            if few.shape[1] > _HOLD_COLUMNS:
                picks = np.sort(rng.choice(few.shape[1], _HOLD_COLUMNS, replace=False))
                few = np.ascontiguousarray(few[:, picks])
            self._held = few
            self._masks = [
                (rng.random(few.shape) >= _HIDDEN).astype(np.float64) for _ in range(_MASKS)
            ]

    def judge(
        self,
        rank: int,
        before: Factors | None,
        pool: ThreadPoolExecutor,
        cancelled: Callable[[], bool],
    ) -> _Verdict:
        """Fit one rank."""
        runs = [pool.submit(self._start, rank, number) for number in range(self._starts)]
        if before is not None and before.W.shape[1] < rank:
            runs.append(pool.submit(self._grown, rank, before))
        holds = [pool.submit(self._hold, rank, k) for k in range(len(self._masks))]
        ends: list[Factors] = []
        try:
            for future in runs:
                if cancelled():
                    raise Cancelled
                ends.append(future.result())
            held = []
            for hold in holds:
                if cancelled():
                    raise Cancelled
                held.append(hold.result())
        finally:
            for run in runs:
                run.cancel()
            for hold in holds:
                hold.cancel()
        ahead = sorted(ends, key=_error)[:2]
        best = min(pool.map(self._closer, ahead), key=_error)
        random = ends[: self._starts]
        cosines = [match_parts(best.W, each.W).cosine for each in random]
        rng = np.random.default_rng([self._seed, 37, rank])
        levels = [
            match_parts(best.W, rng.permuted(best.W, axis=0)).cosine.mean()
            for _ in range(_SHUFFLES)
        ]
        fit = self._finished(best, before)
        turned = match_parts(fit.W, best.W).permutation
        return _Verdict(
            fit,
            np.mean(cosines, axis=0)[turned],
            float(np.percentile(levels, 95)),
            np.array(held),
        )

    def _start(self, rank: int, number: int) -> Factors:
        rng = np.random.default_rng([self._seed, 41, rank, number])
        m, n = self._few.shape
        scale = 2 * np.sqrt(max(float(self._few.mean()), 1e-12) / rank)
        W, H = scale * rng.random((m, rank)), scale * rng.random((rank, n))
        return Factors(W, H, float(descend(self._few, W, H, *_START)))

    def _grown(self, rank: int, before: Factors) -> Factors:
        """Begin at the rank before, with the column that is explained worst as a new part."""
        W = np.array(before.W)
        H = np.array(before.H if self._picks is None else before.H[:, self._picks])
        while W.shape[1] < rank:
            left = np.maximum(self._few - W @ H, 0.0)
            w = left[:, int((left**2).sum(axis=0).argmax())]
            length = float(np.linalg.norm(w))
            w = w / length if length > 0 else np.full(len(w), len(w) ** -0.5)
            W = np.column_stack([W, w])
            H = np.vstack([H, w @ left])
        W, H = np.ascontiguousarray(W), np.ascontiguousarray(H)
        return Factors(W, H, float(descend(self._few, W, H, *_START)))

    def _closer(self, run: Factors) -> Factors:
        W, H = np.array(run.W), np.array(run.H)
        return Factors(W, H, float(descend(self._few, W, H, *_CLOSE)))

    def _finished(self, best: Factors, before: Factors | None) -> Factors:
        """The best start on all columns; never worse than one part less."""
        if self._picks is None:
            fit = best
        else:
            W = np.array(best.W)
            H = np.ascontiguousarray(refit(self._X, W), dtype=np.float64)
            fit = Factors(W, H, float(descend(self._X, W, H, 100, 1e-5)))
        if before is not None and fit.error > before.error:
            rank = fit.W.shape[1]
            more = rank - before.W.shape[1]
            W = np.column_stack([before.W, np.full((len(before.W), more), 1e-6)])
            H = np.vstack([before.H, np.full((more, before.H.shape[1]), 1e-9)])
            W, H = np.ascontiguousarray(W), np.ascontiguousarray(H)
            fit = Factors(W, H, float(descend(self._X, W, H, 200, 1e-6)))
        return fit

    def _hold(self, rank: int, number: int) -> float:
        """Error on hidden entries, in units of what the mean of each muscle's others would do."""
        X, known = self._held, self._masks[number]
        m, n = X.shape
        best: tuple[float, Array, Array] | None = None
        for start in range(2):
            rng = np.random.default_rng([self._seed, 43, rank, number, start])
            scale = 2 * np.sqrt(max(float(X.mean()), 1e-12) / rank)
            W, H = scale * rng.random((m, rank)), scale * rng.random((rank, n))
            error = float(descend_masked(X, known, W, H, *_HOLD))
            if best is None or error < best[0]:
                best = error, W, H
        assert best is not None
        hidden = known == 0
        mean = (X * known).sum(axis=1, keepdims=True) / np.maximum(
            known.sum(axis=1, keepdims=True), 1
        )
        # No envelope is foretold above what is known of its muscle: few known entries of a moment
        # can be met by activations that are absurd for the hidden ones.
        top = (X * known).max(axis=1, keepdims=True)
        told = np.minimum(best[1] @ best[2], top)
        wrong = float(((X - told)[hidden] ** 2).sum())
        plain = float(((X - mean)[hidden] ** 2).sum())
        return wrong / plain if plain > 0 else float("nan")

    def result(self, wanted: list[int], found: list[_Verdict]) -> Scan:
        """Gather the verdicts."""
        X = self._X
        square = float((X**2).sum())
        about = float(((X - X.mean()) ** 2).sum())
        error = np.array([v.fit.error for v in found])
        masks = len(self._masks)
        spread = [v.held.std(ddof=1) / np.sqrt(masks) if masks > 1 else np.nan for v in found]
        return Scan(
            rank=np.array(wanted, dtype=np.intp),
            error=error,
            vaf=1 - 2 * error / square if square > 0 else np.full(len(error), np.nan),
            r2=1 - 2 * error / about if about > 0 else np.full(len(error), np.nan),
            stability=np.array([v.parts.mean() for v in found]),
            chance=np.array([v.chance for v in found]),
            heldout=np.array([v.held.mean() if masks else np.nan for v in found]),
            heldout_se=np.array(spread),
            part_stability=tuple(v.parts for v in found),
            fits=tuple(v.fit for v in found),
            starts=self._starts,
            seed=self._seed,
        )


def _error(run: Factors) -> float:
    return run.error


def _never() -> bool:
    return False
