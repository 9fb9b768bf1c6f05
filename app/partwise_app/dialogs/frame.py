"""What do all dialogs share? A title, a body, and buttons at the lower right."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from partwise_app.controls import button, label
from partwise_app.words import tr

__all__ = ["Frame"]


class Frame(QDialog):
    """A dialog of ours.

    Parameters
    ----------
    parent : QWidget or None
    title : str
    summary : str
        One sentence under the title.
    width : int
        In pixels.
    """

    def __init__(
        self, parent: QWidget | None, title: str, summary: str = "", *, width: int = 520
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(width)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._buttons.addStretch()
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 18)
        box.setSpacing(6)
        box.addWidget(label(title, "title", wrap=True))
        if summary:
            box.addWidget(label(summary, "muted", wrap=True))
        box.addSpacing(6)
        box.addLayout(self.body, 1)
        box.addSpacing(10)
        box.addLayout(self._buttons)

    def add_button(self, text: str, *, primary: bool = False) -> QPushButton:
        """Add a button to the row at the bottom and return it."""
        made = button(text, "primary" if primary else "")
        made.setDefault(primary)
        self._buttons.addWidget(made)
        return made

    def add_close(self) -> None:
        """Add the button that closes a page that asks nothing."""
        made = self.add_button(tr("Close"))
        made.clicked.connect(self.accept)
        made.setDefault(True)
