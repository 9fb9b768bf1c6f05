"""How are C3D, EDF, MAT and NPZ files opened? Signals, names and events, and no person's name."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = ["Recording", "Trial", "read_c3d", "read_edf", "read_mat", "read_npz"]

Array = NDArray[np.floating[Any]]

_MOST_VALUES = 500_000_000
_STRIKE = re.compile(r"strike|touch|contact|heel.?on", re.I)
_OFF = re.compile(r"(foot|toe|lift).?.?off", re.I)
_LABELS = ("muscles", "labels", "channels", "names", "label", "channel_names", "muscle_names")
_RATES = ("fs", "rate", "freq", "srate", "sampling_rate", "samplerate", "fs_hz", "rate_hz")
_DATA = ("emg", "data", "x", "signals", "v", "values")


@dataclass(frozen=True, eq=False)
class Recording:
    """Channels of one file: signals (channels, samples) at one rate.

    `events` maps a side to its touch-downs and lift-offs in seconds; `withheld` lists the header
    fields that were left unread because they may name a person. `cycle` is the length of cycles of
    envelopes that stand one after the other, 0 where none is known.
    """

    signals: Array
    labels: tuple[str, ...]
    rate_hz: float
    start_s: float = 0.0
    units: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    events: Mapping[str, Mapping[str, list[float]]] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cycle: int = 0


@dataclass(frozen=True, eq=False)
class Trial:
    """Envelopes of one trial that are ready to be factored: values (muscles, samples)."""

    name: str
    values: Array


def read_c3d(path: Path) -> Recording:
    """Read the analogue channels and gait events of a C3D file; subject fields are not kept.

    Raises
    ------
    FileProblem
        Damaged, or without analogue channels.
    """
    import ezc3d

    try:
        opened = ezc3d.c3d(str(path))
        parameters = opened["parameters"]
        analogs = np.asarray(opened["data"]["analogs"])[0]
        rate = float(opened["header"]["analogs"]["frame_rate"])
        points = float(opened["header"]["points"]["frame_rate"])
        first = int(opened["header"]["points"]["first_frame"])
    except (OSError, RuntimeError, ValueError, KeyError, IndexError, TypeError) as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise FileProblem(
            path, f"is a damaged or cut C3D file ({words[:100]})", fix="export it again"
        ) from error
    if not analogs.size:
        raise FileProblem(
            path, "holds no analogue channels", fix="export it with the EMG of the trial"
        )
    there, promised = np.asarray(opened["data"]["points"]).shape[-1], _c3d_frames(path)
    if there < promised:
        raise FileProblem(
            path,
            f"is cut: {there} of {promised} frames are there",
            fix="copy it again, or export it again",
        )
    labels = _texts(parameters, "ANALOG", "LABELS", len(analogs))
    start = first / points if points > 0 else 0.0
    return Recording(
        analogs,
        tuple(labels),
        rate,
        start,
        tuple(_texts(parameters, "ANALOG", "UNITS", len(analogs), "")),
        tuple(_texts(parameters, "ANALOG", "DESCRIPTIONS", len(analogs), "")),
        _c3d_events(parameters),
        ("SUBJECTS",) if "SUBJECTS" in parameters else (),
    )


def _c3d_frames(path: Path) -> int:
    """How many frames the header promises; 0 where it cannot say so.

    Words 4 and 5 are the first and the last frame, 16 bits each. The byte order is told by the
    processor type in the parameters; frames beyond 16 bits wrap, and promise nothing.
    """
    with path.open("rb") as file:
        header = file.read(512)
        file.seek((header[0] - 1) * 512 + 3)
        processor = file.read(1)
    order = ">" if processor == b"\x56" else "<"  # 84 Intel, 85 DEC, 86 MIPS
    first, last = struct.unpack(f"{order}2H", header[6:10])
    return last - first + 1 if 0 < first <= last < 0xFFFF else 0


def read_edf(path: Path) -> Recording:
    """Read the fastest channels of an EDF or BDF file; patient fields are not kept.

    Raises
    ------
    FileProblem
    """
    import pyedflib

    try:
        with pyedflib.EdfReader(str(path)) as file:
            rates = np.array(file.getSampleFrequencies(), dtype=np.float64)
            sizes = np.array(file.getNSamples())
            names = [str(name) for name in file.getSignalLabels()]
            units = [file.getPhysicalDimension(k) for k in range(len(names))]
            if not names:
                raise FileProblem(path, "holds no signals", fix="export it with its channels")
            rate = float(rates.max())
            taken = [k for k in range(len(names)) if rates[k] == rate and sizes[k] == sizes.max()]
            if int(sizes.max()) * len(taken) > _MOST_VALUES:
                raise FileProblem(path, "is too long for one analysis", fix="cut the trial out")
            signals = np.stack([file.readSignal(k) for k in taken])
            events = _edf_events(*file.readAnnotations()[::2])
    except FileProblem:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise FileProblem(
            path, f"is a damaged or cut EDF file ({words[:100]})", fix="export it again"
        ) from error
    slow = [names[k] for k in range(len(names)) if k not in taken]
    notes = (f"left out, as slower than {rate:g} Hz: {', '.join(slow)}",) if slow else ()
    return Recording(
        signals,
        tuple(names[k] for k in taken),
        rate,
        0.0,
        tuple(units[k] for k in taken),
        events=events,
        withheld=("patient", "recording"),
        notes=notes,
    )


def read_mat(path: Path) -> Recording | list[Trial]:
    """Read the largest table of a MATLAB file of version 5 to 7.

    Raises
    ------
    FileProblem
    """
    import scipy.io

    with path.open("rb") as file:
        head = file.read(128)
    if head.startswith((b"MATLAB 7.3", b"\x89HDF")):
        raise FileProblem(
            path,
            "is a MATLAB 7.3 file, which is not read here",
            fix="save it again with save(name, '-v7')",
        )
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
            if total > 8 * _MOST_VALUES:
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
    if values.ndim != 2 or values.dtype.kind not in "fiu" or values.size > _MOST_VALUES:
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


def _texts(
    parameters: Mapping[str, Any], group: str, name: str, count: int, empty: str | None = None
) -> list[str]:
    try:
        given = [str(value) for value in parameters[group][name]["value"]]
    except (KeyError, TypeError):
        given = []
    return [
        given[k].strip()
        if k < len(given) and given[k].strip()
        else (f"Channel {k + 1}" if empty is None else empty)
        for k in range(count)
    ]


def _c3d_events(parameters: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Foot strikes and foot offs by side; C3D stores minutes and seconds."""
    try:
        event = parameters["EVENT"]
        times = np.asarray(event["TIMES"]["value"], dtype=np.float64)
        labels = [str(v) for v in event["LABELS"]["value"]]
        sides = [str(v) for v in event["CONTEXTS"]["value"]]
    except (KeyError, TypeError, ValueError):
        return {}
    if times.ndim != 2 or times.shape[0] != 2:
        return {}
    seconds = 60 * times[0] + times[1]
    sides += ["General"] * (len(labels) - len(sides))
    return _sorted_events(list(zip(seconds.tolist(), labels, sides, strict=False)))


def _edf_events(onsets: Any, texts: Any) -> dict[str, dict[str, list[float]]]:
    found = []
    for onset, text in zip(onsets, texts, strict=False):
        words = str(text)
        side = "Left" if re.search(r"left|\bL\b", words, re.I) else "General"
        side = "Right" if re.search(r"right|\bR\b", words, re.I) else side
        found.append((float(onset), words, side))
    return _sorted_events(found)


def _sorted_events(found: list[tuple[float, str, str]]) -> dict[str, dict[str, list[float]]]:
    events: dict[str, dict[str, list[float]]] = {}
    for second, text, side in sorted(found):
        kind = "liftoff" if _OFF.search(text) else "touchdown" if _STRIKE.search(text) else ""
        if kind:
            events.setdefault(side, {"touchdown": [], "liftoff": []})[kind].append(second)
    return events
