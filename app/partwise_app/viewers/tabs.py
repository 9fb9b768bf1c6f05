"""What can be looked at on this stage? A row of tabs above it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from partwise_app.controls import button

__all__ = ["TabRow"]

_HEIGHT = 36


class TabRow(QWidget):
    """The row above the cells or drawings of a stage."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stagebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(_HEIGHT)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 0, 10, 0)
        self._row.setSpacing(2)
        self._row.addStretch()
        self._group = QButtonGroup(self)
        self._group.buttonClicked.connect(self._on_tab)
        self._tabs: dict[str, QPushButton] = {}
        self._offered: tuple[tuple[str, str], ...] = ()

    def set_tabs(self, offered: tuple[tuple[str, str], ...], current: str) -> None:
        """Offer modes, as (mode, words), and mark the current one."""
        if offered != self._offered:
            self._offered = offered
            for tab in self._tabs.values():
                self._group.removeButton(tab)
                self._row.removeWidget(tab)
                tab.hide()
                tab.deleteLater()
            self._tabs = {}
            for place, (mode, title) in enumerate(offered):
                tab = button(title, "tab", tip=title, checkable=True)
                tab.setFixedHeight(_HEIGHT)
                tab.setProperty("mode", mode)
                self._group.addButton(tab)
                self._row.insertWidget(place, tab)
                self._tabs[mode] = tab
        self._group.setExclusive(False)
        for mode, tab in self._tabs.items():
            tab.setChecked(mode == current)
        self._group.setExclusive(True)

    def _on_tab(self, tab: QPushButton) -> None:
        self.asked.emit(str(tab.property("mode")))
