"""What does blur do to the answer, and how far may Ki be off?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partwise.api import Part, Trust, graded
from partwise_pet.evidence import Evidence, late_of
from partwise_pet.question import BESIDE_MM
from partwise_pet.uptake import MODEL, RATE, Uptake

__all__ = ["partial_volume_lines", "spill_lines", "uptake_lines"]

_PURE = 0.8
_NOTHING = 0.02
_BROUGHT = 0.15, 0.5  # of late blood, taken off for blur
_KI = 0.12, 0.3  # half of the band of Ki
_SWAYS = 0.05, 0.15  # of Ki, for a blur that is `BESIDE_MM` off


def partial_volume_lines(evidence: Evidence, parts: Sequence[Part]) -> list[Trust]:
    """Return which pool is too small, or mixed, to be seen at full height."""
    thin = [k for k in evidence.found.blood if evidence.cores[k].thin]
    mixed = [k for k in evidence.found.blood if evidence.cores[k].purity < _PURE]
    if not thin and not mixed:
        return []
    k = (thin or mixed)[0]
    core, spill = evidence.cores[k], evidence.found.spill_of(k)
    return [
        Trust(
            "partial-volume",
            core.purity,
            "bad" if thin and core.purity < _PURE and spill is None else "look",
            f"Partial volume: {parts[k].name} is "
            + ("only a voxel or two across" if thin else f"{100 * core.purity:.0f} % pure at best"),
            "Blur lowers its peak and lets in its surroundings. "
            + (
                "Both are taken off as far as the line below says. "
                if spill is not None
                else "Neither factor nor region corrects that. "
            )
            + "Compare with blood samples.",
        )
    ]


def spill_lines(evidence: Evidence, parts: Sequence[Part]) -> list[Trust]:
    """What was taken off blood for blur: the more it is, the more rests on the blur's width."""
    spills = evidence.found.spills
    if not spills:
        return []
    series = evidence.series
    late = late_of(series)
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
            graded(-brought[worst], -_BROUGHT[0], -_BROUGHT[1]),
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


def uptake_lines(evidence: Evidence, parts: Sequence[Part]) -> list[Trust]:
    """Return how far Ki of the tissue that takes up most may be off, and what it rests on."""
    if not evidence.uptakes:
        return []
    most = max(evidence.uptakes, key=lambda each: each.ki)
    own = evidence.found.own_of(most.factor)
    assert own is not None
    width = (most.high - most.low) / (2 * most.ki)
    name = parts[most.factor].name.lower()
    told = [
        Trust(
            "ki",
            width,
            graded(-width, -_KI[0], -_KI[1]),
            f"Ki of {name}: {most.ki:.3g} mL/cm³/min, from {most.low:.3g} to {most.high:.3g}",
            f"Its core is {100 * own.share:.0f} % tissue, {100 * own.blood:.0f} % blood, told by "
            f"the first pass, and {100 * own.outside:.0f} % surroundings, told by the edge. "
            f"Noise of the line ({100 * most.line:.0f} %), these shares ({100 * most.core:.0f} %), "
            f"how far the core's own curve is from the factor's ({100 * most.mixed:.0f} %), the "
            f"blur's width ({100 * most.blur:.0f} %), the input ({100 * most.blood:.0f} %) and "
            f"what simulated scans leave beside ({100 * MODEL:.1f} %) make "
            f"the band: the truth in {100 * RATE:.0f} of 100 of them. "
            "What another model of the tracer would say is not in it.",
        )
    ]
    if np.isfinite(most.narrower) and np.isfinite(most.wider):
        told.append(_sway(evidence, most, name))
    return told


def _sway(evidence: Evidence, uptake: Uptake, name: str) -> Trust:
    """What Ki would be, were the blur another: a width that is given may be off, too."""
    spill = evidence.found.spills[0]
    shifts = [each / uptake.ki - 1 for each in (uptake.narrower, uptake.wider)]
    worst = max(abs(each) for each in shifts)
    narrower, wider = (f"{100 * each:+.0f} %".replace("-", "−") for each in shifts)
    here = evidence.found.narrower[0].width_mm, evidence.found.wider[0].width_mm
    return Trust(
        "ki-blur",
        worst,
        graded(-worst, -_SWAYS[0], -_SWAYS[1]),
        f"Were the blur {BESIDE_MM:g} mm narrower or wider, Ki of {name} would be {narrower} or "
        f"{wider}",
        f"{uptake.narrower:.3g} for {here[0]:.1f} mm (FWHM), {uptake.ki:.3g} for "
        f"{spill.width_mm:.1f} mm, {uptake.wider:.3g} for {here[1]:.1f} mm. The width is "
        f"{_width(evidence)}; the band of Ki takes it to be off by {spill.doubt_mm:.1f} mm. "
        "A point source measured on this scanner tells it best (blur=WIDTH).",
    )
