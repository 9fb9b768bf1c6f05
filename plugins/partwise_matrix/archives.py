"""Which array of a NumPy archive is the table, and which are the names of its rows and columns?"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem
from partwise_matrix.grid import Grid, as_numbers, check_size, damaged

__all__ = ["read_npz"]

_TABLES = ("X", "x", "values", "data", "table", "V")
_ROWS, _COLUMNS = ("rows", "row_names", "index"), ("columns", "column_names", "cols")
_SPARSE = ("data", "indices", "indptr", "shape")
_MOST_UNPACKED = 4 << 30  # bytes of an array; a small file can claim any size


@dataclass(frozen=True)
class _Member:
    """What the header of an array says, before the array is read."""

    shape: tuple[int, ...]
    kind: str
    bytes: int

    @property
    def is_table(self) -> bool:
        return self.kind in "fiub" and len(self.shape) == 2

    @property
    def is_names(self) -> bool:
        return self.kind in "US" and len(self.shape) == 1


def read_npz(path: Path) -> Grid:
    """Read the table of an archive: dense, or sparse as SciPy saves it, with names where given.

    The table is the array of a usual name, else the largest of two axes. Names of rows and columns
    are arrays called so, else arrays of text with as many entries; those whose name begins with
    the table's are preferred.

    Raises
    ------
    FileProblem
    """
    try:
        members = _members(path)
        with np.load(path, allow_pickle=False) as arrays:
            if all(name in members for name in _SPARSE):
                return _sparse(path, arrays, members)
            return _dense(path, arrays, members)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, FileProblem):
            raise
        raise damaged(path, "NumPy archive", error) from error


def _members(path: Path) -> dict[str, _Member]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            with archive.open(item) as file:
                version = np.lib.format.read_magic(file)
                read = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = read(file)
            name = item.filename.removesuffix(".npy")
            found[name] = _Member(shape, dtype.kind, item.file_size)
    return found


def _dense(path: Path, arrays: Any, members: Mapping[str, _Member]) -> Grid:
    name = _table_member(path, members)
    values = as_numbers(path, arrays[name])
    rows, columns, corner, used = _names(path, arrays, members, name, values.shape)
    left = [other for other in members if other not in (name, *used)]
    notes = (f"left out: {', '.join(left)}",) if left else ()
    return Grid(values, rows, columns, corner, notes)


def _table_member(path: Path, members: Mapping[str, _Member]) -> str:
    usual = [name for name in _TABLES if name in members]
    tables = [name for name, member in members.items() if member.is_table]
    largest = sorted(tables or members, key=lambda name: members[name].bytes, reverse=True)
    name = next(iter([*usual, *largest]), "")
    if not name:
        raise FileProblem(path, "holds no array", fix="save the table in it as X")
    if members[name].bytes > _MOST_UNPACKED:
        size = f"{members[name].bytes / 2**30:.1f} GiB"
        raise FileProblem(path, f"unpacks to {size}", fix="choose fewer rows or columns")
    return name


def _sparse(path: Path, arrays: Any, members: Mapping[str, _Member]) -> Grid:
    from scipy import sparse

    rows, columns = (int(v) for v in np.asarray(arrays["shape"]).ravel())
    check_size(path, rows, columns)
    if any(members[name].bytes > _MOST_UNPACKED for name in _SPARSE):
        raise FileProblem(path, "unpacks to more than 4 GiB", fix="choose fewer rows or columns")
    data, indices, indptr = (np.asarray(arrays[n]) for n in ("data", "indices", "indptr"))
    form = str(np.asarray(arrays["format"]).item(), "ascii") if "format" in members else ""
    by_row = form == "csr" or (form != "csc" and len(indptr) == rows + 1)
    if any(each.ndim != 1 or each.dtype.kind not in "fiub" for each in (data, indices, indptr)):
        raise FileProblem(path, "holds a sparse table of no plain numbers", fix="save real numbers")
    made = sparse.csr_array if by_row else sparse.csc_array
    table = made((data, indices, indptr), shape=(rows, columns))
    table.check_format(full_check=True)
    values = as_numbers(path, table.toarray())
    found = _names(path, arrays, members, "", values.shape)
    share = 100 * len(data) / max(values.size, 1)
    return Grid(
        values, *found[:3], (f"sparse: {share:.2g} % of its entries are there, the others are 0",)
    )


def _names(
    path: Path,
    arrays: Any,
    members: Mapping[str, _Member],
    table: str,
    shape: tuple[int, ...],
) -> tuple[tuple[str, ...], tuple[str, ...], str, list[str]]:
    """Names of rows, names of columns, what the rows are called, and which arrays were used."""
    called = [next((n for n in names if n in members), "") for names in (_ROWS, _COLUMNS)]
    texts = [name for name, member in members.items() if member.is_names]
    texts.sort(key=lambda name: not (table and name.startswith(table)))
    for axis, length in enumerate(shape):
        if not called[axis]:
            fits = (n for n in texts if members[n].shape[0] == length and n not in called)
            called[axis] = next((n for n in fits if _tells_apart(arrays[n])), "")
    rows, columns = (_words(arrays[name]) if name else () for name in called)
    if (rows and len(rows) != shape[0]) or (columns and len(columns) != shape[1]):
        raise FileProblem(
            path,
            f"names {len(rows) or 'no'} rows and {len(columns) or 'no'} columns of "
            f"{shape[0]} × {shape[1]}",
            fix="give one name per row and per column",
        )
    corner = called[0] if called[0] and called[0] not in _ROWS else ""
    return rows, columns, corner, [name for name in called if name]


def _tells_apart(labels: NDArray[Any]) -> bool:
    """Whether these are names, and no classes that many share."""
    return len(np.unique(labels)) > 0.9 * len(labels)


def _words(labels: NDArray[Any]) -> tuple[str, ...]:
    kind = np.asarray(labels)
    plain = np.char.decode(kind, "utf-8", "replace") if kind.dtype.kind == "S" else kind
    return tuple(str(label) for label in np.atleast_1d(plain))
