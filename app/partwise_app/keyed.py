"""Did the keyboard come here by keys? Who came by keys sees where they are; who clicked knows."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QWidget
from shiboken6 import isValid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Keyed", "bring_into_sight", "hand_over", "is_keyed", "unmarked"]

_MARGIN = 8  # px that stay above and below what is scrolled to
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

    def _on_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        last = self._last()
        # After another window had the keyboard, it comes back to where it was as it was.
        if now is None or (before is None and now is last):
            return
        self._last = weakref.ref(now)
        clicked = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        # It goes on by itself to a new window, from what went out of sight, or to what is within.
        went = before is not None and before.isVisible() and not before.isAncestorOf(now)
        _note(now, not clicked and (went or _is_marked(before or last)))


def is_keyed(widget: QWidget) -> bool:
    """Whether a widget has the keyboard, and was not clicked to have it."""
    return widget.hasFocus() and widget.property(_RING) is not False


@contextmanager
def unmarked() -> Iterator[None]:
    """Let widgets be drawn for elsewhere, such as a figure, without the mark of the keyboard."""
    now = QApplication.focusWidget()
    if now is None:
        yield
        return
    before = now.property(_RING)
    now.setProperty(_RING, False)
    try:
        yield
    finally:
        now.setProperty(_RING, before)


def hand_over(widget: QWidget) -> None:
    """Give the keyboard to a widget that has come into sight, marked if it was where it was."""
    keyed = _is_marked(QApplication.focusWidget())
    widget.setFocus()
    now = QApplication.focusWidget()  # it may have passed it on
    if now is not None:
        _note(now, keyed)


def bring_into_sight(widget: QWidget | None) -> None:
    """Scroll to a widget; Qt does so only where the keyboard was within the same area before."""
    above = widget.parentWidget() if widget is not None else None
    while widget is not None and above is not None:
        if isinstance(above, QScrollArea) and above.isAncestorOf(widget):
            above.ensureWidgetVisible(widget, 0, _MARGIN)
        above = above.parentWidget()


def _is_marked(widget: QWidget | None) -> bool:
    return widget is not None and isValid(widget) and bool(widget.property(_RING))


def _note(widget: QWidget, keyed: bool) -> None:
    if widget.property(_RING) == keyed:
        return
    widget.setProperty(_RING, keyed)
    if isinstance(widget, QAbstractButton):  # its ring is the style sheet's
        widget.style().unpolish(widget)
        widget.style().polish(widget)
    widget.update()


def _nothing() -> None:
    return None
