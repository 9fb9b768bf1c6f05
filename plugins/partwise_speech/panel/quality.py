"""How good is what is heard now? Measured without a reference, while sliders and marks move."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from partwise_app.api import Later
from partwise_speech.frames import RATE
from partwise_speech.panel.heard import SPEECH, WHOLE, Heard
from partwise_speech.pitch import periodic_share
from partwise_speech.sound import resampled
from partwise_speech.track import Track

__all__ = ["Measuring", "Quality", "quality_of"]

_WAIT_MS = 150
_AT_ONCE_S = 20.0
_LONGEST_S = 10.0  # of the residual, in which a voice is looked for
_LEAST, _MOST = 1e-3, 1e6  # ratios of power


@dataclass(frozen=True)
class Quality:
    """What can be measured of what is heard.

    Attributes
    ----------
    quieter : float
        By how many dB the stretch of noise alone is quieter.
    before, after : float
        Ratio of speech to noise, in dB, the noise taken from that stretch.
    voice : float
        Share of what is in sight in which the residual has the pitch of a voice, 0 to 1.
    """

    quieter: float
    before: float
    after: float
    voice: float


class Measuring(QObject):
    """Measures what is heard, once the hand rests; the newest only."""

    measured = Signal(object)
    """A `Quality`, or None where there is no stretch of noise alone."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked: tuple[Heard, float, tuple[float, float], tuple[float, float]] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._measure)
        self._later = Later(self)
        self._later.done.connect(self.measured)

    def follow(
        self,
        heard: Heard,
        original: float,
        span: tuple[float, float] | None,
        sight: tuple[float, float],
    ) -> None:
        """Take what is heard, and where noise is alone; both stretches in seconds."""
        if span is None or SPEECH not in heard.tracks:
            self.close()
            if self._asked is not None:
                self._asked = None
                self.measured.emit(None)
            return
        asked = (heard, original, span, sight)
        if asked != self._asked:
            self._asked = asked
            self._timer.start()

    def close(self) -> None:
        """Want no answer any more."""
        self._timer.stop()
        self._later.forget()

    def _measure(self) -> None:
        if self._asked is not None:
            heard, original, span, sight = self._asked
            self._later.ask(lambda: quality_of(heard, original, span, sight), at_once=False)


def quality_of(
    heard: Heard, original: float, span: tuple[float, float], sight: tuple[float, float]
) -> Quality | None:
    """Measure what is heard.

    Parameters
    ----------
    heard : Heard
    original : float
        Share of the recording under the speech, 0 to 1.
    span, sight : (start, end)
        Noise alone, and what is looked at, in seconds.

    Returns
    -------
    Quality or None
        None where there is nothing beside the noise, or no noise.
    """
    whole, speech, rate = heard.tracks[WHOLE], heard.tracks[SPEECH], heard.rate
    first, last = (min(max(round(edge * rate), 0), len(whole)) for edge in span)
    noise, rest = np.zeros(2), np.zeros(2)
    step = round(_AT_ONCE_S * rate)
    edges = {0, first, last, len(whole), *range(0, len(whole), step)}
    for low, high in pairwise(sorted(edges)):
        both = _energies(whole, speech, original, low, high)
        if first <= low and high <= last:
            noise += both
        else:
            rest += both
    outside = len(whole) - (last - first)
    if last <= first or not outside or not noise[0]:
        return None
    alone, beside = noise / (last - first), rest / outside
    ratio = np.clip(beside / np.maximum(alone, 1e-20) - 1, _LEAST, _MOST)
    before, after = (float(10 * np.log10(value)) for value in ratio)
    quieter = float(10 * np.log10(alone[0] / max(alone[1], 1e-6 * alone[0])))
    low = max(round(sight[0] * rate), 0)
    high = min(round(min(sight[1], sight[0] + _LONGEST_S) * rate), len(whole))
    taken = (1 - original) * (whole[low:high] - speech[low:high]).mean(axis=1)
    share = periodic_share(resampled(np.asarray(taken, np.float32), rate, RATE), RATE)
    return Quality(quieter, before, after, share)


def _energies(
    whole: Track, speech: Track, original: float, low: int, high: int
) -> NDArray[np.float64]:
    """Of the recording, and of what is heard as speech, in some samples."""
    sound, mixed = np.ravel(whole[low:high]), np.ravel(speech[low:high])
    if original:
        mixed = original * sound + (1 - original) * mixed
    # In single precision, for an hour has many: pieces are short enough for it.
    return np.array([np.dot(part, part) for part in (sound, mixed)], np.float64)
