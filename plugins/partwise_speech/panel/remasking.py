"""What do atoms that were moved change in sight? The masks there, made anew before any run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from partwise.api import FileProblem, InputProblem, Result, single_blas
from partwise_app.api import Later
from partwise_speech.frames import RATE, stft_for
from partwise_speech.moved import Moved, voice_groups
from partwise_speech.panel.preparing import array_of
from partwise_speech.panel.regain import Apart, Voice, apart_of, regained
from partwise_speech.sound import Recording
from partwise_speech.sources import GENERIC, voice_of

__all__ = ["Remasking"]

_PIECE_S = 10.0
_WAIT_MS = 120
_LONGEST_S = 120.0  # in sight, from which only what comes first is made anew
_KEPT = 12  # pieces whose atoms stay at hand: some 20 MB each

Codes = NDArray[np.uint8]


class Remasking(QObject):
    """Gains of what is in sight, with atoms counted as the hand says.

    The factors stay; where the hand says what the run was told, the gains are the run's own.

    Attributes
    ----------
    voice : Voice or None
        Once it is known.
    version : int
        Grows with every change of `codes` in its place.
    """

    remade = Signal()
    """Gains in sight are others now."""
    voice_known = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._result: Result | None = None
        self._recording: Recording | None = None
        self._moved = self._run_with = Moved()
        self._found: Codes | None = None
        self._codes: Codes | None = None
        self._done = np.zeros(0, bool)  # pieces whose gains are as the hand says
        self._is_old = True  # whether `_codes` are of what the hand said before
        self._aparts: dict[int, Apart] = {}
        self._sight = (0.0, 0.0)
        self.voice: Voice | None = None
        self._voice_name = ""
        self.version = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._go_on)
        self._learning, self._fitting = Later(self), Later(self)
        self._learning.done.connect(self._on_voice)
        self._fitting.done.connect(self._on_made)
        self._busy = False

    @property
    def codes(self) -> Codes | None:
        """Gains as they stand: those of the run, and in sight those that the hand asks for."""
        return self._codes

    @property
    def is_tried(self) -> bool:
        """Whether atoms are moved otherwise than the run was told."""
        return self._found is not None and self._moved != self._run_with

    def follow(
        self,
        recording: Recording | None,
        result: Result | None,
        moved: Moved,
        sight: tuple[float, float],
    ) -> None:
        """Make gains for a result, for atoms moved, for what is in sight in seconds."""
        self._sight = sight
        if result is not self._result or recording is not self._recording:
            self._begin(recording, result)
        if moved != self._moved:
            self._moved, self._is_old = moved, True
            self._done[:] = False
            if not self.is_tried:
                self._codes = self._found
        if self.is_tried:
            self._go_on()

    def look(self, sight: tuple[float, float]) -> None:
        """See to what is in sight now, soon."""
        self._sight = sight
        if self.is_tried:
            self._timer.start()

    def close(self) -> None:
        """Want no answer any more."""
        self._timer.stop()
        self._learning.forget()
        self._fitting.forget()

    def _begin(self, recording: Recording | None, result: Result | None) -> None:
        self._result, self._recording = result, recording
        self._fitting.forget()
        self._learning.forget()
        self._busy, self._aparts = False, {}
        self._found = self._codes = array_of(result, "gain")
        frames = self._found.shape[1] if self._found is not None else 0
        self._done = np.zeros(-(-frames // _piece()), bool)
        told = result.provenance if result is not None else None
        self._run_with = Moved.read(str(told.parameters.get("moved", "")) if told else "")
        self._moved, self._is_old = self._run_with, True
        if self._found is None or array_of(result, "used") is None:
            self.voice = None
            return
        name = str(told.parameters.get("speech_dictionary", GENERIC)) if told else GENERIC
        seed = told.seed if told else 0
        if self.voice is not None and name == self._voice_name == GENERIC:
            return  # which cannot be another one by now, as a file can
        self.voice, self._voice_name = None, name

        def work() -> object:
            try:
                atoms = voice_of(name, seed).atoms
            except (FileProblem, InputProblem, OSError):
                return None  # the file of the voice is gone: it can be neither shown nor moved
            return Voice(atoms, voice_groups(atoms))

        self._learning.ask(work, at_once=False)

    def _on_voice(self, voice: object) -> None:
        self.voice = voice if isinstance(voice, Voice) else None
        self.voice_known.emit()
        if self.is_tried:
            self._go_on()

    def _go_on(self) -> None:
        """Make what is missing in sight, from left to right."""
        low, high = self._sight
        per_s = RATE / stft_for(RATE).hop
        first = max(int(low * per_s) // _piece(), 0)
        last = min(int(min(high, low + _LONGEST_S) * per_s) // _piece() + 1, len(self._done))
        missing = (k for k in range(first, last) if not self._done[k])
        number = next(missing, None)
        if number is not None:
            self._ask(number)

    def _ask(self, number: int) -> None:
        recording, voice, noise = self._recording, self.voice, array_of(self._result, "atoms")
        found, result = self._found, self._result
        used = array_of(self._result, "used")
        if self._busy or recording is None or voice is None or noise is None or used is None:
            return
        assert found is not None
        assert result is not None
        frames = number * _piece(), min((number + 1) * _piece(), found.shape[1])
        run_with, moved, known = self._run_with, self._moved, self._aparts.get(number)
        method, span = result.facts.get("method", {}), result.facts.get("noise_span")
        alone = (float(span[0]), float(span[1])) if span else None
        among = voice.atoms.shape[1] + noise.shape[1]
        self._busy = True

        def work() -> object:
            try:
                only = voice.only(used)
                with single_blas():  # many small products, which its threads would wait for
                    apart = known or apart_of(
                        recording, only.atoms, only.groups, noise, frames, alone, method, among
                    )
                    codes = regained(found, apart, run_with, moved, method)
            except (FileProblem, InputProblem, OSError):
                return _Made(number, moved)  # the recording is gone: what the run found stays
            return _Made(number, moved, apart, codes)

        self._fitting.ask(work, at_once=False)

    def _on_made(self, made: object) -> None:
        assert isinstance(made, _Made)
        self._busy = False
        if made.apart is not None:
            while len(self._aparts) >= _KEPT:
                del self._aparts[next(iter(self._aparts))]
            self._aparts[made.number] = made.apart
        if made.moved == self._moved and self.is_tried:
            self._done[made.number] = True
            if made.apart is not None and made.codes is not None:
                self._put(made.apart.first, made.codes)
        if self.is_tried:
            self._go_on()

    def _put(self, first: int, codes: Codes) -> None:
        assert self._found is not None
        if self._is_old or self._codes is None:  # what was tried before stands until now
            self._codes, self._is_old = self._found.copy(), False
        last = first + codes.shape[1]
        self._codes[:, first:last] = codes
        self.version += 1
        self.remade.emit()


@dataclass(frozen=True, eq=False)
class _Made:
    """Gains of a piece for atoms moved; without gains where the recording cannot be read."""

    number: int
    moved: Moved
    apart: Apart | None = None
    codes: Codes | None = None


def _piece() -> int:
    """Frames of a piece."""
    return round(_PIECE_S * RATE / stft_for(RATE).hop)
