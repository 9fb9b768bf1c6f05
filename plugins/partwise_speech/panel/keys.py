"""Which keys work wherever the window has its focus? Space, 1, 2, 3 and the brushes.

Digits are keys of the mixer in other panels. Here they choose what is heard, so they are claimed
before they become commands; a text field keeps them, for it claims them first. A button that was
clicked gives the keys back to the picture, so that Space goes on playing; one that was reached by
Tab keeps them, for Space presses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

__all__ = ["Keys"]

_WAIT_MS = 30  # between looks whether the button of the mouse is up again
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)


class Keys(QObject):
    """Watches the window that a widget is in.

    Parameters
    ----------
    claimed : mapping of Qt.Key to callable
        Keys that are commands elsewhere.
    others : mapping of Qt.Key to callable
        Keys that nothing else took.
    works : callable
        Asked before: whether the keys mean this now.
    picture : callable
        Returns the widget that keys belong to, or None.
    """

    def __init__(
        self,
        claimed: Mapping[Qt.Key, Callable[[], None]],
        others: Mapping[Qt.Key, Callable[[], None]],
        works: Callable[[], bool],
        picture: Callable[[], QWidget | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._picture = picture
        self._back = QTimer(self)
        self._back.setInterval(_WAIT_MS)
        self._back.timeout.connect(self._give_back)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus)
        self._claimed, self._others, self._works = dict(claimed), dict(others), works
        self._window: QWidget | None = None

    def watch(self, window: QWidget | None) -> None:
        """Watch another window; None watches nothing."""
        if window is self._window:
            return
        if self._window is not None:
            self._window.removeEventFilter(self)
        self._window = window
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Both kinds of events come to the window only where what has the focus did not take them.
        if not isinstance(event, QKeyEvent) or event.modifiers() not in _PLAIN:
            return False
        key = Qt.Key(event.key())
        if event.type() == QEvent.Type.ShortcutOverride and key in self._claimed and self._works():
            event.accept()
            if not event.isAutoRepeat():
                self._claimed[key]()
            return True
        if event.type() == QEvent.Type.KeyPress and self._works():
            if key in self._claimed:
                return True
            if key in self._others and not event.isAutoRepeat():
                self._others[key]()
                return True
        return False

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        """A button that has the focus while the mouse is down was clicked."""
        clicked = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        ours = isinstance(new, QAbstractButton) and new.window() is self._window
        if clicked and ours and self._works():
            self._back.start()

    def _give_back(self) -> None:
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            return  # before it is let go, the button would take it for a change of mind
        self._back.stop()
        picture = self._picture()
        if isinstance(QApplication.focusWidget(), QAbstractButton) and picture is not None:
            picture.setFocus()
