"""Which frame of a series is shown, and what do its greys mean? The line below the slices."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSlider, QWidget

from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.crossing import paint_gray_scale
from partwise_app.viewers.overlays import small_font
from partwise_app.viewers.plotting import number
from partwise_app.viewers.volumedata import Contents
from partwise_app.words import tr

__all__ = ["FrameBar"]

_MARGIN = 8.0
_SCALE = 250  # px of the grey scale with its ends
_LONGEST = "Frame 100 of 100 · 1,000–1,000 min"


class FrameBar(QWidget):
    """The scale of greys or colours, a slider over the frames, and words about the one shown.

    Parameters
    ----------
    held : Contents
        What the slices show.
    parent : QWidget
    """

    HEIGHT = 40

    changed = Signal(int)
    """A frame is chosen; -1 is the mean of all."""

    def __init__(self, held: Contents, parent: QWidget) -> None:
        super().__init__(parent)
        self._held, self._tokens = held, DARK
        self._window = (0.0, 1.0)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setAccessibleName(tr("Frame"))
        self._slider.setToolTip(tr("Frame; at the left end the mean of all"))
        self._slider.valueChanged.connect(self._on_slid)
        self._slider.hide()

    @property
    def frame(self) -> int:
        """The frame shown; -1 for the mean of all."""
        return self._slider.value() - 1 if self._many else 0

    def set_frame(self, frame: int) -> None:
        """Show a frame, as far as there are frames; -1 shows the mean of all."""
        self._slider.setValue(frame + 1)

    def take(self, *, anew: bool) -> None:
        """Offer the frames of what is held; `anew` begins at the mean of all."""
        if anew:
            self._slider.blockSignals(True)
            self._slider.setRange(0, len(self._held.values))
            self._slider.setValue(0)
            self._slider.blockSignals(False)
        self._slider.setVisible(self._many)
        self.update()

    def set_window(self, window: tuple[float, float]) -> None:
        """Say which values are black and white."""
        self._window = window
        self.update()

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self.update()

    @property
    def _many(self) -> bool:
        return len(self._held.values) > 1

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._held.planes:
            return
        painter = QPainter(self)
        painter.setFont(small_font(self.font()))
        metrics, line = QFontMetricsF(painter.font()), self.height() / 2
        low, high = (number(value) for value in self._window)
        paint_gray_scale(
            painter,
            _MARGIN,
            line,
            low,
            f"{high} {self._held.unit}".strip(),
            self._tokens,
            self._held.colors,
        )
        # Words stand where the slider of a series ends, and name what has no frames.
        room = self.width() - _SCALE - 2 * _MARGIN
        words = self._held.frame_words(self.frame) if self._many else self._held.title
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.setPen(QColor(self._tokens.text))
        left = self.width() - _MARGIN - metrics.horizontalAdvance(words)
        painter.drawText(QPointF(left, line + metrics.ascent() / 2 - 1), words)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        words = QFontMetricsF(small_font(self.font())).horizontalAdvance(_LONGEST)
        wide = max(int(self.width() - _SCALE - words - 24), 60)
        self._slider.setGeometry(_SCALE, int(self.height() / 2 - 11), wide, 22)
        super().resizeEvent(event)

    def _on_slid(self) -> None:
        self.changed.emit(self.frame)
        self.update()
