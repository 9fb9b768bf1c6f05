"""Which few thousand colours stand for all pixels of a slide?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partwise.api import Job, LocalJob, stop_if_cancelled
from partwise_stain.foreign import Left, foreign_bodies, is_foreign, left_out
from partwise_stain.optics import (
    Floats,
    White,
    halved,
    optical_density,
    pen_mask,
    roughness,
    variance,
)

__all__ = ["Coreset", "gather"]

_ALL = left_out("auto")
_HUES = 100  # steps of the share that red, or blue, has in a colour's OD: about a degree
_SIZES = 64  # steps of its sum over the channels
_SMALL, _LARGER = 0.05, 1.12  # OD; the first of them, and how many times the next
_POOLED = _SIZES * (_HUES + 1) ** 2  # the first bin of pooled means
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
        while len(merged.od) > most and wider < _HUES:
            wider *= 1.3
            # Fine and pooled means differ in their noise; a factor of two keeps them apart.
            pooled = np.rint(np.log2(self.sigma / self.sigma.min())).astype(np.int64)
            key = _bins(self.od, wider) * 64 + pooled
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
    keys, weights, ods = [], [], []
    tissue = pen = area = 0
    lights = [halved(region) for region in regions]
    inks = [
        pen_mask(optical_density(light, white.levels), brown=brown, inky=inky) for light in lights
    ]
    if "pen" not in left:
        inks = [np.zeros_like(ink) for ink in inks]
    faint = _faint(lights, inks, white)
    bodies = inks if brown else _bodies(lights, inks, white, left)
    for number, (light, ink, body) in enumerate(zip(lights, inks, bodies, strict=True)):
        stop_if_cancelled(job)
        od = optical_density(light, white.levels)
        area += ink.size
        pen += int(ink.sum())
        coarse = halved(light)
        flat = 1 / (1 + (roughness(light) / _LEVELS) ** 2)
        flat4 = halved(flat[..., None])[..., 0]
        ink4 = halved(ink[..., None])[..., 0] > 0
        body4 = halved(body[..., None])[..., 0] > 0
        # Edges of nuclei are light of two colours in one pixel, whose OD is no mixture of theirs.
        od += _MIXED * variance(od)
        ones = np.ones(ink.shape, np.float32)
        scales = (
            (light, od, ~ink, ~body, ones),
            (coarse, optical_density(coarse, white.levels), ~ink4, ~body4, 4 * flat4),
        )
        for scale, (values, density, free, clear, weight) in enumerate(scales):
            stop_if_cancelled(job)
            size = np.linalg.norm(density, axis=2)
            if scale == 1:
                tissue += 4 * int((free & (size > _TISSUE)).sum())
            good = free & clear & (size > faint) & (values.min(axis=2) > _CLIPPED)
            good &= (density > -_BELOW).all(axis=2)
            cell = _cell_numbers(good.shape) + number * _CELLS**2
            chosen = np.maximum(density[good], 0)
            keys.append(np.stack([scale * _POOLED + _bins(chosen), cell[good]]))
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


def _bodies(
    lights: Sequence[Floats], inks: Sequence[NDArray[np.bool_]], white: White, left: Left
) -> list[NDArray[np.bool_]]:
    """Mark red cells and pigment with their rims, in 2 × 2 means."""
    ods = []
    for light, ink in zip(lights, inks, strict=True):
        od = optical_density(light, white.levels)
        od[ink] = 0  # ink is no tissue
        ods.append(od)
    return foreign_bodies(ods, [_noise(light) for light in lights], left)


def _noise(light: NDArray[Any]) -> NDArray[Any]:
    """Return the expected deviation of OD of a 2 × 2 mean, the mean of the channels."""
    square = np.square(1 / np.maximum(light, 4))
    return np.asarray((_LEVELS / np.log(10)) * np.sqrt(square.mean(axis=-1)))


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
    sigma = _noise(light)
    sigma[bins >= _POOLED] /= 2
    return Coreset(od, sigma, table, *shares)


def _bins(od: NDArray[Any], wider: float = 1.0) -> NDArray[np.int64]:
    """Number colours by the shares of red and blue in their OD, and by its sum; shape (n,).

    Pale colours then have bins as narrow in angle as dark ones.
    """
    total = np.maximum(od.sum(axis=1), 1e-3)
    red = (od[:, 0] / total * (_HUES / wider)).astype(np.int64)
    blue = (od[:, 2] / total * (_HUES / wider)).astype(np.int64)
    size = np.log(total / _SMALL) / (wider * np.log(_LARGER))
    size = np.clip(size, 0, _SIZES - 1).astype(np.int64)
    return np.asarray((size * (_HUES + 1) + red) * (_HUES + 1) + blue, dtype=np.int64)


def _cell_numbers(shape: tuple[int, ...]) -> NDArray[np.int64]:
    rows = np.arange(shape[0]) * _CELLS // max(shape[0], 1)
    columns = np.arange(shape[1]) * _CELLS // max(shape[1], 1)
    return np.asarray(rows[:, None] * _CELLS + columns, dtype=np.int64)
