"""How does a series of volumes become a dataset, whatever file it came from?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, FileProblem, Job, fingerprint, stop_if_cancelled
from partwise_pet.times import FrameTable, injection_note

__all__ = ["Scan", "collect_frames", "dataset_of", "oblique_note", "orientation_of"]

_IN_MEMORY = 1 << 28  # bytes; larger series are mapped, from their own file or a temporary one
_MOST_VALUES = 1 << 34
_OBLIQUE_DEG = 1.0
_UNDIRECTED = "The file does not say which way round the body lies; left and right are not marked."
_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True, eq=False)
class Scan:
    """What a reader found out.

    Attributes
    ----------
    path : Path
    values : float32, shape (frames, z, y, x)
    below : int
        How many values are below zero.
    affine : float64, shape (4, 4)
        From indices x, y, z to mm, right-anterior-superior.
    directed : bool
        Whether the file says which way round the body lies; else sizes are all that is known.
    frames : FrameTable, FileProblem or None
        What is wrong with what says the times; None where nothing does.
    unit : str
    facts : mapping
        ``tracer``, ``half_life_s``, ``decay_corrected``, ``dose_bq``, ``weight_kg``, and
        ``injected_s`` and ``decay_reference_s`` on the clock of the frames: those known.
    notes : tuple of str
    beside : tuple of Path
        Further files that were read.
    """

    path: Path
    values: NDArray[np.float32]
    below: int
    affine: NDArray[np.float64]
    frames: FrameTable | FileProblem | None
    unit: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    directed: bool = True
    beside: tuple[Path, ...] = ()


def collect_frames(
    path: Path,
    shape: tuple[int, int, int, int],
    frame: Callable[[int], NDArray[Any]],
    job: Job,
    mapped: Callable[[], NDArray[np.float32]] | None = None,
) -> tuple[NDArray[np.float32], int]:
    """Gather frames (z, y, x) one by one; on disk where they are more than fit comfortably.

    Parameters
    ----------
    path : Path
    shape : (frames, z, y, x)
    frame : callable
        Reads the frame of a place; they are asked for in order.
    job : Job
    mapped : callable, optional
        Maps the values as the file holds them, where it holds just what `frame` reads.

    Returns
    -------
    values : float32, shape (frames, z, y, x)
    below : int
        How many of them are below zero.

    Raises
    ------
    FileProblem
        A size that no scanner makes, or numbers that are not finite.
    """
    size = int(np.prod([int(n) for n in shape], dtype=object))
    if not 0 < size <= _MOST_VALUES:
        words = " × ".join(str(n) for n in shape)
        raise FileProblem(path, f"claims {words} values", fix="export the series again")
    large = 4 * size > _IN_MEMORY
    below = 0
    with _spool_for(large and mapped is None) as spool:
        kept = None if large else np.empty(shape, np.float32)
        for place in range(shape[0]):
            stop_if_cancelled(job)
            job.report(place / shape[0], "Reading the frames")
            values = np.asarray(frame(place), np.float32)
            if not np.isfinite(values).all():
                raise FileProblem(
                    path,
                    f"has values that are no numbers (NaN or infinite) in frame {place + 1}",
                    fix="export it again, or set them to zero outside of the field of view",
                )
            below += int(np.count_nonzero(values < 0))
            if kept is not None:
                kept[place] = values
            elif spool is not None:
                _write(path, spool, values, 4 * size)
        if kept is not None:
            return kept, below
        if spool is None:
            assert mapped is not None
            return mapped(), below
        return np.memmap(spool, dtype=np.float32, mode="r", shape=shape), below


@contextmanager
def _spool_for(wanted: bool) -> Iterator[Any]:
    if not wanted:
        yield None
        return
    with tempfile.TemporaryFile(prefix="partwise-pet-") as spool:
        yield spool


def _write(path: Path, spool: Any, values: NDArray[np.float32], whole: int) -> None:
    # Written, not mapped: what was written leaves memory as the system needs it.
    try:
        spool.write(np.ascontiguousarray(values).data)
        spool.flush()
    except OSError as error:
        raise FileProblem(
            path,
            f"needs {whole / 1e9:.1f} GB for a temporary file ({error.strerror or error})",
            fix="free some room, or store it as plain float32 NIfTI (.nii), which needs none",
        ) from error


def dataset_of(scan: Scan) -> Dataset:
    """Make the dataset of a scan."""
    frames, nz, ny, nx = scan.values.shape
    if not np.isfinite(scan.affine).all():
        told = "The file does not say where its voxels lie; sizes are in voxels."
        scan = replace(scan, affine=np.eye(4), notes=(*scan.notes, told), directed=False)
    elif not scan.directed:
        scan = replace(scan, notes=(*scan.notes, _UNDIRECTED))
    elif tilted := oblique_note(scan.affine):
        scan = replace(scan, notes=(*scan.notes, tilted))
    table = scan.frames if isinstance(scan.frames, FrameTable) else None
    notes = [*scan.notes, *(table.notes if table is not None else ())]
    if table is None:
        why = "No file says when the frames were taken"
        if isinstance(scan.frames, FileProblem):
            why = f"{scan.frames.path.name} {scan.frames.what}"
        notes.insert(0, f"{why}; the series is shown, and not analysed.")
    elif told := injection_note(float(table.spans[0, 0]), scan.facts.get("injected_s")):
        notes.append(told)
    meta: dict[str, object] = {
        "modality": "PET",
        "unit": scan.unit,
        "orientation": orientation_of(scan.affine) if scan.directed else "",
        "affine": [[float(v) for v in row] for row in scan.affine],
        "frames": table.spans.tolist() if table is not None else None,
        "timing": table.source if table is not None else "unknown",
        "negative_share": scan.below / scan.values.size,
        "notes": notes,
        **scan.facts,
    }
    if isinstance(scan.frames, FileProblem):
        meta["timing_problem"] = [str(scan.frames.path), scan.frames.what, scan.frames.fix]
    # Frames are not evenly spaced: an axis of frames, never one of time with a step.
    time = Axis("frame", frames, "", 1, 1)
    axes = (time, *_space(scan.affine, (nz, ny, nx)))
    return Dataset(
        "volume",
        scan.path.name,
        axes,
        values=scan.values,
        source=fingerprint(scan.path),
        meta=meta,
        beside=tuple(fingerprint(path) for path in scan.beside),
    )


def orientation_of(affine: NDArray[np.float64]) -> str:
    """Return where index grows along x, y and z ("RAS"), by the nearest directions of the body.

    Empty where two axes are nearest to the same direction, or a direction is lost.
    """
    turn = np.asarray(affine, np.float64)[:3, :3]
    length = np.linalg.norm(turn, axis=0)
    if not np.isfinite(turn).all() or (length <= 0).any():
        return ""
    turn = turn / length
    letters = ""
    for column in turn.T:
        along = int(np.argmax(np.abs(column)))
        letters += _LETTERS[along][int(column[along] > 0)]
    kinds = {next(k for k, pair in enumerate(_LETTERS) if one in pair) for one in letters}
    return letters if len(kinds) == 3 else ""


def oblique_note(affine: NDArray[np.float64]) -> str:
    """Say that the axes of a volume are not those of the body; empty where they are."""
    turn = affine[:3, :3] / np.maximum(np.linalg.norm(affine[:3, :3], axis=0), 1e-12)
    tilt = float(np.degrees(np.arccos(np.clip(np.abs(turn).max(axis=0), 0, 1))).max())
    if tilt < _OBLIQUE_DEG:
        return ""
    if not orientation_of(affine):
        return (
            f"The slices lie {tilt:.0f}° oblique to the body, so that none of its directions is "
            "that of an axis; left and right are not marked."
        )
    return (
        f"The slices lie up to {tilt:.0f}° oblique to the body; R, L, A, P, S and I mark the "
        "nearest directions."
    )


def _space(affine: NDArray[np.float64], shape: tuple[int, int, int]) -> tuple[Axis, ...]:
    found = []
    for name, size, column in zip("zyx", shape, (2, 1, 0), strict=True):
        along = affine[:3, column]
        step = float(np.linalg.norm(along)) or 1.0
        main = int(np.argmax(np.abs(along)))
        straight = abs(along[main]) > 0.999 * step
        start = float(affine[main, 3]) if straight else 0.0
        step = float(along[main]) if straight else step
        found.append(Axis(name, size, "mm", step, start))
    return tuple(found)
