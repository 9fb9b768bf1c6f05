"""How many parts?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import Cancelled, InputProblem
from partwise.engine.fit import Factorization, nmf
from partwise.engine.given import check_reach, is_whole, plain, written_out
from partwise.engine.judge.consensus import consensus_matrix, cophenetic, dispersion
from partwise.engine.judge.explained import explained
from partwise.engine.judge.findings import RankScan
from partwise.engine.judge.heldout import heldout_error, speckles
from partwise.engine.judge.many import descend, side_by_side
from partwise.engine.judge.match import match_parts
from partwise.engine.judge.sample import cut_columns, few_columns
from partwise.engine.judge.stability import chance_level, part_stability
from partwise.engine.loss import AnyLoss
from partwise.engine.plan import choose, make
from partwise.engine.problem import Problem, pose
from partwise.engine.refitting import refit
from partwise.engine.solvers.base import Solver
from partwise.engine.start import generator
from partwise.engine.stop import Clock, Rule

__all__ = ["RankScan", "ScanStep", "rank_scan"]

Array = NDArray[Any]
Curve = NDArray[np.float64]

_COLUMNS = 2048  # what the starts see of a long X; the best of them is finished on all of it
_CONSENSUS = 600  # samples in a consensus matrix: it grows with their square
_HELDOUT = 1024  # columns in which entries are held out
# A start need only show which minimum it falls into; the best is finished tightly.
_START_RULE = Rule(tol=1e-4, max_iter=300, gain=1e-5)
_CLOSE_RULE = Rule(tol=1e-5, max_iter=500, gain=1e-6)
_CLOSE = 2  # of the best starts, taken further before one is chosen
_HELDOUT_RULE = Rule(tol=1e-3, max_iter=200, gain=1e-4)


@dataclass(frozen=True, slots=True)
class ScanStep:
    """How far a scan has come: `done` of `total` fits, and what stands (`scan`)."""

    rank: int
    done: int
    total: int
    seconds: float
    scan: RankScan


@dataclass(frozen=True)
class _Run:
    """Where one start ended up."""

    objective: float
    W: Array
    H: Array


@dataclass(frozen=True)
class _Verdict:
    """All that is known of one rank."""

    fit: Factorization
    vaf: float
    r2: float
    parts: Curve
    chance: float
    consensus: NDArray[np.float32]
    cophenetic: float
    dispersion: float
    heldout: Curve


def rank_scan(  # noqa: PLR0913 - what a scan can be asked, all by name
    X: Any,
    ranks: int | Iterable[int],
    loss: AnyLoss = "frobenius",
    *,
    weights: Any = None,
    starts: int = 20,
    heldout: float = 0.1,
    masks: int = 5,
    solver: str = "auto",
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 300,
    max_seconds: float | None = None,
    on_step: Callable[[ScanStep], object] | None = None,
) -> RankScan:
    """Try several numbers of parts and report what each gains and costs.

    Every rank gets `starts` random starts, one from the singular vectors and
    one that adds a part to the best fit of the rank before; only the random
    ones count for stability and consensus. Starts of a long X share one sample
    of its columns, and the best is finished on all of X. The same seed gives
    the same numbers with any number of threads.

    Parameters
    ----------
    X
        (features, samples), dense (NaN for missing) or sparse.
    ranks
        The ranks to try, or the highest of 1, 2, ….
    loss, weights, solver
        As in `nmf`.
    starts
        Random starts per rank, at least 1; stability needs 2 to mean anything.
    heldout, masks
        Share of the entries that is held out, and how many times with other
        entries; 0 leaves it out. A sparse X is not held out.
    seed
        Makes everything random repeatable.
    tol, max_iter
        When the best fit of each rank is done, as in `nmf`.
    max_seconds
        Wall time; ranks that are done by then are returned.
    on_step
        Called with a `ScanStep` at least every 50 ms, in the caller's thread;
        returning False cancels, and the ranks that are done are returned.

    Returns
    -------
    RankScan

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.gamma(0.5, size=(10, 3)) @ rng.gamma(0.5, size=(3, 200))
    >>> scan = rank_scan(X, 5, starts=5)
    >>> scan.rank.tolist(), bool(scan.r2[2] > 0.999), scan.heldout_rank()
    ([1, 2, 3, 4, 5], True, 3)
    """
    wanted = _ranks(ranks)
    if int(starts) != starts or starts < 1:
        raise InputProblem(
            f"starts must be at least 1, got {starts}", argument="starts", fix="try 20"
        )
    scan = _Scan(X, loss, weights, int(starts), heldout, masks, solver, seed, (tol, max_iter))
    clock = Clock(max_seconds)
    found: dict[int, _Verdict] = {}
    stop = "complete"
    total = len(wanted) * scan.questions

    def tell(rank: int, done: int) -> object:
        if clock.over:
            return False
        if on_step is None or not clock.due:
            return None
        sofar = scan.result(found, "running", clock.seconds)
        answer = on_step(
            ScanStep(rank, len(found) * scan.questions + done, total, clock.seconds, sofar)
        )
        clock.reported()
        return answer

    for rank in wanted:
        before = found[max(found)].fit if found else None
        try:
            found[rank] = scan.judge(rank, before, partial(tell, rank))
        except Cancelled:
            stop = "max_seconds" if clock.over else "cancelled"
            break
    return scan.result(found, stop, clock.seconds)


class _Scan:
    """What all ranks of one scan share: the data, the sample of it, the masks."""

    def __init__(
        self,
        X: Any,
        loss: AnyLoss,
        weights: Any,
        starts: int,
        heldout: float,
        masks: int,
        solver: str,
        seed: int,
        budget: tuple[float, int],
    ) -> None:
        problem = pose(X, 1, loss, weights=weights)  # says what is wrong before any work
        check_reach(problem.mean, problem.dtype)
        choose(problem, solver)
        self._X: Any = plain(X)
        self._weights = None if weights is None else np.asarray(written_out(weights), np.float64)
        self._loss, self._solver, self._seed = loss, solver, seed
        self._tol, self._max_iter = budget
        self._starts = starts
        self._picks = few_columns(problem.shape[1], _COLUMNS, generator(seed, 0, 0, "sample"))
        few, few_weights = cut_columns(self._X, self._weights, self._picks)
        self._few, self._few_weights = few, few_weights
        n = few.shape[1]
        self._some = np.unique(np.linspace(0, n - 1, min(n, _CONSENSUS)).astype(np.intp))
        self._masks: list[NDArray[np.bool_]] = []
        if heldout and not sp.issparse(X):
            picks = few_columns(few.shape[1], _HELDOUT, generator(seed, 0, 1, "sample"))
            self._held, self._held_weights = cut_columns(few, few_weights, picks)
            self._masks = speckles(self._held.shape, heldout, masks, seed)
        # One check of the data for all starts; each only needs another rank.
        self._problem = pose(few, 1, loss, weights=few_weights)

    @property
    def questions(self) -> int:
        """How many fits a rank takes."""
        return self._starts + 2 + len(self._masks)

    def judge(
        self, rank: int, before: Factorization | None, tell: Callable[[int], object]
    ) -> _Verdict:
        problem = replace(self._problem, rank=rank)
        name = choose(problem, self._solver)
        inits: list[Any] = ["random"] * self._starts + ["nndsvd"]
        if before is not None:
            H = before.H if self._picks is None else before.H[:, self._picks]
            inits.append(_grown(self._few, before.W, H, rank))
        asked: list[Callable[[Event], _Run | float]] = [
            partial(self._start, problem, name, init, start) for start, init in enumerate(inits)
        ]
        asked += [partial(self._hold, rank, mask) for mask in self._masks]
        answers = side_by_side(asked, tell)
        runs = [a for a in answers if isinstance(a, _Run)]
        held = np.array([a for a in answers if not isinstance(a, _Run)], dtype=np.float64)
        ahead = sorted(runs, key=lambda run: run.objective)[:_CLOSE]
        closer = side_by_side([partial(self._closer, problem, name, run) for run in ahead])
        best = min(closer, key=lambda run: run.objective)
        fit = self._finish(rank, best, before)
        return self._verdict(fit, best, runs[: self._starts], held)

    def _start(self, problem: Problem, name: str, init: Any, start: int, stopped: Event) -> _Run:
        if problem.empty:
            m, n = problem.shape
            return _Run(0.0, np.zeros((m, problem.rank)), np.zeros((problem.rank, n)))
        solver = make(name, problem, init, self._seed, start)
        return _ended(solver, _START_RULE, stopped)

    def _closer(self, problem: Problem, name: str, run: _Run, stopped: Event) -> _Run:
        if problem.empty:
            return run
        solver = make(name, problem, (run.W, run.H), self._seed, 0)
        return _ended(solver, _CLOSE_RULE, stopped)

    def _hold(self, rank: int, mask: NDArray[np.bool_], stopped: Event) -> float:
        return heldout_error(
            self._held,
            rank,
            mask,
            loss=self._loss,
            weights=self._held_weights,
            seed=self._seed,
            rule=_HELDOUT_RULE,
            stopped=stopped,
        )

    def _finish(self, rank: int, best: _Run, before: Factorization | None) -> Factorization:
        """The best start, taken to the end on all of X; never worse than one part less."""
        W, H = best.W, best.H
        if self._picks is not None:
            H = refit(self._X, W, loss=self._loss, weights=self._weights, max_iter=50)
        fit = self._fit(rank, (W, H))
        if before is not None and fit.loss > before.loss:
            again = self._fit(rank, _grown(self._X, before.W, before.H, rank))
            fit = min(fit, again, key=lambda f: f.loss)
        return fit

    def _fit(self, rank: int, init: tuple[Array, Array]) -> Factorization:
        return nmf(
            self._X,
            rank,
            self._loss,
            weights=self._weights,
            init=init,
            solver=self._solver,
            seed=self._seed,
            tol=self._tol,
            max_iter=self._max_iter,
        )

    def _verdict(
        self, fit: Factorization, best: _Run, runs: Sequence[_Run], held: Curve
    ) -> _Verdict:
        share = explained(self._X, fit.W, fit.H, self._weights)
        # The starts saw the columns that `best` saw: only then do the cosines
        # speak of starts alone, and not of the sample as well.
        cosines = part_stability(best.W, [run.W for run in runs]).mean(axis=0)
        labels = [
            (run.H[:, self._some] * np.linalg.norm(run.W, axis=0)[:, None]).argmax(axis=0)
            for run in runs
        ]
        consensus = consensus_matrix(np.stack(labels))
        return _Verdict(
            fit,
            share.vaf,
            share.r2,
            cosines[match_parts(fit.W, best.W).permutation],
            chance_level(fit.W, generator(self._seed, fit.rank, 2, "sample")),
            consensus.astype(np.float32),
            cophenetic(consensus),
            dispersion(consensus),
            held,
        )

    def result(self, found: dict[int, _Verdict], stop: str, seconds: float) -> RankScan:
        verdicts = list(found.values())

        def curve(values: Iterable[float]) -> Curve:
            return np.array(list(values), dtype=np.float64)

        masks = len(self._masks)
        error = [v.heldout.std(ddof=1) / np.sqrt(masks) if masks > 1 else np.nan for v in verdicts]
        return RankScan(
            rank=np.array(list(found), dtype=np.intp),
            error=curve(v.fit.loss for v in verdicts),
            vaf=curve(v.vaf for v in verdicts),
            r2=curve(v.r2 for v in verdicts),
            stability=curve(v.parts.mean() for v in verdicts),
            chance=curve(v.chance for v in verdicts),
            cophenetic=curve(v.cophenetic for v in verdicts),
            dispersion=curve(v.dispersion for v in verdicts),
            heldout=curve(v.heldout.mean() if masks else np.nan for v in verdicts),
            heldout_se=curve(error),
            consensus=tuple(v.consensus for v in verdicts),
            consensus_columns=self._some if self._picks is None else self._picks[self._some],
            part_stability=tuple(v.parts for v in verdicts),
            fits=tuple(v.fit for v in verdicts),
            starts=self._starts,
            columns=int(self._few.shape[1]),
            seed=self._seed,
            stop=stop,
            seconds=seconds,
        )


def _ended(solver: Solver, rule: Rule, stopped: Event) -> _Run:
    value = descend(solver, rule, stopped)
    W, H = (np.array(F) for F in solver.factors())
    return _Run(value, W, H)


def _ranks(ranks: Any) -> list[int]:
    given = range(1, int(ranks) + 1) if is_whole(ranks, 1) else ranks
    given = list(given) if isinstance(given, Iterable) else ()
    wanted = []
    if all(is_whole(rank, 1) for rank in given):
        wanted = sorted({int(rank) for rank in given})
    if not wanted:
        raise InputProblem(
            f"ranks must be whole numbers of at least 1, got {ranks!r}",
            argument="ranks",
            fix="give the highest rank, or a list such as [2, 3, 4]",
        )
    return wanted


def _grown(X: Any, W: Array, H: Array, rank: int) -> tuple[Array, Array]:
    """Factors with parts added, each the sample that is explained worst."""
    W, H = np.asarray(W, dtype=np.float64), np.asarray(H, dtype=np.float64)
    if bool(sp.issparse(X)):  # a look at some samples will do
        some = np.linspace(0, X.shape[1] - 1, min(512, X.shape[1])).astype(np.intp)
        left = sp.csc_array(X)[:, some].toarray() - W @ H[:, some]
    else:
        some = np.arange(X.shape[1])
        left = np.nan_to_num(np.asarray(X, dtype=np.float64) - W @ H)
    for _ in range(rank - W.shape[1]):
        over = np.maximum(left, 0)
        w = over[:, int(np.square(over).sum(axis=0).argmax())]
        length = float(np.linalg.norm(w))
        w = w / length if length > 0 else np.full(len(w), len(w) ** -0.5)
        h = np.maximum(w @ left, 0)
        left = left - np.outer(w, h)
        row = np.zeros(X.shape[1])
        row[some] = h
        W, H = np.column_stack([W, w]), np.vstack([H, row])
    # Multiplicative updates never leave an exact zero.
    return (
        np.maximum(W, 1e-4 * W.mean(axis=0)),
        np.maximum(H, 1e-4 * max(float(H.mean()), 1e-30)),
    )
