"""What is below the cursor, in numbers?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partwise_app.viewers.layers import unit_of
from partwise_app.viewers.viewport import TILE, Tile

if TYPE_CHECKING:
    from partwise.data.mixing import Mixing
    from partwise_app.viewers.tiles import TileService

__all__ = ["CursorReading", "read_below"]


@dataclass(frozen=True)
class CursorReading:
    """What is under the cursor.

    Attributes
    ----------
    x, y : int
        Pixel of level 0.
    rgb : (r, g, b)
        Levels of the whole; a mean where the view is zoomed out (`downsample` above 1).
    strengths : tuple of float
        One per part, in `unit`; empty before a run.
    residual : float or None
        In `unit`; None before a run.
    unit : str
        ``"OD"`` or ``"levels"``; empty before a run.
    names : tuple of str
        Names of the parts.
    downsample : float
        Level-0 pixels per pixel read.
    microns : (x, y) or None
        Position in µm, where the size of a pixel is known.
    """

    x: int
    y: int
    rgb: tuple[int, int, int]
    strengths: tuple[float, ...] = ()
    residual: float | None = None
    unit: str = ""
    names: tuple[str, ...] = ()
    downsample: float = 1.0
    microns: tuple[float, float] | None = None


def read_below(
    point: tuple[float, float],
    service: TileService,
    level: int,
    *,
    mixing: Mixing | None,
    names: tuple[str, ...] = (),
    microns_per_pixel: float | None = None,
) -> CursorReading | None:
    """Read the finest pixel at hand: of level 0, else of the `level` on screen, else coarser.

    Returns None while nothing has been read at `point` (in level-0 pixels).
    """
    found = _pixel_at(point, service, level)
    if found is None:
        return None
    pixel, downsample = found
    x, y = int(point[0]), int(point[1])
    rgb = (int(pixel[0]), int(pixel[1]), int(pixel[2]))
    microns = (x * microns_per_pixel, y * microns_per_pixel) if microns_per_pixel else None
    if mixing is None:
        return CursorReading(x, y, rgb, downsample=downsample, microns=microns)
    one = np.ascontiguousarray(pixel).reshape(1, 1, 3)
    return CursorReading(
        x,
        y,
        rgb,
        strengths=tuple(float(v) for v in mixing.strengths(one)[0, 0]),
        residual=float(mixing.residual(one)[0, 0]),
        unit=unit_of(mixing),
        names=names,
        downsample=downsample,
        microns=microns,
    )


def _pixel_at(
    point: tuple[float, float], service: TileService, level: int
) -> tuple[NDArray[np.uint8], float] | None:
    grid = service.grid
    for finest in dict.fromkeys((0, *range(level, grid.top + 1))):
        span = TILE << finest
        tile = Tile(finest, int(point[0] // span), int(point[1] // span))
        pixels = service.pixels(tile)
        if pixels is None:
            continue
        box = grid.box(tile)
        column = int((point[0] - box.x) / box.width * pixels.shape[1])
        row = int((point[1] - box.y) / box.height * pixels.shape[0])
        return pixels[row, column], box.width / pixels.shape[1]
    return None
