"""How sure are the synergies? Intervals over cycles, and what the residual repeats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Factorization,
    Intervals,
    Job,
    bootstrap,
    match_parts,
    stop_if_cancelled,
)
from partwise_emg.cycles import Cycles
from partwise_emg.kernels import descend

__all__ = ["Bands", "bands_of", "leftover"]

_BLOCK = 10  # columns drawn together where there is one cycle alone
_MEANS = 400
_PULLS = 16  # the mean of these is what counts


@dataclass(frozen=True, eq=False)
class Bands:
    """Intervals of 95 % for weights, activations, and the mean cycle of the activations.

    `low` and `high` (muscles, synergies) are those of the weights, `of` what the engine found;
    `cycles` is false where blocks of one cycle had to stand in for cycles.
    """

    of: Intervals
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean_low: NDArray[np.float64]
    mean_high: NDArray[np.float64]
    cycles: bool
    resamples: int


def bands_of(
    X: NDArray[np.float64],
    fit: Factorization,
    cycles: Cycles,
    resamples: int,
    job: Job,
    progress: tuple[float, float],
) -> Bands:
    """Draw cycles anew and fit again.

    Raises
    ------
    Cancelled
    """
    low, high = progress

    def on_step(done: int) -> bool:
        job.report(low + (high - low) * done / resamples, "Drawing cycles anew")
        return not job.cancelled

    several = cycles.count > 1
    columns = X.shape[1]
    size = cycles.points if several else max(min(_BLOCK, columns // 4), 1)
    groups = np.arange(columns) // size
    found = bootstrap(X, fit, groups=groups, resamples=resamples, seed=job.seed, on_step=on_step)
    assert found.H_low is not None
    assert found.H_high is not None
    if several:
        mean_low, mean_high = _ends_of_means(np.asarray(fit.H, np.float64), cycles, job.seed)
    else:
        mean_low, mean_high = found.H_low, found.H_high
    wide = np.abs(_pull_of_noise(X, fit, cycles, job)) if several else 0.0
    low_W = np.maximum(np.asarray(found.W_low) - wide, 0.0)
    high_W = np.asarray(found.W_high) + wide
    return Bands(found, low_W, high_W, mean_low, mean_high, several, resamples)


def _pull_of_noise(
    X: NDArray[np.float64], fit: Factorization, cycles: Cycles, job: Job
) -> NDArray[np.float64]:
    """Return how far noise alone moves the weights of a fit, (muscles, synergies).

    Nothing is below zero, so that noise does not cancel: it biases weights, and drawing cycles
    anew, noise and all, does not show by how much. The fit is therefore taken for the truth, the
    residual of other cycles with signs thrown is put on it, and it is fitted again (a parametric
    bootstrap of the bias; Efron and Tibshirani, 1993, ch. 10). The residual is widened for the
    synergies that took part in each column.

    Raises
    ------
    Cancelled
    """
    W, H = np.asarray(fit.W, np.float64), np.asarray(fit.H, np.float64)
    muscles, count = len(X), cycles.count
    active = float((H > 0).sum(axis=0).mean())
    used = np.sqrt(muscles / max(muscles - active, 1.0))
    rest = ((X - W @ H) * used).reshape(muscles, count, cycles.points)
    rng = np.random.default_rng([job.seed, 47])
    length = np.linalg.norm(W, axis=0)
    moved = np.zeros_like(W)
    for _ in range(_PULLS):
        stop_if_cancelled(job)
        signs = rng.choice((-1.0, 1.0), (muscles, count, 1))
        noise = (rest[:, rng.permutation(count)] * signs).reshape(X.shape)
        again, courses = np.maximum(W, 1e-9, order="C"), np.array(H, order="C")
        descend(np.maximum(W @ H + noise, 0.0), again, courses, 300, 1e-6)
        again = again[:, match_parts(W, again).permutation]
        norm = np.linalg.norm(again, axis=0)
        moved += again * (length / np.where(norm > 0, norm, 1.0)) - W
    return moved / _PULLS


def _ends_of_means(
    H: NDArray[np.float64], cycles: Cycles, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return low and high ends of the mean cycle of activations, over cycles drawn anew."""
    count = cycles.count
    stacked = H.reshape(len(H), count, cycles.points)
    rng = np.random.default_rng([seed, 19])
    times = rng.multinomial(count, np.full(count, 1 / count), _MEANS) / count
    means = np.einsum("bc,kcp->bkp", times, stacked)
    # Few cycles vary less than all there could be: as for a variance, n / (n − 1).
    middle = stacked.mean(axis=1)
    wide = np.sqrt(count / (count - 1))
    ends = np.percentile(means, [2.5, 97.5], axis=0)
    return (
        np.maximum(middle + wide * (ends[0] - middle), 0.0),
        middle + wide * (ends[1] - middle),
    )


def leftover(
    X: NDArray[np.float64], W: NDArray[np.float64], H: NDArray[np.float64], cycles: Cycles
) -> float:
    """Return how much of the residual comes again in every cycle: noise does not.

    The correlation of its mean over odd cycles with that over even ones, over all muscles and
    points of the cycle; NaN with one cycle.
    """
    if cycles.count < 2:
        return float("nan")
    rest = (X - W @ H).reshape(len(X), cycles.count, cycles.points)
    odd, even = rest[:, ::2].mean(axis=1).ravel(), rest[:, 1::2].mean(axis=1).ravel()
    if odd.std() == 0 or even.std() == 0:
        return 0.0
    return float(np.corrcoef(odd, even)[0, 1])
