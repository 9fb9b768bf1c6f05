"""Which atoms count as noise, and which as speech? One of the two sides, to drop them on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QRectF, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from partwise_app.api import SectionLabel, tr
from partwise_speech.panel.atombar import AtomBar
from partwise_speech.panel.tile import MIME, NOISE, VOICE, AtomTile

__all__ = ["Side"]

_HEAD = 24  # px
_TITLE = 152  # px of the heading


class Side(QWidget):
    """The atoms that count on one side; a tile of the other one can be dropped here.

    Parameters
    ----------
    side : {"noise", "voice"}
    """

    dropped = Signal(str, int)
    """An atom of that side and number, from 1 on, shall count here."""

    def __init__(self, side: str) -> None:
        super().__init__()
        self.side = side
        self._over = False
        self.grid = QGridLayout()
        self.grid.setSpacing(3)
        words = tr("Counts as noise") if side == NOISE else tr("Counts as speech")
        self.title = SectionLabel(words)
        scale = tr("Each is 0 to 8 kHz in bands, and 40 dB high.")
        self.title.setToolTip(
            tr("{scale} Click to hear and see one, drag or T to move it across", scale=scale)
        )
        self.bar = AtomBar()
        self.head = QWidget()
        self.head.setFixedHeight(_HEAD)
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.title.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.title.setFixedWidth(_TITLE)
        row.addWidget(self.title, 0, Qt.AlignmentFlag.AlignLeft)
        row.addWidget(self.bar, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        box.addWidget(self.head)
        box.addLayout(self.grid)
        box.addStretch(1)
        self.setAcceptDrops(True)
        self.setAccessibleName(words)

    def stand_for(self, tile: AtomTile | None) -> None:
        """Show what can be done with an atom; None shows the heading alone."""
        if tile is not None:
            self.bar.follow(tile)
        self.bar.setVisible(tile is not None)
        self._share_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_out()

    def _share_out(self) -> None:
        """Where there is no room for both, what can be done stands in place of the heading."""
        room = self.bar.isHidden() or self.width() >= self.bar.needed + _TITLE + 8
        self.title.setVisible(room)

    def show_tiles(self, tiles: Sequence[AtomTile], rows: int) -> None:
        """Lay tiles out in so many rows, in their order."""
        while self.grid.count():
            self.grid.takeAt(0)
        across = max(-(-len(tiles) // rows), 1)
        for place, tile in enumerate(tiles):
            self.grid.addWidget(tile, place // across, place % across)
            tile.show()
        for column in range(max(self.grid.columnCount(), across)):
            self.grid.setColumnStretch(column, 1 if column < across else 0)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._carried(event.mimeData()) is not None:
            self._set_over(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_over(False)
        carried = self._carried(event.mimeData())
        if carried is not None:
            event.acceptProposedAction()
            self.dropped.emit(*carried)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._over:
            painter = QPainter(self)
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
            painter.end()

    def _carried(self, data: QMimeData) -> tuple[str, int] | None:
        if not data.hasFormat(MIME):
            return None
        side, _, number = data.data(MIME).toStdString().partition(" ")
        return (side, int(number)) if side in (NOISE, VOICE) and number.isdigit() else None

    def _set_over(self, over: bool) -> None:
        self._over = over
        self.update()
