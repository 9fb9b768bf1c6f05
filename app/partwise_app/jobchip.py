"""How far is it, how long will it take, and how is it stopped?"""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from partwise_app.controls import button, label
from partwise_app.words import tr

__all__ = ["JobChip", "time_left"]

_KNOWN_AFTER_S = 1.5  # before, an estimate would only flicker
_KNOWN_FROM = 0.05


def time_left(elapsed_s: float, fraction: float) -> str:
    """Return how long it will take, in words, or nothing while that is anybody's guess."""
    if elapsed_s < _KNOWN_AFTER_S or not _KNOWN_FROM <= fraction < 1:
        return ""
    left = elapsed_s * (1 - fraction) / fraction
    if left < 90:
        return f"{max(round(left), 1)} s left"
    if left < 5400:
        return f"{round(left / 60)} min left"
    return f"{left / 3600:.1f} h left"


class JobChip(QWidget):
    """The left end of the status bar: what is going on, its progress, and Cancel."""

    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._began = 0.0
        self._what = label(tr("Ready"))
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(112)
        self._bar.setAccessibleName(tr("Progress"))
        self._left = label("")
        self._cancel = button(
            tr("Cancel"), "link", name=tr("Cancel what is going on"), tip=tr("Stop (Ctrl+.)")
        )
        self._cancel.setCursor(Qt.CursorShape.PointingHandCursor)
        self._cancel.clicked.connect(self.cancel_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        for widget in (self._what, self._bar, self._left, self._cancel):
            row.addWidget(widget)
        row.addStretch()
        self.rest(tr("Ready"))

    def begin(self, what: str, *, cancellable: bool = True) -> None:
        """Show that something begins whose progress will be told."""
        self._began = time.monotonic()
        self._what.setText(what)
        self._left.setText("")
        self._bar.setRange(0, 1000)
        self._bar.setValue(0)
        self._bar.show()
        self._left.hide()
        self._cancel.setVisible(cancellable)

    def progress(self, fraction: float, what: str) -> None:
        """Show how far it is, 0 to 1."""
        self._bar.setValue(round(1000 * fraction))
        left = time_left(time.monotonic() - self._began, fraction)
        self._left.setText(left)
        self._left.setVisible(bool(left))
        if what:
            self._what.setText(what)

    def stopping(self) -> None:
        """Show that the wish to stop was heard."""
        self._what.setText(tr("Stopping…"))
        self._left.hide()
        self._cancel.hide()

    def rest(self, what: str) -> None:
        """Show that nothing is going on."""
        self._what.setText(what)
        for widget in (self._bar, self._left, self._cancel):
            widget.hide()

    def text(self) -> str:
        """Return what is said."""
        return self._what.text()
