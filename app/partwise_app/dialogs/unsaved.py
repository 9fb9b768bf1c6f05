"""Save before closing? The one question that may stand in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise_app.dialogs.frame import Frame
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["UnsavedDialog"]


class UnsavedDialog(Frame):
    """Asks what becomes of changes that no file has; `answer` is the choice.

    Attributes
    ----------
    answer : {"save", "discard", "cancel"}
    """

    def __init__(self, parent: QWidget, title: str) -> None:
        name = f"“{title}”" if title else "this project"
        super().__init__(
            parent,
            tr("Save your work?"),
            tr(
                "The results and choices in {name} are in no file yet. Closing without "
                "saving loses them.",
                name=name,
            ),
            width=460,
        )
        self.answer = "cancel"
        discard = self.add_button(tr("Close without saving"))
        discard.clicked.connect(self._on_discard)
        cancel = self.add_button(tr("Cancel"))
        cancel.clicked.connect(self.reject)
        save = self.add_button(tr("Save"), primary=True)
        save.clicked.connect(self._on_save)

    def _on_discard(self) -> None:
        self.answer = "discard"
        self.accept()

    def _on_save(self) -> None:
        self.answer = "save"
        self.accept()
