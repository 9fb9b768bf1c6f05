"""Steering by hand: strips, runs beside each other, removal, choices of readers, a held file."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QTableWidget
from tests.app.desktop import Desktop, StandIn
from tests.fixtures import pebble

from partwise.errors import FileProblem
from partwise.jobs import worker as w
from partwise.plugins.registry import Registry
from partwise.result import Snapshot
from partwise_app import resolve
from partwise_app.dialogs.choose import ChooseDialog
from partwise_app.dialogs.preferences import PreferencesDialog
from partwise_app.session import Session
from partwise_app.settings import Settings
from partwise_app.strip import StripView
from partwise_app.tables import text_of_table
from partwise_app.window import Window


def _with_result(desktop: Desktop, runs: int = 1) -> Window:
    window = desktop.window()
    desktop.open(window.session)
    for _ in range(runs):
        desktop.run(window.session)
    return window


def _strip(window: Window, key: str) -> StripView:
    view = window.desk.mixer.strip_view(key)
    assert isinstance(view, StripView)
    return view


def _texts(table: Any) -> list[list[str]]:
    return [line.split("\t") for line in text_of_table(table).splitlines()]


def test_strips_are_moved_by_key_and_by_drag_and_brought_back(desktop: Desktop) -> None:
    window = _with_result(desktop)
    mixer, session = window.desk.mixer, window.session
    assert mixer.keys() == ("large", "small", "residual")
    _strip(window, "large").setFocus()
    desktop.qtbot.keyClick(
        _strip(window, "large"), Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier
    )
    assert mixer.keys() == ("small", "large", "residual")
    assert session.undo_name == "Move Large & <b>round</b>"
    # The residual stays last: one more step to the right goes nowhere.
    desktop.qtbot.keyClick(
        _strip(window, "large"), Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier
    )
    assert mixer.keys() == ("small", "large", "residual")
    session.undo()
    assert mixer.keys() == ("large", "small", "residual")
    dragged, over = _strip(window, "large"), _strip(window, "small")
    grip = QPoint(4, dragged.height() - 4)
    target = dragged.mapFromGlobal(over.mapToGlobal(QPoint(over.width() - 8, grip.y())))
    desktop.qtbot.mousePress(dragged, Qt.MouseButton.LeftButton, pos=grip)
    desktop.qtbot.mouseMove(dragged, target)
    desktop.qtbot.mouseRelease(dragged, Qt.MouseButton.LeftButton, pos=target)
    assert mixer.keys() == ("small", "large", "residual")


def test_the_order_of_strips_does_not_mix_up_parts(desktop: Desktop) -> None:
    window = _with_result(desktop)
    session = window.session
    session.edits.move("small", 0)
    assert [s.key for s in session.strips] == ["small", "large", "residual"]
    assert [s.key for s in session.part_strips] == ["large", "small", "residual"]
    window.action("view_toggle:1").trigger()
    assert {s.key: s.show for s in session.strips} == {
        "small": False,
        "large": True,
        "residual": False,
    }
    assert [color for color, _ in window.desk.sheets.charts()[0].lines] == ["#aa3355"]


def test_joined_parts_are_one_strip_that_counts_both(desktop: Desktop) -> None:
    window = _with_result(desktop)
    menu = _strip(window, "small").menu()
    join: Any = next(a.menu() for a in menu.actions() if a.text() == "Join with")
    join.actions()[0].trigger()
    session = window.session
    assert window.desk.mixer.keys() == ("small", "residual")
    assert session.strips[0].name == "Small + Large & <b>round</b>"
    assert "100 %" in {x.text() for x in _strip(window, "small").findChildren(QLabel)}
    session.edits.strip("small", "Hide both", {"show": False})
    assert {s.key: s.show for s in session.part_strips}["large"] is False
    apart = next(a for a in _strip(window, "small").menu().actions() if a.text() == "Take apart")
    apart.trigger()
    assert [s.name for s in session.strips] == ["Small", "Large & <b>round</b>", "Residual"]
    session.undo()
    session.undo()
    session.undo()
    assert session.run is not None
    assert session.strips == session.run.strips


def test_run_on_from_here_keeps_what_was_corrected(desktop: Desktop) -> None:
    window = _with_result(desktop)
    assert not window.action("run_from_here").isEnabled()
    window.session.edits.strip("large", "Correct large", {"profile": (0.6, 0.8)})
    assert window.action("edit_reset_strips").isEnabled()
    window.action("run_start").trigger()
    assert desktop.worker.requests[-1].kept == ()
    desktop.worker.answer()
    window.session.select_run(window.session.state.runs[0].id)
    window.action("run_from_here").trigger()
    (kept,) = desktop.worker.requests[-1].kept
    assert (kept.key, tuple(kept.profile)) == ("large", (0.6, 0.8))


def test_run_goes_on_from_what_was_stopped_and_run_anew_does_not(desktop: Desktop) -> None:
    window = _with_result(desktop)
    session = window.session
    assert desktop.worker.requests[-1].start == ()
    window.action("run_start").trigger()
    assert desktop.worker.requests[-1].start == ()  # what came to its end is not gone on from
    stood = pebble_parts(window)[:1]
    desktop.worker.say(w.Snapshotted(2, Snapshot(stood, (3.0, 2.0))))
    with desktop.qtbot.waitSignal(session.stopped):
        session.stop()
    window.action("run_start").trigger()
    assert [part.key for part in desktop.worker.requests[-1].start] == ["large"]
    with desktop.qtbot.waitSignal(session.run_added):
        desktop.worker.answer()
    assert session.run is not None
    assert session.run.result.provenance is not None
    assert [part.key for part in session.run.result.provenance.start] == ["large"]
    session.select_run("run-2")
    window.action("run_anew").trigger()
    assert desktop.worker.requests[-1].start == ()


def test_what_was_only_tried_is_not_gone_on_from(desktop: Desktop) -> None:
    window = _with_result(desktop)
    session = window.session
    session.start_run()
    tried = [dataclasses.replace(part, facts={"tried": True}) for part in pebble_parts(window)]
    desktop.worker.say(w.Snapshotted(2, Snapshot(tuple(tried), (3.0,))))
    with desktop.qtbot.waitSignal(session.stopped):
        session.stop()
    session.start_run()
    assert desktop.worker.requests[-1].start == ()


def pebble_parts(window: Window) -> Any:
    run = window.session.state.runs[0]
    return run.result.parts


def test_a_run_begins_from_corrections_and_locked_parts_stay(desktop: Desktop) -> None:
    window = _with_result(desktop)
    edits = window.session.edits
    edits.strip("large", "Correct large", {"profile": (0.6, 0.8)})
    edits.strip("small", "Lock small", {"locked": True})
    window.action("run_start").trigger()
    asked = desktop.worker.requests[-1]
    assert [part.key for part in asked.kept] == ["small"]
    (start,) = asked.start
    assert (start.key, tuple(start.profile), start.facts["corrected"]) == (
        "large",
        (0.6, 0.8),
        True,
    )


def test_joined_parts_are_begun_from_as_one_and_keep_the_name_given(desktop: Desktop) -> None:
    window = _with_result(desktop)
    session = window.session
    session.edits.join("large", "small")
    session.edits.strip("large", "Rename", {"name": "All grains", "color": "#010203"})
    window.action("run_start").trigger()
    assert [part.name for part in desktop.worker.requests[-1].start] == ["All grains"]
    desktop.worker.answer()
    assert {s.key: (s.name, s.color) for s in session.strips}["large"] == ("All grains", "#010203")


def test_names_go_on_from_the_run_that_was_looked_at(desktop: Desktop) -> None:
    window = _with_result(desktop, runs=2)
    session = window.session
    session.select_run("run-1")
    session.edits.strip("large", "Rename", {"name": "Boulders"})
    desktop.run(session)
    assert session.strips[0].name == "Boulders"


def test_a_part_is_split_only_where_the_number_of_parts_is_a_choice(desktop: Desktop) -> None:
    window = _with_result(desktop)
    titles = [action.text() for action in _strip(window, "large").menu().actions()]
    assert "Split in two, and run" not in titles
    assert not any(offer.id.startswith("split:") for offer in window.offers())


def test_two_runs_are_compared_until_something_else_is_looked_at(desktop: Desktop) -> None:
    window = _with_result(desktop)
    assert not window.action("view_compare_runs").isEnabled()
    window.session.edits.parameter("cut", 0.25)
    desktop.run(window.session)
    window.action("view_compare_runs").trigger()
    page = window.comparing.page
    assert page is not None
    assert page.isVisible()
    rows = _texts(page.findChild(QTableWidget))
    assert rows[0] == ["", "Run 1", "Run 2", "Change"]
    assert ["Parameter · Cut", "0.5", "0.25", ""] in rows
    window.session.select_run("run-1")
    assert window.comparing.page is None
    assert window.desk.sheets.isVisible()


def test_a_run_tells_what_it_did_otherwise(desktop: Desktop) -> None:
    window = _with_result(desktop)
    window.session.edits.parameter("cut", 0.25)
    desktop.run(window.session)
    newest, oldest = (e.story for e in window.desk.tree.entries() if e.is_run)
    assert "Changed since Run 1:\nCut: 0.5 → 0.25" in newest
    assert "Changed since" not in oldest
    assert "Ran until it stood still" in oldest


def test_removing_can_be_undone_and_is_not_saved(desktop: Desktop) -> None:
    window = _with_result(desktop, runs=2)
    session = window.session
    window.action("edit_remove").trigger()
    assert [e.title for e in window.desk.tree.entries()] == ["grains.txt", "Run 1"]
    assert session.run is not None
    assert session.run.title == "Run 1"
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    session.look_at_source(session.run.source)
    window.action("edit_remove").trigger()
    assert window.welcome.isVisible()
    window.action("edit_undo").trigger()
    window.action("edit_undo").trigger()
    assert len(window.desk.tree.entries()) == 3
    again = desktop.session()
    with desktop.qtbot.waitSignal(again.opened):
        again.open_path(path)
    assert [run.title for run in again.state.runs] == ["Run 1"]


def test_a_stopped_run_keeps_its_parts_and_claims_no_numbers(desktop: Desktop) -> None:
    window = _with_result(desktop)
    session = window.session
    parts = session.run.result.parts if session.run else ()
    session.start_run()
    desktop.worker.say(w.Snapshotted(2, Snapshot(parts[:1], (3.0, 2.0))))
    with desktop.qtbot.waitSignal(session.stopped):
        session.stop()
    run = session.run
    assert run is not None
    assert (run.title, run.result.fit.stop, run.result.fit.iterations) == ("Run 2", "cancelled", 2)
    assert not resolve.is_whole(run)
    assert "whole" not in session.facts()
    assert not any(ch == "%" for text in window.desk.trust.texts() for ch in text)
    assert resolve.percent(run.result.residual.share) == ""


def _stand_in(on_event: Any) -> Any:
    return StandIn(on_event)


def _twin() -> Registry:
    other = dataclasses.replace(pebble.PLUGIN, id="gravel", title="Gravel counter", samples=())
    return Registry([pebble.PLUGIN, other])


def test_a_file_that_two_could_read_is_asked_about_once(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = desktop.window(Session(_twin(), _stand_in))
    asked: list[str] = []

    def answer(dialog: ChooseDialog) -> int:
        asked.append(dialog.windowTitle())
        dialog._list.setCurrentRow(1)
        return 1

    monkeypatch.setattr(ChooseDialog, "exec", answer)
    path = desktop.file()
    with desktop.qtbot.waitSignal(window.session.opened):
        window.deeds.open_path(path)
    assert asked == ["How shall grains.txt be read?"]
    chosen = [window.session.source.plugin if window.session.source else ""]
    with desktop.qtbot.waitSignal(window.session.opened):
        window.deeds.open_path(desktop.file("more.txt"))
    chosen.append(window.session.source.plugin if window.session.source else "")
    assert len(asked) == 1
    assert len(set(chosen)) == 1
    assert window.settings.readers == {".txt": chosen[0]}
    window.settings.forget_readers()
    with desktop.qtbot.waitSignal(window.session.opened):
        window.deeds.open_path(desktop.file("third.txt"))
    assert len(asked) == 2


def test_a_question_that_is_left_opens_nothing(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = desktop.window(Session(_twin(), _stand_in))
    monkeypatch.setattr(ChooseDialog, "exec", lambda dialog: 0)
    window.deeds.open_path(desktop.file())
    desktop.qtbot.waitUntil(lambda: window.session.idle)
    assert window.session.state.sources == ()
    assert window.settings.readers == {}


def test_a_project_that_somebody_holds_is_only_read(desktop: Desktop) -> None:
    window = _with_result(desktop)
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(window.session.saved):
        window.session.save(path)
    lock = path.with_name(".beach.partwise.lock")
    window.session.close_project()
    lock.write_text(json.dumps({"pid": os.getppid(), "host": "reading-room"}))
    with desktop.qtbot.waitSignal(window.session.opened):
        window.session.open_path(path)
    assert window.session.holder is not None
    assert not window.action("file_save").isEnabled()
    assert "read-only" in window.windowTitle()
    assert window.notices.notice is not None
    assert "reading-room" in window.notices.notice.text
    assert window.notices.notice.action == "file_save_as"
    before = path.read_bytes()
    window.session.edits.strip("large", "Hide large", {"show": False})
    window.session.save(path)
    desktop.qtbot.waitUntil(lambda: window.session.idle)
    assert path.read_bytes() == before
    mine = desktop.folder / "mine.partwise"
    with desktop.qtbot.waitSignal(window.session.saved):
        window.session.save(mine)
    assert "writable" in window.session.facts()
    assert window.action("file_save").isEnabled()


def test_one_found_file_mends_all_that_moved_with_it(desktop: Desktop) -> None:
    session = desktop.session()
    old, new = desktop.folder / "old", desktop.folder / "new"
    old.mkdir()
    for name, values in (("a.txt", (1, 2)), ("b.txt", (3, 4)), ("c.txt", (5, 6))):
        desktop.open(session, pebble.write_pebbles(old / name, values))
    path = desktop.folder / "p" / "beach.partwise"
    path.parent.mkdir()
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    old.rename(new)
    (new / "c.txt").write_text("pebbles\n9")  # another file under the name of one that moved
    again = desktop.session()
    with desktop.qtbot.waitSignal(again.opened):
        again.open_path(path)
    assert len(again.lost) == 3
    first = again.state.sources[0]
    with desktop.qtbot.waitSignal(again.inputs.relinked):
        again.relink(first.id, new / "a.txt")
    assert list(again.lost) == [again.state.sources[2].id]
    with desktop.qtbot.waitSignal(again.inputs.fetched):
        again.select_source(again.state.sources[1].id)
    assert again.input is not None


def test_settings_are_kept_and_followed(desktop: Desktop) -> None:
    window = desktop.window()
    dialog = PreferencesDialog(window, window.settings)
    dialog._theme.setCurrentIndex(dialog._theme.findData("light"))
    dialog._size.setCurrentIndex(dialog._size.findData(125))
    dialog._threads.setValue(3)
    dialog._autosave.setValue(120)
    dialog._folder.setText(str(desktop.folder))
    dialog.accept()
    window.follow_settings()
    again = Settings(desktop.folder / "window.ini")
    assert (again.theme, again.threads, again.autosave_s) == ("light", 3, 120)
    assert again.size_percent == 125
    assert again.folder == desktop.folder
    assert desktop.theme.tokens.name == "light"
    assert window.keeper._timer.interval() == 120_000
    assert window.deeds._folder() == desktop.folder
    dialog.deleteLater()


def test_spoilt_settings_are_as_if_never_made(tmp_path: Path) -> None:
    lines = ("[General]", "threads=many", "size=9000", "autosave=-5", "folder=/gone", "")
    (tmp_path / "window.ini").write_text("\n".join(lines))
    spoilt = Settings(tmp_path / "window.ini")
    assert (spoilt.threads, spoilt.autosave_s, spoilt.folder) == (0, 10, None)
    assert spoilt.size_percent == 200


def test_an_error_that_nobody_foresaw_is_shown_with_its_details(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = desktop.window()
    shown: list[Any] = []
    monkeypatch.setattr(window.deeds, "_show", shown.append)
    window.deeds.uncaught(ZeroDivisionError("oops"))
    window.deeds.uncaught(ZeroDivisionError("again"))  # one at a time
    desktop.qtbot.waitUntil(lambda: len(shown) == 1)
    assert "ZeroDivisionError: oops" in shown[0]._text
    assert "Python: 3." in shown[0]._text
    window.deeds.uncaught(FileProblem(desktop.folder / "x", "is empty"))
    desktop.qtbot.waitUntil(lambda: len(shown) == 2)
    for page in shown:
        page.deleteLater()


def test_every_table_can_be_copied(desktop: Desktop, qapp: Any) -> None:
    window = _with_result(desktop)
    (table,) = window.desk.sheets.findChildren(QTableWidget)
    (copy,) = table.actions()
    copy.trigger()
    assert QGuiApplication.clipboard().text() == "name\tsize\na\t1\nb\t2\n"
    desktop.qtbot.mouseClick(window.desk.measures._copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "Measure\tValue\tUnit\nMean\t2.5\tmm\n"
