"""NIfTI with a BIDS-PET sidecar: what does the file hold, and what stands beside it?

Times come from the sidecar alone. The header's own time step (pixdim[4]) is one number for all
frames and often the converter's default; it is shown where it contradicts, and never used.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem
from partwise_pet.times import FrameTable, frames_of_sidecar, pixdim_note, read_sidecar
from partwise_pet.volumes import Scan, collect_frames, dataset_of

__all__ = ["load_mask", "load_nifti", "probe_nifti"]

_MAGIC = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")
_PER_S = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_HALF_LIVES = {  # s; Laboratoire National Henri Becquerel, recommended data
    "C11": 1221.8,
    "N13": 597.9,
    "O15": 122.24,
    "F18": 6586.2,
    "Cu64": 45721.0,
    "Ga68": 4069.8,
    "Rb82": 75.45,
    "Zr89": 282276.0,
}


def probe_nifti(path: Path) -> float:
    """Return how surely this is a NIfTI series."""
    named = path.name.lower().endswith((".nii", ".nii.gz"))
    try:
        with path.open("rb") as file:
            head = file.read(1 << 12)
        if head.startswith(b"\x1f\x8b"):
            head = zlib.decompressobj(31).decompress(head, 4096)
    except (OSError, zlib.error):
        return 0.05 if named else 0.0
    if head[344:348] in _MAGIC or head[4:8] in _MAGIC:
        return 0.9
    return 0.05 if named else 0.0


def load_nifti(path: Path) -> Dataset:
    """Read a dynamic series and its sidecar.

    Raises
    ------
    FileProblem
        Damaged, no series of volumes, or a sidecar whose times cannot be.
    """
    path = Path(path)
    image, raw = _opened(path)
    if raw.ndim != 4 or raw.shape[3] < 2:
        shape = " × ".join(str(n) for n in raw.shape)
        raise FileProblem(
            path, f"is no dynamic series ({shape})", fix="open a series of at least two frames"
        )
    count = raw.shape[3]
    slope, offset = _scaling(image)
    values = collect_frames(
        path,
        (count, raw.shape[2], raw.shape[1], raw.shape[0]),
        lambda k: _scaled(raw[..., k], slope, offset),
    )
    sidecar = _sidecar(path)
    told = read_sidecar(sidecar) if sidecar is not None else {}
    frames: FrameTable | None = None
    notes: list[str] = []
    if sidecar is not None:
        frames = frames_of_sidecar(sidecar, told, count)
        unit = image.header.get_xyzt_units()[1]
        step = float(image.header.get_zooms()[3]) * _PER_S.get(unit, 1.0)
        note = pixdim_note(step, frames.spans)
        notes += [note] if note else []
    return dataset_of(
        Scan(
            path,
            values,
            np.asarray(image.affine, np.float64),
            frames,
            _unit(told),
            _facts(told),
            tuple(notes),
        )
    )


def load_mask(path: Path, shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """Read a volume of whole numbers (labels or a mask), shape (z, y, x).

    Raises
    ------
    FileProblem
        Damaged, or of another shape.
    """
    path = Path(path)
    image, raw = _opened(path)
    slope, offset = _scaling(image)
    while raw.ndim > 3 and raw.shape[-1] == 1:
        raw = raw[..., 0]
    if raw.shape != shape[::-1]:
        words = " × ".join(str(n) for n in raw.shape)
        wanted = " × ".join(str(n) for n in shape[::-1])
        raise FileProblem(path, f"holds {words} voxels, the series {wanted}", fix="resample it")
    values = _scaled(raw, slope, offset)
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > 1 << 20:
        raise FileProblem(path, "holds no labels", fix="give a volume of small whole numbers")
    return np.rint(values).astype(np.int64)


def _opened(path: Path) -> tuple[Any, NDArray[Any]]:
    """The image and its raw numbers: mapped where the file is not packed."""
    import nibabel

    image: Any
    try:
        image = nibabel.load(path)
        if not isinstance(image, nibabel.Nifti1Pair):
            raise FileProblem(path, "is no NIfTI file", fix="convert it to NIfTI")
        proxy: Any = image.dataobj
        raw = proxy.get_unscaled()
    except (
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        gzip.BadGzipFile,
        OSError,
        EOFError,
        ValueError,
        zlib.error,
        OverflowError,
        MemoryError,
    ) as error:
        if isinstance(error, FileProblem):
            raise
        words = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise FileProblem(
            path, f"is a damaged or cut NIfTI file ({words})", fix="copy or export it again"
        ) from error
    if raw.dtype.kind not in "fiu":
        raise FileProblem(path, f"holds {raw.dtype}, no plain numbers", fix="export it as float32")
    return image, raw


def _scaling(image: Any) -> tuple[float, float]:
    slope, offset = image.dataobj.slope, image.dataobj.inter
    return float(slope if slope is not None else 1.0), float(offset if offset is not None else 0.0)


def _scaled(raw: NDArray[Any], slope: float, offset: float) -> NDArray[np.float32]:
    # In double, as one rounding of large counts times a slope would be seen.
    return np.asarray((raw.astype(np.float64) * slope + offset).T, dtype=np.float32)


def _sidecar(path: Path) -> Path | None:
    name = path.name
    for suffix in (".nii.gz", ".nii"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    beside = path.with_name(f"{name}.json")
    return beside if beside.is_file() else None


def _unit(told: dict[str, Any]) -> str:
    unit = told.get("Units", "")
    if not isinstance(unit, str):
        return ""
    short = unit.strip()
    return "a.u." if short.lower().startswith("arbitrary") else short[:16]


def _facts(told: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    tracer = told.get("TracerName")
    if isinstance(tracer, str) and tracer.strip():
        facts["tracer"] = tracer.strip()[:60]
    nuclide = str(told.get("TracerRadionuclide", "")).replace("-", "").strip()
    nuclide = nuclide[-2:] + nuclide[:-2] if nuclide[:1].isdigit() else nuclide  # 11C, C11
    half = told.get("RadionuclideHalfLife", _HALF_LIVES.get(nuclide.capitalize()))
    if isinstance(half, int | float) and 1.0 < half < 1e8:
        facts["half_life_s"] = float(half)
    corrected = told.get("ImageDecayCorrected")
    if isinstance(corrected, bool):
        facts["decay_corrected"] = corrected
    dose, unit = told.get("InjectedRadioactivity"), str(told.get("InjectedRadioactivityUnits", ""))
    per = {"bq": 1.0, "kbq": 1e3, "mbq": 1e6, "gbq": 1e9}.get(unit.strip().lower())
    if isinstance(dose, int | float) and dose > 0 and per:
        facts["dose_bq"] = float(dose) * per
    weight = told.get("BodyWeight")
    if isinstance(weight, int | float) and 0 < weight < 1000:
        facts["weight_kg"] = float(weight)
    return facts
