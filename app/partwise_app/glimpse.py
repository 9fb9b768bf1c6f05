"""What does a sample look like that is no picture? Drawn once, as it will be on the stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, QTimer, Signal
from PySide6.QtGui import QImage

from partwise_app.viewers.plots import PlotStage, is_table
from partwise_app.viewers.views import ViewStage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from partwise_app.filework import Opened
    from partwise_app.theme import Tokens

__all__ = ["Glimpse"]

_SIZE = QSize(560, 222)  # in the proportions of a card's picture
_EVERY_MS, _TRIES = 100, 50  # pyramids and peaks are built in the background


class Glimpse(QObject):
    """Draws an input on a stage of its own that nobody sees, and hands over its picture.

    Parameters
    ----------
    opened : Opened
    tokens : Tokens
    parent : QWidget
        A window that may be closed before the picture is there.
    """

    drawn = Signal(str, QImage)

    def __init__(self, key: str, opened: Opened, tokens: Tokens, parent: QWidget) -> None:
        super().__init__(parent)
        self._key = key
        self._tries = 0
        self._stage: PlotStage | ViewStage | None = None
        if is_table(opened.dataset):
            stage = PlotStage(parent)
            stage.set_theme(tokens)
            stage.set_dataset(opened.dataset)
            self._stage = stage
        elif opened.views:
            views = ViewStage(parent)
            views.set_theme(tokens)
            views.set_input(opened.title, opened.views)
            self._stage = views
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        if self._stage is not None:
            self._stage.hide()
            self._stage.resize(_SIZE)
            self._timer.start(_EVERY_MS)

    def _look(self) -> None:
        assert self._stage is not None
        self._tries += 1
        if self._waits() and self._tries < _TRIES:
            return
        self._timer.stop()
        picture = self._stage.thumbnail("whole", _SIZE)
        self._stage.deleteLater()
        self._stage = None
        self.drawn.emit(self._key, picture)
        self.deleteLater()

    def _waits(self) -> bool:
        if not isinstance(self._stage, ViewStage):
            return False
        drawing = self._stage.first()
        if drawing is not None:
            drawing.resize(_SIZE)
        return self._stage.is_building
