"""How is light turned into strengths and back, pixel by pixel? The compiled loops of `Mixing`.

They are apart from the engine's: the look-up of 8-bit light, the exact least squares of at most
three parts and the way back to light are one pass over the pixels, so that a view can be drawn
anew while a vector is dragged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled

__all__ = [
    "Pixels",
    "Table",
    "lights",
    "render_into",
    "residual_into",
    "solvers",
    "strengths_into",
]

_CHUNK = 512  # pixels per inner step: its buffers stay in the first cache and in vector registers
_STEPS = 8192  # entries of the table from OD to light: at most a quarter of a level apart
_OD_LOW, _OD_HIGH = -0.25, 2.75

Table = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def lights(white: NDArray[np.float64]) -> Pixels:
    """Return the table from OD to level, per channel: (3, steps)."""
    light = white[:, None] * 10.0 ** -np.linspace(_OD_LOW, _OD_HIGH, _STEPS)
    return np.rint(np.clip(light, 0, 255)).astype(np.uint8)


def solvers(vectors: NDArray[np.float64]) -> Table:
    """Return the least-squares maps of every set of parts, the whole set first.

    Shape (sets, parts, 3): from the values of a pixel to the strengths of the parts of a set.
    """
    parts = vectors.shape[1]
    sets = sorted(range(1, 2**parts), key=int.bit_count, reverse=True)
    maps = np.zeros((len(sets), parts, 3), np.float32)
    for row, members in enumerate(sets):
        chosen = [k for k in range(parts) if members >> k & 1]
        # The pseudo-inverse also answers for parts that lie in one plane or on one ray.
        maps[row, chosen] = np.linalg.pinv(vectors[:, chosen])
    return maps


@compiled
def strengths_into(pixels: Pixels, table: Table, solve: Table, vectors: Table, out: Table) -> None:
    """Write how much of each part is in each pixel.

    Parameters
    ----------
    pixels : uint8, shape (n, 3)
    table : shape (3, 256)
        From level to value, per channel.
    solve : shape (sets, parts, 3)
        From `solvers`.
    vectors : shape (3, parts)
    out : shape (n, parts)
    """
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
def _look_up(block: Pixels, table: Table, r: Table, g: Table, b: Table) -> None:
    for i in range(len(block)):
        r[i] = table[0, block[i, 0]]
        g[i] = table[1, block[i, 1]]
        b[i] = table[2, block[i, 2]]


@compiled
def _solve_chunk(r: Table, g: Table, b: Table, solve: Table, vectors: Table, out: Table) -> None:
    if out.shape[1] == 1:
        _solve1(r, g, b, solve, out)
    elif out.shape[1] == 2:
        _solve2(r, g, b, solve, out)
    else:
        _solve3(r, g, b, solve, vectors, out)


@compiled
def _solve1(r: Table, g: Table, b: Table, solve: Table, out: Table) -> None:
    zero = np.float32(0)
    x, y, z = solve[0, 0, 0], solve[0, 0, 1], solve[0, 0, 2]
    for i in range(len(out)):
        out[i, 0] = max(x * r[i] + y * g[i] + z * b[i], zero)


@compiled
def _solve2(r: Table, g: Table, b: Table, solve: Table, out: Table) -> None:
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
def _solve3(r: Table, g: Table, b: Table, solve: Table, vectors: Table, out: Table) -> None:
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
def residual_into(pixels: Pixels, table: Table, solve: Table, vectors: Table, out: Table) -> None:
    """Write the root mean square over the channels of what no part explains, as `strengths_into`.

    `out` has shape (n,).
    """
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
def render_into(
    pixels: Pixels,
    table: Table,
    solve: Table,
    vectors: Table,
    base: Table,
    change: Table,
    light: Pixels,
    by_table: bool,
    with_base: bool,
    out: Pixels,
) -> None:
    """Write the picture that the parts make when they are mixed by `change`.

    Parameters
    ----------
    pixels, table, solve, vectors
        As for `strengths_into`.
    base : shape (3, 256)
        From level to value with its sign, for what no part explains.
    change : shape (3, parts)
    light : shape (3, steps)
        From `lights`, or level to itself.
    by_table : bool
        Whether `light` counts in OD.
    with_base : bool
        Whether what is changed is added to the pixel itself.
    out : uint8, shape (n, 3)
    """
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
