"""What would another voice, noise or mark change? What is in sight is fitted anew, before a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from partwise.api import FileProblem, InputProblem, Result
from partwise_speech.dictionary import Dictionary
from partwise_speech.learned import Noise
from partwise_speech.moved import Moved
from partwise_speech.painted import Painted
from partwise_speech.panel.piecewise import Codes, Made, Piecewise
from partwise_speech.panel.refit import gains_anew
from partwise_speech.panel.streaming import Wanted
from partwise_speech.sound import Recording

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

__all__ = ["Refitting", "Wish"]


class Wish(NamedTuple):
    """What a run would be made with, as far as its fit depends on it."""

    wanted: Wanted
    painted: Painted
    moved: Moved

    @classmethod
    def of(cls, wanted: Wanted, painted: Painted, moved: Moved) -> Wish:
        """Leave out what needs no fit."""
        return cls(replace(wanted, strength=1.0), painted, moved)

    def fits_as(self, other: Wish) -> bool:
        """Whether the same would be fitted; which atoms are moved is another question."""
        return self[:2] == other[:2]


class Refitting(Piecewise):
    """Gains of what is in sight with the voice, the noise, the method and the marks now chosen."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._result: Result | None = None
        self._recording: Recording | None = None
        self._asked: Wish | None = None
        self._ran: Wish | None = None
        self._seen: tuple[object, ...] = ()
        self._heard: tuple[tuple[object, ...], Dictionary, Noise] | None = None

    @property
    def is_tried(self) -> bool:
        asked, ran = self._asked, self._ran
        return asked is not None and ran is not None and not asked.fits_as(ran)

    def follow(
        self,
        recording: Recording | None,
        result: Result | None,
        asked: Wish,
        base: Codes | None,
        version: int,
        sight: tuple[float, float],
    ) -> None:
        """Make gains as wished, for a result and what is in sight in seconds.

        Parameters
        ----------
        recording : Recording or None
        result : Result or None
        asked : Wish
        base : ndarray of uint8, shape (257, frames), or None
            Gains as they stand without a fit.
        version : int
            Another one where they were changed in their place.
        sight : (start, end)
        """
        self._sight = sight
        told = result.provenance if result is not None else None
        if result is not self._result or recording is not self._recording:
            self._result, self._recording = result, recording
            self._ran, self._asked = None, asked
            if told is not None and base is not None:
                self._ran = _wish_of(told.parameters)
            self._heard = None
            self._start_over(base)
        elif (id(base), version) != self._seen:
            self._lay_over(base)
        self._seen = (id(base), version)
        if asked != self._asked:
            self._asked = asked
            self._wish_anew()
        if self.is_tried:
            self._go_on()

    @property
    def _wish(self) -> object:
        return self._asked

    def _lay_over(self, base: Codes | None) -> None:
        """Take other gains where nothing was made anew."""
        before, self._base = self._codes, base
        if base is None or before is None or self._is_old or not self.is_tried:
            self._codes = base
            return
        self._codes = base.copy()
        for number in np.flatnonzero(self._done):
            first, last = self._frames(int(number))
            self._codes[:, first:last] = before[:, first:last]
        self.version += 1

    def _work(self, number: int, frames: tuple[int, int]) -> Callable[[], Made] | None:
        recording, asked, told = self._recording, self._asked, self._result
        if recording is None or asked is None or told is None:
            return None
        seed = told.provenance.seed if told.provenance is not None else 0

        def work() -> Made:
            try:
                voice, noise = self._hear(recording, asked.wanted, seed)
                codes = gains_anew(
                    recording,
                    voice,
                    noise,
                    asked.wanted.method,
                    asked.painted,
                    asked.moved,
                    frames,
                    lambda: self._asked is asked,
                )
            except (FileProblem, InputProblem, OSError):
                return Made(number, asked)  # a run will say why; what was found stays
            return Made(number, asked, frames[0], codes)

        return work

    def _hear(self, recording: Recording, wanted: Wanted, seed: int) -> tuple[Dictionary, Noise]:
        """Voice and noise; called in the thread, one piece at a time."""
        key = (recording, replace(wanted, method=""), seed)
        known = self._heard
        if known is None or known[0] != key:
            known = self._heard = (key, *wanted.heard(recording, seed))
        return known[1:]


def _wish_of(parameters: Mapping[str, Any]) -> Wish:
    return Wish.of(
        Wanted.of(parameters),
        Painted.read(str(parameters.get("painted", ""))),
        Moved.read(str(parameters.get("moved", ""))),
    )
