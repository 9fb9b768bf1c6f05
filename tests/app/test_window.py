from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAccessible, QDropEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QTableWidget, QWidget
from tests.app.desktop import Desktop, reachable

from partwise.data.dataset import Axis
from partwise.jobs import worker as w
from partwise.result import Part, Snapshot, View
from partwise_app.dialogs.export import ExportDialog
from partwise_app.dialogs.pages import (
    AboutPage,
    LogPage,
    PluginsPage,
    ProblemPage,
    ShortcutsPage,
    report_text,
)
from partwise_app.dialogs.unsaved import UnsavedDialog
from partwise_app.host import Host, load_panel
from partwise_app.notices import Notice
from partwise_app.settings import Settings
from partwise_app.theme import DARK
from partwise_app.viewers.traces import TracesView
from partwise_app.window import Window


def _with_result(desktop: Desktop) -> Window:
    window = desktop.window()
    desktop.open(window.session)
    desktop.run(window.session)
    return window


def _child(top: QWidget, name: str) -> Any:
    found = [w for w in top.findChildren(QWidget) if w.accessibleName() == name]
    assert len(found) == 1, [w.accessibleName() for w in top.findChildren(QPushButton)]
    return found[0]


def _spoken(widget: QWidget) -> str:
    face = QAccessible.queryAccessibleInterface(widget)
    return face.text(QAccessible.Text.Name)


def _unnamed(top: QWidget) -> list[str]:
    return [
        f"{type(w).__name__} {w.objectName()}"
        for w in reachable(top)
        if not (w.accessibleName() or _spoken(w)) and not w.objectName().startswith("qt_")
    ]


@pytest.mark.parametrize("page", ["welcome", "open", "result"])
def test_every_control_has_a_name(desktop: Desktop, page: str) -> None:
    window = desktop.window()
    window.load_samples()
    if page != "welcome":
        desktop.open(window.session)
    if page == "result":
        desktop.run(window.session)
        window.notices.tell(
            Notice("bad", "It rains.", "Take an umbrella.", "x", "file_save"), "Save"
        )
    window.desk.form._fold.setChecked(True)
    assert len(reachable(window)) > 3
    assert _unnamed(window) == []


def test_every_dialog_s_control_has_a_name(desktop: Desktop) -> None:
    window = _with_result(desktop)
    session = window.session
    assert session.run is not None
    dialogs = [
        ExportDialog(window, (), session.run, desktop.folder, "beach"),
        PluginsPage(window, session.registry, DARK),
        ShortcutsPage(window),
        AboutPage(window),
        LogPage(window, "09:00 begun"),
        ProblemPage(window, Notice("bad", "It rains.", "Take an umbrella.", "drops")),
        UnsavedDialog(window, "beach"),
    ]
    for dialog in dialogs:
        dialog.show()
        assert _unnamed(dialog) == [], type(dialog).__name__
        dialog.hide()
        dialog.deleteLater()


def test_the_page_follows_what_is_open(desktop: Desktop) -> None:
    window = desktop.window()
    assert window.welcome.isVisible()
    assert not window.action("run_start").isEnabled()
    desktop.open(window.session)
    assert window.desk.isVisible()
    assert window.action("run_start").isEnabled()
    assert window.windowTitle() == "grains — not saved — Partwise"
    window.session.close_project()
    assert window.welcome.isVisible()
    assert window.windowTitle() == "Partwise"


def test_the_title_says_whether_it_is_saved(desktop: Desktop) -> None:
    window = _with_result(desktop)
    with desktop.qtbot.waitSignal(window.session.saved):
        window.session.save(desktop.folder / "beach.partwise")
    assert window.windowTitle() == "beach — saved — Partwise"
    window.session.edits.strip("large", "Hide large", {"show": False})
    assert window.windowTitle() == "beach — edited — Partwise"
    assert window.action("edit_undo").text() == "Undo: hide large"
    window.action("edit_undo").trigger()
    assert window.session.strips[0].show


def test_a_press_in_the_mixer_is_an_edit_with_a_name(desktop: Desktop) -> None:
    window = _with_result(desktop)
    strip = window.desk.mixer.strip_view("small")
    desktop.qtbot.mouseClick(_child(strip, "Solo Small"), Qt.MouseButton.LeftButton)
    assert [s.solo for s in window.session.strips] == [False, True, False]
    assert window.session.undo_name == "Solo Small"
    desktop.qtbot.mouseClick(_child(strip, "Lock Small"), Qt.MouseButton.LeftButton)
    assert window.session.strips[1].locked
    window.session.undo()
    window.session.undo()
    assert not _child(strip, "Solo Small").isChecked()


def test_a_name_is_edited_in_place(desktop: Desktop) -> None:
    window = _with_result(desktop)
    line = _child(window.desk.mixer.strip_view("small"), "Name of Small")
    assert isinstance(line, QLineEdit)
    line.setFocus()
    line.setText("Sand")
    desktop.qtbot.keyClick(line, Qt.Key.Key_Return)
    assert window.session.strips[1].name == "Sand"
    assert window.session.undo_name == "Rename Small"


def test_digits_show_and_hide_like_the_strips(desktop: Desktop) -> None:
    window = _with_result(desktop)
    window.action("view_toggle:2").trigger()
    window.action("view_toggle:0").trigger()
    assert [s.show for s in window.session.strips] == [True, False, True]
    assert not window.action("view_toggle:3").isEnabled()


def test_shares_and_trust_are_the_result_s_own(desktop: Desktop) -> None:
    window = _with_result(desktop)
    words = {label.text() for label in window.desk.mixer.findChildren(QLabel)}
    assert {"75 %", "25 %", "5 %"} <= words
    assert window.desk.trust.texts() == ("good: 95.0 % explained. Of the grains.",)
    assert window.desk.curve.trace == (3.0, 2.0, 0.1)


def test_the_list_shows_inputs_with_their_runs(desktop: Desktop) -> None:
    window = _with_result(desktop)
    desktop.run(window.session)
    entries = window.desk.tree.entries()
    assert [(e.title, e.is_run) for e in entries] == [
        ("grains.txt", False),
        ("Run 2", True),
        ("Run 1", True),
    ]
    assert {e.verdict for e in entries if e.is_run} == {"good"}
    window.desk.tree.chosen.emit(entries[2].id, True)
    assert window.session.run is not None
    assert window.session.run.title == "Run 1"
    window.desk.tree.renamed.emit(entries[2].id, "First look")
    assert window.desk.tree.entries()[2].title == "First look"


def test_a_wrong_parameter_keeps_the_run_back_and_says_where(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    line = window.desk.form.field("cut")
    assert isinstance(line, QLineEdit)
    line.setText("7")
    line.textEdited.emit("7")
    window.action("run_start").trigger()
    assert not window.session.running
    assert window.notices.notice is not None
    assert window.notices.notice.text == "A parameter is not allowed."


def test_run_becomes_stop_while_it_runs(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    window.action("run_start").trigger()
    button = _child(window.topbar, "Stop the analysis")
    assert not window.action("run_start").isEnabled()
    desktop.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    desktop.qtbot.waitUntil(lambda: not window.session.running)
    assert _child(window.topbar, "Run the analysis").isEnabled()
    assert window.status.job.text() == "Stopped"


def test_stop_is_acknowledged_before_the_run_has_left(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = desktop.window()
    session = window.session
    desktop.open(session)
    session.start_run()
    monkeypatch.setattr(desktop.worker, "cancel", lambda: None)
    drawn: list[Snapshot] = []
    session.snapshot_arrived.connect(drawn.append)
    first, last = (
        Snapshot((Part("large", "Large", "#aa3355", np.array([k, 1.0])),), (k,)) for k in (1.0, 2.0)
    )
    desktop.worker.say(w.Snapshotted(1, first))
    desktop.qtbot.waitUntil(lambda: drawn == [first])
    button = _child(window.topbar, "Stop the analysis")
    desktop.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (window.status.job.text(), button.isEnabled()) == ("Stopping…", False)
    desktop.worker.say(w.Snapshotted(1, last))
    with desktop.qtbot.waitSignal(session.run_added):
        desktop.worker.say(w.CancelledRun(1))
    assert drawn == [first], "nothing is drawn on the way out"
    assert session.run is not None
    assert session.run.result.parts == last.parts, "and what stood last is kept"


def test_files_dropped_anywhere_are_opened(desktop: Desktop) -> None:
    window = desktop.window()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(desktop.file(name))) for name in ("a.txt", "b.txt")])
    event = QDropEvent(
        QPointF(300, 300),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    desktop.qtbot.waitUntil(lambda: len(window.session.state.sources) == 2)
    assert event.isAccepted()


def test_a_sample_opens_and_runs_with_one_click(desktop: Desktop) -> None:
    window = desktop.window()
    window.load_samples()
    desktop.qtbot.mouseClick(
        _child(window.welcome, "Open and run Pebbles"), Qt.MouseButton.LeftButton
    )
    desktop.qtbot.waitUntil(lambda: window.session.running)
    desktop.worker.answer()
    desktop.qtbot.waitUntil(lambda: window.session.run is not None)


def test_closing_asks_where_something_would_be_lost(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = _with_result(desktop)
    asked = []

    def answer(dialog: UnsavedDialog, /) -> int:
        asked.append(dialog.windowTitle())
        return 0

    monkeypatch.setattr(UnsavedDialog, "exec", answer)
    window.close()
    desktop.qtbot.waitUntil(lambda: asked == ["Save your work?"])
    assert window.isVisible()


def test_closing_saves_first_when_told_to(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = _with_result(desktop)
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(window.session.saved):
        window.session.save(path)
    window.session.edits.strip("large", "Hide large", {"show": False})

    def answer(dialog: UnsavedDialog, /) -> int:
        dialog._on_save()
        return 1

    monkeypatch.setattr(UnsavedDialog, "exec", answer)
    with desktop.qtbot.waitSignal(window.session.saved):
        window.close()
    desktop.qtbot.waitUntil(lambda: not window.isVisible())
    again = desktop.session()
    with desktop.qtbot.waitSignal(again.opened):
        again.open_path(path)
    assert not again.strips[0].show


def test_export_refuses_what_cannot_work(desktop: Desktop) -> None:
    window = _with_result(desktop)
    session = window.session
    assert session.run is not None
    assert session.input is not None
    offers = [(exporter, None) for exporter in session.input.plugin.exporters[1:2]]
    dialog = ExportDialog(window, offers, session.run, desktop.folder, "beach")
    assert dialog.problem() == ""
    dialog._stem.setText("../beach")
    assert "slashes" in dialog.problem()
    assert not dialog._go.isEnabled()
    dialog._stem.setText("beach")
    dialog._folder.setText(str(desktop.folder / "nowhere"))
    assert dialog.problem() == "There is no such folder."
    dialog._folder.setText(str(desktop.folder))
    dialog._boxes[0].setChecked(False)
    assert dialog.problem() == "Tick a file."
    dialog.deleteLater()


def test_report_is_one_page_with_the_chosen_names(desktop: Desktop) -> None:
    window = _with_result(desktop)
    window.session.edits.strip("small", "Rename small", {"name": "Sand & gravel"})
    path = desktop.folder / "beach.html"
    with desktop.qtbot.waitSignal(window.session.noticed) as told:
        window.session.outbox.report(path, window.deeds._report_pictures())
    assert told.args[0].tone == "good", told.args[0].more
    page = path.read_text("utf-8")
    assert "Sand &amp; gravel" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("typed", "kind", "written", "begins"),
    [
        ("beach.pdf", "HTML (*.html)", "beach.pdf", b"%PDF-"),
        ("beach", "PDF (*.pdf)", "beach.pdf", b"%PDF-"),
        ("beach", "HTML (*.html)", "beach.html", b"<!doctype html"),
        ("v1.2", "", "v1.2.pdf", b"%PDF-"),
    ],
)
def test_report_is_offered_on_paper_and_as_a_page(
    desktop: Desktop,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    kind: str,
    written: str,
    begins: bytes,
) -> None:
    window = _with_result(desktop)
    offered = []

    def ask(*about: str) -> tuple[str, str]:
        offered.append(about[-1])
        return str(desktop.folder / typed), kind

    monkeypatch.setattr("partwise_app.deeds.QFileDialog.getSaveFileName", ask)
    with desktop.qtbot.waitSignal(window.session.noticed) as told:
        window.action("file_report").trigger()
    assert told.args[0].tone == "good", told.args[0].more
    assert offered == ["PDF (*.pdf);;HTML (*.html)"]
    data = (desktop.folder / written).read_bytes()
    assert data[: len(begins)].lower() == begins.lower()


def test_copied_table_has_the_chosen_names_and_every_number(desktop: Desktop, qapp: Any) -> None:
    window = _with_result(desktop)
    window.session.edits.strip("small", "Rename small", {"name": "Sand"})
    window.action("edit_copy_table").trigger()
    lines = qapp.clipboard().text().splitlines()
    assert "Sand\t25" in lines
    assert "Mean\t2.5\tmm" in lines


def test_details_of_a_problem_name_versions_for_a_report() -> None:
    text = report_text(Notice("bad", "It rains.", "Take an umbrella.", "Traceback: drops"))
    assert text.startswith("It rains.\nTake an umbrella.")
    assert "Python: 3." in text
    assert text.endswith("Traceback: drops")


def test_theme_is_chosen_and_remembered(desktop: Desktop) -> None:
    window = desktop.window()
    window.action("view_theme:light").trigger()
    assert desktop.theme.tokens.name == "light"
    assert window.action("view_theme:light").isChecked()
    window.theme.set_mode("dark")
    window.settings.sync()
    assert Settings(desktop.folder / "window.ini").theme == "light"


def test_recent_files_are_offered_while_they_exist(desktop: Desktop) -> None:
    window = desktop.window()
    path = desktop.open(window.session)
    window.session.close_project()
    desktop.qtbot.waitUntil(lambda: _child(window.welcome, "Open grains.txt").isVisible())
    path.unlink()
    window.load_samples()
    assert window.settings.recent == ()


def test_nothing_is_wider_than_the_smallest_window(desktop: Desktop) -> None:
    window = _with_result(desktop)
    window.resize(1280, 800)
    desktop.qtbot.waitUntil(lambda: window.width() == 1280)
    frame = window.rect()
    for child in reachable(window):
        inside = child.rect().translated(child.mapTo(window, child.rect().topLeft()))
        assert frame.left() <= inside.left(), child.accessibleName()
        assert inside.right() <= frame.right(), child.accessibleName()


def test_what_is_no_image_is_seen_as_curves_and_tables(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    assert window.desk.sheets.isVisible()
    assert not window.desk.stage.isVisible()
    desktop.run(window.session)
    profiles, sizes = window.desk.sheets.charts()
    assert [color for color, _ in profiles.lines] == ["#aa3355", "#3355aa"]
    assert list(sizes.lines[0][1]) == [1.0, 2.0, 3.0, 4.0]
    (table,) = window.desk.sheets.findChildren(QTableWidget)
    assert (table.accessibleName(), table.rowCount()) == ("Grains", 2)
    window.action("view_toggle:1").trigger()
    assert [color for color, _ in window.desk.sheets.charts()[0].lines] == ["#3355aa"]


def test_views_that_are_more_than_lines_have_their_drawings(desktop: Desktop) -> None:
    window = _with_result(desktop)
    run = window.session.run
    assert run is not None
    rng = np.random.default_rng(2)
    axes = (Axis("channel", 2), Axis("time", 400, "s", 0.01))
    traces = View("traces", "Signals", {"y": rng.random((2, 400))}, axes)
    result = dataclasses.replace(run.result, views=(*run.result.views, traces))
    sheets = window.desk.sheets
    sheets.set_result(result, window.session.strips)
    (drawing,) = sheets.drawings()
    assert isinstance(drawing, TracesView)
    assert len(sheets.charts()) == 2
    drawing.zoom_in()
    looked = drawing.window_shown
    sheets.set_result(result, window.session.strips)  # the mixer was touched
    assert sheets.drawings() == (drawing,)
    assert drawing.isVisible()
    assert drawing.window_shown == looked
    sheets.set_result(None, ())
    assert sheets.drawings() == ()


def test_a_panel_that_fails_leaves_form_and_stage(desktop: Desktop) -> None:
    session = desktop.session()
    plugin = session.registry.get("pebble")
    host = Host(session)
    assert load_panel(plugin, host) is None
    for broken in ("no.such.module:Panel", "math:pi"):
        assert load_panel(dataclasses.replace(plugin, panel=broken), host) is None
    made = load_panel(dataclasses.replace(plugin, panel="tests.app.desktop:Note"), host)
    assert made is not None
    made.deleteLater()
