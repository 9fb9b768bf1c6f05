"""Which gains are there where one looks? A recording's, made anew piece by piece in a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from partwise_app.api import Later
from partwise_speech.frames import RATE, stft_for

__all__ = ["Codes", "Made", "Piecewise"]

Codes = NDArray[np.uint8]

_PIECE_S = 10.0
_WAIT_MS = 120
_LONGEST_S = 120.0  # in sight, from which only what comes first is made anew


@dataclass(frozen=True, eq=False)
class Made:
    """Gains of a piece; without gains where they cannot be made.

    Attributes
    ----------
    number : int
        Of the piece.
    wish : object
        What it was made for.
    first : int
        Frame that the gains begin with.
    codes : ndarray of uint8, shape (257, frames), or None
    """

    number: int
    wish: object
    first: int = 0
    codes: Codes | None = None


class Piecewise(QObject):
    """Gains as they were found, and in sight as they are wished.

    Attributes
    ----------
    version : int
        Grows with every change of `codes` in its place.
    """

    remade = Signal()
    """Gains in sight are others now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._base: Codes | None = None  # what stands where nothing was made anew
        self._codes: Codes | None = None
        self._done = np.zeros(0, bool)  # pieces whose gains are as wished
        self._is_old = True  # whether `_codes` are of what was wished before
        self._sight = (0.0, 0.0)
        self._busy = False
        self.version = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._go_on)
        self._making = Later(self)
        self._making.done.connect(self._on_made)

    @property
    def codes(self) -> Codes | None:
        """Gains as they stand: those found, and in sight those that are wished."""
        return self._codes

    @property
    def is_tried(self) -> bool:
        """Whether anything is wished otherwise than it was found."""
        raise NotImplementedError

    def look(self, sight: tuple[float, float]) -> None:
        """See to what is in sight now, in seconds, soon."""
        self._sight = sight
        if self.is_tried:
            self._timer.start()

    def close(self) -> None:
        """Want no answer any more."""
        self._timer.stop()
        self._making.forget()

    # What is wished, and how it is made

    @property
    def _wish(self) -> object:
        """What gains are made for; compared with what they were made for."""
        raise NotImplementedError

    def _work(self, number: int, frames: tuple[int, int]) -> Callable[[], Made] | None:
        """Return what makes a piece in a thread; None while that cannot be done."""
        raise NotImplementedError

    # Within

    def _start_over(self, base: Codes | None) -> None:
        """Go on with gains of another recording or run."""
        self._making.forget()
        self._busy, self._is_old = False, True
        self._base = self._codes = base
        frames = base.shape[1] if base is not None else 0
        self._done = np.zeros(-(-frames // _piece()), bool)

    def _wish_anew(self) -> None:
        """Something else is wished; what was made before stands until it is there."""
        self._is_old = True
        self._done[:] = False
        if not self.is_tried:
            self._codes = self._base

    def _go_on(self) -> None:
        """Make what is missing in sight, from left to right."""
        low, high = self._sight
        per_s = RATE / stft_for(RATE).hop
        first = max(int(low * per_s) // _piece(), 0)
        last = min(int(min(high, low + _LONGEST_S) * per_s) // _piece() + 1, len(self._done))
        number = next((k for k in range(first, last) if not self._done[k]), None)
        if number is None or self._busy or self._base is None:
            return
        work = self._work(number, self._frames(number))
        if work is not None:
            self._busy = True
            self._making.ask(work, at_once=False)

    def _frames(self, number: int) -> tuple[int, int]:
        assert self._base is not None
        return number * _piece(), min((number + 1) * _piece(), self._base.shape[1])

    def _on_made(self, made: object) -> None:
        assert isinstance(made, Made)
        self._busy = False
        if made.wish == self._wish and self.is_tried:
            self._done[made.number] = True
            if made.codes is not None:
                self._put(made.first, made.codes)
        if self.is_tried:
            self._go_on()

    def _put(self, first: int, codes: Codes) -> None:
        assert self._base is not None
        if self._is_old or self._codes is None:  # what was tried before stands until now
            self._codes, self._is_old = self._base.copy(), False
        self._codes[:, first : first + codes.shape[1]] = codes
        self.version += 1
        self.remade.emit()


def _piece() -> int:
    """Frames of a piece."""
    return round(_PIECE_S * RATE / stft_for(RATE).hop)
