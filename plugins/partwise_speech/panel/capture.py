"""How does one begin with a microphone and no file? A page that records, or lets it be heard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from partwise_app.api import button, label, tr
from partwise_speech.panel.recording import Recording
from partwise_speech.sources import GENERIC

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent

__all__ = ["Capture"]


class Capture(QDialog):
    """Records a voice into a file, before anything is open.

    Parameters
    ----------
    parent : QWidget
    """

    captured = Signal(Path)
    """A recording was made, and lies there."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Record a voice"))
        self.setMinimumWidth(460)
        self.recording = Recording(_generic)
        self.recording.recorded.connect(self._on_recorded)
        self.recording.failed.connect(self._on_failed)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.recording.stop)
        self._failed = label("", "small", wrap=True)
        close = button(tr("Close"))
        close.clicked.connect(self.close)
        last = QHBoxLayout()
        last.addStretch()
        last.addWidget(close)
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 18)
        box.setSpacing(10)
        box.addWidget(label(tr("Record a voice"), "title"))
        hint = tr(
            "Let two or three seconds pass before anybody speaks: in them the noise is heard "
            "alone. The file is chosen first, and written while you record."
        )
        box.addWidget(label(hint, "muted", wrap=True))
        box.addWidget(self.recording)
        box.addWidget(self._failed)
        box.addLayout(last)

    def closeEvent(self, event: QCloseEvent) -> None:
        """What is being recorded is kept, and opened."""
        self.recording.stop_live()
        self.recording.stop()
        super().closeEvent(event)

    def _on_recorded(self, path: Path) -> None:
        self.captured.emit(path)
        self.close()

    def _on_failed(self, why: str) -> None:
        self._failed.setText(why)


def _generic() -> str:
    return GENERIC
