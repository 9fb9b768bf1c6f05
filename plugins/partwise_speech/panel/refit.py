"""What would a run find in some frames? A stretch is fitted as a run fits the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from partwise.api import single_blas
from partwise_speech.arranged import separator_for
from partwise_speech.dictionary import Dictionary
from partwise_speech.frames import RATE, stft_for
from partwise_speech.learned import Noise
from partwise_speech.moved import Moved
from partwise_speech.painted import Painted
from partwise_speech.sound import Recording, Sound
from partwise_speech.strength import codes_of

if TYPE_CHECKING:
    import numpy as np

__all__ = ["gains_anew"]

_SETTLES_S = 2  # in which the tracked level comes to what it is
_AFTER_S = 0.3  # beyond the last frame, for the patches that hold it


def gains_anew(
    recording: Recording,
    voice: Dictionary,
    noise: Noise,
    method: str,
    painted: Painted,
    moved: Moved,
    frames: tuple[int, int],
    going_on: Callable[[], bool] = lambda: True,
) -> NDArray[np.uint8] | None:
    """Return gains of some frames with another voice, noise or method, or with other marks.

    Parameters
    ----------
    recording : Recording
    voice, noise, method, painted, moved
        As in `partwise_speech.arranged.separator_for`.
    frames : (first, last)
        Less than half a minute of them, so that they are one stretch.
    going_on : callable
        Asked after each update; None is returned where it says no.
    """
    first, last = frames
    hop = stft_for(RATE).hop
    start = max(first * hop // RATE - _SETTLES_S, 0)
    before = start * RATE // hop
    stretch = _Stretch(recording, start, last * hop / RATE + _AFTER_S)
    stopped = False

    def on_step(_share: float, _atoms: Any) -> bool:
        nonlocal stopped
        stopped = not going_on()
        return not stopped

    with single_blas():  # many small products, which its threads would wait for
        work = separator_for(stretch, voice, noise, method, painted.since(start), moved)
        found = next(work.stretches(on_step))
    return None if stopped else codes_of(found.gain[:, first - before : last - before])


class _Stretch(Recording):
    """A recording from a whole second on; what lies around it is that of the recording."""

    def __init__(self, whole: Recording, start_s: int, end_s: float) -> None:
        self._whole, self._first = whole, start_s * round(whole.rate)
        self.rate, self.channels, self.title = whole.rate, whole.channels, whole.title
        self.samples = min(round(end_s * whole.rate), whole.samples) - self._first

    def read(self, start: int, stop: int) -> Sound:
        return self._whole.read(self._first + start, self._first + stop)
