"""How far is it, how long will it take, and how is it stopped?"""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from partwise.jobs.pace import Pace, in_words
from partwise_app.controls import button, label
from partwise_app.words import mark, tr

__all__ = ["JobChip"]

_KNOWN_AFTER_S = 1.5  # before, an estimate would only flicker
_CANCELS = mark("Cancel what is going on")


class JobChip(QWidget):
    """The left end of the status bar: what is going on, its progress, and Cancel."""

    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._began = 0.0
        self._pace = Pace()
        self._told = ""
        self._silent = self._ending = False
        self._what = label(tr("Ready"))
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(112)
        self._bar.setAccessibleName(tr("Progress"))
        self._left = label("")
        self._cancel = button(tr("Cancel"), "link", name=tr(_CANCELS), tip=tr("Stop (Ctrl+.)"))
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
        self._pace = Pace()
        self._told = what
        self._say_alive()
        self._left.setText("")
        self._bar.setRange(0, 1000)
        self._bar.setValue(0)
        self._bar.show()
        self._left.hide()
        self._cancel.setVisible(cancellable)

    def begin_quietly(self, what: str) -> None:
        """Show what goes on beside the person's work; nobody waits for it, or knows how far it is.

        It can be cancelled.
        """
        self.rest(what)
        self._cancel.show()

    def quiet(self, seconds: float) -> None:
        """Show that nothing was heard of the run for so long, and how to end it."""
        if self._ending:
            return
        self._silent = True
        self._what.setText(tr("No sign of life for {time}", time=in_words(seconds)))
        self._what.setToolTip(
            tr("{what}. It may be in a long step, or hang.", what=self._told.rstrip(". "))
        )
        self._left.hide()
        self._cancel.setText(tr("Stop"))
        self._cancel.setAccessibleName(tr("Stop the run that is silent"))

    def progress(self, fraction: float, what: str) -> None:
        """Show how far it is, 0 to 1."""
        # Qt's bar paints itself within the call, and all else of the window that waits with it.
        self._bar.setUpdatesEnabled(False)
        self._bar.setValue(round(1000 * fraction))
        self._bar.setUpdatesEnabled(True)
        now = time.monotonic()
        self._pace.note(fraction, now)
        if what:
            self._told = what
        if self._ending:
            return  # what is still on its way must not cover that Stop was heard
        seconds = self._pace.left() if now - self._began >= _KNOWN_AFTER_S else None
        self._left.setText("" if seconds is None else tr("{t} left", t=in_words(seconds)))
        self._left.setVisible(seconds is not None)
        self._say_alive()

    def stopping(self) -> None:
        """Show that the wish to stop was heard."""
        self._say_alive()
        self._ending = True
        self._what.setText(tr("Stopping…"))
        self._left.hide()
        self._cancel.hide()
        self.repaint()  # before anything else that waits to be drawn

    def rest(self, what: str) -> None:
        """Show that nothing is going on."""
        self._told = what
        self._say_alive()
        for widget in (self._bar, self._left, self._cancel):
            widget.hide()

    def text(self) -> str:
        """Return what is said."""
        return self._what.text()

    def _say_alive(self) -> None:
        """Say what is going on; whatever was said of silence or stopping is over."""
        self._ending = False
        self._what.setText(self._told)
        if self._silent:
            self._silent = False
            self._what.setToolTip("")
            self._cancel.setText(tr("Cancel"))
            self._cancel.setAccessibleName(tr(_CANCELS))
