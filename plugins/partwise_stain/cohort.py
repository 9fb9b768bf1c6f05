"""Which slides of a cohort were stained otherwise than the rest? Drift against the median slide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Cohort, Part, Table, View
from partwise_stain.presets import PROTOCOLS, swatch, unit
from partwise_stain.vectors import angle_between

__all__ = ["look_together"]

_FEWEST = 3  # slides that have a median worth the name
# The robust limit of outliers, but not below what resampling of one slide moves its vectors.
_DEVIATIONS, _LEAST = 3.0, 3.0  # times 1.4826 MAD; degrees
_UNUSUAL = 0.10  # share left over from which a slide is looked at by itself


@dataclass(frozen=True, eq=False)
class _Slide:
    folder: str
    title: str
    vectors: dict[str, NDArray[np.float64]]
    left: float
    missed: float
    white: tuple[float, ...]


def look_together(summaries: Mapping[str, Mapping[str, Any]]) -> Cohort | None:
    """Compare each slide's vectors with the median of those stained alike.

    Parameters
    ----------
    summaries : mapping of str to mapping
        Content of ``result.json`` by folder.

    Returns
    -------
    Cohort or None
        Of the staining that most slides have; None for fewer than three of them.
    """
    kinds: dict[str, list[_Slide]] = {}
    for folder, summary in summaries.items():
        kinds.setdefault(str(summary["facts"]["stains"]), []).append(_read(folder, summary))
    if not kinds:
        return None
    kind, slides = max(kinds.items(), key=lambda item: (len(item[1]), item[0]))
    if len(slides) < _FEWEST:
        return None
    keys = list(slides[0].vectors)
    names = {stain.key: stain.name for stain in PROTOCOLS[kind].stains}
    away = {key: _away([slide.vectors[key] for slide in slides]) for key in keys}
    limits = {key: _limit(values) for key, values in away.items()}
    lefts = np.array([slide.left for slide in slides])
    order = np.lexsort((-np.max([away[key] for key in keys], axis=0), -lefts))
    columns = {
        slide.folder: {
            f"{names[key]}, from the cohort (°)": round(float(away[key][k]), 2) for key in keys
        }
        for k, slide in enumerate(slides)
    }
    rows = [
        _row(slides[k], [(away[key][k], limits[key], names[key]) for key in keys]) for k in order
    ]
    heads = (
        "Slide",
        "Left over %",
        "Not explained %",
        *(f"{names[key]}, from the cohort °" for key in keys),
        "White",
        "To look at",
    )
    others = len(summaries) - len(slides)
    words = (
        f"Angle of each slide's vectors to the median of the {len(slides)} slides stained with "
        f"{PROTOCOLS[kind].title}; the largest residual first. Beyond "
        + " and ".join(f"{limits[key]:.1f}° ({names[key]})" for key in keys)
        + " a slide is told to have drifted."
    )
    words += f" {others} slides of another staining are not compared." if others else ""
    view, parts = _chart(slides, keys, names, away)
    return Cohort(
        "Drift across the cohort",
        words,
        Table("Slides", heads, tuple(rows)),
        columns,
        (view,),
        parts,
    )


def _read(folder: str, summary: Mapping[str, Any]) -> _Slide:
    vectors = {
        str(part["key"]): unit(np.array(part["vector"], dtype=np.float64))
        for part in summary["parts"]
    }
    missed = next((t["value"] for t in summary["trust"] if t["check"] == "not-explained"), None)
    return _Slide(
        folder,
        folder,
        vectors,
        float(summary["residual"]["share"] or 0.0),
        float(missed or 0.0),
        tuple(float(level) for level in summary["facts"]["white"]),
    )


def _away(vectors: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Degrees from the median vector, for each slide."""
    middle = unit(np.median(vectors, axis=0))
    return np.array([angle_between(vector, middle) for vector in vectors])


def _limit(away: NDArray[np.float64]) -> float:
    middle = float(np.median(away))
    spread = 1.4826 * float(np.median(np.abs(away - middle)))
    return max(middle + _DEVIATIONS * spread, _LEAST)


def _row(slide: _Slide, told: Sequence[tuple[float, float, str]]) -> tuple[str | float, ...]:
    notes = [f"{name} drifted" for away, limit, name in told if away > limit]
    if slide.missed > _UNUSUAL:
        notes.append("much is not explained")
    white = ", ".join(f"{level:.0f}" for level in slide.white)
    return (
        slide.title,
        round(100 * slide.left, 3),
        round(100 * slide.missed, 2),
        *(round(float(away), 2) for away, _limit, _name in told),
        white,
        "; ".join(notes),
    )


def _chart(
    slides: Sequence[_Slide],
    keys: Sequence[str],
    names: Mapping[str, str],
    away: Mapping[str, NDArray[np.float64]],
) -> tuple[View, tuple[Part, ...]]:
    middles = {key: unit(np.median([s.vectors[key] for s in slides], axis=0)) for key in keys}
    parts = tuple(
        Part(key=key, name=names[key], color=swatch(middles[key]), profile=middles[key])
        for key in keys
    )
    labels = tuple(slide.title for slide in slides)
    view = View(
        "bars",
        "Degrees from the cohort's median: " + ", ".join(names[key] for key in keys),
        arrays={"values": np.stack([away[key] for key in keys])},
        axes=(
            Axis("slide", len(slides), "", labels=labels),
            Axis("angle (°)", len(slides), "°"),
        ),
        options={"of": "parts"},
    )
    return view, parts
