"""How shall the window behave? The few things that can be settled once."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QSpinBox, QWidget

from partwise_app.controls import Choice, SectionLabel, button, label
from partwise_app.dialogs.frame import Frame
from partwise_app.settings import Settings
from partwise_app.words import mark, tr

__all__ = ["PreferencesDialog"]

_SIZES = (100, 110, 125, 150, 175, 200)  # %
_LABEL = 150
_THEMES = (("system", mark("As the system")), ("dark", mark("Dark")), ("light", mark("Light")))


class PreferencesDialog(Frame):
    """Shows the settings and writes them when it is accepted.

    Parameters
    ----------
    parent : QWidget or None
    settings : Settings
    """

    def __init__(self, parent: QWidget | None, settings: Settings) -> None:
        super().__init__(parent, tr("Settings"), tr("They hold for this user on this computer."))
        self._settings = settings
        self._theme = Choice()
        for mode, words in _THEMES:
            self._theme.addItem(tr(words), mode)
        self._theme.setCurrentIndex(max(self._theme.findData(settings.theme), 0))
        self._size = Choice()
        for percent in _SIZES:
            self._size.addItem(f"{percent} %", percent)
        self._size.setCurrentIndex(max(self._size.findData(settings.size_percent), 0))
        self._threads = _spin(0, 256, settings.threads, "", tr("As many as pay"))
        self._autosave = _spin(10, 3600, settings.autosave_s, " s", "")
        self._folder = QLineEdit(str(settings.folder or ""))
        self._folder.setPlaceholderText(tr("Where the last file was"))
        browse = button(tr("Choose…"), name=tr("Choose the folder to begin in"))
        browse.clicked.connect(self._on_browse)
        self._forget = button(
            tr("Ask again"), name=tr("Ask again which panel reads which kind of file")
        )
        self._forget.clicked.connect(self._on_forget)
        known = ", ".join(f"{k} → {v}" for k, v in settings.readers.items())
        self._known = label(known or tr("Nothing is remembered."), "muted", wrap=True)
        self._forget.setEnabled(bool(known))
        self._row(tr("Colours"), self._theme)
        self._row(tr("Size of everything"), self._size)
        self._row(tr("Threads of a run"), self._threads)
        self._row(tr("Keep a copy every"), self._autosave)
        self._row(tr("Folder to begin in"), self._folder, browse)
        self.body.addSpacing(8)
        self.body.addWidget(SectionLabel(tr("Which panel reads which file")))
        row = QHBoxLayout()
        row.addWidget(self._known, 1)
        row.addWidget(self._forget)
        self.body.addLayout(row)
        self.body.addWidget(
            label(
                tr(
                    "Size and threads hold from the next start on. "
                    "The number of threads changes the time of a run, never its result."
                ),
                "muted",
                wrap=True,
            )
        )
        cancel = self.add_button(tr("Cancel"))
        cancel.clicked.connect(self.reject)
        keep = self.add_button(tr("Keep"), primary=True)
        keep.clicked.connect(self.accept)

    def accept(self) -> None:
        """Write what was chosen."""
        self._settings.theme = str(self._theme.currentData())
        self._settings.size_percent = int(self._size.currentData())
        self._settings.threads = self._threads.value()
        self._settings.autosave_s = self._autosave.value()
        text = self._folder.text().strip()
        self._settings.folder = Path(text).expanduser() if text else None
        self._settings.sync()
        super().accept()

    def _row(self, title: str, control: QWidget, extra: QWidget | None = None) -> None:
        control.setAccessibleName(title)
        control.setMinimumHeight(28)
        name = label(title, "muted")
        name.setFixedWidth(_LABEL)
        name.setBuddy(control)
        row = QHBoxLayout()
        row.addWidget(name)
        row.addWidget(control, 1)
        if extra is not None:
            row.addWidget(extra)
        self.body.addLayout(row)

    def _on_browse(self) -> None:
        found = QFileDialog.getExistingDirectory(
            self, tr("Folder to begin in"), self._folder.text()
        )
        if found:
            self._folder.setText(found)

    def _on_forget(self) -> None:
        self._settings.forget_readers()
        self._known.setText(tr("Nothing is remembered."))
        self._forget.setEnabled(False)


def _spin(low: int, high: int, value: int, suffix: str, special: str) -> QSpinBox:
    made = QSpinBox()
    made.setRange(low, high)
    made.setValue(value)
    made.setSuffix(suffix)
    made.setSpecialValueText(special)
    made.setFixedHeight(28)
    made.lineEdit().setTextMargins(7, 0, 7, 0)
    return made
