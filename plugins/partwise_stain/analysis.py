"""Which stains made this slide? From pixels to parts, residual, measures and trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Axis,
    Dataset,
    Fit,
    InputProblem,
    Job,
    Measure,
    Mixing,
    Part,
    Pyramid,
    Residual,
    Result,
    Table,
    View,
    param,
)
from partwise_stain.coreset import Coreset, gather
from partwise_stain.foreign import left_out
from partwise_stain.optics import White
from partwise_stain.presets import STAINS, preset, published, swatch, unit
from partwise_stain.survey import Survey, as_white, survey
from partwise_stain.trust import Steadiness, lines, percent, steadiness
from partwise_stain.unmix import AREA_OD, Census, census
from partwise_stain.vectors import angle_between, find_vectors

__all__ = ["StainAnalysis"]

Vectors = NDArray[np.float64]

_LEAST_TISSUE = 0.04  # share of the sampled area
_LEAST_BINS = 60  # different colours
_GREY = 4.0  # degrees from grey; tissue nearer has no colour
_BROWN = 3.0  # times the eosin
_POINTS = 3000  # of the scatter


def _check_white(text: str) -> str | None:
    try:
        as_white(text)
    except ValueError:
        return "give auto, or three levels from 1 to 255"
    return None


def _check_vectors(text: str) -> str | None:
    try:
        _read_vectors(text)
    except ValueError as error:
        return str(error)
    return None


def _read_vectors(text: str) -> Vectors | None:
    """Read ``r,g,b;r,g,b`` as unit columns (3, 2) or (3, 3); None where empty."""
    if not text.strip():
        return None
    try:
        rows = [[float(value) for value in row.split(",")] for row in text.split(";")]
    except ValueError as error:
        msg = "numbers are needed, as in 0.65,0.70,0.29;0.07,0.99,0.11"
        raise ValueError(msg) from error
    if len(rows) not in (2, 3) or any(len(row) != 3 for row in rows):
        msg = (
            "two or three vectors of three numbers are needed, as in 0.65,0.70,0.29;0.07,0.99,0.11"
        )
        raise ValueError(msg)
    array = np.array(rows).T
    if not np.isfinite(array).all() or (array < 0).any() or not (array.max(axis=0) > 0).all():
        msg = "optical densities are at least 0, and one of each vector is above"
        raise ValueError(msg)
    vectors = unit(array)
    if np.linalg.matrix_rank(vectors, tol=1e-3) < vectors.shape[1]:
        msg = "two of the vectors are alike"
        raise ValueError(msg)
    return vectors


@dataclass(frozen=True)
class _Params:
    stains: str = param(
        "auto",
        label="Stains",
        choices={"auto": "Find out", "he": "H&E", "hdab": "H-DAB"},
        help="Which dyes the slide carries.",
    )
    white: str = param(
        "auto",
        label="White",
        kind="rgb",
        check=_check_white,
        help="Light where there is no tissue: found on the slide, or three levels.",
    )
    reference: str = param(
        "",
        label="Normalise to",
        kind="file",
        help="An image whose colours this slide shall take; empty for none.",
    )
    exclude: str = param(
        "auto",
        label="Leave out",
        choices={
            "auto": "Red cells, pigment and pen",
            "red-cells": "Red cells",
            "pigment": "Brown pigment",
            "pen": "Felt pen",
            "none": "Nothing",
        },
        advanced=True,
        help="What is no stain and must not turn the vectors; it stays in the picture.",
    )
    vectors: str = param(
        "",
        label="Fixed vectors",
        check=_check_vectors,
        advanced=True,
        help="Stain vectors that are not fitted, r,g,b;r,g,b in OD; empty to find them.",
    )
    resample: bool = param(
        True,
        label="Check by resampling",
        advanced=True,
        help="Find the stains again on resampled tissue to see how steady they are.",
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """The front end's answer for one image."""

    stains: str
    vectors: Vectors
    white: White
    coreset: Coreset
    trace: tuple[float, ...]
    rounds: int
    steady: Steadiness | None


class StainAnalysis:
    """Colour deconvolution in optical density (Ruifrok and Johnston 2001), vectors found blind."""

    id: ClassVar[str] = "stain"
    title: ClassVar[str] = "Find stains"
    Params: ClassVar[type] = _Params

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Find the stains of a slide and measure them.

        Raises
        ------
        InputProblem
            No tissue, no colour, or an unreadable reference.
        """
        if dataset.pyramid is None:
            raise InputProblem("the input is no image", argument="input", fix="give a slide")
        job.report(0.0, "Looking at the slide")
        looked = survey(dataset.pyramid, job, as_white(params.white))
        found = _find(looked, params, job)
        mixing = Mixing(found.vectors, found.white.levels)
        counted = census(dataset.pyramid, mixing, job, (0.5, 0.9))
        facts: dict[str, Any] = {
            "stains": found.stains,
            "white": list(found.white.levels),
            "high": [float(value) for value in counted.high],
            "measured_level": counted.level,
        }
        if params.reference:
            facts["reference"] = _reference(Path(params.reference), found.stains, job)
        job.report(1.0, "Done")
        return _result(dataset, found, counted, facts)


def _find(looked: Survey, params: _Params, job: Job) -> _Found:
    fixed = _read_vectors(params.vectors)
    stains = params.stains
    left = left_out(params.exclude)
    coreset = gather(looked.regions, looked.white, brown=stains != "he", left=left)
    _check_tissue(coreset)
    if stains == "auto":
        stains = _which(coreset)
        if stains == "he":
            coreset = gather(looked.regions, looked.white, brown=False, left=left)
            _check_tissue(coreset)
    prior = published(stains)
    trace: list[float] = []

    def show(vectors: Vectors) -> None:
        trace.append(_loss(coreset, vectors))
        job.snapshot(_parts(stains, vectors, None), trace)
        job.report(min(0.1 + 0.01 * len(trace), 0.3), "Finding the stains")

    if fixed is not None:
        show(fixed)
        return _Found(stains, fixed, looked.white, coreset, tuple(trace), 0, None)
    kept = _kept(stains, job)
    start = preset(stains)
    for column, vector in kept.items():
        start[:, column] = vector
    show(start)
    vectors = find_vectors(coreset, prior, kept=kept, on_step=show).vectors
    job.report(0.3, "Checking how steady they are")
    steady = steadiness(coreset, prior, kept, job) if params.resample else None
    return _Found(stains, vectors, looked.white, coreset, tuple(trace), len(trace), steady)


def _kept(stains: str, job: Job) -> dict[int, Vectors]:
    keys = [stain.key for stain in STAINS[stains]]
    return {
        keys.index(part.key): np.asarray(part.profile, dtype=np.float64)
        for part in job.kept
        if part.key in keys
    }


def _check_tissue(coreset: Coreset) -> None:
    if coreset.tissue < _LEAST_TISSUE or len(coreset.od) < _LEAST_BINS:
        ink = f" ({100 * coreset.pen:.0f} % is felt pen)" if coreset.pen > 0.005 else ""
        raise InputProblem(
            f"there is almost no tissue: {100 * coreset.tissue:.1f} % of the image{ink}",
            argument="input",
            fix="choose a field with tissue, or fix the white point if the slide is very pale",
        )
    counts = coreset.counts()
    toward = coreset.od / np.linalg.norm(coreset.od, axis=1)[:, None]
    off = np.degrees(np.arccos(np.clip(toward.sum(axis=1) / np.sqrt(3), -1, 1)))
    if (counts * (off < _GREY)).sum() > 0.9 * counts.sum():
        raise InputProblem(
            "the image is grey, and one channel cannot carry two stains",
            argument="input",
            fix="use the colour image as it came from the scanner or camera",
        )


def _which(coreset: Coreset) -> str:
    """Tell H&E from H-DAB by which of eosin and DAB carries more.

    DAB has to win clearly: red cells, pigment and a white point that is off look brown too.
    """
    three = np.column_stack([preset("he"), preset("hdab")[:, 1]])
    amount = coreset.counts() @ _nonnegative(three, coreset.od)
    return "hdab" if amount[2] > _BROWN * amount[1] else "he"


def _nonnegative(vectors: Vectors, od: Vectors) -> Vectors:
    """Nonnegative least squares of all rows, shape (n, parts), by trying every set of parts."""
    parts = vectors.shape[1]
    best = np.zeros((len(od), parts))
    most = np.zeros(len(od))
    for members in range(1, 2**parts):
        chosen = [k for k in range(parts) if members >> k & 1]
        h = od @ np.linalg.pinv(vectors[:, chosen]).T
        gain = (h * (od @ vectors[:, chosen])).sum(axis=1)
        better = (h >= 0).all(axis=1) & (gain > most)
        best[better] = 0
        best[np.ix_(better, chosen)] = h[better]
        most[better] = gain[better]
    return best


def _loss(coreset: Coreset, vectors: Vectors) -> float:
    """Half the mean squared OD that the vectors leave over on the colours of tissue."""
    counts = coreset.counts()
    rest = coreset.od - _nonnegative(vectors, coreset.od) @ vectors.T
    return float(0.5 * (counts @ (rest**2).sum(axis=1)) / counts.sum())


def _kkt(coreset: Coreset, vectors: Vectors) -> float:
    """Scaled optimality residual of the concentrations for these vectors."""
    h = _nonnegative(vectors, coreset.od)
    gradient = (h @ vectors.T - coreset.od) @ vectors
    scale = np.abs(coreset.od @ vectors).max()
    return float(np.abs(np.minimum(h, gradient)).max() / scale)


def _reference(path: Path, stains: str, job: Job) -> dict[str, Any]:
    """Fit the reference image and keep what a normalisation needs."""
    from partwise_stain.readers import load_slide

    dataset = load_slide(path)
    assert dataset.pyramid is not None
    pyramid: Pyramid = dataset.pyramid
    job.report(0.9, "Fitting the reference")
    looked = survey(pyramid, job)
    coreset = gather(looked.regions, looked.white, brown=stains == "hdab")
    try:
        _check_tissue(coreset)
    except InputProblem as problem:
        raise InputProblem(
            f"{path.name}: {problem.what}", argument="reference", fix=problem.fix
        ) from None
    vectors = find_vectors(coreset, published(stains)).vectors
    counted = census(pyramid, Mixing(vectors, looked.white.levels), job, (0.9, 1.0))
    return {
        "name": path.name,
        "vectors": [[float(value) for value in row] for row in vectors.T],
        "white": list(looked.white.levels),
        "high": [float(value) for value in counted.high],
    }


def _parts(stains: str, vectors: Vectors, counted: Census | None) -> tuple[Part, ...]:
    names = [(stain.key, stain.name) for stain in STAINS[stains]] + [("third", "Third stain")]
    return tuple(
        Part(
            key=names[k][0],
            name=names[k][1],
            color=swatch(vectors[:, k]),
            profile=vectors[:, k].copy(),
            share=float(counted.share[k]) if counted is not None else 0.0,
            unit="OD",
            facts={"vector": [float(value) for value in vectors[:, k]]},
        )
        for k in range(vectors.shape[1])
    )


def _result(dataset: Dataset, found: _Found, counted: Census, facts: dict[str, Any]) -> Result:
    parts = _parts(found.stains, found.vectors, counted)
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
            kkt=_kkt(found.coreset, found.vectors),
            trace=found.trace,
        ),
        measures=_measures(found, counted, names),
        trust=lines(
            counted,
            found.white,
            found.vectors,
            names,
            found.steady,
            found.coreset.pen,
            published(found.stains),
        ),
        views=(_image_view(dataset, found), _cone_view(found)),
        tables=(_table(parts, found, counted),),
        facts=facts,
    )


def _measures(found: _Found, counted: Census, names: Sequence[str]) -> tuple[Measure, ...]:
    told = [
        Measure(
            "Tissue",
            100 * counted.tissue / max(counted.pixels, 1),
            "%",
            "Share of the image that is darker than background.",
        )
    ]
    for k, name in enumerate(names):
        mean = float(counted.amount[k]) / max(counted.tissue, 1)
        told += [
            Measure(
                f"{name}, mean", mean, "OD", f"Mean optical density of {name.lower()} in tissue."
            ),
            Measure(
                f"{name}, area",
                100 * float(counted.area[k]),
                "%",
                f"Share of tissue with more than {AREA_OD:g} OD of {name.lower()}.",
            ),
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


def _image_view(dataset: Dataset, found: _Found) -> View:
    return View(
        "image",
        dataset.title,
        axes=dataset.axes,
        options={"mixing": {"transform": "optical-density", "white": list(found.white.levels)}},
    )


def _cone_view(found: _Found) -> View:
    """The colours of tissue in the plane of the first two stains.

    ``options["plane"]`` holds its two axes as OD vectors, of right angles and unit length: a point
    (a, b) of the picture stands for the OD ``a * plane[0] + b * plane[1]``.
    """
    middle = unit(found.vectors[:, 0] + found.vectors[:, 1])
    across = unit(found.vectors[:, 1] - found.vectors[:, 0])
    onto = np.column_stack([across, middle])
    heavy = np.argsort(-found.coreset.counts(), kind="stable")[:_POINTS]
    reach = float(np.percentile(np.linalg.norm(found.coreset.od, axis=1), 98))
    names = [stain.name.lower() for stain in STAINS[found.stains]]
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
        options={"plane": [[float(value) for value in axis] for axis in onto.T]},
    )


def _table(parts: Sequence[Part], found: _Found, counted: Census) -> Table:
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
