"""How is a row of a list drawn? Its ground and its two sizes of words, the same in every list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from partwise_app.theme import DARK, Tokens

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize

__all__ = ["Rows"]

_TITLE_PX, _SMALL_PX = 13, 11


class Rows(QStyledItemDelegate):
    """A delegate for rows of one size; what stands in them is drawn by `draw`.

    Parameters
    ----------
    owner : QWidget
        Whose font is used.
    size : QSize
        The least width, and the height of every row.
    role : int
        Where an index holds what its row says; a row that holds nothing stays empty.
    """

    def __init__(self, owner: QWidget, size: QSize, role: int) -> None:
        super().__init__(owner)
        self._owner = owner
        self._size = size
        self._role = role
        self.tokens: Tokens = DARK
        self.marked = False  # the chosen row has a bar at its left edge

    def draw(self, painter: QPainter, box: QRect, held: object) -> None:
        """Draw what a row holds."""
        raise NotImplementedError

    def write_title(self, painter: QPainter, color: str) -> None:
        """Let what follows be written as a title."""
        self._write(painter, _TITLE_PX, color)

    def write_small(self, painter: QPainter) -> None:
        """Let what follows be written small."""
        self._write(painter, _SMALL_PX, self.tokens.muted)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return self._size

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        held = index.data(self._role)
        if held is None:
            return
        with _saved(painter):
            self._paint_ground(painter, option)
            box: QRect = option.rect
            self.draw(painter, box, held)

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        box: QRect = option.rect
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(self.tokens.selected))
            if self.marked:
                wide = 3 if state & QStyle.StateFlag.State_HasFocus else 2
                painter.fillRect(box.x(), box.y(), wide, box.height(), QColor(self.tokens.accent))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, QColor(self.tokens.hover))

    def _write(self, painter: QPainter, size: int, color: str) -> None:
        font = QFont(self._owner.font())
        font.setPixelSize(size)
        painter.setFont(font)
        painter.setPen(QColor(color))


@contextmanager
def _saved(painter: QPainter) -> Iterator[None]:
    painter.save()
    painter.setRenderHints(
        QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
    )
    try:
        yield
    finally:
        painter.restore()
