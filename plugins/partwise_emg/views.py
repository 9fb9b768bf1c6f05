"""What does the stage show? The recording, what was made of it, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, Part, View
from partwise_emg.answer import Answer, mean_courses
from partwise_emg.compared import compared_views
from partwise_emg.delays import Delayed
from partwise_emg.doubt import Bands
from partwise_emg.events import Events, from_meta
from partwise_emg.prepared import Prepared
from partwise_emg.synergies import RULES, Found
from partwise_emg.tell import SCAN_TITLE

__all__ = ["UNTOLD", "live_views", "recording_view", "stances", "views"]

UNTOLD = "a.u."  # the unit of a channel whose file names none

_MOST_EACH = 60  # cycles that are drawn one by one behind their mean
_MOST_SPANS = 400  # stances drawn over a recording
_SMALL_VOLT = 0.1  # no muscle gives more at the skin, even amplified tenfold


def recording_view(dataset: Dataset) -> View:
    """Return the channels as they were recorded, with the stance of every cycle of the file."""
    values = np.asarray(dataset.values)
    meta = dataset.meta
    channels = meta.get("channels") or ()
    units = [str(each.get("unit") or UNTOLD) for each in channels][: len(values)]
    options: dict[str, Any] = {"tab": "Recording" if not meta.get("trials") else "Trials"}
    axes = dataset.axes
    ready = bool(meta.get("preprocessed"))
    if not ready:
        values, units = _in_microvolts(values, units)
        options |= {"scale": "own", "units": units, "spans": stances(from_meta(meta))}
    elif meta.get("trials"):
        size = int(meta["trials"][0]["stop"]) - int(meta["trials"][0]["start"])
        axes = (axes[0], Axis("trials", values.shape[1], "", 1 / max(size, 1), 0.0))
    amount = Axis("envelope" if ready else "EMG", 1, "" if ready else (units or [""])[0])
    return View("traces", dataset.title, {"y": values}, (*axes, amount), options)


def _in_microvolts(
    values: NDArray[Any], units: list[str]
) -> tuple[NDArray[np.floating[Any]], list[str]]:
    """Return channels of some thousandths of a volt in the unit in which EMG is read."""
    if "V" not in units:
        return values, units
    made, told = np.array(values, dtype=np.float64), list(units)
    for k, unit in enumerate(units):
        if unit == "V" and float(np.abs(made[k]).max()) < _SMALL_VOLT:
            made[k] *= 1e6
            told[k] = "µV"
    return made, told


def stances(events: Events | None) -> list[dict[str, Any]]:
    """Return the stance of each cycle (the whole cycle where no lift-off is known) as spans."""
    if events is None:
        return []
    found = []
    for k, touch in enumerate(events.touchdown[:-1]):
        lift = events.liftoff[k]
        end = lift if np.isfinite(lift) else events.touchdown[k + 1]
        found.append({"start": touch, "end": end, "name": f"{k + 1}", "fixed": True})
    return found[:_MOST_SPANS]


def live_views(prepared: Prepared, parts: Sequence[Part]) -> tuple[View, ...]:
    """Return what the stage shows while synergies emerge."""
    muscles = Axis("muscle", len(prepared.muscles), labels=prepared.muscles)
    return (
        _traces(prepared, None, muscles),
        _weights(None, parts, muscles),
        _activations(prepared, None, parts),
    )


def views(answer: Answer, parts: Sequence[Part]) -> tuple[View, ...]:
    """Return what the stage shows."""
    prepared, found = answer.prepared, answer.found
    # With delays, intervals of the plain synergies are those of other numbers.
    bands = answer.bands if answer.delayed is None else None
    muscles = Axis("muscle", len(prepared.muscles), labels=prepared.muscles)
    told = [
        _traces(prepared, bands, muscles, plain=answer.delayed is None),
        View("traces", "As recorded", options={"tab": "Recording"}),
        _weights(bands, parts, muscles),
        _activations(prepared, bands, parts),
        _cycle_view(prepared),
    ]
    if len(found.scan.rank) > 1:
        told.append(_scan_view(found))
    told.append(
        View(
            "bars",
            "VAF of each muscle",
            {"values": 100 * answer.muscles_vaf[None]},
            (muscles, Axis("VAF", 1, "%")),
            {"names": ["All synergies together"], "tab": "Muscles"},
        )
    )
    if answer.delayed is not None:
        told.append(_delays(answer.delayed, prepared, parts))
    if answer.against is not None:
        told += compared_views(answer.against, parts)
    return tuple(told)


def _traces(prepared: Prepared, bands: Bands | None, muscles: Axis, *, plain: bool = True) -> View:
    cycles = prepared.cycles
    if prepared.whole:
        step = float(np.median(np.diff(cycles.seconds))) if cycles.points > 1 else 1.0
        time = Axis("time", cycles.values.shape[1], "s", step, float(cycles.seconds[0]))
        words = "Envelopes"
    else:
        time = Axis("cycles", cycles.values.shape[1], "", 1 / cycles.points, 0.0)
        words = "Envelopes, cycle after cycle"
    arrays = {"y": cycles.values}
    if bands is not None:
        assert bands.of.H_low is not None
        assert bands.of.H_high is not None
        arrays |= {"course_low": bands.of.H_low, "course_high": bands.of.H_high}
    options: dict[str, Any] = {"tab": "Envelopes"}
    if not plain:
        options["model"] = "none"
    raw = prepared.filters is not None
    amount = Axis("envelope", 1, "of max" if raw else "")
    return View("traces", words, arrays, (muscles, time, amount), options)


def _weights(bands: Bands | None, parts: Sequence[Part], muscles: Axis) -> View:
    arrays = {"values": np.stack([part.profile for part in parts])}
    if bands is not None:
        arrays |= {"low": bands.low.T.copy(), "high": bands.high.T.copy()}
    return View(
        "bars",
        "Weights of the muscles",
        arrays,
        (muscles, Axis("weight", len(parts))),
        {"of": "parts", "tab": "Weights"} | _noted(bands, "Line"),
    )


def _activations(prepared: Prepared, bands: Bands | None, parts: Sequence[Part]) -> View:
    cycles = prepared.cycles
    arrays = {"y": mean_courses(parts, cycles)}
    if bands is not None:
        arrays |= {"low": bands.mean_low, "high": bands.mean_high}
    if 1 < cycles.count <= _MOST_EACH:
        stacked = np.stack([np.asarray(part.course) for part in parts])
        arrays["each"] = stacked.reshape(len(parts), cycles.count, cycles.points)
    options: dict[str, Any] = {"of": "parts", "lanes": True, "tab": "Activations"}
    options |= _noted(bands, "Band")
    if cycles.stance:
        options["marks"] = [{"x": 100 * cycles.stance / cycles.points, "text": "lift-off"}]
    title = "Activations, mean cycle" if cycles.count > 1 else "Activations"
    return View(
        "curves",
        title,
        arrays,
        (_cycle_axis(prepared), Axis("activation", len(parts))),
        options,
    )


def _noted(bands: Bands | None, drawn: str) -> dict[str, str]:
    """What a band or line at a bar says, for the drawing."""
    words = "95 % of fits to data drawn anew"
    return {"note": f"{drawn}: {words}"} if bands is not None else {}


def _cycle_view(prepared: Prepared) -> View:
    """All cycles over one another, with their mean and the band of one standard deviation."""
    stacked = prepared.cycles.stacked()
    mean = stacked.mean(axis=1)
    arrays = {"y": mean}
    count = prepared.cycles.count
    if count > 1:
        spread = stacked.std(axis=1, ddof=1)
        arrays |= {"low": np.maximum(mean - spread, 0.0), "high": mean + spread}
        if count <= _MOST_EACH:
            arrays["each"] = stacked
    options: dict[str, Any] = {
        "names": list(prepared.muscles),
        "lanes": True,
        "tab": "Cycles" if count > 1 else "Cycle",
        "alike": True,
    }
    if prepared.cycles.stance:
        options["marks"] = [
            {"x": 100 * prepared.cycles.stance / prepared.cycles.points, "text": "lift-off"}
        ]
    title = f"{count} cycles, mean ± SD" if count > 1 else "One cycle"
    if count > 1:
        options["note"] = "Line and band: mean ± SD"
    if prepared.whole:
        title, options["tab"] = "The whole record", "Record"
    return View("curves", title, arrays, (_cycle_axis(prepared), Axis("envelope", 1)), options)


def _cycle_axis(prepared: Prepared) -> Axis:
    cycles = prepared.cycles
    if prepared.whole:
        step = float(np.median(np.diff(cycles.seconds))) if cycles.points > 1 else 1.0
        return Axis("time", cycles.points, "s", step, float(cycles.seconds[0]))
    name = "cycle, half of it stance and half swing" if cycles.stance else "cycle"
    return Axis(name, cycles.points, "%", 100 / cycles.points, 50 / cycles.points)


def _scan_view(found: Found) -> View:
    scan = found.scan
    names, rows = [], []
    for name, title in (
        ("r2", "R² about the mean"),
        ("vaf", "VAF about zero"),
        ("stability", "Alike over starts"),
        ("chance", "Alike by chance"),
        ("heldout", "Error on hidden entries"),
    ):
        values = np.asarray(getattr(scan, name), dtype=np.float64)
        if np.isfinite(values).any():
            names.append(title)
            rows.append(values)
    marks = [
        {"x": int(rank), "text": RULES[name]}
        for name, rank in found.rules.items()
        if rank is not None
    ]
    return View(
        "curves",
        SCAN_TITLE,
        {"x": scan.rank.astype(np.float64), "y": np.stack(rows)},
        (Axis("synergies", len(scan.rank), start=float(scan.rank[0])), Axis("value", len(rows))),
        {
            "tab": "How many",
            "names": names,
            "marks": marks,
            "chosen": found.rank,
            "points": True,
            "range": [0.0, 1.05],
            "cut": True,
        },
    )


def _delays(delayed: Delayed, prepared: Prepared, parts: Sequence[Part]) -> View:
    muscles = Axis("muscle", len(prepared.muscles), labels=prepared.muscles)
    rank, width = delayed.W.shape[1], delayed.W.shape[2]
    flat = delayed.W.reshape(len(delayed.W), rank * width)
    labels = tuple(
        f"{part.name} +{100 * d / prepared.cycles.points:.1f} %"
        for part in parts
        for d in range(width)
    )
    return View(
        "matrix",
        "Patterns: weights by delay",
        {"values": flat.astype(np.float32)},
        (muscles, Axis("synergy and delay", rank * width, labels=labels)),
        {"tab": "Delays", "value": "weight"},
    )
