"""How far do the measures of a voice move when noise is taken away?

A processed recording is not for acoustic measurement: gains that change from frame to frame move
jitter, shimmer and all that is counted from them. This says by how much.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from partwise.api import Measure
from partwise_speech.frames import RATE, stft_for
from partwise_speech.pitch import pitched_share
from partwise_speech.sound import Recording, mono_at, resampled
from partwise_speech.strength import render
from partwise_speech.summary import Summary
from partwise_speech.voice import Voice, measure_voice

__all__ = ["Drift", "drift_of"]

_LONGEST_S = 20
_NAMES = {
    "f0": ("Pitch, median", "Hz"),
    "spread": ("Pitch, spread", "Hz"),
    "jitter": ("Jitter, local", "%"),
    "shimmer": ("Shimmer, local", "%"),
    "hnr": ("Harmonics-to-noise ratio", "dB"),
    "cpps": ("Cepstral peak prominence, smoothed", "dB"),
}


@dataclass(frozen=True)
class Drift:
    """Measures of one stretch before and after; the stretch is in seconds.

    Attributes
    ----------
    before, after : Voice
    start, end : float
    left : float
        Share of the stretch in which what was taken away has the pitch of a voice.
    """

    before: Voice
    after: Voice
    start: float
    end: float
    left: float = 0.0

    def measure(self) -> Measure:
        """Return how much of a voice was taken away with the noise, as far as it can be told."""
        return Measure(
            "Voice in the residual",
            100 * self.left,
            "%",
            "Time in which what was taken away has the pitch of a voice (75 to 350 Hz): the "
            "talker's, or another's in the noise.",
        )

    def rows(self) -> tuple[tuple[str, float, float, float], ...]:
        """Return name with unit, before, after and change of each measure."""
        told = []
        for field in fields(Voice):
            if field.name in _NAMES:
                name, unit = _NAMES[field.name]
                a, b = getattr(self.before, field.name), getattr(self.after, field.name)
                told.append((f"{name} ({unit})", a, b, b - a))
        return tuple(told)


def drift_of(
    recording: Recording, summary: Summary, strength: float, original: float = 0.0
) -> Drift:
    """Measure the stretch of at most 20 s that holds most speech, before and after."""
    whole = int(recording.seconds)
    start = _best(summary, whole)
    end = min(start + _LONGEST_S, int(np.ceil(recording.seconds)))
    before = mono_at(recording, RATE, start, end)
    first, last = (round(edge * recording.rate) for edge in (start, end))
    last = min(last, recording.samples)
    made = render(recording, summary.codes, first, last, strength, original).mean(axis=0)
    after = resampled(np.asarray(made, np.float32), recording.rate, RATE)
    both = measure_voice(before, RATE), measure_voice(after, RATE)
    count = min(len(before), len(after))
    left = pitched_share(before[:count] - after[:count], RATE)
    return Drift(*both, float(start), float(end), left)


def _best(summary: Summary, whole: int) -> int:
    """The whole second at which the stretch with most speech begins."""
    per_s = RATE // stft_for(RATE).hop
    energy = np.square(summary.course(0), dtype=np.float64)
    energy = energy[: len(energy) // per_s * per_s].reshape(-1, per_s).sum(axis=1)
    if whole <= _LONGEST_S or len(energy) <= _LONGEST_S:
        return 0
    total = np.concatenate([[0.0], np.cumsum(energy)])
    return int(np.argmax(total[_LONGEST_S:] - total[:-_LONGEST_S]))
