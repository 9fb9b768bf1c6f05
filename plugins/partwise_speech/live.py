"""What is seen while a run goes on? The atoms as they form, then the picture as it fills."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from partwise.api import Job
from partwise_speech.outlook import Wave, overview
from partwise_speech.sound import Recording
from partwise_speech.summary import Summary
from partwise_speech.tell import Levels, parts_of, parts_to_be, view_of_atoms, views

__all__ = ["Live"]

_ATOMS_S = 0.1  # from one look at the atoms to the next
_PICTURE_S = 1.0  # from one picture of a long recording to the next
_COSTS = 20  # at the least so many times what the processor took for one; the window takes as much

Array = NDArray[np.float32]


class Live:
    """Sends what stands to whoever watches a job, and not more often than anybody can see.

    Parameters
    ----------
    job : Job
    recording : Recording
    """

    def __init__(self, job: Job, recording: Recording) -> None:
        self._job, self._recording = job, recording
        self._next = -math.inf
        self._pictured = False
        self._levels = Levels()

    def atoms(self, atoms: Array) -> bool:
        """Show atoms of the noise as they form; returns whether to go on."""
        now = time.monotonic()
        if not self._pictured and now >= self._next:
            self._next = now + _ATOMS_S
            self._job.snapshot(parts_to_be(atoms), (), (view_of_atoms(atoms.copy()),))
        return not self._job.cancelled

    def picture(self, summary: Summary, wave: Wave) -> None:
        """Show what has gone by so far, beside all of the whole: that is known already."""
        now = time.monotonic()
        if self._pictured and now < self._next:
            return
        first = not self._pictured
        if first:
            whole = overview(self._recording, summary.every, self._cancelled)
            summary.power = np.maximum(summary.power, whole)
        self._pictured = True
        # By the clock it takes longer beside a busy neighbour, and so does the run.
        begun = time.thread_time()
        self._job.snapshot(parts_of(summary), summary.trace, views(summary, wave, self._levels))
        # The first is made from nothing, those that follow from the one before.
        cost = 0.0 if first else time.thread_time() - begun
        self._next = time.monotonic() + max(_PICTURE_S, _COSTS * cost)

    def _cancelled(self) -> bool:
        return self._job.cancelled
