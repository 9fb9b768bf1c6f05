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
        target = np.array(reference["vectors"], dtype=np.float64)
        parts = len(target)
        high = np.maximum(facts["high"][:parts], 1e-3)
        # A stain that the reference lacks leaves no colour.
        self._change = np.zeros((3, mixing.parts))
        self._change[:, :parts] = (target * (np.array(reference["high"][:parts]) / high)[:, None]).T
        self._white = np.array(reference["white"], dtype=np.float32)
        self._mixing = mixing

    def exact(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pixels (height, width, 3) in the reference's colours, for a file."""
        od = self._mixing.strengths(rgb) @ self._change.T.astype(np.float32)
        light = self._white * np.float32(10) ** -od
        return np.rint(light).clip(0, 255).astype(np.uint8)

    def quick(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the same to within a level, by a table, for the screen."""
        return self._mixing.remixed(rgb, self._change, self._white)
