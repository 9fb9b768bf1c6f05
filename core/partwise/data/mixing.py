"""How much of each part is in a pixel, and how does the picture look with some parts alone?

A `Mixing` is a linear mixture that is rendered when it is looked at: nothing but its few
vectors is stored, whatever the size of the image. Light through a stained slide obeys
Beer and Lambert, so stains add up in optical density, OD = -log10(I / I0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partwise.data.mixloops import (
    Table,
    lights,
    render_into,
    residual_into,
    solvers,
    strengths_into,
)
from partwise.engine.errors import InputProblem
from partwise.engine.pool import blocks, run_blocks

__all__ = ["Mixing"]

_MOST_PARTS = 3
_TILE = 1 << 16  # pixels per block handed to a thread: about a millisecond
_DARKEST = 0.5  # a pixel of 0 counts as half a level: its light is below what 8 bits resolve


@dataclass(frozen=True, eq=False)
class Mixing:
    """A linear mixture of at most three nonnegative parts in a three-channel image.

    Parameters
    ----------
    vectors : array, shape (3, parts)
        One column per part, nonnegative. For ``"optical-density"`` decimal OD per unit strength.
    white : (r, g, b)
        Light without any stain, 0 to 255; plays no role for ``"identity"``.
    transform : {"optical-density", "identity"}
        What adds up: optical density, or the values as they are.

    Raises
    ------
    InputProblem
        Wrong shape, negative or all-zero vectors, more than three parts, a white of 0.

    Notes
    -----
    OD is ``-log10(max(I, 1/2) / I0)``: the guard against the logarithm of nothing touches pixels
    of 0 alone, so that no other pixel is biased. Light brighter than `white` has an OD of 0 for
    the strengths (Ruifrok and Johnston, Anal Quant Cytol Histol 23:291, 2001).
    """

    vectors: NDArray[np.float64] = field(repr=False)
    white: tuple[float, float, float] = (255.0, 255.0, 255.0)
    transform: Literal["optical-density", "identity"] = "optical-density"

    def __post_init__(self) -> None:
        vectors = np.array(self.vectors, dtype=np.float64)
        if vectors.ndim != 2 or vectors.shape[0] != 3 or not 1 <= vectors.shape[1] <= _MOST_PARTS:
            raise InputProblem(
                f"vectors have shape {vectors.shape}",
                argument="vectors",
                fix="give one column of three numbers for each of one to three parts",
            )
        finite = bool(np.isfinite(vectors).all())
        if not finite or (vectors < 0).any() or not (vectors.max(axis=0) > 0).all():
            raise InputProblem(
                "each vector needs numbers of at least 0, and one above", argument="vectors"
            )
        if self.transform not in ("optical-density", "identity"):
            raise InputProblem(f"no transform {self.transform!r}", argument="transform")
        white = tuple(float(value) for value in self.white)
        if len(white) != 3 or not all(0 < value <= 255 for value in white):
            raise InputProblem(
                f"white is {self.white}", argument="white", fix="give three levels, 1 to 255"
            )
        vectors.setflags(write=False)
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "white", white)

    @property
    def parts(self) -> int:
        """Number of parts."""
        return int(self.vectors.shape[1])

    def strengths(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how much of each part is in each pixel.

        The nonnegative least squares solution, exact in closed form.

        Parameters
        ----------
        rgb : ndarray of uint8, shape (height, width, 3)

        Returns
        -------
        ndarray of float32, shape (height, width, parts)
        """
        pixels = _flat(rgb)
        out = np.empty((len(pixels), self.parts), np.float32)
        table, solve, vectors = self._table, self._solve, self._columns

        def work(_slot: int, low: int, high: int) -> None:
            strengths_into(pixels[low:high], table, solve, vectors, out[low:high])

        run_blocks(work, blocks(len(pixels), _TILE))
        return out.reshape(*rgb.shape[:-1], self.parts)

    def render(
        self,
        rgb: NDArray[np.uint8],
        shown: Sequence[bool],
        *,
        with_residual: bool = False,
        colors: ArrayLike | None = None,
    ) -> NDArray[np.uint8]:
        """Return the picture that the shown parts alone would make.

        Parameters
        ----------
        rgb : ndarray of uint8, shape (height, width, 3)
        shown : sequence of bool, one per part
        with_residual : bool
            Add what no part explains; with all parts in their own colours that is the picture.
        colors : array of uint8, shape (parts, 3), optional
            Show parts in these colours in place of their own, as dark as they are.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
        """
        visible = np.asarray(shown, dtype=bool)
        if visible.shape != (self.parts,):
            raise InputProblem(f"{visible.size} switches for {self.parts} parts", argument="shown")
        if with_residual and colors is None and visible.all():
            return np.array(rgb, dtype=np.uint8)
        own = self.vectors
        drawn = (own if colors is None else self._tinted(colors)) * visible
        # With the residual, what stays is the whole less the hidden parts.
        change = drawn - own if with_residual else drawn
        return self._drawn(rgb, change, self._light, with_residual=with_residual)

    def remixed(
        self, rgb: NDArray[np.uint8], vectors: ArrayLike, white: ArrayLike
    ) -> NDArray[np.uint8]:
        """Return the picture that the same strengths make with other vectors and white.

        Parameters
        ----------
        rgb : ndarray of uint8, shape (height, width, 3)
        vectors : array, shape (3, parts)
        white : (r, g, b)
            Plays no role for ``"identity"``.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
        """
        change = np.asarray(vectors, dtype=np.float64)
        if change.shape != self.vectors.shape:
            raise InputProblem(
                f"vectors have shape {change.shape}, not {self.vectors.shape}", argument="vectors"
            )
        levels = np.asarray(white, dtype=np.float64).reshape(3)
        light = self._light if self.transform == "identity" else lights(levels)
        return self._drawn(rgb, change, light, with_residual=False)

    def _drawn(
        self,
        rgb: NDArray[np.uint8],
        change: NDArray[np.float64],
        light: NDArray[np.uint8],
        *,
        with_residual: bool,
    ) -> NDArray[np.uint8]:
        """Mix strengths by `change` (3, parts), and look the light up."""
        pixels = _flat(rgb)
        out = np.empty((len(pixels), 3), np.uint8)
        args = (
            *(self._table, self._solve, self._columns, self._signed_table),
            *(np.ascontiguousarray(change, dtype=np.float32), light),
            *(self.transform == "optical-density", with_residual),
        )

        def work(_slot: int, low: int, high: int) -> None:
            render_into(pixels[low:high], *args, out[low:high])

        run_blocks(work, blocks(len(pixels), _TILE))
        return out.reshape(rgb.shape)

    def residual(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the parts do not explain: root mean square over the three channels.

        Returns
        -------
        ndarray of float32, shape (height, width)
            In OD, or in levels for ``"identity"``.
        """
        pixels = _flat(rgb)
        out = np.empty(len(pixels), np.float32)
        table, solve, vectors = self._table, self._solve, self._columns

        def work(_slot: int, low: int, high: int) -> None:
            residual_into(pixels[low:high], table, solve, vectors, out[low:high])

        run_blocks(work, blocks(len(pixels), _TILE))
        return out.reshape(rgb.shape[:-1])

    def reading(self, pixel: ArrayLike) -> dict[str, Any]:
        """Return the numbers behind one pixel, for a status bar.

        Returns
        -------
        dict
            ``rgb`` (three levels), ``od`` (three, or the levels themselves for ``"identity"``),
            ``strengths`` (one per part), ``residual`` (root mean square).
        """
        rgb = np.asarray(pixel, dtype=np.uint8).reshape(1, 1, 3)
        levels = rgb[0, 0]
        return {
            "rgb": [int(level) for level in levels],
            "od": [float(self._table[c, level]) for c, level in enumerate(levels)],
            "strengths": [float(value) for value in self.strengths(rgb)[0, 0]],
            "residual": float(self.residual(rgb)[0, 0]),
        }

    @cached_property
    def _signed_table(self) -> Table:
        """Level to value, per channel: (3, 256)."""
        levels = np.arange(256, dtype=np.float64)
        if self.transform == "identity":
            return np.tile(levels, (3, 1)).astype(np.float32)
        od = np.log10(np.array(self.white)[:, None]) - np.log10(np.maximum(levels, _DARKEST))
        return np.asarray(od, dtype=np.float32)

    @cached_property
    def _table(self) -> Table:
        return np.asarray(np.maximum(self._signed_table, 0))

    @cached_property
    def _light(self) -> NDArray[np.uint8]:
        """OD to level, or level to itself, per channel: (3, steps)."""
        if self.transform == "identity":
            return np.tile(np.arange(256, dtype=np.uint8), (3, 1))
        return lights(np.array(self.white))

    @cached_property
    def _columns(self) -> Table:
        return np.ascontiguousarray(self.vectors, dtype=np.float32)

    @cached_property
    def _solve(self) -> Table:
        """One (parts × 3) map from values to strengths per set of parts."""
        return solvers(self.vectors)

    def _tinted(self, colors: ArrayLike) -> NDArray[np.float64]:
        """Vectors of the asked colours, as long as the parts' own."""
        wanted = np.asarray(colors, dtype=np.float64)
        if wanted.shape != (self.parts, 3):
            raise InputProblem(f"colors have shape {wanted.shape}", argument="colors")
        if self.transform == "identity":
            tint = wanted.T + 1e-6
        else:
            tint = -np.log10(np.clip(wanted.T, 1, 254) / 255)
        length = np.linalg.norm(self.vectors, axis=0) / np.linalg.norm(tint, axis=0)
        return np.asarray(tint * length)


def _flat(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if rgb.dtype != np.uint8 or rgb.shape[-1:] != (3,):
        raise InputProblem(
            f"pixels are {rgb.dtype} of shape {rgb.shape}",
            argument="rgb",
            fix="give 8-bit values of shape (height, width, 3)",
        )
    return np.ascontiguousarray(rgb).reshape(-1, 3)
