"""How do envelopes, synergies and numbers become files? CSV in UTF-8, names as in the input."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from partwise.api import AnalysisProblem, Dataset, Job, Result, View, stop_if_cancelled
from partwise_emg.cohort import GROUPS_TITLE
from partwise_emg.norm import norm_from_facts, write_norm
from partwise_emg.tell import SCAN_TITLE
from partwise_emg.timing import centre_of_activity, fwhm

__all__ = [
    "has_envelopes",
    "has_intervals",
    "has_norm",
    "has_scan",
    "has_statistics",
    "write_activations",
    "write_envelopes",
    "write_intervals",
    "write_norm_file",
    "write_scan",
    "write_statistics",
    "write_synergies",
    "write_timing",
]

_SCAN_COLUMNS = ("rank", "r2", "vaf", "stability", "chance", "heldout", "error")
_EACH = 512  # rows between two looks at the cancel flag


def write_envelopes(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the matrix that was factored: time in points of the cycle, a column per muscle."""
    view = _traces(result)
    values = np.asarray(view.arrays["y"])
    body = (
        (time, *map(_exact, column)) for time, column in zip(_time(result), values.T, strict=True)
    )
    _write(path, ["time", *view.axes[0].labels], body, job)


def write_synergies(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the weights: a row per muscle, a column per synergy."""
    names = _muscles(result)
    W = np.stack([each.profile for each in result.parts], axis=1)
    body = ((name, *map(_exact, row)) for name, row in zip(names, W, strict=True))
    _write(path, ["muscle", *(each.name for each in result.parts)], body, job)


def write_activations(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the activations: rows as in the envelopes, a column per synergy."""
    H = np.stack([np.asarray(each.course) for each in result.parts])
    body = ((time, *map(_exact, row)) for time, row in zip(_time(result), H.T, strict=True))
    _write(path, ["time", *(each.name for each in result.parts)], body, job)


def write_scan(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write what each number of synergies gains and costs."""
    table = next((t for t in result.tables if t.title == SCAN_TITLE), None)
    if table is None:
        raise AnalysisProblem("no numbers of synergies were tried", fix="run with rank=auto")
    body = (tuple(c if isinstance(c, str) else f"{c:.8g}" for c in row) for row in table.rows)
    _write(path, _SCAN_COLUMNS, body, job)


def write_intervals(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write estimate, low and high end for every weight (W) and every activation (H)."""
    bars = _view(result, "bars", "low")
    traces = _traces(result)
    muscles = _muscles(result)

    def body() -> Iterable[tuple[str, ...]]:
        low, high = bars.arrays["low"], bars.arrays["high"]
        for k, each in enumerate(result.parts):
            for row, name in enumerate(muscles):
                yield ("W", name, each.name, *_three(each.profile[row], low[k, row], high[k, row]))
        low, high = traces.arrays["course_low"], traces.arrays["course_high"]
        for k, each in enumerate(result.parts):
            course = np.asarray(each.course)
            for row in range(course.size):
                yield (
                    "H",
                    str(row + 1),
                    each.name,
                    *_three(course[row], low[k, row], high[k, row]),
                )

    _write(path, ("matrix", "row", "synergy", "estimate", "low", "high"), body(), job)


def write_timing(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write width and centre of each activation, cycle by cycle, in points."""
    points = int(result.facts["points"])

    def body() -> Iterable[tuple[str, ...]]:
        for each in result.parts:
            course = np.asarray(each.course)
            for number, cycle in enumerate(course.reshape(-1, points), 1):
                centre = centre_of_activity(cycle)
                yield (each.name, str(number), str(fwhm(cycle)), f"{centre:.10g}")

    _write(path, ("synergy", "cycle", "fwhm_points", "coa_points"), body(), job)


def write_statistics(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the test of every entry, with p as it is and adjusted."""
    table = next((t for t in result.tables if t.title == GROUPS_TITLE), None)
    if table is None:
        raise AnalysisProblem("no groups were compared", fix="run with compare=trials")
    body = (tuple(c if isinstance(c, str) else f"{c:.8g}" for c in row) for row in table.rows)
    _write(path, table.columns, body, job)


def write_norm_file(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the synergies and the mean cycle for a norm; no name of a person goes in."""
    write_norm(path, norm_from_facts(result.facts))


def has_envelopes(result: Result) -> bool:
    """Whether the matrix is in the result."""
    return any(view.kind == "traces" for view in result.views)


def has_scan(result: Result) -> bool:
    """Whether several numbers of synergies were tried."""
    return any(table.title == SCAN_TITLE for table in result.tables)


def has_intervals(result: Result) -> bool:
    """Whether cycles were drawn anew."""
    return any("course_low" in view.arrays for view in result.views)


def has_statistics(result: Result) -> bool:
    """Whether two groups were compared."""
    return any(table.title == GROUPS_TITLE for table in result.tables)


def has_norm(result: Result) -> bool:
    """Whether the result can go into a norm."""
    return "norm" in result.facts


def _traces(result: Result) -> View:
    return next(view for view in result.views if view.kind == "traces" and "y" in view.arrays)


def _view(result: Result, kind: str, array: str) -> View:
    return next(view for view in result.views if view.kind == kind and array in view.arrays)


def _muscles(result: Result) -> Sequence[str]:
    return _traces(result).axes[0].labels


def _time(result: Result) -> list[str]:
    """Points of the cycle from 1 on, as the reference tables count; seconds of a whole record."""
    axis = _traces(result).axes[1]
    if axis.unit == "s":
        return [f"{axis.start + k * axis.step:.6g}" for k in range(axis.size)]
    points = int(result.facts["points"])
    return [str(k % points + 1) for k in range(axis.size)]


def _three(value: float, low: float, high: float) -> tuple[str, str, str]:
    return _exact(value), _exact(low), _exact(high)


def _exact(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value))


def _write(path: Path, header: Iterable[str], body: Iterable[Sequence[str]], job: Job) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(list(header))
        for number, row in enumerate(body):
            if number % _EACH == 0:
                stop_if_cancelled(job)
            writer.writerow(row)
