"""How far can the curves be believed? Each line is a number that was computed, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from partwise.api import Part, Trust
from partwise_pet.evidence import Evidence
from partwise_pet.trustblood import blood_line, sample_lines, unique_line
from partwise_pet.trustblur import partial_volume_lines, spill_lines, uptake_lines
from partwise_pet.trustscan import (
    below_lines,
    converged_line,
    count_line,
    explained_line,
    placed_lines,
    timing_line,
)

__all__ = ["lines"]


def lines(evidence: Evidence, parts: Sequence[Part]) -> tuple[Trust, ...]:
    """Return the trust card; what could mislead most comes first."""
    told = [blood_line(evidence, parts)]
    if evidence.band is not None:
        told.append(unique_line(evidence, parts))
    told.append(explained_line(evidence))
    told += partial_volume_lines(evidence, parts)
    told += spill_lines(evidence, parts)
    told += uptake_lines(evidence, parts)
    if evidence.counted is not None:
        told.append(count_line(evidence.counted))
    told.append(timing_line(evidence.series))
    told += placed_lines(evidence.series)
    told += below_lines(evidence.series)
    told += sample_lines(evidence)
    told.append(converged_line(evidence))
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
