"""Which numbers tell the answer? Measures, and tables for screen, report and export."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partwise.api import Measure, Part, Table
from partwise_emg.answer import Answer, mean_courses
from partwise_emg.channels import muscle_name
from partwise_emg.compared import compared_tables
from partwise_emg.delays import Delayed
from partwise_emg.prepared import Prepared
from partwise_emg.scanning import Scan
from partwise_emg.synergies import RULES, Found
from partwise_emg.timing import centre_of_activity, fwhm

__all__ = ["SCAN_TITLE", "measures", "tables"]

SCAN_TITLE = "How many synergies"  # of the table and of the view; the export finds the table by it


def measures(answer: Answer, parts: Sequence[Part]) -> tuple[Measure, ...]:
    """Return the numbers of the answer."""
    found, prepared = answer.found, answer.prepared
    told = [
        Measure(
            "Synergies", float(found.rank), "", "How many synergies the envelopes were taken into."
        ),
        Measure("VAF", 100 * answer.vaf, "%", "1 − SSE/Σx², about zero (uncentred)."),
        Measure("R²", answer.r2, "", "1 − SSE/SST about the grand mean of all envelopes."),
        Measure("VAF of one", 100 * answer.vaf1, "%", "What a single synergy explains, uncentred."),
        Measure(
            "Cycles", float(prepared.cycles.count), "", "Gait cycles that were factored together."
        ),
    ]
    if np.isfinite(answer.repeats):
        told.append(
            Measure(
                "Residual that repeats",
                answer.repeats,
                "",
                "Correlation of what is left in odd with that in even cycles; noise gives 0.",
            )
        )
    if answer.against is not None and answer.against.dmc is not None:
        told.append(
            Measure(
                "walk-DMC",
                answer.against.dmc,
                "",
                "100 + 10 · (mean − VAF of one) / SD of the norm; 100 is usual (Steele 2015).",
            )
        )
    for part, course in zip(parts, mean_courses(parts, prepared.cycles), strict=True):
        told += [
            Measure(
                f"{part.name}, width",
                float(fwhm(course)),
                "points",
                "Full width at half maximum of the mean activation.",
            ),
            Measure(
                f"{part.name}, centre",
                centre_of_activity(course),
                "points",
                "Circular mean of the mean activation, 0 at touch-down.",
            ),
        ]
    return tuple(m for m in told if np.isfinite(m.value))


def tables(answer: Answer, parts: Sequence[Part]) -> tuple[Table, ...]:
    """Return weights, timing, rules, and what the comparison found."""
    prepared, found = answer.prepared, answer.found
    weights = Table(
        "Synergies",
        ("Muscle", *(part.name for part in parts), "VAF %"),
        tuple(
            (
                _muscle(name),
                *(round(float(part.profile[k]), 4) for part in parts),
                _cell(100 * answer.muscles_vaf[k], 2),
            )
            for k, name in enumerate(prepared.muscles)
        ),
    )
    timing = Table(
        "Timing",
        ("Synergy", "Share %", "Width (FWHM), points", "Centre (CoA), points", "Alike over starts"),
        tuple(
            (
                part.name,
                round(100 * part.share, 2),
                fwhm(course),
                _cell(centre_of_activity(course), 2),
                _cell(float(found.alike[k]), 4),
            )
            for k, (part, course) in enumerate(
                zip(parts, mean_courses(parts, prepared.cycles), strict=True)
            )
        ),
    )
    told = [weights, timing, _rules_table(found), _scan_table(found.scan)]
    if answer.delayed is not None:
        told.append(_delay_table(answer.delayed, prepared, parts))
    if answer.against is not None:
        told += compared_tables(answer.against, parts)
    if prepared.cycles.left_out:
        told.append(
            Table(
                "Cycles left out",
                ("Cycle", "Why"),
                tuple((number, why) for number, why in prepared.cycles.left_out),
            )
        )
    return tuple(told)


def _delay_table(delayed: Delayed, prepared: Prepared, parts: Sequence[Part]) -> Table:
    scale = 100 / prepared.cycles.points
    return Table(
        "Delays behind the earliest muscle, % of cycle",
        ("Muscle", *(part.name for part in parts)),
        tuple(
            (_muscle(name), *(_cell(scale * float(v), 2) for v in delayed.lag[k]))
            for k, name in enumerate(prepared.muscles)
        ),
    )


def _rules_table(found: Found) -> Table:
    said = {
        "line": "R² about the mean is straight from there, residual ≤ 1e-4 (Cheung 2005)",
        "vaf90": "fewest with uncentred VAF ≥ 0.90 (Clark 2010)",
        "muscles90": "fewest with uncentred VAF ≥ 0.90 in every muscle",
        "stability": "most whose random starts agree, mean cosine ≥ 0.95",
        "heldout": "fewest within one standard error of the best foretelling of hidden entries",
    }
    rows = tuple(
        (RULES[name], "does not decide" if rank is None else int(rank), said[name])
        for name, rank in found.rules.items()
    )
    return Table("Rules for the number of synergies", ("Rule", "Synergies", "Definition"), rows)


def _scan_table(scan: Scan) -> Table:
    columns = ("r2", "vaf", "stability", "chance", "heldout")
    rows = tuple(
        (
            int(rank),
            *(_cell(float(getattr(scan, name)[k]), 6) for name in columns),
            float(f"{scan.error[k]:.6g}"),
        )
        for k, rank in enumerate(scan.rank)
    )
    titles = (
        "Synergies",
        "R²",
        "VAF",
        "Alike",
        "By chance",
        "Hidden entries",
        "Error",
    )
    return Table(SCAN_TITLE, titles, rows)


def _muscle(name: str) -> str:
    full = muscle_name(name)
    return name if full == name else f"{name} ({full})"


def _cell(value: float, digits: int) -> float | str:
    return round(float(value), digits) if np.isfinite(value) else ""
