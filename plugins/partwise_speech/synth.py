"""A talker and a street whose truth is known: speech-like sound by source and filter.

A pulse train with a falling melody goes through moving formant resonators (Klatt, J. Acoust. Soc.
Am. 67:971, 1980, in a plain cascade); fricatives and stops are shaped noise. The street is a low
rumble with cars that pass. Nobody was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

__all__ = ["Scene", "make_scene", "make_speech", "make_street"]

RATE = 16_000

Sound = NDArray[np.float64]

# Frequencies in Hz of the first three formants of an adult voice, after Peterson and Barney,
# J. Acoust. Soc. Am. 24:175, 1952, rounded; and of the voiced consonants beside them.
_VOWELS = {
    "i": (270, 2290, 3010),
    "I": (390, 1990, 2550),
    "E": (530, 1840, 2480),
    "a": (730, 1090, 2440),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
    "V": (640, 1190, 2390),
    "r": (490, 1350, 1690),
    "l": (360, 1100, 2600),
    "m": (250, 1100, 2200),
    "n": (250, 1500, 2500),
    "w": (300, 650, 2250),
    "j": (260, 2150, 3000),
    "D": (280, 1500, 2550),
    "g": (260, 1700, 2300),
    "v": (280, 1200, 2400),
}
# Centre and width in Hz, and level, of the noise of consonants without voice.
_HISS = {
    "s": (6000, 2200, 0.30),
    "S": (3000, 1600, 0.34),
    "f": (4500, 5000, 0.09),
    "h": (1500, 2400, 0.06),
    "t": (4200, 3000, 0.32),
    "k": (2000, 1500, 0.28),
    "p": (900, 1400, 0.20),
}
_STOPS = frozenset("tkp")
# Sounds one after the other, "." is a rest; two vowels in a row glide.
_PHRASES = (
    "w i w I l l I s n t u D E v oI s",
    "s o f t l i n a u n D S a p l i",
    "h i r k V m s D E r E l oI n w I D E f a s t k a r",
    "n a u D E s t r i t I s k a m E g E n",
)


@dataclass(frozen=True, eq=False)
class Scene:
    """A made recording and what it is made of; all float32 at 16 kHz, one channel."""

    noisy: NDArray[np.float32]
    speech: NDArray[np.float32]
    noise: NDArray[np.float32]
    start_s: float


def make_scene(seed: int = 7, lead_s: float = 2.5, snr_db: float = 4.0) -> Scene:
    """Return a talker in a street: noise alone first, then both."""
    speech = make_speech(seed)
    lead = round(lead_s * RATE)
    noise = make_street(len(speech) + lead + RATE // 2, seed + 1)
    clean = np.concatenate([np.zeros(lead), speech, np.zeros(RATE // 2)])
    under = noise[lead : lead + len(speech)]
    gain = np.sqrt((speech**2).mean() / (under**2).mean()) * 10 ** (-snr_db / 20)
    noise = noise * gain
    scale = 0.8 / np.abs(clean + noise).max()
    clean, noise = clean * scale, noise * scale
    return Scene(
        (clean + noise).astype(np.float32),
        clean.astype(np.float32),
        noise.astype(np.float32),
        lead_s,
    )


def make_speech(seed: int) -> Sound:
    """Return a few phrases of a talker whose voice follows from the seed."""
    rng = np.random.default_rng(seed)
    pitch, size = rng.uniform(105, 190), rng.uniform(1.0, 1.12)
    rest = np.zeros(round(0.35 * RATE))
    pieces: list[Sound] = []
    for phrase in _PHRASES:
        pieces += [_phrase(phrase, pitch, size, rng), rest]
    speech = np.concatenate(pieces[:-1])
    return np.asarray(speech / np.abs(speech).max())


def make_street(samples: int, seed: int) -> Sound:
    """Return rumble, hiss and passing cars."""
    rng = np.random.default_rng(seed)
    white = rng.standard_normal(samples)
    rumble = lfilter([1.0], [1.0, -0.97], white) * 0.25
    hiss = sosfilter(rng.standard_normal(samples), 300, 5000) * 0.35
    t = np.arange(samples) / RATE
    street = rumble + hiss
    for _ in range(max(round(samples / RATE / 4), 1)):
        when, width, firing = rng.uniform(0, t[-1]), rng.uniform(0.8, 1.6), rng.uniform(38, 62)
        bell = np.exp(-0.5 * ((t - when) / width) ** 2)
        # The pitch falls a little as the car goes by.
        phase = 2 * np.pi * np.cumsum(firing * (1 - 0.06 * np.tanh((t - when) / width))) / RATE
        motor = sum(np.sin(k * phase + rng.uniform(0, 6)) / k**0.8 for k in range(1, 14))
        tyres = sosfilter(rng.standard_normal(samples), 500, 2600)
        street = street + bell * (0.35 * np.asarray(motor) + 0.9 * tyres)
    return np.asarray(street / np.abs(street).max())


def sosfilter(sound: Sound, low: float, high: float) -> Sound:
    """Return a sound between two frequencies in Hz."""
    high = min(high, 0.49 * RATE)
    return np.asarray(sosfilt(butter(2, [low, high], "band", fs=RATE, output="sos"), sound))


def _phrase(text: str, pitch: float, size: float, rng: np.random.Generator) -> Sound:
    """Source and filter, with formants and loudness that glide from sound to sound."""
    phones = [c for c in text if c != " "]
    spans = [_length(phone, rng) for phone in phones]
    total = sum(spans)
    tracks, voiced, hiss = np.zeros((total, 3)), np.zeros(total), np.zeros(total)
    at, last = 0, np.array(_VOWELS["V"], dtype=float)
    for phone, span in zip(phones, spans, strict=True):
        cut = slice(at, at + span)
        if phone in _HISS:
            tracks[cut] = last
            hiss[cut] = _burst(phone, span, rng)
        else:
            last = np.array(_VOWELS[phone], dtype=float) * size
            tracks[cut] = last
            voiced[cut] = 0.45 if phone in "mnDgv" else 1.0
        at += span
    glide = np.hanning(round(0.06 * RATE))
    glide /= glide.sum()
    edge = np.pad(tracks, ((len(glide) // 2, len(glide) // 2), (0, 0)), mode="edge")
    tracks = np.stack([np.convolve(edge[:, k], glide, "valid")[:total] for k in range(3)], axis=1)
    voiced = np.convolve(voiced, np.hanning(240) / np.hanning(240).sum(), "same")
    time = np.linspace(0, 1, total)
    wander = np.cumsum(rng.standard_normal(total)) / np.sqrt(total)
    melody = pitch * (1.12 - 0.28 * time + 0.05 * np.sin(9 * time) + 0.03 * wander)
    sound = _voice(voiced * _source(melody, rng), tracks) + hiss
    fade = np.minimum(1.0, np.minimum(np.arange(total), np.arange(total)[::-1]) / 400)
    return np.asarray(sound * fade)


def _length(phone: str, rng: np.random.Generator) -> int:
    usual = 0.09 if phone in _HISS else 0.065 if phone in "mnlrwjDgv" else 0.115
    return round(usual * rng.uniform(0.85, 1.25) * RATE)


def _source(melody: Sound, rng: np.random.Generator) -> Sound:
    """Glottal pulses: rounded teeth with 12 dB per octave less above, and a little breath."""
    phase = np.cumsum(melody) / RATE % 1.0
    opened = phase < 0.6
    flow = np.where(opened, 0.5 - 0.5 * np.cos(np.pi * np.minimum(phase / 0.45, 1.0)), 0.0)
    flow = np.where(opened & (phase > 0.45), np.cos(np.pi / 2 * (phase - 0.45) / 0.15), flow)
    breath = 0.015 * rng.standard_normal(len(melody)) * (0.4 + opened)
    return np.diff(flow, prepend=0.0) * 6 + breath


def _voice(source: Sound, tracks: Sound) -> Sound:
    """A cascade of resonators whose formants are set anew every 5 ms."""
    block = RATE // 200
    widths = (70.0, 100.0, 140.0, 220.0)
    state = [np.zeros(2) for _ in widths]
    out = np.empty_like(source)
    for start in range(0, len(source), block):
        piece = source[start : start + block]
        middle = tracks[min(start + block // 2, len(tracks) - 1)]
        for k, hertz in enumerate((*middle, 3600.0)):
            radius = np.exp(-np.pi * widths[k] / RATE)
            b, c = 2 * radius * np.cos(2 * np.pi * hertz / RATE), -(radius**2)
            piece, state[k] = lfilter([1 - b - c], [1, -b, -c], piece, zi=state[k])
        out[start : start + block] = piece
    return out


def _burst(phone: str, span: int, rng: np.random.Generator) -> Sound:
    centre, width, level = _HISS[phone]
    low, high = max(centre - width / 2, 100), centre + width / 2
    noise = sosfilter(rng.standard_normal(span), low, high)
    if phone in _STOPS:
        shape = np.zeros(span)
        burst = span // 2
        shape[burst:] = np.exp(-np.arange(span - burst) / (0.012 * RATE))
    else:
        shape = np.hanning(span)
    return np.asarray(0.5 * level * noise / (noise.std() + 1e-9) * shape)
