"""The top row: menus, what is open, search, and the one button that runs or stops."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QMenuBar, QSizePolicy, QWidget

from partwise_app import icons
from partwise_app.commands import shortcut_text
from partwise_app.controls import Elided, button, label, restyle, set_icon
from partwise_app.theme import DARK, Tokens
from partwise_app.words import tr

__all__ = ["TopBar"]

_BRAND = ("#5b5fd6", "#e0608f", "#8b929a")
_SEARCH_WIDTH = 290


class TopBar(QWidget):
    """The top row of the window."""

    run_asked = Signal()
    stop_asked = Signal()
    search_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(44)
        self._tokens = DARK
        self._running = False
        self._offered: tuple[bool, bool] | None = None  # whether a run goes on, and is possible
        self.menubar = QMenuBar()
        self.menubar.setNativeMenuBar(False)
        self.menubar.setAccessibleName(tr("Menus"))
        self.menubar.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._title = Elided("", "muted")
        self._search = button(
            "",
            "search",
            name=tr("Search commands, samples and parts"),
            tip=tr("Search commands, samples and parts") + shortcut_text("help_palette"),
        )
        self._search.setMaximumWidth(_SEARCH_WIDTH)
        self._search.setMinimumWidth(150)
        self._search.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._search.setFixedHeight(30)
        inner = QHBoxLayout(self._search)
        inner.setContentsMargins(30, 0, 10, 0)
        words = Elided(tr("Search commands, samples, parts"), "prompt")
        for widget in (words, label(tr("Ctrl K"), "small")):
            widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            inner.addWidget(widget, 1 if widget is words else 0)
        self._run = button(tr("Run"), "primary")
        self._run.setMinimumWidth(86)
        self._run.setFixedHeight(30)
        self._run.clicked.connect(self._on_run)
        self._search.clicked.connect(self.search_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.setSpacing(8)
        row.addWidget(_Brand())
        row.addWidget(label(tr("Partwise"), "strong"))
        row.addWidget(self.menubar)
        row.addWidget(self._title, 3)
        row.addWidget(self._search, 2)
        row.addSpacing(8)
        row.addWidget(self._run)
        self.set_running(False, False)

    def add_menu(self, title: str) -> QMenu:
        """Add a menu and return it."""
        menu = QMenu(title, self.menubar)
        menu.setToolTipsVisible(True)
        self.menubar.addMenu(menu)
        self.menubar.setFixedSize(self.menubar.sizeHint())
        return menu

    def set_title(self, text: str) -> None:
        """Show what is open and its state, such as "colon biopsy — saved"."""
        self._title.set_full(text)

    def set_running(self, running: bool, possible: bool) -> None:
        """Offer Stop while a run goes on, else Run where one is possible."""
        if (running, possible) == self._offered:
            return  # asked after every edit, and its icons are drawn anew each time
        self._offered = running, possible
        self._running = running
        self._run.setText(tr(" Stop") if running else tr(" Run"))
        self._run.setEnabled(running or possible)
        name = "run_stop" if running else "run_start"
        words = tr("Stop the analysis") if running else tr("Run the analysis")
        self._run.setAccessibleName(words)
        self._run.setToolTip(words + shortcut_text(name))
        restyle(self._run, "kind", "stop" if running else "primary")
        self._dress()

    def set_stopping(self) -> None:
        """Show at once that the wish to stop was heard."""
        self._offered = None
        self._run.setText(tr(" Stopping"))
        self._run.setEnabled(False)
        self._run.repaint()

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._dress()

    def _dress(self) -> None:
        t = self._tokens
        set_icon(self._search, icons.icon("search", t.muted), 14)
        ready = t.on_accent if self._run.isEnabled() else t.muted
        name, color = ("stop", t.bad) if self._running else ("run", ready)
        set_icon(self._run, icons.icon(name, color), 14)

    def _on_run(self) -> None:
        (self.stop_asked if self._running else self.run_asked).emit()


class _Brand(QWidget):
    """Three squares: two parts and the residual."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(32, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for place, color in enumerate(_BRAND):
            painter.setBrush(QColor(color))
            painter.drawRoundedRect(QRectF(place * 11.0, 1, 8.5, 8.5), 2, 2)
        painter.end()
