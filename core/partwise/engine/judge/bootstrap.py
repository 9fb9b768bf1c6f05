"""How sure are the parts and their strengths?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtrit

from partwise.engine.errors import InputProblem
from partwise.engine.fit import Factorization
from partwise.engine.given import plain, written_out
from partwise.engine.judge.many import descend, side_by_side
from partwise.engine.judge.match import match_parts
from partwise.engine.kernels import nnls_columns
from partwise.engine.loss import AnyLoss
from partwise.engine.plan import choose, make
from partwise.engine.problem import pose
from partwise.engine.start import generator
from partwise.engine.stop import Rule

__all__ = ["Intervals", "bootstrap"]

Array = NDArray[Any]
_COLUMNS = 2048  # of H at once: every resample is held for its percentiles
_RULE = Rule(tol=1e-5, max_iter=200, gain=1e-6)


@dataclass(frozen=True)
class Intervals:
    """Percentile intervals of a fit.

    Attributes
    ----------
    W_low, W_high
        (features, rank), for parts of the scale of ``fit.W``.
    H_low, H_high
        (rank, samples), or None where they were not asked for.
    cosine
        (resamples, rank): how alike each part was to that of the fit.
    level
        The share of repeated experiments in which an interval is meant to hold
        the truth.
    resamples, groups
        How many resamples, and of how many groups of columns.
    """

    W_low: NDArray[np.float64]
    W_high: NDArray[np.float64]
    H_low: NDArray[np.float64] | None
    H_high: NDArray[np.float64] | None
    cosine: NDArray[np.float64]
    level: float
    resamples: int
    groups: int


def bootstrap(
    X: ArrayLike,
    fit: Factorization,
    *,
    groups: ArrayLike | None = None,
    resamples: int = 200,
    level: float = 0.95,
    loss: AnyLoss = "frobenius",
    weights: ArrayLike | None = None,
    intervals_H: bool = True,
    seed: int = 0,
    on_step: Callable[[int], object] | None = None,
) -> Intervals:
    """Return intervals for W and H by fitting again to resampled columns.

    For W, columns (or whole groups of them) are drawn with replacement and the
    fit is repeated from where it stands, matched and scaled to it. For H, each
    column is W·H plus the residual of the column drawn in its place with signs
    at random, unmixed with the W of that resample, so that both the noise of
    the column and the doubt about W show; the noise of two features is taken
    to be independent.

    Parameters
    ----------
    X
        (features, samples), dense; NaN for missing.
    fit
        What was fitted to X with the same loss and weights.
    groups
        (samples,) labels of what was measured together, such as gait cycles:
        columns of one group are not independent, and are drawn together.
    resamples
        How many; 200 give intervals, 1,000 give steady ends.
    level
        0.95 for the percentiles 2.5 and 97.5, or nearly, of many groups.
    loss, weights
        As in `nmf`. Intervals for H need the squared error and no weights.
    intervals_H
        Whether H is wanted.
    seed
        Makes the resamples repeatable.
    on_step
        Called with the number of resamples done, at least every 50 ms;
        returning False cancels.

    Returns
    -------
    Intervals

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.
    Cancelled
        If `on_step` returned False: intervals from a few resamples are none.

    Notes
    -----
    Percentile intervals (Efron and Tibshirani, An Introduction to the
    Bootstrap, 1993, ch. 13), expanded for the number of groups (Hesterberg,
    Am. Stat. 69, 2015): few groups vary less than the population does.
    Residuals are widened by the degrees of freedom
    that the active parts of a column have used up. Intervals say how much the
    fit would vary with other columns of the same kind, and hold what the fit
    of very many columns would give. That is not always the truth: noise where a
    part is absent can only raise H, which biases W, and more data do not help.
    """
    data = np.asarray(plain(X))
    problem = pose(data, fit.rank, loss, weights=weights)
    if fit.W.shape[0] != data.shape[0] or fit.H.shape[1] != data.shape[1]:
        raise InputProblem(
            f"the fit is of shape {(fit.W.shape[0], fit.H.shape[1])}, X of {data.shape}",
            argument="fit",
            fix="give the fit of this X",
        )
    if resamples < 2 or not 0 < level < 1:
        raise InputProblem(
            f"resamples {resamples} and level {level} give no interval",
            argument="resamples",
            fix="use at least 2 resamples and a level such as 0.95",
        )
    if intervals_H and (problem.loss.beta != 2 or weights is not None or np.isnan(data).any()):
        raise InputProblem(
            "intervals for H are made for the squared error without weights or gaps",
            argument="intervals_H",
            fix="pass intervals_H=False",
        )
    runs = _groups(groups, data.shape[1])
    given = None if weights is None else np.asarray(written_out(weights), np.float64)
    asked = [
        partial(_again, data, given, fit, loss, runs, seed, number) for number in range(resamples)
    ]
    found = side_by_side(asked, on_step)
    W = np.stack([each[0] for each in found])
    ends = _ends(level, len(runs))
    W_low, W_high = np.percentile(W, ends, axis=0)
    H_low = H_high = None
    if intervals_H:
        H_low, H_high = _strengths(data, fit, W, runs, seed, ends)
    cosine = np.stack([each[1] for each in found])
    return Intervals(
        W_low=W_low,
        W_high=W_high,
        H_low=H_low,
        H_high=H_high,
        cosine=cosine,
        level=level,
        resamples=resamples,
        groups=len(runs),
    )


def _ends(level: float, groups: int) -> list[float]:
    """The percentiles to read off, a little wider for few groups."""
    tail = stdtrit(groups - 1, (1 - level) / 2) * np.sqrt(groups / (groups - 1))
    low = 100 * float(ndtr(tail))
    return [low, 100 - low]


def _groups(groups: ArrayLike | None, samples: int) -> list[NDArray[np.intp]]:
    """Column indices per group, in order of first appearance."""
    if groups is None:
        return list(np.arange(samples, dtype=np.intp)[:, None])
    labels = np.asarray(groups)
    if labels.shape != (samples,):
        raise InputProblem(
            f"groups have shape {labels.shape} for {samples} samples",
            argument="groups",
            fix="give one label per column of X",
        )
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    if first.size < 2:
        raise InputProblem(
            "groups name a single group", argument="groups", fix="give at least two groups"
        )
    return [np.flatnonzero(inverse == g) for g in np.argsort(first)]


def _drawn(runs: list[NDArray[np.intp]], seed: int, number: int) -> NDArray[np.intp]:
    """Which columns stand in for the columns of all groups, one after the other."""
    rng = generator(seed, 0, number + 1, "sample")
    return np.concatenate([runs[g] for g in rng.integers(0, len(runs), size=len(runs))])


def _again(
    X: Array,
    weights: Array | None,
    fit: Factorization,
    loss: AnyLoss,
    runs: list[NDArray[np.intp]],
    seed: int,
    number: int,
    stopped: Event,
) -> tuple[Array, NDArray[np.float64]]:
    """W of one resample at the place and scale of the fit's, and the cosines."""
    picks = _drawn(runs, seed, number)
    if weights is not None and weights.shape[1] > 1:
        weights = weights[:, picks]
    problem = pose(X[:, picks], fit.rank, loss, weights=weights)
    solver = make(choose(problem, "auto"), problem, (fit.W, fit.H[:, picks]), seed, number)
    descend(solver, _RULE, stopped)
    W = np.asarray(solver.factors()[0], dtype=np.float64)
    match = match_parts(fit.W, W)
    W = W[:, match.permutation]
    length = np.linalg.norm(W, axis=0)
    target = np.linalg.norm(fit.W.astype(np.float64), axis=0)
    return W * np.divide(target, length, out=np.zeros_like(length), where=length > 0), match.cosine


def _strengths(
    X: Array,
    fit: Factorization,
    W: Array,
    runs: list[NDArray[np.intp]],
    seed: int,
    ends: list[float],
) -> tuple[Array, Array]:
    """Percentiles of H, some columns at a time."""
    model = fit.W.astype(np.float64) @ fit.H.astype(np.float64)
    active = float((fit.H > 0).sum(axis=0).mean())
    used = np.sqrt(X.shape[0] / max(X.shape[0] - active, 1.0))
    residual = (X - model) * used
    n = X.shape[1]
    place = np.concatenate(runs)
    stand_in = np.empty((len(W), n), dtype=np.intp)
    for number, row in enumerate(stand_in):
        picks = _drawn(runs, seed, number)
        if picks.size == n:  # groups of one length: the residual keeps its place in the cycle
            row[place] = picks
        else:
            row[:] = generator(seed, 1, number + 1, "sample").integers(0, n, size=n)
    low, high = np.empty((fit.rank, n)), np.empty((fit.rank, n))
    grams = [np.ascontiguousarray(each.T @ each) for each in W]

    def block(number: int, cut: slice, stopped: Event) -> None:
        # A residual is what W cannot make, so that W alone sees none of it;
        # with its signs drawn anew it is noise in all directions again.
        rng = generator(seed, 2, number, "sample")
        H = np.empty((len(W), fit.rank, cut.stop - cut.start))
        for again, each in enumerate(W):
            noise = residual[:, stand_in[again, cut]]
            Y = model[:, cut] + noise * rng.choice((-1.0, 1.0), noise.shape)
            nnls_columns(grams[again], np.ascontiguousarray(each.T @ Y), H[again])
        low[:, cut], high[:, cut] = np.percentile(H, ends, axis=0)

    width = max(64, min(_COLUMNS, (1 << 23) // (len(W) * fit.rank)))
    cuts = [slice(lo, min(lo + width, n)) for lo in range(0, n, width)]
    side_by_side([partial(block, number, cut) for number, cut in enumerate(cuts)])
    return low, high
