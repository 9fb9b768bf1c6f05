"""What is to be drawn, given what is known? Pure functions from project to picture."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from partwise.data.dataset import Dataset
from partwise.params import ParamSpec
from partwise.project.compare import changed_parameters
from partwise.project.document import Run, State, Strip
from partwise.project.recovery import Holder
from partwise.project.strips import (
    before_run,
    fresh_strip,
    handed_on,
    in_part_order,
    residual_strip,
)
from partwise.result import Part, Trust, View
from partwise_app.notices import Notice
from partwise_app.places import stem_of
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from partwise.data.mixing import Mixing

__all__ = [
    "corrected",
    "corrected_view",
    "facts_of",
    "held_notice",
    "image_options",
    "is_whole",
    "kept_parts",
    "live_strips",
    "look_notice",
    "lost_notice",
    "microns",
    "mixing_of",
    "percent",
    "plane_of",
    "profile_from_ray",
    "story_of_run",
    "summary_of_run",
    "title_of",
    "trust_lines",
    "value_in_words",
    "view_of",
    "worst_verdict",
]

_RGB = 3
_ENDS = {
    "converged": mark("Ran until it stood still"),
    "max_iter": mark("Ended at the most steps allowed"),
    "max_seconds": mark("Ended at the time allowed"),
    "cancelled": mark("Stopped by hand"),
}
_ORDER = ("good", "look", "bad")
_NO_MIXING: Mapping[str, Any] = {"transform": "optical-density", "white": (255, 255, 255)}


def view_of(run: Run | None, kind: str) -> View | None:
    """Return the first view of a kind that a run has, or None."""
    views = run.result.views if run is not None else ()
    return next((view for view in views if view.kind == kind), None)


def image_options(run: Run | None) -> Mapping[str, Any]:
    """Return how the parts of a run mix in its image: ``transform`` and ``white``."""
    view = view_of(run, "image")
    options = view.options.get("mixing") if view is not None else None
    return options if isinstance(options, Mapping) else _NO_MIXING


def mixing_of(
    parts: Sequence[Part], strips: Sequence[Strip], options: Mapping[str, Any]
) -> Mixing | None:
    """Return the mixing model of an image, or None where the parts are not colours.

    A correction by hand stands before what was found. Parts of a running analysis may carry the
    white point in their facts before any result does.
    """
    from partwise.data.mixing import Mixing

    if not parts or any(np.size(part.profile) != _RGB for part in parts):
        return None
    known = {strip.key: strip for strip in strips}
    vectors = np.column_stack(
        [_profile(part, known.get(part.key)).astype(np.float64) for part in parts]
    )
    live = next((part.facts for part in parts if "white" in part.facts), {})
    white = tuple(float(v) for v in live.get("white", options.get("white", (255, 255, 255))))
    transform = live.get("transform", options.get("transform", "optical-density"))
    return Mixing(vectors, (white[0], white[1], white[2]), transform)


def _profile(part: Part, strip: Strip | None) -> np.ndarray[Any, np.dtype[np.floating[Any]]]:
    if strip is not None and strip.profile is not None:
        return np.asarray(strip.profile, dtype=np.float64)
    return np.asarray(part.profile)


def corrected(part: Part, strip: Strip | None) -> Part:
    """Return the part with its strip's correction, where there is one."""
    if strip is None or strip.profile is None:
        return part
    return dataclasses.replace(part, profile=np.asarray(strip.profile, dtype=np.float64))


def kept_parts(
    run: Run | None, strips: Sequence[Strip], *, corrected_too: bool = False
) -> tuple[Part, ...]:
    """Return the parts that the next run leaves alone: those locked, as corrected.

    With `corrected_too` also those that were corrected by hand without a lock.
    """
    if run is None:
        return ()
    locked = {s.key: s for s in strips if s.locked or (corrected_too and s.profile is not None)}
    return tuple(
        corrected(part, locked[part.key]) for part in run.result.parts if part.key in locked
    )


def live_strips(
    parts: Sequence[Part],
    run: Run | None = None,
    strips: Sequence[Strip] = (),
    start: Sequence[Part] = (),
) -> tuple[Strip, ...]:
    """Return the strips of parts that are still emerging; known ones keep what was chosen.

    They are those of the result that follows, so that colours do not change hands at the end.

    Parameters
    ----------
    parts : sequence of Part
    run : Run or None
        The run that was looked at before, and its
    strips : sequence of Strip
        as chosen.
    start : sequence of Part
        What the run that goes on began from.
    """
    if run is None:
        return (*map(fresh_strip, parts), residual_strip())
    found = {strip.key: strip for strip in run.strips}
    parts_before, before = before_run(run.result.parts, strips, found, start)
    made = handed_on(parts, parts_before, before)
    return in_part_order(made, parts)


def facts_of(dataset: Dataset) -> str:
    """Return the facts of an input in a line: size, magnification, pixel size."""
    facts = []
    if dataset.pyramid is not None:
        level = dataset.pyramid.levels[0]
        facts.append(f"{level.width:,} × {level.height:,} px")
    elif dataset.kind in ("sound", "traces"):
        facts += _facts_of_signals(dataset)
    elif dataset.kind == "volume":
        facts += _facts_of_volume(dataset)
    elif dataset.values is not None and np.ndim(dataset.values) == 2:
        rows, columns = np.shape(dataset.values)
        facts.append(f"{rows:,} × {columns:,}")
    power = dataset.meta.get("magnification")
    if isinstance(power, int | float) and power > 0:
        facts.append(f"{power:g}×")
    size = microns(dataset)
    if size is not None:
        facts.append(f"{size:.2f} µm/px")
    return " · ".join(facts) or dataset.kind


def _facts_of_signals(dataset: Dataset) -> list[str]:
    """Channels, how long, and how often a second."""
    time = next((axis for axis in dataset.axes if axis.name == "time"), None)
    count = next((axis.size for axis in dataset.axes if axis is not time), 1)
    found = [tr("{count} channels", count=count)] if count > 1 else []
    if time is None or time.unit != "s" or time.step <= 0:
        return found
    seconds = time.size * time.step
    found.append(f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min")
    return [*found, f"{1 / time.step:,.0f} Hz"]


def _facts_of_volume(dataset: Dataset) -> list[str]:
    """Voxels in x, y and z, and frames."""
    sizes = {axis.name: axis.size for axis in dataset.axes}
    if not {"x", "y", "z"} <= sizes.keys():
        return []
    found = [" × ".join(str(sizes[name]) for name in "xyz")]
    frames = [axis.size for axis in dataset.axes if axis.name not in ("x", "y", "z")]
    return [*found, tr("{count} frames", count=frames[0])] if frames else found


def microns(dataset: Dataset) -> float | None:
    """Return the size of a pixel in micrometres, where the file says it."""
    for axis in dataset.axes:
        if axis.name == "x" and axis.unit in ("µm", "um", "μm"):
            return axis.step
    return None


def trust_lines(run: Run | None, strips: Sequence[Strip]) -> tuple[Trust, ...]:
    """Return what is to be said about a result; a correction by hand comes first."""
    if run is None:
        return ()
    names = [strip.name for strip in strips if strip.profile is not None]
    if not names:
        return run.result.trust
    corrected_by_hand = Trust(
        "corrected",
        None,
        "look",
        tr("Corrected by hand: {names}", names=", ".join(names)),
        tr(
            "Picture and exports follow the correction; the numbers here are those of the run. "
            "Run to go on from it and measure it."
        ),
    )
    return (corrected_by_hand, *run.result.trust)


def is_whole(run: Run) -> bool:
    """Whether a run came to its end; one that was stopped has parts and no numbers."""
    return math.isfinite(run.result.fit.explained)


def held_notice(path: Path, holder: Holder) -> Notice:
    """Say who else has a project open."""
    return Notice(
        "look",
        tr(
            "{name} is open in another window (process {pid} on {host}).",
            name=path.name,
            pid=holder.pid,
            host=holder.host,
        ),
        tr("It is only read here. Save under another name, so that neither overwrites the other."),
        action="file_save_as",
    )


def look_notice(name: str) -> Notice:
    """Say that a project is only looked at."""
    return Notice(
        "look",
        tr("{name} is open for a look only.", name=name),
        tr("Saving would lose what only a newer Partwise understands; update to work on it."),
    )


def lost_notice(why: str) -> Notice:
    """Say that an input is not where it was."""
    return Notice(
        "look",
        f"{why}.",
        tr("The numbers are shown as saved; find the file to see its picture."),
        action="file_relink",
    )


def summary_of_run(run: Run) -> str:
    """Return a run in a line: what it found, how long it took, what was locked."""
    count = len(run.result.parts)
    facts = [tr("{count} parts", count=count) if count != 1 else tr("1 part")]
    about = run.result.provenance
    if about is not None:
        if about.kept:
            names = {part.key: part.name for part in run.result.parts}
            kept = ", ".join(names.get(k, k) for k in about.kept).lower()
            facts.append(tr("kept {names}", names=kept))
        facts.append(f"{about.seconds:.1f} s" if about.seconds >= 0.05 else "< 0.1 s")
    if not is_whole(run):
        facts.append(tr("stopped"))
    return " · ".join(facts)


def value_in_words(spec: ParamSpec | None, value: object) -> str:
    """Return the value of a parameter as its form says it, such as "H&E" for ``he``."""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    words = spec.choices.get(str(value)) if spec is not None and spec.choices else None
    return words or (f"{value:g}" if isinstance(value, float) else str(value))


def story_of_run(state: State, run: Run, former: Run | None, specs: Mapping[str, ParamSpec]) -> str:
    """Return what a run did otherwise than the one before it, a line each, for its tooltip."""
    about = run.result.provenance
    lines = [state.title(run.id, run.title)]
    if about is not None:
        lines.append(f"{about.started[:16].replace('T', ' ')}, {about.seconds:.1f} s")
    lines.append(tr(_ENDS.get(run.result.fit.stop, run.result.fit.stop)))
    if about is not None and about.kept:
        names = {strip.key: strip.name for strip in state.part_strips(run.id)}
        kept = ", ".join(names.get(key, key) for key in about.kept)
        lines.append(tr("Kept: {names}", names=kept))
    if former is None:
        return "\n".join(lines)
    changes = [
        f"{spec.label if spec else name}: "
        f"{value_in_words(spec, before)} → {value_in_words(spec, after)}"
        for name, before, after in changed_parameters(former, run)
        for spec in (specs.get(name),)
    ]
    since = state.title(former.id, former.title)
    lines += ["", tr("Changed since {run}:", run=since), *changes] if changes else []
    return "\n".join(lines if changes else [*lines, "", tr("Parameters as in {run}", run=since)])


def worst_verdict(run: Run) -> str:
    """Return the verdict that a run deserves in the list: its worst line of trust."""
    found = [_ORDER.index(line.verdict) for line in run.result.trust]
    return _ORDER[max(found)] if found else ""


def percent(share: float) -> str:
    """Return a share as text: "61 %", "0.4 %", "< 0.1 %"; nothing where it was not computed."""
    value = 100 * share
    if not math.isfinite(value):
        return ""
    if 0 < value < 0.1:
        return "< 0.1 %"
    if value < 9.95 and round(value, 1) != round(value):
        return f"{value:.1f} %"
    return f"{value:.0f} %"


def title_of(state: State, path: Path | None) -> str:
    """Return what the open project is called."""
    if path is not None:
        return path.stem
    return stem_of(state.listed[0].title) if state.listed else ""


def plane_of(view: View, parts: Sequence[Part]) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Return the axes of a scatter in the parts' own space, shape (features, 2), up to scale.

    A ray (a, b) stands for the profile ``a * plane[:, 0] + b * plane[:, 1]``. Where the view does
    not say its plane, two rays with their profiles give it. None where there are no two.
    """
    told = np.asarray(view.options.get("plane", ()), dtype=np.float64)
    if told.ndim == 2 and told.shape[0] == 2 and parts and told.shape[1] == parts[0].profile.size:
        return np.asarray(told.T)
    rays = np.asarray(view.arrays.get("rays", ()), dtype=np.float64).reshape(-1, 2)
    count = min(len(rays), len(parts))
    if count < 2 or any(np.size(p.profile) != np.size(parts[0].profile) for p in parts[:count]):
        return None
    # The first two span the plane; a third may stand out of it and is seen in projection.
    profiles = np.column_stack([np.asarray(p.profile, dtype=np.float64) for p in parts[:2]])
    if abs(float(np.linalg.det(rays[:2]))) < 1e-9:
        return None
    return np.asarray(profiles @ np.linalg.inv(rays[:2].T))


def profile_from_ray(
    view: View, parts: Sequence[Part], tip: tuple[float, float]
) -> tuple[float, ...] | None:
    """Return the unit profile of a ray whose tip was dragged, or None where that has no sense."""
    plane = plane_of(view, parts)
    if plane is None:
        return None
    profile = np.maximum(plane @ np.asarray(tip, dtype=np.float64), 0.0)
    length = float(np.linalg.norm(profile))
    if not np.isfinite(length) or length < 1e-9:
        return None
    return tuple(float(v) for v in profile / length)


def corrected_view(view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> View:
    """Return the scatter with the rays of parts that were corrected by hand turned to match."""
    profiles = {strip.key: strip.profile for strip in strips if strip.profile is not None}
    plane = plane_of(view, parts)
    if not profiles or plane is None:
        return view
    rays = np.array(view.arrays["rays"], dtype=np.float64)
    for place, part in enumerate(parts[: len(rays)]):
        if part.key in profiles:
            ray = np.linalg.pinv(plane) @ np.asarray(profiles[part.key])
            rays[place] = ray / np.linalg.norm(ray) * np.linalg.norm(rays[place])
    return dataclasses.replace(view, arrays={**view.arrays, "rays": rays})
