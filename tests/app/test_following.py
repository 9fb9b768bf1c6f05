"""Do form and next run follow the run that is looked at, without an edit and without a loss?"""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit
from tests.app.desktop import Desktop

from partwise_app.session import Session
from partwise_app.window import Window


def _field(window: Window) -> str:
    line = window.desk.form.field("cut")
    assert isinstance(line, QLineEdit)
    return line.text()


def _two_runs(desktop: Desktop, session: Session) -> None:
    """A run with cut 0.25, then one with 0.75, chosen by hand."""
    desktop.open(session)
    for cut in (0.25, 0.75):
        session.edits.parameter("cut", cut)
        desktop.run(session)


def test_the_form_shows_what_the_run_in_sight_was_made_with(desktop: Desktop) -> None:
    window = desktop.window()
    session = window.session
    _two_runs(desktop, session)
    first, second = (run.id for run in session.state.runs)
    assert session.parameters["cut"] == 0.75
    before = session.state
    session.select_run(first)
    assert _field(window) == "0.25"
    assert session.state is before, "looking is no edit"
    desktop.run(session)
    assert desktop.worker.requests[-1].parameters["cut"] == 0.25
    assert session.parameters["cut"] == 0.25, "the new run had the same"
    session.select_run(second)
    assert _field(window) == "0.75"
    session.look_at_source(session.state.sources[0].id)
    assert session.parameters["cut"] == 0.75, "what was chosen by hand"


def test_an_edit_beside_a_run_begins_with_its_parameters_and_is_undone_to_them(
    desktop: Desktop,
) -> None:
    session = desktop.session()
    _two_runs(desktop, session)
    session.select_run(session.state.runs[0].id)
    session.edits.parameter("pebbles", 7)
    assert (session.parameters["cut"], session.parameters["pebbles"]) == (0.25, 7)
    session.undo()
    assert (session.parameters["cut"], session.parameters["pebbles"]) == (0.25, 1)


def test_defaults_are_set_even_where_they_had_been_chosen_before(desktop: Desktop) -> None:
    session = desktop.session()
    _two_runs(desktop, session)
    session.edits.reset_parameters()
    session.select_run(session.state.runs[0].id)
    assert session.parameters["cut"] == 0.25
    session.edits.reset_parameters()
    assert session.parameters["cut"] == 0.5


def test_a_project_opens_with_the_parameters_of_its_run(desktop: Desktop) -> None:
    """Such as one that the command line wrote, which holds no choices."""
    session = desktop.session()
    _two_runs(desktop, session)
    session.undo()
    session.undo()
    assert session.state.choices.parameters == {}
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    window = desktop.window()
    desktop.open(window.session, path)
    desktop.qtbot.waitUntil(lambda: window.session.input is not None)
    assert _field(window) == "0.75"
    window.session.start_run()
    assert desktop.worker.requests[-1].parameters["cut"] == 0.75


def test_a_choice_that_was_never_run_waits_in_the_project(desktop: Desktop) -> None:
    session = desktop.session()
    _two_runs(desktop, session)
    session.edits.parameter("cut", 0.5)
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    again = desktop.session()
    desktop.open(again, path)
    desktop.qtbot.waitUntil(lambda: again.input is not None)
    assert again.parameters["cut"] == 0.5
    again.select_run(again.state.runs[0].id)
    assert again.parameters["cut"] == 0.25
