"""What can be looked at on this stage? A row of tabs above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QPushButton, QWidget

from partwise_app.controls import button
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

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
        self._more = button("⋯", "tab", name=tr("Further views"), tip=tr("Further views"))
        self._more.setFixedHeight(_HEIGHT)
        self._more.clicked.connect(self._on_more)
        self._more.hide()
        self._row.addWidget(self._more)
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
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, _HEIGHT)

    def _fit(self) -> None:
        """Keep the tabs that have room, the current one first; a menu has the others."""
        wide = {
            mode: tab.sizeHint().width() + self._row.spacing() for mode, tab in self._tabs.items()
        }
        margins = self._row.contentsMargins()
        room = self.width() - margins.left() - margins.right()
        shown = set(wide)
        if sum(wide.values()) > room > 0:
            room -= self._more.sizeHint().width()
            current = [mode for mode, tab in self._tabs.items() if tab.isChecked()]
            shown = set()
            for mode in (*current, *wide):
                if mode in shown:
                    continue
                room -= wide[mode]
                if room < 0:
                    break
                shown.add(mode)
        for mode, tab in self._tabs.items():
            tab.setVisible(mode in shown)
        self._more.setVisible(len(shown) < len(wide))

    def _on_more(self) -> None:
        menu = QMenu(self)
        for mode, title in self._offered:
            if self._tabs[mode].isHidden():
                menu.addAction(title).setData(mode)
        chosen = menu.exec(self._more.mapToGlobal(self._more.rect().bottomLeft()))
        if chosen is not None:
            self.asked.emit(str(chosen.data()))
        menu.deleteLater()

    def _on_tab(self, tab: QPushButton) -> None:
        self.asked.emit(str(tab.property("mode")))
