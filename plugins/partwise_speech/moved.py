"""Which atoms count on the other side? A hand's word on whose they are, as text.

The text is a parameter like any other: ``noise 3 7; voice 4`` says that the third and the seventh
atom of the noise count as speech, and the fourth group of the voice as noise. The factors stay as
they are fitted; what changes is which of them a mask takes for speech.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GROUPS", "Moved", "check_moved", "voice_groups"]

GROUPS = 12
_SIDE = re.compile(r"^\s*(noise|voice)((?:\s+\d{1,4})+)\s*$")
_ROUNDS = 20
_RANGE = 0.01  # of an atom's loudest band: fainter ones tell no shapes apart


@dataclass(frozen=True)
class Moved:
    """Atoms that count on the other side, by their numbers from 0 on.

    Attributes
    ----------
    noise : frozenset of int
        Atoms of the noise that count as speech.
    voice : frozenset of int
        Groups of the voice, of `voice_groups`, that count as noise.
    """

    noise: frozenset[int] = frozenset()
    voice: frozenset[int] = frozenset()

    @classmethod
    def read(cls, text: str) -> Moved:
        """Read a text, whose numbers begin at 1. Raises `ValueError`."""
        found: dict[str, set[int]] = {"noise": set(), "voice": set()}
        for piece in filter(str.strip, text.split(";")):
            match = _SIDE.match(piece)
            if match is None:
                raise ValueError(f"no atoms: {piece.strip()[:40]!r}")
            numbers = {int(word) - 1 for word in match[2].split()}
            if min(numbers) < 0:
                raise ValueError("atoms are counted from 1 on")
            found[match[1]] |= numbers
        if found["voice"] and max(found["voice"]) >= GROUPS:
            raise ValueError(f"the voice has {GROUPS} groups")
        return cls(frozenset(found["noise"]), frozenset(found["voice"]))

    @property
    def text(self) -> str:
        """The same as text; empty where nothing is moved."""
        sides = (("noise", self.noise), ("voice", self.voice))
        return "; ".join(
            f"{name} " + " ".join(str(k + 1) for k in sorted(which))
            for name, which in sides
            if which
        )

    def turned(self, side: str, number: int) -> Moved:
        """Return what stands once an atom or a group has changed sides."""
        mine = frozenset({number})
        if side == "noise":
            return Moved(self.noise ^ mine, self.voice)
        return Moved(self.noise, self.voice ^ mine)

    def rows(self, voice: NDArray[np.floating[Any]], noise_atoms: int) -> NDArray[np.bool_] | None:
        """Return which rows of the activations count on the other side; None where none does.

        Parameters
        ----------
        voice : ndarray, shape (features, voice atoms)
        noise_atoms : int

        Returns
        -------
        ndarray of bool, shape (voice atoms + noise atoms,), or None
        """
        if not self.noise and not self.voice:
            return None
        out = np.zeros(voice.shape[1] + noise_atoms, bool)
        if self.voice:
            out[: voice.shape[1]] = np.isin(voice_groups(voice), list(self.voice))
        for number in self.noise:
            if number < noise_atoms:
                out[voice.shape[1] + number] = True
        return out


def check_moved(text: str) -> str | None:
    """Say what is wrong with a text of atoms, or None."""
    try:
        Moved.read(text)
    except ValueError as error:
        return f"{error}; write noise NUMBERS; voice NUMBERS, such as noise 3 7; voice 4"
    return None


def voice_groups(voice: NDArray[np.floating[Any]], bands: int = 96) -> NDArray[np.intp]:
    """Sort the atoms of a voice into `GROUPS` of like spectra, the lowest first.

    A voice is a thousand exemplars and more, of which one alone carries next to nothing. The groups
    depend on the voice alone, so that their numbers mean the same in every recording.

    Parameters
    ----------
    voice : ndarray, shape (features, atoms)
    bands : int
        Features of one frame.

    Returns
    -------
    ndarray of int, shape (atoms,)
    """
    spectra = voice.reshape(-1, bands, voice.shape[1]).mean(axis=0).T
    level = spectra / np.maximum(spectra.max(axis=1, keepdims=True), 1e-20)
    shape = np.log10(np.maximum(level, _RANGE)).astype(np.float64)
    count = min(GROUPS, len(shape))
    # Begun from exemplars spread over their centres of gravity, and so the same every time.
    place = (spectra @ np.arange(bands)) / np.maximum(spectra.sum(axis=1), 1e-20)
    order = np.argsort(place, kind="stable")
    begun = shape[order[np.linspace(0, len(order) - 1, 2 * count + 1).astype(int)[1::2]]]
    label = np.zeros(len(shape), np.intp)
    for _ in range(_ROUNDS):
        far = np.square(begun).sum(axis=1) - 2 * shape @ begun.T
        label = far.argmin(axis=1)
        for k in np.unique(label):
            begun[k] = shape[label == k].mean(axis=0)
    middle = [place[label == k].mean() if (label == k).any() else np.inf for k in range(count)]
    rank = np.empty(count, np.intp)
    rank[np.argsort(middle, kind="stable")] = np.arange(count)
    return np.asarray(rank[label], np.intp)
