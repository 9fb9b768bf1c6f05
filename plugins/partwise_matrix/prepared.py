"""What is fitted? The table as the person wants it read: turned, scaled, weighted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, InputProblem
from partwise_matrix.grid import Grid
from partwise_matrix.readers import read_grid

__all__ = ["Prepared", "prepare", "table_of"]

Array = NDArray[np.floating[Any]]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table ready for the engine: what is fitted is ``row_scale * values * column_scale``.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
        In the table's own unit, nonnegative; NaN where missing.
    row_scale, column_scale : float64, shapes (rows, 1) and (1, columns)
        Ones where nothing is normalised.
    weights : float64 or None
        Like `values`, or (rows, 1), or (1, columns).
    rows, columns : Axis
    offset : float
        What was added to every entry.
    clipped : int
        Negative entries that were set to zero.
    turned : bool
        Whether rows and columns are those of the file, exchanged.
    misnamed : str
        Why the weights went by place although both sides name them; empty where they did not.
    """

    values: Array
    row_scale: Vector
    column_scale: Vector
    weights: Vector | None
    rows: Axis
    columns: Axis
    offset: float
    clipped: int
    turned: bool
    misnamed: str = ""

    @property
    def scaled(self) -> Array:
        """What the engine sees."""
        if (self.row_scale == 1).all() and (self.column_scale == 1).all():
            return self.values
        return np.asarray(self.values * self.row_scale * self.column_scale)

    @property
    def normalised(self) -> str:
        """How the table was scaled, in words; empty where it was not."""
        if (self.row_scale != 1).any():
            return "all rows as large"
        return "all columns as large" if (self.column_scale != 1).any() else ""

    def row_name(self, row: int) -> str:
        """Name a row: its label, or its number from 1."""
        return _label(self.rows, row, "row")

    def column_name(self, column: int) -> str:
        """Name a column: its label, or its number from 1."""
        return _label(self.columns, column, "column")

    @property
    def missing(self) -> int:
        """How many entries the table lacks."""
        return int(np.isnan(self.values).sum())


def prepare(
    dataset: Dataset, *, transpose: bool, negative: str, normalise: str, weights: str
) -> Prepared:
    """Make a table ready.

    Parameters
    ----------
    dataset : Dataset
        Of kind ``"table"``.
    transpose : bool
        Let the file's columns be the rows.
    negative : {"refuse", "clip", "shift"}
        What to do where an entry is below zero.
    normalise : {"none", "rows", "columns"}
        Scale each row to a largest entry of 1, or each column to a mean of 1.
    weights : str
        Path of a table of weights, or empty.

    Raises
    ------
    InputProblem
        No table, negative entries, or weights that do not fit.
    """
    if dataset.values is None or dataset.values.ndim != 2:
        raise InputProblem("the input is no table", argument="input", fix="give a table")
    values, axes = table_of(dataset, transpose=transpose), dataset.axes
    rows, columns = (axes[1], axes[0]) if transpose else (axes[0], axes[1])
    weighed, misnamed = None, ""
    if weights:
        weighed, misnamed = _read_weights(Path(weights), rows, columns, transpose=transpose)
        # What shall not count decides nothing: it may be a code for "not measured".
        idle = (values < 0) & (weighed == 0)
        values = np.where(idle, np.nan, values).astype(values.dtype) if idle.any() else values
    values, offset, clipped = _nonnegative(values, rows, columns, negative)
    row_scale, column_scale = np.ones((len(values), 1)), np.ones((1, values.shape[1]))
    counts = ~np.isnan(values) if weighed is None else ~np.isnan(values) & (weighed > 0)
    known = np.where(counts, values, 0.0)
    if normalise == "rows":
        row_scale = _inverse(known.max(axis=1, keepdims=True))
    elif normalise == "columns":
        count = np.maximum(counts.sum(axis=0, keepdims=True), 1)
        column_scale = _inverse(known.sum(axis=0, keepdims=True) / count)
    return Prepared(
        values=values,
        row_scale=row_scale,
        column_scale=column_scale,
        weights=weighed,
        rows=rows,
        columns=columns,
        offset=offset,
        clipped=clipped,
        turned=transpose,
        misnamed=misnamed,
    )


def table_of(dataset: Dataset, *, transpose: bool) -> Array:
    """Return the numbers of a dataset as they are or turned; float32 and float64 are kept."""
    values = np.asarray(dataset.values)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    return np.ascontiguousarray(values.T) if transpose else values


def _nonnegative(
    values: Array, rows: Axis, columns: Axis, negative: str
) -> tuple[Array, float, int]:
    below = values < 0
    count = int(below.sum())
    if not count:
        return values, 0.0, 0
    if negative == "clip":
        return np.where(below, 0, values).astype(values.dtype), 0.0, count
    if negative == "shift":
        offset = float(-np.nanmin(values))
        return (values + values.dtype.type(offset)), offset, 0
    row, column = np.argwhere(below)[0]
    grid = Grid(values, rows.labels, columns.labels)
    more = f", and {count - 1:,} more" if count > 1 else ""
    raise InputProblem(
        f"{grid.place(row, column)} is {float(values[row, column]):g}, below zero{more}",
        argument="input",
        fix="parts only add up: under Below zero take noise as zero (negative=clip) or "
        "raise the table (negative=shift), or subtract no background",
    )


def _label(axis: Axis, place: int, word: str) -> str:
    return axis.labels[place] if axis.labels else f"{word} {place + 1}"


def _inverse(size: Array) -> Vector:
    large = np.asarray(size, dtype=np.float64)
    return np.divide(1.0, large, out=np.ones_like(large), where=large > 0)


def _read_weights(path: Path, rows: Axis, columns: Axis, *, transpose: bool) -> tuple[Vector, str]:
    """Return weights like the table, and why they went by place where both sides name them."""
    grid = read_grid(path, single=True)
    found, names = np.asarray(grid.values, dtype=np.float64), (grid.rows, grid.columns)
    m, n = rows.size, columns.size
    lies = found.shape in ((n, 1), (1, m)) and n != m
    if lies or (found.shape == (n, m) and _crossed(names, rows, columns, transpose=transpose)):
        found, names = found.T, names[::-1]
    if found.shape not in ((m, n), (m, 1), (1, n)):
        raise InputProblem(
            f"{path.name} holds {found.shape[0]} × {found.shape[1]} weights for {m} × {n} entries",
            argument="weights",
            fix="give one weight per entry, per row or per column",
        )
    if np.isnan(found).any() or (found < 0).any():
        raise InputProblem(
            f"{path.name} has a weight that is missing or negative",
            argument="weights",
            fix="use 0 for what shall not count",
        )
    misnamed = ""
    for place, axis in enumerate((rows, columns)):
        if found.shape[place] > 1 and names[place] and axis.labels:
            order, why = _order(path, names[place], axis.labels)
            found = np.take(found, order, axis=place)
            misnamed = misnamed or why
    return found, misnamed


def _crossed(
    names: tuple[Sequence[str], Sequence[str]], rows: Axis, columns: Axis, *, transpose: bool
) -> bool:
    """Whether weights stand the other way round: by their names, else where the file does."""
    for labels, here, there in ((rows.labels, *names), (columns.labels, *names[::-1])):
        if labels and (set(here) == set(labels)) != (set(there) == set(labels)):
            return set(there) == set(labels)
    return transpose


def _order(path: Path, given: Sequence[str], wanted: Sequence[str]) -> tuple[NDArray[np.intp], str]:
    """In which order the weights go with the table: that of their names where these are the same.

    Names that say nothing of the table, or say it twice, leave the order as it is; that is told.
    """
    as_they_are = np.arange(len(given))
    if list(given) == list(wanted):
        return as_they_are, ""
    known = set(wanted)
    if len(known) < len(wanted) or len(set(given)) < len(given):
        return as_they_are, f"{path.name}, or the table, has one name twice."
    strange = [name for name in given if name not in known]
    if len(strange) == len(given):
        return as_they_are, f"{path.name} names “{strange[0]}” where the table has “{wanted[0]}”."
    if strange:
        raise InputProblem(
            f"{path.name} has weights for “{strange[0]}”, which the table does not name",
            argument="weights",
            fix="name what is weighted as the table does, or leave the names out",
        )
    place = {name: k for k, name in enumerate(given)}
    return np.array([place[name] for name in wanted], dtype=np.intp), ""
