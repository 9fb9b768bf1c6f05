"""Which voice and which noise were asked for, and where do they come from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, Table
from partwise_speech.dictionary import Dictionary, is_dictionary, learn_voice, load_dictionary
from partwise_speech.gathered import about_all, pieces

__all__ = [
    "GENERIC",
    "NoiseSource",
    "facts_of",
    "generic_voice",
    "noise_of",
    "pieces",
    "recording_behind",
    "table_of",
    "voice_of",
]

GENERIC = "generic"

Sound = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NoiseSource:
    """A noise from another file: its sound, or atoms that were saved.

    Attributes
    ----------
    name : str
    sound : ndarray of float32 or None
    dictionary : Dictionary or None
    about : mapping
        Where it comes from, JSON types only.
    """

    name: str
    sound: Sound | None
    dictionary: Dictionary | None
    about: Mapping[str, Any] = field(default_factory=dict)


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
    return learn_voice(pieces(path), path.stem, seed=seed, about=about_all([path]))


def recording_behind(value: str) -> str:
    """Return the path of the recording that ``speech_dictionary`` names, or nothing."""
    if value.strip().lower() == GENERIC or is_dictionary(Path(value)):
        return ""
    return value


def noise_of(value: str) -> NoiseSource | None:
    """Return the noise that ``noise_file`` names, or None where it is empty.

    Parameters
    ----------
    value : str
        A recording of the noise alone, or a saved dictionary.

    Raises
    ------
    FileProblem
        It cannot be read, or is a dictionary of a voice.
    InputProblem
        A recording is silent.
    """
    if not value:
        return None
    path = Path(value)
    if not is_dictionary(path):
        return NoiseSource(path.name, np.concatenate(pieces(path)), None, about_all([path]))
    found = load_dictionary(path)
    if found.kind != "noise":
        raise FileProblem(path, "is a dictionary of a voice", fix="give it as speech_dictionary")
    return NoiseSource(found.name, None, found, found.about)


def facts_of(one: Dictionary | NoiseSource, atoms: int) -> dict[str, Any]:
    """Return name, number of atoms and origin of a dictionary as JSON types."""
    return {"name": one.name, "atoms": atoms, **dict(one.about)}


def table_of(voice: Mapping[str, Any], noise: Mapping[str, Any]) -> Table:
    """Return which dictionaries were used and where they come from, for the report.

    Parameters
    ----------
    voice, noise : mapping
        As `facts_of` gives them.
    """
    rows = []
    for whose, facts in (("Voice", voice), ("Noise", noise)):
        origin = [str(facts[key]) for key in ("source", "corpus", "learned") if facts.get(key)]
        name = str(facts["name"])
        said = ", ".join(text for text in origin if text != name)
        rows.append((whose, name, facts["atoms"], said or "this recording"))
    return Table("Dictionaries that were used", ("Of", "Name", "Atoms", "From"), tuple(rows))
