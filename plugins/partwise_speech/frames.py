"""How does sound become a spectrogram, and how does it come back sample by sample?

Short-time Fourier transform with a square-root Hann window on both sides and 75 % overlap
(Griffin and Lim, IEEE Trans. ASSP 32:236, 1984). With the phase of the mixture kept, a gain of one
gives the sound back exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

__all__ = ["RATE", "STFT", "Frames", "stft_for"]

RATE = 16_000  # Hz at which speech is modelled
_WINDOW_S = 0.032
_OVERLAP = 4

Sound = NDArray[np.float32]
Frames = NDArray[np.complexfloating[Any, Any]]


@dataclass(frozen=True)
class STFT:
    """A transform of fixed window and hop.

    Frame t covers the samples ``t * hop - (window - hop)`` up to ``t * hop + hop``, so that the
    first frame already ends inside the sound; what is missing outside is zero.

    Attributes
    ----------
    window, hop : int
        Samples.
    """

    window: int
    hop: int

    @property
    def bins(self) -> int:
        return self.window // 2 + 1

    @property
    def lead(self) -> int:
        """Samples of the first frame that lie before the sound."""
        return self.window - self.hop

    @cached_property
    def full_scale_db(self) -> float:
        """Level of a sine at full scale in its bin, in dB of squared magnitudes: 0 dBFS."""
        return float(20 * np.log10(self._taper.sum(dtype=np.float64) / 2))

    @cached_property
    def _taper(self) -> Sound:
        phase = np.arange(self.window) / self.window
        return np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * phase)).astype(np.float32)

    def count(self, samples: int) -> int:
        """Return how many frames cover `samples` samples, each by all its windows."""
        return -(-(samples + self.lead) // self.hop) if samples else 0

    def forward(self, sound: Sound) -> NDArray[np.complex64]:
        """Return the frames of a sound, complex64 (bins, frames)."""
        frames = self.count(len(sound))
        padded = np.zeros((frames - 1) * self.hop + self.window if frames else 0, np.float32)
        padded[self.lead : self.lead + len(sound)] = sound
        return self.inside(padded)

    def inside(self, padded: Sound) -> NDArray[np.complex64]:
        """Return the frames that lie wholly inside a sound, complex64 (bins, frames)."""
        if len(padded) < self.window:
            return np.zeros((self.bins, 0), np.complex64)
        cut = np.lib.stride_tricks.sliding_window_view(padded, self.window)[:: self.hop]
        spectra = scipy.fft.rfft(cut * self._taper, axis=1)
        return np.ascontiguousarray(spectra.T.astype(np.complex64, copy=False))

    def backward(self, spectra: Frames, samples: int) -> Sound:
        """Return the sound of `samples` samples that `forward` gave as `spectra`."""
        return self.overlapped(spectra)[self.lead : self.lead + samples]

    def overlapped(self, spectra: Frames) -> Sound:
        """Return the overlapped frames, from the start of the first to the end of the last."""
        frames = spectra.shape[1]
        if not frames:
            return np.zeros(0, np.float32)
        pieces = scipy.fft.irfft(spectra.T, self.window, axis=1).astype(np.float32, copy=False)
        pieces *= self._taper * np.float32(2 * self.hop / self.window)
        out = np.zeros((frames + self.window // self.hop - 1, self.hop), np.float32)
        for k in range(self.window // self.hop):
            out[k : k + frames] += pieces[:, k * self.hop : (k + 1) * self.hop]
        return out.ravel()

    def frame_at(self, sample: float) -> int:
        """Return the frame whose middle lies nearest to a sample."""
        return max(round((sample + self.lead - self.window / 2) / self.hop), 0)

    def middle(self, frame: float) -> float:
        """Return the sample in the middle of a frame."""
        return frame * self.hop - self.lead + self.window / 2


def stft_for(rate: float) -> STFT:
    """Return the transform of 32 ms windows every 8 ms for sound of `rate` Hz."""
    hop = max(round(_WINDOW_S / _OVERLAP * rate), 1)
    return STFT(hop * _OVERLAP, hop)
