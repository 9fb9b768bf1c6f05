"""What is tried out before a run? Other gains, at once in sight, then everywhere."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise.api import FileProblem, Result
from partwise_app.api import Later
from partwise_speech.panel.preparing import Preparing
from partwise_speech.panel.preview import Preview, preview_of, scaled_levels
from partwise_speech.panel.stagehand import Stagehand

__all__ = ["Trying"]


class Trying(QObject):
    """Previews of a strength, the newest only."""

    previewed = Signal(int, object)
    """First sample and sound of a stretch at another strength."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stage: Stagehand | None = None
        self._view: Any = None
        self._codes: NDArray[np.uint8] | None = None
        self._drawn: tuple[object, ...] = ()
        self._busy = False
        self._next: tuple[Preparing, float] | None = None
        self._asked_at = 0.0
        self.took_ms = 0.0
        self._later = Later(self)
        self._later.done.connect(self._on_preview)
        self._all = Later(self)
        self._all.done.connect(self._on_all)

    def follow(
        self,
        stage: Stagehand,
        result: Result | None,
        strength: float,
        codes: NDArray[np.uint8] | None,
        version: int = 0,
    ) -> None:
        """Draw all of the speech as it is chosen, where that is not as the result has it.

        Parameters
        ----------
        stage : Stagehand
        result : Result or None
        strength : float
        codes : ndarray of uint8, shape (257, frames), or None
            Gains as they stand.
        version : int
            Another one where gains were changed in their place.
        """
        self._stage, self._codes = stage, codes
        views = result.views if result is not None else ()
        view = next((v for v in views if v.kind == "spectrogram" and "gain" in v.arrays), None)
        self._view = view
        asked = (id(view), strength, id(codes), version, stage.view)
        if asked == self._drawn:
            return
        self._drawn = asked
        found = view.arrays["gain"] if view is not None else None
        if view is None or codes is None or (strength == 1.0 and codes is found):
            self._all.forget()
            stage.set_preview(None)
            return
        whole, level = view.arrays["whole"], _level(view)

        def work() -> Preview:
            each = max(round(codes.shape[1] / whole.shape[1]), 1)
            levels = scaled_levels(whole, codes[:, ::each], level, strength)
            return Preview(strength, 0, levels, 0, np.zeros((0, 1), np.float32))

        self._all.ask(work, at_once=False)

    def ask(self, stage: Stagehand, prepared: Preparing, strength: float) -> None:
        """Try a strength out in what is in sight; while one is drawn, the newest waits."""
        self._stage = stage
        if self._busy:
            self._next = prepared, strength
            return
        view, recording, codes = self._view, prepared.recording, self._codes
        if view is None or recording is None or codes is None:
            return
        self._busy, self._asked_at = True, time.perf_counter()
        self._drawn = ()
        whole = view.arrays["whole"]
        window, column = stage.window, view.axes[1].step
        level = _level(view)

        def work() -> Preview | None:
            try:
                return preview_of(recording, whole, codes, window, column, level, strength)
            except (FileProblem, OSError):
                return None

        self._later.ask(work, at_once=False)

    def close(self) -> None:
        """Want no answer any more."""
        self._later.forget()
        self._all.forget()

    def _on_preview(self, answer: object) -> None:
        self._busy = False
        if isinstance(answer, Preview) and self._stage is not None:
            self._stage.set_preview(answer)
            self.previewed.emit(answer.start, answer.sound)
        self.took_ms = 1e3 * (time.perf_counter() - self._asked_at)
        if self._next is not None and self._stage is not None:
            prepared, strength = self._next
            self._next = None
            self.ask(self._stage, prepared, strength)

    def _on_all(self, answer: object) -> None:
        if isinstance(answer, Preview) and self._stage is not None:
            self._stage.set_preview(answer)


def _level(view: Any) -> tuple[float, float]:
    low, high = view.options["level"]
    return float(low), float(high)
