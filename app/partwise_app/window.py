"""The window: everything put together, nothing decided here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPoint, QSize, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from partwise_app import icons
from partwise_app.comparing import Comparing
from partwise_app.deeds import Deeds
from partwise_app.desk import Desk
from partwise_app.keeper import Keeper
from partwise_app.keyed import bring_into_sight, hand_over
from partwise_app.menus import Menus
from partwise_app.notices import Notice, NoticeBar
from partwise_app.offering import Offering
from partwise_app.palette import Offer, Palette
from partwise_app.presenter import Presenter
from partwise_app.session import Session
from partwise_app.settings import Settings
from partwise_app.shelf import Shelf
from partwise_app.statusbar import StatusBar
from partwise_app.theme import Theme, Tokens
from partwise_app.topbar import TopBar
from partwise_app.welcome import Welcome
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtGui import (
        QAction,
        QCloseEvent,
        QDragEnterEvent,
        QDropEvent,
        QResizeEvent,
    )

__all__ = ["Window"]

_FIRST_SIZE = QSize(1440, 900)
_LEAST_SIZE = QSize(1024, 640)


class Window(QMainWindow):
    """One window over one session.

    Parameters
    ----------
    session : Session
        Ended with the window.
    theme : Theme
    settings : Settings
    """

    def __init__(self, session: Session, theme: Theme, settings: Settings) -> None:
        super().__init__()
        self.session = session
        self.theme = theme
        self.settings = settings
        self._quitting = False
        self._run_when_open = ""
        self.topbar = TopBar()
        self.notices = NoticeBar()
        self.welcome = Welcome()
        self.desk = Desk()
        self.status = StatusBar()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.desk)
        self.deeds = Deeds(self)
        self.keeper = Keeper(session)
        self.keeper.set_interval(settings.autosave_s)
        self.comparing = Comparing(session, self.desk)
        self._presenter = Presenter(session, self.desk, self.status)
        self.picture = self._presenter.picture
        self._lay_out()
        self._menus = Menus(self, self.deeds, self.topbar, session.registry, settings)
        self._shelf = Shelf(session, self.welcome, self)
        self._offering = Offering(
            session, self._menus.actions, open_sample=self.open_sample, split=self._on_split
        )
        self.palette_box = Palette(self)
        self._connect()
        self.setAcceptDrops(True)
        self.setMinimumSize(_LEAST_SIZE)
        self.setWindowIcon(icons.app_icon())
        self.resize(_FIRST_SIZE)
        self.restoreGeometry(settings.bytes_of("window"))
        self.desk.restore_layout(settings.bytes_of("desk"))
        self._dress(theme.tokens)
        self.refresh()
        self.welcome.setFocus()

    # --- what others may ask -------------------------------------------------------------

    def action(self, command_id: str) -> QAction:
        """Return the action of a command; raises `KeyError`."""
        return self._menus.actions[command_id]

    def offers(self) -> tuple[Offer, ...]:
        """Return what the palette lists: commands, samples, and parts to hear alone."""
        return self._offering.offers()

    def open_sample(self, key: str) -> None:
        """Open a sample and run it as soon as it is open."""
        self._run_when_open = key
        self.notices.dismiss()
        self.session.open_sample(key)

    def load_samples(self) -> None:
        """Fill the welcome page; resolves what plugins bring, so after the first paint."""
        self._shelf.fill()
        self.welcome.set_recent(self.settings.recent)

    def tell_start(self, *, safe_mode: bool) -> None:
        """Tell what is unlike other starts: fewer plugins, and work that a crash left."""
        left_out = len(self.session.registry.refused)
        if safe_mode:
            text = tr("Safe mode: only the plugins that come with Partwise are loaded.")
            detail = tr("Start Partwise as usual to have the others back.")
            self.notices.tell(Notice("look", text, detail))
        elif left_out:
            text = (
                tr("{n} plugins could not be loaded.", n=left_out)
                if left_out > 1
                else tr("A plugin could not be loaded.")
            )
            detail = tr("The rest of Partwise runs without it; the list says why.")
            told = Notice("look", text, detail, action="help_plugins")
            self.notices.tell(told, self.action("help_plugins").text())
        self.offer_recovery()

    def offer_recovery(self) -> None:
        """Offer the work that a crash left, where there is any."""
        orphan = self.keeper.orphan()
        if orphan is not None:
            name = orphan.project.stem if orphan.project else "unsaved work"
            when = orphan.saved.strftime("%d %B, %H:%M")
            self.notices.tell(
                Notice(
                    "look",
                    tr(
                        "Partwise ended without closing: {name} of {when} was kept.",
                        name=name,
                        when=when,
                    ),
                    tr("Recover it now, or leave it for the next start."),
                    action="file_recover",
                ),
                self._menus.actions["file_recover"].text(),
            )

    def set_theme_mode(self, mode: str) -> None:
        """Choose the theme and remember it."""
        self.settings.theme = mode
        self.theme.set_mode(mode)
        self.refresh()

    def reset_layout(self) -> None:
        """Put size and borders back where they were at first."""
        self.settings.forget_layout()
        self.resize(_FIRST_SIZE)
        self.desk.reset_layout()

    def follow_settings(self) -> None:
        """Take over what was chosen in the settings."""
        self.theme.set_mode(self.settings.theme)
        self.keeper.set_interval(self.settings.autosave_s)
        self._check_choices()

    def close_threads(self) -> None:
        """End the loader threads of all stages."""
        self.desk.stage.close_threads()
        self.comparing.close_threads()

    def refresh(self) -> None:
        """Draw what depends on the whole session: title, commands, which page."""
        session = self.session
        facts = session.facts()
        self._menus.enable(facts)
        self._menus.name_undo(session.undo_name, session.redo_name)
        self._check_choices()
        open_ = bool(session.state.listed)
        self._turn_to(self.desk if open_ else self.welcome)
        if open_:
            state = _state_of(session)
            self.topbar.set_title(f"{session.title} — {state}")
            self.setWindowTitle(f"{session.title} — {state} — Partwise")
        else:
            self.topbar.set_title("")
            self.setWindowTitle(tr("Partwise"))
        self.topbar.set_running(session.running, "runnable" in facts)

    # --- putting together ----------------------------------------------------------------

    def _lay_out(self) -> None:
        body = QWidget()
        body.setObjectName("window")
        box = QVBoxLayout(body)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.topbar)
        box.addWidget(self.notices)
        box.addWidget(self._pages, 1)
        box.addWidget(self.status)
        self.setCentralWidget(body)

    def _connect(self) -> None:
        session = self.session
        session.inputs.chooser = self.deeds.choose_reader
        session.changed.connect(self._on_session)
        session.selection_changed.connect(self.refresh)
        session.input_changed.connect(self.refresh)
        session.running_changed.connect(self._on_running)
        session.busy_changed.connect(self._on_busy)
        session.preparing_changed.connect(self._on_busy)
        session.stopping.connect(self.topbar.set_stopping)
        session.saved.connect(self._on_saved)
        session.noticed.connect(self._on_notice)
        session.opened.connect(self._on_opened)
        self.theme.changed.connect(self._dress)
        self.topbar.run_asked.connect(self.deeds.run_start)
        self.topbar.stop_asked.connect(self.deeds.run_stop)
        self.topbar.search_asked.connect(self._open_palette)
        self.deeds.palette_asked.connect(self._open_palette)
        self.deeds.quit_asked.connect(self.close)
        self.palette_box.chosen.connect(self._on_palette)
        self.notices.asked.connect(self._trigger)
        self.notices.details_asked.connect(self.deeds.show_problem)
        self.welcome.open_asked.connect(self.deeds.file_open)
        self.welcome.record_asked.connect(self.deeds.file_record)
        self.welcome.path_asked.connect(self.deeds.open_path)
        self.welcome.sample_asked.connect(self.open_sample)
        self._menus.sample_chosen.connect(self.open_sample)
        self._menus.recent_chosen.connect(self.deeds.open_path)
        self.desk.stage.mode_changed.connect(self._check_choices)
        self.desk.plots.mode_changed.connect(self._check_choices)
        self.desk.views.mode_changed.connect(self._check_choices)
        self.desk.stage.problem.connect(self._on_stage_problem)
        self.desk.stagebar.command_asked.connect(self._trigger)
        self.desk.tree.menu_asked.connect(self._on_entry_menu)
        self.desk.mixer.split_asked.connect(self._on_split)
        self.desk.export.clicked.connect(self.deeds.file_export)
        self.desk.report.clicked.connect(self.deeds.file_report)

    # --- answering -----------------------------------------------------------------------

    def _on_session(self, before: object, after: object) -> None:
        self.refresh()

    def _on_busy(self) -> None:
        self._menus.enable(self.session.facts())

    def _on_running(self, running: bool) -> None:
        told = self.notices.notice
        if running and told is not None and told.tone == "bad":
            self.notices.dismiss()  # who runs again has read it
        self.refresh()

    def _on_notice(self, notice: Notice) -> None:
        title = self._menus.actions[notice.action].text() if notice.action else ""
        self.notices.tell(notice, title)
        if notice.tone == "bad":
            self._run_when_open = ""

    def _on_split(self, key: str) -> None:
        self.deeds.run_start(split=key)

    def _on_entry_menu(self, entry_id: str, at: QPoint) -> None:
        """Offer what can be done with an input or a run."""
        menu = QMenu(self)
        for command_id in ("edit_rename", "edit_remove", "view_compare_runs", "file_relink"):
            if self._menus.actions[command_id].isEnabled():
                menu.addAction(self._menus.actions[command_id])
        menu.exec(at)
        menu.deleteLater()

    def _on_stage_problem(self, text: str) -> None:
        self.notices.tell(
            Notice("look", tr("The image cannot be read in places."), text, more=text)
        )

    def _on_opened(self, path: Path) -> None:
        self.settings.add_recent(path)
        self.refresh()
        wanted, self._run_when_open = self._run_when_open, ""
        if wanted:
            self.session.start_run()

    def _on_saved(self, path: Path) -> None:
        self.settings.add_recent(path)
        self.refresh()

    def _on_palette(self, offer_id: str) -> None:
        self._offering.choose(offer_id)

    def _open_palette(self) -> None:
        self.palette_box.open(self.offers())

    def _trigger(self, command_id: str) -> None:
        self._menus.actions[command_id].trigger()

    def _turn_to(self, page: QWidget) -> None:
        if self._pages.currentWidget() is not page:
            self._pages.setCurrentWidget(page)
            self.welcome.set_recent(self.settings.recent)
            # Keys belong to the picture at first, not to the first button in the row.
            hand_over(self.desk.shown if page is self.desk else page)

    def _check_choices(self) -> None:
        packing = "on" if self.session.packing else "off"
        now = {"mode": self.picture.mode(), "theme": self.theme.mode, "packing": packing}
        self._menus.check(now)

    def _dress(self, tokens: Tokens) -> None:
        for widget in (
            self.topbar,
            self.notices,
            self.welcome,
            self.desk,
            self.palette_box,
            self._menus,
            self._shelf,
            self._presenter,
            self.comparing,
        ):
            widget.set_theme(tokens)

    # --- Qt ------------------------------------------------------------------------------

    def focusNextPrevChild(self, ahead: bool) -> bool:
        # Put in order now, not when something comes: panels show controls whenever they like.
        if self.desk.isVisible():
            self.desk.order_tabs()
        moved = super().focusNextPrevChild(ahead)
        bring_into_sight(QApplication.focusWidget())
        return moved

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        for path in _dropped_files(event.mimeData()):
            self.deeds.open_path(path)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.palette_box.hide()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._quitting and self.session.needs_saving:
            event.ignore()
            # The question is asked outside of Qt's own closing.
            QTimer.singleShot(0, self._ask_and_quit)
            return
        self.settings.keep_bytes("window", self.saveGeometry())
        self.settings.keep_bytes("desk", self.desk.layout_bytes())
        self.settings.sync()
        self.session.close()
        self.keeper.close()
        self.close_threads()
        super().closeEvent(event)

    def _ask_and_quit(self) -> None:
        self.deeds.unless_unsaved(self._quit)

    def _quit(self) -> None:
        self._quitting = True
        self.close()


def _state_of(session: Session) -> str:
    """What became of the project's file, in a word or two."""
    if session.path is None:
        return tr("not saved")
    if session.look_only:
        return tr("for a look")
    if session.holder is not None:
        return tr("read-only")
    return tr("edited") if session.needs_saving else tr("saved")


def _dropped_files(data: QMimeData) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.is_file()]
