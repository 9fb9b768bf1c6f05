"""How is a row of a list drawn? Its ground and its two sizes of words, the same in every list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from partwise_app.theme import DARK, Tokens

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize

__all__ = ["SMALL_PX", "TITLE_PX", "Rows", "broken"]

TITLE_PX, SMALL_PX = 13, 11
_FACT = " · "  # between facts
_AFTER = " _-"  # where a name may be broken


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
        self._write(painter, TITLE_PX, color)

    def write_small(self, painter: QPainter) -> None:
        """Let what follows be written small."""
        self._write(painter, SMALL_PX, self.tokens.muted)

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

    def font_of(self, size: int) -> QFont:
        """Return the font of words of a size in px."""
        font = QFont(self._owner.font())
        font.setPixelSize(size)
        return font

    def _write(self, painter: QPainter, size: int, color: str) -> None:
        painter.setFont(self.font_of(size))
        painter.setPen(QColor(color))


def broken(words: str, metrics: QFontMetrics, width: int) -> tuple[str, ...]:
    """Break words wider than `width` px into two lines; the second is shortened at need."""
    if metrics.horizontalAdvance(words) <= width:
        return (words,)
    fits = next(
        k
        for k in range(len(words), 0, -1)
        if metrics.horizontalAdvance(words[:k]) <= width or k == 1
    )
    fact = words.rfind(_FACT, 0, fits) + 1
    word = max(words.rfind(mark, 0, fits) for mark in _AFTER) + 1
    at = next((at for at in (fact, word) if 2 * at > fits), fits)
    rest = words[at:].lstrip(" ·")
    cut = metrics.elidedText(rest, Qt.TextElideMode.ElideMiddle, width)
    return words[:at].rstrip(" ·"), cut


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
