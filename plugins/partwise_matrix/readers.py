"""What kind of table is this file, and how does it become a dataset?"""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from partwise.api import Axis, Dataset, FileProblem, fingerprint
from partwise_matrix.archives import read_npz
from partwise_matrix.grid import Grid, as_numbers, check_size, checked, damaged
from partwise_matrix.text import looks_like_table, read_text, unpacked_head

__all__ = [
    "load_table",
    "probe_excel",
    "probe_numpy",
    "probe_parquet",
    "probe_text",
    "read_grid",
]

_HEAD = 1 << 16  # bytes that a probe reads
_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"
_OPENPYXL, _PYARROW = "openpyxl", "pyarrow.parquet"
_MOST_UNPACKED = 4 << 30  # bytes of a sheet; a small file can claim any size


def probe_text(path: Path) -> float:
    """Return how surely this is a table as text; readers that know its columns are surer."""
    head = unpacked_head(_head(path))
    name = path.name.lower().removesuffix(".gz")
    known = name.endswith((".csv", ".tsv", ".tab"))
    if head and looks_like_table(head):
        return 0.4 if known else 0.3
    # Wrong content under a table's name: we claim it faintly, to say what is wrong with it.
    return 0.05 if known else 0.0


def probe_numpy(path: Path) -> float:
    """Return how surely this is an NPY or NPZ file."""
    head = _head(path)
    if head.startswith(_NPY):
        return 0.6
    if head.startswith(_ZIP) and b".npy" in head[:512]:
        return 0.5
    return 0.05 if path.suffix.lower() in (".npy", ".npz") else 0.0


def probe_excel(path: Path) -> float:
    """Return how surely this is an XLSX workbook."""
    head = _head(path)
    if head.startswith(_ZIP) and (b"xl/" in head or b"[Content_Types].xml" in head[:512]):
        return 0.5
    return 0.05 if path.suffix.lower() in (".xlsx", ".xlsm") else 0.0


def probe_parquet(path: Path) -> float:
    """Return how surely this is a Parquet file."""
    if _head(path).startswith(_PARQUET):
        return 0.5
    return 0.05 if path.suffix.lower() in (".parquet", ".pq") else 0.0


def load_table(path: Path) -> Dataset:
    """Read a table into memory.

    Raises
    ------
    FileProblem
        Damaged, too large, no table, text in numbers, or nothing but zeros.
    """
    path = Path(path)
    grid = read_grid(path)
    rows, columns = grid.values.shape
    axes = (
        Axis(grid.corner or "row", rows, labels=grid.rows),
        Axis("column", columns, labels=grid.columns),
    )
    meta: dict[str, object] = {"missing": int(np.isnan(grid.values).sum())}
    if grid.notes:
        meta["notes"] = list(grid.notes)
    return Dataset(
        "table", path.name, axes, values=grid.values, source=fingerprint(path), meta=meta
    )


def read_grid(path: Path, *, single: bool = False) -> Grid:
    """Read and check the numbers of any format that is known; see `load_table`."""
    head = _head(path)
    if not head:
        raise FileProblem(path, "is empty", fix="export the table again")
    if head.startswith(_NPY):
        grid = _read_npy(path)
    elif head.startswith(_PARQUET):
        grid = _read_parquet(path)
    elif head.startswith(_ZIP):
        grid = read_npz(path) if b".npy" in head[:512] else _read_excel(path)
    else:
        grid = read_text(path, single=single)
    return checked(path, grid, single=single)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _read_npy(path: Path) -> Grid:
    try:
        # Mapped, so that shape and type are known before a number is read. Never a pickle.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        return Grid(as_numbers(path, mapped))
    except (ValueError, OSError, EOFError) as error:
        if isinstance(error, FileProblem):
            raise
        raise damaged(path, "NumPy array", error) from error


def _read_excel(path: Path) -> Grid:
    openpyxl = _library(path, _OPENPYXL, "an Excel sheet")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MOST_UNPACKED:
                raise FileProblem(path, "unpacks to more than 4 GiB", fix="save it as Parquet")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, FileProblem):
            raise
        raise damaged(path, "Excel workbook", error) from error
    try:
        sheet = next((s for s in book.worksheets if (s.max_row or 0) > 1), None)
        if sheet is None:
            raise FileProblem(path, "has no sheet with a table", fix="put the table in one sheet")
        check_size(path, sheet.max_row or 0, sheet.max_column or 0)
        cells = [list(row) for row in sheet.iter_rows(values_only=True)]
        notes: tuple[str, ...] = ()
        if len(book.worksheets) > 1:
            notes = (f"sheet “{sheet.title}” of {len(book.worksheets)}",)
    finally:
        book.close()
    return _from_cells(path, cells, notes)


def _from_cells(path: Path, cells: list[list[Any]], notes: tuple[str, ...]) -> Grid:
    """Make a table of typed cells: names are what is text, in the first row and column."""
    rows = [row for row in cells if any(cell is not None for cell in row)]
    width = max((len(row) for row in rows), default=0)
    while width and all(len(row) < width or row[width - 1] is None for row in rows):
        width -= 1
    rows = [[*row, *[None] * (width - len(row))][:width] for row in rows]
    if len(rows) < 2 or width < 2:
        raise FileProblem(path, "holds no table", fix="give at least two rows and two columns")
    header = rows[0][0] is None or any(isinstance(cell, str) for cell in rows[0][1:])
    body = rows[1:] if header else rows
    named = sum(isinstance(row[0], str) for row in body) * 2 > len(body) or (
        header and rows[0][0] is None
    )
    first = int(named)
    values = np.empty((len(body), width - first))
    for r, row in enumerate(body):
        for c, cell in enumerate(row[first:]):
            values[r, c] = _cell_number(path, cell, r + 1 + int(header), c + first + 1)
    return Grid(
        values,
        tuple(_words(row[0]) for row in body) if named else (),
        tuple(_words(cell) for cell in rows[0][first:]) if header else (),
        _words(rows[0][0]) if header and named else "",
        notes,
    )


def _cell_number(path: Path, cell: Any, row: int, column: int) -> float:
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in ("", "na", "nan")):
        return float("nan")
    if isinstance(cell, int | float):
        return float(cell)
    raise FileProblem(
        path,
        f"has “{cell}” where a number should be, in row {row}, column {column}",
        fix="correct the cell, or leave it empty if it is missing",
    )


def _words(cell: Any) -> str:
    return "" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)


def _read_parquet(path: Path) -> Grid:
    parquet = _library(path, _PYARROW, "a Parquet file")
    try:
        opened = parquet.ParquetFile(path)
        check_size(path, opened.metadata.num_rows, opened.metadata.num_columns)
        table = opened.read()
    except (OSError, ValueError) as error:  # the library's own errors are among these
        if isinstance(error, FileProblem):
            raise
        raise damaged(path, "Parquet file", error) from error
    texts = [
        name
        for name, kind in zip(table.column_names, table.schema.types, strict=True)
        if "string" in str(kind)
    ]
    numbers = [name for name in table.column_names if name not in texts]
    if not numbers:
        raise FileProblem(path, "has no columns of numbers", fix="export the measured values")
    columns = []
    for name in numbers:
        column = table.column(name).to_numpy()
        columns.append(as_numbers(path, column[:, None], f"column “{name}”")[:, 0])
    rows = tuple(str(v) for v in table.column(texts[0]).to_pylist()) if texts else ()
    notes = (f"left out, as it is text: {', '.join(texts[1:])}",) if len(texts) > 1 else ()
    corner = texts[0] if texts and not texts[0].startswith("__") else ""
    return Grid(np.stack(columns, axis=1), rows, tuple(numbers), corner, notes)


def _library(path: Path, name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise FileProblem(
            path,
            f"is {what}, and {package}, which reads it, is not installed",
            fix=f"save the table as CSV, or run: pip install {package}",
        ) from error
