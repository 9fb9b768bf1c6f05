"""Which part of an image is on screen, and which tiles cover it? Pure geometry, no Qt.

The scene is measured in pixels of level 0, the finest. Display level k halves it k times;
its tiles are `TILE` pixels wide, so that one tile at level k covers ``TILE * 2**k`` of the scene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

__all__ = ["TILE", "Box", "Grid", "Tile", "Viewport"]

TILE = 512
_LARGEST_SCALE = 32.0  # screen pixels per image pixel; beyond, one sees nothing new
# A level is used until it is magnified by 2**0.25: one cannot see the difference, and the next
# finer level costs four times the tiles.
_LEVEL_BIAS = 0.25


class Box(NamedTuple):
    """A rectangle of the scene."""

    x: float
    y: float
    width: float
    height: float


class Tile(NamedTuple):
    """A tile of the display pyramid."""

    level: int
    column: int
    row: int


@dataclass(frozen=True)
class Viewport:
    """Where a pane looks.

    Attributes
    ----------
    x, y : float
        Scene point in the middle of the pane.
    scale : float
        Screen pixels (device-independent) per scene pixel.
    """

    x: float
    y: float
    scale: float

    @staticmethod
    def fitted(width: int, height: int, pane: tuple[float, float]) -> Viewport:
        """Show a whole image of `width` x `height` in a pane; small images are not blown up."""
        scale = min(pane[0] / max(width, 1), pane[1] / max(height, 1))
        return Viewport(width / 2, height / 2, min(max(scale, 1e-6), 4.0))

    @staticmethod
    def around(box: Box, pane: tuple[float, float]) -> Viewport:
        """Show all of `box` in the middle of a pane."""
        scale = min(pane[0] / max(box.width, 1e-6), pane[1] / max(box.height, 1e-6))
        return Viewport(box.x + box.width / 2, box.y + box.height / 2, scale)

    def box(self, pane: tuple[float, float]) -> Box:
        """Scene rectangle that fills a pane."""
        width, height = pane[0] / self.scale, pane[1] / self.scale
        return Box(self.x - width / 2, self.y - height / 2, width, height)

    def to_scene(
        self, point: tuple[float, float], pane: tuple[float, float]
    ) -> tuple[float, float]:
        """Scene position of a point of the pane."""
        return (
            self.x + (point[0] - pane[0] / 2) / self.scale,
            self.y + (point[1] - pane[1] / 2) / self.scale,
        )

    def to_pane(self, scene: tuple[float, float], pane: tuple[float, float]) -> tuple[float, float]:
        """Position in the pane of a scene point."""
        return (
            (scene[0] - self.x) * self.scale + pane[0] / 2,
            (scene[1] - self.y) * self.scale + pane[1] / 2,
        )

    def zoomed(
        self, factor: float, point: tuple[float, float], pane: tuple[float, float]
    ) -> Viewport:
        """Zoom so that what is under `point` of the pane stays there."""
        fixed = self.to_scene(point, pane)
        scale = self.scale * factor
        return Viewport(
            fixed[0] - (point[0] - pane[0] / 2) / scale,
            fixed[1] - (point[1] - pane[1] / 2) / scale,
            scale,
        )

    def moved(self, dx: float, dy: float) -> Viewport:
        """Look further right by `dx` and down by `dy` screen pixels."""
        return replace(self, x=self.x + dx / self.scale, y=self.y + dy / self.scale)

    def clamped(self, width: int, height: int, pane: tuple[float, float]) -> Viewport:
        """Keep the middle on the image, and the scale between half of fitting and 3200 %."""
        fit = Viewport.fitted(width, height, pane).scale
        return Viewport(
            min(max(self.x, 0.0), float(width)),
            min(max(self.y, 0.0), float(height)),
            min(max(self.scale, min(fit, 1.0) / 2), _LARGEST_SCALE),
        )


@dataclass(frozen=True)
class Grid:
    """The display pyramid of an image of `width` x `height` scene pixels."""

    width: int
    height: int

    @property
    def top(self) -> int:
        """Coarsest level: the whole image in one tile."""
        longest = max(self.width, self.height, 1)
        return max(0, math.ceil(math.log2(longest / TILE)))

    def level_for(self, scale: float) -> int:
        """Level to draw at `scale` device pixels per scene pixel."""
        wanted = math.floor(-math.log2(scale) + _LEVEL_BIAS)
        return min(max(wanted, 0), self.top)

    def box(self, tile: Tile) -> Box:
        """Scene rectangle of a tile, cut at the image's border."""
        span = TILE << tile.level
        x, y = tile.column * span, tile.row * span
        return Box(x, y, min(span, self.width - x), min(span, self.height - y))

    def tiles(self, level: int, box: Box, margin: float = 0.0) -> list[Tile]:
        """Tiles that touch `box` grown by `margin` tiles, those nearest to its middle first."""
        span = TILE << level
        grow = margin * span
        columns = self._range(box.x - grow, box.x + box.width + grow, span, self.width)
        rows = self._range(box.y - grow, box.y + box.height + grow, span, self.height)
        middle = (box.x + box.width / 2) / span - 0.5, (box.y + box.height / 2) / span - 0.5

        def distance(tile: Tile) -> float:
            return (tile.column - middle[0]) ** 2 + (tile.row - middle[1]) ** 2

        return sorted((Tile(level, c, r) for r in rows for c in columns), key=distance)

    def ancestors(self, tile: Tile) -> list[Tile]:
        """Coarser tiles that contain `tile`, the finest first."""
        return [
            Tile(tile.level + k, tile.column >> k, tile.row >> k)
            for k in range(1, self.top - tile.level + 1)
        ]

    @staticmethod
    def _range(low: float, high: float, span: int, size: int) -> range:
        last = (size - 1) // span
        return range(max(0, math.floor(low / span)), min(last, math.ceil(high / span) - 1) + 1)
