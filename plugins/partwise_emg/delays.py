"""Do muscles of a synergy act with delays of their own? Synergies that are patterns in time.

Time-varying synergies (d'Avella, Saltiel and Bizzi, Nat. Neurosci. 6:300, 2003), here nonnegative
and with one course each: X[:, t] ≈ Σ_d W[:, :, d] · H[:, t − d].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Cancelled, ConvolutiveFit, Job, Step, convolutive_nmf

__all__ = ["Delayed", "find_delayed"]


@dataclass(frozen=True, eq=False)
class Delayed:
    """Synergies with delays.

    Attributes
    ----------
    W : float64, shape (muscles, synergies, delays)
    H : float64, shape (synergies, columns)
    whole : float64, shape (muscles, columns)
        The model of X.
    lag : float64, shape (muscles, synergies)
        Mean delay of each muscle behind the earliest of its synergy, in columns; NaN where the
        muscle takes no part.
    vaf, plain_vaf : float
        With delays, and of as many plain synergies.
    fit : ConvolutiveFit
    """

    W: NDArray[np.float64]
    H: NDArray[np.float64]
    whole: NDArray[np.float64]
    lag: NDArray[np.float64]
    vaf: float
    plain_vaf: float
    fit: ConvolutiveFit


def find_delayed(
    X: NDArray[np.float64],
    rank: int,
    width: int,
    plain_vaf: float,
    starts: int,
    job: Job,
    progress: tuple[float, float],
) -> Delayed:
    """Fit synergies whose muscles may follow one another within `width` columns.

    Raises
    ------
    Cancelled
    """
    low, high = progress
    seen = 0

    def on_step(step: Step) -> bool:
        nonlocal seen
        seen += 1
        job.report(low + (high - low) * (1 - 0.98**seen), "Fitting delays")
        return not job.cancelled

    fit = convolutive_nmf(
        X, rank, width, starts=min(starts, 4), seed=job.seed, max_iter=300, on_step=on_step
    )
    if job.cancelled:
        raise Cancelled
    W, H = np.asarray(fit.W, np.float64), np.asarray(fit.H, np.float64)
    whole = np.asarray(fit.whole, np.float64)
    total = float((X**2).sum())
    vaf = 1 - float(((X - whole) ** 2).sum()) / total if total > 0 else 0.0
    return Delayed(W, H, whole, _lags(W), vaf, plain_vaf, fit)


def _lags(W: NDArray[np.float64]) -> NDArray[np.float64]:
    weight = W.sum(axis=2)
    mean = np.divide(
        W @ np.arange(W.shape[2], dtype=np.float64),
        weight,
        out=np.full(weight.shape, np.nan),
        where=weight > 0.1 * weight.max(axis=0, keepdims=True),
    )
    first = np.nanmin(mean, axis=0, initial=np.inf)
    return np.asarray(mean - np.where(np.isfinite(first), first, 0.0))
