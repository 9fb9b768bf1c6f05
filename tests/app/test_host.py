"""What a panel asks of the window, and the stage of signals that it stands beside."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLineEdit
from tests.app.desktop import Desktop, StandIn
from tests.fixtures import pebble, tides
from tests.fixtures.tides_panel import Panel

from partwise.errors import AnalysisProblem, UsageProblem
from partwise.job import LocalJob
from partwise.jobs import worker as w
from partwise.jobs.perform import perform
from partwise.plugins.sections import read_section, written_section
from partwise.result import Snapshot
from partwise_app.notices import Notice
from partwise_app.session import Session
from partwise_app.viewers.bars import BarsView
from partwise_app.viewers.tabs import TabRow
from partwise_app.viewers.traces import TracesView
from partwise_app.viewers.views import ViewStage
from partwise_app.window import Window


class _Sea(StandIn):
    """Answers with real runs, and with their snapshots before them."""

    def answer(self, generation: int | None = None) -> None:
        number = len(self.requests) if generation is None else generation
        self.say(w.Finished(number, perform(self.requests[-1], LocalJob(), tides.registry())))


@pytest.fixture
def window(desktop: Desktop) -> Window:
    def make_worker(on_event: Any) -> Any:
        desktop.worker = _Sea(on_event)
        return desktop.worker

    made = desktop.window(Session(tides.registry(), make_worker))
    desktop.open(made.session, tides.write_tides(desktop.folder / "bay.tide"))
    return made


def _panel(window: Window) -> Panel:
    panel = window.desk.findChild(Panel)
    assert isinstance(panel, Panel)
    return panel


def test_a_panel_sees_the_input_and_puts_a_bar_under_the_stage(window: Window) -> None:
    panel = _panel(window)
    host = panel.host
    assert host.dataset is not None
    assert host.dataset.title == "bay.tide"
    assert (host.result, host.parts, host.strips) == (None, (), ())
    assert panel.under_stage.isVisible()
    stage = window.desk.views.mapToGlobal(window.desk.views.rect().bottomLeft()).y()
    mixer = window.desk.mixer.mapToGlobal(window.desk.mixer.rect().topLeft()).y()
    bar = panel.under_stage.mapToGlobal(panel.under_stage.rect().center()).y()
    assert stage < bar < mixer
    assert dict(host.parameters) == {"rank": 2, "almanac": ""}
    assert not host.running


def test_parameters_are_set_by_edits_with_names(window: Window) -> None:
    panel = _panel(window)
    before = panel.heard
    panel.host.set_parameter("rank", 3, "Three currents")
    assert panel.host.parameters["rank"] == 3
    assert window.session.undo_name == "Three currents"
    field = window.desk.form.field("rank")
    assert isinstance(field, QLineEdit)
    assert field.text() == "3"
    assert panel.heard > before
    window.session.undo()
    assert panel.host.parameters["rank"] == 2
    with pytest.raises(UsageProblem, match="1 to 6"):
        panel.host.set_parameter("rank", 9, "Nine")
    with pytest.raises(KeyError):
        panel.host.set_parameter("moon", 1, "Moon")


def test_each_click_is_a_step_and_the_movements_of_a_slider_are_one(window: Window) -> None:
    host, session = _panel(window).host, window.session
    for rank in (3, 4):
        host.set_parameter("rank", rank, "Click")
    session.undo()
    assert host.parameters["rank"] == 3
    for rank in (4, 5, 6):
        host.set_parameter("rank", rank, "Slide", "slider")
    session.undo()
    assert host.parameters["rank"] == 3
    session.undo()
    assert host.parameters["rank"] == 2


@pytest.mark.parametrize(("tone", "shown"), [("good", "good"), ("warn", "look")])
def test_what_a_panel_refuses_looks_like_a_warning(
    window: Window, tone: Literal["good", "warn"], shown: str
) -> None:
    told: list[Notice] = []
    window.session.noticed.connect(told.append)
    _panel(window).host.notify("No such tide.", tone)
    assert [(notice.tone, notice.text) for notice in told] == [(shown, "No such tide.")]


def test_what_a_panel_keeps_is_undone_saved_and_brought_up_to_date(
    window: Window, desktop: Desktop
) -> None:
    host, session = _panel(window).host, window.session
    assert dict(host.section) == {}
    host.keep({"marks": [1.5]}, "Mark a tide")
    assert dict(host.section) == {"marks": [1.5]}
    assert session.undo_name == "Mark a tide"
    session.undo()
    assert dict(host.section) == {}
    session.redo()
    path = desktop.folder / "sea.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)

    def make_worker(on_event: Any) -> Any:
        return _Sea(on_event)

    again = Session(tides.registry(), make_worker)
    try:
        with desktop.qtbot.waitSignal(again.opened):
            again.open_path(path)
        desktop.qtbot.waitUntil(lambda: again.input is not None)
        assert dict(again.section) == {"marks": [1.5]}
    finally:
        again.close()
        again.deleteLater()
    old = {"tides": {"version": 1, "mark": 2.5, "unheard of": True}}
    assert read_section(tides.PLUGIN, old) == {"marks": [2.5], "unheard of": True}
    assert written_section(tides.PLUGIN, {"marks": []}) == {"marks": [], "version": 2}
    with pytest.raises(AnalysisProblem, match="version 7"):
        read_section(tides.PLUGIN, {"tides": {"version": 7}})


def test_signals_are_on_the_stage_before_a_run_and_beside_its_result(
    window: Window, desktop: Desktop
) -> None:
    stage = window.desk.views
    assert stage.isVisible()
    assert [words for _, words in stage.modes()] == ["Recording"]
    panel = _panel(window)
    traces = panel.host.view("traces")
    assert isinstance(traces, TracesView)
    assert panel.host.view("bars") is None
    desktop.run(window.session)
    assert panel.staged >= 1
    assert [words for _, words in stage.modes()] == ["Recording", "Bars", "Tables"]
    assert panel.host.view("traces") is traces  # the same drawing, with its zoom
    assert isinstance(panel.host.view("bars"), BarsView)
    result = window.session.run.result if window.session.run else None
    assert result is not None
    assert result.views[0].arrays == {}  # the recording itself is in no result
    # Ctrl+2 is the second tab, whatever it is called there.
    window.action("view_mode:compare").trigger()
    assert stage.mode() == "view:1"
    panel.host.look("tables")
    assert stage.mode() == "tables"
    window.session.look_at_source(window.session.state.sources[0].id)
    assert [words for _, words in stage.modes()] == ["Recording"]


def test_what_stands_of_a_run_is_seen_by_panel_and_stage(window: Window, desktop: Desktop) -> None:
    panel, session = _panel(window), window.session
    session.start_run()
    assert panel.host.running
    seen: list[Any] = []
    views: list[Any] = []
    job = LocalJob(on_snapshot=lambda parts, trace: seen.append(parts), on_views=views.append)
    perform(desktop.worker.requests[-1], job, tides.registry())
    heard = panel.heard
    desktop.worker.say(w.Snapshotted(1, Snapshot(seen[0], (1.0,), views[0])))
    assert panel.heard > heard
    assert panel.host.result is not None
    assert panel.host.result.parts is seen[0]
    assert np.isnan(panel.host.result.fit.explained)
    assert [s.key for s in panel.host.strips] == ["part-1", "part-2", "residual"]
    assert "Bars" in dict(window.desk.views.modes()).values()
    with desktop.qtbot.waitSignal(session.stopped):
        panel.host._session.stop()
    assert panel.host.result.fit.stop == "cancelled"
    assert not panel.host.running


def test_a_part_is_split_by_a_run_and_the_rest_keep_their_names(
    window: Window, desktop: Desktop
) -> None:
    session = window.session
    desktop.run(session)
    session.edits.strip("part-1", "Rename", {"name": "Gulf stream", "color": "#123456"})
    view: Any = window.desk.mixer.strip_view("part-2")
    split = next(a for a in view.menu().actions() if a.text() == "Split in two, and run")
    split.trigger()
    asked = desktop.worker.requests[-1]
    assert asked.parameters["rank"] == 3
    assert [part.key for part in asked.start] == ["part-1", "part-2", "part-3"]
    np.testing.assert_array_equal(asked.start[1].profile, asked.start[2].profile)
    desktop.worker.answer()
    assert session.run is not None
    assert len(session.run.result.parts) == 3
    assert session.parameters["rank"] == 3  # the form follows the run
    named = {s.key: (s.name, s.color) for s in session.strips}
    assert ("Gulf stream", "#123456") in named.values()
    assert len({color for _, color in named.values()}) == 4
    offers = [offer.id for offer in window.offers() if offer.id.startswith("split:")]
    assert len(offers) == 3


def test_joined_parts_are_fewer_in_the_next_run(window: Window, desktop: Desktop) -> None:
    session = window.session
    session.edits.parameter("rank", 3)
    desktop.run(session)
    session.edits.join("part-1", "part-3")
    session.start_run()
    assert desktop.worker.requests[-1].parameters["rank"] == 2
    desktop.worker.answer()
    assert session.run is not None
    assert [len(session.run.result.parts), session.run.strips[0].joined] == [2, ()]
    assert session.strips[0].name == "Part 1 + Part 3"


def test_a_locked_part_and_a_split_one_go_together(window: Window, desktop: Desktop) -> None:
    session = window.session
    desktop.run(session)
    session.edits.strip("part-1", "Lock", {"locked": True})
    session.start_run(split="part-2")
    asked = desktop.worker.requests[-1]
    assert [part.key for part in asked.kept] == ["part-1"]
    assert len(asked.start) == 2
    assert asked.parameters["rank"] == 3
    desktop.worker.answer()
    assert session.run is not None
    np.testing.assert_array_equal(session.run.result.parts[0].profile, asked.kept[0].profile)


def test_a_file_is_chosen_by_dropping_it_on_its_field(window: Window, desktop: Desktop) -> None:
    field = window.desk.form.field("almanac")
    almanac = desktop.folder / "moons.csv"
    almanac.write_text("1,2")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(almanac))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    field.dropEvent(event)
    assert Path(window.session.parameters["almanac"]) == almanac
    assert len(window.session.state.sources) == 1  # it was not opened as an input
    assert window.session.undo_name == "Set almanac"


def test_the_form_says_what_a_run_needs_before_anybody_presses_run(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("partwise.jobs.room.available_memory", lambda: 24 * 10**9)
    window = desktop.window()
    session, form = window.session, window.desk.form
    desktop.open(session)
    assert form.room() == ""  # a megabyte is not worth a word
    session.edits.parameter("mode", "huge")
    assert form.room() == (
        "A run will not fit: it needs about 1152921504.6 GB of memory, and 24.0 GB are free. "
        "It would fit with Mode: plain."
    )
    window.action("run_start").trigger()
    assert not session.running
    assert desktop.worker is None or not desktop.worker.requests
    assert window.notices.notice is not None
    assert "24.0 GB are free" in window.notices.notice.text
    session.edits.parameter("mode", "plain")
    assert form.room() == ""
    monkeypatch.setattr(pebble.Analysis, "memory", lambda *_: 3.1e9)
    session.edits.parameter("cut", 0.25)
    assert form.room() == "A run needs about 3.1 GB of memory, and 24.0 GB are free."
    monkeypatch.setattr(pebble.Analysis, "memory", lambda *_: 1 / 0)
    session.edits.parameter("cut", 0.5)
    assert form.room() == ""  # an estimate that fails keeps nobody from a run
    desktop.run(session)


def test_two_runs_of_signals_are_seen_side_by_side_with_linked_tabs(
    window: Window, desktop: Desktop
) -> None:
    desktop.run(window.session)
    window.session.edits.parameter("rank", 3)
    desktop.run(window.session)
    window.action("view_compare_runs").trigger()
    page = window.comparing.page
    assert page is not None
    first, second = page.set_plots(ViewStage)
    assert first.isVisible()
    assert [len(stage.modes()) for stage in (first, second)] == [3, 3]
    first.set_mode("view:1")
    assert second.mode() == "view:1"
    for stage, count in ((first, 2), (second, 3)):
        assert isinstance(stage, ViewStage)
        bars = stage.drawing("bars")
        assert bars is not None
        assert len(bars.accessibleDescription().split(",")) == count


def test_tabs_that_have_no_room_are_in_a_menu_and_the_current_one_is_seen(desktop: Desktop) -> None:
    row = TabRow()
    desktop.qtbot.addWidget(row)
    row.resize(260, 36)
    offered = tuple((f"view:{k}", f"A view called {k}") for k in range(6))
    row.set_tabs(offered, "view:5")
    row.show()
    seen = [tab.text() for tab in row._tabs.values() if tab.isVisible()]
    assert "A view called 5" in seen
    assert len(seen) < 6
    assert row._more.isVisible()
    row.resize(1200, 36)
    assert not row._more.isVisible()
    assert all(tab.isVisible() for tab in row._tabs.values())


def test_a_panel_of_another_plugin_sees_nothing_of_this_input(
    window: Window, desktop: Desktop
) -> None:
    from partwise_app.host import Host

    stranger = dataclasses.replace(tides.PLUGIN, id="other")
    host = Host(window.session, stranger)
    assert (host.dataset, host.result, dict(host.parameters), dict(host.section)) == (
        None,
        None,
        {},
        {},
    )
    host.set_parameter("rank", 5)
    host.keep({"a": 1}, "Keep")
    assert not window.session.undo_name
    host.deleteLater()


def test_the_bar_under_the_stage_leaves_with_its_input(window: Window, desktop: Desktop) -> None:
    panel = _panel(window)
    window.session.close_project()
    assert not panel.under_stage.isVisible()
    assert not panel.isVisible()
    desktop.open(window.session, tides.write_tides(desktop.folder / "fjord.tide"))
    desktop.qtbot.waitUntil(panel.under_stage.isVisible)
    assert panel.isVisible()
    assert panel.host.dataset is not None
    assert panel.host.dataset.title == "fjord.tide"
