"""What is there to see from near? Fine columns of a long recording, where one looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer

from partwise.api import FileProblem, Result
from partwise_app.api import Later
from partwise_speech.frames import RATE, stft_for
from partwise_speech.panel.preparing import Preparing
from partwise_speech.panel.stagehand import Stagehand
from partwise_speech.separator import frames_of, model_frames
from partwise_speech.sound import Recording
from partwise_speech.strength import gains_of

__all__ = ["Closer", "Fine", "fine_levels", "levels_of"]

_LONGEST_S = 40.0  # in sight, from which coarse columns will do
_WAIT_MS = 90


@dataclass(frozen=True, eq=False)
class Fine:
    """Fine columns of a stretch: arrays like those of the view, from `start` on."""

    arrays: dict[str, NDArray[np.uint8]]
    start: float
    step: float


class Closer(QObject):
    """Draws what is in sight frame by frame, once the hand rests."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stage: Stagehand | None = None
        self._prepared: Preparing | None = None
        self._strength = 1.0
        self._drawn: tuple[object, ...] = ()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._look)
        self._later = Later(self)
        self._later.done.connect(self._on_done)

    def follow(
        self,
        stage: Stagehand,
        prepared: Preparing,
        result: Result | None,
        strength: float,
        version: int = 0,
    ) -> None:
        """Draw for a result at a strength from now on, and for gains of a version."""
        self._stage, self._prepared, self._strength = stage, prepared, strength
        drawn = (id(result), strength, version, stage.view, prepared.recording)
        if drawn != self._drawn:
            self._drawn = drawn
            self.look()

    def look(self) -> None:
        """Draw what is in sight now, soon."""
        self._timer.start()

    def close(self) -> None:
        """Want no answer any more."""
        self._timer.stop()
        self._later.forget()

    def _look(self) -> None:
        stage, prepared = self._stage, self._prepared
        if stage is None or prepared is None or stage.view is None or prepared.recording is None:
            return
        low, high = stage.window
        hop = stft_for(RATE).hop / RATE
        coarse = stage.view.column_step > 1.5 * hop
        if not coarse or not 0 < high - low <= _LONGEST_S:
            self._later.forget()
            stage.view.set_detail(None)
            return
        recording, codes, strength = prepared.recording, prepared.codes, self._strength
        margin = (high - low) / 2  # a small pan stays inside
        window, level = (low - margin, high + margin), stage.view.level

        def work() -> object:
            try:
                return fine_levels(recording, codes, window, level, strength)
            except FileProblem:
                return None

        self._later.ask(work, at_once=False)

    def _on_done(self, answer: object) -> None:
        if isinstance(answer, Fine) and self._stage is not None and self._stage.view is not None:
            self._stage.view.set_detail(answer.arrays, answer.start, answer.step)


def fine_levels(
    recording: Recording,
    codes: NDArray[np.uint8] | None,
    window: tuple[float, float],
    level_db: tuple[float, float],
    strength: float = 1.0,
) -> Fine:
    """Return the levels of whole, speech and noise, frame by frame.

    Parameters
    ----------
    recording : Recording
    codes : ndarray of uint8, shape (257, frames), or None
        Gains as `partwise_speech.strength` keeps them.
    window : (start, end)
        Seconds.
    level_db : (low, high)
        What 0 and 255 are, in dBFS.
    strength : float
    """
    stft = stft_for(RATE)
    hop = stft.hop / RATE
    first = max(int(window[0] / hop), 0)
    last = min(int(np.ceil(window[1] / hop)) + 1, model_frames(recording))
    power = np.square(np.abs(frames_of(recording, first, max(last, first + 1))))
    arrays = {"whole": levels_of(power, level_db)}
    if codes is not None:
        cut = codes[:, first : first + power.shape[1]]
        gain: Any = np.square(gains_of(cut, strength))
        parts = [levels_of(power[:, : cut.shape[1]] * part, level_db) for part in (gain, 1 - gain)]
        arrays |= {"parts": np.stack(parts), "gain": cut}
    return Fine(arrays, first * hop, hop)


def levels_of(power: NDArray[np.float32], level_db: tuple[float, float]) -> NDArray[np.uint8]:
    """Return power as bytes, 0 and 255 being levels in dBFS."""
    low, high = level_db
    decibels = 10 * np.log10(np.maximum(power, 1e-20)) - stft_for(RATE).full_scale_db
    return np.clip(np.rint((decibels - low) / (high - low) * 255), 0, 255).astype(np.uint8)
