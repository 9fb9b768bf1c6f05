"""What does a run learn from the marks of a hand? Atoms of what was marked, and gains that obey.

Marks work twice. Their own sound becomes further atoms, of noise or of the voice, so that its like
is told apart all over the recording; and where a mark lies, the gain is what it says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partwise_speech.dictionary import BANDS, DEPTH, Dictionary, banded, patches
from partwise_speech.fit import learn_noise
from partwise_speech.frames import RATE, stft_for
from partwise_speech.painted import NOISE, SPEECH, Painted
from partwise_speech.separator import frames_of, model_frames
from partwise_speech.sound import Recording

__all__ = ["Taught", "obeyed", "taught"]

Array = NDArray[np.float32]

_NOISE_ATOMS, _VOICE_ATOMS = 6, 64
_MOST_S = 120.0  # of marks that are learned from
_FAINT = 0.05  # of the loudest marked patch: below it little was marked


@dataclass(frozen=True, eq=False)
class Taught:
    """Atoms of what was marked, columns that add up to one.

    Attributes
    ----------
    speech, noise : ndarray of float32, shape (features, atoms)
    """

    speech: Array
    noise: Array

    def voice(self, voice: Dictionary) -> Dictionary:
        """Return a voice with the atoms of what was marked as speech."""
        if not self.speech.shape[1]:
            return voice
        return replace(voice, atoms=np.concatenate([voice.atoms, self.speech], axis=1))

    def with_noise(self, atoms: Array) -> Array:
        """Return atoms of noise with those of what was marked as noise."""
        return np.concatenate([atoms, self.noise], axis=1, dtype=np.float32)


def taught(recording: Recording, painted: Painted, seed: int = 0) -> Taught:
    """Learn from all marks of a recording."""
    found: dict[int, list[Array]] = {SPEECH: [], NOISE: []}
    for first, last in _stretches(recording, painted):
        labels = _labels(painted, first, last)
        if labels is None:
            continue
        magnitudes = np.abs(frames_of(recording, first, last))
        for code, pool in found.items():
            if (labels == code).any():
                pool.append(patches(banded(np.where(labels == code, magnitudes, 0)), 2))
    noise, speech = (_filled(found[code]) for code in (NOISE, SPEECH))
    rng = np.random.default_rng(seed)
    if speech.shape[1] > _VOICE_ATOMS:
        speech = speech[:, np.sort(rng.choice(speech.shape[1], _VOICE_ATOMS, replace=False))]
    if noise.shape[1] > _NOISE_ATOMS:
        noise = learn_noise(noise, _NOISE_ATOMS, seed=seed)
    return Taught(_unit(speech), _unit(noise))


def obeyed(gain: Array, first: int, painted: Painted, floor: float) -> Array:
    """Return a gain that is 1 where speech was marked, and the floor where noise was.

    Parameters
    ----------
    gain : ndarray of float32, shape (257, frames)
    first : int
        Frame of the recording that is the first here.
    painted : Painted
    floor : float
    """
    labels = _labels(painted, first, first + gain.shape[1])
    if labels is None:
        return gain
    out = np.where(labels == SPEECH, np.float32(1.0), gain)
    return np.where(labels == NOISE, np.float32(floor), out).astype(np.float32)


def _labels(painted: Painted, first: int, last: int) -> NDArray[np.int8] | None:
    stft = stft_for(RATE)
    step = stft.hop / RATE
    return painted.labels(
        stft.middle(first) / RATE, step, last - first, stft.bins, RATE / 2 / (stft.bins - 1)
    )


def _stretches(recording: Recording, painted: Painted) -> list[tuple[int, int]]:
    """Frames that hold marks, with a patch before and after, joined where they meet."""
    stft, frames = stft_for(RATE), model_frames(recording)
    joined: list[tuple[int, int]] = []
    total = 0
    for box in painted.boxes:
        first = max(stft.frame_at(box.start * RATE) - DEPTH, 0)
        last = min(stft.frame_at(box.end * RATE) + DEPTH + 1, frames)
        if first >= last:
            continue  # beyond the recording
        if joined and first <= joined[-1][1]:
            total += max(last - joined[-1][1], 0)
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            total += last - first
            joined.append((first, last))
        if total * stft.hop / RATE > _MOST_S:
            break
    return joined


def _filled(pool: list[Array]) -> Array:
    """Patches that hold more than a corner of a mark."""
    if not pool:
        return np.zeros((DEPTH * BANDS, 0), np.float32)
    found = np.concatenate(pool, axis=1)
    mass = found.sum(axis=0)
    return np.asarray(found[:, mass > _FAINT * mass.max(initial=0.0)])


def _unit(atoms: Array) -> Array:
    return np.asarray(atoms / np.maximum(atoms.sum(axis=0), 1e-20), dtype=np.float32)
