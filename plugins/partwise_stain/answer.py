"""How does what was found become a result? Parts, measures, trust, views and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from partwise.api import Axis, Dataset, Fit, Measure, Part, Residual, Result, Table, View
from partwise_stain.finding import Found, kkt, parts_of
from partwise_stain.measured import Measured
from partwise_stain.numbers import Number, numbers_table
from partwise_stain.presets import STAINS, published, unit
from partwise_stain.trust import in_sentence, lines, percent
from partwise_stain.unmix import Census
from partwise_stain.vectors import angle_between

__all__ = ["result_of"]

_POINTS = 3000  # of the scatter
_SHOWN = 50  # bins of the histogram that is shown, to 2 OD


def result_of(
    dataset: Dataset,
    found: Found,
    measured: Measured,
    facts: dict[str, Any],
) -> Result:
    """Put together what was found and measured."""
    counted, told = measured.counted, measured.numbers
    parts = parts_of(found.stains, found.vectors, counted)
    names = tuple(part.name for part in parts)
    left = 1 - counted.explained
    return Result(
        parts=parts,
        residual=Residual(
            left,
            f"{percent(left)} of the squared optical density is left; "
            f"{percent(counted.missed)} of tissue is not explained",
        ),
        fit=Fit(
            loss="frobenius",
            value=0.5 * counted.left,
            explained=counted.explained,
            iterations=found.rounds,
            stop="converged",
            kkt=kkt(found.coreset, found.vectors),
            trace=found.trace,
        ),
        measures=_measures(found, counted, told),
        trust=(
            *lines(
                counted,
                found.white,
                found.vectors,
                names,
                found.steady,
                found.coreset,
                published(found.stains),
            ),
            *measured.trust,
        ),
        views=(_image_view(dataset, found), _cone_view(found), _density_view(parts, counted)),
        tables=(_table(parts, found, counted), numbers_table(told), *measured.tables),
        facts=facts,
    )


def _measures(found: Found, counted: Census, numbered: Sequence[Number]) -> tuple[Measure, ...]:
    told = [
        Measure(
            "Tissue",
            100 * counted.tissue / max(counted.pixels, 1),
            "%",
            "Share of the image that is darker than background.",
        ),
        *(number.measure() for number in numbered),
    ]
    told.append(
        Measure(
            "Angle between stains",
            angle_between(found.vectors[:, 0], found.vectors[:, 1]),
            "°",
            "How different the stains' colours are; below 10° they cannot be told apart.",
        )
    )
    told += [
        Measure(f"White, {channel}", level, "level", f"Light without tissue in {channel}.")
        for channel, level in zip(("red", "green", "blue"), found.white.levels, strict=True)
    ]
    return tuple(told)


def _image_view(dataset: Dataset, found: Found) -> View:
    return View(
        "image",
        dataset.title,
        axes=dataset.axes,
        options={"mixing": {"transform": "optical-density", "white": list(found.white.levels)}},
    )


def _cone_view(found: Found) -> View:
    """The colours of tissue in the plane of the first two stains.

    ``options["plane"]`` holds its two axes as OD vectors, of right angles and unit length: a point
    (a, b) of the picture stands for the OD ``a * plane[0] + b * plane[1]``. ``options["spread"]``
    is how far each stain moves when the tissue is resampled, in degrees.
    """
    middle = unit(found.vectors[:, 0] + found.vectors[:, 1])
    across = unit(found.vectors[:, 1] - found.vectors[:, 0])
    onto = np.column_stack([across, middle])
    heavy = np.argsort(-found.coreset.counts(), kind="stable")[:_POINTS]
    reach = float(np.percentile(np.linalg.norm(found.coreset.od, axis=1), 98))
    names = [in_sentence(stain.name) for stain in STAINS[found.stains]]
    spread = found.steady.spread if found.steady else ()
    return View(
        "scatter",
        "Colours of tissue and the stains' directions",
        arrays={
            "points": (found.coreset.od[heavy] @ onto).astype(np.float32),
            "rays": (reach * (found.vectors.T @ onto)).astype(np.float32),
        },
        axes=(
            Axis(f"{names[0]} to {names[1]}", len(heavy), "OD"),
            Axis("density", len(heavy), "OD"),
        ),
        options={
            "plane": [[float(value) for value in axis] for axis in onto.T],
            "spread": [round(float(v), 3) if np.isfinite(v) else None for v in spread],
        },
    )


def _density_view(parts: Sequence[Part], counted: Census) -> View:
    """How much tissue has how much of each stain: histograms of optical density."""
    wide = 8  # bins of 0.005 OD to one of the picture
    bins = counted.histogram[:, : _SHOWN * wide].reshape(len(parts), _SHOWN, wide).sum(axis=2)
    share = 100 * bins / max(counted.tissue, 1)
    step = 0.005 * wide
    return View(
        "curves",
        "Optical density of each stain in tissue",
        arrays={"x": (np.arange(_SHOWN) + 0.5) * step, "y": share},
        axes=(Axis("optical density", _SHOWN, "OD"), Axis("tissue", _SHOWN, "%")),
    )


def _table(parts: Sequence[Part], found: Found, counted: Census) -> Table:
    spread = found.steady.spread if found.steady else ()
    rows = tuple(
        (
            part.name,
            *(round(float(value), 4) for value in part.profile),
            round(100 * part.share, 2),
            round(float(counted.high[k]), 3),
            round(spread[k], 2) if k < len(spread) else "",
        )
        for k, part in enumerate(parts)
    )
    columns = ("Stain", "Red OD", "Green OD", "Blue OD", "Share %", "99th percentile OD", "± °")
    return Table("Stain vectors", columns, rows)
