"""What does each layer of the one picture show, and how is it drawn from pixels?

The whole, the shown parts, one part, or the residual: all are drawn from the same pixels of the
whole, through the mixing, at the moment they are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from partwise.project.document import Strip
from partwise_app.viewers.maps import packed_table

if TYPE_CHECKING:
    # It brings a compiler along, which the first window must not wait for.
    from partwise.data.mixing import Mixing  # noqa: TC004  annotations are never evaluated

__all__ = [
    "EXTRA",
    "PARTS",
    "RESIDUAL",
    "RESIDUAL_KEY",
    "WHOLE",
    "Extra",
    "Light",
    "Mixer",
    "Recipe",
    "part_layer",
    "residual_limit",
    "unit_of",
]

WHOLE = "whole"
PARTS = "parts"
RESIDUAL = "residual"
EXTRA = "extra"  # a layer that a panel draws
RESIDUAL_KEY = "residual"  # key of the residual's strip
_PART = "part:"
_BAND = 1 << 16  # pixels

Light = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""From pixels (height, width, 3) to how they are shown, in any thread."""


def part_layer(key: str) -> str:
    """Name of the layer that shows one part alone, or the sum of several: ``"a+b"``."""
    return f"{_PART}{key}"


def unit_of(mixing: Mixing) -> str:
    """Unit in which strengths and the residual count."""
    return "OD" if mixing.transform == "optical-density" else "levels"


def residual_limit(mixing: Mixing) -> float:
    """Residual drawn brightest: fixed, so that two images can be compared by eye."""
    return 0.25 if mixing.transform == "optical-density" else 64.0


@dataclass(frozen=True, eq=False)
class Extra:
    """A layer of a panel's own, such as the image in the colours of another.

    Attributes
    ----------
    title : str
        For the badge.
    draw : callable
        From pixels (height, width, 3) of uint8 to the like; called in any thread.
    """

    title: str
    draw: Light


@dataclass(frozen=True)
class Recipe:
    """How to draw a layer from pixels of the whole; two equal recipes draw the same.

    Attributes
    ----------
    layer : str
        ``"whole"``, ``"parts"``, ``"residual"`` or ``"part:<key>"``.
    mixing : Mixing or None
        Compared by identity; None for the whole.
    shown : tuple of bool
        One per part.
    with_residual : bool
    colors : tuple of (r, g, b), one per part, or None
        None draws parts in their own light.
    extra : Extra or None
        Compared by identity; what draws the layer in place of all others.
    light : Light or None
        Compared by identity; how light is shown, such as by the colour profile of a camera.
    """

    layer: str
    mixing: Mixing | None = None
    shown: tuple[bool, ...] = ()
    with_residual: bool = False
    colors: tuple[tuple[int, int, int], ...] | None = None
    extra: Extra | None = None
    light: Light | None = None

    def draw(self, rgb: NDArray[np.uint8]) -> QImage:
        """Draw pixels, shape (height, width, 3); the image owns its memory. Any thread."""
        mixing = self.mixing
        pixels = np.ascontiguousarray(rgb)
        if self.extra is not None:
            light = np.empty_like(pixels)
            for band in _bands(pixels):
                light[band] = self.extra.draw(pixels[band])
            return _image_of(light)
        if mixing is None:
            return _image_of(self._shown(rgb))
        if self.layer == RESIDUAL:
            packed = np.empty(pixels.shape[:2], np.uint32)
            limit = residual_limit(mixing)
            for band in _bands(pixels):
                packed[band] = _mapped(mixing.residual(pixels[band]), limit)
            return _image_of_packed(packed)
        light = np.empty_like(pixels)
        for band in _bands(pixels):
            light[band] = mixing.render(
                pixels[band], self.shown, with_residual=self.with_residual, colors=self.colors
            )
        return _image_of(self._shown(light))

    def _shown(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return rgb if self.light is None else self.light(rgb)


@dataclass(frozen=True)
class Mixer:
    """The strips as the layers see them: the parts in order, and what each may show.

    Attributes
    ----------
    strips : sequence of Strip
        As in the mixer, the residual's included.
    found : mapping of str to str
        Colour that each part was found with, by key; a part in another colour is tinted.
    light : Light or None
        How light is shown.
    """

    strips: tuple[Strip, ...] = ()
    found: Mapping[str, str] | None = None
    light: Light | None = None

    def parts(self) -> tuple[Strip, ...]:
        """Strips of the parts, in the order of the mixing's vectors."""
        return tuple(s for s in self.strips if s.key != RESIDUAL_KEY)

    def _heard(self, strip: Strip) -> bool:
        soloed = any(s.solo for s in self.strips)
        return strip.solo if soloed else strip.show

    def shown(self, count: int) -> tuple[bool, ...]:
        """Which of `count` parts are shown; parts that have no strip yet are."""
        heard = [self._heard(strip) for strip in self.parts()][:count]
        return (*heard, *[True] * (count - len(heard)))

    def with_residual(self) -> bool:
        """Whether the residual's own strip is shown."""
        return any(self._heard(s) for s in self.strips if s.key == RESIDUAL_KEY)

    def recipe(self, layer: str, mixing: Mixing | None, *, residual_too: bool = True) -> Recipe:
        """How to draw a layer now; the whole where there is no mixing.

        `residual_too` says whether the parts may carry the residual, where its strip is shown.
        """
        light = self.light
        if layer == WHOLE or mixing is None:
            return Recipe(layer, light=light)
        if layer == RESIDUAL:
            return Recipe(layer, mixing)
        if layer == PARTS:
            shown = self.shown(mixing.parts)
            rest = residual_too and self.with_residual()
            return Recipe(layer, mixing, shown, rest, self._colors(mixing), light=light)
        keys = [strip.key for strip in self.parts()]
        wanted = layer.removeprefix(_PART).split("+")
        alone = tuple(k < len(keys) and keys[k] in wanted for k in range(mixing.parts))
        return Recipe(layer, mixing, alone, colors=self._colors(mixing), light=light)

    def title(self, layer: str, *, residual_too: bool = True) -> str:
        """Words for the layer's badge."""
        if layer == WHOLE:
            return "Whole"
        if layer == RESIDUAL:
            return "Residual"
        parts = self.parts()
        if layer != PARTS:
            wanted = layer.removeprefix(_PART).split("+")
            return " + ".join(s.name for s in parts if s.key in wanted) or "Part"
        heard = [s for s in parts if self._heard(s)]
        rest = residual_too and self.with_residual()
        if not heard and parts:
            return "Residual alone" if rest else "No part shown"
        named = "Parts" if len(heard) == len(parts) else " + ".join(s.name for s in heard)
        return f"{named} + residual" if rest else named

    def color(self, layer: str) -> str:
        """Swatch for the layer's badge, or empty."""
        if layer == PARTS:
            heard = [s for s in self.parts() if self._heard(s)]
            return heard[0].color if len(heard) == 1 else ""
        key = layer.removeprefix(_PART)
        return next((s.color for s in self.parts() if s.key == key), "")

    def _colors(self, mixing: Mixing) -> tuple[tuple[int, int, int], ...] | None:
        found = self.found or {}
        parts: Sequence[Strip] = self.parts()[: mixing.parts]
        tinted = [found.get(s.key, s.color).lower() != s.color.lower() for s in parts]
        if not any(tinted):
            return None
        own = _own_colors(mixing)
        for k, strip in enumerate(parts):
            if tinted[k]:
                own[k] = _rgb(strip.color)
        return tuple(own)


def _own_colors(mixing: Mixing) -> list[tuple[int, int, int]]:
    """Colours that `Mixing.render` would turn back into the parts' own vectors."""
    if mixing.transform == "optical-density":
        light = 255 * 10.0 ** -np.asarray(mixing.vectors)
    else:
        light = 255 * np.asarray(mixing.vectors) / np.max(mixing.vectors, axis=0)
    levels = np.clip(np.rint(light), 0, 255).astype(int).T
    return [(int(r), int(g), int(b)) for r, g, b in levels]


def _rgb(color: str) -> tuple[int, int, int]:
    code = color.removeprefix("#")
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def _image_of(rgb: NDArray[np.uint8]) -> QImage:
    pixels = np.ascontiguousarray(rgb)
    height, width = pixels.shape[:2]
    borrowed = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    # Four bytes a pixel paint about twice as fast; the conversion also ends the borrowing.
    return borrowed.convertToFormat(QImage.Format.Format_RGB32)


def _bands(pixels: NDArray[np.uint8]) -> list[slice]:
    """Rows that are unmixed at once.

    Small enough for one thread and for its cache: the tiles are what is shared out between the
    loader threads, and a second sharing-out below them would make each wait for the other.
    """
    height, width = pixels.shape[:2]
    rows = max(1, _BAND // max(width, 1))
    return [slice(row, row + rows) for row in range(0, height, rows)]


def _mapped(values: NDArray[np.float32], limit: float) -> NDArray[np.uint32]:
    steps = values * np.float32(255 / limit)
    np.minimum(steps, np.float32(255), out=steps)  # never below 0: a root mean square
    return np.take(_viridis(), steps.astype(np.uint8))


def _image_of_packed(packed: NDArray[np.uint32]) -> QImage:
    height, width = packed.shape
    borrowed = QImage(packed.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    return borrowed.copy()


@cache
def _viridis() -> NDArray[np.uint32]:
    return packed_table("viridis")
