"""Which way suits this recording? By how loud the noise is, and whether it is made of voices.

Two estimates stand beside each other: the mask of the dictionaries, sure where noise and voice
are of different make, and the gain of the tracked noise, sure where noise is steady and weaker
than the voice. Where neither can tell, as with other people's voices behind a talker whose own
voice was not learned, less is taken away, so that nothing is harmed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise_speech.bands import band_matrix
from partwise_speech.dictionary import BANDS
from partwise_speech.frames import RATE, stft_for
from partwise_speech.pitch import STEP_S, frames_around, pitch_of
from partwise_speech.rumble import RUMBLE

__all__ = ["METHODS", "SUNG", "Choice", "Likeness", "choose", "likeness", "rumble_is_apart"]

METHODS = {
    "auto": "Chosen for each recording",
    "product": "Both together",
    "dictionaries": "Dictionaries alone",
    "tracker": "Tracked noise alone",
}

_PITCHED = 0.55, 0.25  # share of the frames with the pitch of a voice: surely, surely not
_ALIKE = 0.80, 0.65  # cosine with the long-term spectrum of speech
_SYLLABLES = 0.30, 0.15  # share of the modulation that is at 2 to 8 Hz
_VOICE_HZ = 75.0, 350.0
_HIGH_HZ = 220.0  # median pitch from which a sound is sung or cried rather than spoken
SUNG = 0.4  # periodicity, by energy, from which a noise that high is taken for crying or a siren
_LOUD_DB, _SOFT_DB = 2.0, 12.0  # ratio of speech to noise between which the mask yields
_AMONG_VOICES = 0.45  # power of the mask where a generic voice cannot tell the talker from others
_NOISY_DB, _CLEAN_DB = 15.0, 20.0  # between which it is laid aside: there is hardly any noise

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Likeness:
    """How much a noise resembles voices, each 0 to 1; `value` is the least of the three marks.

    Attributes
    ----------
    pitched : float
        Share of the frames with a pitch between 75 and 350 Hz.
    alike : float
        Cosine of its mean spectrum with that of speech.
    syllables : float
        Share of its modulation that is as slow as syllables, 2 to 8 Hz.
    value : float
        0 nothing like voices, 1 voices.
    sung : float
        How periodic it is, the louder counting more, where its pitch is above that of most voices:
        crying, a siren; else 0.
    """

    pitched: float
    alike: float
    syllables: float
    value: float
    sung: float = 0.0


@dataclass(frozen=True)
class Choice:
    """What the gain is made of: mask to the power `mask` times tracked gain to the power `tracked`.

    Attributes
    ----------
    mask, tracked, floor : float
    why : str
        In words.
    sharp : float
        Power of both models in the mask, s^p / (s^p + n^p).
    """

    mask: float
    tracked: float
    floor: float
    why: str
    sharp: float = 1.3


def likeness(noise: Array, speech: Array) -> Likeness:
    """Compare a stretch of noise with voices.

    Parameters
    ----------
    noise : ndarray of float32
        Sound at `RATE`.
    speech : ndarray, shape (BANDS,)
        Mean spectrum of speech.
    """
    magnitudes = np.abs(stft_for(RATE).inside(noise))
    bands = band_matrix(len(magnitudes), RATE, BANDS) @ magnitudes
    if bands.shape[1] < 16 or not bands.any():
        return Likeness(0.0, 0.0, 0.0, 0.0)
    track, periodic = pitch_of(noise, RATE)
    pitched = float(np.mean((track > _VOICE_HZ[0]) & (track < _VOICE_HZ[1])))
    mean, voice = np.sqrt(np.square(bands).mean(axis=1))[RUMBLE:], speech[RUMBLE:]
    alike = float(mean @ voice / max(np.linalg.norm(mean) * np.linalg.norm(voice), 1e-20))
    syllables = _syllables(bands.sum(axis=0))
    pairs = ((pitched, _PITCHED), (alike, _ALIKE), (syllables, _SYLLABLES))
    marks = [float(np.clip((v - low) / (high - low), 0, 1)) for v, (high, low) in pairs]
    return Likeness(pitched, alike, syllables, min(marks), _sung(noise, track, periodic))


def choose(
    method: str, snr_db: float, alike: Likeness, *, own_voice: bool, level: bool = False
) -> Choice:
    """Say what the gain is made of.

    Parameters
    ----------
    method : str
        A key of `METHODS`.
    snr_db : float
        Ratio of speech to noise as the noise-only stretch suggests.
    alike : Likeness
        Of the noise with voices.
    own_voice : bool
        Whether the dictionary is of this very talker.
    level : bool
        Whether the tracked level is in the fit as well, so that the mask knows of it.
    """
    if method == "tracker":
        return Choice(0.0, 1.0, 0.1, "as asked")
    if method == "dictionaries":
        return Choice(1.0, 0.0, 0.05, "as asked")
    if method == "product":
        return Choice(1.0, 0.4, 0.05, "as asked")
    return _automatic(snr_db, alike, own_voice=own_voice, level=level)


def rumble_is_apart(method: str, *, own_voice: bool) -> bool:
    """Whether what lies below any voice is judged by itself; an own voice knows of its own.

    Dictionaries alone, and the tracker alone, are what their names say and no more.
    """
    return not own_voice and method in ("auto", "product")


def _automatic(snr_db: float, alike: Likeness, *, own_voice: bool, level: bool) -> Choice:
    soft = float(np.clip((snr_db - _LOUD_DB) / (_SOFT_DB - _LOUD_DB), 0, 1))
    clean = float(np.clip((snr_db - _NOISY_DB) / (_CLEAN_DB - _NOISY_DB), 0, 1))
    mask = (1.0 - 0.2 * soft) * (1.0 - clean)
    if clean > 0.5:
        return Choice(mask, 0.3, 0.05, "hardly any noise, and little is taken away")
    if own_voice:
        # Other voices that are weak: what the talker's own cannot render would be taken for them.
        mask *= 1.0 - 0.25 * soft * alike.value
        return Choice(mask, 0.4, 0.05, "the talker's own voice is known")
    if alike.value > 0:
        mask += alike.value * (min(_AMONG_VOICES, mask) - mask)
        return Choice(mask, 0.4, 0.05, "the noise is like voices, and less is taken away")
    if level and alike.sung > SUNG:
        # Where a cry is, no tracker knows.
        why = "the noise cries or sings, and its atoms count more than its level"
        return Choice(0.85 * mask, 0.3, 0.05, why, 1.15)
    if level:
        why = "dictionaries, with the tracked level among them"
        return Choice(0.75 * mask, 0.45 + 0.1 * soft, 0.05, why, 1.1)
    why = "dictionaries and tracked level together"
    if soft > 0.5:
        why = "the noise is weak, and the tracked level counts more"
    return Choice(mask, 0.5 + 0.15 * soft, 0.05, why)


def _sung(noise: Array, track: NDArray[np.float64], periodic: NDArray[np.float64]) -> float:
    """Periodicity of a sound by energy, if half of its pitch lies above most voices, else 0."""
    voiced = track > 0
    if not voiced.any() or float(np.median(track[voiced])) < _HIGH_HZ:
        return 0.0
    step = round(STEP_S * RATE)
    energy = np.square(frames_around(noise, 2 * step, step), dtype=np.float64).sum(axis=1)
    return float((energy * periodic * voiced).sum() / max(float(energy.sum()), 1e-20))


def _syllables(level: Array) -> float:
    """Share of the modulation of the level, from 0.3 Hz up, that lies from 2 to 8 Hz."""
    loud = np.log(level + 1e-6 * float(level.max()) + 1e-20)
    power = np.square(np.abs(np.fft.rfft((loud - loud.mean()) * np.hanning(len(loud)))))
    hertz = np.arange(len(power)) * RATE / stft_for(RATE).hop / len(loud)
    whole = float(power[hertz > 0.3].sum())
    return float(power[(hertz > 2) & (hertz < 8)].sum() / whole) if whole > 0 else 0.0
