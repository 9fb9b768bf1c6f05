"""How far can the curves be believed? Each line is a number that was computed, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Part, Trust, Verdict
from partwise_pet.blood import Samples
from partwise_pet.core import Core
from partwise_pet.count import Counted
from partwise_pet.doubt import Band, Blood
from partwise_pet.graphical import Graphical
from partwise_pet.question import Factors
from partwise_pet.series import Series
from partwise_pet.uptake import MODEL, RATE, Uptake

__all__ = ["OFF", "Evidence", "band_width", "lines"]

Array = NDArray[np.float64]

OFF = 0.10, 0.22
"""Late blood beside its own core: above the first look, above the second do not use it.

The second was set on twelve simulated hearts; how often it warns is measured on others by
tests/bench/pet.py.
"""
_WIDE = 0.15  # of the late part, from lowest to highest
_LATE = 1 / 3
_NEGATIVE = 0.15, 0.40
_PURE = 0.8
_NOTHING = 0.02
_BROUGHT = 0.15, 0.5  # of late blood, taken off for blur
_KI = 0.12, 0.3  # half of the band of Ki


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that was found out about one answer."""

    series: Series
    found: Factors
    cores: tuple[Core, ...]
    roi: tuple[Array, ...]
    blood: tuple[Blood, ...]
    band: Band | None
    drawn: Band | None
    counted: Counted | None
    explained: float
    anchored: bool
    samples: Samples | None
    plots: Graphical | None
    blur_given: bool = False
    filter_mm: float | None = None
    uptakes: tuple[Uptake, ...] = ()


def lines(evidence: Evidence, parts: Sequence[Part]) -> tuple[Trust, ...]:
    """Return the trust card; what could mislead most comes first."""
    told = [_blood(evidence, parts)]
    if evidence.band is not None:
        told.append(_unique(evidence, parts))
    told.append(_explained(evidence))
    told += _partial_volume(evidence, parts)
    told += _spill(evidence, parts)
    told += _uptake(evidence, parts)
    if evidence.counted is not None:
        told.append(_count(evidence.counted))
    told.append(_timing(evidence.series))
    told += _below(evidence.series)
    told += _against_samples(evidence)
    told.append(_converged(evidence))
    told.append(
        Trust(
            "use",
            None,
            "look",
            "Research use, not diagnostic",
            "Curves and images are estimates of a model; rest no decision about a patient on them.",
        )
    )
    return tuple(told)


def band_width(evidence: Evidence, k: int) -> tuple[float, float]:
    """Return how far below and above the late part of a curve other good fits lie, as shares."""
    assert evidence.band is not None
    series = evidence.series
    late = _late(series)
    share = series.seconds[late] / series.seconds[late].sum()
    own = float(share @ evidence.found.W[late, k])
    if own <= 0:
        return 0.0, 0.0
    low = float(share @ evidence.band.low[late, k]) / own - 1
    high = float(share @ evidence.band.high[late, k]) / own - 1
    return low, high


def _late(series: Series) -> NDArray[np.bool_]:
    middle = series.frames.mean(axis=1)
    first, last = series.frames[0, 0], series.frames[-1, 1]
    late = middle >= first + _LATE * (last - first)
    return np.asarray(late if late.any() else middle >= middle[-1])


def _since(series: Series) -> str:
    first, last = series.frames[0, 0], series.frames[-1, 1]
    return f"{(first + _LATE * (last - first)) / 60:.0f} min"


def _blood(evidence: Evidence, parts: Sequence[Part]) -> Trust:
    if not evidence.blood:
        return Trust(
            "blood",
            None,
            "look",
            "No factor looks like blood",
            "None peaks early and high and then falls. Without one there is no input function: "
            "click voxels of a blood pool as anchors, or give blood samples.",
        )
    known = [each for each in evidence.blood if np.isfinite(each.off)]
    if not known:
        return Trust(
            "blood", None, "look", "Blood has no late signal", "There is nothing to compare."
        )
    worst = max(known, key=_off)
    off, name = 100 * worst.off, parts[worst.factor].name
    verdict = _grade(-abs(worst.off), -OFF[0], -OFF[1])
    since = _since(evidence.series)
    way = "below" if off < 0 else "above"
    if verdict == "bad":
        return Trust(
            "blood",
            worst.off,
            "bad",
            f"Do not use this blood curve: {abs(off):.0f} % {way} its own core after {since}",
            f"{name}: the fit gives {100 * worst.given_away:.0f} % of what was measured in the "
            "middle of the pool to other factors, although it explains the data. The fit does not "
            "determine the curve. Set overlap to auto, click the pool as an anchor, or use the "
            "region's curve.",
        )
    return Trust(
        "blood",
        worst.off,
        verdict,
        f"Blood is {abs(off):.0f} % {way} its own core after {since}",
        f"{name}, beside the plain mean of the {evidence.cores[worst.factor].columns.size} purest "
        f"voxels; {100 * worst.given_away:.0f} % of the signal there is given to other factors. "
        "Spill-in from around may be taken off rightly; a region cannot tell.",
    )


def _unique(evidence: Evidence, parts: Sequence[Part]) -> Trust:
    assert evidence.band is not None
    widths = [band_width(evidence, k) for k in range(len(parts))]
    spread = [high - low for low, high in widths]
    k = int(np.argmax(spread))
    blood = evidence.found.blood
    if blood:
        k = max(blood, key=lambda j: spread[j])
    low, high = widths[k]
    verdict: Verdict = "good" if spread[k] <= _WIDE else "look"
    if spread[k] > _WIDE and any(abs(each.off) > OFF[1] for each in evidence.blood):
        verdict = "bad"  # free to move, and moved
    band = evidence.band
    words = {
        "good": "The data hold the curves within a narrow band",
        "look": "The fit alone leaves room",
        "bad": "The fit does not determine the curves",
    }[verdict]
    chosen = (
        "Anchors decide which one is shown."
        if evidence.anchored
        else "The one shown lets factors overlap least, in proportion to the noise."
        if evidence.found.overlap > 0
        else "Nothing decides which one is shown: overlap is off and there are no anchors."
    )
    return Trust(
        "uniqueness",
        spread[k],
        verdict,
        f"{words}: {parts[k].name} {100 * low:+.0f} to {100 * high:+.0f} % after "
        f"{_since(evidence.series)}".replace("-", "−"),
        f"Band of {band.good} of {band.tried} other fits whose weighted error is within 2 % of "
        f"this one. {chosen} Clicked anchors narrow it.",
    )


def _explained(evidence: Evidence) -> Trust:
    share = evidence.explained
    return Trust(
        "explained",
        share,
        _grade(share, 0.9, 0.7),
        f"{100 * share:.1f} % explained",
        "Of the weighted sum of squares, about zero. A blood curve that is far too low explains "
        "as much: this number does not speak for the curves.",
    )


def _partial_volume(evidence: Evidence, parts: Sequence[Part]) -> list[Trust]:
    thin = [k for k in evidence.found.blood if evidence.cores[k].thin]
    mixed = [k for k in evidence.found.blood if evidence.cores[k].purity < _PURE]
    if not thin and not mixed:
        return []
    k = (thin or mixed)[0]
    core = evidence.cores[k]
    return [
        Trust(
            "partial-volume",
            core.purity,
            "bad" if thin and core.purity < _PURE else "look",
            f"Partial volume: {parts[k].name} is "
            + ("only a voxel or two across" if thin else f"{100 * core.purity:.0f} % pure at best"),
            "Blur lowers its peak and lets in its surroundings. "
            + (
                "Both are taken off as far as the line below says. "
                if evidence.found.spill_of(k) is not None
                else "Neither factor nor region corrects that. "
            )
            + "Compare with blood samples.",
        )
    ]


def _spill(evidence: Evidence, parts: Sequence[Part]) -> list[Trust]:
    """What was taken off blood for blur: the more it is, the more rests on the blur's width."""
    spills = evidence.found.spills
    if not spills:
        return []
    series = evidence.series
    late = _late(series)
    share = series.seconds[late] / series.seconds[late].sum()
    brought = []
    for spill in spills:
        seen = float(share @ evidence.roi[spill.factor][late])
        brought.append(float(share @ spill.curve[late]) / seen if seen > 0 else 0.0)
    worst = int(np.argmax(brought))
    spill, name = spills[worst], parts[spills[worst].factor].name.lower()
    if brought[worst] < _NOTHING:
        return [
            Trust(
                "blur",
                brought[worst],
                "good",
                "Blur lets next to nothing into the middle of blood",
                f"Taken off for a blur of {spill.width_mm:.1f} mm (FWHM), the width "
                f"{_width(evidence)}: less than {100 * _NOTHING:.0f} % of late {name}.",
            )
        ]
    return [
        Trust(
            "blur",
            brought[worst],
            _grade(-brought[worst], -_BROUGHT[0], -_BROUGHT[1]),
            f"{100 * brought[worst]:.0f} % of late {name} was its surroundings, let in by "
            "blur, and is taken off",
            f"A blur of {spill.width_mm:.1f} mm (FWHM) leaves {100 * spill.recovery:.0f} % of the "
            f"blood in the core. The width is {_width(evidence)}; a millimetre more or "
            "less shifts a curve of small vessels by a tenth.",
        )
    ]


def _width(evidence: Evidence) -> str:
    """Where the width of the blur comes from."""
    if evidence.blur_given:
        return "the one that was given"
    if evidence.filter_mm is None:
        return "estimated from frames that were left out"
    return (
        "estimated from frames that were left out, and from the filter of "
        f"{evidence.filter_mm:g} mm that the sidecar tells"
    )


def _uptake(evidence: Evidence, parts: Sequence[Part]) -> list[Trust]:
    """How far Ki of the tissue that takes up most may be off, and what of its core it rests on."""
    if not evidence.uptakes:
        return []
    most = max(evidence.uptakes, key=lambda each: each.ki)
    own = evidence.found.own_of(most.factor)
    assert own is not None
    width = (most.high - most.low) / (2 * most.ki)
    return [
        Trust(
            "ki",
            width,
            _grade(-width, -_KI[0], -_KI[1]),
            f"Ki of {parts[most.factor].name.lower()}: {most.ki:.3g} mL/cm³/min, "
            f"from {most.low:.3g} to {most.high:.3g}",
            f"Its core is {100 * own.share:.0f} % tissue, {100 * own.blood:.0f} % blood, told by "
            f"the first pass, and {100 * own.outside:.0f} % surroundings, told by the edge. "
            f"Noise of the line ({100 * most.line:.0f} %), these shares ({100 * most.core:.0f} %), "
            f"the scale of the input ({100 * most.blood:.0f} %) and what simulated scans leave "
            f"beside ({100 * MODEL:.1f} %) make the band: the truth in {100 * RATE:.0f} of 100 of "
            "them. What another model of the tracer would say is not in it.",
        )
    ]


def _count(counted: Counted) -> Trust:
    place = counted.rank.index(counted.chosen) if counted.chosen in counted.rank else -1
    agreement = counted.agreement[place] if place >= 0 else 0.0
    return Trust(
        "rank",
        float(counted.chosen),
        _grade(agreement, 0.97, 0.9),
        f"{counted.chosen} factors: {counted.why}",
        f"Lowest cosine of the curves of both halves: {agreement:.3f}. More factors may be real "
        "and too faint to be found twice; fewer merge what behaves alike.",
    )


def _timing(series: Series) -> Trust:
    notes = " ".join(series.notes)
    loud = "1 s" in notes and "check the frame table" in notes
    gaps = "gap" in notes
    first, last = series.frames[0, 0] / 60, series.frames[-1, 1] / 60
    return Trust(
        "timing",
        float(last - first),
        "bad" if loud else "look" if gaps else "good",
        "Every frame lasts 1 s: hardly true"
        if loud
        else f"{len(series.frames)} frames over {last - first:.1f} min",
        f"Times from {series.timing}. {notes}".strip(),
    )


def _below(series: Series) -> list[Trust]:
    if series.below <= 0:
        return []
    done = "were taken as zero" if series.negative == "zero" else "had their noise cut first"
    return [
        Trust(
            "negative",
            series.below,
            _grade(-series.below, -_NEGATIVE[0], -_NEGATIVE[1]),
            f"{100 * series.below:.1f} % of the values were below zero and {done}",
            "Noise about zero does this in short early frames. Region curves keep negative values.",
        )
    ]


def _against_samples(evidence: Evidence) -> list[Trust]:
    samples = evidence.samples
    if samples is None or not evidence.found.blood:
        return []
    series = evidence.series
    late = _late(series)
    t = series.middle_min[late]
    inside = (t >= samples.t_min[0]) & (t <= samples.t_min[-1])
    if not inside.any():
        return []
    share = series.seconds[late][inside]
    told = float(share @ np.interp(t[inside], samples.t_min, samples.activity))
    own = float(share @ evidence.found.W[late, evidence.found.blood[-1]][inside])
    if told <= 0:
        return []
    off = own / told - 1
    return [
        Trust(
            "samples",
            off,
            _grade(-abs(off), -0.1, -0.25),
            f"Blood factor {100 * off:+.0f} % beside the samples after {_since(series)}".replace(
                "-", "−"
            ),
            f"Against {samples.name}. Plasma and whole blood differ, and metabolites count in the "
            "image.",
        )
    ]


def _converged(evidence: Evidence) -> Trust:
    fit = evidence.found.fit
    ended = {
        "converged": "the error had stopped falling",
        "max_iter": "the largest number of steps was reached",
        "cancelled": "it was stopped",
    }.get(fit.stop, fit.stop)
    return Trust(
        "converged",
        float(fit.kkt),
        "good" if fit.stop == "converged" else "look",
        "The fit stands still" if fit.stop == "converged" else "The fit still moved",
        f"Ended after {fit.iterations} steps, as {ended}.",
    )


def _off(each: Blood) -> float:
    return abs(each.off)


def _grade(value: float, good: float, look: float) -> Verdict:
    if value >= good:
        return "good"
    return "look" if value >= look else "bad"
