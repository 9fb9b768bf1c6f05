"""How does a series of volumes become a dataset, whatever file it came from?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, FileProblem, fingerprint
from partwise_pet.times import FrameTable

__all__ = ["Scan", "collect_frames", "dataset_of"]

_IN_MEMORY = 1 << 30  # bytes; larger series lie in a temporary file and are mapped
_MOST_VOXELS = 1 << 34
_LETTERS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True, eq=False)
class Scan:
    """What a reader found out.

    Attributes
    ----------
    path : Path
    values : float32, shape (frames, z, y, x)
    affine : float64, shape (4, 4)
        From indices x, y, z to mm, right-anterior-superior.
    frames : FrameTable or None
        None where nothing says the times.
    unit : str
    facts : mapping
        ``tracer``, ``half_life_s``, ``decay_corrected``, ``dose_bq``, ``weight_kg``: those known.
    notes : tuple of str
    """

    path: Path
    values: NDArray[np.float32]
    affine: NDArray[np.float64]
    frames: FrameTable | None
    unit: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def collect_frames(
    path: Path, shape: tuple[int, int, int, int], frame: Callable[[int], NDArray[Any]]
) -> NDArray[np.float32]:
    """Gather frames (z, y, x) one by one; on disk where they are more than fit comfortably.

    Raises
    ------
    FileProblem
        A size that no scanner makes, or numbers that are not finite.
    """
    size = int(np.prod([int(n) for n in shape], dtype=object))
    if not 0 < size <= _MOST_VOXELS:
        words = " × ".join(str(n) for n in shape)
        raise FileProblem(path, f"claims {words} values", fix="export the series again")
    values: NDArray[np.float32]
    if 4 * size > _IN_MEMORY:
        with tempfile.TemporaryFile(prefix="partwise-pet-") as spool:
            spool.truncate(4 * size)
            values = np.memmap(spool, dtype=np.float32, mode="r+", shape=shape)
    else:
        values = np.empty(shape, np.float32)
    for place in range(shape[0]):
        values[place] = frame(place)
        if not np.isfinite(values[place]).all():
            raise FileProblem(
                path,
                f"has values that are no numbers (NaN or infinite) in frame {place + 1}",
                fix="export it again, or set them to zero outside of the field of view",
            )
    return values


def dataset_of(scan: Scan) -> Dataset:
    """Make the dataset of a scan."""
    frames, nz, ny, nx = scan.values.shape
    if not np.isfinite(scan.affine).all():
        told = "The file does not say where its voxels lie; sizes are in voxels."
        scan = replace(scan, affine=np.eye(4), notes=(*scan.notes, told))
    spans = scan.frames.spans if scan.frames is not None else None
    notes = [*scan.notes, *(scan.frames.notes if scan.frames is not None else ())]
    if spans is None:
        notes.insert(
            0, "No file says when the frames were taken; the series is shown, and not analysed."
        )
    below = int(np.count_nonzero(scan.values < 0))
    meta: dict[str, object] = {
        "modality": "PET",
        "unit": scan.unit,
        "orientation": orientation_of(scan.affine),
        "affine": [[float(v) for v in row] for row in scan.affine],
        "frames": [[float(a), float(b)] for a, b in spans] if spans is not None else None,
        "timing": scan.frames.source if scan.frames is not None else "unknown",
        "negative_share": below / scan.values.size,
        "notes": notes,
        **scan.facts,
    }
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
    )


def orientation_of(affine: NDArray[np.float64]) -> str:
    """Return where index grows along x, y and z ("RAS"); empty where axes are oblique or lost."""
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


def _space(affine: NDArray[np.float64], shape: tuple[int, int, int]) -> tuple[Axis, ...]:
    found = []
    for name, size, column in zip("zyx", shape, (2, 1, 0), strict=True):
        along = affine[:3, column]
        step = float(np.linalg.norm(along)) or 1.0
        main = int(np.argmax(np.abs(along)))
        straight = abs(along[main]) > 0.999 * step and main == column
        start = float(affine[main, 3]) if straight else 0.0
        step = float(along[main]) if straight else step
        found.append(Axis(name, size, "mm", step, start))
    return tuple(found)
