"""What is one atom? A small spectrum to be heard, muted, or given to the other side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDrag,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu

from partwise_app.api import tr

__all__ = ["MIME", "NOISE", "VOICE", "AtomTile"]

NOISE, VOICE = "noise", "voice"
MIME = "application/x-partwise-atom"
_RANGE_DB = 40.0
_SHORT = {NOISE: "Atom {number}", VOICE: "Group {number}"}
_NAMES = {
    NOISE: ("Atom {number} of {of}", "the noise"),
    VOICE: ("Group {number} of {of}", "the voice"),
}


class AtomTile(QAbstractButton):
    """One spectrum; a click hears it alone, ``M`` or Ctrl and a click mutes it.

    With `movable`, a drag or ``T`` asks for it to count on the other side.

    Parameters
    ----------
    side : {"noise", "voice"}
        Whose atom it is.
    number : int
        From 1 on.
    color : str
    of : str
        The name of what it is an atom of; empty for that of its side.
    """

    muted_asked = Signal()
    turn_asked = Signal()
    show_asked = Signal()
    taken_up = Signal()
    """It was clicked, or the keyboard came to it."""

    def __init__(self, side: str, number: int, color: str, of: str = "") -> None:
        super().__init__()
        self.side, self.number = side, number
        self.movable = self.turned = self.muted = self.shown = False
        self._of = of
        self._share: float | None = None
        self._color = color
        self._line: NDArray[np.float64] = np.zeros(2)
        self._pressed: QPoint | None = None
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumSize(28, 30)
        self._name()

    @property
    def mime(self) -> QMimeData:
        """What a drag carries: side and number."""
        data = QMimeData()
        data.setData(MIME, f"{self.side} {self.number}".encode())
        return data

    @property
    def short_name(self) -> str:
        """Its number, and its share where that is known."""
        words = tr(_SHORT[self.side], number=self.number)
        if self._share is None:
            return words
        return tr("{name} · {share} %", name=words, share=f"{100 * self._share:.0f}")

    @property
    def turns_to_speech(self) -> bool:
        """Whether it would count as speech if it were moved."""
        return (self.side == NOISE) != self.turned

    @property
    def turn_words(self) -> str:
        """What moving it would do."""
        return tr("Count it as speech") if self.turns_to_speech else tr("Count it as noise")

    def set_spectrum(self, spectrum: NDArray[np.floating], share: float | None) -> None:
        """Show a spectrum, low frequencies left, and say its share of the noise or the voice."""
        top = float(spectrum.max(initial=0.0)) or 1.0
        level = 20 * np.log10(np.maximum(np.asarray(spectrum, np.float64) / top, 1e-6))
        self._line = np.clip(1 + level / _RANGE_DB, 0, 1)
        self._share = share
        self._name()
        self.update()

    def set_state(
        self,
        *,
        muted: bool | None = None,
        turned: bool | None = None,
        shown: bool | None = None,
    ) -> None:
        """Say whether it is muted, counts on the other side, or is drawn alone."""
        self.muted = self.muted if muted is None else muted
        self.turned = self.turned if turned is None else turned
        self.shown = self.shown if shown is None else shown
        self._name()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(46, 32)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        palette = self.palette()
        painter.fillRect(frame, palette.shadow())
        inner = frame.adjusted(2, 4, -2, -2)
        across = np.linspace(inner.left(), inner.right(), self._line.size)
        down = inner.bottom() - self._line * inner.height()
        points = [QPointF(float(x), float(y)) for x, y in zip(across, down, strict=True)]
        ink = palette.mid().color() if self.muted else QColor(self._color)
        fill = QColor(ink)
        fill.setAlphaF(0.45)
        painter.setPen(QPen(ink, 1.2))
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF([inner.bottomLeft(), *points, inner.bottomRight()]))
        if self.muted:
            painter.setPen(QPen(palette.text().color(), 1.2))
            painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.turned:  # whose atom it is stays to be seen on the other side
            painter.setPen(QPen(QColor(self._color), 1.4, Qt.PenStyle.DashLine))
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
        if self.shown:  # a bar below it, as under the tab that is looked at
            bar = QRectF(frame.left() + 2, frame.bottom() - 3, frame.width() - 4, 3)
            painter.fillRect(bar, palette.highlight())
        if self.isChecked():
            painter.setPen(QPen(palette.highlight().color(), 2))
            painter.drawRect(frame.adjusted(0.5, 0.5, -0.5, -0.5))
        if self.hasFocus():  # in the ink of words, to be told from what is heard alone
            inside = 2.5 if self.isChecked() else 0.5
            painter.setPen(QPen(palette.text().color(), 2))
            painter.drawRect(frame.adjusted(inside, inside, -inside, -inside))
        painter.end()

    # Hands

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.muted_asked.emit()
            return
        self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = QApplication.startDragDistance()
        begun, at = self._pressed, event.position().toPoint()
        if not self.movable or begun is None or (at - begun).manhattanLength() < far:
            super().mouseMoveEvent(event)
            return
        self._pressed = None
        self.setDown(False)  # what is dragged was not clicked
        drag = QDrag(self)
        drag.setMimeData(self.mime)
        drag.setPixmap(self.grab())
        drag.setHotSpot(begun)
        drag.exec(Qt.DropAction.MoveAction)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed = None
        super().mouseReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.taken_up.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_M:
            self.muted_asked.emit()
        elif event.key() == Qt.Key.Key_T and self.movable:
            self.turn_asked.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self.movable:
            super().contextMenuEvent(event)
            return
        menu = QMenu(self)
        alone = menu.addAction(tr("Hear it alone"))
        rest = menu.addAction(tr("Hear the rest without it (M)"))
        seen = menu.addAction(tr("Draw it alone in the lower picture"))
        for action, on in ((alone, self.isChecked()), (rest, self.muted), (seen, self.shown)):
            action.setCheckable(True)
            action.setChecked(on)
        menu.addSeparator()
        turn = menu.addAction(f"{self.turn_words} (T)")
        chosen = menu.exec(event.globalPos())
        menu.deleteLater()
        if chosen is alone:
            self.click()
        elif chosen is rest:
            self.muted_asked.emit()
        elif chosen is seen:
            self.show_asked.emit()
        elif chosen is turn:
            self.turn_asked.emit()

    def _name(self) -> None:
        pattern, whose = _NAMES[self.side]
        words = tr(pattern, number=self.number, of=self._of or tr(whose))
        if self._share is None:
            self.setAccessibleName(words)
            self.setToolTip(words + "\n" + tr("Click to hear noise of this shape"))
            return
        words += tr(", {share} % of it", share=f"{100 * self._share:.0f}")
        if self.turned:
            words += tr(", counts as speech") if self.side == NOISE else tr(", counts as noise")
        if self.muted:
            words += tr(", muted")
        self.setAccessibleName(words)
        tip = tr("Click to hear it alone, Ctrl and click (M) to hear the rest without it")
        if self.movable:
            turn = self.turn_words
            tip += "\n" + tr("Drag it to the other side, or T: {turn}", turn=turn.lower())
        self.setToolTip(f"{words}\n{tip}")
