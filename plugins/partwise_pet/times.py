"""When did each frame begin and end? Read from what says so, checked, and never guessed."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = [
    "FrameTable",
    "checked_frames",
    "frames_of_sidecar",
    "injection_note",
    "pixdim_note",
    "read_frames",
    "read_sidecar",
    "tried",
]

_SLACK_S = 0.05  # rounding of times in files
_LONGEST_S = 48 * 3600.0  # beyond, milliseconds were taken for seconds
_SHORTEST_S, _MANY = 120.0, 8  # so many frames in so short a time: minutes, mostly
_MOST_BYTES = 4 << 20
_WAY_OUT = "give the frame times in a JSON or TSV file under Frame times (frames=FILE)"
_PER = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0, "minutes": 60.0}


@dataclass(frozen=True, eq=False)
class FrameTable:
    """Frames of a dynamic series.

    Attributes
    ----------
    spans : float64, shape (frames, 2)
        Start and end in s after time zero.
    source : str
        What said so, in words ("sidecar scan.json").
    notes : tuple of str
        What a person should know, in sentences.
    """

    spans: NDArray[np.float64]
    source: str
    notes: tuple[str, ...] = ()


def checked_frames(
    path: Path,
    starts: Sequence[Any],
    durations: Sequence[Any],
    count: int | None,
    source: str,
) -> FrameTable:
    """Check starts and durations in seconds.

    Raises
    ------
    FileProblem
        Another number of frames, missing or no numbers, frames without length, out of order or
        overlapping, or times that can only be in another unit.
    """
    start, lasting = _numbers(path, starts, "start"), _numbers(path, durations, "duration")
    if len(start) != len(lasting):
        raise FileProblem(
            path, f"names {len(start)} frame starts and {len(lasting)} durations", fix=_WAY_OUT
        )
    if count is not None and len(start) != count:
        raise FileProblem(
            path, f"names times of {len(start)} frames, the series has {count}", fix=_WAY_OUT
        )
    if (lasting <= 0).any():
        which = int(np.flatnonzero(lasting <= 0)[0])
        raise FileProblem(
            path, f"gives frame {which + 1} a duration of {lasting[which]:g} s", fix=_WAY_OUT
        )
    span = float(start[-1] + lasting[-1] - start[0])
    if span > _LONGEST_S:
        raise FileProblem(
            path,
            f"spans {span / 3600:,.0f} hours, as if milliseconds had been taken for seconds",
            fix=_WAY_OUT,
        )
    notes = list(_steps(path, start, lasting))
    if len(lasting) > 2 and np.all(lasting == 1.0):
        notes.append(
            "Every frame is said to last 1 s, which converters write when they know nothing: "
            "check the frame table."
        )
    if len(lasting) >= _MANY and span <= _SHORTEST_S:
        notes.append(
            f"All {len(lasting)} frames last {span:g} s together, as if minutes had been taken for "
            "seconds: check the frame table."
        )
    if start[0] > _SLACK_S:
        notes.append(f"The first frame begins {start[0]:g} s after time zero.")
    elif start[0] < -_SLACK_S:
        notes.append(f"The first frame begins {-start[0]:g} s before time zero.")
    return FrameTable(np.stack([start, start + lasting], axis=1), source, tuple(notes))


def _steps(path: Path, start: NDArray[np.float64], lasting: NDArray[np.float64]) -> list[str]:
    """Cumulative sums: what follows a frame begins where it ends, or there is a reason."""
    if len(start) < 2:
        return []
    step, gap = np.diff(start), start[1:] - (start + lasting)[:-1]
    if (step <= 0).any():
        which = int(np.flatnonzero(step <= 0)[0])
        raise FileProblem(
            path,
            f"has frame {which + 2} begin at {start[which + 1]:g} s, not after frame {which + 1} "
            f"({start[which]:g} s)",
            fix=_WAY_OUT,
        )
    slack = _SLACK_S + 1e-3 * lasting[:-1]
    if (np.abs(gap) > slack).any():
        ratio = float(np.median(step / lasting[:-1]))
        for name, factor in (("milliseconds", 1e3), ("minutes", 60.0)):
            for near, words in ((factor, "durations"), (1 / factor, "starts")):
                if abs(ratio / near - 1) < 0.02:
                    other = "durations" if words == "starts" else "starts"
                    slow = "minutes" if name == "minutes" else "seconds"
                    fast = "seconds" if name == "minutes" else "milliseconds"
                    raise FileProblem(
                        path,
                        f"mixes units: frame {words} look like {slow}, {other} like {fast}",
                        fix=_WAY_OUT,
                    )
    if (gap < -slack).any():
        which = int(np.flatnonzero(gap < -slack)[0])
        raise FileProblem(
            path,
            f"has frames that overlap: frame {which + 1} ends at "
            f"{start[which] + lasting[which]:g} s, frame {which + 2} begins at "
            f"{start[which + 1]:g} s",
            fix=_WAY_OUT,
        )
    wide = np.flatnonzero(gap > slack)
    if not wide.size:
        return []
    first = int(wide[0])
    count = "1 gap" if wide.size == 1 else f"{wide.size} gaps"
    return [
        f"{count} between frames, {gap[wide].sum():g} s in all; the first after frame {first + 1}."
    ]


def frames_of_sidecar(path: Path, told: Mapping[str, Any], count: int | None) -> FrameTable:
    """Return the frames that a BIDS-PET sidecar names, in seconds as the standard has it.

    Raises
    ------
    FileProblem
        Also where one of both fields is missing: no frame time is made up from the other.
    """
    missing = [key for key in ("FrameTimesStart", "FrameDuration") if key not in told]
    if missing:
        raise FileProblem(path, f"has no {' and no '.join(missing)}", fix=_WAY_OUT)
    starts, lasting = told["FrameTimesStart"], told["FrameDuration"]
    if not isinstance(starts, list):
        starts = [starts]
    if not isinstance(lasting, list):
        lasting = [lasting]
    return checked_frames(path, starts, lasting, count, f"sidecar {path.name}")


def read_frames(path: str | Path, count: int | None = None) -> FrameTable:
    """Read a table of frame times: BIDS-PET JSON, or TSV/CSV with units in its column names.

    Columns are ``start_s`` with ``end_s`` or ``duration_s``; ``_min`` and ``_ms`` are understood.

    Raises
    ------
    FileProblem
    """
    path = Path(path)
    text = _text(path)
    if path.suffix.lower() == ".json":
        return frames_of_sidecar(path, read_sidecar(path), count)
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if row]
    if len(rows) < 2:
        raise FileProblem(path, "holds no table of frames", fix=_WAY_OUT)
    names = [name.strip().lower() for name in rows[0]]
    columns = {kind: _column(path, names, kind) for kind in ("start", "end", "duration")}
    if columns["start"] is None or (columns["end"] is None and columns["duration"] is None):
        raise FileProblem(
            path,
            f"has columns {', '.join(names)}",
            fix="name them start_s and end_s, or start_s and duration_s",
        )

    def values(kind: str) -> NDArray[np.float64]:
        place, per = columns[kind]  # type: ignore[misc]  # asked only for columns that are there
        cells = [row[place] if place < len(row) else "" for row in rows[1:]]
        return per * _numbers(path, cells, kind)

    start = values("start")
    lasting = values("duration") if columns["duration"] is not None else values("end") - start
    return checked_frames(path, list(start), list(lasting), count, f"frame table {path.name}")


def read_sidecar(path: Path) -> dict[str, Any]:
    """Return the fields of a JSON sidecar; raises `FileProblem`."""
    try:
        told = json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise FileProblem(
            path, f"is no valid JSON ({str(error)[:80]})", fix="export the sidecar again"
        ) from error
    if not isinstance(told, dict):
        raise FileProblem(path, "holds no fields", fix="give a BIDS-PET sidecar")
    return told


def pixdim_note(pixdim_s: float, spans: NDArray[np.float64] | None) -> str:
    """Say that a NIfTI header's time step contradicts the frame table; empty where it does not."""
    if spans is None or not pixdim_s or not math.isfinite(pixdim_s):
        return ""
    lasting = spans[:, 1] - spans[:, 0]
    if np.allclose(lasting, pixdim_s, atol=_SLACK_S):
        return ""
    words = f"{lasting.min():g}" if np.ptp(lasting) < _SLACK_S else (
        f"{lasting.min():g} to {lasting.max():g}"
    )  # fmt: skip
    return (
        f"The NIfTI header claims {pixdim_s:g} s for every frame; it was not believed, as the "
        f"frames last {words} s."
    )


def tried(find: Callable[[], FrameTable]) -> FrameTable | FileProblem:
    """Return frames, or why there are none: a series is shown all the same, and not analysed."""
    try:
        return find()
    except FileProblem as problem:
        return problem


def injection_note(first_s: float, injected_s: float | None) -> str:
    """Say how the first frame lies to the injection; empty where they fall together.

    Parameters
    ----------
    first_s, injected_s : float
        On one clock, s.
    """
    if injected_s is None or abs(first_s - injected_s) <= 1:
        return ""
    apart = abs(first_s - injected_s)
    words = f"{apart:g} s" if apart < 120 else f"{apart / 60:.3g} min"
    if first_s > injected_s:
        return (
            f"The first frame began {words} after the injection; what blood carried before it is "
            "not in the integrals of the Patlak and Logan plots."
        )
    return f"The injection came {words} after the first frame began."


def _column(path: Path, names: list[str], kind: str) -> tuple[int, float] | None:
    for place, name in enumerate(names):
        base, _, unit = name.replace("(", "_").replace(")", "").replace(" ", "").partition("_")
        if base.rstrip("s") in (kind, f"frame{kind}") or base == kind:
            if unit in _PER:
                return place, _PER[unit]
            raise FileProblem(
                path,
                f"does not say the unit of its column “{name}”",
                fix=f"name it {kind}_s, {kind}_min or {kind}_ms",
            )
    return None


def _numbers(path: Path, values: Sequence[Any], what: str) -> NDArray[np.float64]:
    found = []
    for place, value in enumerate(values, 1):
        number = math.nan
        if isinstance(value, int | float | str | np.floating) and not isinstance(value, bool):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                number = math.nan
        if not math.isfinite(number):
            raise FileProblem(
                path, f"has no number for the {what} of frame {place}: “{value}”", fix=_WAY_OUT
            )
        found.append(number)
    if not found:
        raise FileProblem(path, "names no frames", fix=_WAY_OUT)
    return np.array(found, dtype=np.float64)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileProblem(path, "is too large for a table of frames", fix=_WAY_OUT)
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no text"
        raise FileProblem(path, f"cannot be read ({reason})", fix=_WAY_OUT) from error
