"""NIfTI with a BIDS-PET sidecar: what does the file hold, and what stands beside it?

Times come from the sidecar alone. The header's own time step (pixdim[4]) is one number for all
frames and often the converter's default; it is shown where it contradicts, and never used.
"""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem, Job, LocalJob
from partwise_pet.placed import Placed, placed
from partwise_pet.times import FrameTable, frames_of_sidecar, pixdim_note, read_sidecar
from partwise_pet.volumes import Scan, collect_frames, dataset_of

__all__ = ["load_mask", "load_nifti", "probe_nifti"]

_WHOLE = 1e-3  # what a stored slope leaves of a whole number
_OFF = 0.02  # of a half-life; tables differ by less
_WIDEST = 30.0  # mm of a filter; a cutoff in other units is none
_MAGIC = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")
_LONGEST_S = 48 * 3600.0
_PIECE = 1 << 24  # bytes
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
    header = path.with_suffix(".hdr")
    if path.suffix.lower() == ".img" and header.is_file():
        path = header  # which is where such a pair says what it is
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


def load_nifti(path: Path, job: Job | None = None) -> Dataset:
    """Read a dynamic series and its sidecar.

    Raises
    ------
    FileProblem
        Damaged, or no series of volumes. A sidecar whose times cannot be is told with the series.
    """
    path = Path(path)
    image = _opened(path)
    shape = tuple(int(n) for n in image.shape)
    while len(shape) > 4 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 4 or shape[3] < 2:
        words = " × ".join(str(n) for n in shape)
        raise FileProblem(
            path, f"is no dynamic series ({words})", fix="open a series of at least two frames"
        )
    sidecar = _sidecar(path)
    told: dict[str, Any] = {}
    frames: FrameTable | FileProblem | None = None
    notes: list[str] = []
    if sidecar is not None:
        try:
            told = read_sidecar(sidecar)
            frames = frames_of_sidecar(sidecar, told, shape[3])
        except FileProblem as problem:
            frames = problem
        else:
            unit = image.header.get_xyzt_units()[1]
            step = float(image.header.get_zooms()[3]) * _PER_S.get(unit, 1.0)
            notes += [
                note for note in (pixdim_note(step, frames.spans), _half_life(told)[1]) if note
            ]
    with _Reader(path, image, shape) as reader:
        values, below = collect_frames(
            path, shape[::-1], reader.frame, job or LocalJob(), reader.mapping()
        )
    return dataset_of(
        Scan(
            path,
            values,
            below,
            np.asarray(image.affine, np.float64),
            frames,
            _unit(told),
            _facts(told),
            tuple(notes),
            directed=_directed(image),
            beside=(*_halves(path, image), *([sidecar] if sidecar is not None else [])),
        )
    )


def load_mask(
    path: Path, shape: tuple[int, int, int], affine: object = None, *, labels: bool = False
) -> tuple[NDArray[np.int64], str]:
    """Read a volume of whole numbers (labels or a mask), and bring it to the voxels of a series.

    Parameters
    ----------
    path : Path
    shape : (z, y, x)
        Of the series.
    affine : list of list of float, or None
        From the series' indices x, y, z to mm; None where no file says it.
    labels : bool
        A mask may hold fractions, which are rounded; labels may not.

    Returns
    -------
    values : int64, shape (z, y, x)
    note : str
        What is odd about where it lies; empty where nothing is.

    Raises
    ------
    FileProblem
        Damaged, of another shape, or labels that are no whole numbers.
    """
    path = Path(path)
    image = _opened(path)
    found = tuple(int(n) for n in image.shape)
    while len(found) > 3 and found[-1] == 1:
        found = found[:-1]
    wanted = shape[::-1]
    own = np.asarray(image.affine, np.float64) if _directed(image) else None
    known = None if affine is None else np.asarray(affine, np.float64)
    place = placed(own, found, known, wanted) if len(found) == 3 else Placed()
    if len(found) != 3 or tuple(found[k] for k in place.axes) != wanted:
        words, series = (" × ".join(str(n) for n in each) for each in (found, wanted))
        raise FileProblem(path, f"holds {words} voxels, the series {series}", fix="resample it")
    with _Reader(path, image, (*found, 1)) as reader:
        values = place.turned(reader.frame(0))
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > 1 << 20:
        raise FileProblem(path, "holds no labels", fix="give a volume of small whole numbers")
    whole = np.rint(values)
    between = np.abs(values - whole)
    if labels and between.max(initial=0) > _WHOLE:
        raise FileProblem(
            path,
            f"holds {values.flat[between.argmax()]:g} where labels are whole numbers",
            fix="resample labels to the nearest voxel, without mixing them",
        )
    return whole.astype(np.int64), place.note(path.name)


def _directed(image: Any) -> bool:
    """Whether a file says where its voxels lie, and not its reader."""
    return any(int(image.header[code]) > 0 for code in ("sform_code", "qform_code"))


class _Reader:
    """Reads one frame after the other, packed or not, and no more than one at a time.

    Parameters
    ----------
    path : Path
    image : Nifti1Pair
    shape : (x, y, z, frames)
    """

    def __init__(self, path: Path, image: Any, shape: tuple[int, ...]) -> None:
        proxy = image.dataobj
        self._path, self._image, self._shape = path, image, shape
        self._dtype, self._offset = np.dtype(proxy.dtype), int(proxy.offset)
        slope, shift = proxy.slope, proxy.inter
        self._slope = float(slope if slope is not None else 1.0)
        self._shift = float(shift if shift is not None else 0.0)
        self._file: Any = None
        self._next = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def frame(self, place: int) -> NDArray[np.float32]:
        """Return a frame (z, y, x); raises `FileProblem`."""
        x, y, z = self._shape[:3]
        size = x * y * z * self._dtype.itemsize
        try:
            if self._file is None:
                holder = self._image.file_map["image"]
                self._file = holder.get_prepare_fileobj("rb")
            if place != self._next:
                self._file.seek(self._offset + place * size)
            data = self._read(size)
            if place + 1 == self._shape[3]:
                self._check_end()
        except (gzip.BadGzipFile, OSError, EOFError, ValueError, zlib.error) as error:
            raise _damaged(self._path, error) from error
        self._next = place + 1
        raw = np.frombuffer(data, self._dtype).reshape(z, y, x)
        if self._slope == 1.0 and self._shift == 0.0:
            return np.asarray(raw, np.float32)
        # In double, as one rounding of large counts times a slope would be seen.
        return np.asarray(raw.astype(np.float64) * self._slope + self._shift, dtype=np.float32)

    def mapping(self) -> Callable[[], NDArray[np.float32]] | None:
        """Return what maps the file's own values; None where they are packed or scaled."""
        file = Path(str(self._image.file_map["image"].filename))
        plain = self._dtype == np.dtype("<f4") and self._slope == 1.0 and self._shift == 0.0
        if not plain or sys.byteorder != "little" or file.suffix not in (".nii", ".img"):
            return None

        def mapped() -> NDArray[np.float32]:
            return np.memmap(
                file, np.float32, mode="r", offset=self._offset, shape=self._shape[::-1]
            )

        return mapped

    def _check_end(self) -> None:
        """Read on to the end: only there a packed file tells whether its voxels are as packed."""
        try:
            while self._file.read(_PIECE):
                pass
        except gzip.BadGzipFile as error:
            if "CRC" in str(error) or "length" in str(error):
                raise
            # What was hung on to the end is no voxel.

    def _read(self, size: int) -> bytearray:
        data = bytearray()
        # In pieces: a packed file may claim more than it holds, and memory is not asked for that.
        while len(data) < size:
            piece = self._file.read(min(size - len(data), _PIECE))
            if not piece:
                raise EOFError(f"its voxels end {size - len(data):,} bytes early")
            data += piece
        return data


def _opened(path: Path) -> Any:
    """The image, its header read and checked."""
    import nibabel

    image: Any
    try:
        image = nibabel.load(path)
        if not isinstance(image, nibabel.Nifti1Pair):
            raise FileProblem(path, "is no NIfTI file", fix="convert it to NIfTI")
        proxy: Any = image.dataobj
        kind = np.dtype(proxy.dtype)
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
        raise _damaged(path, error) from error
    if kind.kind not in "fiu":
        raise FileProblem(path, f"holds {kind}, no plain numbers", fix="export it as float32")
    return image


def _damaged(path: Path, error: Exception) -> FileProblem:
    words = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
    return FileProblem(
        path, f"is a damaged or cut NIfTI file ({words})", fix="copy or export it again"
    )


def _halves(path: Path, image: Any) -> list[Path]:
    """The other file of an image whose header stands by itself (.hdr and .img)."""
    files = {Path(str(each.filename)) for each in image.file_map.values() if each.filename}
    return sorted(file for file in files if file.is_file() and not file.samefile(path))


def _sidecar(path: Path) -> Path | None:
    name = path.name
    for suffix in (".nii.gz", ".nii", ".hdr", ".img"):
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
    half, _ = _half_life(told)
    if half is not None:
        facts["half_life_s"] = half
    facts |= _filter(told)
    corrected = told.get("ImageDecayCorrected")
    if isinstance(corrected, bool):
        facts["decay_corrected"] = corrected
    dose, unit = told.get("InjectedRadioactivity"), str(told.get("InjectedRadioactivityUnits", ""))
    per = {"bq": 1.0, "kbq": 1e3, "mbq": 1e6, "gbq": 1e9}.get(unit.strip().lower())
    if isinstance(dose, int | float) and dose > 0 and per:
        facts["dose_bq"] = float(dose) * per
    for name, key in (
        ("InjectionStart", "injected_s"),
        ("ImageDecayCorrectionTime", "decay_reference_s"),
    ):
        at = told.get(name)
        if isinstance(at, int | float) and not isinstance(at, bool) and abs(at) < _LONGEST_S:
            facts[key] = float(at)
    weight = told.get("BodyWeight")
    if isinstance(weight, int | float) and 0 < weight < 1000:
        facts["weight_kg"] = float(weight)
    return facts


def _half_life(told: dict[str, Any]) -> tuple[float | None, str]:
    """The half-life in s, and what is odd about it: that of the nuclide where both are named."""
    nuclide = str(told.get("TracerRadionuclide", "")).replace("-", "").strip()
    # 11C or C11; 18F has one letter, 68Ga two.
    nuclide = re.sub(r"(\d+)([A-Za-z]+)", r"\2\1", nuclide).capitalize()
    known = _HALF_LIVES.get(nuclide)
    try:
        half = float(told["RadionuclideHalfLife"])
    except (KeyError, TypeError, ValueError):
        return known, ""
    if not 1.0 < half < 1e8:
        return known, ""
    if known is not None and abs(half / known - 1) > _OFF:
        odd = f"RadionuclideHalfLife is {half:g} s; that of {nuclide}, {known:g} s, was taken."
        return known, odd
    return half, ""


def _filter(told: dict[str, Any]) -> dict[str, Any]:
    """The filter after reconstruction: the widest that is told in mm (FWHM), 0 for none."""
    kinds, sizes = (
        value if isinstance(value, list) else [value]
        for value in (told.get("ReconFilterType"), told.get("ReconFilterSize"))
    )
    words = [kind.strip().lower() for kind in kinds if isinstance(kind, str) and kind.strip()]
    widths = [
        float(size)
        for size in sizes
        if isinstance(size, int | float) and not isinstance(size, bool) and 0 <= size <= _WIDEST
    ]
    if widths:
        return {"filter_mm": max(widths)}
    return {"filter_mm": 0.0} if words and all(word == "none" for word in words) else {}
