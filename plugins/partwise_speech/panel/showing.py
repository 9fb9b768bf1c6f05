"""What do some atoms alone look like? Their share of what is in sight, drawn below the whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from partwise.api import FileProblem, View, single_blas
from partwise_app.api import Later, tr
from partwise_speech.frames import RATE, stft_for
from partwise_speech.panel.atoms import Picked
from partwise_speech.panel.closer import levels_of
from partwise_speech.panel.preparing import LONGEST_S, LONGEST_VOICE_S, MOST_VOICE
from partwise_speech.panel.regain import Voice
from partwise_speech.panel.single import power_of_atoms
from partwise_speech.panel.stagehand import Stagehand
from partwise_speech.panel.teaching import NOISE_COLOR, SPEECH_COLOR
from partwise_speech.panel.tile import NOISE, VOICE
from partwise_speech.separator import model_frames
from partwise_speech.sound import Recording

__all__ = ["Showing", "name_of"]

_WAIT_MS = 120


class _Asked(NamedTuple):
    """What is to be drawn, and of what."""

    recording: Recording
    view: View
    codes: NDArray[np.uint8]
    noise: NDArray[np.float32]
    voice: Voice | None
    picked: Picked


class _Made(NamedTuple):
    first: int
    levels: NDArray[np.uint8]


class Showing(QObject):
    """Draws atoms alone, half a minute of what is in sight at most; follows where one looks."""

    failed = Signal()
    """They cannot be drawn: the recording is gone."""

    def __init__(self, stage: Stagehand, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stage = stage
        self._asked: _Asked | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._make)
        self._later = Later(self)
        self._later.done.connect(self._on_made)

    def ask(
        self,
        recording: Recording,
        view: View,
        codes: NDArray[np.uint8],
        noise: NDArray[np.float32],
        voice: Voice | None,
        picked: Picked,
    ) -> None:
        """Draw some atoms from now on."""
        self._asked = _Asked(recording, view, codes, noise, voice, picked)
        self._make()

    def end(self) -> None:
        """Draw the parts again."""
        if self._asked is not None:
            self._asked = None
            self.close()
            self._stage.set_alone(None)

    def look(self) -> None:
        """See to what is in sight now, soon."""
        if self._asked is not None:
            self._timer.start()

    def close(self) -> None:
        """Want no answer any more."""
        self._timer.stop()
        self._later.forget()

    def _make(self) -> None:
        asked = self._asked
        if asked is None:
            return
        recording, view, codes, noise, voice, picked = asked
        longest = LONGEST_VOICE_S if picked.voice else LONGEST_S
        hop = stft_for(RATE).hop / RATE
        low, high = self._stage.window
        whole = view.arrays["whole"]
        each = max(round(codes.shape[1] / whole.shape[1]), 1)
        column = max(int(low / hop), 0) // each
        first = column * each
        last = min(int(min(high, low + longest) / hop) + 1, model_frames(recording), codes.shape[1])
        level = float(view.options["level"][0]), float(view.options["level"][1])
        if last <= first:
            return

        def work() -> _Made | None:
            power = np.zeros((len(codes), last - first), np.float32)
            span = first, last
            try:
                with single_blas():
                    if picked.noise:
                        power += power_of_atoms(recording, codes, noise, picked.noise, span)
                    if picked.voice and voice is not None:
                        atoms, chosen = voice.some(MOST_VOICE, picked.voice)
                        if chosen:
                            power += power_of_atoms(
                                recording, codes, atoms, chosen, span, kept=True
                            )
            except (FileProblem, OSError):
                return None
            starts = np.arange(0, power.shape[1], each)
            return _Made(column, levels_of(np.maximum.reduceat(power, starts, axis=1), level))

        self._later.ask(work, at_once=False)

    def _on_made(self, made: object) -> None:
        asked = self._asked
        if asked is None:
            return
        if not isinstance(made, _Made):
            self.end()
            self.failed.emit()
            return
        color = SPEECH_COLOR if asked.picked.voice else NOISE_COLOR
        self._stage.set_alone(made.levels, made.first, name_of(asked.picked), color)


def name_of(picked: Picked) -> str:
    """Return what some atoms are called."""
    if picked.many != 1:
        return tr("Some atoms")
    side, chosen = (NOISE, picked.noise) if picked.noise else (VOICE, picked.voice)
    pattern = tr("Atom {number}") if side == NOISE else tr("Group {number}")
    return pattern.format(number=chosen[0] + 1)
