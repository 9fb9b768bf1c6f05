"""What kind of recording is this file, and how does it become a dataset?"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, FileProblem, fingerprint
from partwise_emg.archives import muscles_of, read_mat, read_npz
from partwise_emg.channels import SLOWEST_HZ, Channel, find_channels
from partwise_emg.containers import Recording, Trial, read_c3d, read_edf
from partwise_emg.events import read_events
from partwise_emg.text import looks_like_samples, read_columns

__all__ = [
    "load_recording",
    "probe_arrays",
    "probe_c3d",
    "probe_edf",
    "probe_text",
]

_HEAD = (1 << 16) - 4096
_UNEVEN = 0.02  # of a step, beyond which samples are not evenly spaced
_MOST_CHANNELS = 512
_DOUBLE = 20_000_000  # values up to which nothing is gained by single precision


def probe_text(path: Path) -> float:
    """Return how surely this is a table of samples: time first, then muscles."""
    known = path.suffix.lower() in (".csv", ".tsv", ".tab", ".txt")
    channels = looks_like_samples(_head(path)) if known else 0
    # One channel beside time is hardly a recording of muscles.
    return 0.7 if channels > 1 else 0.3 if channels else 0.0


def probe_c3d(path: Path) -> float:
    """Return how surely this is a C3D file: its second byte is 0x50."""
    head = _head(path)
    named = path.suffix.lower() == ".c3d"
    if len(head) > 512 and head[1] == 0x50 and 1 < head[0] < 64:
        return 0.95 if named else 0.3
    return 0.1 if named else 0.0


def probe_edf(path: Path) -> float:
    """Return how surely this is an EDF or BDF file."""
    head = _head(path)
    named = path.suffix.lower() in (".edf", ".bdf", ".rec")
    if head[:8] == b"0       " or head[:8] == b"\xffBIOSEMI":
        return 0.9 if named else 0.6
    return 0.1 if named else 0.0


def probe_arrays(path: Path) -> float:
    """Return how surely this MAT or NPZ file holds muscles."""
    head = _head(path)
    if path.suffix.lower() == ".mat":
        return 0.5 if head.startswith((b"MATLAB", b"\x89HDF")) else 0.05
    if not head.startswith(b"PK\3\4"):
        return 0.0
    tail = _tail(path)
    named = re.search(rb"(muscles|emg)\.npy|/V\.npy|/n\d+/W\.npy", head + tail, re.I)
    return 0.8 if named else 0.0


def load_recording(path: Path) -> Dataset:
    """Read a recording into memory, without the names of persons.

    Returns
    -------
    Dataset
        Kind ``"traces"``, axes muscle and time. ``meta``: ``channels`` (label, unit, kind, why for
        every channel of the file), ``events`` by side, ``preprocessed`` (envelopes, no filter
        needed), ``trials`` (name, start, stop of columns), ``withheld`` and ``notes``.

    Raises
    ------
    FileProblem
    """
    path = Path(path)
    head = _head(path)
    if not head:
        raise FileProblem(path, "is empty", fix="export the recording again")
    suffix = path.suffix.lower()
    found: Recording | list[Trial]
    marked = len(head) > 512 and head[1] == 0x50 and 1 < head[0] < 64
    if suffix == ".c3d" or (marked and suffix not in (".csv", ".tsv", ".tab", ".txt")):
        found = read_c3d(path)
    elif suffix in (".edf", ".bdf", ".rec"):
        found = read_edf(path)
    elif suffix == ".mat":
        found = read_mat(path)
    elif head.startswith(b"PK\3\4"):
        found = read_npz(path)
    else:
        found = _from_text(path)
    if isinstance(found, list):
        return _trials(path, found)
    if not found.events:
        found, table = _with_events_beside(path, found)
        if table is not None:
            return dataclasses.replace(_dataset(path, found), beside=(fingerprint(table),))
    return _dataset(path, found)


def _with_events_beside(path: Path, found: Recording) -> tuple[Recording, Path | None]:
    """Take events from a table that stands beside the recording and is named after it."""
    for name in (f"{path.stem}_cycles.csv", f"{path.stem}_events.csv"):
        beside = path.with_name(name)
        if beside.is_file():
            events = read_events(beside)
            times = {
                "touchdown": list(events.touchdown),
                "liftoff": [t for t in events.liftoff if math.isfinite(t)],
            }
            notes = (*found.notes, f"events from {name}")
            return dataclasses.replace(found, events={"General": times}, notes=notes), beside
    return found, None


def _from_text(path: Path) -> Recording:
    table = read_columns(path)
    if table.cycle:
        if np.nanmin(table.values) < 0:
            raise FileProblem(
                path,
                "begins its time again and again, and holds values below zero",
                fix="give raw EMG with time that runs on, or envelopes in cycles",
            )
        return Recording(table.values, table.names, 0.0, 0.0, cycle=table.cycle)
    step = float(np.median(np.diff(table.time)))
    uneven = float(np.abs(np.diff(table.time) - step).max()) > _UNEVEN * step + 1e-9
    signed = bool((np.nan_to_num(table.values) < 0).any())
    if uneven and signed:
        gap = int(np.abs(np.diff(table.time) - step).argmax())
        raise FileProblem(
            path,
            f"is not evenly sampled: after {table.time[gap]:g} s comes {table.time[gap + 1]:g} s, "
            f"and the usual step is {step:g} s",
            fix="export one stretch without gaps",
        )
    notes = ("time runs unevenly and is taken as a count of points",) if uneven else ()
    rate = 0.0 if uneven else 1 / step
    return Recording(table.values, table.names, rate, float(table.time[0]), notes=notes)


def _dataset(path: Path, found: Recording) -> Dataset:
    signals = np.asarray(found.signals)
    if not (1 <= len(signals) <= _MOST_CHANNELS) or signals.shape[1] < 8:
        raise FileProblem(
            path,
            f"holds {len(signals)} channels of {signals.shape[1]} samples",
            fix="export the channels of one trial",
        )
    infinite = np.isinf(signals)
    if infinite.any():
        name = found.labels[int(np.flatnonzero(infinite.any(axis=1))[0])]
        raise FileProblem(
            path, f"holds infinite values in {name}", fix="export the recording again"
        )
    known = np.isfinite(signals)
    if not known.any():
        raise FileProblem(path, "holds no values at all", fix="export the recording again")
    positive = float(np.nanmin(signals)) >= 0
    ready = positive and found.rate_hz <= SLOWEST_HZ
    rate = max(found.rate_hz, SLOWEST_HZ * 10) if ready else found.rate_hz
    if not ready and rate <= 0:
        raise FileProblem(
            path,
            "does not say how many samples a second it holds",
            fix="add a number fs (in Hz) to the file, or a column time",
        )
    channels = find_channels(found.labels, signals, rate, found.units, found.descriptions)
    kept = [k for k, channel in enumerate(channels) if channel.kind in ("emg", "other", "slow")]
    muscles = [k for k in kept if channels[k].kind == "emg"]
    if not muscles:
        raise FileProblem(path, _no_muscles(channels), fix="look at the file in its own program")
    order = muscles + [k for k in kept if channels[k].kind != "emg"]
    values = _bridged(signals[order])
    values = values.astype(np.float64 if values.size <= _DOUBLE else np.float32, copy=False)
    time = Axis("time", values.shape[1], "s", 1 / rate, found.start_s)
    if ready:
        time = Axis("point", values.shape[1], "", 1.0, 1.0)
    axes = (Axis("muscle", len(order), labels=tuple(channels[k].name for k in order)), time)
    return Dataset(
        "traces",
        path.name,
        axes,
        values=np.ascontiguousarray(values),
        source=fingerprint(path),
        meta=_meta(channels, order, found, ready),
    )


def _meta(
    channels: Sequence[Channel], order: Sequence[int], found: Recording, ready: bool
) -> dict[str, Any]:
    counts = {
        kind: sum(channel.kind == kind for channel in channels)
        for kind in ("emg", "flat", "gaps", "slow", "other")
    }
    said = {
        "emg": "EMG",
        "flat": "flat",
        "gaps": "with gaps",
        "slow": "too slow",
        "other": "no EMG",
    }
    meta: dict[str, Any] = {
        "found": ", ".join(f"{n} {said[kind]}" for kind, n in counts.items() if n),
        "channels": [
            {"label": c.label, "name": c.name, "unit": c.unit, "kind": c.kind, "why": c.why}
            for c in (*(channels[k] for k in order), *_rest(channels, order))
        ],
        "preprocessed": ready,
        "rate_hz": found.rate_hz,
        "cycle": found.cycle,
    }
    if found.events:
        meta["events"] = {side: dict(times) for side, times in found.events.items()}
    if found.withheld:
        meta["withheld"] = "names of persons: " + ", ".join(found.withheld)
    if found.notes:
        meta["notes"] = list(found.notes)
    return meta


def _rest(channels: Sequence[Channel], order: Sequence[int]) -> list[Channel]:
    return [channel for k, channel in enumerate(channels) if k not in order]


def _no_muscles(channels: Sequence[Channel]) -> str:
    kinds = [channel.kind for channel in channels]
    usual = max(set(kinds), key=kinds.count)
    first = next(channel for channel in channels if channel.kind == usual)
    return f"holds no usable EMG among {len(channels)} channels ({first.label}: {first.why})"


def _trials(path: Path, trials: list[Trial]) -> Dataset:
    shapes = {len(trial.values) for trial in trials}
    if len(shapes) != 1:
        raise FileProblem(
            path,
            f"holds trials of {min(shapes)} to {max(shapes)} muscles",
            fix="save the same muscles for every trial",
        )
    values = np.concatenate([trial.values for trial in trials], axis=1)
    if not np.isfinite(values).all() or values.min() < 0:
        raise FileProblem(
            path, "holds envelopes below zero or missing", fix="save rectified, smoothed EMG"
        )
    labels = _stored_muscles(path, len(values))
    ends = np.cumsum([trial.values.shape[1] for trial in trials]).tolist()
    starts = [0, *ends[:-1]]
    axes = (
        Axis("muscle", len(values), labels=labels),
        Axis("point", values.shape[1], "", 1.0, 1.0),
    )
    return Dataset(
        "traces",
        path.name,
        axes,
        values=values,
        source=fingerprint(path),
        meta={
            "found": f"{len(labels)} muscles, {len(trials)} trials",
            "preprocessed": True,
            "rate_hz": 0.0,
            "channels": [
                {"label": n, "name": n, "unit": "", "kind": "emg", "why": ""} for n in labels
            ],
            "trials": [
                {"name": trial.name, "start": int(a), "stop": int(b)}
                for trial, a, b in zip(trials, starts, ends, strict=True)
            ],
        },
    )


def _stored_muscles(path: Path, count: int) -> tuple[str, ...]:
    names: tuple[str, ...] = ()
    if path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as members:
            names = muscles_of({n: members[n] for n in members.files if "/" not in n})
    return names if len(names) == count else tuple(f"Muscle {k}" for k in range(1, count + 1))


def _bridged(signals: NDArray[Any]) -> NDArray[np.floating[Any]]:
    """Short gaps are bridged by straight lines."""
    values = np.array(signals, dtype=np.float64)
    for channel in values:
        missing = np.isnan(channel)
        if missing.any():
            where = np.flatnonzero(~missing)
            channel[missing] = np.interp(np.flatnonzero(missing), where, channel[where])
    return values


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""


def _tail(path: Path) -> bytes:
    """The directory of an archive stands at its end; with the head, 64 KiB are read at most."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - 4096, 0))
        return file.read()
