"""Did the keyboard come here by keys? Who came by keys sees where they are; who clicked knows."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication

__all__ = ["Keyed", "is_keyed"]

_RING = "ring"  # the style sheet looks at it


class Keyed(QObject):
    """Notes on each widget that takes the keyboard whether it was clicked.

    Parameters
    ----------
    app : QApplication
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._last: Callable[[], QWidget | None] = _nothing
        app.focusChanged.connect(self._on_focus)

    def _on_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        # After another window had the keyboard, it comes back to where it was as it was.
        if now is None or now is self._last():
            return
        self._last = weakref.ref(now)
        keyed = QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton
        if now.property(_RING) == keyed:
            return
        now.setProperty(_RING, keyed)
        if isinstance(now, QAbstractButton):  # its ring is the style sheet's
            now.style().unpolish(now)
            now.style().polish(now)
        now.update()


def is_keyed(widget: QWidget) -> bool:
    """Whether a widget has the keyboard, and was not clicked to have it."""
    return widget.hasFocus() and widget.property(_RING) is not False


def _nothing() -> None:
    return None
