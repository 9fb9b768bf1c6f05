"""What does each command do? One method per command, named as in the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from partwise_app import filework, resolve, writing
from partwise_app.dialogs.choose import ChooseDialog
from partwise_app.dialogs.export import ExportDialog
from partwise_app.dialogs.pages import AboutPage, LogPage, PluginsPage, ProblemPage, ShortcutsPage
from partwise_app.dialogs.preferences import PreferencesDialog
from partwise_app.dialogs.unsaved import UnsavedDialog
from partwise_app.gestures import switch_words
from partwise_app.host import load_capture
from partwise_app.log import text_of_log
from partwise_app.notices import Notice, notice_of
from partwise_app.outbox import as_tried
from partwise_app.places import first_folder, stem_of
from partwise_app.printing import figure, png
from partwise_app.tables import table_text
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise.plugins.contract import Plugin
    from partwise_app.window import Window

__all__ = ["Deeds"]

_PROJECTS = "Partwise projects (*.partwise)"
_REPORTS = {"PDF (*.pdf)": ".pdf", "HTML (*.html)": ".html"}  # by what the dialog calls them
_FIGURES = {"SVG, in vectors (*.svg)": ".svg", "PDF (*.pdf)": ".pdf", "PNG (*.png)": ".png"}
_TABLES = "tables"  # what a stage calls its page of numbers
_THUMB = QSize(512, 384)
_FIGURE = QSize(720, 480)
_RESIDUAL = "residual"


class Deeds(QObject):
    """The commands of one window; each asks what it must and tells the session."""

    palette_asked = Signal()
    quit_asked = Signal()

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._after_save: Callable[[], None] | None = None
        self._troubled = False
        self._session.saved.connect(self._on_saved)

    # --- file ----------------------------------------------------------------------------

    def file_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window, tr("Open"), str(self._folder()), self._patterns()
        )
        if path:
            self.open_path(Path(path))

    def file_record(self) -> None:
        """Make a file with what a plugin brings for that, and open it."""
        plugins = self._session.registry.plugins.values()
        plugin = next((found for found in plugins if found.capture), None)
        if plugin is None:
            words = tr("No plugin is there that records.")
            self._session.noticed.emit(Notice("look", words))
            return
        page = load_capture(plugin, self._window)
        if page is not None:
            page.captured.connect(self.open_path)
            page.open()

    def open_path(self, path: Path) -> None:
        """Open a file; a project takes the place of the present one, after asking."""
        # Before, not after: what opening itself has to tell must stay.
        self._window.notices.dismiss()
        if filework.is_project(path):
            self.unless_unsaved(lambda: self._session.open_path(path))
        else:
            self._session.open_path(path)

    def file_save(self) -> None:
        if self._session.path is None:
            self.file_save_as()
        else:
            self._session.save(thumb=self._thumb())

    def file_save_as(self) -> None:
        proposed = self._folder() / f"{self._session.title or 'project'}.partwise"
        text, _ = QFileDialog.getSaveFileName(
            self._window, tr("Save project"), str(proposed), _PROJECTS
        )
        if not text:
            self._after_save = None
            return
        path = Path(text)
        if path.suffix.lower() != ".partwise":
            path = path.with_name(f"{path.name}.partwise")
        self._session.save(path, thumb=self._thumb())

    def file_pack(self, _on: str) -> None:
        """Turn on or off that saving puts the inputs into the project's file."""
        self._session.set_packing(not self._session.packing)

    def file_look(self) -> None:
        path = self._session.refused
        if path is not None:
            self._window.notices.dismiss()
            self.unless_unsaved(lambda: self._session.open_project(path, look=True))

    def file_export(self) -> None:
        session = self._session
        run, opened = session.run, session.input
        if run is None or opened is None:
            return
        offers = writing.applicable(opened.plugin, as_tried(run, session.parameters))
        stem = stem_of(opened.dataset.title)
        dialog = ExportDialog(self._window, offers, run, self._folder(), stem)
        if dialog.exec():
            session.outbox.export(dialog.chosen, dialog.folder, dialog.stem)
        dialog.deleteLater()

    def file_report(self) -> None:
        session = self._session
        run, opened = session.run, session.input
        if run is None or opened is None:
            return
        stem = stem_of(opened.dataset.title)
        path = self._asked_where(tr("Save report"), f"{stem}-report", _REPORTS)
        if path is not None:
            session.outbox.report(path, self._report_pictures())

    def file_picture(self) -> None:
        if self._window.desk.shown.mode() == _TABLES:
            self._session.noticed.emit(
                Notice("look", tr("Tables are no figure."), tr("Export writes the numbers."))
            )
            return
        entry = self._session.run or self._session.source
        title = entry.title if entry is not None else tr("figure")
        path = self._asked_where(tr("Save figure"), stem_of(title), _FIGURES)
        if path is not None:
            theme = self._window.theme.tokens
            data = figure(self._window.desk.shown, path.suffix.lower(), title, theme)
            self._session.outbox.figure(path, data)

    def file_relink(self) -> None:
        source = self._session.source
        if source is None:
            return
        path, _ = QFileDialog.getOpenFileName(
            self._window,
            tr("Where is {title}?", title=source.title),
            str(self._folder()),
            self._patterns(),
        )
        if path:
            self._session.relink(source.id, Path(path))

    def file_recover(self) -> None:
        orphan = self._window.keeper.orphan()
        if orphan is None:
            self._session.noticed.emit(Notice("good", tr("There is nothing to recover.")))
            return
        self._window.notices.dismiss()
        self.unless_unsaved(
            lambda: self._session.recover(orphan.path, orphan.project, orphan.discard)
        )

    def file_close(self) -> None:
        self.unless_unsaved(self._session.close_project)

    def file_quit(self) -> None:
        self.quit_asked.emit()

    # --- edit ----------------------------------------------------------------------------

    def edit_undo(self) -> None:
        self._session.undo()

    def edit_redo(self) -> None:
        self._session.redo()

    def edit_copy_picture(self) -> None:
        QGuiApplication.clipboard().setImage(self._window.desk.shown.picture())
        self._session.noticed.emit(Notice("good", tr("The picture is on the clipboard.")))

    def edit_copy_table(self) -> None:
        if self._session.run is not None:
            text = table_text(self._session.run, self._session.strips)
            QGuiApplication.clipboard().setText(text)
            self._session.noticed.emit(Notice("good", tr("The table is on the clipboard.")))

    def edit_reset_strips(self) -> None:
        self._session.edits.reset_profiles()

    def edit_rename(self) -> None:
        entry = self._session.run or self._session.source
        if entry is not None:
            self._window.desk.tree.edit_title(entry.id)

    def edit_remove(self) -> None:
        entry = self._session.run or self._session.source
        if entry is not None:
            self._session.edits.remove(entry.id)

    def edit_preferences(self) -> None:
        dialog = PreferencesDialog(self._window, self._window.settings)
        if dialog.exec():
            self._window.follow_settings()
        dialog.deleteLater()

    # --- view ----------------------------------------------------------------------------

    def view_mode(self, mode: str) -> None:
        self._window.picture.look(mode)

    def view_toggle(self, number: str) -> None:
        strips = self._session.strips
        place = len(strips) - 1 if number == "0" else int(number) - 1
        if not 0 <= place < len(strips):
            return
        strip = strips[place]
        name = switch_words("show", not strip.show, strip.name)
        self._session.edits.strip(strip.key, name, {"show": not strip.show})

    def view_compare_runs(self) -> None:
        """Put another run of the same input beside the one that is looked at."""
        run, state = self._session.run, self._session.state
        if run is None:
            return
        others = [r for r in reversed(state.runs_of(run.source)) if r.id != run.id]
        options = [
            (r.id, f"{state.title(r.id, r.title)}  ·  {resolve.summary_of_run(r)}") for r in others
        ]
        chosen = options[0][0] if len(options) == 1 else self._choose_run(options)
        if chosen:
            self._window.comparing.begin(chosen)

    def _choose_run(self, options: list[tuple[str, str]]) -> str:
        dialog = ChooseDialog(
            self._window,
            tr("Compare with another run"),
            tr("Both are shown side by side, and what differs between them."),
            options,
            go=tr("Compare"),
        )
        chosen = dialog.chosen if dialog.exec() else ""
        dialog.deleteLater()
        return chosen

    def view_fit(self) -> None:
        self._window.desk.shown.fit()

    def view_zoom_in(self) -> None:
        self._window.desk.shown.zoom_in()

    def view_zoom_out(self) -> None:
        self._window.desk.shown.zoom_out()

    def view_actual(self) -> None:
        self._window.desk.shown.zoom_to(1.0)

    def view_theme(self, mode: str) -> None:
        self._window.set_theme_mode(mode)

    def view_reset(self) -> None:
        self._window.reset_layout()

    # --- run -----------------------------------------------------------------------------

    def run_start(self, *, anew: bool = False, from_here: bool = False, split: str = "") -> None:
        self._window.desk.form.take_typed()  # a key was pressed, nothing took the focus away
        if self._window.desk.form.valid:
            self._window.comparing.end()
            self._session.start_run(anew=anew, from_here=from_here, split=split)
            return
        self._session.noticed.emit(
            Notice(
                "look",
                tr("A parameter is not allowed."),
                tr("It is marked in the form at the right."),
            )
        )

    def run_from_here(self) -> None:
        """Run on: what was corrected by hand stays as it was put."""
        self.run_start(from_here=True)

    def run_anew(self) -> None:
        """Run from nothing, whatever stands."""
        self.run_start(anew=True)

    def run_stop(self) -> None:
        self._session.stop()

    def run_defaults(self) -> None:
        self._session.edits.reset_parameters()

    # --- help ----------------------------------------------------------------------------

    def help_palette(self) -> None:
        self.palette_asked.emit()

    def help_shortcuts(self) -> None:
        self._show(ShortcutsPage(self._window))

    def help_plugins(self) -> None:
        self._show(PluginsPage(self._window, self._session.registry, self._window.theme.tokens))

    def help_log(self) -> None:
        self._show(LogPage(self._window, text_of_log()))

    def help_about(self) -> None:
        self._show(AboutPage(self._window))

    def show_problem(self, notice: Notice) -> None:
        """Show the details of a notice."""
        self._show(ProblemPage(self._window, notice))

    def uncaught(self, error: BaseException) -> None:
        """Tell of an error that nobody foresaw; once the work at hand is done, one at a time."""
        if isinstance(error, Exception) and not self._troubled:
            self._troubled = True
            notice = notice_of(error, tr("What was asked"))
            QTimer.singleShot(0, self, partial(self._show_trouble, notice))

    def _show_trouble(self, notice: Notice) -> None:
        self.show_problem(dataclasses.replace(notice, more=f"{notice.more}\n{text_of_log()}"))
        self._troubled = False

    # --- questions -----------------------------------------------------------------------

    def unless_unsaved(self, then: Callable[[], None]) -> None:
        """Do `then`, after asking where something would be lost."""
        if not self._session.needs_saving:
            then()
            return
        dialog = UnsavedDialog(self._window, self._session.title)
        dialog.exec()
        dialog.deleteLater()
        if dialog.answer == "discard":
            then()
        elif dialog.answer == "save":
            self._after_save = then
            self.file_save()

    def _on_saved(self, path: Path) -> None:
        then, self._after_save = self._after_save, None
        if then is not None:
            then()

    def _show(
        self, dialog: AboutPage | LogPage | PluginsPage | ProblemPage | ShortcutsPage
    ) -> None:
        dialog.exec()
        dialog.deleteLater()

    def choose_reader(self, path: Path, plugins: Sequence[Plugin]) -> str:
        """Ask which panel reads a file that several could; the answer may be kept."""
        settings = self._window.settings
        known = settings.readers.get(path.suffix.lower(), "")
        if known in {plugin.id for plugin in plugins}:
            return known
        dialog = ChooseDialog(
            self._window,
            tr("How shall {name} be read?", name=path.name),
            tr("More than one panel can make sense of it."),
            [(plugin.id, f"{plugin.title}  ·  {plugin.summary}") for plugin in plugins],
            go=tr("Open"),
            remember=tr("Do so for every {suffix} file", suffix=path.suffix) if path.suffix else "",
        )
        chosen = dialog.chosen if dialog.exec() else ""
        if chosen and dialog.remembered:
            settings.remember_reader(path.suffix, chosen)
        dialog.deleteLater()
        return chosen

    def _asked_where(self, title: str, stem: str, kinds: Mapping[str, str]) -> Path | None:
        """Ask for a file of some kinds, each by its name in the dialog; the first is usual."""
        usual = next(iter(kinds.values()))
        text, kind = QFileDialog.getSaveFileName(
            self._window, title, str(self._folder() / f"{stem}{usual}"), ";;".join(kinds)
        )
        if not text:
            return None
        path = Path(text)
        if path.suffix.lower() in kinds.values():
            return path
        return path.with_name(f"{path.name}{kinds.get(kind, usual)}")

    def _folder(self) -> Path:
        return first_folder(self._window.settings.folder, self._session)

    def _patterns(self) -> str:
        plugins = self._session.registry.plugins.values()
        found = [p for plugin in plugins for reader in plugin.readers for p in reader.patterns]
        known = " ".join(dict.fromkeys(["*.partwise", *found]))
        return f"What Partwise reads ({known});;All files (*)"

    def _thumb(self) -> bytes | None:
        if self._session.input is None:
            return None
        return png(self._window.desk.shown.thumbnail("whole", _THUMB))

    def _report_pictures(self) -> tuple[tuple[str, bytes], ...]:
        stage = self._window.desk.shown
        keys = [strip.key for strip in self._session.strips]
        roles = [_RESIDUAL if key == _RESIDUAL else f"part-{key}" for key in keys]
        pairs = zip(roles, keys, strict=True)
        return tuple((role, png(stage.thumbnail(key, _FIGURE))) for role, key in pairs)
