"""How does a text file become a table? Encoding, delimiter, decimal sign, names, numbers."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem
from partwise_matrix.grid import MOST_CELLS, Grid, check_size

__all__ = ["looks_like_table", "read_text", "unpacked_head"]

_MOST_BYTES = 2 << 30
_HEAD_LINES = 40
_HEAD_BYTES = 1 << 16
_GZIP = b"\x1f\x8b"
_DELIMITERS = ("\t", ";", ",", "|", " ")
_MISSING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "-", "--", ".", "?", "#n/a", "#na", "missing"}
)
_NAMES_OF_NAMES = frozenset(
    {"", "name", "names", "id", "ids", "label", "labels", "index", "row", "rows", "feature", "gene"}
) | {"unnamed: 0"}  # as a table comes back from pandas
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WHOLE = re.compile(r"[+-]?[1-9]\d{0,2}")
_POINTED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_ENOUGH = 4  # numbers with points, to wonder
_SPACED = re.compile(r"[ \t]+")

Row = list[str]


@dataclass(frozen=True)
class _Dialect:
    """How the cells of a file are written; `share` of those in its head are numbers."""

    delimiter: str
    comma: bool
    share: float

    def cells(self, lines: Iterable[str]) -> Iterator[Row]:
        """Split lines into stripped cells; comments before the table and empty lines are left."""
        useful = (line for line in lines if line.strip() and not line.startswith("#"))
        if self.delimiter == " ":
            for line in useful:
                yield _SPACED.split(line.strip())
        else:
            for row in csv.reader(useful, delimiter=self.delimiter, skipinitialspace=True):
                yield [cell.strip() for cell in row]

    def is_number(self, cell: str) -> bool:
        """Whether a cell is a number in this file's way of writing."""
        pattern = _COMMA_NUMBER if self.comma else _NUMBER
        return pattern.fullmatch(cell) is not None

    def says_nothing(self, cell: str) -> bool:
        """Whether a cell stands for a missing entry."""
        return cell.lower() in _MISSING

    def is_word(self, cell: str) -> bool:
        """Whether a cell is a name: neither a number nor missing."""
        return not self.is_number(cell) and not self.says_nothing(cell)


def looks_like_table(head: bytes) -> bool:
    """Whether the start of a file is text in columns, most of them numbers."""
    encoding = _encoding(head, whole=False)
    if encoding is None:
        return False
    lines = head.decode(encoding, "ignore").splitlines()
    lines = lines[:-1] if len(lines) > 1 and len(head) >= _HEAD_BYTES else lines
    return _dialect(lines[:_HEAD_LINES]) is not None


def read_text(path: Path, *, single: bool = False) -> Grid:
    """Read a table from a text file.

    Parameters
    ----------
    path : Path
    single : bool
        Take a single column too, as weights may be.

    Raises
    ------
    FileProblem
        Not text, no columns, rows of unequal length, or text where a number should be.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise FileProblem(
            path,
            f"is {size / 2**30:.1f} GiB of text",
            fix="save it as Parquet or NPY, which are read as they are",
        )
    data = _unpacked(path)
    encoding = _encoding(data, whole=True)
    if encoding is None:
        raise FileProblem(
            path, "is no text", fix="save the table as CSV in UTF-8, or as XLSX, NPY or Parquet"
        )
    # Line by line: as text, a table takes ten times the memory of its numbers.
    head = list(islice(_lines(data, encoding), _HEAD_LINES))
    dialect = _dialect(head)
    if dialect is None and single:
        dialect = _Dialect(";", b"," in data, 1.0)
    if dialect is None:
        raise FileProblem(
            path,
            "has no columns of numbers",
            fix="separate them by commas, semicolons or tabs; the first row may hold names",
        )
    most = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n") + 1
    width = max(map(len, dialect.cells(head)), default=0)
    if most * width > 2 * MOST_CELLS:
        check_size(path, most, width)
    rows = _numbered(path, dialect, _lines(data, encoding))
    first = list(islice(rows, _HEAD_LINES))
    cells = [row for _, row in first]
    header = _has_header(cells, dialect)
    names = _name_columns(cells[1:] if header else cells, dialect, cells[0] if header else None)
    titles = [" ".join(cell.split()) for cell in first.pop(0)[1]] if header else []
    _check_points(path, [cell for _, row in first for cell in row[names:]], dialect)
    return _assembled(path, dialect, chain(first, rows), titles, names, most)


def _check_points(path: Path, cells: Sequence[str], dialect: _Dialect) -> None:
    """Refuse numbers of which nobody can tell whether their points part thousands or decimals.

    Spreadsheets of half of Europe write 8936 as 8.936 and 812 as 812. Decimals of three places
    throughout, none of them below 1, beside whole numbers below 1000 are nothing else.
    """
    if dialect.comma or dialect.delimiter == ",":
        return
    pointed = [cell for cell in cells if _POINTED.fullmatch(cell)]
    written = [cell for cell in cells if dialect.is_number(cell) and cell.strip("0")]
    written += [cell for cell in pointed if not dialect.is_number(cell)]
    whole = [cell for cell in written if _WHOLE.fullmatch(cell)]
    if len(pointed) >= _ENOUGH and whole and len(pointed) + len(whole) == len(written):
        raise FileProblem(
            path,
            f"has numbers such as {pointed[0]} beside {whole[0]}, whose points may part thousands",
            fix="write whole numbers without points, or decimals with a comma",
        )


def _lines(data: bytes, encoding: str) -> Iterator[str]:
    return io.TextIOWrapper(io.BytesIO(data), encoding, errors="replace", newline=None)


def unpacked_head(head: bytes) -> bytes:
    """Return the start of what a gzip file holds, from its start; other bytes as they are."""
    if not head.startswith(_GZIP):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES)
    except zlib.error:
        return b""


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        if file.read(2) != _GZIP:
            file.seek(0)
            return file.read()
    try:
        with gzip.open(path) as packed:
            data = packed.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileProblem(
            path, f"is a damaged or cut gzip file ({error})", fix="copy it again"
        ) from error
    if len(data) > _MOST_BYTES:
        raise FileProblem(
            path, "unpacks to more than 2 GiB of text", fix="save it as Parquet or NPY"
        )
    return data


def _encoding(data: bytes, *, whole: bool) -> str | None:
    """Return in which code a text is written, or None where a file is none."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding if _decodes(data, encoding, whole=whole) else None
    if b"\0" in data:
        return None
    if _decodes(data, "utf-8", whole=whole):
        return "utf-8"
    # Old spreadsheets write the Windows code page; control characters betray what is no text.
    start = data[:4096].decode("cp1252", "replace")
    strange = any((ch < " " and ch not in "\t\r\n\f") or ch == "\ufffd" for ch in start)
    return None if strange else "cp1252"


def _decodes(data: bytes, encoding: str, *, whole: bool) -> bool:
    """Whether this is text of a code; a head may end inside a sign."""
    decoder = codecs.getincrementaldecoder(encoding)()
    step = 1 << 20
    try:
        for start in range(0, len(data), step):
            decoder.decode(data[start : start + step], final=whole and start + step >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _dialect(lines: Sequence[str]) -> _Dialect | None:
    """The delimiter and decimal sign that make the most numbers in rows of one length."""
    best: tuple[float, int, _Dialect] | None = None
    for place, delimiter in enumerate(_DELIMITERS):
        for comma in (False, True):
            if comma and delimiter == ",":
                continue
            trial = _Dialect(delimiter, comma, 0.0)
            try:
                rows = list(trial.cells(lines))
            except csv.Error:
                continue
            if not rows:
                continue
            lengths = [len(row) for row in rows]
            usual = max(set(lengths), key=lengths.count)
            body = [row for row in rows[1:] or rows if len(row) == usual]
            cells = [cell for row in body for cell in row[1:]]
            written = [cell for cell in cells if not trial.says_nothing(cell)]
            if usual < 2 or not written:
                continue
            share = sum(map(trial.is_number, written)) / len(written)
            even = lengths.count(usual) / len(lengths)
            found = (share * even, -place, _Dialect(delimiter, comma, share))
            # At a draw the point wins over the comma, and an earlier delimiter over a later one.
            if best is None or found[0] > best[0] + 1e-9:
                best = found
    return best[2] if best is not None and best[2].share > 0.5 else None


def _numbered(path: Path, dialect: _Dialect, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    """Yield rows of cells with the number of their (last) line, all of one length."""
    width = number = 0

    def counted() -> Iterator[str]:
        nonlocal number
        for line in lines:
            number += 1
            yield line

    try:
        for place, row in enumerate(dialect.cells(counted())):
            if place == 1 and len(row) == width + 1:
                width += 1  # R leaves out the corner above the names
            elif place == 0:
                width = len(row)
            elif len(row) != width:
                more = "more" if len(row) > width else "fewer"
                raise FileProblem(
                    path,
                    f"has {more} cells in line {number} ({len(row)}) than above ({width})",
                    fix="give every row the same number of cells; an empty cell is missing",
                )
            yield number, row
    except csv.Error as error:
        raise FileProblem(path, f"has a broken cell ({error})", fix="check its quotes") from error


def _has_header(head: Sequence[Row], dialect: _Dialect) -> bool:
    """Whether the first row holds names: words, or a corner that is empty or left out."""
    if len(head) < 2:
        return False
    first, second = head[0], head[1]
    if len(first) < len(second):
        return True
    if any(dialect.is_word(cell) for cell in first[1:]):
        words = [
            column
            for column in range(1, len(first))
            if dialect.is_word(first[column])
            and sum(dialect.is_word(row[column]) for row in head[1:]) * 2 <= len(head) - 1
        ]
        return bool(words)
    corner = first[0].lower()
    below = [row[0] for row in head[1:]]
    if corner == "":
        return True
    # Column names may be numbers (wavelengths) beside a corner that names the rows.
    if not dialect.is_word(first[0]):
        return False
    if corner in _NAMES_OF_NAMES or not any(dialect.is_word(cell) for cell in below):
        return True
    return _is_scale([cell.replace(",", ".") for cell in first[1:]])


def _is_scale(cells: Sequence[str]) -> bool:
    """Whether cells are steps of a scale, such as wavelengths."""
    try:
        steps = np.diff(np.array(cells, dtype=np.float64))
    except ValueError:
        return False
    return bool(steps.size > 1 and steps[0] != 0 and np.allclose(steps, steps[0]))


def _name_columns(body: Sequence[Row], dialect: _Dialect, header: Row | None) -> int:
    """How many of the first columns hold names."""
    if not body:
        return 0
    width = len(body[0])
    count = 0
    while count < width - 1:
        words = sum(dialect.is_word(row[count]) for row in body if len(row) > count)
        if words * 2 <= len(body):
            break
        count += 1
    if count:
        return count
    if header is None:
        return 0
    if len(header) < width:
        return 1
    first = [row[0] for row in body]
    # Numbers are names where the file says so and no two are alike.
    named = header[0].lower() in _NAMES_OF_NAMES
    return int(named and len(set(first)) == len(first) and width > 2)


def _assembled(
    path: Path,
    dialect: _Dialect,
    rows: Iterable[tuple[int, Row]],
    titles: Row,
    names: int,
    most: int,
) -> Grid:
    values = np.empty((0, 0))
    named: list[str] = []
    count = 0
    for count, (number, row) in enumerate(rows, 1):
        if count == 1:
            if titles and len(titles) < len(row):
                titles = ["", *titles]
            values = np.empty((most, len(row) - names))  # rows that never come take no memory
        if names:
            named.append(" ".join(row[0].split()))
        values[count - 1] = _numbers(path, dialect, row, number, names, titles)
    check_size(path, count, values.shape[1])
    notes: tuple[str, ...] = ()
    if names > 1:
        left = ", ".join(titles[1:names]) if titles else f"columns 2 to {names}"
        notes = (f"left out, as it is text: {left}",)
    return Grid(
        values[:count],
        tuple(named),
        tuple(titles[names:]),
        titles[0] if titles and names else "",
        notes,
    )


def _numbers(
    path: Path, dialect: _Dialect, row: Row, line: int, names: int, titles: Row
) -> NDArray[np.float64] | list[float]:
    cells = row[names:]
    if not dialect.comma:
        try:
            found = list(map(float, cells))
        except ValueError:
            pass
        else:
            # Python takes 1_000 for a number; no table means that.
            if not any("_" in cell for cell in cells):
                return found
    return [
        _number(path, dialect, cell, line, column, titles)
        for column, cell in enumerate(cells, names + 1)
    ]


def _number(path: Path, dialect: _Dialect, cell: str, line: int, column: int, titles: Row) -> float:
    if dialect.says_nothing(cell):
        return float("nan")
    text = cell.replace(",", ".") if dialect.comma and dialect.is_number(cell) else cell
    try:
        if "_" not in text:
            return float(text)
    except ValueError:
        pass
    shown = cell if len(cell) <= 24 else f"{cell[:23]}…"
    title = f" (“{titles[column - 1]}”)" if titles and titles[column - 1] else ""
    way = "write 1234.5 without thousands separators" if _grouped(cell) else "correct the cell"
    raise FileProblem(
        path,
        f"has “{shown}” where a number should be, in line {line}, column {column}{title}",
        fix=f"{way}, or leave it empty if it is missing",
    )


def _grouped(cell: str) -> bool:
    return re.fullmatch(r"[+-]?\d{1,3}([,'’ ]\d{3})+(\.\d+)?", cell) is not None
