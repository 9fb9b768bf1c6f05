"""How is a voice made that is nobody's? From several talkers, each smaller and larger as well.

    python -m partwise_speech.generic FILE… -o generic-voice.npz

File names begin with the talker, as in ``367-130732-0001.flac``. The dictionary that comes with
Partwise was made by this command; its source, licence and attribution stand in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise_speech.dictionary import BANDS, Dictionary, learn_voice, save_dictionary
from partwise_speech.frames import RATE
from partwise_speech.rumble import without_rumble
from partwise_speech.sound import resampled
from partwise_speech.sources import pieces

__all__ = ["learn_generic"]

# Playing faster or slower moves pitch and formants together, as a smaller or larger talker would.
_SPEEDS = (0.86, 1.0, 1.16)
_ATOMS = 2000  # a voice that is not known needs more to choose from than one that is

Sound = NDArray[np.float32]


def learn_generic(
    talkers: Mapping[str, Sequence[Sound]], name: str, about: Mapping[str, Any] | None = None
) -> Dictionary:
    """Learn one voice from the clean sounds of several talkers.

    Parameters
    ----------
    talkers : mapping of str to sequence of ndarray of float32
        Sounds at the model's rate by talker.
    name : str
    about : mapping, optional
    """
    sounds = [
        resampled(sound, RATE, RATE * speed)
        for heard in talkers.values()
        for sound in heard
        for speed in _SPEEDS
    ]
    seconds = sum(len(sound) for heard in talkers.values() for sound in heard) / RATE
    told = {**(about or {}), "talkers": len(talkers), "seconds": round(seconds, 2)}
    voice = learn_voice(sounds, name, atoms=_ATOMS, about=told)
    if voice.is_own:
        return voice
    # What rumbles below one of these talkers is no part of anybody else's voice.
    return replace(voice, atoms=without_rumble(voice.atoms, BANDS))


def _main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m partwise_speech.generic")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--name", default="Generic voice")
    for word in ("source", "licence", "attribution"):
        parser.add_argument(f"--{word}", default="")
    asked = parser.parse_args(arguments)
    talkers: dict[str, list[Sound]] = {}
    for path in sorted(asked.files):
        sound = np.concatenate(pieces(path))
        talkers.setdefault(path.name.partition("-")[0], []).append(np.trim_zeros(sound, "b"))
    about = {word: getattr(asked, word) for word in ("source", "licence", "attribution")}
    save_dictionary(learn_generic(talkers, asked.name, about), asked.output)


if __name__ == "__main__":
    _main()
