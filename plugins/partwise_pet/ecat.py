"""ECAT 7: a main header, a directory of frames, and a subheader with times for each."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem, Job, LocalJob
from partwise_pet.times import checked_frames, tried
from partwise_pet.volumes import Scan, collect_frames, dataset_of

__all__ = ["load_ecat", "probe_ecat"]

_MAGIC = b"MATRIX7"
_ON_THE_BACK = (2, 3)  # feet first, head first
_UNITS = {0: "ECAT counts", 1: "Bq/mL"}  # of values that are not, and that are, calibrated


def probe_ecat(path: Path) -> float:
    """Return how surely this is an ECAT 7 volume."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return 0.0
    if head.startswith(_MAGIC):
        return 0.95
    return 0.05 if path.suffix.lower() == ".v" else 0.0


def load_ecat(path: Path, job: Job | None = None) -> Dataset:
    """Read a dynamic ECAT 7 series; times are those of its subheaders, in ms there.

    Raises
    ------
    FileProblem
    """
    path = Path(path)
    with path.open("rb") as file:
        image = _opened(path, file)
        subs = image.get_subheaders()
        order = _order(path, subs)
        if len(order) < 2:
            raise FileProblem(path, "holds one frame", fix="open a series of at least two frames")
        shape = _shape(path, subs, order)
        values, below = collect_frames(
            path, (len(order), *shape[::-1]), _Reader(path, subs, order), job or LocalJob()
        )
    heads = [subs.subheaders[k] for k in order]
    frames = tried(
        lambda: checked_frames(
            path,
            [float(h["frame_start_time"]) / 1e3 for h in heads],
            [float(h["frame_duration"]) / 1e3 for h in heads],
            len(order),
            "ECAT subheaders",
        )
    )
    header = image.header
    return dataset_of(
        Scan(
            path,
            values,
            below,
            np.asarray(subs.get_frame_affine(order[0]), np.float64),
            frames,
            _unit(header),
            _facts(header, heads),
            (),
            # How a body lies otherwise, the library turns as if it lay on its back.
            directed=int(header["patient_orientation"]) in _ON_THE_BACK,
        )
    )


class _Reader:
    """Reads one frame, shape (z, y, x)."""

    def __init__(self, path: Path, subs: Any, order: list[int]) -> None:
        self._path, self._subs, self._order = path, subs, order

    def __call__(self, place: int) -> NDArray[Any]:
        try:
            frame = self._subs.data_from_fileobj(self._order[place])
        except (OSError, ValueError, EOFError, KeyError) as error:
            raise _damaged(self._path, error) from error
        return np.asarray(frame, np.float64).T


def _opened(path: Path, file: BinaryIO) -> Any:
    holder = importlib.import_module("nibabel.fileholders").FileHolder(fileobj=file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of affines that differ; we look ourselves
            # The general loader of the library does not know the format by its name, and the
            # format's own would leave the file open.
            return _library().EcatImage.from_file_map({"header": holder, "image": holder})
    except Exception as error:
        raise _damaged(path, error) from error


def _library() -> Any:
    return importlib.import_module("nibabel.ecat")


def _order(path: Path, subs: Any) -> list[int]:
    """Subheaders in the order of frames."""
    try:
        frames = _library().get_frame_order(subs._mlist)
        found = [int(frames[k][0]) for k in sorted(frames)]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    if not found or max(found) >= len(subs.subheaders):
        raise _damaged(path, ValueError("its directory names frames that are not there"))
    return found


def _shape(path: Path, subs: Any, order: list[int]) -> tuple[int, int, int]:
    shapes = {tuple(int(n) for n in subs.get_shape(k)) for k in order}
    if len(shapes) > 1:
        raise FileProblem(path, "has frames of different sizes", fix="export it frame by frame")
    x, y, z = shapes.pop()
    if min(x, y, z) < 1:
        raise FileProblem(path, f"claims {x} × {y} × {z} voxels", fix="copy or export it again")
    # A size that the file cannot hold is refused before memory is asked for.
    if 2 * x * y * z * len(order) > path.stat().st_size:
        raise FileProblem(
            path, "ends before its last frame", fix="the file is cut; copy or export it again"
        )
    return x, y, z


def _unit(header: Any) -> str:
    told = _words(header["data_units"])
    return told or _UNITS.get(int(header["calibration_units"]), "")


def _facts(header: Any, heads: list[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    tracer = _words(header["radiopharmaceutical"])
    if tracer:
        facts["tracer"] = tracer
    half = float(header["isotope_halflife"])
    if np.isfinite(half) and half > 1:
        facts["half_life_s"] = half
    factors = np.array([float(h["decay_corr_fctr"]) for h in heads])
    if np.isfinite(factors).all() and (factors > 1.0).any():
        facts["decay_corrected"] = True
    weight = float(header["patient_weight"])
    if np.isfinite(weight) and 0 < weight < 1000:
        facts["weight_kg"] = weight
    dose = float(header["dosage"])
    if np.isfinite(dose) and dose > 0:
        facts["dose_as_told"] = dose  # the format does not say its unit
    return facts


def _words(field: Any) -> str:
    raw = field.item() if hasattr(field, "item") else field
    text = raw.split(b"\0")[0].decode("ascii", "replace") if isinstance(raw, bytes) else str(raw)
    return text.strip()[:60]


def _damaged(path: Path, error: Exception) -> FileProblem:
    words = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
    return FileProblem(
        path, f"is a damaged or cut ECAT file ({words})", fix="copy or export it again"
    )
