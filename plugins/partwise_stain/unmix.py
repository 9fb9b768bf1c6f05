"""How much of each stain does the slide hold? One pass by tiles, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Job, Mixing, Pyramid, stop_if_cancelled
from partwise_stain.foreign import kinds_of
from partwise_stain.optics import optical_density
from partwise_stain.survey import tiles

__all__ = [
    "AREA_OD",
    "CLIPPED",
    "GRADES",
    "MISSED_OD",
    "Census",
    "Fields",
    "census",
    "modelled_square",
]

TISSUE_OD = 0.15  # length of a pixel's OD from which it counts as tissue
AREA_OD = 0.15  # OD of a stain from which a pixel counts as stained
MISSED_OD = 0.08  # root mean square OD left over from which a pixel counts as not explained
GRADES = (0.2, 0.4, 0.6)  # OD of DAB: weak, moderate, strong, as QuPath starts with
CLIPPED = 5  # level; at or below, a channel is too dark to be measured
_NOISE = 0.03  # OD; of one pixel, where a hue is told
_MOST = 6_000_000  # pixels; of a larger slide a coarser level is counted
_BINS, _STEP = 1000, 0.005  # histogram of concentrations, in OD


@dataclass(frozen=True, eq=False)
class Fields:
    """Counts in pixels for each field of the slide, to be resampled.

    Attributes
    ----------
    tissue : float64, shape (fields,)
    stained : float64, shape (fields, parts)
        Above `AREA_OD`.
    graded : float64, shape (fields, 3)
        Second stain weak, moderate and strong: at or above each threshold, below the next.
    """

    tissue: NDArray[np.float64]
    stained: NDArray[np.float64]
    graded: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Census:
    """Sums over the tissue of a slide at one level.

    Attributes
    ----------
    level : int
    pixels, tissue : int
        Counted pixels, and those that are tissue.
    total, left : float
        Sum of squared OD over tissue, and what the stains leave of it.
    amount : float64, shape (parts,)
        Sum of concentrations over tissue.
    area : float64, shape (parts,)
        Share of tissue above `AREA_OD`.
    high : float64, shape (parts,)
        99th percentile of the concentration in tissue.
    histogram : float64, shape (parts, bins)
        Pixels of tissue by concentration, in steps of 0.005 OD; the last holds all beyond.
    fields : Fields
    missed, clipped : float
        Shares of tissue not explained, and too dark to be measured.
    red_cells, pigment : float
        Shares of tissue not explained that have the hue of red cells, of brown pigment.
    """

    level: int
    pixels: int
    tissue: int
    total: float
    left: float
    amount: NDArray[np.float64]
    area: NDArray[np.float64]
    high: NDArray[np.float64]
    histogram: NDArray[np.float64]
    fields: Fields
    missed: float
    clipped: float
    red_cells: float
    pigment: float

    @property
    def explained(self) -> float:
        """Share of the squared OD of tissue that the stains explain."""
        return 1 - self.left / self.total if self.total > 0 else 0.0

    @property
    def share(self) -> NDArray[np.float64]:
        """Share of each stain in all concentrations, shape (parts,)."""
        return np.asarray(self.amount / max(self.amount.sum(), 1e-12))


def census(
    pyramid: Pyramid,
    mixing: Mixing,
    job: Job,
    progress: tuple[float, float],
    grades: tuple[float, float, float] = GRADES,
) -> Census:
    """Count over the finest level that has at most six million pixels.

    Parameters
    ----------
    pyramid, mixing, job
    progress : (start, stop)
        Fractions of the whole run that this pass reports.
    grades : three numbers
        OD of the second stain from which a pixel is weak, moderate, strong.
    """
    number = next(
        (k for k, lv in enumerate(pyramid.levels) if lv.width * lv.height <= _MOST),
        len(pyramid.levels) - 1,
    )
    level = pyramid.levels[number]
    # Some hundred fields whatever the size: enough to resample, and tiles of a fit size.
    side = int(np.clip(np.sqrt(level.width * level.height / 100), 64, 512))
    cuts = tiles(level.width, level.height, side)
    parts = mixing.parts
    per_field = np.zeros((len(cuts), 1 + parts + 3))
    histogram = np.zeros((parts, _BINS))
    amount, area = np.zeros(parts), np.zeros(parts)
    total = left = 0.0
    tissue = missed = clipped = 0
    hues = [0, 0]
    for done, cut in enumerate(cuts):
        stop_if_cancelled(job)
        rgb = pyramid.read(number, *cut)
        strengths = mixing.strengths(rgb)
        residual = mixing.residual(rgb)
        modelled = modelled_square(strengths, mixing)
        inside = modelled + 3 * residual**2 > TISSUE_OD**2
        h, r = strengths[inside].astype(np.float64), residual[inside].astype(np.float64)
        rest = 3 * float((r**2).sum())
        left += rest
        # At the least-squares solution the model and what it leaves are at right angles.
        total += float(modelled[inside].sum(dtype=np.float64)) + rest
        tissue += len(h)
        amount += h.sum(axis=0)
        stained = (h > AREA_OD).sum(axis=0)
        area += stained
        reached = [float((h[:, min(1, parts - 1)] >= grade).sum()) for grade in grades]
        per_field[done] = [
            *(len(h), *stained),
            *(reached[0] - reached[1], reached[1] - reached[2], reached[2]),
        ]
        odd = r > MISSED_OD
        missed += int(odd.sum())
        foreign = optical_density(rgb[inside][odd], mixing.white)
        for kind, mask in enumerate(kinds_of(foreign, _NOISE)):
            hues[kind] += int(mask.sum())
        clipped += int(((rgb <= CLIPPED).any(axis=2) & inside).sum())
        for k in range(parts):
            bins = np.minimum((h[:, k] / _STEP).astype(np.int64), _BINS - 1)
            histogram[k] += np.bincount(bins, minlength=_BINS)
        start, stop = progress
        job.report(start + (stop - start) * (done + 1) / len(cuts), "Measuring the slide")
    counted = max(tissue, 1)
    return Census(
        level=number,
        pixels=level.width * level.height,
        tissue=tissue,
        total=total,
        left=left,
        amount=amount,
        area=area / counted,
        high=_percentile(histogram, 0.99),
        histogram=histogram,
        fields=Fields(per_field[:, 0], per_field[:, 1 : 1 + parts], per_field[:, 1 + parts :]),
        missed=missed / counted,
        clipped=clipped / counted,
        red_cells=hues[0] / counted,
        pigment=hues[1] / counted,
    )


def modelled_square(strengths: NDArray[np.float32], mixing: Mixing) -> NDArray[np.float32]:
    """Return the squared length of the OD that the parts make, shape (height, width)."""
    gram = (mixing.vectors.T @ mixing.vectors).astype(np.float32)
    out = np.zeros(strengths.shape[:-1], np.float32)
    for i in range(mixing.parts):
        for j in range(i, mixing.parts):
            out += (gram[i, j] * (1 if i == j else 2)) * strengths[..., i] * strengths[..., j]
    return out


def _percentile(histogram: NDArray[np.float64], q: float) -> NDArray[np.float64]:
    reached = np.cumsum(histogram, axis=1)
    wanted = q * reached[:, -1:]
    return np.asarray((np.argmax(reached >= wanted, axis=1) + 0.5) * _STEP)
