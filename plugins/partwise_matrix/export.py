"""How do factors, scan and residual become tables? CSV in UTF-8 with the names of the input."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from partwise.api import AnalysisProblem, Axis, Dataset, Job, Result, stop_if_cancelled
from partwise_matrix.prepared import table_of

__all__ = ["has_scan", "write_H", "write_W", "write_residual", "write_scan"]

_SCAN = "How many parts"
_SCAN_COLUMNS = ("rank", "error", "r2", "vaf", "stability", "chance", "cophenetic", "heldout")
_EACH = 256  # rows between two looks at the cancel flag


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
    X = table_of(dataset, transpose=bool(result.facts.get("transposed")))
    offset = float(result.facts.get("offset", 0.0))
    W = np.stack([p.profile for p in result.parts], axis=1)
    H = np.stack([np.asarray(p.course) for p in result.parts])
    body = (
        (name, *("" if np.isnan(v) else f"{v:.7g}" for v in line + offset - w @ H))
        for name, line, w in zip(_names(rows), X, W, strict=True)
    )
    _write(path, [rows.name, *_names(columns)], body, job)


def write_scan(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write what each number of parts gains and costs."""
    table = next((t for t in result.tables if t.title == _SCAN), None)
    if table is None:
        raise AnalysisProblem("no numbers of parts were tried", fix="run with rank=auto")
    body = (tuple(c if isinstance(c, str) else f"{c:.6g}" for c in row) for row in table.rows)
    _write(path, _SCAN_COLUMNS, body, job)


def has_scan(result: Result) -> bool:
    """Whether several numbers of parts were tried."""
    return any(table.title == _SCAN for table in result.tables)


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
