"""How much of each part is in a pixel, and how does the picture look with some parts alone?

A `Mixing` is a linear mixture that is rendered when it is looked at: nothing but its few
vectors is stored, whatever the size of the image. Light through a stained slide obeys
Beer and Lambert, so stains add up in optical density, OD = -log10(I / I0).

The kernels here are apart from the engine's: they join the look-up of 8-bit light, the exact
least squares of at most three parts and the way back to light in one pass over the pixels, so
that a view can be drawn anew while a vector is dragged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.jit import compiled
from partwise.engine.pool import blocks, run_blocks

__all__ = ["Mixing"]

_MOST_PARTS = 3
_TILE = 1 << 16  # pixels per block handed to a thread: about a millisecond
_CHUNK = 512  # pixels per inner step: its buffers stay in the first cache and in vector registers
_DARKEST = 0.5  # a pixel of 0 counts as half a level: its light is below what 8 bits resolve
_STEPS = 8192  # entries of the table from OD to light: at most a quarter of a level apart
_OD_LOW, _OD_HIGH = -0.25, 2.75

_Table = NDArray[np.float32]
_Pixels = NDArray[np.uint8]


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
            _strengths(pixels[low:high], table, solve, vectors, out[low:high])

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
        light = self._light if self.transform == "identity" else _lights(levels)
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
            _render(pixels[low:high], *args, out[low:high])

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
            _residual(pixels[low:high], table, solve, vectors, out[low:high])

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
    def _signed_table(self) -> _Table:
        """Level to value, per channel: (3, 256)."""
        levels = np.arange(256, dtype=np.float64)
        if self.transform == "identity":
            return np.tile(levels, (3, 1)).astype(np.float32)
        od = np.log10(np.array(self.white)[:, None]) - np.log10(np.maximum(levels, _DARKEST))
        return np.asarray(od, dtype=np.float32)

    @cached_property
    def _table(self) -> _Table:
        return np.asarray(np.maximum(self._signed_table, 0))

    @cached_property
    def _light(self) -> NDArray[np.uint8]:
        """OD to level, or level to itself, per channel: (3, steps)."""
        if self.transform == "identity":
            return np.tile(np.arange(256, dtype=np.uint8), (3, 1))
        return _lights(np.array(self.white))

    @cached_property
    def _columns(self) -> _Table:
        return np.ascontiguousarray(self.vectors, dtype=np.float32)

    @cached_property
    def _solve(self) -> _Table:
        """One (parts × 3) map from values to strengths per set of parts."""
        return _solvers(self.vectors)

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


def _lights(white: NDArray[np.float64]) -> NDArray[np.uint8]:
    light = white[:, None] * 10.0 ** -np.linspace(_OD_LOW, _OD_HIGH, _STEPS)
    return np.rint(np.clip(light, 0, 255)).astype(np.uint8)


def _solvers(vectors: NDArray[np.float64]) -> _Table:
    """Least-squares maps of every set of parts, the whole set first: (sets, parts, 3)."""
    parts = vectors.shape[1]
    sets = sorted(range(1, 2**parts), key=int.bit_count, reverse=True)
    maps = np.zeros((len(sets), parts, 3), np.float32)
    for row, members in enumerate(sets):
        chosen = [k for k in range(parts) if members >> k & 1]
        # The pseudo-inverse also answers for parts that lie in one plane or on one ray.
        maps[row, chosen] = np.linalg.pinv(vectors[:, chosen])
    return maps


@compiled
def _strengths(pixels: _Pixels, table: _Table, solve: _Table, vectors: _Table, out: _Table) -> None:
    r, g, b = (
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
    )
    rows = np.empty((3, _CHUNK), np.float32)  # a row per part: vector registers
    for low in range(0, len(pixels), _CHUNK):
        block = pixels[low : low + _CHUNK]
        _look_up(block, table, r, g, b)
        if out.shape[1] < 3:
            _solve_chunk(r, g, b, solve, vectors, out[low : low + len(block)])
            continue
        _solve3(r, g, b, solve, vectors, rows.T[: len(block)])
        for i in range(len(block)):
            out[low + i, 0] = rows[0, i]
            out[low + i, 1] = rows[1, i]
            out[low + i, 2] = rows[2, i]


@compiled
def _look_up(block: _Pixels, table: _Table, r: _Table, g: _Table, b: _Table) -> None:
    for i in range(len(block)):
        r[i] = table[0, block[i, 0]]
        g[i] = table[1, block[i, 1]]
        b[i] = table[2, block[i, 2]]


@compiled
def _solve_chunk(
    r: _Table, g: _Table, b: _Table, solve: _Table, vectors: _Table, out: _Table
) -> None:
    if out.shape[1] == 1:
        _solve1(r, g, b, solve, out)
    elif out.shape[1] == 2:
        _solve2(r, g, b, solve, out)
    else:
        _solve3(r, g, b, solve, vectors, out)


@compiled
def _solve1(r: _Table, g: _Table, b: _Table, solve: _Table, out: _Table) -> None:
    zero = np.float32(0)
    x, y, z = solve[0, 0, 0], solve[0, 0, 1], solve[0, 0, 2]
    for i in range(len(out)):
        out[i, 0] = max(x * r[i] + y * g[i] + z * b[i], zero)


@compiled
def _solve2(r: _Table, g: _Table, b: _Table, solve: _Table, out: _Table) -> None:
    """Two parts without a branch: where one alone would be negative, the other stands alone.

    Exact, as at most one of the two is negative: all values and vectors are at least 0.
    """
    zero = np.float32(0)
    x0, y0, z0 = solve[0, 0, 0], solve[0, 0, 1], solve[0, 0, 2]
    x1, y1, z1 = solve[0, 1, 0], solve[0, 1, 1], solve[0, 1, 2]
    # Set 1 holds the first part alone, set 2 the second.
    u0, v0, w0 = solve[1, 0, 0], solve[1, 0, 1], solve[1, 0, 2]
    u1, v1, w1 = solve[2, 1, 0], solve[2, 1, 1], solve[2, 1, 2]
    for i in range(len(out)):
        first = x0 * r[i] + y0 * g[i] + z0 * b[i]
        second = x1 * r[i] + y1 * g[i] + z1 * b[i]
        alone0 = u0 * r[i] + v0 * g[i] + w0 * b[i]
        alone1 = u1 * r[i] + v1 * g[i] + w1 * b[i]
        out[i, 0] = max(alone0 if second < zero else first, zero)
        out[i, 1] = max(alone1 if first < zero else second, zero)


@compiled
def _solve3(r: _Table, g: _Table, b: _Table, solve: _Table, vectors: _Table, out: _Table) -> None:
    """Three parts without a branch: the whole set, or else the best face of its cone.

    Exact, as the nearest point of a cone lies inside or on one of its three faces, and each face
    is a mixture of two, which is solved as in `_solve2`. Sets 1 to 3 are the faces, 4 to 6 the
    parts alone; in every set the coefficients of the parts that it lacks are 0.
    """
    zero = np.float32(0)
    whole0, whole1, whole2 = solve[0, 0], solve[0, 1], solve[0, 2]
    first0, first1 = solve[1, 0], solve[1, 1]
    second0, second2 = solve[2, 0], solve[2, 2]
    third1, third2 = solve[3, 1], solve[3, 2]
    one0, one1, one2 = solve[4, 0], solve[5, 1], solve[6, 2]
    square0 = vectors[0, 0] ** 2 + vectors[1, 0] ** 2 + vectors[2, 0] ** 2
    square1 = vectors[0, 1] ** 2 + vectors[1, 1] ** 2 + vectors[2, 1] ** 2
    square2 = vectors[0, 2] ** 2 + vectors[1, 2] ** 2 + vectors[2, 2] ** 2
    for i in range(len(out)):
        x, y, z = r[i], g[i], b[i]
        alone0 = one0[0] * x + one0[1] * y + one0[2] * z
        alone1 = one1[0] * x + one1[1] * y + one1[2] * z
        alone2 = one2[0] * x + one2[1] * y + one2[2] * z
        # What a part explains is its strength times its product with the pixel.
        p, q, s = alone0 * square0, alone1 * square1, alone2 * square2
        h0 = first0[0] * x + first0[1] * y + first0[2] * z
        h1 = first1[0] * x + first1[1] * y + first1[2] * z
        a0, a1 = max(alone0 if h1 < zero else h0, zero), max(alone1 if h0 < zero else h1, zero)
        h0 = second0[0] * x + second0[1] * y + second0[2] * z
        h2 = second2[0] * x + second2[1] * y + second2[2] * z
        b0, b2 = max(alone0 if h2 < zero else h0, zero), max(alone2 if h0 < zero else h2, zero)
        h1 = third1[0] * x + third1[1] * y + third1[2] * z
        h2 = third2[0] * x + third2[1] * y + third2[2] * z
        c1, c2 = max(alone1 if h2 < zero else h1, zero), max(alone2 if h1 < zero else h2, zero)
        gain_a, gain_b, gain_c = a0 * p + a1 * q, b0 * p + b2 * s, c1 * q + c2 * s
        on_c = (gain_c > gain_a) & (gain_c > gain_b)
        on_b = gain_b > gain_a
        h0 = whole0[0] * x + whole0[1] * y + whole0[2] * z
        h1 = whole1[0] * x + whole1[1] * y + whole1[2] * z
        h2 = whole2[0] * x + whole2[1] * y + whole2[2] * z
        inside = min(h0, h1, h2) >= zero
        out[i, 0] = h0 if inside else (zero if on_c else (b0 if on_b else a0))
        out[i, 1] = h1 if inside else (c1 if on_c else (zero if on_b else a1))
        out[i, 2] = h2 if inside else (c2 if on_c else (b2 if on_b else zero))


@compiled
def _residual(pixels: _Pixels, table: _Table, solve: _Table, vectors: _Table, out: _Table) -> None:
    r, g, b = (
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
    )
    rows = np.empty((vectors.shape[1], _CHUNK), np.float32)  # a row per part: vector registers
    third = np.float32(1 / 3)
    for low in range(0, len(pixels), _CHUNK):
        block = pixels[low : low + _CHUNK]
        _look_up(block, table, r, g, b)
        _solve_chunk(r, g, b, solve, vectors, rows.T[: len(block)])
        for k in range(vectors.shape[1]):
            x, y, z = vectors[0, k], vectors[1, k], vectors[2, k]
            for i in range(len(block)):
                r[i] -= x * rows[k, i]
                g[i] -= y * rows[k, i]
                b[i] -= z * rows[k, i]
        for i in range(len(block)):
            out[low + i] = np.sqrt((r[i] * r[i] + g[i] * g[i] + b[i] * b[i]) * third)


@compiled
def _render(
    pixels: _Pixels,
    table: _Table,
    solve: _Table,
    vectors: _Table,
    base: _Table,
    change: _Table,
    light: _Pixels,
    by_table: bool,
    with_base: bool,
    out: _Pixels,
) -> None:
    r, g, b = (
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
    )
    rows = np.empty((vectors.shape[1], _CHUNK), np.float32)
    value = np.empty(_CHUNK, np.float32)
    step = np.empty(_CHUNK, np.int32)
    # From OD to a place in the table of light, or from a level to itself.
    scale = np.float32((_STEPS - 1) / (_OD_HIGH - _OD_LOW)) if by_table else np.float32(1)
    offset = (np.float32(-_OD_LOW) * scale if by_table else np.float32(0)) + np.float32(0.5)
    last = np.float32(_STEPS - 1) if by_table else np.float32(255)
    for low in range(0, len(pixels), _CHUNK):
        block = pixels[low : low + _CHUNK]
        count = len(block)
        _look_up(block, table, r, g, b)
        _solve_chunk(r, g, b, solve, vectors, rows.T[:count])
        for c in range(3):
            if with_base:
                for i in range(count):
                    value[i] = base[c, block[i, c]] * scale + offset
            else:
                value[:count] = offset
            for k in range(vectors.shape[1]):
                weight = change[c, k] * scale
                for i in range(count):
                    value[i] += weight * rows[k, i]
            for i in range(count):
                step[i] = np.int32(min(max(value[i], np.float32(0)), last))
            for i in range(count):
                out[low + i, c] = light[c, step[i]]
