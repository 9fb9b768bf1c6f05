"""A DICOM series, one file per slice: which slices make which frame, and when was it taken?

Any file of the series names the folder. A frame begins at its acquisition time and lasts as long
as its files say; slices are ordered by where they lie in the patient, never by their names.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem
from partwise_pet.times import checked_frames
from partwise_pet.volumes import Scan, collect_frames, dataset_of

__all__ = ["load_dicom", "probe_dicom"]

_PREAMBLE = 128
_MOST_FILES = 60_000
_NEAR_MM = 0.05
_UNITS = {"BQML": "Bq/mL", "CNTS": "counts", "GML": "g/mL", "PROPCNTS": "prop. counts"}
_DAY_S = 86400.0


def probe_dicom(path: Path) -> float:
    """Return how surely this is a DICOM file."""
    try:
        with path.open("rb") as file:
            head = file.read(_PREAMBLE + 4)
    except OSError:
        return 0.0
    if head[_PREAMBLE:] == b"DICM" and path.name.upper() != "DICOMDIR":  # a table of contents
        return 0.9
    return 0.05 if path.suffix.lower() in (".dcm", ".ima") else 0.0


def load_dicom(path: Path) -> Dataset:
    """Read the series that a file belongs to from the folder it lies in.

    Raises
    ------
    FileProblem
        No PET, one frame alone, slices missing or double, times missing.
    """
    path = Path(path)
    try:
        return _loaded(path)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, FileProblem):
            raise
        words = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise FileProblem(
            path,
            f"belongs to a series whose files lack what a series needs ({words})",
            fix="export the series again",
        ) from error


def _loaded(path: Path) -> Dataset:
    first = _header(path)
    if first is None:
        raise FileProblem(path, "is a damaged or cut DICOM file", fix="copy or export it again")
    if str(first.get("Modality", "")) != "PT":
        kind = str(first.get("Modality", "")) or "unknown"
        raise FileProblem(path, f"is no PET image (modality {kind})", fix="open a PET series")
    if int(first.get("NumberOfFrames", 1) or 1) > 1:
        raise FileProblem(
            path, "is an enhanced multi-frame object", fix="export it as one file per slice"
        )
    slices = _series(path, str(first.get("SeriesInstanceUID", "")))
    frames = _frames(path, slices)
    affine = _affine(path, frames[0])
    rows, columns = int(first.Rows), int(first.Columns)
    shape = (len(frames), len(frames[0]), rows, columns)
    values = collect_frames(path, shape, _Reader(frames, (rows, columns)))
    table, notes = _times(path, frames)
    return dataset_of(Scan(path, values, affine, table, _unit(first), _facts(first), tuple(notes)))


@dataclass(frozen=True, eq=False)
class _Slice:
    path: Path
    head: Any
    at: float  # along the normal, mm
    when: tuple[Any, ...]  # what tells its frame


class _Reader:
    """Reads one frame, shape (z, y, x)."""

    def __init__(self, frames: list[list[_Slice]], shape: tuple[int, int]) -> None:
        self._frames, self._shape = frames, shape

    def __call__(self, place: int) -> NDArray[Any]:
        import pydicom

        made = np.empty((len(self._frames[place]), *self._shape))
        for k, piece in enumerate(self._frames[place]):
            try:
                whole = pydicom.dcmread(piece.path)
                pixels = whole.pixel_array
            except Exception as error:
                words = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
                raise FileProblem(
                    piece.path,
                    f"is a damaged or cut slice ({words})",
                    fix="copy or export the series again",
                ) from error
            if pixels.shape != self._shape:
                raise FileProblem(
                    piece.path, "has another size than the rest of the series", fix="remove it"
                )
            slope = float(whole.get("RescaleSlope", 1.0) or 1.0)
            made[k] = pixels.astype(np.float64) * slope + float(whole.get("RescaleIntercept", 0.0))
        return made


def _header(path: Path) -> Any:
    import pydicom

    try:
        return pydicom.dcmread(path, stop_before_pixels=True)
    except Exception:  # noqa: BLE001 - files that are no DICOM may raise anything
        return None


def _series(path: Path, uid: str) -> list[_Slice]:
    found = []
    files = sorted(p for p in path.parent.iterdir() if p.is_file())
    if len(files) > _MOST_FILES:
        raise FileProblem(path, f"lies among {len(files):,} files", fix="put the series by itself")
    for each in files:
        if probe_dicom(each) < 0.5:
            continue
        head = _header(each)
        if head is None or str(head.get("SeriesInstanceUID", "")) != uid:
            continue
        try:
            turn = np.array([float(v) for v in head.ImageOrientationPatient])
            spot = np.array([float(v) for v in head.ImagePositionPatient])
        except (AttributeError, TypeError, ValueError) as error:
            raise FileProblem(
                each, "does not say where it lies in the patient", fix="export the series again"
            ) from error
        normal = np.cross(turn[:3], turn[3:])
        found.append(_Slice(each, head, float(normal @ spot), _when(head)))
    if not found:
        raise FileProblem(path, "belongs to no series", fix="export the whole series")
    return found


def _when(head: Any) -> tuple[Any, ...]:
    """What sorts slices into frames: their own time stamps, else the position in time."""
    date, time = str(head.get("AcquisitionDate", "")), str(head.get("AcquisitionTime", ""))
    if time:
        return (date, f"{float(time):017.6f}" if _is_number(time) else time)
    position = head.get("TemporalPositionIndex", None)
    return ("", f"{int(position):09d}") if position is not None else ("", "")


def _frames(path: Path, slices: list[_Slice]) -> list[list[_Slice]]:
    grouped: dict[tuple[Any, ...], list[_Slice]] = defaultdict(list)
    for piece in slices:
        grouped[piece.when].append(piece)
    frames = [sorted(grouped[key], key=_at) for key in sorted(grouped)]
    if len(frames) < 2:
        raise FileProblem(path, "belongs to a series of one frame", fix="open a dynamic series")
    places = [np.array([piece.at for piece in frame]) for frame in frames]
    usual = int(np.median([len(each) for each in places]))
    for number, each in enumerate(places, 1):
        if len(each) != usual or np.abs(each - places[0][: len(each)]).max() > _NEAR_MM:
            raise FileProblem(
                path,
                f"belongs to a series whose frame {number} has {len(each)} slices of {usual}, or "
                "at other places",
                fix="copy the missing files, or export the series again",
            )
        if len(each) > 1 and np.diff(each).min() < _NEAR_MM:
            raise FileProblem(
                path, f"belongs to a series with a slice twice in frame {number}", fix="remove one"
            )
    return frames


def _times(path: Path, frames: list[list[_Slice]]) -> tuple[Any, list[str]]:
    heads = [frame[0].head for frame in frames]
    stamps = [_seconds(head) for head in heads]
    lasting = [head.get("ActualFrameDuration", None) for head in heads]
    if any(s is None for s in stamps) or any(d is None for d in lasting):
        return None, []
    first = float(stamps[0])  # type: ignore[arg-type]
    starts = [(float(s) - first) % _DAY_S for s in stamps]  # type: ignore[arg-type]  # midnight
    table = checked_frames(
        path, starts, [float(d) / 1e3 for d in lasting], len(frames), "DICOM acquisition times"
    )
    notes = []
    references = [head.get("FrameReferenceTime", None) for head in heads]
    if all(r is not None for r in references):
        middle = np.array([float(r) / 1e3 for r in references])
        # Relative to the series; only the steps can be compared.
        ends = table.spans - table.spans[0, 0]
        shift = middle[0] - ends[0].mean()
        slack = 0.51 * (ends[:, 1] - ends[:, 0]) + abs(shift) * 0.02 + 0.5
        if (np.abs(middle - shift - ends.mean(axis=1)) > slack).any():
            notes.append(
                "Frame reference times do not lie within the frames as acquisition times and "
                "durations give them; the latter were taken."
            )
    info = _radiopharmaceutical(heads[0])
    injected = _clock(str(info.get("RadiopharmaceuticalStartTime", ""))) if info else None
    if injected is not None:
        delay = (first - injected) % _DAY_S
        if 1 < delay < _DAY_S / 2:
            notes.append(f"The first frame began {delay:g} s after the injection.")
    return table, notes


def _affine(path: Path, frame: list[_Slice]) -> NDArray[np.float64]:
    head = frame[0].head
    turn = np.array([float(v) for v in head.ImageOrientationPatient])
    try:
        down, across = (float(v) for v in head.PixelSpacing)
    except (AttributeError, TypeError, ValueError) as error:
        raise FileProblem(path, "does not say its pixel size", fix="export it again") from error
    first = np.array([float(v) for v in head.ImagePositionPatient])
    if len(frame) > 1:
        last = np.array([float(v) for v in frame[-1].head.ImagePositionPatient])
        through = (last - first) / (len(frame) - 1)
    else:
        through = np.cross(turn[:3], turn[3:]) * float(head.get("SliceThickness", 1.0) or 1.0)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = turn[:3] * across, turn[3:] * down
    affine[:3, 2], affine[:3, 3] = through, first
    # DICOM counts to the left and back, NIfTI to the right and front.
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _facts(head: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    info = _radiopharmaceutical(head)
    if info is not None:
        for name, key in (("RadionuclideHalfLife", "half_life_s"), ("RadionuclideTotalDose", "")):
            value = info.get(name, None)
            if _is_number(value) and float(value) > 0:
                number = float(value)
                # Doses are in Bq by the standard; some exports write MBq.
                facts[key or "dose_bq"] = number if key or number > 1e5 else number * 1e6
        tracer = str(info.get("Radiopharmaceutical", "")).strip()
        if tracer:
            facts["tracer"] = tracer[:60]
    weight = head.get("PatientWeight", None)
    if _is_number(weight) and 0 < float(weight) < 1000:
        facts["weight_kg"] = float(weight)
    decay = str(head.get("DecayCorrection", ""))
    if decay:
        facts["decay_corrected"] = decay != "NONE"
    return facts


def _radiopharmaceutical(head: Any) -> Any:
    sequence = head.get("RadiopharmaceuticalInformationSequence", None)
    return sequence[0] if sequence else None


def _unit(head: Any) -> str:
    told = str(head.get("Units", ""))
    return _UNITS.get(told, told[:16])


def _seconds(head: Any) -> float | None:
    clock = _clock(str(head.get("AcquisitionTime", "")))
    if clock is None:
        return None
    date = str(head.get("AcquisitionDate", ""))
    try:
        return clock + _DAY_S * dt.datetime.strptime(date, "%Y%m%d").toordinal()
    except ValueError:
        return clock


def _clock(text: str) -> float | None:
    """Seconds since midnight of HHMMSS.ffffff."""
    text = text.replace(":", "").strip()
    if len(text) < 6 or not _is_number(text):
        return None
    return 3600.0 * int(text[:2]) + 60.0 * int(text[2:4]) + float(text[4:])


def _is_number(value: Any) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except (TypeError, ValueError):
        return False


def _at(piece: _Slice) -> float:
    return piece.at
