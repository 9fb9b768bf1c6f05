"""Which voxels are looked at, and which belong to one factor alone? Read from short texts.

A region is made of steps, one after the other::

    box 10:38 12:36 0:20; +ball 24 24 10 3; -brush 2 2 0 5,5,5 6,5,5

in voxels x, y, z from 0, ends excluded; a ball has a middle and a radius, a stroke of the brush
its radii along x, y and z and the middles of its dabs. A first box or stroke without a sign stands
for itself alone. Anchor points name a factor from 1 and a voxel: ``1@28,24,10 2@18,24,10``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem

__all__ = [
    "check_points",
    "check_region",
    "dab",
    "points_of",
    "region_of",
    "written_points",
    "written_stroke",
]

Mask = NDArray[np.bool_]
Voxel = tuple[int, int, int]

_BOX = re.compile(r"^([+-]?)\s*box\s+(-?\d+):(-?\d+)\s+(-?\d+):(-?\d+)\s+(-?\d+):(-?\d+)$")
_BALL = re.compile(r"^([+-]?)\s*ball\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(\d+(?:\.\d+)?)$")
_BRUSH = re.compile(r"^([+-]?)\s*brush((?:\s+\d+(?:\.\d+)?){3})((?:\s+\d+,\d+,\d+)+)$")
_POINT = re.compile(r"^(\d{1,2})@(\d+),(\d+),(\d+)$")
_HELP = "write steps such as box 10:38 12:36 0:20; -brush 2 2 0 5,5,5 6,5,5"
_POINT_HELP = "write points such as 1@28,24,10 2@18,24,10"
_MOST = 100_000


def check_region(text: str) -> str | None:
    """Say what is wrong with the text of a region, or None."""
    for step in _steps(text):
        if not (_BOX.match(step) or _BALL.match(step) or _BRUSH.match(step)):
            return _HELP
    return None


def check_points(text: str) -> str | None:
    """Say what is wrong with the text of anchor points, or None."""
    for word in text.replace(";", " ").split():
        found = _POINT.match(word)
        if not found or int(found[1]) < 1:
            return _POINT_HELP
    return None


def region_of(text: str, start: Mask) -> Mask:
    """Return the voxels of a region, shape (z, y, x).

    Parameters
    ----------
    text : str
    start : bool, shape (z, y, x)
        What holds where the first step adds or takes away; a first box or stroke without a sign
        keeps what lies within it.
    """
    wrong = check_region(text)
    if wrong:
        raise InputProblem(f"“{text[:60]}” is no region", argument="region", fix=wrong)
    mask = start.copy()
    for place, step in enumerate(_steps(text)):
        here = np.zeros(start.shape, bool)
        sign = _draw(step, here)
        if sign == "-":
            mask &= ~here
        elif sign == "+" or place > 0:
            mask |= here
        else:
            mask &= here
    return mask


def dab(mask: Mask, middle: Voxel, radii: tuple[float, float, float], value: bool) -> None:
    """Set the voxels of an ellipsoid around a voxel x, y, z, in place.

    Parameters
    ----------
    mask : bool, shape (z, y, x)
    middle : (x, y, z)
    radii : (x, y, z)
        Voxels.
    value : bool
    """
    spans, terms = [], []
    for axis, (at, radius) in enumerate(zip(middle[::-1], radii[::-1], strict=True)):
        reach = radius + 0.25  # a ball of radius 1 holds the six neighbours and no more
        low = min(max(int(np.ceil(at - reach)), 0), mask.shape[axis])
        high = min(max(int(np.floor(at + reach)) + 1, low), mask.shape[axis])
        spans.append(slice(low, high))
        shape = [-1 if k == axis else 1 for k in range(3)]
        terms.append(((np.arange(low, high) - at) / reach).reshape(shape) ** 2)
    mask[tuple(spans)][terms[0] + terms[1] + terms[2] <= 1] = value


def written_stroke(sign: str, radii: tuple[float, float, float], middles: Iterable[Voxel]) -> str:
    """Return a stroke of the brush as the region wants it."""
    sizes = " ".join(f"{radius:.1f}" for radius in radii)
    return f"{sign}brush {sizes} " + " ".join(f"{x},{y},{z}" for x, y, z in middles)


def _draw(step: str, here: Mask) -> str:
    """Draw a step into an empty volume and return its sign."""
    box, ball, brush = _BOX.match(step), _BALL.match(step), _BRUSH.match(step)
    if box:
        nz, ny, nx = here.shape
        ends = [int(v) for v in box.groups()[1:]]
        x, y, z = (
            slice(min(max(a, 0), n), min(max(b, 0), n))
            for a, b, n in zip(ends[::2], ends[1::2], (nx, ny, nz), strict=True)
        )
        here[z, y, x] = True
        return box[1]
    if ball:
        radius = float(ball[5])
        dab(here, (int(ball[2]), int(ball[3]), int(ball[4])), (radius,) * 3, True)
        return ball[1]
    assert brush is not None  # checked before
    rx, ry, rz = (float(v) for v in brush[2].split())
    for word in brush[3].split():
        x_at, y_at, z_at = (int(v) for v in word.split(","))
        dab(here, (x_at, y_at, z_at), (rx, ry, rz), True)
    return brush[1]


def points_of(text: str, shape: tuple[int, int, int], rank: int) -> list[NDArray[np.intp]]:
    """Return the anchors of each factor, flat indices of a volume (z, y, x).

    An anchor point stands for the voxel and its six neighbours.

    Raises
    ------
    InputProblem
        A point outside of the volume, or of a factor that is not asked for.
    """
    wrong = check_points(text)
    if wrong:
        raise InputProblem(f"“{text[:60]}” are no points", argument="points", fix=wrong)
    found: list[set[int]] = [set() for _ in range(rank)]
    nz, ny, nx = shape
    for word in text.replace(";", " ").split():
        match = _POINT.match(word)
        assert match is not None  # checked above
        factor, x, y, z = (int(v) for v in match.groups())
        if factor > rank:
            raise InputProblem(
                f"an anchor names factor {factor} of {rank}",
                argument="points",
                fix="ask for more factors, or remove the anchor",
            )
        if not (x < nx and y < ny and z < nz):
            raise InputProblem(
                f"the anchor {word} lies outside of {nx} × {ny} × {nz} voxels",
                argument="points",
                fix="remove it",
            )
        cross = [(0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
        for dx, dy, dz in cross:
            u, v, w = x + dx, y + dy, z + dz
            if 0 <= u < nx and 0 <= v < ny and 0 <= w < nz:
                found[factor - 1].add((w * ny + v) * nx + u)
    return [np.array(sorted(each), dtype=np.intp) for each in found]


def written_points(points: Sequence[tuple[int, Voxel]]) -> str:
    """Return points (factor from 1, (x, y, z)) as the parameter wants them."""
    return " ".join(f"{factor}@{x},{y},{z}" for factor, (x, y, z) in points)


def _steps(text: str) -> list[str]:
    steps = [step.strip() for step in text.split(";") if step.strip()]
    return steps[:_MOST]
