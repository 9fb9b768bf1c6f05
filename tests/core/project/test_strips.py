from __future__ import annotations

import dataclasses

import numpy as np
from tests.fixtures import pebble

from partwise.data.fingerprint import InputFile
from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.project import strips
from partwise.project.compare import changed_parameters, differences
from partwise.project.document import Document, Run, Source, Strip
from partwise.result import Fit, Part, Residual, Result


def _part(key: str, *profile: float, share: float = 0.5) -> Part:
    name = key.replace("-", " ").capitalize()
    return Part(key, name, f"#00000{key[-1]}", np.array(profile), share)


def _result(*parts: Part) -> Result:
    return Result(parts, Residual(0.1), Fit("frobenius", 1.0, 0.9, 5, "converged", 0.0))


def _project(*results: Result) -> Document:
    document = Document()
    document.add_source(Source("source-1", "table", "a.csv", InputFile("/a.csv", 1, 1, "q")))
    for number, result in enumerate(results, 1):
        document.add_run("source-1", "table", "nmf", f"Run {number}", result)
    return document


def _keys(found: tuple[Strip, ...]) -> list[str]:
    return [strip.key for strip in found]


def test_parts_that_are_only_numbered_keep_their_names_by_likeness() -> None:
    document = _project(_result(_part("part-1", 1, 0, 0), _part("part-2", 0, 1, 0)))
    document.edit_strip("run-1", "part-1", "Rename", name="Liver", color="#aabbcc")
    # The next run finds the same two in the other order, and a third.
    found = _result(
        _part("part-1", 0, 1, 0.1), _part("part-2", 1, 0.1, 0), _part("part-3", 0, 0, 1)
    )
    run = document.add_run("source-1", "table", "nmf", "Run 2", found)
    named = {strip.key: (strip.name, strip.color) for strip in run.strips}
    assert named["part-2"] == ("Liver", "#aabbcc")
    assert named["part-1"] == ("Part 2", "#000002")
    assert named["part-3"][0] == "Part 3"
    assert len({color for _, color in named.values()}) == 4


def test_a_new_part_does_not_answer_to_the_name_of_one_that_was_kept() -> None:
    document = _project(_result(_part("part-1", 1, 0), _part("part-2", 0, 1)))
    found = _result(_part("part-1", 0, 1), _part("part-2", 1, -0.9), _part("part-3", 1, 0))
    run = document.add_run("source-1", "table", "nmf", "Run 2", found)
    names = [strip.name for strip in run.strips]
    assert len(set(names)) == len(names)


def test_named_keys_are_kept_by_key_however_the_profiles_turn() -> None:
    document = _project(_result(_part("liver", 1, 0), _part("blood", 0, 1)))
    document.edit_strip("run-1", "liver", "Rename", name="Hepar")
    run = document.add_run(
        "source-1", "table", "nmf", "Run 2", _result(_part("blood", 1, 0), _part("liver", 0, 1))
    )
    assert {s.key: s.name for s in run.strips}["liver"] == "Hepar"


def test_the_order_that_was_chosen_survives_a_run() -> None:
    result = _result(_part("a", 1, 0), _part("b", 0, 1), _part("c", 1, 1))
    document = _project(result)
    order = strips.moved(document.state.strips("run-1"), "c", 0)
    assert _keys(order) == ["c", "a", "b", "residual"]
    document.edit("Move", lambda c: dataclasses.replace(c, strips={"run-1": order}))
    run = document.add_run("source-1", "table", "nmf", "Run 2", result)
    assert _keys(run.strips) == ["c", "a", "b", "residual"]
    assert _keys(document.state.part_strips(run.id)) == ["a", "b", "c", "residual"]


def test_a_strip_is_moved_within_the_parts_and_never_behind_the_residual() -> None:
    order = tuple(Strip(key, key, "#000000") for key in ("a", "b", "residual"))
    assert _keys(strips.moved(order, "a", 99)) == ["b", "a", "residual"]
    assert strips.moved(order, "residual", 0) == order
    assert strips.moved(order, "nobody", 0) == order


def test_joined_parts_do_as_one_and_come_apart_as_they_were() -> None:
    document = _project(_result(_part("a", 1, 0), _part("b", 0, 1), _part("c", 1, 1)))
    found = {strip.key: strip for strip in document.state.run("run-1").strips}
    one = strips.joined(document.state.strips("run-1"), "a", "c")
    assert _keys(one) == ["a", "b", "residual"]
    hidden = strips.changed(one, "a", show=False)
    shown = {strip.key: strip.show for strip in strips.expanded(hidden, found)}
    assert shown == {"a": False, "c": False, "b": True, "residual": False}
    both = strips.joined(one, "b", "a")
    assert both[0].joined == ("a", "c")
    assert both[0].name == "B + A + C"
    assert [s.name for s in strips.parted(both, "b", found)] == ["B", "A", "C", "Residual"]
    assert _keys(strips.parted(both, "b", found)) == ["b", "a", "c", "residual"]
    assert strips.joined(one, "a", "residual") == one


def test_what_is_removed_can_be_brought_back_and_is_in_no_file() -> None:
    result = _result(_part("a", 1, 0))
    document = _project(result, result)
    document.edit("Remove run", lambda c: dataclasses.replace(c, removed=("run-1",)))
    assert [run.id for run in document.state.runs_of("source-1")] == ["run-2"]
    assert [run.id for run in document.state.without_removed().runs] == ["run-2"]
    document.edit("Remove a.csv", lambda c: dataclasses.replace(c, removed=("source-1",)))
    filed = document.state.without_removed()
    assert (filed.sources, filed.runs, filed.choices.removed) == ((), (), ())
    document.undo()
    document.undo()
    assert len(document.state.runs_of("source-1")) == 2
    assert document.state.without_removed() is document.state


def _run(tmp_path: object, **parameters: object) -> Run:
    path = pebble.write_pebbles(tmp_path / "grains.txt")  # type: ignore[operator]  # a Path
    request = Request("pebble", "sort", pebble.load(path), parameters)
    result = perform(request, LocalJob(), pebble.registry())
    fresh = tuple(Strip(p.key, p.name, p.color) for p in result.parts)
    return Run("run-1", "source-1", "pebble", "sort", "Run 1", result, fresh)


def test_two_runs_are_compared_number_by_number(tmp_path: object) -> None:
    before, after = _run(tmp_path, cut=0.5), _run(tmp_path, cut=0.0)
    assert changed_parameters(before, after) == (("cut", 0.5, 0.0),)
    lines = differences(before, after, before.strips, after.strips, {"cut": "Cut"})
    said = {(line.group, line.name): line for line in lines}
    cut = said["Parameter", "Cut"]
    assert (cut.before, cut.after) == ("0.5", "0")
    assert said["Measure", "Mean"].change == "0"
    # The profile (cut, 1) turns by atan(0.5), up to the pebbles' own thousandth.
    large = said["Part", before.strips[0].name]
    assert abs(float(large.change.removesuffix("°")) - np.degrees(np.arctan(0.5))) < 0.2


def test_a_part_that_one_run_lacks_is_said(tmp_path: object) -> None:
    before = _run(tmp_path)
    fewer = dataclasses.replace(before.result, parts=before.result.parts[:1])
    after = dataclasses.replace(before, result=fewer, strips=before.strips[:1])
    lines = {x.name: x for x in differences(before, after, before.strips, after.strips)}
    assert (lines["Small"].before, lines["Small"].after) == ("25.0 %", "")
