"""How does a table of any size become the cells of a picture? Means of blocks, exact at any zoom.

The mean of a block of W·H is the mean row of W times the mean column of H, so parts and residual
are drawn without ever making the whole product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Factors", "Lens", "TableGrid", "edges"]

Array = NDArray[np.floating[Any]]
Edges = NDArray[np.intp]
_SAMPLED = 200_000  # entries looked at for limits
_LOOKED_AT = 250  # rows and columns whose residual is looked at for its limit
_HIGH = 99.5  # percentile
_KEPT = 4  # coarse versions of a table
_FAR = 3.0  # times the high percentile: beyond, the largest entry would drown the others


@dataclass(frozen=True)
class Lens:
    """Which cells are in sight, as fractions: columns from left to right, rows from top to down."""

    left: float
    right: float
    top: float
    bottom: float

    def zoomed(self, factor: float, x: float, y: float, shape: tuple[int, int]) -> Lens:
        """Look `factor` times as close about the cell (x, y)."""
        rows, columns = shape
        return Lens(
            *_range(self.left, self.right, factor, x, columns),
            *_range(self.top, self.bottom, factor, y, rows),
        )

    def moved(self, dx: float, dy: float, shape: tuple[int, int]) -> Lens:
        """Look `dx` cells further right and `dy` further down, no further than the table."""
        rows, columns = shape
        dx = min(max(dx, -self.left), columns - self.right)
        dy = min(max(dy, -self.top), rows - self.bottom)
        return Lens(self.left + dx, self.right + dx, self.top + dy, self.bottom + dy)


@dataclass(frozen=True, eq=False)
class Factors:
    """W, shape (rows, parts), and H, shape (parts, columns)."""

    W: Array
    H: Array

    def sums(self, rows: Edges, columns: Edges, shown: NDArray[np.bool_]) -> Array:
        """Return the sums of W·H of the parts shown, over blocks."""
        if not shown.any():
            return np.zeros((len(rows) - 1, len(columns) - 1))
        W = np.add.reduceat(self.W[:, shown], rows[:-1], axis=0)
        W[-1] = self.W[rows[-2] : rows[-1], shown].sum(axis=0)
        H = np.add.reduceat(self.H[shown], columns[:-1], axis=1)
        H[:, -1] = self.H[shown, columns[-2] : columns[-1]].sum(axis=1)
        return np.asarray(W @ H)


class TableGrid:
    """A table that is drawn by blocks; NaN where an entry is missing.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Kept, not copied, where nothing is missing.
    offset : float
        Added to every entry.
    """

    def __init__(self, values: Array, offset: float = 0.0) -> None:
        values = np.asarray(values)
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        missing = np.isnan(values)
        self._missing = np.nonzero(missing)
        self._values = np.where(missing, 0, values) if len(self._missing[0]) else values
        self._offset = offset
        self._levels: dict[tuple[int, int], Array] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self._values.shape
        return rows, columns

    @property
    def has_missing(self) -> bool:
        """Whether an entry is missing."""
        return len(self._missing[0]) > 0

    def means(self, rows: Edges, columns: Edges) -> Array:
        """Return the means over blocks; NaN where all of a block is missing."""
        count, sums = self._counts(rows, columns), self._sums(rows, columns)
        return np.asarray(_divided(sums, count) + self._offset)

    def modelled(
        self, rows: Edges, columns: Edges, factors: Factors, shown: NDArray[np.bool_]
    ) -> Array:
        """Return the means of W·H over blocks, missing entries included."""
        return np.asarray(factors.sums(rows, columns, shown) / _areas(rows, columns))

    def residual(self, rows: Edges, columns: Edges, factors: Factors) -> Array:
        """Return the means of what all parts leave, over the entries that are known."""
        shown = np.ones(factors.W.shape[1], dtype=bool)
        modelled = factors.sums(rows, columns, shown)
        count = _areas(rows, columns)
        blocks = self._blocks(rows, columns)
        if blocks is not None:
            flat, inside = blocks
            r, c = self._missing[0][inside], self._missing[1][inside]
            values = np.einsum("nk,nk->n", factors.W[r], factors.H.T[c])
            modelled = modelled - _tallied(flat, count.shape, values)
            count -= _tallied(flat, count.shape)
        return np.asarray(_divided(self._sums(rows, columns) - modelled, count) + self._offset)

    def at(self, row: int, column: int) -> float:
        """Return one entry; NaN where it is missing."""
        if self.has_missing and bool(
            ((self._missing[0] == row) & (self._missing[1] == column)).any()
        ):
            return float("nan")
        return float(self._values[row, column]) + self._offset

    @cached_property
    def limit(self) -> tuple[float, bool]:
        """The value at the bright end, and whether larger ones are cut there."""
        sample = np.abs(self._sample(self._values)) + abs(self._offset)
        top = float(np.abs(self._values).max(initial=0.0)) + abs(self._offset)
        positive = sample[sample > 0]
        high = float(np.percentile(positive, _HIGH)) if positive.size else top
        return (high, True) if top > _FAR * high > 0 else (top or 1.0, False)

    def residual_limit(self, factors: Factors) -> float:
        """The size of residual at both ends of its map: most entries lie within."""
        m, n = self.shape
        rows = np.unique(np.linspace(0, m - 1, min(m, _LOOKED_AT)).astype(np.intp))
        columns = np.unique(np.linspace(0, n - 1, min(n, _LOOKED_AT)).astype(np.intp))
        rest = self._values[np.ix_(rows, columns)] + self._offset
        rest = rest - factors.W[rows] @ factors.H[:, columns]
        if self.has_missing:
            rest = rest[self._known[np.ix_(rows, columns)]]
        high = float(np.percentile(np.abs(rest), _HIGH)) if rest.size else 0.0
        return high if high > 0 else 1.0

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        known = np.ones(self.shape, dtype=bool)
        known[self._missing] = False
        return known

    def _step(self) -> int:
        return max(1, self._values.size // _SAMPLED)

    def _sample(self, values: Array) -> Array:
        return np.asarray(values.ravel()[:: self._step()], dtype=np.float64)

    def _coarse(self, units: tuple[int, int]) -> Array:
        """Sums over blocks of `units` cells from the first on, kept: every pan asks for them."""
        if units == (1, 1):
            return self._values
        if units not in self._levels:
            if len(self._levels) >= _KEPT:
                self._levels.clear()
            found = self._values
            for way, unit in enumerate(units):
                if unit > 1:
                    found = np.add.reduceat(found, np.arange(0, found.shape[way], unit), axis=way)
            self._levels[units] = found
        return self._levels[units]

    def _sums(self, rows: Edges, columns: Edges) -> Array:
        units = _unit(rows, self.shape[0]), _unit(columns, self.shape[1])
        # Up, so that the last edge of the table lies behind its last, narrower block.
        rows, columns = -(-rows // units[0]), -(-columns // units[1])
        part = self._coarse(units)[rows[0] : rows[-1], columns[0] : columns[-1]]
        starts, across = rows[:-1] - rows[0], columns[:-1] - columns[0]
        if len(across) < part.shape[1]:
            part = np.add.reduceat(part, across, axis=1)
        if len(starts) < part.shape[0]:
            part = np.add.reduceat(part, starts, axis=0)
        return np.asarray(part)

    def _counts(self, rows: Edges, columns: Edges) -> Array:
        count = _areas(rows, columns)
        blocks = self._blocks(rows, columns)
        return count if blocks is None else count - _tallied(blocks[0], count.shape)

    def _blocks(self, rows: Edges, columns: Edges) -> tuple[Edges, NDArray[np.bool_]] | None:
        """The block of each missing entry in sight, counted row by row; and which are in sight."""
        r, c = self._missing
        inside = (r >= rows[0]) & (r < rows[-1]) & (c >= columns[0]) & (c < columns[-1])
        if not inside.any():
            return None
        # A place per row and column is looked up faster than searched for.
        i = np.searchsorted(rows, np.arange(self.shape[0]), side="right") - 1
        j = np.searchsorted(columns, np.arange(self.shape[1]), side="right") - 1
        return i[r[inside]] * (len(columns) - 1) + j[c[inside]], inside


def edges(low: float, high: float, size: int, pixels: int) -> Edges:
    """Return where blocks begin and end: whole cells in sight, at most one block per pixel."""
    first, last = min(max(int(np.floor(low)), 0), size - 1), min(int(np.ceil(high)), size)
    last = max(last, first + 1)
    blocks = min(last - first, max(pixels, 1))
    found = np.linspace(first, last, blocks + 1)
    # Edges at multiples of a power of two let sums of that many cells be made once and kept.
    unit = (
        1 << max(int(np.log2((last - first) / blocks / 2)), 0) if last - first > 2 * blocks else 1
    )
    inner = (found / unit).astype(np.intp) * unit
    inner[-1] = last if last == size else max(int(inner[-1]), int(inner[0]) + unit)
    return np.unique(inner)


def _unit(found: Edges, size: int) -> int:
    """The largest power of two that divides all edges but the end of the table."""
    inner = found[:-1] if found[-1] == size else found
    together = int(np.bitwise_or.reduce(inner)) if len(inner) else 0
    return together & -together if together else 1


def _areas(rows: Edges, columns: Edges) -> Array:
    return np.outer(np.diff(rows), np.diff(columns)).astype(np.float64)


def _tallied(
    flat: Edges, shape: tuple[int, ...], weights: NDArray[np.float64] | None = None
) -> Array:
    """Count, or sum the weights of, the entries of each block."""
    size = shape[0] * shape[1]
    return np.asarray(np.bincount(flat, weights, minlength=size).reshape(shape), dtype=np.float64)


def _divided(sums: Array, count: Array) -> Array:
    mean = np.full(sums.shape, np.nan)
    np.divide(sums, count, out=mean, where=count > 0)
    return mean


def _range(low: float, high: float, factor: float, about: float, size: int) -> tuple[float, float]:
    span = min(max((high - low) / factor, min(4.0, size)), float(size))
    share = (about - low) / (high - low)
    start = min(max(about - share * span, 0.0), size - span)
    return start, start + span
