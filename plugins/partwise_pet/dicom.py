"""A DICOM series, classic or enhanced: which slices make which frame, and when was it taken?

Any file of the series names the folder. A frame begins at its acquisition time and lasts as long
as its files say; slices are ordered by where they lie in the patient, never by their names.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem, Job, LocalJob, stop_if_cancelled
from partwise_pet.dicomfacts import facts_of, unit_of
from partwise_pet.dicomslices import Slice, slices_of
from partwise_pet.times import FrameTable, checked_frames, tried
from partwise_pet.volumes import Scan, collect_frames, dataset_of

__all__ = ["load_dicom", "probe_dicom"]

_PREAMBLE = 128
_MOST_FILES = 60_000
_NEAR_MM = 0.05
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


def load_dicom(path: Path, job: Job | None = None) -> Dataset:
    """Read the series that a file belongs to from the folder it lies in.

    Raises
    ------
    FileProblem
        No PET, one frame alone, slices missing or double.
    """
    path = Path(path)
    try:
        return _loaded(path, job or LocalJob())
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, FileProblem):
            raise
        words = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise FileProblem(
            path,
            f"belongs to a series whose files lack what a series needs ({words})",
            fix="export the series again",
        ) from error


def _loaded(path: Path, job: Job) -> Dataset:
    first = _header(path)
    if first is None:
        raise FileProblem(path, "is a damaged or cut DICOM file", fix="copy or export it again")
    if str(first.get("Modality", "")) != "PT":
        kind = str(first.get("Modality", "")) or "unknown"
        raise FileProblem(path, f"is no PET image (modality {kind})", fix="open a PET series")
    slices = _series(path, str(first.get("SeriesInstanceUID", "")), job)
    frames = _frames(path, slices)
    affine = _affine(path, frames[0])
    rows, columns = int(first.Rows), int(first.Columns)
    shape = (len(frames), len(frames[0]), rows, columns)
    values, below = collect_frames(path, shape, _Reader(frames, (rows, columns)), job)
    table, notes = _times(path, frames)
    facts = facts_of(first, frames[0][0].start_s)
    if facts.pop("dose_was_mbq", False):
        notes.append(f"The injected activity was taken to be in MBq ({facts['dose_bq'] / 1e6:g}).")
    beside = tuple(sorted({piece.path for frame in frames for piece in frame} - {path}))
    scan = Scan(path, values, below, affine, table, unit_of(first), facts, tuple(notes))
    return dataset_of(replace(scan, beside=beside))


class _Reader:
    """Reads one frame, shape (z, y, x); a file of many slices is opened once in a row."""

    def __init__(self, frames: list[list[Slice]], shape: tuple[int, int]) -> None:
        self._frames, self._shape = frames, shape
        self._path: Path | None = None
        self._file: Any = None

    def __call__(self, place: int) -> NDArray[Any]:
        made = np.empty((len(self._frames[place]), *self._shape))
        for k, piece in enumerate(self._frames[place]):
            try:
                pixels = self._pixels(piece)
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
            made[k] = pixels.astype(np.float64) * piece.slope + piece.offset
        return made

    def _pixels(self, piece: Slice) -> NDArray[Any]:
        import pydicom
        from pydicom.pixels.utils import pixel_array

        if piece.path != self._path:
            self._file, self._path = pydicom.dcmread(piece.path), piece.path
        if piece.index is None:
            return np.asarray(self._file.pixel_array)
        return np.asarray(pixel_array(self._file, index=piece.index))


def _header(path: Path) -> Any:
    import pydicom

    try:
        return pydicom.dcmread(path, stop_before_pixels=True)
    except Exception:  # noqa: BLE001 - files that are no DICOM may raise anything
        return None


def _series(path: Path, uid: str, job: Job) -> list[Slice]:
    found: list[Slice] = []
    files = sorted(p for p in path.parent.iterdir() if p.is_file())
    if len(files) > _MOST_FILES:
        raise FileProblem(path, f"lies among {len(files):,} files", fix="put the series by itself")
    for number, each in enumerate(files):
        stop_if_cancelled(job)
        job.report(number / len(files), "Looking through the folder")
        if probe_dicom(each) < 0.5:
            continue
        head = _header(each)
        if head is not None and str(head.get("SeriesInstanceUID", "")) == uid:
            found += slices_of(each, head)
    if not found:
        raise FileProblem(path, "belongs to no series", fix="export the whole series")
    return found


def _frames(path: Path, slices: list[Slice]) -> list[list[Slice]]:
    frames = _grouped(slices)
    if len(frames) < 2:
        raise FileProblem(path, "belongs to a series of one frame", fix="open a dynamic series")
    places = [np.array([piece.at for piece in frame]) for frame in frames]
    usual = int(np.median([len(each) for each in places]))
    for number, each in enumerate(places, 1):
        if len(each) != usual or len(places[0]) != usual or (
            np.abs(each - places[0]).max() > _NEAR_MM
        ):  # fmt: skip
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


def _grouped(slices: list[Slice]) -> list[list[Slice]]:
    """Slices by frame: by when they were taken, or where that tells none apart by what does."""
    found = []
    for key in (_when, _middle, _turn):
        grouped: dict[Any, list[Slice]] = defaultdict(list)
        for piece in slices:
            grouped[key(piece)].append(piece)
        if None in grouped:
            continue
        frames = [sorted(grouped[each], key=_at) for each in sorted(grouped)]
        found.append(frames)
        if len(frames) > 1 and all(_apart(frame) for frame in frames):
            return frames
    return found[0]


def _apart(frame: list[Slice]) -> bool:
    """Whether no two slices of a frame lie at the same place."""
    return all(b.at - a.at > _NEAR_MM for a, b in itertools.pairwise(frame))


def _when(piece: Slice) -> tuple[Any, ...]:
    return piece.when


def _middle(piece: Slice) -> float | None:
    return piece.middle_s


def _turn(piece: Slice) -> int | None:
    return piece.turn_in_time


def _times(
    path: Path, frames: list[list[Slice]]
) -> tuple[FrameTable | FileProblem | None, list[str]]:
    """Start and duration of each frame, and what contradicts them."""
    firsts = [frame[0] for frame in frames]
    stamps = [piece.start_s for piece in firsts if piece.start_s is not None]
    lasting = [piece.seconds for piece in firsts if piece.seconds is not None]
    if len(stamps) < len(frames) or len(lasting) < len(frames):
        return None, []
    references = [piece.middle_s for piece in firsts if piece.middle_s is not None]
    if len(set(stamps)) == 1:
        return _one_after_another(path, lasting, references)
    starts = [(stamp - stamps[0]) % _DAY_S for stamp in stamps]  # midnight
    table = tried(
        lambda: checked_frames(path, starts, lasting, len(frames), "DICOM acquisition times")
    )
    if isinstance(table, FileProblem):
        return table, []
    if len(references) < len(frames):
        return table, []
    middle = np.array(references)
    # Relative to the series; only the steps can be compared.
    ends = table.spans - table.spans[0, 0]
    shift = middle[0] - ends[0].mean()
    slack = 0.51 * (ends[:, 1] - ends[:, 0]) + abs(shift) * 0.02 + 0.5
    if not (np.abs(middle - shift - ends.mean(axis=1)) > slack).any():
        return table, []
    note = (
        "Frame reference times do not lie within the frames as acquisition times and durations "
        "give them; the latter were taken."
    )
    return table, [note]


def _one_after_another(
    path: Path, lasting: list[float], references: list[float]
) -> tuple[FrameTable | FileProblem | None, list[str]]:
    """Frames of a series that gives all of them the time at which the scan began.

    Their durations, one after the other, are believed where the reference time of each frame
    lies within it; with a gap or without reference times nothing is known.
    """
    ends = np.cumsum(lasting)
    starts, middle = ends - lasting, np.array(references)
    if len(references) != len(lasting) or (middle < starts).any() or (middle > ends).any():
        return None, ["All frames carry the same acquisition time, and nothing tells them apart."]
    source = "DICOM frame durations"
    table = tried(lambda: checked_frames(path, list(starts), lasting, len(lasting), source))
    note = (
        "All frames carry the same acquisition time; their durations were taken one after "
        "another, as each frame's reference time lies within it."
    )
    return table, [note]


def _affine(path: Path, frame: list[Slice]) -> NDArray[np.float64]:
    piece = frame[0]
    if piece.spacing is None:
        raise FileProblem(path, "does not say its pixel size", fix="export it again")
    down, across = piece.spacing
    turn, first = piece.turn, piece.position
    if len(frame) > 1:
        through = (frame[-1].position - first) / (len(frame) - 1)
    else:
        through = np.cross(turn[:3], turn[3:]) * piece.thickness
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = turn[:3] * across, turn[3:] * down
    affine[:3, 2], affine[:3, 3] = through, first
    # DICOM counts to the left and back, NIfTI to the right and front.
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _at(piece: Slice) -> float:
    return piece.at
