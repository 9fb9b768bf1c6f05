"""What is speech in sound that is still coming in? Block after block, less than 50 ms behind.

The same dictionaries, settings, tracker and gain as in a run, with what can be known by then: each
patch ends at the newest frame, a frame waits for two more, the level in the fit was tracked from
what has come, and atoms learn from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from partwise_speech.cepstral import Steadied
from partwise_speech.choice import Choice, Likeness, choose, rumble_is_apart
from partwise_speech.coming import Coming
from partwise_speech.dictionary import BANDS, DEPTH, Dictionary, banded, patches
from partwise_speech.fit import learn_noise
from partwise_speech.frames import RATE, stft_for
from partwise_speech.gain import BINS, gain_of, mask_of
from partwise_speech.hindsight import magnitudes_of
from partwise_speech.learned import Noise
from partwise_speech.recipe import STEADY, settings_for
from partwise_speech.rumble import rumble_kept
from partwise_speech.separator import Settings
from partwise_speech.strength import at_bins
from partwise_speech.tracker import Tracker

__all__ = ["Known", "Stream"]

Array = NDArray[np.float32]

_AHEAD = 2  # frames that a frame waits for
_AT_ONCE = 256  # frames, so that memory stays bounded whatever is pushed
_LISTEN_S = 1.0
_NOISE_ATOMS = 8
_LATELY_S = 4.0  # over which what rumbles is compared with what the noise alone did
_UNKNOWN_DB = 5.0  # speech over a noise that nobody has heard yet


@dataclass(frozen=True, eq=False)
class Known:
    """What a stream tells speech from noise by.

    Attributes
    ----------
    voice : ndarray of float32, shape (features, atoms)
    choice : Choice
        What the gain is made of.
    settings : Settings
        What stands in the fit, what it costs, and what learns.
    noise : ndarray of float32, shape (features, noise atoms), or None
        None where the stream is to take its first second for noise.
    level : ndarray, shape (257,), or None
        Mean power of the noise.
    loudest : ndarray of float32, shape (257,), or None
        The most that was heard of the noise alone.
    apart : bool
        Whether the voice knows nothing of what lies below any voice.
    """

    voice: Array
    choice: Choice
    settings: Settings = STEADY
    noise: Array | None = None
    level: NDArray[np.floating[Any]] | None = None
    loudest: Array | None = None
    apart: bool = False

    @classmethod
    def of(cls, voice: Dictionary, noise: Noise | None = None, method: str = "auto") -> Known:
        """Take a voice, and the noise that `hear_noise` found; without it the stream listens.

        Parameters
        ----------
        voice : Dictionary
        noise : Noise, optional
        method : str
            A key of `partwise_speech.choice.METHODS`.
        """
        own = voice.is_own
        if noise is None:
            settings = Settings() if own else STEADY
            ratio, alike = _UNKNOWN_DB, Likeness(0.0, 0.0, 0.0, 0.0)
        else:
            settings = settings_for(noise, own=own, taught=False)
            ratio, alike = noise.snr_db, noise.alike
        if not own and not settings.level:
            # What comes and goes: atoms that learned from it as it comes would take up the voice.
            settings = replace(settings, adapt_every=0)
        if method == "dictionaries":
            settings = replace(settings, level=False)
        choice = choose(method, ratio, alike, own_voice=own, level=settings.level)
        if method == "auto" and settings.around > 1:
            # A crowd has no level that could be followed as it comes, and a talker suffers first.
            choice = replace(choice, mask=choice.mask + 0.1, tracked=choice.tracked / 2)
        apart = rumble_is_apart(method, own_voice=own)
        if noise is None:
            return cls(voice.atoms, choice, settings, apart=apart)
        return cls(voice.atoms, choice, settings, noise.atoms, noise.level, noise.loudest, apart)


class Stream:
    """Separates sound as it comes; what is pushed in blocks of any size comes out the same.

    Parameters
    ----------
    rate : float
        Of the sound, in Hz.
    known : Known
    strength : float
        Scales the gain in decibels: 0 leaves the sound as it is.

    Attributes
    ----------
    strength : float
        May be changed at any time.
    delay : int
        Samples by which what comes out is later than what goes in.

    Examples
    --------
    >>> import numpy as np
    >>> from partwise_speech.sources import generic_voice
    >>> stream = Stream(16_000, Known.of(generic_voice()))
    >>> stream.push(np.zeros(300, np.float32)).shape
    (300,)
    >>> stream.latency
    0.048
    """

    def __init__(self, rate: float, known: Known, strength: float = 1.0) -> None:
        self.strength = strength
        self._rate, self._stft = float(rate), stft_for(rate)
        self.delay = self._stft.window + _AHEAD * self._stft.hop
        self._known = known
        self._fit: Coming | None = None
        self._listened = np.zeros((BINS, 0), np.float32)
        self._start(1)
        if known.noise is not None and known.level is not None:
            self._begin(known.noise, known.level)

    @property
    def latency(self) -> float:
        """Seconds by which what comes out is later than what goes in."""
        return self.delay / self._rate

    @property
    def listening(self) -> bool:
        """Whether the noise is still being learned, and the sound comes out as it is."""
        return self._fit is None

    def push(self, block: Array) -> Array:
        """Take in what came, and give as much back, `delay` samples later.

        Parameters
        ----------
        block : ndarray of float32, shape (samples,) or (samples, channels)

        Returns
        -------
        ndarray of float32, like `block`
        """
        sound = np.nan_to_num(np.asarray(block, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        channels = np.atleast_2d(sound.T)
        if len(channels) != len(self._coming):
            self._start(len(channels))
        size = _AT_ONCE * self._stft.hop
        made = [self._pushed(channels[:, k : k + size]) for k in range(0, sound.shape[0], size)]
        found = np.concatenate(made, axis=1) if made else channels
        return np.ascontiguousarray(found[0] if sound.ndim == 1 else found.T)

    def _start(self, channels: int) -> None:
        """Begin with silence; what was learned of the noise stays."""
        stft = self._stft
        self._coming = np.zeros((channels, stft.lead), np.float32)
        # Less than a hop waits to become a frame, and so much has to be given in advance.
        self._going = np.zeros((channels, stft.hop), np.float32)
        self._tail = np.zeros((channels, stft.lead), np.float32)
        self._spectra = np.zeros((channels, stft.bins, _AHEAD), np.complex64)
        self._tracked = np.ones((BINS, _AHEAD), np.float32)
        self._bands = np.zeros((BANDS, DEPTH - 1), np.float32)
        self._levels = np.zeros((BANDS, DEPTH - 1), np.float32)
        self._models = np.zeros((2, DEPTH * BANDS, _AHEAD), np.float32)

    def _begin(self, noise: Array, level: NDArray[np.floating[Any]]) -> None:
        self._tracker, self._steadied = Tracker(level), Steadied(level)
        self._mean, self._heard = np.zeros(BANDS, np.float32), 0
        self._level = self._power = level[:, None]
        loud = DEPTH * float(magnitudes_of(level).sum())
        self._fit = Coming(self._known.voice, noise, loud, self._known.settings)

    def _pushed(self, channels: Array) -> Array:
        stft = self._stft
        self._coming = np.concatenate([self._coming, channels], axis=1)
        used = (self._coming.shape[1] - stft.lead) // stft.hop * stft.hop
        if used:
            new = np.stack([stft.inside(c[: used + stft.lead]) for c in self._coming])
            self._coming = self._coming[:, used:]
            gain = self._gains(self._magnitudes(new))
            both = np.concatenate([self._spectra, new], axis=2)
            ready, self._spectra = both[:, :, :-_AHEAD], both[:, :, -_AHEAD:]
            made = np.stack([stft.overlapped(c * gain) for c in ready])
            made[:, : stft.lead] += self._tail
            self._tail = made[:, used:]
            self._going = np.concatenate([self._going, made[:, :used]], axis=1)
        count = channels.shape[1]
        out, self._going = self._going[:, :count], self._going[:, count:]
        return out

    def _magnitudes(self, spectra: NDArray[np.complex64]) -> Array:
        """Magnitudes of the mean channel in bins of 31.25 Hz, as at the model's rate.

        Windows last as long at every rate, so that bins lie at the same frequencies; nothing has
        to be resampled, which would take time.
        """
        found = np.abs(spectra.mean(axis=0)[:BINS]) * (stft_for(RATE).window / self._stft.window)
        return np.pad(found, ((0, BINS - len(found)), (0, 0))).astype(np.float32)

    def _gains(self, magnitudes: Array) -> Array:
        """Gains in the sound's own bins of the frames that are ready."""
        found = []
        while self._fit is None and magnitudes.shape[1]:
            left = round(_LISTEN_S * self._rate / self._stft.hop) - self._listened.shape[1]
            heard, magnitudes = magnitudes[:, :left], magnitudes[:, left:]
            found.append(np.ones_like(heard))
            self._listen(heard)
        if self._fit is not None and magnitudes.shape[1]:
            found.append(self._separated(self._fit, magnitudes))
        gain = np.power(np.concatenate(found, axis=1), np.float32(self.strength))
        return at_bins(gain, self._stft.bins, self._rate / self._stft.window)

    def _listen(self, magnitudes: Array) -> None:
        """Take a first stretch for noise, once there is enough of it."""
        self._listened = np.concatenate([self._listened, magnitudes], axis=1)
        self._bands = np.concatenate([self._bands, banded(magnitudes)], axis=1)[:, 1 - DEPTH :]
        if self._listened.shape[1] * self._stft.hop < _LISTEN_S * self._rate:
            return
        found = self._listened[:, self._stft.window // self._stft.hop :]
        level = np.maximum(np.square(found).mean(axis=1), 1e-12)
        self._begin(learn_noise(patches(banded(found), 1), _NOISE_ATOMS), level)

    def _separated(self, fit: Coming, magnitudes: Array) -> Array:
        frames, choice = magnitudes.shape[1], self._known.choice
        power = np.square(magnitudes)
        heard, _ = self._tracker.follow(power)
        tracked = np.concatenate([self._tracked, self._steadied.gains(power, heard)], axis=1)
        self._tracked = tracked[:, frames:]
        bands = np.concatenate([self._bands, banded(magnitudes)], axis=1)
        self._bands = bands[:, 1 - DEPTH :]
        levels = np.concatenate([self._levels, banded(magnitudes_of(heard))], axis=1)
        self._levels = levels[:, 1 - DEPTH :]
        both = fit.fit(patches(bands, 1), patches(levels, 1))
        models = np.concatenate([self._models, np.stack(both)], axis=2)
        self._models = models[:, :, frames:]
        deep = models.reshape(2, DEPTH, BANDS, frames + _AHEAD)
        # The newest frame of a patch, the last but one of the next, and so on, are the same frame.
        seen = [deep[:, DEPTH - 1 - k, :, k : k + frames] for k in range(_AHEAD + 1)]
        speech, noise = np.mean(seen, axis=0)
        if self._known.settings.around > 1:
            self._average(noise)
        mask = mask_of(speech, noise, choice.sharp, self._known.loudest)
        return gain_of(mask, tracked[:, :frames], choice, self._rumble(power))

    def _rumble(self, power: Array) -> Array | None:
        """How much is kept below any voice, by the mean of what has come lately."""
        if not self._known.apart:
            return None
        keeps = np.exp(-self._stft.hop / (_LATELY_S * self._rate))
        mean, _ = lfilter([1 - keeps], [1, -keeps], power, axis=1, zi=keeps * self._power)
        self._power = mean[:, -1:]
        return rumble_kept(mean, self._level)

    def _average(self, noise: Array) -> None:
        """Average the model of the noise over what has come before, in place."""
        for frame in noise.T:
            self._heard = min(self._heard + 1, self._known.settings.around)
            self._mean += (frame - self._mean) / self._heard
            frame[:] = self._mean
