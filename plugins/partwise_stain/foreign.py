"""What in the tissue is no stain? Red cells and brown pigment, told by their hue.

Haemoglobin absorbs most near 415 nm (Prahl, tabulated molar extinction coefficients, 1999) and
haemosiderin and melanin ever more towards blue, so that both take more blue light, beside green,
than eosin does. In sections with DAB or another brown chromogen the hue tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "Left", "is_foreign", "kinds_of", "left_out"]

# Published eosins have 0.11 to 0.70 of their green density in blue, red cells about 0.95.
_BLUE = 0.77
_CLEAR = 0.5  # of the expected deviation: how far beyond a colour has to be
# Red cells let red light pass (0.1 of their density), pigment does not (0.35).
_RED = 0.26
# Share of the colours from which such a hue is the slide's own eosin. A bleeding beside little
# tissue fills a third of it; where eosin itself is so blue, leaving it out costs half a degree
# (tuning split).
_OWN = 0.5

KINDS = ("red-cells", "pigment", "pen")

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
    r, g, b = od[..., 0], od[..., 1], od[..., 2]
    blue = b - _BLUE * g > _CLEAR * np.asarray(noise)
    through = r < _RED * np.sqrt(r * r + g * g + b * b)
    return np.asarray(blue & through), np.asarray(blue & ~through)


def is_foreign(od: NDArray[Any], noise: NDArray[Any], counts: NDArray[Any], left: Left) -> _Mask:
    """Mark colours that are no stain of an H&E section, shape (n,).

    Where half of the colours have such a hue it is the slide's own eosin, or its white is off,
    and nothing is marked.
    """
    red, brown = kinds_of(od, noise)
    found = (red & ("red-cells" in left)) | (brown & ("pigment" in left))
    if counts[found].sum() > _OWN * counts.sum():
        return np.zeros_like(found)
    return np.asarray(found)
