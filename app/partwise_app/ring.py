"""Which picture has the keyboard? A frame around it, where Tab has come to one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QWidget,
)

from partwise_app.strip import StripView
from partwise_app.theme import DARK, Tokens

__all__ = ["Ring"]

_SHOW_IT_THEMSELVES = (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    StripView,
)
_PICTURE = 60  # px at least; smaller drawings, such as handles, are marked by their own means
_WIDTH = 2.0


class Ring(QWidget):
    """A frame over the window around one picture; away as soon as the keyboard leaves it.

    Parameters
    ----------
    window : QWidget
        On which it lies.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._tokens = DARK
        self._around: QWidget | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)

    def show_focus(self) -> None:
        """Frame what has the keyboard, where that is a picture."""
        widget = QApplication.focusWidget()
        picture = widget is not None and min(widget.width(), widget.height()) >= _PICTURE
        if widget is None or not picture or isinstance(widget, _SHOW_IT_THEMSELVES):
            return
        self._around = widget
        widget.installEventFilter(self)
        self._place()
        self.show()
        self.raise_()

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._around and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        half = _WIDTH / 2
        painter.setPen(QPen(QColor(self._tokens.accent), _WIDTH))
        painter.drawRect(QRectF(self.rect()).adjusted(half, half, -half, -half))
        painter.end()

    def _place(self) -> None:
        window, around = self.parentWidget(), self._around
        if window is None or around is None:
            return
        corner = around.mapTo(window, QPoint(0, 0))
        self.setGeometry(QRect(corner, around.size()) & window.rect())

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        if self._around is not None and now is not self._around:
            self._around.removeEventFilter(self)
            self._around = None
            self.hide()
