"""What is speech in a recording, frame by frame? Tracker and dictionaries, stretch after stretch.

A stretch of half a minute is fitted at a time, whatever the length of the recording; noise atoms
and the tracked noise level are handed from each to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from partwise_speech.bands import band_matrix
from partwise_speech.cepstral import Steadied
from partwise_speech.choice import Choice
from partwise_speech.dictionary import BANDS, DEPTH, Dictionary, banded, patches
from partwise_speech.factors import Activations, Adapts, Allowed
from partwise_speech.fit import separate
from partwise_speech.frames import RATE, stft_for
from partwise_speech.gain import gain_of, mask_of
from partwise_speech.hindsight import magnitudes_of, noise_in_hindsight
from partwise_speech.moved import Moved
from partwise_speech.painted import NOISE, SPEECH, Cells, Painted
from partwise_speech.sound import Recording, mono_at
from partwise_speech.tracker import Tracker

__all__ = [
    "EVERY",
    "Separator",
    "Settings",
    "Stretch",
    "frames_of",
    "model_frames",
    "stacked",
    "unfolded",
]

EVERY = 4  # frames from one patch to the next
_STRETCH_S = 30
_CONTEXT = 2 * DEPTH  # frames that a stretch sees of its neighbours

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """How a stretch is fitted; chosen on recordings apart from those it is judged on.

    Attributes
    ----------
    updates : int
    adapt_every, adapt_after : int
        Updates from one step of the atoms that learn to the next, and before the first.
    adapts : Adapts
        Which atoms those are.
    sparsity, relaxed : float
        What activity of speech costs, and what in the last third of the updates.
    keep, keep_after : int
        Atoms of speech that are gone on with, and after how many updates.
    level : bool
        Whether the tracked noise is in the fit, beside its atoms.
    around : int
        Frames over which the model of the noise is averaged for the mask.
    """

    updates: int = 25
    adapt_every: int = 8
    adapts: Adapts = "noise"
    adapt_after: int = 0
    sparsity: float = 0.2
    relaxed: float = 0.0
    keep: int = 400
    keep_after: int = 8
    level: bool = False
    around: int = 1


@dataclass(frozen=True, eq=False)
class Stretch:
    """What was found in one stretch of frames.

    Attributes
    ----------
    first : int
        Frame of the recording that is the first here.
    power : ndarray of float32, shape (257, frames)
    mask, gain : ndarray of float32, shape (257, frames)
    fit : Activations
    """

    first: int
    power: Array
    mask: Array
    gain: Array
    fit: Activations


def model_frames(recording: Recording) -> int:
    """Return how many frames of 8 ms a recording has at the model's rate."""
    return stft_for(RATE).count(round(recording.seconds * RATE))


def frames_of(recording: Recording, first: int, last: int) -> NDArray[np.complex64]:
    """Return frames `first` to before `last` of a recording, complex64 (257, frames)."""
    stft = stft_for(RATE)
    low, high = first * stft.hop - stft.lead, (last - 1) * stft.hop + stft.hop
    start_s, end_s = low // RATE, -(-high // RATE)
    sound = mono_at(recording, RATE, start_s, end_s)
    return stft.inside(sound[low - start_s * RATE : high - start_s * RATE])


class Separator:
    """Goes through a recording once, stretch by stretch.

    Parameters
    ----------
    recording : Recording
    speech : Dictionary
    noise : ndarray of float32, shape (features, atoms)
        To begin with.
    level : ndarray, shape (257,)
        Noise power to begin with.
    choice : Choice
        What the gain is made of.
    settings : Settings
    loudest : ndarray of float32, shape (257,), optional
        The most that was heard of the noise alone: its model counts for no more.
    painted : Painted, optional
        What a hand has marked.
    moved : Moved, optional
        Which atoms count on the other side.
    rumble : ndarray of float32, shape (RUMBLE, 1), optional
        How much is kept below any voice, where the voice knows of nothing.
    """

    def __init__(
        self,
        recording: Recording,
        speech: Dictionary,
        noise: Array,
        level: NDArray[np.floating],
        choice: Choice,
        settings: Settings,
        loudest: Array | None = None,
        painted: Painted | None = None,
        moved: Moved | None = None,
        rumble: Array | None = None,
    ) -> None:
        self.recording = recording
        self.choice = choice
        self.settings = settings
        self._painted = painted or Painted()
        self._loudest = loudest
        self._rumble = rumble
        self.noise = noise
        self._speech = speech.atoms
        self._moved = (moved or Moved()).rows(speech.atoms, noise.shape[1])
        self._tracker, self._steadied = Tracker(level), Steadied(level)
        self.frames = model_frames(recording)

    def stretches(self, on_step: Callable[[float, Array], bool]) -> Iterator[Stretch]:
        """Yield each stretch; `on_step` hears the share done and sees the noise atoms."""
        size = _STRETCH_S * RATE // stft_for(RATE).hop
        count = max(round(self.frames / size), 1)
        edges = np.linspace(0, self.frames, count + 1).astype(int)
        for k, (first, last) in enumerate(pairwise(edges)):

            def step(done: int, atoms: Array, k: int = k) -> bool:
                return on_step((k + done / self.settings.updates) / count, atoms)

            yield self._stretch(int(first), int(last), step)

    def _stretch(self, first: int, last: int, step: Callable[[int, Array], bool]) -> Stretch:
        low, high = max(first - _CONTEXT, 0), min(last + _CONTEXT, self.frames)
        found = np.abs(frames_of(self.recording, low, high))
        core = slice(first - low, last - low)
        power = np.square(found[:, core])
        heard = noise_in_hindsight(power, self._tracker)
        tracked = self._steadied.gains(power, heard)
        set_ = self.settings
        level = None
        if set_.level:
            # The neighbours' frames are there for patches at the edges alone.
            edges = ((0, 0), (core.start, found.shape[1] - core.stop))
            level = stacked(np.pad(banded(magnitudes_of(heard)), edges, mode="edge"))
        labels = self._labels(low, found.shape[1])
        fit = separate(
            stacked(banded(found)),
            self._speech,
            self.noise,
            updates=set_.updates,
            adapt_every=set_.adapt_every,
            adapts=set_.adapts,
            adapt_after=set_.adapt_after,
            sparsity=set_.sparsity,
            relaxed=set_.relaxed,
            keep=set_.keep,
            keep_after=set_.keep_after,
            allowed=_allowed(labels) if labels is not None else None,
            level=level,
            moved=self._moved,
            on_step=step,
        )
        self.noise = fit.atoms
        s, n = (unfolded(part, found.shape[1])[:, core] for part in (fit.speech, fit.noise))
        if set_.around > 1:
            n = np.maximum(uniform_filter1d(n, set_.around, axis=1), 0)
        mask = mask_of(s, n, self.choice.sharp, self._loudest)
        gain = gain_of(mask, tracked, self.choice, self._rumble)
        if labels is not None:
            gain[labels[:, core] == SPEECH] = 1.0
            gain[labels[:, core] == NOISE] = self.choice.floor
        return Stretch(first, power, mask, gain, fit)

    def _labels(self, first: int, count: int) -> Cells | None:
        """What a hand marked in some frames, by bins."""
        stft = stft_for(RATE)
        start, step = stft.middle(first) / RATE, stft.hop / RATE
        return self._painted.labels(start, step, count, stft.bins, RATE / stft.window)


def _allowed(labels: Cells) -> Allowed:
    """Bands in which each model may explain what is there, as patches."""
    weights = band_matrix(len(labels), RATE, BANDS)
    total = weights.sum(axis=1, keepdims=True)
    kinds = (labels != NOISE, labels != SPEECH)
    free = [weights @ kind.astype(np.float32) / total for kind in kinds]
    speech, noise = (stacked(part, 1.0) for part in free)
    return Allowed(speech, noise)


def stacked(bands: Array, outside: float = 0.0) -> Array:
    """Return the patches of a stretch, each frame in as many of them as any other.

    Parameters
    ----------
    bands : ndarray of float32, shape (BANDS, frames)
    outside : float
        What stands before the first frame and after the last.
    """
    edges = ((0, 0), (DEPTH - EVERY, DEPTH))
    return patches(np.pad(bands, edges, constant_values=outside), EVERY)


def unfolded(stacked: Array, frames: int) -> Array:
    """Return frames as the mean of the patches that hold them, float32 (BANDS, frames).

    Parameters
    ----------
    stacked : ndarray, shape (DEPTH * BANDS, patches)
        Of a spectrogram that was padded as for the fit.
    frames : int
    """
    count = stacked.shape[1]
    deep = stacked.reshape(DEPTH, BANDS, count)
    out = np.zeros((BANDS, (count - 1) * EVERY + DEPTH), np.float32)
    seen = np.zeros(out.shape[1], np.float32)
    for k in range(DEPTH):
        out[:, k : k + (count - 1) * EVERY + 1 : EVERY] += deep[k]
        seen[k : k + (count - 1) * EVERY + 1 : EVERY] += 1
    first = DEPTH - EVERY
    return np.asarray((out / seen)[:, first : first + frames])
