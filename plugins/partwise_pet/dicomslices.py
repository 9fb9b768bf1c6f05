"""What does a DICOM file say of its slices: where each lies, when it was taken, how it is scaled?

A classic file holds one slice. An enhanced one (Enhanced PET Image Storage; DICOM PS3.3, A.56)
holds many, with what they share told once and the rest slice by slice. Both are told alike here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = ["Slice", "clock_of", "is_number", "slices_of"]

Array = NDArray[np.float64]

_MOST_SLICES = 200_000
_DAY_S = 86400.0


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice of one frame.

    Attributes
    ----------
    path : Path
    index : int or None
        Within a file of many.
    at : float
        Along the normal, mm.
    position, turn : float64, shape (3,) and (6,)
        Of the first pixel in mm, and the directions of rows and columns.
    spacing : (down, across), or None
        mm.
    thickness : float
        mm.
    when : tuple
        What tells and sorts its frame.
    start_s, seconds, middle_s : float or None
        When the frame began, how long it lasted, its reference time.
    slope, offset : float
    turn_in_time : int or None
        Place of its frame as a dynamic series counts its images (Image Index; PS3.3, C.8.9.1).
    """

    path: Path
    index: int | None
    at: float
    position: Array
    turn: Array
    spacing: tuple[float, float] | None
    thickness: float
    when: tuple[Any, ...]
    start_s: float | None
    seconds: float | None
    middle_s: float | None
    slope: float
    offset: float
    turn_in_time: int | None = None


def slices_of(path: Path, head: Any) -> Iterator[Slice]:
    """Yield what a file's header says of its slices.

    Raises
    ------
    FileProblem
        Slices whose places are not told.
    """
    if int(head.get("NumberOfFrames", 1) or 1) <= 1 and "ImagePositionPatient" in head:
        yield _classic(path, head)
        return
    if "PerFrameFunctionalGroupsSequence" not in head:
        what = (
            "holds many slices and does not say where each lies"
            if int(head.get("NumberOfFrames", 1) or 1) > 1
            else "does not say where it lies in the patient"
        )
        raise FileProblem(
            path, what, fix="export the series again, as Enhanced PET or as one file per slice"
        )
    groups = head.PerFrameFunctionalGroupsSequence
    count = int(head.get("NumberOfFrames", 1) or 1)
    if len(groups) != count or count > _MOST_SLICES:
        raise FileProblem(
            path,
            f"claims {count:,} slices and describes {len(groups):,}",
            fix="export the series again",
        )
    shared = head.get("SharedFunctionalGroupsSequence", None)
    common = shared[0] if shared else {}
    for index, own in enumerate(groups):
        yield _enhanced(path, index, own, common)


def _classic(path: Path, head: Any) -> Slice:
    try:
        turn = np.array([float(v) for v in head.ImageOrientationPatient])
        spot = np.array([float(v) for v in head.ImagePositionPatient])
    except (AttributeError, TypeError, ValueError) as error:
        raise _lost(path) from error
    date, time = str(head.get("AcquisitionDate", "")), str(head.get("AcquisitionTime", ""))
    if time:
        when: tuple[Any, ...] = (date, f"{float(time):017.6f}" if is_number(time) else time)
    else:
        position = head.get("TemporalPositionIndex", None)
        when = ("", f"{int(position):09d}") if position is not None else ("", "")
    start = clock_of(time)
    lasting, middle = head.get("ActualFrameDuration", None), head.get("FrameReferenceTime", None)
    return Slice(
        path,
        None,
        *_along(path, spot, turn),
        _pair(head.get("PixelSpacing", None)),
        float(head.get("SliceThickness", 1.0) or 1.0),
        when,
        None if start is None else start + _day(date),
        None if lasting is None else float(lasting) / 1e3,
        None if middle is None else float(middle) / 1e3,
        float(head.get("RescaleSlope", 1.0) or 1.0),
        float(head.get("RescaleIntercept", 0.0) or 0.0),
        _turn_in_time(head),
    )


def _turn_in_time(head: Any) -> int | None:
    index, count = head.get("ImageIndex", None), head.get("NumberOfSlices", None)
    if not is_number(index) or not is_number(count) or int(count) < 1 or int(index) < 1:
        return None
    return (int(index) - 1) // int(count)


def _enhanced(path: Path, index: int, own: Any, common: Any) -> Slice:
    def group(name: str) -> Any:
        found = own.get(name, None) or common.get(name, None)
        return found[0] if found else {}

    try:
        turn = np.array(
            [float(v) for v in group("PlaneOrientationSequence").ImageOrientationPatient]
        )
        spot = np.array([float(v) for v in group("PlanePositionSequence").ImagePositionPatient])
    except (AttributeError, TypeError, ValueError) as error:
        raise _lost(path) from error
    content, sizes = group("FrameContentSequence"), group("PixelMeasuresSequence")
    scale = group("PixelValueTransformationSequence")
    stamp = str(content.get("FrameAcquisitionDateTime", "") or "")
    start = clock_of(stamp[8:14] + stamp[14:].split("+", maxsplit=1)[0].split("-", maxsplit=1)[0])
    offset = content.get("TemporalPositionTimeOffset", None)
    if start is not None:
        start += _day(stamp[:8])
    elif offset is not None:
        start = float(offset)
    place = content.get("TemporalPositionIndex", None)
    lasting = content.get("FrameAcquisitionDuration", None)
    return Slice(
        path,
        index,
        *_along(path, spot, turn),
        _pair(sizes.get("PixelSpacing", None)),
        float(sizes.get("SliceThickness", 1.0) or 1.0),
        (int(place),) if place is not None else (start if start is not None else 0.0,),
        start,
        None if lasting is None else float(lasting) / 1e3,
        None,
        float(scale.get("RescaleSlope", 1.0) or 1.0),
        float(scale.get("RescaleIntercept", 0.0) or 0.0),
    )


def clock_of(text: str) -> float | None:
    """Return the seconds since midnight of HHMMSS.ffffff; None where it is no time."""
    text = text.replace(":", "").strip()
    if len(text) < 6 or not is_number(text):
        return None
    return 3600.0 * int(text[:2]) + 60.0 * int(text[2:4]) + float(text[4:])


def is_number(value: Any) -> bool:
    """Whether a field holds a finite number."""
    try:
        return bool(np.isfinite(float(value)))
    except (TypeError, ValueError):
        return False


def _along(path: Path, spot: Array, turn: Array) -> tuple[float, Array, Array]:
    if spot.shape != (3,) or turn.shape != (6,) or not np.isfinite([*spot, *turn]).all():
        raise _lost(path)
    return float(np.cross(turn[:3], turn[3:]) @ spot), spot, turn


def _pair(told: Any) -> tuple[float, float] | None:
    try:
        down, across = (float(v) for v in told)
    except (TypeError, ValueError):
        return None
    return (down, across) if down > 0 and across > 0 else None


def _day(date: str) -> float:
    try:
        return _DAY_S * dt.datetime.strptime(date, "%Y%m%d").toordinal()
    except ValueError:
        return 0.0


def _lost(path: Path) -> FileProblem:
    return FileProblem(
        path, "does not say where it lies in the patient", fix="export the series again"
    )
