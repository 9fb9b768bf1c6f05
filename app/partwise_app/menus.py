"""How do commands become actions and menus? The table read once, and kept up to date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from partwise_app import icons
from partwise_app.commands import COMMANDS, MENUS, Command
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise.plugins.registry import Registry
    from partwise_app.settings import Settings
    from partwise_app.theme import Tokens
    from partwise_app.topbar import TopBar

__all__ = ["Menus"]


class Menus(QObject):
    """Every command as an action of a window, and the menus of its top row.

    Parameters
    ----------
    window : QWidget
        Owner of the actions.
    deeds : QObject
        Has a method for every command.
    topbar : TopBar
    registry : Registry
        For the samples.
    settings : Settings
        For the recent files.
    """

    sample_chosen = Signal(str)  # key
    recent_chosen = Signal(Path)

    def __init__(
        self,
        window: QWidget,
        deeds: QObject,
        topbar: TopBar,
        registry: Registry,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window, self._deeds, self._settings = window, deeds, settings
        self.actions: Mapping[str, QAction] = {e.id: self._make_action(e) for e in COMMANDS}
        self.menus = {title: self._make_menu(topbar.add_menu(tr(title)), title) for title in MENUS}
        file = self.menus["File"]
        self._recent = QMenu(tr("Open recent"), file)
        self._samples = QMenu(tr("Open sample"), file)
        before = file.actions()[1]
        file.insertMenu(before, self._recent)
        file.insertMenu(before, self._samples)
        for plugin in registry.plugins.values():
            for sample in plugin.samples:
                self._samples.addAction(sample.title).setData(sample.key)
        self._recent.aboutToShow.connect(self._fill_recent)
        self._recent.triggered.connect(self._on_recent)
        self._samples.triggered.connect(self._on_sample)

    def enable(self, facts: Collection[str]) -> None:
        """Enable the commands that are possible where `facts` hold."""
        for entry in COMMANDS:
            self.actions[entry.id].setEnabled(not entry.when or entry.when in facts)

    def check(self, choices: Mapping[str, str]) -> None:
        """Mark the command that is chosen of those that exclude each other, by their state."""
        for entry in COMMANDS:
            if entry.choice:
                self.actions[entry.id].setChecked(choices[entry.choice] == entry.argument)

    def name_undo(self, undo: str, redo: str) -> None:
        """Say what would be undone and redone."""
        for command_id, word, name in (
            ("edit_undo", tr("Undo"), undo),
            ("edit_redo", tr("Redo"), redo),
        ):
            words = f"{word}: {name[0].lower()}{name[1:]}" if name else word
            self.actions[command_id].setText(words)

    def set_theme(self, tokens: Tokens) -> None:
        for entry in COMMANDS:
            if entry.icon and not entry.choice:
                self.actions[entry.id].setIcon(icons.icon(entry.icon, tokens.muted))

    def _make_action(self, entry: Command) -> QAction:
        action = QAction(tr(entry.title), self._window)
        action.setObjectName(entry.id)
        if entry.shortcut:
            action.setShortcut(QKeySequence(entry.shortcut))
            action.setToolTip(f"{tr(entry.title)} ({entry.shortcut})")
        action.setCheckable(bool(entry.choice))
        deed = getattr(self._deeds, entry.deed)
        # The action is a child of the window, so the slot never outlives what it calls.
        action.triggered.connect(partial(_call, deed, entry.argument))
        self._window.addAction(action)
        return action

    def _make_menu(self, menu: QMenu, title: str) -> QMenu:
        group = 0
        for entry in COMMANDS:
            if entry.menu != title:
                continue
            if entry.group != group:
                menu.addSeparator()
                group = entry.group
            if entry.deed == "view_toggle" and entry.argument not in "0123":
                continue  # the keys 4 to 9 work; nine lines would drown the menu
            menu.addAction(self.actions[entry.id])
        return menu

    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self._settings.recent:
            action = self._recent.addAction(path.name)
            action.setData(str(path))
            action.setToolTip(str(path))
        if not self._settings.recent:
            self._recent.addAction(tr("None yet")).setEnabled(False)

    def _on_sample(self, action: QAction) -> None:
        self.sample_chosen.emit(str(action.data()))

    def _on_recent(self, action: QAction) -> None:
        if action.data():
            self.recent_chosen.emit(Path(str(action.data())))


def _call(deed: object, argument: str, checked: bool = False) -> None:
    assert callable(deed)
    if argument:
        deed(argument)
    else:
        deed()
