"""Pages to read: about, plugins, shortcuts, log, and the details of a problem."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Sequence

import PySide6
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QGridLayout,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

import partwise
from partwise.plugins.registry import Registry
from partwise_app.commands import COMMANDS, MENUS
from partwise_app.controls import SectionLabel, label
from partwise_app.dialogs.frame import Frame
from partwise_app.drawings import Dot
from partwise_app.notices import Notice
from partwise_app.theme import Tokens
from partwise_app.words import tr

__all__ = ["AboutPage", "LogPage", "PluginsPage", "ProblemPage", "ShortcutsPage", "report_text"]

_NAMES = 130  # px
_ABOVE = 10  # px over the heading of a section
_LICENCES = {
    "PySide6": "LGPL 3",
    "numpy": "BSD 3-clause",
    "scipy": "BSD 3-clause",
    "numba": "BSD 2-clause",
    "llvmlite": "BSD 2-clause",
    "scikit-image": "BSD 3-clause",
    "tifffile": "BSD 3-clause",
    "imagecodecs": "BSD 3-clause",
    "pillow": "MIT-CMU",
    "openslide-python": "LGPL 2.1",
    "soundfile": "BSD 3-clause, libsndfile LGPL 2.1",
    "soxr": "LGPL 2.1",
    "sounddevice": "MIT",
    "ezc3d": "MIT",
    "pyedflib": "BSD 2-clause",
    "nibabel": "MIT",
    "pydicom": "MIT",
    "openpyxl": "MIT",
    "pyarrow": "Apache 2.0",
    "reportlab": "BSD 3-clause",
    "dask": "BSD 3-clause",
    "distributed": "BSD 3-clause",
}


class AboutPage(Frame):
    """Which versions are these, and under which licence?"""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(
            parent,
            tr("Partwise"),
            tr(
                "Separates a measurement into its nonnegative parts. "
                "BSD 3-clause licence. For research; not a medical device."
            ),
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setColumnMinimumWidth(0, _NAMES)
        for row, (name, value) in enumerate(_versions().items()):
            grid.addWidget(label(name, "muted"), row, 0)
            grid.addWidget(label(value), row, 1)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        self.body.addSpacing(6)
        self.body.addWidget(SectionLabel(tr("Built with")))
        others = QGridLayout()
        others.setHorizontalSpacing(18)
        others.setVerticalSpacing(3)
        others.setColumnMinimumWidth(0, _NAMES)
        for row, (name, version, licence) in enumerate(_components()):
            for column, text in enumerate((name, version, licence)):
                others.addWidget(label(text, "muted" if column != 1 else ""), row, column)
        others.setColumnStretch(2, 1)
        self.body.addLayout(others)
        self.add_close()


class PluginsPage(Frame):
    """Which plugins are there, and why is one not?"""

    def __init__(self, parent: QWidget, registry: Registry, tokens: Tokens) -> None:
        super().__init__(
            parent,
            tr("Plugins"),
            tr("What Partwise can read and separate on this computer."),
            width=560,
        )
        for plugin in registry.plugins.values():
            facts = f"{plugin.id} {plugin.version} · " + tr(
                "plugin interface {range}", range=plugin.api
            )
            self._card(plugin.title, plugin.summary, facts, "good", tokens)
        for refused in registry.refused:
            text = tr("Not loaded: {reason}.", reason=refused.reason)
            self._card(
                refused.name, text, tr("The rest of Partwise runs without it."), "bad", tokens
            )
        if not registry.plugins and not registry.refused:
            self.body.addWidget(label(tr("No plugin is installed."), "muted"))
        self.body.addStretch()
        self.add_close()

    def _card(self, title: str, text: str, facts: str, verdict: str, tokens: Tokens) -> None:
        row = QGridLayout()
        row.setContentsMargins(0, 4, 0, 8)
        row.setHorizontalSpacing(10)
        row.setVerticalSpacing(2)
        dot = Dot(verdict)
        dot.set_theme(tokens)
        row.addWidget(dot, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(label(title, "strong"), 0, 1)
        row.addWidget(label(text, wrap=True), 1, 1)
        row.addWidget(label(facts, "muted"), 2, 1)
        row.setColumnStretch(1, 1)
        self.body.addLayout(row)


class ShortcutsPage(Frame):
    """Every shortcut, from the table of commands."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, tr("Keyboard shortcuts"), width=620)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(5)
        row = 0
        for menu in MENUS:
            entries = [c for c in COMMANDS if c.menu == menu and c.shortcut]
            if not entries:
                continue
            lines = [(tr(entry.title).rstrip("…"), entry.shortcut) for entry in entries]
            row = _add_keys(grid, row, tr(menu), lines)
        on_stage = [
            (tr("Zoom at the cursor"), tr("Wheel")),
            (tr("Move the picture"), tr("Drag, arrow keys")),
            (tr("Fit to window"), tr("Double click, Home")),
            (tr("Whole, or residual, and back"), tr("W, R")),
            (tr("Next grip of an outline"), tr("Space")),
            (tr("Move a grip, or the outline"), tr("Ctrl+arrow keys")),
            (tr("Remove a corner, or the outline"), tr("Alt+click, Delete")),
            (tr("Square or circle"), tr("Shift while drawing")),
        ]
        _add_keys(grid, row, tr("On the stage"), on_stage)
        grid.setColumnStretch(0, 1)
        body = QWidget()
        box = QVBoxLayout(body)
        box.setContentsMargins(0, 0, 12, 0)
        box.addLayout(grid)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(body)
        scroll.setMinimumHeight(440)
        scroll.setAccessibleName(tr("Keyboard shortcuts"))
        self.body.addWidget(scroll)
        self.add_close()


def _add_keys(grid: QGridLayout, row: int, title: str, lines: Sequence[tuple[str, str]]) -> int:
    """Add a heading and its lines, keys at the right; returns the next free row."""
    if row:
        grid.setRowMinimumHeight(row, _ABOVE)
    grid.addWidget(SectionLabel(title), row + 1, 0, 1, 2)
    for place, (words, keys) in enumerate(lines, row + 2):
        grid.addWidget(label(words), place, 0)
        grid.addWidget(label(keys, "key"), place, 1, Qt.AlignmentFlag.AlignRight)
    return row + 2 + len(lines)


class LogPage(Frame):
    """What happened in this session."""

    def __init__(self, parent: QWidget, text: str) -> None:
        super().__init__(
            parent,
            tr("Log of this session"),
            tr("It stays on this computer; copy it to send it."),
            width=720,
        )
        self._text = text
        self.body.addWidget(_plain_text(tr("Log"), text or tr("Nothing has happened yet."), 320))
        copy = self.add_button(tr("Copy"))
        copy.clicked.connect(self._on_copy)
        self.add_close()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)


class ProblemPage(Frame):
    """The details of a problem, to copy into a report."""

    def __init__(self, parent: QWidget, notice: Notice) -> None:
        super().__init__(parent, notice.text, notice.detail, width=640)
        self._text = report_text(notice)
        self.body.addWidget(_plain_text(tr("Details"), self._text, 240))
        copy = self.add_button(tr("Copy the details"))
        copy.clicked.connect(self._on_copy)
        self.add_close()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)


def report_text(notice: Notice) -> str:
    """Return a problem as a text that can be sent: what happened, with which versions."""
    versions = "\n".join(f"{name}: {value}" for name, value in _versions().items())
    return f"{notice.text}\n{notice.detail}\n\n{versions}\n\n{notice.more}".strip()


def _plain_text(name: str, text: str, height: int) -> QPlainTextEdit:
    made = QPlainTextEdit(text)
    made.setReadOnly(True)
    made.setTabChangesFocus(True)
    made.setAccessibleName(name)
    made.setMinimumHeight(height)
    made.setProperty("kind", "code")
    return made


def _components() -> list[tuple[str, str, str]]:
    """Name, version and licence of what this program is built with and what is installed."""
    found = []
    for package, licence in _LICENCES.items():
        try:
            found.append((package, importlib.metadata.version(package), licence))
        except importlib.metadata.PackageNotFoundError:
            continue
    return [*found, ("Inter (typeface)", "", "SIL Open Font Licence 1.1")]


def _versions() -> dict[str, str]:
    return {
        "Partwise": partwise.__version__,
        "Python": platform.python_version(),
        "Qt for Python": PySide6.__version__,
        "System": f"{platform.system()} {platform.release()} ({sys.platform})",
    }
