"""How is the table taken apart? Several starts, the best of them, and how alike they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Cancelled, Factorization, Job, Step, match_parts, nmf

__all__ = ["Fitted", "Task", "find_parts"]

Array = NDArray[np.floating[Any]]
Show = Callable[[Array, Array, list[float]], None]

_MOST_STEPS = 2000
_TOL = 1e-6


@dataclass(frozen=True, eq=False)
class Task:
    """What the engine is asked, apart from the number of parts.

    `X` may hold NaN; `fixed` are columns of W that stay, shape (rows, k), or None.
    """

    X: Array
    loss: str | float
    weights: Array | None
    fixed: Array | None
    seed: int

    @property
    def kept(self) -> int:
        """How many columns stay as they are."""
        return 0 if self.fixed is None else int(self.fixed.shape[1])


@dataclass(frozen=True, eq=False)
class Fitted:
    """The best of several starts.

    Attributes
    ----------
    fit : Factorization
    alike : float64, shape (other starts, rank)
        Cosine of each part with its like in every other start.
    objectives : tuple of float
        What each start reached.
    going_on : bool
        Whether a person chose where to begin.
    """

    fit: Factorization
    alike: NDArray[np.float64]
    objectives: tuple[float, ...]
    going_on: bool = False


def find_parts(
    task: Task,
    rank: int,
    starts: int,
    job: Job,
    show: Show,
    progress: tuple[float, float],
    first: tuple[Array, Array] | None = None,
    going_on: bool = False,
) -> Fitted:
    """Fit from several starts and keep the best; `show` sees each step that leads so far.

    Parameters
    ----------
    task : Task
    rank, starts : int
    job : Job
    show : callable
        Called with W, H and the objective per iteration.
    progress : (start, stop)
        Fractions of the whole run.
    first : (W, H), optional
        A fit to begin with, where one is known.
    going_on : bool
        Whether a person wants to go on from `first`: it is kept, and other starts only tell how
        alike they are.

    Raises
    ------
    Cancelled
    """
    found: list[Factorization] = []
    low, high = progress
    for number in range(starts):
        best = min((fit.objective for fit in found), default=np.inf)
        trace: list[float] = []

        def on_step(
            step: Step, best: float = best, trace: list[float] = trace, number: int = number
        ) -> bool:
            trace.append(float(step.objective))
            part = min(step.iteration / _MOST_STEPS, 1.0)
            job.report(low + (high - low) * (number + part) / starts, _words(number, starts))
            if step.objective <= best and not (going_on and number):
                show(step.W, step.H, trace)
            return not job.cancelled

        init: Any = first if number == 0 and first is not None else "auto"
        if number > 0:
            init = "random"
        fit = nmf(
            task.X,
            rank,
            loss=task.loss,
            weights=task.weights,
            fixed_W=task.fixed,
            init=init,
            seed=task.seed + number,
            tol=_TOL,
            max_iter=_MOST_STEPS,
            on_step=on_step,
        )
        if job.cancelled:
            raise Cancelled
        found.append(fit)
        if fit.objective < best and not (going_on and number):
            show(fit.W, fit.H, [float(v) for v in fit.trace])
        job.report(low + (high - low) * (number + 1) / starts, _words(number, starts))
    chosen = found[0] if going_on else min(found, key=lambda fit: fit.objective)
    others = [fit for fit in found if fit is not chosen]
    alike = [match_parts(chosen.W, other.W).cosine for other in others]
    return Fitted(
        replace(chosen, seed=task.seed),
        np.array(alike).reshape(len(alike), rank),
        tuple(fit.objective for fit in found),
        going_on,
    )


def _words(number: int, starts: int) -> str:
    if starts == 1:
        return "Finding the parts"
    return f"Finding the parts, start {number + 1} of {starts}"
