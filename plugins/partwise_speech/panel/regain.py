"""What would be kept if atoms counted on the other side? Masks of a stretch, the factors kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise_speech.cepstral import Steadied
from partwise_speech.dictionary import BANDS, DEPTH, banded
from partwise_speech.factors import Factors
from partwise_speech.fit import take_turns
from partwise_speech.gain import mask_of
from partwise_speech.hindsight import magnitudes_of, noise_in_hindsight
from partwise_speech.learned import heard_alone
from partwise_speech.moved import GROUPS, Moved
from partwise_speech.recipe import STEADY
from partwise_speech.separator import frames_of, model_frames, stacked, unfolded
from partwise_speech.sound import Recording
from partwise_speech.strength import codes_of, gains_of
from partwise_speech.tracker import Tracker

__all__ = ["Apart", "Voice", "apart_of", "regained"]

Array = NDArray[np.float32]
Codes = NDArray[np.uint8]

_SETTLES = 250  # frames in which the tracked level comes to what it is
_NO_MASK = 1e-4
_AT_FLOOR = 1.02  # times the floor: gains are kept in steps of 1/8 dB
# As a run with a generic voice, but for the noise, which learns no more.
_FIT = STEADY


@dataclass(frozen=True, eq=False)
class Apart:
    """What each atom renders of a stretch, as magnitudes in bands.

    Attributes
    ----------
    first : int
        Frame of the recording that is the first here.
    noise : ndarray of float32, shape (atoms, BANDS, frames)
    voice : ndarray of float32, shape (GROUPS, BANDS, frames)
    level : ndarray of float32, shape (BANDS, frames)
        What the tracked noise renders, which belongs to no atom.
    loudest : ndarray of float32, shape (257,), or None
        What the noise counts for at the most, as in the run.
    tracked : ndarray of float32, shape (257, frames), or None
        Gain by the tracked level of the noise, as in the run; None without noise alone.
    """

    first: int
    noise: Array
    voice: Array
    level: Array
    loudest: Array | None = None
    tracked: Array | None = None

    def mask(self, moved: Moved, sharp: float) -> Array:
        """Return the share that is speech, float32 (257, frames), with some atoms moved."""
        speech = _sum(self.voice, set(range(GROUPS)) - moved.voice) + _sum(self.noise, moved.noise)
        noise = _sum(self.noise, set(range(len(self.noise))) - moved.noise)
        noise += self.level + _sum(self.voice, moved.voice)
        return mask_of(speech, noise, sharp, self.loudest)


@dataclass(frozen=True, eq=False)
class Voice:
    """Atoms of the voice that a run used, and the group of each."""

    atoms: Array
    groups: NDArray[np.intp]

    def some(self, most: int, groups: Collection[int]) -> tuple[Array, list[int]]:
        """Return at most so many atoms, spread over all, and which of them are of some groups."""
        each = slice(None, None, max(-(-self.atoms.shape[1] // most), 1))
        chosen = np.flatnonzero(np.isin(self.groups[each], list(groups)))
        return self.atoms[:, each], chosen.tolist()

    def only(self, used: NDArray[np.floating[Any]]) -> Voice:
        """Return the atoms that a run used at all; the others it laid aside everywhere."""
        return Voice(self.atoms[:, used > 0], self.groups[used > 0])

    def shares(self, used: NDArray[np.floating[Any]]) -> list[float]:
        """Return which share of the voice each group is, from how much its atoms are used."""
        found = np.bincount(self.groups, used, GROUPS)
        return list(found / max(float(found.sum()), 1e-20))

    def spectra(self, used: NDArray[np.floating[Any]]) -> Array:
        """Return the mean spectrum of each group, its atoms counting as they are used."""
        found = self.atoms.reshape(DEPTH, BANDS, self.atoms.shape[1]).mean(axis=0)
        weight = np.zeros((len(used), GROUPS), np.float32)
        weight[np.arange(len(used)), self.groups] = used + 1e-6 * float(used.max(initial=1.0))
        return np.asarray((found @ weight / np.maximum(weight.sum(axis=0), 1e-20)).T, np.float32)


def apart_of(
    recording: Recording,
    voice: Array,
    groups: NDArray[np.intp],
    noise: Array,
    frames: tuple[int, int],
    span: tuple[float, float] | None = None,
    method: Mapping[str, Any] | None = None,
    among: int | None = None,
) -> Apart:
    """Fit a stretch with all atoms kept, and tell what each of them renders.

    Parameters
    ----------
    recording : Recording
    voice, noise : ndarray of float32, shape (features, atoms)
    groups : ndarray of int, shape (voice atoms,)
        Of `partwise_speech.moved.voice_groups`.
    frames : (first, last)
    span : (start, end), optional
        Where noise is alone, in seconds.
    method : mapping, optional
        How the run was fitted: ``learns`` and ``level_in_fit`` of its facts.
    among : int, optional
        How many atoms of voice and noise the run began with.
    """
    method = method or {}
    first, last = frames
    low, high = max(first - 2 * DEPTH, 0), min(last + 2 * DEPTH, model_frames(recording))
    begin = max(first - _SETTLES, 0)
    found = np.abs(frames_of(recording, begin, high))
    bands = banded(found[:, low - begin :])
    loudest = tracked = column = None
    if span is not None:
        level, loudest = heard_alone(recording, span)
        power = np.square(found)
        heard = noise_in_hindsight(power, Tracker(level))
        tracked = Steadied(level).gains(power, heard)[:, first - begin : last - begin]
        if method.get("level_in_fit"):
            column = stacked(banded(magnitudes_of(heard[:, low - begin :])))
    learns = method.get("learns") == _FIT.adapts
    work = Factors(stacked(bands), voice, noise, 1 + _FIT.sparsity, None, column, among)
    take_turns(
        work,
        updates=_FIT.updates,
        adapt_every=_FIT.adapt_every if learns else 0,
        adapts=_FIT.adapts,
        adapt_after=_FIT.adapt_after,
        relaxed=_FIT.relaxed,
        keep=_FIT.keep,
        keep_after=_FIT.keep_after,
    )
    W, H, kept = work.W, work.activations, work.kept
    groups = groups[kept]
    cut = slice(first - low, last - low)

    def rendered(rows: NDArray[np.intp]) -> Array:
        return unfolded(W[:, rows] @ H[rows], high - low)[:, cut]

    count = len(kept)
    return Apart(
        first,
        np.stack([rendered(np.array([count + k])) for k in range(noise.shape[1])]),
        np.stack([rendered(np.flatnonzero(groups == k)) for k in range(GROUPS)]),
        unfolded(work.level, high - low)[:, cut],
        loudest,
        tracked,
    )


def regained(
    codes: Codes, apart: Apart, run_with: Moved, moved: Moved, method: Mapping[str, Any]
) -> Codes:
    """Return the gains of a stretch with other atoms moved than in the run, uint8 (257, frames).

    Parameters
    ----------
    codes : ndarray of uint8, shape (257, frames)
        Of the whole recording, as the run found them.
    apart : Apart
    run_with, moved : Moved
    method : mapping
        How the run made the gain: ``mask``, ``sharp`` and ``floor`` of its facts.
    """
    sharp, power = float(method.get("sharp", 1.0)), float(method.get("mask", 1.0))
    floor = float(method.get("floor", 0.05))
    gain = gains_of(codes[:, apart.first : apart.first + apart.noise.shape[2]])
    before, after = (
        np.maximum(apart.mask(one, sharp), _NO_MASK)[:, : gain.shape[1]]
        for one in (run_with, moved)
    )
    tracked: Array | float = 1.0
    if apart.tracked is not None:
        tracked = np.power(
            apart.tracked[:, : gain.shape[1]], np.float32(method.get("tracked", 0.0))
        )
    made, anew = (tracked * np.power(mask, np.float32(power)) for mask in (before, after))
    # At the floor a gain tells no more than that it would be less: there it is made again.
    least = np.where(gain > floor * _AT_FLOOR, gain, np.minimum(gain, made))
    found = least * np.power(after / before, np.float32(power))
    # Below any voice a gain may be of no mask, and what was moved there is heard besides.
    found = np.where(before > _NO_MASK, found, np.maximum(least, anew))
    same = after == before
    return codes_of(np.where(same, gain, np.clip(found, min(floor, 1.0), 1.0)))


def _sum(models: Array, which: Collection[int]) -> Array:
    """Sum of some atoms."""
    return np.asarray(models[sorted(k for k in which if k < len(models))].sum(axis=0), np.float32)
