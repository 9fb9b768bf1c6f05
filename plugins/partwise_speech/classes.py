"""What have recordings of one kind in common? A dictionary of several of them.

python -m partwise_speech.classes noise Streets street-1.wav street-2.wav -o streets.dictionary.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise_speech.dictionary import Dictionary, banded, learn_voice, patches, save_dictionary
from partwise_speech.fit import learn_noise
from partwise_speech.frames import RATE, stft_for
from partwise_speech.gathered import about_all, all_pieces

__all__ = ["noise_of_all", "noise_patches", "voice_of_all"]

_MOST_PATCHES = 4000  # of a noise; 32 s without a gap, a patch of 64 ms every so often beyond


def voice_of_all(paths: Sequence[Path], name: str) -> Dictionary:
    """Learn one voice from clean recordings of it.

    Raises
    ------
    FileProblem
        One of them cannot be read.
    InputProblem
        One is silent, or all of them are too short together.
    """
    return learn_voice(all_pieces(paths), name, about=about_all(paths))


def noise_of_all(paths: Sequence[Path], name: str, count: int, seed: int = 0) -> Dictionary:
    """Learn the atoms of a class of noise, such as streets, from recordings of it alone.

    Parameters
    ----------
    paths : sequence of Path
    name : str
    count : int
        Atoms.
    seed : int

    Raises
    ------
    FileProblem
    InputProblem
    """
    sound = np.concatenate(all_pieces(paths))
    atoms = learn_noise(noise_patches(np.abs(stft_for(RATE).forward(sound))), count, seed=seed)
    about = {**about_all(paths), "seconds": round(len(sound) / RATE, 1)}
    return Dictionary(name, "noise", atoms, about)


def noise_patches(magnitudes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the patches that a noise is learned from: all, of a long one some of everywhere."""
    found = banded(np.asarray(magnitudes, np.float32))
    return patches(found, max(found.shape[1] // _MOST_PATCHES, 1))


def _main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m partwise_speech.classes")
    parser.add_argument("kind", choices=("voice", "noise"))
    parser.add_argument("name")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--atoms", type=int, default=16, help="of a noise")
    asked = parser.parse_args(arguments)
    if asked.kind == "voice":
        found = voice_of_all(asked.files, asked.name)
    else:
        found = noise_of_all(asked.files, asked.name, asked.atoms)
    save_dictionary(found, asked.output)


if __name__ == "__main__":
    _main()
