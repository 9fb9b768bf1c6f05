"""What is in one region of a slide? Areas, grades and nuclei of what lies inside its outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, Job, Level, Mixing, Pyramid, Table, stop_if_cancelled
from partwise_stain.nuclei import Nuclei, count_nuclei
from partwise_stain.numbers import Number, numbers
from partwise_stain.regions import Region, bounds, mask_of, sampled_mask
from partwise_stain.survey import tiles
from partwise_stain.unmix import AREA_OD, MISSED_OD, TISSUE_OD, Fields, modelled_square

__all__ = ["BIN_OD", "Tally", "Told", "is_coarse", "measure_region", "regions_table", "tally"]

BIN_OD = 0.01  # of the histogram
_BINS = 300
_MOST = 4_000_000  # pixels that are counted; of a larger region a coarser level
_FIELDS = 100  # what a region is cut into, to be resampled
_LEAST, _LARGEST = 32, 512  # px; sides of a field
_FINE, _USUAL = 1.05, 0.5  # µm per pixel from which stains melt; what is taken where none is told
_PIECE, _PIECES = 256, 150  # px; fields that are drawn by chance on a larger slide


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over the tissue of a region, at one level.

    Attributes
    ----------
    level : int
    pixels, tissue : int
        Pixels of the region, and those that are tissue; of the fields alone where these were
        drawn by chance.
    area : float
        Tissue of the whole region, in pixels of level 0.
    amount : float64, shape (parts,)
        Sum of concentrations over tissue, in OD.
    histogram : float64, shape (parts, bins)
        Pixels of tissue by concentration, in steps of `BIN_OD`; the last bin holds all beyond.
    fields : Fields
    missed : float
        Share of tissue that the stains do not explain.
    """

    level: int
    pixels: int
    tissue: int
    area: float
    amount: NDArray[np.float64]
    histogram: NDArray[np.float64]
    fields: Fields
    missed: float

    def high(self, part: int) -> float:
        """99th percentile of a part's concentration in tissue, in OD."""
        reached = np.cumsum(self.histogram[part])
        return float((np.argmax(reached >= 0.99 * reached[-1]) + 0.5) * BIN_OD)


@dataclass(frozen=True, eq=False)
class Told:
    """A region with its numbers; `region` is None for the whole slide.

    Attributes
    ----------
    name : str
    region : Region or None
    tally : Tally
    numbers : tuple of Number
    mm2 : float or None
        Area of its tissue; None where the file does not say how large a pixel is.
    """

    name: str
    region: Region | None
    tally: Tally
    numbers: tuple[Number, ...]
    mm2: float | None


def tally(
    dataset: Dataset,
    mixing: Mixing,
    region: Region | None,
    grades: tuple[float, float, float],
    job: Job,
    *,
    area_od: float = AREA_OD,
    left: NDArray[np.bool_] | None = None,
) -> Tally:
    """Count the pixels of a region, or of the whole slide, finely enough for its areas to be true.

    Where the finest affordable level is coarser than a micrometre, stained and unstained tissue
    melt into one pixel: fields are then drawn by chance and counted at full resolution.

    Parameters
    ----------
    dataset, mixing, region, job
    grades : three numbers
        OD of the second stain from which a pixel is weak, moderate, strong.
    area_od : float
        OD of any stain from which a pixel counts as stained.
    left : bool array, optional
        Over the whole image at any resolution: where it is true, nothing is counted.
    """
    pyramid = dataset.pyramid
    assert pyramid is not None
    full = pyramid.levels[0]
    box = bounds(region, full.width, full.height) if region else (0, 0, full.width, full.height)
    number = next(
        (
            k
            for k, level in enumerate(pyramid.levels)
            if box[2] * box[3] / level.downsample**2 <= _MOST
        ),
        len(pyramid.levels) - 1,
    )
    sums = _Sums(mixing, region, grades, area_od, left, (full.width, full.height))
    x0, y0, width, height = _scaled(box, pyramid.levels[number])
    side = int(np.clip(np.sqrt(width * height / _FIELDS), _LEAST, _LARGEST))
    down = pyramid.levels[number].downsample
    shown = np.zeros((height, width), np.bool_)
    for x, y, w, h in tiles(width, height, side):
        stop_if_cancelled(job)
        cut = (x0 + x, y0 + y, w, h)
        shown[y : y + h, x : x + w] = sums.add(pyramid.read(number, *cut), cut, down)
    pixels, area = sums.pixels, sums.tissue * down**2
    fine = _fine_level(dataset)
    if fine < number:
        sums = _Sums(mixing, region, grades, area_od, left, (full.width, full.height))
        _sample(sums, pyramid, fine, box, shown, job)
    return Tally(
        fine if fine < number else number,
        pixels,
        sums.tissue,
        area,
        sums.amount,
        sums.histogram,
        sums.fields(),
        sums.missed / sums.tissue if sums.tissue else 0.0,
    )


class _Sums:
    """What is counted so far, field by field."""

    def __init__(
        self,
        mixing: Mixing,
        region: Region | None,
        grades: tuple[float, float, float],
        area_od: float,
        left: NDArray[np.bool_] | None,
        full: tuple[int, int],
    ) -> None:
        self._mixing, self._region, self._grades = mixing, region, grades
        self._area_od, self._left, self._full = area_od, left, full
        self._rows: list[list[float]] = []
        self.amount = np.zeros(mixing.parts)
        self.histogram = np.zeros((mixing.parts, _BINS))
        self.pixels = self.tissue = self.missed = 0

    def add(
        self, rgb: NDArray[np.uint8], cut: tuple[int, int, int, int], down: float
    ) -> NDArray[np.bool_]:
        """Count a field; returns which of its pixels are tissue, shape (height, width)."""
        mixing, parts = self._mixing, self._mixing.parts
        strengths, rest = mixing.strengths(rgb), mixing.residual(rgb)
        inside = np.asarray(modelled_square(strengths, mixing) + 3 * rest**2 > TISSUE_OD**2)
        if self._region is not None:
            drawn = mask_of(self._region, cut, down)
            self.pixels += int(drawn.sum())
            inside &= drawn
        else:
            self.pixels += inside.size
        if self._left is not None:
            inside &= ~sampled_mask(self._left, cut, down, self._full)
        found = strengths[inside].astype(np.float64)
        self.tissue += len(found)
        self.missed += int((rest[inside] > MISSED_OD).sum())
        self.amount += found.sum(axis=0)
        second = found[:, min(1, parts - 1)]
        reached = [float((second >= grade).sum()) for grade in self._grades]
        stained = (found > self._area_od).sum(axis=0)
        self._rows.append(
            [
                *(len(found), *stained),
                *(reached[0] - reached[1], reached[1] - reached[2], reached[2]),
            ]
        )
        for k in range(parts):
            bins = np.minimum((found[:, k] / BIN_OD).astype(np.int64), _BINS - 1)
            self.histogram[k] += np.bincount(bins, minlength=_BINS)
        return inside

    def fields(self) -> Fields:
        parts = self._mixing.parts
        counts = np.array(self._rows, dtype=np.float64).reshape(-1, 4 + parts)
        return Fields(counts[:, 0], counts[:, 1 : 1 + parts], counts[:, 1 + parts :])


def _scaled(box: tuple[int, int, int, int], level: Level) -> tuple[int, int, int, int]:
    """A box of level 0 in pixels of a level, within it."""
    down = level.downsample
    x0, y0 = int(box[0] / down), int(box[1] / down)
    width = max(1, min(round(box[2] / down), level.width - x0))
    return x0, y0, width, max(1, min(round(box[3] / down), level.height - y0))


def _fine_level(dataset: Dataset) -> int:
    """The coarsest level whose pixels are fine enough for areas of stain."""
    assert dataset.pyramid is not None
    axis = dataset.axis("x")
    step = axis.step if axis.unit == "µm" else _USUAL
    scales = [step * level.downsample for level in dataset.pyramid.levels]
    return max((k for k, scale in enumerate(scales) if scale <= _FINE), default=0)


def _sample(
    sums: _Sums,
    pyramid: Pyramid,
    number: int,
    box: tuple[int, int, int, int],
    shown: NDArray[np.bool_],
    job: Job,
) -> None:
    """Count fields at full resolution, drawn by chance among those that hold tissue."""
    level = pyramid.levels[number]
    x0, y0, width, height = _scaled(box, level)
    across, below = max(1, width // _PIECE), max(1, height // _PIECE)
    rows, columns = shown.shape
    held = [
        (row, column)
        for row in range(below)
        for column in range(across)
        if shown[
            row * rows // below : max((row + 1) * rows // below, row * rows // below + 1),
            column * columns // across : max(
                (column + 1) * columns // across, column * columns // across + 1
            ),
        ].any()
    ]
    order = np.random.default_rng([job.seed, 4]).permutation(len(held))[:_PIECES]
    for place in np.sort(order):
        stop_if_cancelled(job)
        row, column = held[int(place)]
        x, y = x0 + column * _PIECE, y0 + row * _PIECE
        cut = (x, y, min(_PIECE, level.width - x), min(_PIECE, level.height - y))
        sums.add(pyramid.read(number, *cut), cut, level.downsample)


def is_coarse(dataset: Dataset, number: int) -> bool:
    """Return whether the pixels of a level are too coarse for areas of stain."""
    return _fine_level(dataset) < number


def measure_region(
    dataset: Dataset,
    mixing: Mixing,
    names: Sequence[str],
    region: Region | None,
    grades: tuple[float, float, float],
    job: Job,
    *,
    area_od: float = AREA_OD,
    nuclei: int | None = None,
    left: NDArray[np.bool_] | None = None,
) -> Told:
    """Return the numbers of a region, with intervals over its fields.

    Parameters
    ----------
    dataset, mixing, job
    names : sequence of str
        Of the stains.
    region : Region or None
        None for the whole slide.
    grades, area_od
        Thresholds in OD, as in `tally`.
    nuclei : int, optional
        Which stain marks nuclei; they are not counted without.
    left : bool array, optional
        What is left out, as in `tally`.
    """
    counted = tally(dataset, mixing, region, grades, job, area_od=area_od, left=left)
    seen: Nuclei | None = None
    if nuclei is not None and counted.tissue:
        seen = count_nuclei(dataset, mixing, nuclei, counted.high(nuclei), job, region, left=left)
    told = numbers(counted, names, grades, seen, job.seed, area_od=area_od)
    axis = dataset.axis("x")
    mm2 = counted.area * (axis.step / 1000) ** 2 if axis.unit == "µm" else None
    return Told(region.name if region else "Slide", region, counted, tuple(told), mm2)


def regions_table(told: Sequence[Told]) -> Table:
    """Return a row per region: each number, and its interval in columns beside it."""
    columns = ["Region", "Kind", "Region px", "Tissue px", "Tissue mm²", "Not explained %"]
    heads = dict.fromkeys((number.name, number.unit) for entry in told for number in entry.numbers)
    for name, unit in heads:
        columns += [f"{name} ({unit})", f"{name}, low", f"{name}, high"]
    rows = []
    for entry in told:
        row: list[str | float] = [
            entry.name,
            entry.region.kind if entry.region else "slide",
            round(entry.region.area) if entry.region else entry.tally.pixels,
            round(entry.tally.area),
            round(entry.mm2, 5) if entry.mm2 is not None else "",
            round(100 * entry.tally.missed, 3),
        ]
        known = {(number.name, number.unit): number for number in entry.numbers}
        for head in heads:
            number = known.get(head)
            row.append(float(f"{number.value:.5g}") if number else "")
            low, high = number.interval if number and number.interval else ("", "")
            row += [float(f"{v:.5g}") if isinstance(v, float) else v for v in (low, high)]
        rows.append(tuple(row))
    return Table("Regions", tuple(columns), tuple(rows))
