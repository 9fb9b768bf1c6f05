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
)
from partwise_stain.asked import Params as _Params
from partwise_stain.asked import read_vectors
from partwise_stain.coreset import Coreset, gather
from partwise_stain.difference import Difference, reconstruction, sampled
from partwise_stain.foreign import left_out
from partwise_stain.nuclei import count_nuclei
from partwise_stain.numbers import Number, numbers, numbers_table, read_grades
from partwise_stain.optics import White
from partwise_stain.presets import STAINS, preset, published, swatch, unit
from partwise_stain.profile import Profile, read_profile
from partwise_stain.regional import Tally, measure_region, regions_table, tally
from partwise_stain.regions import Region, read_regions
from partwise_stain.slide import hearing
from partwise_stain.survey import Survey, as_white, survey
from partwise_stain.trust import Steadiness, in_sentence, lines, percent, steadiness
from partwise_stain.unmix import AREA_OD, Census, census
from partwise_stain.vectors import angle_between, find_vectors

__all__ = ["StainAnalysis"]

Vectors = NDArray[np.float64]

_LEAST_TISSUE = 0.04  # share of the sampled area
_LEAST_BINS = 60  # different colours
_GREY = 4.0  # degrees from grey; tissue nearer has no colour
_BROWN = 3.0  # times the eosin
_POINTS = 3000  # of the scatter
_COMPARED = 20_000  # pixels whose reconstruction is compared by eye's measure
_SHOWN = 50  # bins of the histogram that is shown, to 2 OD


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

    def memory(self, dataset: Dataset, params: _Params) -> int:
        """Return about how many bytes a run takes at its largest, beside the image itself."""
        pyramid = dataset.pyramid
        if pyramid is None:
            return 0
        pixels = pyramid.levels[0].width * pyramid.levels[0].height
        # Measured on a slide of 16 million pixels: 141 MB. Beyond that it goes by tiles.
        return min(9 * pixels, 400_000_000)

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Find the stains of a slide and measure them.

        Raises
        ------
        InputProblem
            No tissue, no colour, or an unreadable reference.
        """
        if dataset.pyramid is None:
            raise InputProblem("the input is no image", argument="input", fix="give a slide")
        with hearing(job):
            return self._run(dataset, dataset.pyramid, params, job)

    def _run(self, dataset: Dataset, pyramid: Pyramid, params: _Params, job: Job) -> Result:
        job.report(0.0, "Looking at the slide")
        profile = read_profile(Path(params.profile)) if params.profile else None
        drawn = read_regions(Path(params.regions)) if params.regions else ()
        white = as_white(params.white)
        if white is None and profile is not None:
            white = White(profile.white, "given", 1.0)
        looked = survey(pyramid, job, white)
        found = _find(looked, params, profile, job)
        mixing = Mixing(found.vectors, found.white.levels)
        grades = read_grades(params.grades)
        counted = census(pyramid, mixing, job, (0.5, 0.85), grades)
        nuclei = None
        marks = [k for k, stain in enumerate(STAINS[found.stains]) if stain.key == "haematoxylin"]
        if params.nuclei and marks:
            job.report(0.85, "Counting nuclei")
            nuclei = count_nuclei(dataset, mixing, marks[0], float(counted.high[marks[0]]), job)
        seen = reconstruction(sampled(looked.regions, _COMPARED), mixing)
        facts: dict[str, Any] = {
            "stains": found.stains,
            "white": list(found.white.levels),
            "high": [float(value) for value in counted.high],
            "measured_level": counted.level,
        }
        if params.reference:
            facts["reference"] = _reference(Path(params.reference), found.stains, job)
        names = [name for _key, name in _names(found.stains, found.vectors.shape[1])]
        # Fields are counted by the usual threshold; another one needs them counted again.
        usual = params.area_od == AREA_OD
        fields = counted if usual else _tallied(dataset, mixing, params, grades, job)
        told = numbers(fields, names, grades, nuclei, job.seed, area_od=params.area_od)
        tables: tuple[Table, ...] = ()
        if drawn:
            column = marks[0] if params.nuclei and marks else None
            tables = (_by_region(dataset, mixing, names, drawn, params, column, job),)
        job.report(1.0, "Done")
        return _result(dataset, found, counted, (*told, *_differences(seen)), facts, tables)


def _tallied(
    dataset: Dataset,
    mixing: Mixing,
    params: _Params,
    grades: tuple[float, float, float],
    job: Job,
) -> Tally:
    return tally(dataset, mixing, None, grades, job, area_od=params.area_od)


def _by_region(
    dataset: Dataset,
    mixing: Mixing,
    names: Sequence[str],
    drawn: Sequence[Region],
    params: _Params,
    column: int | None,
    job: Job,
) -> Table:
    """A table with a row for each region that was drawn."""
    told = []
    for number, region in enumerate(drawn):
        job.report(0.9 + 0.1 * number / len(drawn), f"Measuring {region.name}")
        told.append(
            measure_region(
                dataset,
                mixing,
                names,
                region,
                read_grades(params.grades),
                job,
                area_od=params.area_od,
                nuclei=column,
            )
        )
    return regions_table(told)


def _differences(seen: Difference | None) -> tuple[Number, ...]:
    if seen is None:
        return ()
    words = "Colour difference (CIEDE2000) between tissue and its reconstruction from the stains"
    return (
        Number("Reconstruction, median ΔE", seen.median, "", f"{words}: half lies below."),
        Number("Reconstruction, 95 % ΔE", seen.high, "", f"{words}: 95 % lie below."),
    )


def _find(looked: Survey, params: _Params, profile: Profile | None, job: Job) -> _Found:
    fixed = read_vectors(params.vectors)
    stains = params.stains
    if profile is not None:
        stains = profile.stains
        fixed = profile.vectors if fixed is None else fixed
    left = left_out(params.exclude)
    coreset = gather(looked.regions, looked.white, brown=stains != "he", left=left, job=job)
    _check_tissue(coreset)
    if stains == "auto":
        stains = _which(coreset)
        if stains == "he":
            coreset = gather(looked.regions, looked.white, brown=False, left=left, job=job)
            _check_tissue(coreset)
    prior = _priors(stains, job)
    if fixed is None and prior.shape[2] == 3:
        # Three dyes fill all colours, so that no cone in a plane can be fitted to them.
        fixed = preset(stains)
    trace: list[float] = []

    def show(vectors: Vectors, cost: float) -> None:
        # The cost that is minimised: colours outside the cone, its width, distance to published
        # vectors. Of the pairs tried so far the least counts.
        trace.append(cost)
        job.snapshot(_parts(stains, vectors, None), trace)
        job.report(min(0.1 + 0.01 * len(trace), 0.3), "Finding the stains")

    if fixed is not None:
        show(fixed, _loss(coreset, fixed))
        return _Found(stains, fixed, looked.white, coreset, tuple(trace), 0, None)
    kept = _kept(stains, job)
    start = preset(stains)
    for column, vector in kept.items():
        start[:, column] = vector
    job.snapshot(_parts(stains, start, None))
    vectors = find_vectors(coreset, prior, kept=kept, on_step=show).vectors
    job.report(0.3, "Checking how steady they are")
    steady = steadiness(coreset, prior, kept, job) if params.resample else None
    return _Found(stains, vectors, looked.white, coreset, tuple(trace), len(trace), steady)


def _priors(stains: str, job: Job) -> Vectors:
    """Pairs to begin the search from: published ones, or where a hand or a stop left it."""
    known = published(stains)
    keys = [stain.key for stain in STAINS[stains]]
    begun = {part.key: part for part in (*job.kept, *job.start)}
    if known.shape[2] != len(keys) or not job.start or set(keys) - begun.keys():
        return known
    profiles = [np.asarray(begun[key].profile, dtype=np.float64) for key in keys]
    if any(profile.shape != (3,) for profile in profiles):
        return known
    pair = np.column_stack([unit(profile) for profile in profiles])[None]
    # A correction by hand is where to look; what only stood is one more place beside the others.
    by_hand = any(part.facts.get("corrected") for part in job.start)
    return pair if by_hand else np.concatenate([pair, known])


def _kept(stains: str, job: Job) -> dict[int, Vectors]:
    keys = [stain.key for stain in STAINS[stains]]
    return {
        keys.index(part.key): np.asarray(part.profile, dtype=np.float64)
        for part in job.kept
        if part.key in keys
    }


def _check_tissue(coreset: Coreset) -> None:
    if coreset.tissue < _LEAST_TISSUE:
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
    if coreset.tissue >= _LEAST_TISSUE and len(coreset.od) < _LEAST_BINS:
        raise InputProblem(
            f"tissue has {len(coreset.od)} colours that can be measured, too few for stains",
            argument="input",
            fix="choose a larger field, or one that is neither drawn nor overexposed",
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
    coreset = gather(looked.regions, looked.white, brown=stains != "he", job=job)
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


def _names(stains: str, count: int) -> list[tuple[str, str]]:
    """Keys and words of `count` parts."""
    known = [(stain.key, stain.name) for stain in STAINS[stains]]
    return [*known, ("third", "Third stain")][:count]


def _parts(stains: str, vectors: Vectors, counted: Census | None) -> tuple[Part, ...]:
    return tuple(
        Part(
            key=key,
            name=name,
            color=swatch(vectors[:, k]),
            profile=vectors[:, k].copy(),
            share=float(counted.share[k]) if counted is not None else 0.0,
            unit="OD",
            facts={"vector": [float(value) for value in vectors[:, k]]},
        )
        for k, (key, name) in enumerate(_names(stains, vectors.shape[1]))
    )


def _result(
    dataset: Dataset,
    found: _Found,
    counted: Census,
    told: Sequence[Number],
    facts: dict[str, Any],
    tables: Sequence[Table] = (),
) -> Result:
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
        measures=_measures(found, counted, told),
        trust=lines(
            counted,
            found.white,
            found.vectors,
            names,
            found.steady,
            found.coreset.pen,
            published(found.stains),
        ),
        views=(_image_view(dataset, found), _cone_view(found), _density_view(parts, counted)),
        tables=(_table(parts, found, counted), numbers_table(told), *tables),
        facts=facts,
    )


def _measures(found: _Found, counted: Census, numbered: Sequence[Number]) -> tuple[Measure, ...]:
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
