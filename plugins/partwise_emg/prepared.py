"""What is factored? From a recording and what was asked to cycles of envelopes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, InputProblem
from partwise_emg.asked import Params
from partwise_emg.channels import Health, chosen, health_of
from partwise_emg.cycles import POINTS, Cycles, averaged, cut, whole_record
from partwise_emg.envelope import Filters, envelopes, filters_of
from partwise_emg.events import Events, checked, from_meta, from_text, read_events

__all__ = ["Prepared", "events_for", "prepare", "rejected_by", "rows_wanted", "trials_of"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """The matrix that is factored and where it comes from.

    Attributes
    ----------
    muscles : tuple of str
    cycles : Cycles
    filters : Filters or None
        None where the envelopes were given.
    events : Events or None
    health : Health or None
        Of the raw channels.
    trial : str
    unusable : tuple of (muscle, reason)
        Channels of EMG that nobody left out, and that are flat or have gaps.
    """

    muscles: tuple[str, ...]
    cycles: Cycles
    filters: Filters | None
    events: Events | None
    health: Health | None
    trial: str = ""
    unusable: tuple[tuple[str, str], ...] = ()

    @property
    def X(self) -> NDArray[np.float64]:  # noqa: N802 - its name in the literature
        """The matrix, muscles × columns."""
        return self.cycles.values

    @property
    def whole(self) -> bool:
        """Whether the record was taken as one stretch, without cycles."""
        return self.filters is not None and self.events is None


def prepare(dataset: Dataset, params: Params, trial: str = "") -> Prepared:
    """Choose channels, make envelopes and cut cycles, as asked.

    Raises
    ------
    InputProblem
        No usable channel, values below zero in envelopes, no cycle within the record.
    UsageProblem
        A channel or a trial that is not there.
    """
    if dataset.values is None or dataset.values.ndim != 2:
        raise InputProblem(
            "synergies need channels × samples", argument="input", fix="open a recording of EMG"
        )
    rows = rows_wanted(dataset, params.channels)
    labels = dataset.axes[0].labels or tuple(
        f"Channel {k}" for k in range(1, len(dataset.values) + 1)
    )
    muscles = tuple(labels[row] for row in rows)
    name, columns = _trial(dataset, trial or params.trial)
    values = np.asarray(dataset.values[rows, columns], dtype=np.float64)
    if params.preprocessed or dataset.meta.get("preprocessed"):
        prepared = _as_it_stands(values, muscles, name, dataset.meta)
    else:
        prepared = _from_raw(values, muscles, dataset, params)
        if not trial:  # of many, each has cycles of its own
            _check_rejected(rejected_by(params), prepared.events)
    return replace(prepared, unusable=() if params.channels.strip() else _unusable(dataset))


def _unusable(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    about: list[Mapping[str, Any]] = list(dataset.meta.get("channels") or ())
    gone = (each for each in about if each.get("kind") in ("flat", "gaps"))
    return tuple((str(each["name"]), str(each["why"])) for each in gone)


def rejected_by(params: Params) -> set[int]:
    """Return the numbers of the cycles that are to be left out, from 1."""
    return {int(v) for v in params.reject.replace(";", ",").split(",") if v.strip()}


def _check_rejected(rejected: set[int], events: Events | None) -> None:
    count = len(events.touchdown) - 1 if events is not None else 0
    beyond = sorted(number for number in rejected if not 1 <= number <= count)
    if beyond:
        raise InputProblem(
            f"cycle {beyond[0]} was to be left out, and there are {count}",
            argument="reject",
            fix=f"give numbers from 1 to {count}" if count else "give gait events first",
        )


def rows_wanted(dataset: Dataset, text: str) -> list[int]:
    """Return the rows of the dataset that a list of channels asks for; empty for all EMG."""
    labels = dataset.axes[0].labels
    about: list[Mapping[str, Any]] = list(dataset.meta.get("channels") or ())[: len(labels)]
    muscles = [k for k, each in enumerate(about) if each.get("kind") == "emg"] if about else []
    muscles = muscles or list(range(dataset.axes[0].size))
    if not text.strip():
        return muscles
    inner = [str(each.get("label", "")) for each in about]
    picked = chosen(text, labels, inner)
    only_without = all(
        piece.strip()[:1] in ("-", "!")
        for piece in text.replace(";", ",").split(",")
        if piece.strip()
    )
    rows = [row for row in picked if row in muscles] if only_without else picked
    if len(rows) < 2:
        raise InputProblem(
            f"{len(rows)} channels are chosen: synergies are of several muscles",
            argument="channels",
            fix="choose at least two, better eight or more",
        )
    return rows


def trials_of(dataset: Dataset) -> list[Mapping[str, Any]]:
    """Return the trials of a file that holds several (name, start, stop), else none."""
    return list(dataset.meta.get("trials") or ())


def _trial(dataset: Dataset, wanted: str) -> tuple[str, slice]:
    trials = trials_of(dataset)
    if not trials:
        if wanted.strip():
            raise InputProblem(
                f"there is no trial {wanted}: the file holds one recording",
                argument="trial",
                fix="leave trial empty",
            )
        return "", slice(None)
    names = [str(trial["name"]) for trial in trials]
    if wanted and wanted not in names:
        near = [name for name in names if wanted.lower() in name.lower()]
        if len(near) != 1:
            raise InputProblem(
                f"there is no trial {wanted}",
                argument="trial",
                fix=f"trials are {', '.join(names[:12])}{' …' if len(names) > 12 else ''}",
            )
        wanted = near[0]
    trial = trials[names.index(wanted) if wanted else 0]
    return str(trial["name"]), slice(int(trial["start"]), int(trial["stop"]))


def _as_it_stands(
    values: NDArray[np.float64], muscles: tuple[str, ...], trial: str, meta: Mapping[str, Any]
) -> Prepared:
    if values.min() < 0:
        row = int(np.flatnonzero((values < 0).any(axis=1))[0])
        raise InputProblem(
            f"{muscles[row]} has values below zero, which no envelope has",
            argument="preprocessed",
            fix="set preprocessed=false for raw EMG, or export rectified, smoothed EMG",
        )
    samples = values.shape[1]
    points = int(meta.get("cycle") or 0)
    if not points or samples % points:
        points = POINTS if samples % POINTS == 0 else samples
    if meta.get("trials"):
        points = samples  # a mean cycle each, whatever its length
    number = np.repeat(np.arange(1, samples // points + 1, dtype=np.int64), points)
    seconds = np.full(samples, np.nan)
    cycles = Cycles(values, number, seconds, points, 0)
    return Prepared(
        muscles=muscles,
        cycles=cycles,
        filters=None,
        events=None,
        health=None,
        trial=trial,
    )


def _from_raw(
    values: NDArray[np.float64], muscles: tuple[str, ...], dataset: Dataset, params: Params
) -> Prepared:
    time = dataset.axes[1]
    rate = 1 / time.step
    filters = filters_of(
        params.preset,
        params.highpass,
        params.lowpass,
        0.0 if params.notch == "none" else float(params.notch),
    )
    flat = [muscles[k] for k in range(len(values)) if np.ptp(values[k]) == 0]
    if flat:
        raise InputProblem(
            f"{', '.join(flat)} {'is' if len(flat) == 1 else 'are'} flat",
            argument="channels",
            fix=f"unplugged electrode? leave it out with channels=-{', -'.join(flat)}",
        )
    smooth = envelopes(values, rate, filters)
    health = health_of(muscles, values, rate)
    events = events_for(dataset, params)
    if events is None:
        cycles = whole_record(smooth, time.start, time.step)
    else:
        cycles = cut(
            smooth,
            time.start,
            time.step,
            events,
            drop_first=params.drop_first,
            most=params.cycles,
            rejected=rejected_by(params),
        )
        if params.average:
            cycles = averaged(cycles)
    return Prepared(
        muscles=muscles,
        cycles=cycles,
        filters=filters,
        events=events,
        health=health,
    )


def events_for(dataset: Dataset, params: Params) -> Events | None:
    """Return the events that cut the cycles: of a table, marked by hand, or of the file itself.

    Raises
    ------
    FileProblem, InputProblem
    """
    if params.events:
        return read_events(Path(params.events))
    if params.marks.strip():
        return from_text(params.marks)
    found = from_meta(dataset.meta, params.side)
    if found is None and params.side != "auto":
        raise InputProblem(
            f"the file has no events of the {params.side} side",
            argument="side",
            fix="take the other side, or give a table of events",
        )
    return checked(found) if found is not None else None
