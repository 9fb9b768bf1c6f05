"""How is a recording separated while it plays? In a thread that keeps ahead of the playhead."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, InputProblem
from partwise_speech.panel.heard import Samples
from partwise_speech.panel.told import told
from partwise_speech.sound import Recording
from partwise_speech.stream import Known, Stream

__all__ = ["Ahead"]

_BLOCK_S = 0.25
_WARM_S = 1.0  # heard before the first sample that counts, so that the tracker has settled
_AHEAD_S = 30.0  # no more than this is made before it is wanted
_REST_S = 0.05


class Ahead:
    """Fills a track with the speech of a recording, from where it is heard on.

    Parameters
    ----------
    recording : Recording
    known : callable
        Returns what speech is told from noise by; called in the thread, for it takes its time.
    track : ndarray of float32, shape (samples, channels)
        Is filled.
    place : callable
        Returns where it is heard now, in seconds; may be called from any thread.
    strength : float
    """

    def __init__(
        self,
        recording: Recording,
        known: Callable[[], Known],
        track: Samples,
        place: Callable[[], float],
        strength: float,
    ) -> None:
        self._recording, self._known, self._track = recording, known, track
        self._place, self._strength = place, strength
        self._block = max(round(_BLOCK_S * recording.rate), 1)
        self._ready: NDArray[np.bool_] = np.zeros(-(-recording.samples // self._block), bool)
        self._stopped = threading.Event()
        self.latency = 0.0
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name="partwise-ahead", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether all of it is made."""
        return bool(self._ready.all())

    def has(self, start: float, seconds: float) -> bool:
        """Whether so much from a moment on is made."""
        first = int(start * self._recording.rate) // self._block
        last = int((start + seconds) * self._recording.rate) // self._block + 1
        return bool(self._ready[first:last].all())

    def stop(self, *, wait: bool = False) -> None:
        """Make no more; waits for the thread to end where that is asked."""
        self._stopped.set()
        if wait:
            self._thread.join()

    def _run(self) -> None:
        try:
            known = self._known()
            while (first := self._next()) is not None and not self._stopped.is_set():
                self._fill(Stream(self._recording.rate, known, self._strength), first)
        except (FileProblem, InputProblem, OSError) as problem:
            self.problem = told(problem)

    def _next(self) -> int | None:
        """The block that is wanted next; None where none is missing."""
        here = min(int(self._place() * self._recording.rate) // self._block, len(self._ready) - 1)
        for start, stop in ((here, len(self._ready)), (0, here)):
            missing = np.flatnonzero(~self._ready[start:stop])
            if missing.size:
                return start + int(missing[0])
        return None

    def _fill(self, stream: Stream, first: int) -> None:
        """Go on from a block until one that is there, or until another place is heard."""
        recording, block = self._recording, self._block
        self.latency = stream.latency
        begin = first * block
        at = max(begin - round(_WARM_S * recording.rate), 0)
        number = first
        while not self._stopped.is_set() and number < len(self._ready) and not self._ready[number]:
            stop = min((number + 1) * block, recording.samples)
            # What comes out lags behind: a block is whole once what follows it has been heard.
            needed = stop + stream.delay
            made = stream.push(recording.read(at, needed).T)
            low = at - stream.delay
            cut = max(begin - low, 0)
            self._track[low + cut : stop] = made[cut : stop - low]
            self._ready[number] = True
            begin, at, number = stop, needed, number + 1
            if not self._wait(number):
                return

    def _wait(self, number: int) -> bool:
        """Rest while enough is there; False where another place is heard by now."""
        while not self._stopped.is_set():
            wanted = self._next()
            if wanted != number:
                return False
            if number * _BLOCK_S - self._place() < _AHEAD_S:
                return True
            self._stopped.wait(_REST_S)
        return False
