"""What is a table once it is read? Numbers with names, and the checks that every format shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = ["MOST_CELLS", "Grid", "as_numbers", "check_size", "checked", "damaged"]

_KINDS = {"U": "text", "S": "text", "O": "Python objects", "M": "dates", "c": "complex numbers"}
MOST_CELLS = 200_000_000  # 1.6 GB as 64-bit numbers; a fit needs about three times that


@dataclass(frozen=True, eq=False)
class Grid:
    """Numbers with the names of their rows and columns.

    Attributes
    ----------
    values : ndarray, shape (rows, columns)
        float32 or float64; NaN where an entry is missing.
    rows, columns : tuple of str
        Names; empty where the file has none.
    corner : str
        What the file calls its rows; may be empty.
    notes : tuple of str
        What was left out on the way, in words.
    """

    values: NDArray[np.floating]
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    corner: str = ""
    notes: tuple[str, ...] = ()

    def place(self, row: int, column: int) -> str:
        """Name an entry: "row 3 (“liver”), column 2 (“b”)", counted from 1 as in the file."""
        words = f"row {row + 1}"
        if self.rows:
            words += f" (“{self.rows[row]}”)"
        words += f", column {column + 1}"
        return words + (f" (“{self.columns[column]}”)" if self.columns else "")


def check_size(path: Path, rows: int, columns: int) -> None:
    """Refuse a table before its numbers are read, where they would not fit into memory."""
    if rows * columns > MOST_CELLS:
        raise FileProblem(
            path,
            f"holds {rows:,} × {columns:,} entries, more than {MOST_CELLS // 1_000_000} million",
            fix="choose fewer rows or columns, or average neighbouring ones",
        )


def checked(path: Path, grid: Grid, *, single: bool = False) -> Grid:
    """Return the table where something can be found in it.

    Parameters
    ----------
    path : Path
    grid : Grid
    single : bool
        Whether one row or one column is enough, as for weights.

    Raises
    ------
    FileProblem
        Too small, infinite, nothing but zeros or missing entries.
    """
    values = grid.values
    least = 1 if single else 2
    if values.ndim != 2 or min(values.shape) < least:
        shape = " × ".join(map(str, values.shape)) or "one number"
        raise FileProblem(
            path,
            f"is no table: its numbers are {shape}",
            fix="give at least two rows and two columns",
        )
    infinite = np.isinf(values)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise FileProblem(
            path,
            f"has an infinite number in {grid.place(row, column)}",
            fix="leave the entry empty if it is missing",
        )
    known = ~np.isnan(values)
    if not known.any():
        raise FileProblem(path, "holds no number at all", fix="every entry is missing; check it")
    if not values[known].any():
        raise FileProblem(path, "holds nothing but zeros", fix="export the measured values")
    return grid


def as_numbers(path: Path, values: NDArray[Any], where: str = "it") -> NDArray[np.floating[Any]]:
    """Return real numbers of 32 or 64 bits; whatever else an array may hold is refused."""
    if values.dtype.kind not in "fiub":
        raise FileProblem(
            path,
            f"{where} holds {_KINDS.get(values.dtype.kind, values.dtype.name)}, no plain numbers",
            fix="save real numbers",
        )
    if values.ndim == 2:
        check_size(path, *values.shape)
    elif values.ndim != 1 or values.size < 1:
        shape = " × ".join(map(str, values.shape)) or "one number"
        raise FileProblem(
            path, f"{where} holds {shape}, no table", fix="save an array of rows × columns"
        )
    kept = values.dtype in (np.float32, np.float64) and values.dtype.isnative
    table = values if values.ndim == 2 else values[:, None]
    return np.array(table, dtype=values.dtype if kept else np.float64, order="C")


def damaged(path: Path, what: str, error: Exception) -> FileProblem:
    """Return what to tell of a file that a library could not read."""
    if any(word in str(error) for word in ("pickle", "Object arrays", "Python objects")):
        return FileProblem(
            path,
            "holds Python objects, which are never opened",
            fix="save it as plain numbers, numpy.save(file, table.astype(float))",
        )
    words = str(error).strip().splitlines() or [type(error).__name__]
    return FileProblem(
        path, f"is a damaged or cut {what} ({words[0][:120]})", fix="export it again"
    )
