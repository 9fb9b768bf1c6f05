"""What does one atom carry? Its share of what was taken away, or of what was kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partwise_speech.bands import band_matrix
from partwise_speech.dictionary import BANDS, DEPTH, banded
from partwise_speech.fit import activations_of
from partwise_speech.frames import RATE, stft_for
from partwise_speech.separator import frames_of, model_frames, stacked, unfolded
from partwise_speech.sound import Recording
from partwise_speech.strength import gains_of

__all__ = ["power_of_atoms", "shaped_noise", "sound_of_atoms"]

Array = NDArray[np.float32]

_UPDATES = 12


def sound_of_atoms(
    recording: Recording,
    codes: NDArray[np.uint8],
    atoms: Array,
    chosen: Sequence[int],
    stretch: tuple[float, float],
    *,
    kept: bool = False,
) -> Array:
    """Return what some atoms carry of the noise, or of the speech, in a stretch of a recording.

    Parameters
    ----------
    recording : Recording
    codes : ndarray of uint8, shape (257, frames)
        Gains as `partwise_speech.strength` keeps them.
    atoms : ndarray of float32, shape (DEPTH * BANDS, atoms)
    chosen : sequence of int
    stretch : (start, end)
        Seconds.
    kept : bool
        Whether the atoms are of the voice, and share what was kept.

    Returns
    -------
    ndarray of float32, shape (samples,)
        At `partwise_speech.frames.RATE`, from the start to the end of the stretch.

    Notes
    -----
    The activations are fitted here, all atoms fixed, to the noise that was found: they share
    what was taken away (or kept) among themselves (Kullback-Leibler, as in the fit), no more.
    """
    stft = stft_for(RATE)
    start, end = (round(edge * RATE) for edge in stretch)
    first = max(start // stft.hop, 0)
    last = min((end + stft.lead) // stft.hop + 1, model_frames(recording), codes.shape[1])
    if last <= first or not len(chosen):
        return np.zeros(max(end - start, 0), np.float32)
    spectra, share = _shared(recording, codes, atoms, chosen, (first, last), kept)
    sound = stft.overlapped(spectra * share)
    low = start - (first * stft.hop - stft.lead)
    return np.asarray(sound[low : low + end - start], dtype=np.float32)


def power_of_atoms(
    recording: Recording,
    codes: NDArray[np.uint8],
    atoms: Array,
    chosen: Sequence[int],
    frames: tuple[int, int],
    *,
    kept: bool = False,
) -> Array:
    """Return the power spectrogram of what some atoms carry, float32 (257, frames).

    Parameters are those of `sound_of_atoms`, but for the stretch, which is given in frames.
    """
    spectra, share = _shared(recording, codes, atoms, chosen, frames, kept)
    return np.asarray(np.square(np.abs(spectra) * share), np.float32)


def _shared(
    recording: Recording,
    codes: NDArray[np.uint8],
    atoms: Array,
    chosen: Sequence[int],
    frames: tuple[int, int],
    kept: bool,
) -> tuple[NDArray[np.complex64], Array]:
    """Frames of what was taken away, or kept, and the share of it that some atoms carry."""
    first, last = frames
    spectra = frames_of(recording, first, last)
    gain = gains_of(codes[:, first:last])
    spectra = spectra * (gain if kept else 1.0 - gain)
    H = activations_of(stacked(banded(np.abs(spectra))), atoms, updates=_UPDATES)
    picked = list(chosen)
    mine = unfolded(atoms[:, picked] @ H[picked], last - first)
    both = unfolded(atoms @ H, last - first)
    weights = band_matrix(len(spectra), RATE, BANDS).T
    return spectra, (weights @ mine) / (weights @ both + np.float32(1e-12))


def shaped_noise(atom: Array, seconds: float = 0.9, seed: int = 0) -> Array:
    """Return noise with the spectrum and the course of an atom, again and again.

    An atom has no phase and no pitch below its bands: this is what can be heard of it alone.

    Parameters
    ----------
    atom : ndarray of float32, shape (DEPTH * BANDS,)
    seconds : float
    seed : int

    Returns
    -------
    ndarray of float32, shape (samples,)
        At `partwise_speech.frames.RATE`, its largest sample 0.5.
    """
    stft = stft_for(RATE)
    samples = round(seconds * RATE)
    frames = stft.count(samples)
    bands = atom.reshape(DEPTH, BANDS).T
    around = np.concatenate([bands, bands[:, ::-1]], axis=1)  # there and back: no jump
    course = np.tile(around, (1, -(-frames // (2 * DEPTH))))[:, :frames]
    weights = band_matrix(stft.bins, RATE, BANDS)
    magnitudes = weights.T @ (course / np.maximum(weights.sum(axis=1), 1e-9)[:, None])
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, magnitudes.shape)
    sound = stft.backward(magnitudes * np.exp(1j * phase), samples)
    ramp = np.minimum(1.0, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (0.02 * RATE))
    sound = sound * ramp.astype(np.float32)
    return np.asarray(0.5 * sound / max(float(np.abs(sound).max()), 1e-9), dtype=np.float32)
