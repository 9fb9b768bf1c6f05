"""Which voice and which noise were asked for, and where do they come from?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, InputProblem, fingerprint
from partwise_speech.dictionary import Dictionary, is_dictionary, learn_voice, load_dictionary
from partwise_speech.frames import RATE
from partwise_speech.readers import load_sound
from partwise_speech.sound import Recording, mono_at

__all__ = [
    "GENERIC",
    "NoiseSource",
    "facts_of",
    "generic_voice",
    "noise_of",
    "pieces",
    "recording_behind",
    "voice_of",
]

GENERIC = "generic"
_LONGEST_S = 300  # of a file that a voice or a noise is learned from

Sound = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NoiseSource:
    """A noise from another file: its sound, or atoms that were saved.

    Attributes
    ----------
    sound : ndarray of float32 or None
    dictionary : Dictionary or None
    """

    sound: Sound | None
    dictionary: Dictionary | None


def generic_voice() -> Dictionary:
    """Return the voice that comes with Partwise, of four talkers."""
    return _shipped()


@lru_cache(maxsize=1)
def _shipped() -> Dictionary:
    path = Path(str(files("partwise_resources"))).joinpath("speech", "generic-voice.npz")
    return load_dictionary(path)


def voice_of(value: str, seed: int = 0) -> Dictionary:
    """Return the voice that ``speech_dictionary`` names.

    Parameters
    ----------
    value : str
        ``generic``, a saved dictionary, or a clean recording to learn from.
    seed : int

    Raises
    ------
    FileProblem
    InputProblem
        The recording is too short, or the dictionary is of noise.
    """
    if value.strip().lower() == GENERIC:
        return generic_voice()
    path = Path(value)
    if is_dictionary(path):
        found = load_dictionary(path)
        if found.kind != "voice":
            raise FileProblem(path, "is a dictionary of noise", fix="give it as noise_file")
        return found
    sounds = pieces(path)
    source = fingerprint(path)
    about = {"source": path.name, "sha256": source.sha256}
    return learn_voice(sounds, path.stem, seed=seed, about=about)


def recording_behind(value: str) -> str:
    """Return the path of the recording that ``speech_dictionary`` names, or nothing."""
    if value.strip().lower() == GENERIC or is_dictionary(Path(value)):
        return ""
    return value


def noise_of(value: str) -> NoiseSource | None:
    """Return the noise that ``noise_file`` names, or None where it is empty."""
    if not value:
        return None
    path = Path(value)
    if not is_dictionary(path):
        return NoiseSource(np.concatenate(pieces(path)), None)
    found = load_dictionary(path)
    if found.kind != "noise":
        raise FileProblem(path, "is a dictionary of a voice", fix="give it as speech_dictionary")
    return NoiseSource(None, found)


def pieces(path: Path, longest_s: int = _LONGEST_S) -> list[Sound]:
    """Return the sound of a file at the model's rate, in pieces of at most ten seconds."""
    recording = Recording(load_sound(path))
    whole = min(int(np.ceil(recording.seconds)), longest_s)
    found = [mono_at(recording, RATE, s, min(s + 10, whole)) for s in range(0, whole, 10)]
    if not any(np.abs(piece).max(initial=0) > 0 for piece in found):
        raise InputProblem(
            f"{path.name} is silent", argument=str(path), fix="give a recording with sound"
        )
    return found


def facts_of(dictionary: Dictionary) -> dict[str, Any]:
    """Return name and origin of a dictionary as JSON types."""
    return {"name": dictionary.name, "atoms": dictionary.count, **dict(dictionary.about)}
