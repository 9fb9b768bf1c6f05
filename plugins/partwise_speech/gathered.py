"""What do recordings sound like, one or several, to whoever learns from them?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise.api import InputProblem, fingerprint
from partwise_speech.frames import RATE
from partwise_speech.readers import load_sound
from partwise_speech.sound import Recording, mono_at

__all__ = ["about_all", "all_pieces", "pieces"]

_LONGEST_S = 300  # of all that something is learned from
_LEAST_S = 10  # of each, however many there are

Sound = NDArray[np.float32]


def pieces(path: Path, longest_s: int = _LONGEST_S) -> list[Sound]:
    """Return the sound of a file at the model's rate, in pieces of at most ten seconds.

    Raises
    ------
    FileProblem
        It cannot be read.
    InputProblem
        It is silent.
    """
    recording = Recording(load_sound(path))
    whole = min(int(np.ceil(recording.seconds)), longest_s)
    found = [mono_at(recording, RATE, s, min(s + 10, whole)) for s in range(0, whole, 10)]
    if not any(np.abs(piece).max(initial=0) > 0 for piece in found):
        raise InputProblem(
            f"{path.name} is silent", argument=str(path), fix="give a recording with sound"
        )
    return found


def all_pieces(paths: Sequence[Path]) -> list[Sound]:
    """Return the sound of several files, each as loud as the others, in pieces.

    Of many only the beginnings are heard, five minutes in all and at least ten seconds of each.
    """
    longest = max(_LONGEST_S // max(len(paths), 1), _LEAST_S)
    found: list[Sound] = []
    for path in paths:
        own = pieces(path, longest)
        power = sum(float(np.square(piece, dtype=np.float64).sum()) for piece in own)
        level = np.sqrt(power / sum(len(piece) for piece in own))
        found += [(piece / level).astype(np.float32) for piece in own]
    return found


def about_all(paths: Sequence[Path]) -> dict[str, object]:
    """Return where something learned from recordings comes from, as JSON types."""
    if len(paths) == 1:
        return {"source": paths[0].name, "sha256": fingerprint(paths[0]).sha256}
    return {"source": f"{len(paths)} recordings", "files": [path.name for path in paths]}
