"""What is measured once the stains are known? Slide, fields, nuclei, regions, flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from partwise.api import Dataset, Job, Mixing, Pyramid, Table, Trust
from partwise_stain.asked import Params
from partwise_stain.difference import Difference, reconstruction, sampled
from partwise_stain.finding import Found, names_of
from partwise_stain.flagged import flag_lines, flag_numbers
from partwise_stain.nuclei import Nuclei, count_nuclei
from partwise_stain.numbers import Counted, Number, numbers, read_grades
from partwise_stain.presets import STAINS
from partwise_stain.quality import Slide, inspect_slide, judge_stains, unclean
from partwise_stain.regional import Tally, is_coarse, measure_region, regions_table, tally
from partwise_stain.regions import Region, bounds
from partwise_stain.survey import Survey
from partwise_stain.unmix import AREA_OD, Census, census

__all__ = ["Measured", "measure"]

_COMPARED = 20_000  # pixels whose reconstruction is compared by eye's measure
_NUCLEAR = "haematoxylin"
_BROWN = ("dab", "aec")


@dataclass(frozen=True, eq=False)
class Measured:
    """What a slide holds.

    Attributes
    ----------
    counted : Census
        Of the whole slide.
    numbers : tuple of Number
    trust : tuple of Trust
        Lines that follow from the slide's flags and from where regions lie.
    tables : tuple of Table
        Of drawn regions.
    """

    counted: Census
    numbers: tuple[Number, ...]
    trust: tuple[Trust, ...]
    tables: tuple[Table, ...]


def measure(
    dataset: Dataset,
    pyramid: Pyramid,
    looked: Survey,
    found: Found,
    drawn: Sequence[Region],
    params: Params,
    job: Job,
) -> Measured:
    """Measure a slide with the stains that were found, from half of the run on."""
    mixing = Mixing(found.vectors, found.white.levels)
    grades = read_grades(params.grades)
    counted = census(pyramid, mixing, job, (0.5, 0.8), grades)
    keys = [stain.key for stain in STAINS[found.stains]]
    names = [name for _key, name in names_of(found.stains, found.vectors.shape[1])]
    slide = None
    if params.check or params.clean:
        job.report(0.8, "Checking the slide")
        brown = any(key in _BROWN for key in keys)
        slide = judge_stains(inspect_slide(pyramid, job, found.white), mixing, brown=brown)
    left = unclean(slide) if slide is not None and params.clean else None
    # Fields are counted by the usual threshold, on all tissue, and on a large slide coarsely.
    fields: Counted = counted
    again = params.area_od != AREA_OD or left is not None
    if again or is_coarse(dataset, counted.level):
        fields = tally(dataset, mixing, None, grades, job, area_od=params.area_od, left=left)
    nuclei: Nuclei | None = None
    column = keys.index(_NUCLEAR) if params.nuclei and _NUCLEAR in keys else None
    if column is not None:
        job.report(0.85, "Counting nuclei")
        # On pixels so coarse that nuclei melt away, the darkest are too light for a threshold.
        high = float(counted.high[column])
        if isinstance(fields, Tally) and fields.tissue:
            high = fields.high(column)
        nuclei = count_nuclei(dataset, mixing, column, high, job, left=left)
    told = numbers(fields, names, grades, nuclei, job.seed, area_od=params.area_od)
    told += _differences(reconstruction(sampled(looked.regions, _COMPARED), mixing))
    rows = []
    for number, region in enumerate(drawn):
        job.report(0.9 + 0.1 * number / len(drawn), f"Measuring {region.name}")
        rows.append(
            measure_region(
                dataset,
                mixing,
                names,
                region,
                grades,
                job,
                area_od=params.area_od,
                nuclei=column,
                left=left,
            )
        )
    return Measured(
        counted,
        (*told, *_flag_numbers(slide)),
        (*(flag_lines(slide, left) if slide is not None else ()), *_away(drawn, pyramid)),
        (regions_table(rows),) if rows else (),
    )


def _away(drawn: Sequence[Region], pyramid: Pyramid) -> list[Trust]:
    """Say which regions hold no pixel of the slide."""
    full = pyramid.levels[0]
    away = [one.name for one in drawn if 0 in bounds(one, full.width, full.height)[2:]]
    if not away:
        return []
    return [
        Trust(
            "regions",
            float(len(away)),
            "bad",
            f"Outside the slide: {len(away)} of {len(drawn)} regions",
            f"{', '.join(away[:4])}{' …' if len(away) > 4 else ''}. Corners are counted in pixels "
            "of the full resolution, not in µm or in those of an overview.",
        )
    ]


def _flag_numbers(slide: Slide | None) -> tuple[Number, ...]:
    return flag_numbers(slide) if slide is not None else ()


def _differences(seen: Difference | None) -> list[Number]:
    if seen is None:
        return []
    words = "Colour difference (CIEDE2000) between tissue and its reconstruction from the stains"
    return [
        Number("Reconstruction, median ΔE", seen.median, "", f"{words}: half lies below."),
        Number("Reconstruction, 95 % ΔE", seen.high, "", f"{words}: 95 % lie below."),
    ]
