"""How is a table of samples read? A column of time, then a column per muscle."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = ["Columns", "as_text", "looks_like_samples", "read_columns", "rows_of"]

_TIME = re.compile(r"^\W*(time|t|zeit|temps|sec|seconds|x\[s\])(?![a-z0-9])", re.I)
_MOST_BYTES = 2 << 30
_DELIMITERS = "\t;,"
_MISSING = frozenset({"", "na", "nan", "n/a", "-", "null"})


@dataclass(frozen=True, eq=False)
class Columns:
    """A table of samples: `time` (n,), `values` (columns, n) with NaN where missing, `names`.

    `cycle` is after how many rows time begins again, 0 where it runs on: cycles of equal length,
    one after the other.
    """

    time: NDArray[np.float64]
    values: NDArray[np.float64]
    names: tuple[str, ...]
    cycle: int = 0


def looks_like_samples(head: bytes) -> int:
    """Return how many channels stand beside time in the first line; 0 where it is no such table."""
    lines = (as_text(head) or "").splitlines()[:8]
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        return 0
    delimiter = _delimiter(lines[0])
    cells = _split(lines[0], delimiter)
    if len(cells) < 2 or not _TIME.match(cells[0]) or all(_is_number(c) for c in cells[1:]):
        return 0
    body = _split(_points_for_commas(lines[1:], delimiter)[0], delimiter) if lines[1:] else []
    return len(cells) - 1 if not body or _is_number(body[0]) else 0


def as_text(data: bytes) -> str | None:
    """Return what a file says, or the start of one; None where it is no text.

    Spreadsheets write UTF-8, UTF-16 with a mark before it, or the Windows code page.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "ignore")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 4:  # a start may end inside a sign
            return data[: error.start].decode("utf-8-sig")
    text = data.decode("cp1252", "replace")
    strange = any((ch < " " and ch not in "\t\r\n\f") or ch == "\ufffd" for ch in text[:4096])
    return None if strange else text


def rows_of(text: str, *, numbers: bool = True) -> list[list[str]]:
    """Return the cells of a small table, its head first; empty lines are passed over.

    Below the head, a comma is a decimal sign where `numbers` stand there and the file says so.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    delimiter = max(_DELIMITERS, key=lines[0].count)
    body = _points_for_commas(lines[1:], delimiter) if numbers else lines[1:]
    rows = csv.reader([lines[0], *body], delimiter=delimiter)
    return [[cell.strip() for cell in row] for row in rows]


def _points_for_commas(lines: list[str], delimiter: str) -> list[str]:
    """Lines of numbers with decimal points, where they were written with decimal commas."""
    start = "".join(lines[:20])
    if delimiter == "," or "," not in start or "." in start:
        return lines
    return [line.replace(",", ".") for line in lines]


def read_columns(path: Path) -> Columns:
    """Read the whole table.

    Raises
    ------
    FileProblem
        Cut rows, text where a number should be, or time that does not rise.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise FileProblem(path, f"is {size / 2**30:.1f} GiB of text", fix="save it as NPZ or EDF")
    text = as_text(path.read_bytes())
    if text is None:
        raise FileProblem(path, "is no text", fix="export the recording as CSV")
    lines = text.splitlines()
    skipped = next(
        (k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), None
    )
    if skipped is None:
        raise FileProblem(path, "is empty", fix="export the recording again")
    delimiter = _delimiter(lines[skipped])
    names = _split(lines[skipped], delimiter)
    if len(names) < 2:
        raise FileProblem(
            path, "has one column", fix="give a column time in seconds, then one per muscle"
        )
    if not _TIME.match(names[0]):
        raise FileProblem(
            path,
            f"begins with the column “{names[0][:40]}”",
            fix="let the first column be time, in seconds",
        )
    body = [line for line in lines[skipped + 1 :] if line.strip()]
    body = _points_for_commas(body, delimiter)
    if len(body) < 2:
        raise FileProblem(path, "holds no samples", fix="export the recording again")
    table = _numbers(path, body, delimiter, names, skipped)
    time = table[:, 0] * (1e-3 if re.search(r"[\[(_,\s]ms\b", names[0], re.I) else 1.0)
    cycle = _restarts(time)
    if not np.isfinite(time).all() or (np.diff(time[:cycle] if cycle else time) <= 0).any():
        where = int(np.flatnonzero(~(np.diff(time) > 0))[0])
        raise FileProblem(
            path,
            f"has time that does not rise, at row {where + 2} of the table",
            fix="sort the rows by time and leave out what was measured twice",
        )
    return Columns(time, np.ascontiguousarray(table[:, 1:].T), tuple(map(_words, names[1:])), cycle)


def _restarts(time: NDArray[np.float64]) -> int:
    """After how many rows time begins again as before, 0 where it does not."""
    back = np.flatnonzero(np.diff(time) < 0)
    if not back.size:
        return 0
    length = int(back[0]) + 1
    if length < 4 or time.size % length:
        return 0
    blocks = time.reshape(-1, length)
    return length if bool((blocks == blocks[0]).all()) else 0


def _numbers(
    path: Path, body: list[str], delimiter: str, names: list[str], skipped: int
) -> NDArray[np.float64]:
    width = len(names)
    try:
        table = np.loadtxt(body, delimiter=delimiter or None, ndmin=2, comments="#")
        if table.shape[1] == width:
            return np.asarray(table, dtype=np.float64)
    except ValueError:
        pass  # missing cells, or a fault whose place is found below
    rows = np.empty((len(body), width))
    for number, line in enumerate(body):
        cells = _split(line, delimiter)
        at = number + skipped + 2
        if len(cells) != width:
            raise FileProblem(
                path,
                f"has {len(cells)} cells in line {at}, and {width} names above",
                fix="the file may be cut; export it again with every channel equally long",
            )
        for column, cell in enumerate(cells):
            if cell.lower() in _MISSING:
                rows[number, column] = np.nan
                continue
            try:
                rows[number, column] = float(cell)
            except ValueError as error:
                raise FileProblem(
                    path,
                    f"has “{cell[:24]}” where a number should be, in line {at}, column "
                    f"“{names[column][:40]}”",
                    fix="correct the cell, or leave it empty if it is missing",
                ) from error
    return rows


def _delimiter(line: str) -> str:
    best = max(_DELIMITERS, key=line.count)
    return best if line.count(best) else ""


def _split(line: str, delimiter: str) -> list[str]:
    if not delimiter:
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _is_number(cell: str) -> bool:
    if cell.lower() in _MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _words(name: str) -> str:
    return name.strip().strip('"') or "?"
