"""What in the tissue is no stain? Red cells and brown pigment, told by their hue.

Haemoglobin absorbs most near 415 nm (Prahl, tabulated molar extinction coefficients, 1999) and
haemosiderin and melanin ever more towards blue, so that both take more blue light, beside green,
than eosin does. In sections with DAB or another brown chromogen the hue tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from partwise.api import Job
from partwise_stain.ahead import each
from partwise_stain.pixels import lengths, opened

__all__ = ["BEYOND", "KINDS", "Left", "foreign_bodies", "is_foreign", "kinds_of", "left_out"]

# Published eosins have 0.11 to 0.70 of their green density in blue, red cells about 0.95.
_BLUE = 0.77
_CLEAR = 0.5  # of the expected deviation: how far beyond a colour has to be
# Red cells let red light pass (0.1 of their density), pigment does not (0.35).
_RED = 0.26
# Brown takes ever more light from red to blue: what takes as much red as green is ink or dirt.
_BROWN = 0.95
# Share of the colours from which such a hue is the slide's own eosin. A bleeding beside little
# tissue fills a third of it; where eosin itself is so blue, leaving it out costs half a degree
# (tuning split).
_OWN = 0.5
# With more of such hues, they are no eosin's if a plain one, of at most so much blue beside its
# green, fills so large areas beside them: a bleeding with little tissue. Where eosin itself was so
# blue it filled none, beside bleedings from 0.5 % on (tuning split, drawn tissue).
_PLAIN, _BESIDE = 0.7, 0.004
# Of a body, in 2 × 2 means: the share of green density that blue at least has, the OD, the width
# of its rim. JPEG spreads its hue over a few pixels; half a rim or twice one give the same.
_SURE, _SEEN, _RIM = 0.8, 0.15, 3

KINDS = ("red-cells", "pigment", "pen")

BEYOND = np.array([[0.10, 0.75, 0.66], [0.35, 0.55, 0.76]])
"""Directions in OD of red cells and of brown pigment."""

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Left:
    """What was left out when the stains were found: words of `KINDS`."""

    kinds: frozenset[str]

    def __contains__(self, kind: str) -> bool:
        return kind in self.kinds


def left_out(choice: str) -> Left:
    """Read the parameter ``exclude``: ``auto``, ``none`` or one of `KINDS`."""
    if choice == "auto":
        return Left(frozenset(KINDS))
    return Left(frozenset({choice}) & frozenset(KINDS))


def kinds_of(od: NDArray[Any], noise: NDArray[Any] | float) -> tuple[_Mask, _Mask]:
    """Tell red cells and brown pigment by hue.

    Parameters
    ----------
    od : shape (..., 3)
    noise : shape (...), or one number
        Expected deviation in OD.

    Returns
    -------
    red_cells, pigment : bool, shape (...)
    """
    red, other = _bluish(od, noise)
    return red, other & (od[..., 0] < _BROWN * od[..., 1])


def _bluish(od: NDArray[Any], noise: NDArray[Any] | float) -> tuple[_Mask, _Mask]:
    """Colours that take more blue light than eosin does: those that let red pass, and others."""
    r, g, b = od[..., 0], od[..., 1], od[..., 2]
    blue = b - _BLUE * g > _CLEAR * np.asarray(noise)
    through = r < _RED * np.sqrt(r * r + g * g + b * b)
    return np.asarray(blue & through), np.asarray(blue & ~through)


def is_foreign(od: NDArray[Any], noise: NDArray[Any], counts: NDArray[Any], left: Left) -> _Mask:
    """Mark colours that are no stain of an H&E section, shape (n,).

    Where half of the colours have such a hue it is the slide's own eosin, or its white is off,
    and nothing is marked.
    """
    red, other = _bluish(od, noise)
    found = (red & ("red-cells" in left)) | (other & ("pigment" in left))
    if counts[found].sum() > _OWN * counts.sum():
        return np.zeros_like(found)
    return np.asarray(found)


def foreign_bodies(
    areas: Sequence[tuple[NDArray[Any], NDArray[Any]]], left: Left, job: Job
) -> list[_Mask]:
    """Mark areas of red cells and pigment with their rims.

    At its rim a body mixes with the tissue beside it, in hues from its own to that of eosin, none
    of which is told from a stain by itself. Beside little tissue they outnumber pure eosin.

    Parameters
    ----------
    areas : sequence of two float arrays, shapes (h, w, 3) and (h, w)
        OD of 2 × 2 means, and its expected deviation.
    left : Left
        What is left out.
    job : Job
        Asked between areas whether to leave.

    Returns
    -------
    list of bool arrays, shape (h, w)
        Nothing is marked where half of the tissue has such a hue and none has that of a usual
        eosin; see `is_foreign`.
    """
    seen = each(areas, partial(_bodies, left=left), job)
    marked, tissue, plain = (sum(counts) for counts in zip(*(s[1:] for s in seen), strict=True))
    bodies = [body for body, *_counts in seen]
    if marked > _OWN * tissue and plain < _BESIDE * marked:
        return [np.zeros_like(body) for body in bodies]
    return [
        ndimage.binary_dilation(body, iterations=_RIM) if body.any() else body for body in bodies
    ]


def _bodies(area: tuple[NDArray[Any], NDArray[Any]], left: Left) -> tuple[_Mask, int, int, int]:
    """Mark bodies without their rims, and count them, tissue, and what a usual eosin fills."""
    od, noise = area
    size = lengths(od)
    seen = size > _SEEN
    sure = seen & (od[..., 2] > _SURE * od[..., 1])
    body = np.zeros(seen.shape, dtype=np.bool_)
    for kind, mask in zip(("red-cells", "pigment"), _bluish(od, noise), strict=True):
        if kind in left:  # single pixels of such a hue are noise of an eosin that is near it
            body |= opened(mask & sure)
    pink = opened(seen & (od[..., 2] < _PLAIN * od[..., 1]) & (od[..., 0] < _RED * size))
    marked, tissue, plain = (int(np.count_nonzero(mask)) for mask in (body, seen, pink))
    return body, marked, tissue, plain
