"""Where does a run begin that goes on from parts? From the atoms of the noise as they stood.

The voice stays as it is and activations follow from both, so the atoms of the noise are all that a
run has learned; they travel with the part as text, through projects and reports alike.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Part
from partwise_speech.dictionary import BANDS, DEPTH

__all__ = ["begun_atoms", "packed"]

Array = NDArray[np.float32]

_FEATURES = BANDS * DEPTH
_KEY = "atoms_float16"
_LEAST = np.float32(1e-7)  # an exact zero would stay one: updates multiply


def packed(atoms: Array) -> dict[str, Any]:
    """Return atoms as facts of a part: half-precision numbers, row by row, in base 64."""
    scaled = atoms / max(float(atoms.max(initial=0.0)), 1e-20)
    return {_KEY: base64.b64encode(scaled.astype("<f2").tobytes()).decode("ascii")}


def begun_atoms(parts: Sequence[Part], count: int) -> Array | None:
    """Return the atoms with which the parts stood, float32 (features, count), columns of sum 1.

    None where no part carries any, or not so many as are asked for.
    """
    for part in parts:
        found = _unpacked(part.facts, count)
        if found is not None:
            return found
    return None


def _unpacked(facts: Mapping[str, Any], count: int) -> Array | None:
    text = facts.get(_KEY)
    if not isinstance(text, str) or len(text) != 4 * -(-_FEATURES * count * 2 // 3):
        return None
    try:
        numbers = np.frombuffer(base64.b64decode(text, validate=True), "<f2")
    except (binascii.Error, ValueError):
        return None
    atoms = numbers.reshape(_FEATURES, count).astype(np.float32)
    if not np.isfinite(atoms).all() or (atoms < 0).any() or not (atoms.sum(axis=0) > 0).all():
        return None
    atoms = np.maximum(atoms / atoms.sum(axis=0), _LEAST)
    return np.asarray(atoms / atoms.sum(axis=0), np.float32)
