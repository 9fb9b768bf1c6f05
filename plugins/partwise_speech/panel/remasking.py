"""What do atoms that were moved change in sight? The masks there, made anew before any run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from partwise.api import FileProblem, InputProblem, Result, single_blas
from partwise_app.api import Later
from partwise_speech.moved import Moved, voice_groups
from partwise_speech.panel.piecewise import Made, Piecewise
from partwise_speech.panel.preparing import array_of
from partwise_speech.panel.regain import Apart, Voice, apart_of, regained
from partwise_speech.sound import Recording
from partwise_speech.sources import GENERIC, voice_of

__all__ = ["Remasking"]

_KEPT = 12  # pieces whose atoms stay at hand: some 20 MB each


@dataclass(frozen=True, eq=False)
class _Masked(Made):
    """Gains of a piece for atoms moved, and what each atom renders there."""

    apart: Apart | None = None


class Remasking(Piecewise):
    """Gains of what is in sight, with atoms counted as the hand says.

    The factors stay; where the hand says what the run was told, the gains are the run's own.

    Attributes
    ----------
    voice : Voice or None
        Once it is known.
    """

    voice_known = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._result: Result | None = None
        self._recording: Recording | None = None
        self._moved = self._run_with = Moved()
        self._aparts: dict[int, Apart] = {}
        self.voice: Voice | None = None
        self._voice_name = ""
        self._learning = Later(self)
        self._learning.done.connect(self._on_voice)

    @property
    def is_tried(self) -> bool:
        """Whether atoms are moved otherwise than the run was told."""
        return self._base is not None and self._moved != self._run_with

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
            self._moved = moved
            self._wish_anew()
        if self.is_tried:
            self._go_on()

    def close(self) -> None:
        """Want no answer any more."""
        super().close()
        self._learning.forget()

    def _begin(self, recording: Recording | None, result: Result | None) -> None:
        self._result, self._recording = result, recording
        self._learning.forget()
        self._aparts = {}
        self._start_over(array_of(result, "gain"))
        told = result.provenance if result is not None else None
        self._run_with = Moved.read(str(told.parameters.get("moved", "")) if told else "")
        self._moved = self._run_with
        if self._base is None or array_of(result, "used") is None:
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

    @property
    def _wish(self) -> object:
        return self._moved

    def _work(self, number: int, frames: tuple[int, int]) -> Callable[[], Made] | None:
        recording, voice, noise = self._recording, self.voice, array_of(self._result, "atoms")
        found, result = self._base, self._result
        used = array_of(self._result, "used")
        if recording is None or voice is None or noise is None or used is None or found is None:
            return None
        assert result is not None
        run_with, moved, known = self._run_with, self._moved, self._aparts.get(number)
        method, span = result.facts.get("method", {}), result.facts.get("noise_span")
        alone = (float(span[0]), float(span[1])) if span else None
        among = voice.atoms.shape[1] + noise.shape[1]

        def work() -> Made:
            try:
                only = voice.only(used)
                with single_blas():  # many small products, which its threads would wait for
                    apart = known or apart_of(
                        recording, only.atoms, only.groups, noise, frames, alone, method, among
                    )
                    codes = regained(found, apart, run_with, moved, method)
            except (FileProblem, InputProblem, OSError):
                return Made(number, moved)  # the recording is gone: what the run found stays
            return _Masked(number, moved, apart.first, codes, apart)

        return work

    def _on_made(self, made: object) -> None:
        if isinstance(made, _Masked) and made.apart is not None:
            while len(self._aparts) >= _KEPT:
                del self._aparts[next(iter(self._aparts))]
            self._aparts[made.number] = made.apart
        super()._on_made(made)
