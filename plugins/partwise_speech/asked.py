"""What can be set? The parameters of the separation, one sentence of help each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from partwise.api import param
from partwise_speech.choice import METHODS
from partwise_speech.moved import check_moved
from partwise_speech.painted import check_painted
from partwise_speech.sources import GENERIC
from partwise_speech.spans import check_span

__all__ = ["Params"]


def _check_voice(text: str) -> str | None:
    if text.strip().lower() == GENERIC or Path(text).is_file():
        return None
    return "give generic, a saved dictionary, or a clean recording of the voice"


@dataclass(frozen=True)
class Params:
    """Parameters in the order of the form."""

    noise_span: str = param(
        "auto",
        label="Noise alone",
        check=check_span,
        help="Where there is noise and no speech, START:END in seconds; auto looks, none does not.",
    )
    speech_dictionary: str = param(
        GENERIC,
        label="Voice",
        kind="file",
        check=_check_voice,
        help="Which voice to look for: generic, a saved dictionary, or a clean recording.",
    )
    strength: float = param(
        1.0,
        ge=0.0,
        le=2.0,
        label="Strength",
        help="How much of the noise to take away: 0 nothing, 1 as found, 2 twice the decibels.",
    )
    original: float = param(
        0.0,
        ge=0.0,
        le=100.0,
        unit="%",
        label="Original",
        help="How much of the recording is mixed under its speech: 0 % none, 100 % takes nothing.",
    )
    noise_file: str = param(
        "",
        label="Noise from a file",
        kind="file",
        help="A recording of the noise alone, or a saved noise; empty for this recording's own.",
    )
    method: str = param(
        "auto",
        label="Method",
        choices=METHODS,
        advanced=True,
        help="What speech is told from noise by: dictionaries, the tracked noise level, or both.",
    )
    noise_atoms: int = param(
        16,
        ge=1,
        le=64,
        label="Atoms of noise",
        advanced=True,
        help="How many spectral patterns the noise is made of.",
    )
    painted: str = param(
        "",
        label="Painted",
        check=check_painted,
        advanced=True,
        help="What was painted as speech or noise: KIND START:END LOW:HIGH in s and Hz, by “;”.",
    )
    moved: str = param(
        "",
        label="Moved atoms",
        check=check_moved,
        advanced=True,
        help="Atoms that count on the other side: noise NUMBERS as speech; voice GROUPS as noise.",
    )
    drift: bool = param(
        True,
        label="Measure the voice",
        advanced=True,
        help="Measure pitch, jitter, shimmer, HNR and CPPS before and after.",
    )
    flac: bool = param(
        False,
        label="FLAC too",
        advanced=True,
        help="Write speech and noise as FLAC beside WAV: the same sound in half the room.",
    )
