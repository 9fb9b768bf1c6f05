"""Which colours tell of stains, and how often is each there? Compiled loops, as in `pixels`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import compiled
from partwise_stain.pixels import roughness, variance

__all__ = ["BINS", "Colours", "add_up", "bin_numbers", "chosen_colours", "counted", "mark"]

_Floats = NDArray[np.float32]

_HUES = 100  # steps of the share that red, or blue, has in a colour's OD: about a degree
_SIZES = 48  # steps of its sum over the channels: up to three times what 8 bits resolve
_SMALL, _LARGER = 0.05, 1.12  # OD; the first of them, and how many times the next
BINS = _SIZES * (_HUES + 1) ** 2


@dataclass(frozen=True, eq=False)
class Colours:
    """Chosen colours: OD (n, 3), weight, number of bin and of cell, (n,) each.

    Numbers of bins of 4 × 4 means begin with `BINS`.
    """

    od: _Floats
    weight: _Floats
    bins: NDArray[np.int32]
    cell: NDArray[np.uint8]


def chosen_colours(
    lights: tuple[_Floats, _Floats],
    ods: tuple[_Floats, _Floats],
    barred: NDArray[np.bool_],
    limits: tuple[float, float, float],
    noise: float,
    mixed: float,
    cells: int,
) -> Colours:
    """Return the 2 × 2 means, then the 4 × 4 means, that tell something of stains.

    Edges of nuclei are light of two colours in one pixel, whose OD is no mixture of theirs; of
    4 × 4 means each weighs the more, the flatter its pixels are.

    Parameters
    ----------
    lights, ods : two float32 arrays, shapes (h, w, 3) and (h // 2, w // 2, 3)
        From `means`.
    barred : bool, shape (h, w)
        What may not be chosen.
    limits : three numbers
        OD from which a colour is not faint; OD below the background that is no tissue; level at
        which light is clipped.
    noise : float
        Deviation of brightness in 3 × 3, in levels, that halves the weight.
    mixed : float
        How many times the variance in 3 × 3 is added to the OD of a 2 × 2 mean.
    cells : int
        The image is cut into so many along both axes.
    """
    free = barred.size - int(np.count_nonzero(barred))
    most = free + free // 4  # of four pixels none may be barred
    od, weight = np.empty((most, 3), np.float32), np.empty(most, np.float32)
    cell = np.empty(most, np.uint8)
    faint, below, clipped = (np.float32(limit) for limit in limits)
    asked = (faint, below, clipped)
    true = ods[0] + np.float32(mixed) * variance(ods[0])
    fine = _chosen(lights[0], true, barred, asked, cells, od, weight, cell)
    flat = np.float32(1) / (1 + (roughness(lights[0]) / np.float32(noise)) ** 2)
    rest = (od[fine:], weight[fine:], cell[fine:])
    wide = _chosen_wide(lights[1], ods[1], barred, flat, asked, cells, *rest)
    count = fine + wide
    bins = bin_numbers(od[:count])
    bins[fine:] += BINS
    return Colours(od[:count], weight[:count], bins, cell[:count])


def bin_numbers(od: NDArray[Any], wider: float = 1.0) -> NDArray[np.int32]:
    """Number colours (n, 3) by the shares of red and blue in their OD, and by its sum; (n,).

    Pale colours then have bins as narrow in angle as dark ones. Numbers are below `BINS`; bins are
    `wider` times as wide as usual.
    """
    out = np.empty(len(od), np.int32)
    _bin_numbers(od, _HUES / wider, 1 / (wider * np.log(_LARGER)), out)
    return out


def counted(
    colours: Colours, place: NDArray[np.int32], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int64]]:
    """Return a sparse table of `shape` (cells, bins) that holds the weights.

    Parameters
    ----------
    colours : Colours
    place : int32, shape (2 * BINS,)
        Column of each bin.
    shape : two int

    Returns
    -------
    values, columns, ends
        What stands in the table, row by row; its columns; after how many of them each row ends.
    """
    table = np.zeros(shape)
    filled = _count(colours.bins, place, colours.weight, colours.cell, table)
    values, columns = np.empty(filled), np.empty(filled, np.int32)
    ends = np.empty(shape[0], np.int64)
    _pack(table, values, columns, ends)
    return values, columns, ends


@compiled
def add_up(
    bins: NDArray[np.int32],
    place: NDArray[np.int32],
    weight: _Floats,
    od: _Floats,
    sums: NDArray[np.float64],
) -> None:
    """Add weighted OD (n, 3) to `sums` (bins, 3) in the place of their bins."""
    for i in range(len(bins)):
        k, w = place[bins[i]], np.float64(weight[i])
        for c in range(3):
            sums[k, c] += w * od[i, c]


@compiled
def mark(bins: NDArray[np.int32], seen: NDArray[np.bool_]) -> None:
    """Mark the bins of colours in `seen` (2 * BINS,)."""
    for i in range(len(bins)):
        seen[bins[i]] = True


@compiled
def _count(
    bins: NDArray[np.int32],
    place: NDArray[np.int32],
    weight: _Floats,
    cell: NDArray[np.uint8],
    table: NDArray[np.float64],
) -> int:
    filled = 0
    for i in range(len(bins)):
        row, column = cell[i], place[bins[i]]
        before = table[row, column]
        filled += before == 0
        table[row, column] = before + weight[i]
    return filled


@compiled
def _pack(
    table: NDArray[np.float64],
    values: NDArray[np.float64],
    columns: NDArray[np.int32],
    ends: NDArray[np.int64],
) -> None:
    count = 0
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            if table[row, column] > 0:
                values[count], columns[count] = table[row, column], column
                count += 1
        ends[row] = count


_Limits = tuple[np.float32, np.float32, np.float32]


@compiled
def _chosen(
    light: _Floats,
    od: _Floats,
    barred: NDArray[np.bool_],
    limits: _Limits,
    cells: int,
    ods: _Floats,
    weights: _Floats,
    numbers: NDArray[np.uint8],
) -> int:
    height, width = barred.shape
    count = 0
    for y in range(height):
        row = y * cells // height
        for x in range(width):
            if barred[y, x] or not _tells(light[y, x], od[y, x], limits):
                continue
            for c in range(3):
                ods[count, c] = max(od[y, x, c], np.float32(0))
            weights[count] = 1
            numbers[count] = row * cells + x * cells // width
            count += 1
    return count


@compiled
def _chosen_wide(
    light: _Floats,
    od: _Floats,
    barred: NDArray[np.bool_],
    flat: _Floats,
    limits: _Limits,
    cells: int,
    ods: _Floats,
    weights: _Floats,
    numbers: NDArray[np.uint8],
) -> int:
    height, width = od.shape[:2]
    count = 0
    for y in range(height):
        row = y * cells // height
        for x in range(width):
            i, j = 2 * y, 2 * x
            if barred[i, j] or barred[i, j + 1] or barred[i + 1, j] or barred[i + 1, j + 1]:
                continue
            if not _tells(light[y, x], od[y, x], limits):
                continue
            for c in range(3):
                ods[count, c] = max(od[y, x, c], np.float32(0))
            weights[count] = flat[i, j] + flat[i, j + 1] + flat[i + 1, j] + flat[i + 1, j + 1]
            numbers[count] = row * cells + x * cells // width
            count += 1
    return count


@compiled
def _tells(light: _Floats, od: _Floats, limits: _Limits) -> bool:
    """Whether a colour is neither faint, nor brighter than the white, nor clipped."""
    faint, below, clipped = limits
    r, g, b = od[0], od[1], od[2]
    if np.sqrt(r * r + g * g + b * b) <= faint or min(r, g, b) <= -below:
        return False
    return bool(min(light[0], light[1], light[2]) > clipped)


@compiled
def _bin_numbers(od: NDArray[Any], hues: float, sizes: float, out: NDArray[np.int32]) -> None:
    for i in range(len(od)):
        total = max(od[i, 0] + od[i, 1] + od[i, 2], 1e-3)
        red, blue = int(od[i, 0] / total * hues), int(od[i, 2] / total * hues)
        size = int(min(max(np.log(total / _SMALL) * sizes, 0.0), _SIZES - 1.0))
        out[i] = (size * (_HUES + 1) + red) * (_HUES + 1) + blue
