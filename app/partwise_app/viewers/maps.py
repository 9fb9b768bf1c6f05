"""Which colours does a map of numbers take? Perceptually even, safe for colour-blind eyes.

Viridis and magma (van der Walt and Smith 2015) and cividis (Nuñez, Anderton, Renslow, PLoS ONE
2018), all in the public domain, from 17 samples each; between them straight lines stay within
seven levels of 255.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["color_table", "packed_table"]

_SAMPLES = {
    "viridis": (
        "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
        "1f9f88 27ad81 3dbc74 5cc863 81d34d aadc32 d5e21a fde725"
    ),
    "magma": (
        "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 "
        "cf4070 e55064 f4695c fb8761 fea571 fec287 fde0a1 fcfdbf"
    ),
    "cividis": (
        "00204d 002c69 06366e 2d426c 414d6b 52596c 61646f 6f7073 7d7c78 "
        "8b8779 9b9477 aca174 bcaf6f cebc68 e0cb5e f2da50 ffea46"
    ),
}


def color_table(name: str = "viridis") -> NDArray[np.uint8]:
    """Return 256 colours, shape (256, 3), dark to bright; raises `KeyError` for other names."""
    samples = _SAMPLES[name].split()
    anchors = np.array([[int(s[i : i + 2], 16) for i in (0, 2, 4)] for s in samples], float)
    places = np.round(np.linspace(0, 255, len(samples)))
    steps = np.arange(256)
    columns = [np.interp(steps, places, anchors[:, c]) for c in range(3)]
    return np.round(np.stack(columns, axis=1)).astype(np.uint8)


def packed_table(name: str = "viridis") -> NDArray[np.uint32]:
    """Return the same colours as 0xffRRGGBB, as `QImage.Format_RGB32` stores them."""
    table = color_table(name).astype(np.uint32)
    return (0xFF000000 | table[:, 0] << 16 | table[:, 1] << 8 | table[:, 2]).astype(np.uint32)
