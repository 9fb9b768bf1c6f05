"""Which few thousand colours stand for all pixels of a slide?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partwise.api import Job, LocalJob, stop_if_cancelled
from partwise_stain.foreign import Left, foreign_bodies, is_foreign, left_out
from partwise_stain.optics import Floats, Mask, White, halved, optical_density, pen_mask
from partwise_stain.pixels import (
    BINS,
    add_up,
    bin_numbers,
    chosen_colours,
    lengths,
    relative_noise,
    roughness,
    variance,
)

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
    """

    od: NDArray[np.float64]
    sigma: NDArray[np.float64]
    cells: sparse.csr_array
    tissue: float
    pen: float

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
    seen = []
    for region in regions:
        stop_if_cancelled(job)
        seen.append(_look(region, white, brown=brown, inky=inky, pen="pen" in left))
    faint = _faint(seen)
    if not brown:
        noises = [_LEVELS * relative_noise(s.light) for s in seen]
        # Ink is no tissue.
        ods = [np.where(s.ink[..., None], np.float32(0), s.od) for s in seen]
        found = foreign_bodies(ods, noises, left)
        seen = [replace(s, body=body) for s, body in zip(seen, found, strict=True)]
    pooled = []
    for one in seen:
        stop_if_cancelled(job)
        pooled.append(_colours(one, faint))
    area = sum(s.ink.size for s in seen)
    inked = sum(int(np.count_nonzero(s.ink)) for s in seen)
    tissue = sum(4 * int(np.count_nonzero(~s.ink4 & (s.size4 > _TISSUE))) for s in seen)
    merged = _merge(pooled, (tissue / max(area, 1), inked / max(area, 1)), white)
    if brown:
        return merged
    stays = ~is_foreign(merged.od, merged.sigma, merged.counts(), left)
    return replace(
        merged, od=merged.od[stays], sigma=merged.sigma[stays], cells=merged.cells[:, stays]
    )


@dataclass(frozen=True, eq=False)
class _Seen:
    """A region in 2 × 2 and 4 × 4 means: light, OD, its length, ink, and what is no stain."""

    light: Floats
    od: Floats
    ink: Mask
    body: Mask
    light4: Floats
    od4: Floats
    size4: Floats
    ink4: Mask


@dataclass(frozen=True, eq=False)
class _Colours:
    """Chosen colours of a region: OD (n, 3), weight, number of bin and of cell, (n,) each."""

    od: Floats
    weight: Floats
    bins: NDArray[np.int64]
    cell: NDArray[np.int64]


def _look(region: NDArray[np.uint8], white: White, *, brown: bool, inky: bool, pen: bool) -> _Seen:
    light = halved(region)
    od = optical_density(light, white.levels)
    ink = np.zeros(od.shape[:2], np.bool_)
    if pen:
        ink = pen_mask(od, brown=brown, inky=inky)
    light4 = halved(light)
    od4 = optical_density(light4, white.levels)
    return _Seen(light, od, ink, ink, light4, od4, lengths(od4), _any_of_four(ink))


def _colours(seen: _Seen, faint: float) -> _Colours:
    """Choose colours of both scales, and number them."""
    flat = 1 / (1 + (roughness(seen.light) / _LEVELS) ** 2)
    flat4 = 4 * halved(flat[..., None])[..., 0]
    # Edges of nuclei are light of two colours in one pixel, whose OD is no mixture of theirs.
    od = seen.od + _MIXED * variance(seen.od)
    limits = (faint, _BELOW, _CLIPPED)
    clear = ~(seen.ink | seen.body)
    clear4 = ~(seen.ink4 | _any_of_four(seen.body))
    fine = chosen_colours(seen.light, od, np.ones_like(flat), clear, limits, _CELLS)
    wide = chosen_colours(seen.light4, seen.od4, flat4, clear4, limits, _CELLS)
    ods = np.concatenate([fine[0], wide[0]])
    bins = bin_numbers(ods)
    bins[len(fine[0]) :] += BINS
    return _Colours(
        ods, np.concatenate([fine[1], wide[1]]), bins, np.concatenate([fine[2], wide[2]])
    )


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


def _merge(pooled: Sequence[_Colours], shares: tuple[float, float], white: White) -> Coreset:
    """Sum up the colours of each bin, over all and in each cell."""
    seen = np.zeros(2 * BINS, np.bool_)
    for colours in pooled:
        seen[colours.bins] = True
    bins = np.flatnonzero(seen)
    place = np.empty(2 * BINS, np.int32)
    place[bins] = np.arange(len(bins))
    sums = np.zeros((len(bins), 3))
    held, counts, ends = [], [], [np.zeros(1, np.int64)]
    for colours in pooled:
        cells = np.zeros((_CELLS**2, len(bins)))
        add_up(place[colours.bins], colours.weight, colours.od, colours.cell, sums, cells)
        some = np.flatnonzero(cells > 0)
        held.append(some % max(len(bins), 1))
        counts.append(cells.ravel()[some])
        rows = len(bins) * np.arange(1, _CELLS**2 + 1)
        ends.append(ends[-1][-1] + np.searchsorted(some, rows))
    table = sparse.csr_array(
        (np.concatenate(counts), np.concatenate(held), np.concatenate(ends)),
        shape=(_CELLS**2 * len(pooled), len(bins)),
    )
    od = sums / np.maximum(table.sum(axis=0), 1e-12)[:, None]
    sigma = _LEVELS * relative_noise(np.asarray(white.levels) * 10.0**-od)
    sigma[bins >= BINS] /= 2
    return Coreset(od, sigma, table, *shares)
