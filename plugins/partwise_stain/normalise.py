"""How does a slide look in the colours of another? Macenko et al., ISBI 2009.

Concentrations are scaled so that the 99th percentiles agree, and mixed again with the reference's
vectors and white.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Mixing

__all__ = ["Recolouring"]

_STEPS = 8192  # of the table that a display looks light up in; a quarter of a level apart at most
_DEEPEST = 3.0  # OD


class Recolouring:
    """Turns pixels of a slide into the colours of its reference.

    Parameters
    ----------
    mixing : Mixing
        Of the slide.
    facts : mapping
        Of its result: ``high`` and ``reference``, which holds ``vectors``, ``white``, ``high``.
    """

    def __init__(self, mixing: Mixing, facts: Mapping[str, Any]) -> None:
        reference = facts["reference"]
        target = np.array(reference["vectors"], dtype=np.float32)
        self._parts = len(target)
        high = np.maximum(facts["high"][: self._parts], 1e-3)
        scale = np.array(reference["high"][: self._parts]) / high
        self._mixing = mixing
        self._change = (target * scale[:, None]).astype(np.float32)
        self._white = np.array(reference["white"], dtype=np.float32)
        od = np.linspace(0, _DEEPEST, _STEPS)
        self._light = np.rint(self._white[:, None] * 10.0**-od).clip(0, 255).astype(np.uint8)

    def exact(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pixels (height, width, 3) in the reference's colours, for a file."""
        light = self._white * np.float32(10) ** -self._density(rgb)
        return np.rint(light).clip(0, 255).astype(np.uint8)

    def quick(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the same to within a level, by a table, for the screen."""
        od = self._density(rgb)
        od *= np.float32((_STEPS - 1) / _DEEPEST)
        steps = np.minimum(od, np.float32(_STEPS - 1)).astype(np.int32)
        out = np.empty(rgb.shape, np.uint8)
        for channel in range(3):
            out[..., channel] = np.take(self._light[channel], steps[..., channel])
        return out

    def _density(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        strengths = self._mixing.strengths(rgb)[..., : self._parts]
        return np.asarray(strengths @ self._change, dtype=np.float32)
