"""How do factors, scan and residual become tables? CSV in UTF-8 with the names of the input."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise.api import AnalysisProblem, Axis, Dataset, Job, Result, stop_if_cancelled
from partwise_matrix.prepared import table_of
from partwise_matrix.tell import SCAN_TITLE

__all__ = [
    "has_scan", "residual_is_large", "residual_is_small", "write_H", "write_W",
    "write_large_residual", "write_residual", "write_scan",
]  # fmt: skip

_SCAN_COLUMNS = ("rank", "error", "r2", "vaf", "stability", "chance", "cophenetic", "heldout")
_EACH = 256  # rows between two looks at the cancel flag
_AS_TEXT = 2_000_000  # entries; ten times as many are a minute of writing and 200 MB of text


def write_W(  # noqa: N802 - the factor's name in the literature
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write what each part is made of: a row per row of the table, a column per part."""
    rows, _ = _axes(dataset, result)
    W = np.stack([p.profile for p in result.parts], axis=1)
    names = _names(rows)
    body = ((name, *map(_exact, line)) for name, line in zip(names, W, strict=True))
    _write(path, [rows.name, *(p.name for p in result.parts)], body, job)


def write_H(  # noqa: N802 - the factor's name in the literature
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write how much of each part there is: a row per part, a column per column of the table."""
    _, columns = _axes(dataset, result)
    body = ((p.name, *map(_exact, np.asarray(p.course))) for p in result.parts)
    _write(path, ["part", *_names(columns)], body, job)


def write_residual(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the table less its parts, in its own unit; empty where an entry is missing."""
    rows, columns = _axes(dataset, result)
    body = (
        (name, *("" if np.isnan(v) else f"{v:.7g}" for v in rest))
        for name, rest in zip(_names(rows), _rest(dataset, result), strict=True)
    )
    _write(path, [rows.name, *_names(columns)], body, job)


def write_large_residual(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the table less its parts as float32, rows × columns; NaN where an entry is missing."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": _size(result)}
        np.lib.format.write_array_header_1_0(file, header)
        for number, rest in enumerate(_rest(dataset, result)):
            if number % _EACH == 0:
                stop_if_cancelled(job)
            file.write(rest.astype("<f4").tobytes())


def residual_is_small(result: Result) -> bool:
    """Whether the residual can be looked at as text."""
    rows, columns = _size(result)
    return rows * columns <= _AS_TEXT


def residual_is_large(result: Result) -> bool:
    """Whether the residual is too large for text."""
    return not residual_is_small(result)


def _size(result: Result) -> tuple[int, int]:
    first = result.parts[0]
    return len(first.profile), np.asarray(first.course).size


def _rest(dataset: Dataset, result: Result) -> Iterator[NDArray[np.float64]]:
    """The table less its parts, row by row."""
    X = table_of(dataset, transpose=bool(result.facts.get("transposed")))
    offset = float(result.facts.get("offset", 0.0))
    W = np.stack([p.profile for p in result.parts], axis=1)
    H = np.stack([np.asarray(p.course) for p in result.parts])
    for line, w in zip(X, W, strict=True):
        yield line + offset - w @ H


def write_scan(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write what each number of parts gains and costs."""
    table = next((t for t in result.tables if t.title == SCAN_TITLE), None)
    if table is None:
        raise AnalysisProblem("no numbers of parts were tried", fix="run with rank=auto")
    body = (tuple(c if isinstance(c, str) else f"{c:.6g}" for c in row) for row in table.rows)
    _write(path, _SCAN_COLUMNS, body, job)


def has_scan(result: Result) -> bool:
    """Whether several numbers of parts were tried."""
    return any(table.title == SCAN_TITLE for table in result.tables)


def _axes(dataset: Dataset, result: Result) -> tuple[Axis, Axis]:
    first, second = dataset.axes
    return (second, first) if result.facts.get("transposed") else (first, second)


def _names(axis: Axis) -> Sequence[str]:
    return axis.labels or tuple(str(k) for k in range(1, axis.size + 1))


def _exact(value: np.floating) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value))


def _write(path: Path, header: Iterable[str], body: Iterable[tuple[str, ...]], job: Job) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for number, row in enumerate(body):
            if number % _EACH == 0:
                stop_if_cancelled(job)
            writer.writerow(row)
