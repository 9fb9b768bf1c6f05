"""Which voxels are looked at, and which belong to one factor alone? Read from short texts.

A region is made of steps, one after the other::

    box 10:38 12:36 0:20; +ball 24 24 10 3; -ball 5 5 5 2

in voxels x, y, z from 0, ends excluded; a ball has a middle and a radius. Anchor points name a
factor from 1 and a voxel: ``1@28,24,10 2@18,24,10``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem

__all__ = ["check_points", "check_region", "points_of", "region_of", "written_points"]

Mask = NDArray[np.bool_]
Voxel = tuple[int, int, int]

_BOX = re.compile(r"^([+-]?)\s*box\s+(-?\d+):(-?\d+)\s+(-?\d+):(-?\d+)\s+(-?\d+):(-?\d+)$")
_BALL = re.compile(r"^([+-]?)\s*ball\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)\s+(\d+(?:\.\d+)?)$")
_POINT = re.compile(r"^(\d{1,2})@(\d+),(\d+),(\d+)$")
_HELP = "write steps such as box 10:38 12:36 0:20; +ball 24 24 10 3"
_POINT_HELP = "write points such as 1@28,24,10 2@18,24,10"
_MOST = 100_000


def check_region(text: str) -> str | None:
    """Say what is wrong with the text of a region, or None."""
    for step in _steps(text):
        if not (_BOX.match(step) or _BALL.match(step)):
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
        What holds where the first step adds or takes away; a first box replaces it.
    """
    wrong = check_region(text)
    if wrong:
        raise InputProblem(f"“{text[:60]}” is no region", argument="region", fix=wrong)
    mask = start.copy()
    z, y, x = np.ogrid[tuple(slice(0, n) for n in start.shape)]
    for place, step in enumerate(_steps(text)):
        box = _BOX.match(step)
        if box:
            ends = [int(v) for v in box.groups()[1:]]
            here = (
                ((x >= ends[0]) & (x < ends[1]))
                & ((y >= ends[2]) & (y < ends[3]))
                & ((z >= ends[4]) & (z < ends[5]))
            )
            sign = box[1]
        else:
            ball = _BALL.match(step)
            assert ball is not None  # checked above
            cx, cy, cz = (int(v) for v in ball.groups()[1:4])
            here = (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= (float(ball[5]) + 0.25) ** 2
            sign = ball[1]
        if sign == "-":
            mask &= ~here
        elif sign == "+" or place > 0:
            mask |= here
        else:
            mask &= here
    return mask


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
