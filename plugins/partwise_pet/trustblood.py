"""Can the curve of blood be used? Beside its own core, other fits, and samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partwise.api import Part, Trust, Verdict, graded
from partwise_pet.doubt import Blood
from partwise_pet.evidence import OFF, Evidence, band_width, late_of, since

__all__ = ["blood_line", "sample_lines", "unique_line"]

_WIDE = 0.15  # of the late part, from lowest to highest


def blood_line(evidence: Evidence, parts: Sequence[Part]) -> Trust:
    """Return how far blood is off its own core, and whether there is any."""
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
    verdict = graded(-abs(worst.off), -OFF[0], -OFF[1])
    first = since(evidence.series)
    way = "below" if off < 0 else "above"
    if verdict == "bad":
        return Trust(
            "blood",
            worst.off,
            "bad",
            f"Do not use this blood curve: {abs(off):.0f} % {way} its own core after {first}",
            f"{name}: the fit gives {100 * worst.given_away:.0f} % of what was measured in the "
            "middle of the pool to other factors, although it explains the data. The fit does not "
            "determine the curve. Set overlap to auto, click the pool as an anchor, or use the "
            "region's curve.",
        )
    return Trust(
        "blood",
        worst.off,
        verdict,
        f"Blood is {abs(off):.0f} % {way} its own core after {first}",
        f"{name}, beside the plain mean of the {evidence.cores[worst.factor].columns.size} purest "
        f"voxels; {100 * worst.given_away:.0f} % of the signal there is given to other factors. "
        "Spill-in from around may be taken off rightly; a region cannot tell.",
    )


def unique_line(evidence: Evidence, parts: Sequence[Part]) -> Trust:
    """Return how far other fits lie that are as good."""
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
        f"{since(evidence.series)}".replace("-", "−"),
        f"Band of {band.good} of {band.tried} other fits whose weighted error is within 2 % of "
        f"this one. {chosen} Clicked anchors narrow it.",
    )


def sample_lines(evidence: Evidence) -> list[Trust]:
    """Return how far late blood is off samples, where there are any."""
    samples = evidence.samples
    if samples is None or not evidence.found.blood:
        return []
    series = evidence.series
    late = late_of(series)
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
            graded(-abs(off), -0.1, -0.25),
            f"Blood factor {100 * off:+.0f} % beside the samples after {since(series)}".replace(
                "-", "−"
            ),
            f"Against {samples.name}. Plasma and whole blood differ, and metabolites count in the "
            "image.",
        )
    ]


def _off(each: Blood) -> float:
    return abs(each.off)
