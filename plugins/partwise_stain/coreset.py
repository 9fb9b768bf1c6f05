"""Which few thousand colours stand for all pixels of a slide?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partwise.api import Job, LocalJob, stop_if_cancelled
from partwise_stain.foreign import Left, is_foreign, left_out
from partwise_stain.optics import (
    Floats,
    White,
    halved,
    optical_density,
    pen_mask,
    roughness,
)

__all__ = ["Coreset", "gather"]

_ALL = left_out("auto")
_SIDE = 64  # bins per channel
_STEP = 0.025  # OD per bin, so that the grid ends at 1.6, before 8 bits clip
_FAINT = 0.15  # OD; below, the direction is noise
_FAINTEST = 0.05  # OD; the same for slides that are pale throughout
_TISSUE = 0.08  # OD of a 4 × 4 mean that is not background
_PALE = 0.4  # share of the median OD of tissue below which a colour is faint
_CLIPPED = 5.0  # levels
_LEVELS = 4.0  # noise of a 2 × 2 mean, in levels: shot noise and JPEG
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
        step = _STEP
        merged = self
        while len(merged.od) > most and step < 1:
            step *= 1.5
            bins = (self.od / step).astype(np.int64)
            # Fine and pooled means differ in their noise; a factor of two keeps them apart.
            pooled = np.rint(np.log2(self.sigma / self.sigma.min())).astype(np.int64)
            key = ((bins[:, 0] * 64 + bins[:, 1]) * 64 + bins[:, 2]) * 64 + pooled
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
    left : Left
        What is left out.
    job : Job, optional
        Asked between steps whether to leave.
    """
    job = job or LocalJob()
    keys, weights, ods = [], [], []
    tissue = pen = area = 0
    lights = [halved(region) for region in regions]
    inks = [pen_mask(optical_density(light, white.levels), brown=brown) for light in lights]
    if "pen" not in left:
        inks = [np.zeros_like(ink) for ink in inks]
    faint = _faint(lights, inks, white)
    for number, (light, ink) in enumerate(zip(lights, inks, strict=True)):
        stop_if_cancelled(job)
        od = optical_density(light, white.levels)
        area += ink.size
        pen += int(ink.sum())
        coarse = halved(light)
        flat = 1 / (1 + (roughness(light) / _LEVELS) ** 2)
        flat4 = halved(flat[..., None])[..., 0]
        ink4 = halved(ink[..., None])[..., 0] > 0
        ones = np.ones(ink.shape, np.float32)
        scales = (
            (light, od, ~ink, ones),
            (coarse, optical_density(coarse, white.levels), ~ink4, 4 * flat4),
        )
        for scale, (values, density, free, weight) in enumerate(scales):
            stop_if_cancelled(job)
            size = np.linalg.norm(density, axis=2)
            if scale == 1:
                tissue += 4 * int((free & (size > _TISSUE)).sum())
            good = free & (size > faint) & (values.min(axis=2) > _CLIPPED)
            good &= (density > -_STEP).all(axis=2)
            cell = _cell_numbers(good.shape) + number * _CELLS**2
            chosen = np.maximum(density[good], 0)
            bins = np.minimum((chosen / _STEP).astype(np.int64), _SIDE - 1)
            key = ((scale * _SIDE + bins[:, 0]) * _SIDE + bins[:, 1]) * _SIDE + bins[:, 2]
            keys.append(np.stack([key, cell[good]]))
            weights.append(weight[good].astype(np.float64))
            ods.append(chosen)
    stop_if_cancelled(job)
    merged = _merge(
        np.concatenate(keys, axis=1),
        np.concatenate(weights),
        np.concatenate(ods),
        len(regions) * _CELLS**2,
        (tissue / max(area, 1), pen / max(area, 1)),
        white,
    )
    if brown:
        return merged
    stays = ~is_foreign(merged.od, merged.sigma, merged.counts(), left)
    return replace(
        merged, od=merged.od[stays], sigma=merged.sigma[stays], cells=merged.cells[:, stays]
    )


def _faint(lights: Sequence[Floats], inks: Sequence[NDArray[np.bool_]], white: White) -> float:
    """Return the OD below which a colour says nothing, lower where all of the slide is pale."""
    sizes = [
        np.linalg.norm(optical_density(halved(light), white.levels), axis=2)[
            ~(halved(ink[..., None])[..., 0] > 0)
        ]
        for light, ink in zip(lights, inks, strict=True)
    ]
    every = np.concatenate(sizes)
    tissue = every[every > 1.4 * _FAINTEST]
    if len(tissue) == 0:
        return _FAINT
    return float(np.clip(_PALE * np.median(tissue), _FAINTEST, _FAINT))


def _merge(
    keys: NDArray[np.int64],
    weights: NDArray[np.float64],
    ods: Floats,
    cells: int,
    shares: tuple[float, float],
    white: White,
) -> Coreset:
    bins, index = np.unique(keys[0], return_inverse=True)
    count = np.bincount(index, weights, len(bins))
    sums = [np.bincount(index, weights * ods[:, c], len(bins)) for c in range(3)]
    od: NDArray[np.float64] = np.stack(sums, axis=1) / np.maximum(count, 1e-12)[:, None]
    table = sparse.coo_array((weights, (keys[1], index)), shape=(cells, len(bins))).tocsr()
    light = np.asarray(white.levels) * 10.0**-od
    sigma = (_LEVELS / np.log(10)) * np.sqrt((1 / np.maximum(light, 4) ** 2).mean(axis=1))
    sigma[bins >= _SIDE**3] /= 2
    return Coreset(od, sigma, table, *shares)


def _cell_numbers(shape: tuple[int, ...]) -> NDArray[np.int64]:
    rows = np.arange(shape[0]) * _CELLS // max(shape[0], 1)
    columns = np.arange(shape[1]) * _CELLS // max(shape[1], 1)
    return np.asarray(rows[:, None] * _CELLS + columns, dtype=np.int64)
