"""What do the arrays of a MATLAB or NumPy file mean? Trials, factors, or a table with names."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem
from partwise_emg.containers import MOST_VALUES, Recording, Trial
from partwise_emg.matlab import members_of

__all__ = ["muscles_of", "read_mat", "read_npz"]

Array = NDArray[np.floating[Any]]

_LABELS = ("muscles", "labels", "channels", "names", "label", "channel_names", "muscle_names")
_RATES = ("fs", "rate", "freq", "srate", "sampling_rate", "samplerate", "fs_hz", "rate_hz")
_DATA = ("emg", "data", "x", "signals", "v", "values")


def read_mat(path: Path) -> Recording | list[Trial]:
    """Read the largest table of a MATLAB file, versions 5 to 7.3; see `_from_members`.

    Raises
    ------
    FileProblem
    """
    with path.open("rb") as file:
        head = file.read(128)
    if head.startswith((b"MATLAB 7.3", b"\x89HDF")):
        return _from_members(path, members_of(path))
    import scipy.io

    try:
        found = scipy.io.loadmat(str(path), squeeze_me=True, mat_dtype=False)
    except Exception as error:
        raise FileProblem(
            path, "is a damaged or cut MATLAB file", fix="save it again with save(name, '-v7')"
        ) from error
    members = {name: value for name, value in found.items() if not name.startswith("__")}
    return _from_members(path, members)


def read_npz(path: Path) -> Recording | list[Trial]:
    """Read a NumPy archive: one recording, or trials under ``<name>/V``; see `_from_members`.

    Raises
    ------
    FileProblem
    """
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(item.file_size for item in archive.infolist())
            if total > 8 * MOST_VALUES:
                raise FileProblem(path, f"unpacks to {total / 2**30:.1f} GiB", fix="save less")
        with np.load(path, allow_pickle=False) as members:
            held = {name: members[name] for name in members.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(
            path, "is a damaged NumPy archive, or holds Python objects", fix="save plain arrays"
        ) from error
    return _from_members(path, held)


def _from_members(path: Path, members: Mapping[str, Any]) -> Recording | list[Trial]:
    """Find what is what: trials ``<name>/V``, factors ``<name>/n<rank>/W`` and ``C``, or a table.

    A table is muscles × samples or samples × muscles, told by the names of muscles or else by
    which way is longer; (trials, muscles, samples) are trials.
    """
    arrays = {name: np.asarray(value) for name, value in members.items()}
    trials = [
        Trial(name.removesuffix("/V"), _table(path, value))
        for name, value in arrays.items()
        if name.endswith("/V")
    ]
    trials = trials or _from_factors(arrays)
    if trials:
        return trials
    labels = _labels_in(arrays)
    rate = next(
        (float(v.ravel()[0]) for k, v in arrays.items() if k.lower() in _RATES and v.size == 1), 0.0
    )
    tables = {k: v for k, v in arrays.items() if v.dtype.kind in "fiu" and v.ndim in (2, 3)}
    named = [k for k in tables if k.lower() in _DATA]
    name = max(named or tables, key=lambda k: tables[k].size, default="")
    if not name:
        raise FileProblem(path, "holds no table of signals", fix="save muscles × samples as V")
    table = tables[name]
    if table.ndim == 3:
        subjects = arrays.get("subjects", arrays.get("trials", np.arange(1, len(table) + 1)))
        return [
            Trial(str(who), _table(path, each)) for who, each in zip(subjects, table, strict=False)
        ]
    table = _table(path, table)
    if (len(labels) != len(table) and len(labels) == table.shape[1]) or (
        not labels and table.shape[0] > table.shape[1]
    ):
        table = table.T
    if len(labels) != len(table):
        labels = tuple(f"Channel {k}" for k in range(1, len(table) + 1))
    return Recording(np.ascontiguousarray(table), labels, rate, events=_stored_events(arrays))


def _stored_events(arrays: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, list[float]]]:
    """Events beside the signals, as arrays ``touchdown_s`` and ``liftoff_s``."""
    found = {
        kind: [float(v) for v in arrays[f"{kind}_s"].ravel() if np.isfinite(v)]
        for kind in ("touchdown", "liftoff")
        if f"{kind}_s" in arrays and arrays[f"{kind}_s"].dtype.kind in "fiu"
    }
    if len(found.get("touchdown", ())) < 2:
        return {}
    return {"General": {"touchdown": found["touchdown"], "liftoff": found.get("liftoff", [])}}


def muscles_of(members: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of muscles that an archive carries."""
    return _labels_in({name: np.asarray(value) for name, value in members.items()})


def _from_factors(arrays: Mapping[str, NDArray[Any]]) -> list[Trial]:
    """Rebuild trials from stored factors, of the highest rank there is."""
    best: dict[str, int] = {}
    for name in arrays:
        match = re.fullmatch(r"(.+)/n(\d+)/W", name)
        if match and f"{match[1]}/n{match[2]}/C" in arrays:
            best[match[1]] = max(best.get(match[1], 0), int(match[2]))
    found = []
    for name, rank in best.items():
        W, C = arrays[f"{name}/n{rank}/W"], arrays[f"{name}/n{rank}/C"]
        found.append(Trial(name, np.asarray(W, np.float64) @ np.asarray(C, np.float64)))
    return found


def _table(path: Path, values: NDArray[Any]) -> Array:
    if values.ndim != 2 or values.dtype.kind not in "fiu" or values.size > MOST_VALUES:
        raise FileProblem(
            path, f"holds {values.dtype} of shape {values.shape}", fix="save muscles × samples"
        )
    return np.asarray(values, dtype=np.float64)


def _labels_in(arrays: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    for name, value in arrays.items():
        if name.lower() in _LABELS and value.dtype.kind in "USO" and value.ndim <= 2:
            given = np.atleast_1d(value.squeeze())
            return tuple(str(np.asarray(each).ravel()[0]).strip() for each in given)
    return ()
