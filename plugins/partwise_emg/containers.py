"""How are C3D and EDF files opened? Signals, names and events, and no person's name."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = ["MOST_VALUES", "Recording", "Trial", "read_c3d", "read_edf"]

Array = NDArray[np.floating[Any]]

MOST_VALUES = 500_000_000
_STRIKE = re.compile(r"strike|touch|contact|heel.?on", re.I)
_OFF = re.compile(r"(foot|toe|lift).?.?off", re.I)


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
            if int(sizes.max()) * len(taken) > MOST_VALUES:
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
