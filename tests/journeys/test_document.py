"""A project over its days: undo, save, a crash, a move, a second window, a report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.app.desktop import close
from tests.fixtures import pebble
from tests.journeys.conftest import Journey

from partwise.cli import main
from partwise_app.window import Window


def _worked_on(journey: Journey, folder: Path) -> Window:
    folder.mkdir(exist_ok=True)
    window = journey.window(pebbles=True)
    journey.open(window, pebble.write_pebbles(folder / "grains.txt"))
    journey.run(window)
    return window


def test_every_edit_is_taken_back_by_its_name_and_brought_back(journey: Journey) -> None:
    window = _worked_on(journey, journey.folder)
    session = window.session
    before = session.state
    edits = session.edits
    edits.strip("large", "Rename Large", {"name": "Boulder"})
    edits.strip("large", "Colour Boulder", {"color": "#123456"})
    edits.move("small", 0)
    edits.join("small", "large")
    edits.parameter("cut", 0.25)
    session.keep({"grains": [1, 2]}, "Mark two grains")
    edits.rename("run-1", "Beach")
    after = session.state
    names = []
    while session.undo_name:
        names.append(window.action("edit_undo").text())
        window.action("edit_undo").trigger()
    assert names[0] == "Undo: rename"
    assert names[1] == "Undo: mark two grains"
    assert session.state.choices == before.choices
    assert session.state.sections == {}
    while session.redo_name:
        window.action("edit_redo").trigger()
    assert session.state.choices == after.choices
    assert session.state.sections == after.sections


def test_what_a_crash_left_is_recovered_with_its_edits(journey: Journey) -> None:
    window = _worked_on(journey, journey.folder)
    path = journey.folder / "beach.partwise"
    journey.save(window, path)
    window.session.edits.strip("large", "Rename", {"name": "Boulder"})
    window.keeper.keep()
    state = journey.folder / "state"
    journey.qtbot.waitUntil(lambda: any(state.rglob("*.partwise")), timeout=20_000)
    # The process dies here: nothing is closed, the copy stays, and its holder is gone.
    (kept,) = state.rglob("*.partwise")
    fresh = journey.window(pebbles=True)
    discarded: list[bool] = []
    with journey.qtbot.waitSignal(fresh.session.opened, timeout=20_000):
        fresh.session.recover(kept, path, lambda: discarded.append(True))
    assert fresh.session.strips[0].name == "Boulder"
    assert fresh.session.path == path
    assert fresh.session.needs_saving
    assert discarded == [True]


def test_moved_inputs_are_found_again_and_packed_ones_need_not_be(
    journey: Journey, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = journey.folder / "monday", journey.folder / "tuesday"
    window = _worked_on(journey, old)
    path = journey.folder / "beach.partwise"
    journey.save(window, path)
    window.session.close_project()
    shutil.move(old, new)
    with journey.qtbot.waitSignal(window.session.opened, timeout=20_000):
        window.session.open_project(path)
    assert window.action("file_relink").isEnabled()
    assert window.notices.notice is not None
    assert window.notices.notice.action == "file_relink"
    journey.picture(window, "missing-input")
    source = window.session.source
    assert source is not None
    with journey.qtbot.waitSignal(window.session.inputs.relinked, timeout=20_000):
        window.session.relink(source.id, new / "grains.txt")
    assert window.session.input is not None
    window.action("file_pack:on").trigger()
    journey.save(window, path)
    window.session.close_project()
    shutil.rmtree(new)
    with journey.qtbot.waitSignal(window.session.opened, timeout=20_000):
        window.session.open_project(path)
    journey.qtbot.waitUntil(lambda: window.session.input is not None, timeout=20_000)
    assert not window.session.lost
    assert main(["info", str(path)]) == 0
    told = capsys.readouterr().out
    assert "grains.txt" in told
    assert "Run 1" in told


def test_a_second_window_reads_and_says_who_holds_the_file(journey: Journey) -> None:
    window = _worked_on(journey, journey.folder)
    path = journey.folder / "beach.partwise"
    journey.save(window, path)
    second = journey.window(pebbles=True)
    with journey.qtbot.waitSignal(second.session.opened, timeout=20_000):
        second.session.open_project(path)
    assert "read-only" in second.windowTitle()
    assert not second.action("file_save").isEnabled()
    assert second.notices.notice is not None
    assert "another window" in second.notices.notice.text
    journey.picture(second, "read-only")


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_a_report_says_what_was_done_in_words(journey: Journey, suffix: str) -> None:
    window = _worked_on(journey, journey.folder)
    session = window.session
    session.edits.strip("large", "Rename", {"name": "Boulder"})
    path = journey.folder / f"beach{suffix}"
    with journey.qtbot.waitSignal(session.noticed, timeout=60_000) as told:
        session.outbox.report(path, window.deeds._report_pictures())
    assert told.args[0].tone == "good", told.args[0]
    data = path.read_bytes()
    if suffix == ".pdf":
        assert data.startswith(b"%PDF")
        assert len(data) > 20_000
        return
    text = data.decode("utf-8")
    for words in (
        "Boulder",
        "Pebble sorter",
        "95.0 %",
        "grains.txt",
        "seed 0",
        "SHA-256",
        "Grains",
    ):
        assert words in text, words
    assert "<script" not in text


def test_a_window_that_is_closed_leaves_no_copy_behind(journey: Journey) -> None:
    window = _worked_on(journey, journey.folder)
    journey.save(window, journey.folder / "beach.partwise")
    window.keeper.keep()
    close(window)
    journey._windows.remove(window)
    assert not list((journey.folder / "state").rglob("*.partwise"))
