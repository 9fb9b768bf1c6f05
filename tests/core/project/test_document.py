"""The document: edits are undone by name, facts accumulate, parts keep what the person chose."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise.data.fingerprint import InputFile
from partwise.project.document import Document, Source
from partwise.result import Fit, Part, Residual, Result


def _result(*keys: str) -> Result:
    parts = tuple(Part(k, k.title(), "#101010", np.ones(3)) for k in keys)
    return Result(parts, Residual(0.1), Fit("frobenius", 0.0, 0.9, 3, "converged", 0.0))


def _document() -> Document:
    document = Document()
    document.add_source(Source("source-1", "stain", "a.png", InputFile("/a.png", 1, 2, "q")))
    return document


def test_undo_and_redo_restore_choices_and_name_them() -> None:
    document = _document()
    run = document.add_run("source-1", "stain", "unmix", "Run 1", _result("h", "e"))
    document.edit_strip(run.id, "e", "Hide E", show=False)
    assert not document.state.strips(run.id)[1].show
    assert document.undo_name == "Hide E"
    document.undo()
    assert document.state.strips(run.id)[1].show
    assert document.redo_name == "Hide E"
    document.redo()
    assert not document.state.strips(run.id)[1].show


def test_a_run_is_a_fact_that_undo_does_not_take_back() -> None:
    document = _document()
    document.edit("Note", lambda c: dataclasses.replace(c, notes="x"))
    run = document.add_run("source-1", "stain", "unmix", "Run 1", _result("h"))
    document.undo()
    assert document.state.choices.notes == ""
    assert document.state.runs == (run,)
    assert [s.key for s in document.state.strips(run.id)] == ["h", "residual"]


def test_names_colours_and_locks_survive_a_rerun_by_key() -> None:
    document = _document()
    first = document.add_run("source-1", "stain", "unmix", "Run 1", _result("h", "e"))
    document.edit_strip(first.id, "e", "Rename", name="Cytoplasm", color="#ff0000", locked=True)
    second = document.add_run("source-1", "stain", "unmix", "Run 2", _result("e", "dab", "h"))
    by_key = {s.key: s for s in document.state.strips(second.id)}
    assert (by_key["e"].name, by_key["e"].color, by_key["e"].locked) == (
        "Cytoplasm",
        "#ff0000",
        True,
    )
    assert by_key["dab"].name == "Dab"


def test_a_drag_is_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("partwise.project.history.time.monotonic", lambda: now[0])
    document = _document()
    run = document.add_run("source-1", "stain", "unmix", "Run 1", _result("h"))
    for step in range(5):
        now[0] += 0.1
        document.edit_strip(run.id, "h", "Correct H", merge="drag-h", profile=(step, 0.0, 1.0))
    document.undo()
    assert document.state.strips(run.id)[0].profile is None
    document.redo()
    assert document.state.strips(run.id)[0].profile == (4, 0.0, 1.0)
    now[0] += 5.0
    document.edit_strip(run.id, "h", "Correct H", merge="drag-h", profile=(9, 0.0, 1.0))
    document.undo()
    assert document.state.strips(run.id)[0].profile == (4, 0.0, 1.0)


def test_dirty_follows_the_saved_state() -> None:
    document = Document()
    seen = [document.dirty]
    document.edit("Note", lambda c: dataclasses.replace(c, notes="x"))
    seen.append(document.dirty)
    document.mark_saved()
    seen.append(document.dirty)
    assert seen == [False, True, False]


def test_listeners_hear_each_change_until_they_leave() -> None:
    document = Document()
    heard = []
    leave = document.subscribe(lambda before, after: heard.append((before, after)))
    document.edit("Note", lambda c: dataclasses.replace(c, notes="x"))
    document.edit("Same", lambda c: c)  # nothing changed, nothing said, nothing to undo
    leave()
    document.undo()
    assert len(heard) == 1
    assert document.redo_name == "Note"


@given(st.lists(st.text(max_size=4), max_size=12), st.integers(0, 12))
def test_any_number_of_undos_and_redos_comes_back(notes: list[str], back: int) -> None:
    document = Document()
    for note in notes:
        document.edit("Note", lambda c, note=note: dataclasses.replace(c, notes=note))  # type: ignore[misc]
    end = document.state.choices
    for _ in range(back):
        document.undo()
    for _ in range(back):
        document.redo()
    assert document.state.choices == end
