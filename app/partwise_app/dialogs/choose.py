"""Which one of these? A short list with a line of explanation each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from partwise_app.controls import Tick
from partwise_app.dialogs.frame import Frame
from partwise_app.words import tr

__all__ = ["ChooseDialog"]

_ROW = 34
_MOST_ROWS = 10
_WIDTH = 440
_TEXT_WIDTH = _WIDTH - 90  # within margins, frame and scroll bar


class ChooseDialog(Frame):
    """Asks for one of several; `chosen` is its id, empty where the question was left.

    Parameters
    ----------
    parent : QWidget or None
    title, summary : str
    options : sequence of (id, text)
        The first is proposed.
    go : str
        Words on the button that accepts.
    remember : str
        Words of a box to tick, or empty for none.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        summary: str,
        options: Sequence[tuple[str, str]],
        *,
        go: str,
        remember: str = "",
    ) -> None:
        super().__init__(parent, title, summary, width=_WIDTH)
        self._list = QListWidget()
        self._list.setAccessibleName(title)
        for key, text in options:
            item = QListWidgetItem(text)
            item.setData(Qt.ItemDataRole.UserRole, key)
            self._list.addItem(item)
        self._list.setCurrentRow(0)
        self._list.setWordWrap(True)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        heights = [self._room(text) for _, text in options]
        for place, height in enumerate(heights):
            self._list.item(place).setSizeHint(QSize(0, height))
        least, most = 2 * _ROW, _MOST_ROWS * _ROW
        self._list.setFixedHeight(min(max(sum(heights), least), most) + 10)
        self._list.itemDoubleClicked.connect(self.accept)
        self.body.addWidget(self._list)
        self._remember = Tick(remember)
        self._remember.setAccessibleName(remember)
        self._remember.setChecked(True)
        self._remember.setVisible(bool(remember))
        self.body.addWidget(self._remember)
        cancel = self.add_button(tr("Cancel"))
        cancel.clicked.connect(self.reject)
        accept = self.add_button(go, primary=True)
        accept.clicked.connect(self.accept)

    def _room(self, text: str) -> int:
        """Height of an option whose words take as many lines as they need."""
        flags = int(Qt.TextFlag.TextWordWrap)
        lines = self._list.fontMetrics().boundingRect(0, 0, _TEXT_WIDTH, 999, flags, text)
        return max(_ROW, lines.height() + _ROW // 2)

    @property
    def chosen(self) -> str:
        """Id of what is marked."""
        marked = self._list.selectedItems()
        return str(marked[0].data(Qt.ItemDataRole.UserRole)) if marked else ""

    @property
    def remembered(self) -> bool:
        """Whether the answer holds for the next time as well."""
        return self._remember.isChecked()
