"""How is much to be drawn without keeping the person waiting? One thing per turn of the loop."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

__all__ = ["Turns"]


class Turns(QObject):
    """Does what it was asked for one by one; between two, the window hears keys and paints."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[str, Callable[[], None]] = {}
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._next)

    def ask(self, name: str, work: Callable[[], None]) -> None:
        """Do `work` soon; where something of this name still waits, in its place."""
        self._waiting[name] = work
        if not self._timer.isActive():
            self._timer.start(0)

    def forget(self) -> None:
        """Leave undone what still waits."""
        self._waiting.clear()
        self._timer.stop()

    def _next(self) -> None:
        if self._waiting:
            self._waiting.pop(next(iter(self._waiting)))()
        if not self._waiting:
            self._timer.stop()
