"""How is one step taken where entries have weights of their own, without a read for the error?

What a sweep over one factor needs, the normal equations of each of its places, also tells
the weighted error where it begins. So a step is two reads of data and weights, one for each
factor, and the leap beyond it is judged by the next one, as in `run`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.judge.certify import natural_residual
from partwise.engine.solvers.run import Run
from partwise.engine.solvers.weighted import Weighted
from partwise.engine.stop import Rule

__all__ = ["Placed"]

Array = NDArray[Any]
_SWEEPS = 4
_CLOSE = 1e-3  # of half the squared data: below, the error is summed entry by entry


class Placed(Run):
    """Extrapolated HALS with a table of weights; missing entries weigh 0.

    Parameters
    ----------
    X, weights : (rows, columns)
    tall, wide : (parts, rows), (parts, columns)
    """

    rule = Rule(tol=0.0, max_iter=100)
    _weighs_improved = False  # each place is weighed by its own sums, before its sweeps

    def __init__(
        self, X: Array, weights: Array, tall: Array, wide: Array, rng: np.random.Generator
    ) -> None:
        super().__init__(tall, wide, rng)
        self._X = X
        self._data = Weighted(X, weights)

    def sample(self) -> None:
        """Begin on all of the data."""
        return

    def _sizes(self) -> tuple[float, float]:
        cross, square = self._data.scale(self.tall, self.wide)
        return square, cross

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        none = self._none, self._none
        new, then = tall.copy(), wide.copy()
        slope = np.empty_like(tall)
        inner, square = self._data.sweep("W", new, wide, 0, _SWEEPS, none, slope)
        half = self._data.half_square
        value = max(0.0, half - inner + 0.5 * square)
        if min(value, self._value) < _CLOSE * half:
            value = self._data.loss(tall, wide)
        residual = natural_residual(tall, slope, square)
        slope = np.empty_like(wide)
        _, square = self._data.sweep("H", then, new, 0, _SWEEPS, none, slope)
        self.residual = max(residual, natural_residual(wide, slope, square))
        return (new, then), value

    def _some_rows(self) -> tuple[Array, Array]:
        picks = self._rng.integers(0, self._X.shape[0], size=min(64, self._X.shape[0]))
        return self._X[picks], picks
