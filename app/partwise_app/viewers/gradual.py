"""How is a drawing of many strokes made while the window stays awake? Bit by bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter

__all__ = ["Drawn", "Gradual", "Stroke"]

Stroke = Callable[[QPainter], None]

_BUDGET = 0.010  # seconds of drawing before the window is heard again


class Drawn(NamedTuple):
    """A finished picture, and where its drawing looked."""

    image: QImage
    look: tuple[float, float, float]


class Gradual(QObject):
    """Draws strokes into a picture, for some milliseconds at a time.

    The last finished picture stays at hand until the next one is finished.
    """

    advanced = Signal()
    """There is more to be seen than before."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._strokes: Iterator[Stroke] = iter(())
        self._fresh: QImage | None = None
        self._look = (1.0, 0.0, 0.0)
        self._drawn: Drawn | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)

    @property
    def drawn(self) -> Drawn | None:
        """The last picture that was finished."""
        return self._drawn

    @property
    def begun(self) -> QImage | None:
        """The picture that is being drawn; None when all is done."""
        return self._fresh

    def start(
        self,
        size: QSize,
        ratio: float,
        look: tuple[float, float, float],
        strokes: Iterable[Stroke],
    ) -> None:
        """Begin a new picture of `size` at `ratio` device pixels per pixel.

        Strokes are asked for one by one, while they are drawn.
        """
        self._fresh = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        self._fresh.setDevicePixelRatio(ratio)
        self._fresh.fill(Qt.GlobalColor.transparent)
        self._look = look
        self._strokes = iter(strokes)
        self._timer.start(0)

    def finish(self) -> None:
        """Draw all that is left at once."""
        while self._fresh is not None:
            self._draw()

    def clear(self) -> None:
        """Forget what is finished and what has begun."""
        self._drawn, self._fresh, self._strokes = None, None, iter(())

    def _draw(self) -> None:
        if self._fresh is None:
            return
        painter = QPainter(self._fresh)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        until, done = time.perf_counter() + _BUDGET, False
        for stroke in self._strokes:
            stroke(painter)
            if time.perf_counter() >= until:
                break
        else:
            done = True
        painter.end()
        if done:
            self._drawn, self._fresh = Drawn(self._fresh, self._look), None
        else:
            self._timer.start(0)
        if self._drawn is None or self._fresh is None:
            self.advanced.emit()
