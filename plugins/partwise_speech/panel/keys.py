"""Which keys work wherever the window has its focus? Space, 1, 2, 3 and the brushes.

Digits are keys of the mixer in other panels. Here they choose what is heard, so they are claimed
before they become commands; a text field keeps them, for it claims them first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["Keys"]

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
    """

    def __init__(
        self,
        claimed: Mapping[Qt.Key, Callable[[], None]],
        others: Mapping[Qt.Key, Callable[[], None]],
        works: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
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
