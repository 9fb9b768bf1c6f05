"""How is a weighted step taken at the price of a plain one? Against data filled in by the fit.

With weights V of at most 1, the plain squared error against ``Y + V (X − Y)`` lies above the
weighted one and touches it at the fit Y (Srebro and Jaakkola, ICML 2003). A block of rows is
filled in while it is in cache, so that a step is one read of data and weights, which also tells
the error. The less of the weight there is to fill in, the more such a step gains.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.judge.certify import natural_residual
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.solvers.run import Run, gram
from partwise.engine.solvers.weighted import filled, inner

__all__ = ["Filled", "pays"]

Array = NDArray[Any]
_SWEEPS = 4
_ENTRIES = 1 << 16  # of X in a block: data, weights and what is filled in stay in cache


def pays(weights: Array, rank: int) -> bool:
    """Does filling in cost less than a Gram matrix for every place would?

    Filling in takes three products with the data for a step; Gram matrices take one product
    for each pair of parts, but fewer steps, the less of the weight there is.
    """
    steps = (float(weights.max()) / float(weights.mean(dtype=np.float64))) ** 1.5
    return bool(3 * rank * steps < rank + rank * (rank + 1) / 2)


class Filled(Run):
    """Extrapolated HALS on filled-in data; X and weights are (rows, columns) in C order."""

    _weighs_improved = False

    def __init__(
        self, X: Array, weights: Array, tall: Array, wide: Array, rng: np.random.Generator
    ) -> None:
        super().__init__(tall, wide, rng)
        self._X = np.ascontiguousarray(X)
        self._V = np.ascontiguousarray(weights)
        self._top = float(weights.max())
        self._full = np.empty_like(self._X)
        rows, columns = X.shape
        self._cuts = blocks(rows, max(8, -(-rows // 48), _ENTRIES // columns))

    def sample(self) -> None:
        """Begin on all of the data."""
        return

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        full, none = self._full, self._none
        gram_wide = gram(wide)
        small = gram_wide.astype(full.dtype)
        new = tall.copy()
        product = np.empty_like(tall)
        losses = np.zeros(len(self._cuts))
        shares = np.empty((len(self._cuts), *wide.shape), full.dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            fitted = np.ascontiguousarray(tall[:, lo:hi].T) @ wide
            losses[slot] = filled(fitted, self._X, self._V, self._top, lo, full)
            kernels.row_products(full, wide, lo, hi, product)
            kernels.sweeps(small, product, new, lo, hi, 0, _SWEEPS, none, none)
            kernels.column_products(full, new, lo, hi, shares[slot])

        run_blocks(work, self._cuts)
        cross = shares.sum(axis=0)
        gram_tall = gram(new)
        size = float((gram_wide * gram_tall).sum())
        residual = natural_residual(tall, small @ tall - product, size)
        small = gram_tall.astype(full.dtype)
        then = wide.copy()
        self.residual = max(residual, natural_residual(wide, small @ wide - cross, size))
        kernels.sweeps(small, cross, then, 0, then.shape[1], 0, _SWEEPS, none, none)
        return (new, then), float(losses.sum())

    def _sizes(self) -> tuple[float, float]:
        cross, square = inner(self._X, self._V, self.tall, self.wide)
        return square, cross

    def _some_rows(self) -> tuple[Array, Array]:
        picks = self._rng.integers(0, self._X.shape[0], size=min(64, self._X.shape[0]))
        return self._X[picks], picks
