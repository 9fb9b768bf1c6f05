"""When does the foot touch and leave the ground? Events from a table, a list, or the file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partwise.api import FileProblem, InputProblem
from partwise_emg.text import as_text, rows_of

__all__ = ["Events", "checked", "from_meta", "from_text", "read_events"]

_TOUCH = ("touchdown_s", "touchdown", "td", "foot_strike", "heel_strike", "foot strike", "start_s")
_LIFT = ("liftoff_s", "liftoff", "lift_off", "lo", "toe_off", "foot_off", "foot off")
_MOST_BYTES = 8 << 20


@dataclass(frozen=True)
class Events:
    """Touch-downs and the lift-off that follows each, in seconds; NaN where none is known."""

    touchdown: tuple[float, ...]
    liftoff: tuple[float, ...]
    source: str = ""

    @property
    def phased(self) -> bool:
        """Whether each whole cycle has a stance and a swing."""
        return all(math.isfinite(v) for v in self.liftoff[: max(len(self.touchdown) - 1, 1)])


def read_events(path: Path) -> Events:
    """Read a CSV or TSV with the columns ``touchdown_s`` and, where known, ``liftoff_s``.

    Raises
    ------
    FileProblem
        No such columns, text in numbers, or times that do not rise.
    """
    path = Path(path)
    way = "give the columns touchdown_s and liftoff_s, in seconds"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileProblem(path, "is too large for a table of events", fix=way)
        text = as_text(path.read_bytes())
    except OSError as error:
        raise FileProblem(path, f"cannot be read ({error.strerror})", fix=way) from error
    if text is None:
        raise FileProblem(path, "is no text", fix=way)
    rows = rows_of(text)
    if len(rows) < 2:
        raise FileProblem(path, "holds no events", fix=way)
    names = [cell.lower() for cell in rows[0]]
    touch, lift = _column(names, _TOUCH), _column(names, _LIFT)
    if touch is None:
        raise FileProblem(path, "has no column touchdown_s", fix=way)
    found = [
        (
            _time(path, row, touch, number),
            float("nan") if lift is None else _time(path, row, lift, number),
        )
        for number, row in enumerate(rows[1:], 2)
    ]
    try:
        return checked(Events(*_columns(found), source=path.name))
    except InputProblem as problem:
        raise FileProblem(path, problem.what, fix=problem.fix) from problem


def from_text(text: str) -> Events:
    """Read ``"1.41:2.07, 2.45:3.11, 3.49"``: touch-down and lift-off of each cycle.

    Raises
    ------
    InputProblem
    """
    found = []
    for piece in text.replace(";", ",").split(","):
        if not piece.strip():
            continue
        touch, _, lift = piece.partition(":")
        try:
            found.append((float(touch), float(lift) if lift.strip() else float("nan")))
        except ValueError as error:
            raise InputProblem(
                f"marks has “{piece.strip()}”",
                argument="marks",
                fix="write touch-down:lift-off in seconds, 1.41:2.07, 2.45:3.11",
            ) from error
    return checked(Events(*_columns(found), source="Marked by hand"))


def from_meta(meta: Mapping[str, Any], side: str = "auto") -> Events | None:
    """Return the events that a file carries, of one side; None where it has none.

    Parameters
    ----------
    meta : mapping
        Of the dataset; ``meta["events"]`` maps a side to ``{"touchdown": […], "liftoff": […]}``.
    side : {"auto", "left", "right"}
        ``auto`` takes the side with most touch-downs.
    """
    sides = meta.get("events") or {}
    known = {str(name).lower(): value for name, value in sides.items()}
    if side != "auto":
        known = {name: value for name, value in known.items() if name == side}
    known = {name: value for name, value in known.items() if len(value["touchdown"]) > 1}
    if not known:
        return None
    name = max(known, key=lambda key: len(known[key]["touchdown"]))
    touches = sorted(float(v) for v in known[name]["touchdown"])
    lifts = sorted(float(v) for v in known[name]["liftoff"])
    paired = []
    for place, touch in enumerate(touches):
        end = touches[place + 1] if place + 1 < len(touches) else math.inf
        paired.append((touch, next((v for v in lifts if touch < v < end), float("nan"))))
    return Events(
        *_columns(paired),
        source="Events of the file" + ("" if name == "general" else f", {name} side"),
    )


def checked(events: Events) -> Events:
    """Return events whose times rise; raises `InputProblem` otherwise."""
    if len(events.touchdown) < 2:
        raise InputProblem(
            "one touch-down makes no cycle: a cycle runs from one touch-down to the next",
            argument="events",
            fix="give at least two touch-downs",
        )
    for place, touch in enumerate(events.touchdown):
        lift = events.liftoff[place]
        after = events.touchdown[place + 1] if place + 1 < len(events.touchdown) else math.inf
        if not math.isfinite(touch) or after <= touch:
            raise InputProblem(
                f"events are out of order: touch-down {place + 2} at {after:g} s does not follow "
                f"{touch:g} s",
                argument="events",
                fix="sort the events by time",
            )
        if math.isfinite(lift) and not touch < lift < after:
            raise InputProblem(
                f"events are out of order: lift-off {place + 1} at {lift:g} s is not between the "
                f"touch-downs at {touch:g} s and {after:g} s",
                argument="events",
                fix="sort the events by time, one lift-off in each cycle",
            )
    return events


def _columns(
    pairs: Sequence[tuple[float, float]],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(touch for touch, _ in pairs), tuple(lift for _, lift in pairs)


def _column(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _time(path: Path, row: Sequence[str], column: int, number: int) -> float:
    cell = row[column] if column < len(row) else ""
    if cell.lower() in ("", "na", "nan"):
        return float("nan")
    try:
        return float(cell)
    except ValueError as error:
        raise FileProblem(
            path, f"has “{cell}” where a time should be, in line {number}", fix="give seconds"
        ) from error
