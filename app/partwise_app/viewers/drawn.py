"""How does what is looked at on a stage of pages go elsewhere? All of it, without tabs and bars."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QPainter, QRegion
from PySide6.QtWidgets import QWidget

from partwise_app.keyed import unmarked

__all__ = ["PagedStage"]


class PagedStage(QWidget):
    """A stage that shows one page at a time."""

    def drawn_size(self) -> QSize:
        """Return how large the drawing is, also what is scrolled out of sight."""
        return self._looked_at().size()

    def draw_on(self, painter: QPainter) -> None:
        """Draw what is on the stage now, without tabs and scroll bars."""
        with unmarked():
            self._looked_at().render(painter, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)

    def _looked_at(self) -> QWidget:
        raise NotImplementedError
