"""How is the stage looked at? Tabs for the modes, and the zoom."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from partwise_app import icons
from partwise_app.commands import shortcut_text
from partwise_app.controls import button, label, set_icon
from partwise_app.theme import Tokens
from partwise_app.words import mark, tr

__all__ = ["StageBar"]

_TABS = (
    ("whole", mark("Whole")),
    ("compare", mark("Compare")),
    ("side", mark("Side by side")),
    ("parts", mark("Parts")),
    ("residual", mark("Residual")),
)
_ZOOMS = (
    ("view_zoom_out", "zoom-out", mark("Zoom out")),
    ("view_zoom_in", "zoom-in", mark("Zoom in")),
    ("view_fit", "fit", mark("Fit to window")),
)


class StageBar(QWidget):
    """The row above the stage."""

    mode_asked = Signal(str)
    against_asked = Signal(str)  # key of the part beyond the line, or "" for what the mixer shows
    command_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stagebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(36)
        self._tabs: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 10, 0)
        row.setSpacing(2)
        for mode, title in _TABS:
            tab = button(
                tr(title), "tab", tip=tr(title) + shortcut_text(f"view_mode:{mode}"), checkable=True
            )
            tab.setFixedHeight(36)
            tab.setProperty("mode", mode)
            self._group.addButton(tab)
            self._tabs[mode] = tab
            row.addWidget(tab)
        self._alone = label("", "muted")
        row.addWidget(self._alone)
        row.addStretch()
        self._against = QHBoxLayout()
        self._against.setSpacing(0)
        self._choices: list[QPushButton] = []
        self._offered: tuple[tuple[str, str], ...] = ()
        row.addLayout(self._against)
        row.addSpacing(10)
        self._zoom = label("", "muted")
        self._zoom.setMinimumWidth(52)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._zoom.setToolTip(tr("Screen pixels per pixel of the image"))
        self._buttons: dict[str, QPushButton] = {}
        row.addWidget(self._zoom)
        row.addSpacing(4)
        for command_id, name, title in _ZOOMS:
            made = button("", "icon", name=tr(title), tip=tr(title) + shortcut_text(command_id))
            made.setProperty("command", command_id)
            made.setProperty("picture", name)
            made.clicked.connect(self._on_zoom)
            self._buttons[command_id] = made
            row.addWidget(made)
        self._group.buttonClicked.connect(self._on_tab)

    def set_mode(self, mode: str, part_name: str = "") -> None:
        """Mark the tab of a mode; a single part is named beside the tabs."""
        self._group.setExclusive(False)
        for name, tab in self._tabs.items():
            tab.setChecked(name == mode)
        self._group.setExclusive(True)
        self._alone.setText(tr("{name} alone", name=part_name) if part_name else "")
        self._alone.setContentsMargins(10, 0, 0, 0)

    def set_against(self, offered: tuple[tuple[str, str], ...], current: str) -> None:
        """Offer what may stand beyond the line: (key, name) pairs, none where there is no line."""
        if offered != self._offered:
            for old in self._choices:
                self._against.removeWidget(old)
                old.hide()
                old.deleteLater()
            self._offered = offered
            self._choices = [self._choice(key, name) for key, name in offered]
        for made in self._choices:
            made.setChecked(made.property("key") == current)

    def _choice(self, key: str, name: str) -> QPushButton:
        words = (
            tr("Compare with {name}", name=name) if key else tr("Compare with what the mixer shows")
        )
        made = button(name, "tab", name=words, tip=words, checkable=True)
        made.setFixedHeight(36)
        made.setProperty("key", key)
        made.clicked.connect(self._on_against)
        self._against.addWidget(made)
        return made

    def _on_against(self) -> None:
        sender = self.sender()
        if isinstance(sender, QPushButton):
            self.against_asked.emit(str(sender.property("key")))

    def set_ready(self, image: bool, parts: bool) -> None:
        """Enable what can be looked at: an image, and its parts."""
        for name, tab in self._tabs.items():
            tab.setEnabled(image and (parts or name == "whole"))
        for made in self._buttons.values():
            made.setEnabled(image)

    def set_zoom(self, percent: float | None) -> None:
        """Show the zoom, 100 where one pixel of the image is one of the screen."""
        if percent is None:
            self._zoom.setText("")
            return
        self._zoom.setText(f"{percent:.0f} %" if percent >= 10 else f"{percent:.1f} %")

    def set_theme(self, tokens: Tokens) -> None:
        for made in self._buttons.values():
            set_icon(made, icons.icon(str(made.property("picture")), tokens.muted))

    def _on_tab(self, tab: QPushButton) -> None:
        self.mode_asked.emit(str(tab.property("mode")))

    def _on_zoom(self) -> None:
        sender = self.sender()
        if isinstance(sender, QPushButton):
            self.command_asked.emit(str(sender.property("command")))
