"""What drives all tissues? The input function: a blood factor, its region, or blood samples."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = ["Samples", "read_samples"]

Array = NDArray[np.float64]

_FIX = "give a TSV or CSV with columns time_s (or time_min) and activity, whole blood or plasma"
_MOST = 1_000_000
_ACTIVITY = ("activity", "blood", "plasma", "aif", "bq", "suv")
_COUNTS = ("", "sample", "samples", "no", "nr", "n", "number", "id", "index", "subject", "pet")
_BECQUEREL = re.compile(r"([kM]?)Bq")
_TIMES = {"": 1.0, "k": 1e3, "M": 1e6}


@dataclass(frozen=True, eq=False)
class Samples:
    """Blood samples: times in min, activity in the unit of the series; `name` of the column."""

    t_min: Array
    activity: Array
    name: str


def read_samples(path: str | Path, unit: str = "") -> Samples:
    """Read blood samples from a table with a header.

    Of several columns the first is taken that is called after activity or blood, else the first
    that does not count samples or name persons.

    Parameters
    ----------
    path : path
    unit : str
        Of the series: kBq are turned into its Bq where the column is called so.

    Raises
    ------
    FileProblem
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(path, "cannot be read as text", fix=_FIX) from error
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if row]
    if len(rows) < 3 or len(rows) > _MOST:
        raise FileProblem(path, "holds no table of samples", fix=_FIX)
    names = [name.strip() for name in rows[0]]
    place, per = _time_column(path, names)
    others = [k for k in range(len(names)) if k != place and names[k]]
    called = [k for k in others if any(word in names[k].lower() for word in _ACTIVITY)]
    plain = [k for k in others if names[k].lower().strip(" ._#") not in _COUNTS]
    if not (called or plain):
        raise FileProblem(path, "has no column of activity", fix=_FIX)
    value = (called or plain)[0]
    try:
        table = np.array([[float(row[place]), float(row[value])] for row in rows[1:]])
    except (ValueError, IndexError) as error:
        raise FileProblem(path, "holds something that is no number", fix=_FIX) from error
    if not np.isfinite(table).all() or (np.diff(table[:, 0]) < 0).any():
        raise FileProblem(path, "has times that are missing or do not rise", fix=_FIX)
    keep = np.concatenate([[True], np.diff(table[:, 0]) > 0])
    own, series = _BECQUEREL.search(names[value]), _BECQUEREL.search(unit)
    times = _TIMES[own[1]] / _TIMES[series[1]] if own and series else 1.0
    return Samples(table[keep, 0] * per, table[keep, 1] * times, names[value])


def _time_column(path: Path, names: list[str]) -> tuple[int, float]:
    for place, name in enumerate(names):
        word = name.lower().replace("(", "_").replace(")", "").replace("[", "_").replace("]", "")
        word = word.replace(" ", "")
        if word in ("time_s", "t_s", "time_sec", "time_seconds"):
            return place, 1 / 60
        if word in ("time_min", "t_min", "time_minutes"):
            return place, 1.0
    raise FileProblem(path, f"has columns {', '.join(names)[:80]}, none with a time", fix=_FIX)
