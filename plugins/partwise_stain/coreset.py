"""Which few thousand colours stand for all pixels of a slide?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partwise.api import Job, LocalJob
from partwise_stain.ahead import each
from partwise_stain.colours import BINS, Colours, add_up, bin_numbers, chosen_colours, counted, mark
from partwise_stain.foreign import Left, foreign_bodies, is_foreign, kinds_of, left_out
from partwise_stain.optics import Floats, Mask, White, optical_density, pen_mask
from partwise_stain.pixels import lengths, means, relative_noise

__all__ = ["Coreset", "gather"]

_ALL = left_out("auto")
_BELOW = 0.025  # OD; a colour that is so much brighter than the background is no tissue
_FAINT = 0.15  # OD; below, the direction is noise
_FAINTEST = 0.05  # OD; the same for slides that are pale throughout
_TISSUE = 0.08  # OD of a 4 × 4 mean that is not background
_PALE = 0.4  # share of the median OD of tissue below which a colour is faint
_CLIPPED = 5.0  # levels
# OD of the mean light is below the mean OD by ln(10) / 2 times the variance of OD among what was
# averaged; that is about twice as much as is seen among neighbouring means (tuning split).
_MIXED = 2.0
_LEVELS = 4.0  # noise of a 2 × 2 mean, in levels: shot noise and JPEG
_WIDEST = 100.0  # times the usual; then a bin holds all hues
_CELLS = 4  # each region is cut in 4 × 4 cells, the units of the bootstrap


@dataclass(frozen=True, eq=False)
class Coreset:
    """Colours of tissue with their counts.

    Attributes
    ----------
    od : float64, shape (n, 3)
        Mean optical density of a bin.
    sigma : float64, shape (n,)
        Expected deviation in OD, per channel.
    cells : sparse, shape (cells, n)
        Count of each bin in each spatial cell.
    tissue, pen : float
        Shares of the sampled area.
    blood : float
        Share of the tissue that has the hue of red cells, whatever was left out.
    """

    od: NDArray[np.float64]
    sigma: NDArray[np.float64]
    cells: sparse.csr_array
    tissue: float
    pen: float
    blood: float = 0.0

    def counts(self, times: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Count per bin, shape (n,), with each cell taken `times` times (default once)."""
        weight = np.ones(self.cells.shape[0]) if times is None else times
        return np.asarray(self.cells.T @ weight)

    def coarser(self, most: int) -> Coreset:
        """Merge neighbouring colours until there are at most `most`, for quick resampling."""
        wider = 1.0
        merged = self
        while len(merged.od) > most and wider < _WIDEST:
            wider *= 1.3
            # Fine and pooled means differ in their noise; a factor of two keeps them apart.
            pooled = np.rint(np.log2(self.sigma / self.sigma.min())).astype(np.int64)
            key = bin_numbers(self.od, wider) * 64 + pooled
            _keys, index = np.unique(key, return_inverse=True)
            onto = sparse.csr_array(
                (np.ones(len(index)), (np.arange(len(index)), index)),
                shape=(len(index), int(index.max()) + 1),
            )
            count = self.counts()
            total = np.asarray(onto.T @ count)
            merged = Coreset(
                np.asarray(onto.T @ (self.od * count[:, None])) / total[:, None],
                np.asarray(onto.T @ (self.sigma * count)) / total,
                sparse.csr_array(self.cells @ onto),
                self.tissue,
                self.pen,
                self.blood,
            )
        return merged


def gather(
    regions: Sequence[NDArray[np.uint8]],
    white: White,
    *,
    brown: bool,
    inky: bool = False,
    left: Left = _ALL,
    job: Job | None = None,
) -> Coreset:
    """Collect the colours of tissue.

    2 × 2 means of pixels, and 4 × 4 means weighted by how flat they are: the latter have half
    the noise and, inside a nucleus or a fibre, the purest colour.

    Parameters
    ----------
    regions : sequence of uint8 arrays, shape (h, w, 3)
    white : White
    brown : bool
        Whether a brown chromogen is expected; see `pen_mask`. Red cells and pigment are then
        not told from it and stay in.
    inky : bool
        Whether a stain has the hue of ink; see `presets.is_inky`.
    left : Left
        What is left out.
    job : Job, optional
        Asked between steps whether to leave.
    """
    job = job or LocalJob()
    tables = _densities(white)
    seen = each(regions, lambda r: _look(r, tables, brown=brown, inky=inky, pen="pen" in left), job)
    faint = _faint(seen)
    if not brown:
        found = foreign_bodies(each(seen, _without_ink, job), left, job)
        seen = [replace(s, body=body) for s, body in zip(seen, found, strict=True)]
    pooled = each(seen, lambda one: _colours(one, faint), job)
    area = sum(s.ink.size for s in seen)
    inked = sum(int(np.count_nonzero(s.ink)) for s in seen)
    tissue = sum(4 * int(np.count_nonzero(~s.ink4 & (s.size4 > _TISSUE))) for s in seen)
    merged = _merge(pooled, (tissue / max(area, 1), inked / max(area, 1)), white, job)
    if brown:
        return merged
    stays = ~is_foreign(merged.od, merged.sigma, merged.counts(), left)
    return replace(
        merged,
        od=merged.od[stays],
        sigma=merged.sigma[stays],
        cells=merged.cells[:, stays],
        blood=_blood(seen, job),
    )


def _blood(seen: Sequence[_Seen], job: Job) -> float:
    """Share of the tissue that has the hue of red cells, in 4 × 4 means."""
    tissue, blood = np.sum(each(seen, _bloody, job), axis=0)
    return float(blood / max(tissue, 1))


def _bloody(seen: _Seen) -> tuple[int, int]:
    """How much is tissue, and how much of that has the hue of red cells."""
    clear = (seen.size4 > _FAINT) & ~seen.ink4
    noise = _LEVELS / 2 * relative_noise(seen.lights[1])
    blood = clear & kinds_of(seen.ods[1], noise)[0]
    return int(np.count_nonzero(clear)), int(np.count_nonzero(blood))


def _densities(white: White) -> tuple[Floats, Floats]:
    """OD of each fourth and each sixteenth of a level."""
    fourths, sixteenths = (np.arange(255 * n + 1, dtype=np.float32) / n for n in (4, 16))
    return (
        optical_density(fourths[:, None], white.levels),
        optical_density(sixteenths[:, None], white.levels),
    )


@dataclass(frozen=True, eq=False)
class _Seen:
    """A region in 2 × 2 and 4 × 4 means: light and OD of both, ink, and what is no stain."""

    lights: tuple[Floats, Floats]
    ods: tuple[Floats, Floats]
    ink: Mask
    body: Mask
    size4: Floats
    ink4: Mask


def _look(
    region: NDArray[np.uint8], tables: tuple[Floats, Floats], *, brown: bool, inky: bool, pen: bool
) -> _Seen:
    lights, ods = means(region, *tables)
    ink = np.zeros(ods[0].shape[:2], np.bool_)
    if pen:
        ink = pen_mask(ods[0], brown=brown, inky=inky)
    return _Seen(lights, ods, ink, ink, lengths(ods[1]), _any_of_four(ink))


def _colours(seen: _Seen, faint: float) -> Colours:
    limits = (faint, _BELOW, _CLIPPED)
    barred = seen.ink | seen.body
    return chosen_colours(
        seen.lights, seen.ods, barred, limits, noise=_LEVELS, mixed=_MIXED, cells=_CELLS
    )


def _without_ink(seen: _Seen) -> tuple[Floats, NDArray[Any]]:
    """OD, in which ink is no tissue, and its expected deviation."""
    od, clear = seen.ods[0], ~seen.ink
    return od if clear.all() else od * clear[..., None], _LEVELS * relative_noise(seen.lights[0])


def _any_of_four(mask: Mask) -> Mask:
    height, width = mask.shape[0] // 2 * 2, mask.shape[1] // 2 * 2
    rows = mask[:height:2, :width] | mask[1:height:2, :width]
    return np.asarray(rows[:, ::2] | rows[:, 1::2])


def _faint(seen: Sequence[_Seen]) -> float:
    """Return the OD below which a colour says nothing, lower where all of the slide is pale."""
    every = np.concatenate([s.size4[~s.ink4] for s in seen])
    tissue = every[every > 1.4 * _FAINTEST]
    if len(tissue) == 0:
        return _FAINT
    return float(np.clip(_PALE * np.median(tissue), _FAINTEST, _FAINT))


def _merge(
    pooled: Sequence[Colours], shares: tuple[float, float], white: White, job: Job
) -> Coreset:
    """Sum up the colours of each bin, over all and in each cell."""
    seen = np.zeros(2 * BINS, np.bool_)
    for colours in pooled:
        mark(colours.bins, seen)
    bins = np.flatnonzero(seen)
    place = np.empty(2 * BINS, np.int32)
    place[bins] = np.arange(len(bins), dtype=np.int32)
    shape = (_CELLS**2, len(bins))
    held = each(pooled, lambda one: counted(one, place, shape), job)
    sums = np.zeros((len(bins), 3))
    for colours in pooled:
        add_up(colours.bins, place, colours.weight, colours.od, sums)
    before = np.cumsum([0] + [len(values) for values, _columns, _ends in held])
    ends = [first + last for first, (_values, _columns, last) in zip(before, held, strict=False)]
    table = sparse.csr_array(
        (
            np.concatenate([values for values, _columns, _ends in held]),
            np.concatenate([columns for _values, columns, _ends in held]),
            np.concatenate([[0], *ends]),
        ),
        shape=(shape[0] * len(pooled), shape[1]),
    )
    od = sums / np.maximum(table.sum(axis=0), 1e-12)[:, None]
    sigma = _LEVELS * relative_noise(np.asarray(white.levels) * 10.0**-od)
    sigma[bins >= BINS] /= 2
    return Coreset(od, sigma, table, *shares)
