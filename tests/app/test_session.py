from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
from tests.app.desktop import Desktop

from partwise.errors import WorkerLost
from partwise.jobs import worker as w
from partwise.project.recovery import orphans
from partwise_app import writing
from partwise_app.keeper import Keeper
from partwise_app.notices import Notice
from partwise_app.session import Session


def _notice(desktop: Desktop, session: Session, path: Path) -> Notice:
    with desktop.qtbot.waitSignal(session.noticed) as told:
        session.open_path(path)
    notice = told.args[0]
    assert isinstance(notice, Notice)
    return notice


def test_an_input_is_opened_once(desktop: Desktop) -> None:
    session = desktop.session()
    path = desktop.open(session)
    assert session.source is not None
    assert session.source.title == "grains.txt"
    assert session.parameters["cut"] == 0.5
    session.open_path(path)
    assert len(session.state.sources) == 1
    assert not session.needs_saving


def test_a_file_that_nobody_reads_is_named_with_the_way_out(desktop: Desktop) -> None:
    session = desktop.session()
    path = desktop.folder / "notes.doc"
    path.write_text("a letter")
    notice = _notice(desktop, session, path)
    assert notice.tone == "bad"
    assert notice.text == "notes.doc is of no kind that Partwise reads."
    assert "*.txt" in notice.detail
    assert session.state.sources == ()


def test_a_missing_file_is_no_crash(desktop: Desktop) -> None:
    session = desktop.session()
    notice = _notice(desktop, session, desktop.folder / "gone.txt")
    assert notice.text == "gone.txt: there is no such file."


def test_a_run_enters_the_document_under_its_input(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    desktop.run(session)
    assert session.run is not None
    assert session.run.title == "Run 1"
    assert [strip.key for strip in session.strips] == ["large", "small", "residual"]
    assert session.needs_saving
    assert not session.running


def test_answers_of_another_generation_are_dropped(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    session.start_run()
    desktop.worker.answer(generation=7)
    assert session.running
    assert session.state.runs == ()
    desktop.worker.answer()
    desktop.qtbot.waitUntil(lambda: not session.running)
    desktop.worker.answer()  # a second time: nobody asks any more
    assert len(session.state.runs) == 1


def test_a_locked_part_goes_along_as_it_was_corrected(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    desktop.run(session)
    session.edits.strip("large", "Lock large", {"locked": True, "profile": (0.6, 0.8)})
    session.start_run()
    kept = desktop.worker.requests[-1].kept
    assert [part.key for part in kept] == ["large"]
    np.testing.assert_array_equal(kept[0].profile, [0.6, 0.8])
    with desktop.qtbot.waitSignal(session.run_added):
        desktop.worker.answer()
    assert session.run is not None
    assert session.run.result.provenance is not None
    assert session.run.result.provenance.kept == ("large",)
    assert session.strips[0].locked


def test_parameters_are_edits_and_reach_the_worker(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    session.edits.parameter("cut", 0.25)
    assert session.undo_name == "Set cut"
    session.start_run()
    assert desktop.worker.requests[-1].parameters["cut"] == 0.25
    session.undo()
    assert session.parameters["cut"] == 0.5


def test_stopping_leaves_no_run(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    session.start_run()
    with desktop.qtbot.waitSignal(session.stopped):
        session.stop()
    assert desktop.worker.cancelled
    assert not session.running
    assert session.state.runs == ()


def test_a_lost_worker_is_told_once_and_the_session_goes_on(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    session.start_run()
    notices: list[Notice] = []
    session.noticed.connect(notices.append)
    lost = w.Failed(1, WorkerLost("the process ended", fix="run again"))
    desktop.worker.say(lost)
    desktop.worker.say(lost)
    assert [notice.text for notice in notices] == ["The process ended."]
    assert notices[0].action == "run_start"
    desktop.run(session)
    assert len(session.state.runs) == 1


def test_names_chosen_for_parts_survive_a_run_and_a_file(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    desktop.run(session)
    session.edits.strip("small", "Rename small", {"name": "Sand", "color": "#123456"})
    desktop.run(session)
    assert session.strips[1].name == "Sand"
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    assert not session.needs_saving
    assert session.title == "beach"
    again = desktop.session()
    with desktop.qtbot.waitSignal(again.input_changed):
        again.open_path(path)
    desktop.qtbot.waitUntil(lambda: again.input is not None)
    assert again.strips == session.strips
    before, after = session.run, again.run
    assert before is not None
    assert after is not None
    assert after.result.fit == before.result.fit
    for mine, theirs in zip(before.result.parts, after.result.parts, strict=True):
        assert mine.share == theirs.share
        np.testing.assert_array_equal(mine.profile, theirs.profile)


def test_an_input_that_is_gone_keeps_its_numbers_and_can_be_found_again(desktop: Desktop) -> None:
    session = desktop.session()
    source = desktop.open(session)
    desktop.run(session)
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    elsewhere = desktop.folder / "archive"
    elsewhere.mkdir()
    moved = source.rename(elsewhere / "grains.txt")
    again = desktop.session()
    with desktop.qtbot.waitSignal(again.noticed) as told:
        again.open_path(path)
    assert told.args[0].action == "file_relink"
    assert again.run is not None
    assert "missing" in again.facts()
    assert again.source is not None
    again.relink(again.source.id, moved)
    desktop.qtbot.waitUntil(lambda: again.input is not None)
    assert again.lost == {}
    assert again.run is not None


def test_a_changed_input_is_said(desktop: Desktop) -> None:
    session = desktop.session()
    source = desktop.open(session)
    desktop.run(session)
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    source.write_text("pebbles\n9\n9\n9")
    again = desktop.session()
    with desktop.qtbot.waitSignal(again.noticed) as told:
        again.open_path(path)
    assert "no longer the file" in told.args[0].text


def test_a_folder_that_cannot_be_written_keeps_the_work(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    desktop.run(session)
    with desktop.qtbot.waitSignal(session.noticed) as told:
        session.save(desktop.folder / "no such folder" / "beach.partwise")
    assert told.args[0].tone == "bad"
    assert session.needs_saving


def test_exports_are_whole_and_carry_the_correction(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    desktop.run(session)
    session.edits.strip("small", "Correct small", {"profile": (0.5, 0.25)})
    assert session.input is not None
    assert session.run is not None
    offers = writing.applicable(session.input.plugin, session.run)
    assert [(e.role, part) for e, part in offers] == [("grains", 0), ("grains", 1), ("all", None)]
    target = desktop.folder / "out"
    target.mkdir()
    with desktop.qtbot.waitSignal(session.noticed) as told:
        session.outbox.export(offers, target, "beach")
    assert told.args[0].text == "3 files exported."
    assert sorted(os.listdir(target)) == [
        "beach-all.txt",
        "beach-grains-large.csv",
        "beach-grains-small.csv",
    ]
    assert (target / "beach-grains-small.csv").read_text() == "0.5\n0.25"


def test_work_that_a_crash_left_is_recovered(desktop: Desktop) -> None:
    session = desktop.session()
    keeper = Keeper(session)
    desktop.open(session)
    desktop.run(session)  # a copy is written after each run
    folder = desktop.folder / "state" / "autosave"
    desktop.qtbot.waitUntil(lambda: any(folder.glob("*.partwise")))
    desktop.qtbot.waitUntil(lambda: session.idle)
    assert orphans() == []  # its session is alive
    for note in folder.glob("*.json"):
        note.write_text(note.read_text().replace(str(os.getpid()), str(2**22 + 1)))
    found = keeper.orphan()
    assert found is not None
    again = desktop.session()
    with desktop.qtbot.waitSignal(again.opened):
        again.recover(found.path, found.project, found.discard)
    assert again.run is not None
    assert again.needs_saving
    assert again.path is None
    assert keeper.orphan() is None


def test_saving_takes_the_copy_away(desktop: Desktop) -> None:
    session = desktop.session()
    keeper = Keeper(session)
    desktop.open(session)
    desktop.run(session)
    folder = desktop.folder / "state" / "autosave"
    desktop.qtbot.waitUntil(lambda: any(folder.glob("*.partwise")))
    with desktop.qtbot.waitSignal(session.saved):
        session.save(desktop.folder / "beach.partwise")
    assert list(folder.glob("*.partwise")) == []
    keeper.close()
    assert not list(desktop.folder.glob(".*.lock"))


def test_undo_and_redo_name_the_edit(desktop: Desktop) -> None:
    session = desktop.session()
    desktop.open(session)
    desktop.run(session)
    before = session.strips
    session.edits.strip("large", "Hide large", {"show": False})
    assert session.undo_name == "Hide large"
    session.undo()
    assert session.strips == before
    assert session.redo_name == "Hide large"
    session.redo()
    assert session.strips == (dataclasses.replace(before[0], show=False), *before[1:])


def test_facts_follow_what_is_open(desktop: Desktop) -> None:
    session = desktop.session()
    assert session.facts() == frozenset()
    desktop.open(session)
    assert session.facts() == {"project", "savable", "writable", "source", "listed", "runnable"}
    session.start_run()
    assert {"running"} <= session.facts()
    assert "runnable" not in session.facts()
