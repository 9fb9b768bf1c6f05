"""Which recordings are mixed, how, and how is what comes out scored?

The mixing rule of the data's README: three seconds of noise alone, then speech over the next
stretch of the same noise, the gain set by the root mean squares of the whole utterance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = [
    "NOISES",
    "RATE",
    "Case",
    "Mixture",
    "data",
    "further",
    "mix",
    "page",
    "score",
    "tuning",
    "voice",
]

RATE = 16_000
LEAD_S = 3.0
NOISES = ("babble6", "babycry", "bike", "chainsaw", "clock", "dishes", "rain", "street")
TALKERS = ("533", "3331", "2609")
TRAINERS = ("367", "1998", "1688", "2414")
SNRS = (-5, 0, 5, 10)
_OFFSETS = {
    "chainsaw": (0.0, 10.0, 20.0),
    "babycry": (0.0, 6.0, 15.0),
    "rain": (0.0, 8.0, 16.0),
    "clock": (0.0, 8.0, 16.0),
}

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """One mixture: who speaks which utterance, over which noise from when, how loud."""

    split: str
    talker: str
    utterance: str
    noise: str
    offset: float
    snr: float

    @property
    def key(self) -> str:
        return f"{self.utterance}+{self.noise}_{self.split}@{self.offset:g}:{self.snr:g}"


@dataclass(frozen=True, eq=False)
class Mixture:
    """Noisy sound with its lead-in, the clean speech, and where it begins."""

    case: Case
    noisy: Sound
    clean: Sound
    start: int


def data() -> Path:
    """Return the folder of recordings beside the clone."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech"
    if not folder.is_dir():
        raise SystemExit("this bench needs ../shared/data/speech beside the clone")
    return folder


@lru_cache(maxsize=256)
def sound(name: str) -> Sound:
    """Read a recording of the set by its path below the folder."""
    samples, rate = soundfile.read(data() / name, dtype="float32")
    assert rate == RATE
    samples.setflags(write=False)
    return samples


@lru_cache(maxsize=16)
def utterances(talker: str) -> tuple[str, ...]:
    """Return the utterances of a talker, in file order."""
    folder = "speech_train" if talker in TRAINERS else "speech_test"
    found = sorted((data() / folder).glob(f"{talker}-*.flac"))
    return tuple(f"{folder}/{path.name}" for path in found)


def _of_length(talker: str, low: float, high: float) -> list[str]:
    return [u for u in utterances(talker) if low <= len(sound(u)) / RATE <= high]


def page() -> list[Case]:
    """The 96 mixtures that every method is judged on."""
    cases = []
    for noise, (place, talker), snr in itertools.product(NOISES, enumerate(TALKERS), SNRS):
        offset = _OFFSETS.get(noise, (1.0, 9.0, 17.0))[place]
        cases.append(Case("test", talker, _of_length(talker, 4, 7)[0], noise, offset, snr))
    return cases


def tuning() -> list[Case]:
    """Thirty-two mixtures of training talkers and training noise, for choosing settings."""
    cases = []
    for n, noise in enumerate(NOISES):
        for t, talker in enumerate(TRAINERS):
            names = _of_length(talker, 3.5, 8.5)
            name = names[n % len(names)]
            room = len(sound(f"noise/{noise}_train.flac")) / RATE - LEAD_S - len(sound(name)) / RATE
            offset = int(100 * max(room, 0.0) * t / 3) / 100
            cases.append(Case("train", talker, name, noise, offset, SNRS[(n + t) % 4]))
    return cases


def further() -> list[Case]:
    """Pairings beside the page's: other utterances, other stretches of noise, each talker."""
    cases = []
    for n, noise in enumerate(NOISES):
        for t, talker in enumerate(TALKERS):
            names = [u for u in _of_length(talker, 3.5, 9) if u != _of_length(talker, 4, 7)[0]]
            name = names[n % len(names)]
            room = len(sound(f"noise/{noise}_test.flac")) / RATE - LEAD_S - len(sound(name)) / RATE
            offset = int(100 * room * (0.15 + 0.35 * ((t + n) % 3))) / 100
            cases.append(Case("test", talker, name, noise, offset, SNRS[(n + 2 * t + 1) % 4]))
    return cases


def mix(case: Case) -> Mixture:
    """Mix one case."""
    clean = sound(case.utterance).astype(np.float64)
    noise = sound(f"noise/{case.noise}_{case.split}.flac").astype(np.float64)
    lead, first = round(LEAD_S * RATE), round(case.offset * RATE)
    stretch = noise[first : first + lead + len(clean)]
    assert len(stretch) == lead + len(clean), case.key
    under = stretch[lead:]
    gain = np.sqrt(np.mean(clean**2) / np.mean(under**2)) * 10 ** (-case.snr / 20)
    noisy = gain * stretch
    noisy[lead:] += clean
    peak = np.abs(noisy).max()
    scale = 0.99 / peak if peak > 0.99 else 1.0
    return Mixture(
        case, (noisy * scale).astype(np.float32), (clean * scale).astype(np.float32), lead
    )


def voice(case: Case, seconds: float = 60.0) -> Iterator[Sound]:
    """Clean utterances of the talker of a case, but for the one that is mixed, up to a length."""
    left = round(seconds * RATE)
    for name in utterances(case.talker):
        if name == case.utterance or left <= 0:
            continue
        piece = sound(name)[:left]
        left -= len(piece)
        yield piece


def score(mixture: Mixture, estimate: Sound) -> tuple[float, float, float]:
    """Return PESQ (wide-band), STOI and SI-SDR in dB of the speech part, after alignment."""
    from pesq import pesq
    from pystoi import stoi

    clean = mixture.clean.astype(np.float64)
    found = aligned(np.asarray(estimate, dtype=np.float64), clean, mixture.start)
    quality = pesq(RATE, clean, found, "wb", on_error=1)
    return float(quality), float(stoi(clean, found, RATE)), si_sdr(found, clean)


def aligned(
    estimate: NDArray[np.float64], clean: NDArray[np.float64], start: int
) -> NDArray[np.float64]:
    """Return the stretch of `estimate` that lies under `clean`, a delay up to 60 ms undone."""
    from scipy.signal import correlate

    reach = round(0.06 * RATE)
    padded = np.pad(estimate, (reach, reach + len(clean)))
    window = padded[start : start + len(clean) + 2 * reach]
    lag = int(np.argmax(correlate(window, clean, mode="valid")))
    return window[lag : lag + len(clean)]


def si_sdr(estimate: NDArray[np.float64], clean: NDArray[np.float64]) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB (Le Roux et al., 2019)."""
    a, b = estimate - estimate.mean(), clean - clean.mean()
    target = (a @ b) / (b @ b) * b
    error = a - target
    return float(10 * np.log10((target @ target) / max(error @ error, 1e-20)))
