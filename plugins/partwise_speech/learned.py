"""What is the noise of this recording made of, how loud is it, and how much like voices?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from partwise_speech.bands import band_matrix
from partwise_speech.choice import Likeness, likeness
from partwise_speech.classes import noise_patches
from partwise_speech.dictionary import BANDS, DEPTH, Dictionary, banded
from partwise_speech.fit import learn_noise
from partwise_speech.frames import RATE, stft_for
from partwise_speech.rumble import RUMBLE, rumble_kept
from partwise_speech.separator import frames_of, model_frames
from partwise_speech.sound import Recording
from partwise_speech.sources import NoiseSource, noise_of
from partwise_speech.spans import find_lead_in, read_span

__all__ = ["Noise", "hear_noise", "heard_alone"]

_LOOK_S = 20.0  # in which a lead-in is looked for
_HEAR_S = 60.0  # over which the level of the whole is taken
_ALIKE_S = 10.0  # of noise that is compared with voices
_MOST_ALIKE = 0.3  # from which a lead-in that was only found is not taken for noise

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise to begin with.

    Attributes
    ----------
    atoms : ndarray of float32, shape (features, atoms)
    level : ndarray, shape (257,)
        Mean power.
    loudest : ndarray of float32, shape (257,), or None
        The most that was heard of it alone, as magnitudes over four frames; None without a span.
    span : tuple of float or None
        Where it is alone in this recording, in seconds.
    origin : str
        Where its level comes from, in words; so do the atoms, unless they were given.
    snr_db : float
        Ratio of the rest to the noise that its level suggests.
    alike : Likeness
        With voices.
    varied : float
        How much it changes by itself: standard deviation by mean of its bands over 64 ms, the
        louder counting more. Steady noises have 0.2 to 0.8, a ticking clock 1.5.
    given : NoiseSource or None
        What the atoms come from where that is another file.
    rumble : ndarray of float32, shape (RUMBLE, 1), or None
        How much of what lies below any voice comes with the talker.
    """

    atoms: Array
    level: NDArray[np.floating[Any]]
    loudest: Array | None
    span: tuple[float, float] | None
    origin: str
    snr_db: float
    alike: Likeness
    varied: float
    given: NoiseSource | None = None
    rumble: Array | None = None


def hear_noise(
    recording: Recording,
    asked: str,
    file: str,
    count: int,
    voice: Dictionary,
    seed: int,
    on_step: Callable[[Array], bool],
    begun: Array | None = None,
) -> Noise:
    """Learn the noise of a recording.

    Parameters
    ----------
    recording : Recording
    asked : str
        ``START:END``, ``auto`` or ``none``.
    file : str
        Another recording of the noise, or a saved noise; may be empty.
    count : int
        Atoms.
    voice : Dictionary
        What the noise is compared with.
    seed : int
    on_step : callable
        Sees the atoms as they form; stops by returning False.
    begun : ndarray of float32, shape (features, atoms), optional
        Atoms to begin with instead, as a run before has left them.

    Raises
    ------
    InputProblem
        The span lies beyond the recording.
    FileProblem
        The file cannot be read.
    """
    given = noise_of(file)
    whole = np.abs(frames_of(recording, 0, _frames(recording, _HEAR_S)))
    span = _span(recording, asked, whole)
    sound = _sound(recording, span)
    speech = voice.spectra().mean(axis=0)
    alike = likeness(sound, speech)
    if asked.strip().lower() == "auto" and alike.value > _MOST_ALIKE:
        # A talker who begins at once must not be learned as noise; a crowd looks the same.
        span = None
    if span is not None:
        found, origin = _inside(recording, span), _words(asked)
    else:
        found, origin = _quietest(whole), "quietest moments"
    level = _level(found)
    loudest = None if span is None else _loudest(found)
    if given is not None and given.sound is not None:
        found = np.abs(stft_for(RATE).forward(given.sound))
        alike = likeness(given.sound[: round(_ALIKE_S * RATE)], speech)
    if begun is not None:
        atoms = begun
        on_step(atoms)
    elif given is not None and given.dictionary is not None:
        atoms = given.dictionary.atoms
    else:
        atoms = learn_noise(noise_patches(found), count, seed=seed, on_step=on_step)
    power = _power_beside(whole, span)
    ratio, rumble = _snr(power, level), rumble_kept(power[:, None], level[:, None])
    varied = _varied(banded(found))
    return Noise(atoms, level, loudest, span, origin, ratio, alike, varied, given, rumble)


def heard_alone(
    recording: Recording, span: tuple[float, float]
) -> tuple[NDArray[np.floating[Any]], Array]:
    """Return level and loudest of the noise in a span, as in `Noise`."""
    found = _inside(recording, span)
    return _level(found), _loudest(found)


def _span(recording: Recording, asked: str, whole: Array) -> tuple[float, float] | None:
    asked = asked.strip().lower()
    if asked == "none":
        return None
    if asked != "auto":
        return read_span(asked, recording.seconds)
    hop_s = stft_for(RATE).hop / RATE
    return find_lead_in(banded(whole[:, : round(_LOOK_S / hop_s)]), hop_s)


def _words(asked: str) -> str:
    return "lead-in" if asked.strip().lower() == "auto" else "stretch that was marked"


def _frames(recording: Recording, seconds: float) -> int:
    return min(model_frames(recording), round(seconds * RATE / stft_for(RATE).hop))


def _inside(recording: Recording, span: tuple[float, float]) -> Array:
    """Magnitudes of the frames that lie wholly inside a span."""
    stft = stft_for(RATE)
    first = -(-int(span[0] * RATE + stft.lead) // stft.hop)
    last = int((span[1] * RATE - stft.hop) // stft.hop)
    last = min(max(last, first + DEPTH + 1), model_frames(recording))
    return np.abs(frames_of(recording, max(min(first, last - DEPTH - 1), 0), last))


def _varied(bands: Array) -> float:
    """Standard deviation by mean of bands over the length of a patch."""
    level = uniform_filter1d(bands, DEPTH, axis=1)[:, DEPTH // 2 : -(DEPTH // 2)]
    if not level.any():
        return 0.0
    return float(level.std(axis=1).sum() / level.mean(axis=1).sum())


def _level(found: Array) -> NDArray[np.floating[Any]]:
    """Mean power of magnitudes."""
    return np.asarray(np.maximum(np.square(found).mean(axis=1), 1e-12))


def _loudest(found: Array) -> Array:
    """The most of each band over four frames, as bins."""
    bands = uniform_filter1d(banded(found), 4, axis=1)
    most = band_matrix(len(found), RATE, BANDS).T @ bands.max(axis=1)
    return np.asarray(most, dtype=np.float32)


def _quietest(whole: Array) -> Array:
    """The quietest tenth of the frames, in pieces as long as two patches."""
    size = DEPTH * 2
    count = max(whole.shape[1] // size, 1)
    energy = [float(np.square(whole[:, k * size : (k + 1) * size]).mean()) for k in range(count)]
    keep = max(count // 10, min(4, count))
    chosen = np.sort(np.argsort(energy, kind="stable")[:keep])
    return np.concatenate([whole[:, k * size : (k + 1) * size] for k in chosen], axis=1)


def _sound(recording: Recording, span: tuple[float, float] | None) -> Array:
    """Sound of the span at the model's rate; nothing where there is none."""
    if span is None:
        return np.zeros(0, np.float32)
    stft = stft_for(RATE)
    first, last = (round(edge * RATE / stft.hop) for edge in span)
    last = min(last, first + round(_ALIKE_S * RATE / stft.hop))
    return stft.overlapped(frames_of(recording, first, max(last, first + 1)))


def _power_beside(whole: Array, span: tuple[float, float] | None) -> NDArray[np.floating[Any]]:
    """Mean power of magnitudes outside a span, or of all where nothing is outside."""
    if span is not None:
        hop_s = stft_for(RATE).hop / RATE
        outside = np.ones(whole.shape[1], bool)
        outside[round(span[0] / hop_s) : round(span[1] / hop_s)] = False
        whole = whole[:, outside] if outside.any() else whole
    return np.asarray(np.square(whole).mean(axis=1, dtype=np.float64))


def _snr(power: NDArray[np.floating[Any]], level: NDArray[np.floating[Any]]) -> float:
    # Rumble and an offset are no part of how well somebody is heard.
    heard, alone = float(power[RUMBLE:].sum()), float(level[RUMBLE:].sum())
    ratio = heard / max(alone, 1e-20) - 1
    return float(10 * np.log10(np.clip(ratio, 1e-3, 1e6)))
