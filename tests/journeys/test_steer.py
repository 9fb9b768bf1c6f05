"""A person leads a run: stops it, goes on, joins, splits, locks, and compares what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QTableWidget
from tests.journeys.conftest import Journey

from partwise.api import match_parts
from partwise_app.tables import text_of_table
from partwise_app.window import Window


def _planted(folder: Path) -> tuple[Path, Any]:
    rng = np.random.default_rng(11)
    W = np.zeros((24, 3))
    for k in range(3):
        W[8 * k : 8 * k + 8, k] = rng.uniform(0.4, 1.0, 8)
    table = W @ rng.gamma(0.6, size=(3, 60)) + 0.002 * rng.random((24, 60))
    path = folder / "planted.csv"
    np.savetxt(path, table, delimiter=",", fmt="%.6f")
    return path, W


def _found(window: Window) -> Any:
    run = window.session.run
    assert run is not None
    return np.stack([part.profile for part in run.result.parts], axis=1)


def _ready(journey: Journey, rank: str) -> tuple[Window, Any]:
    path, truth = _planted(journey.folder)
    window = journey.window()
    with journey.qtbot.waitSignal(window.session.opened, timeout=20_000):
        window.session.open_path(path, "matrix")
    for name, value in (("rank", rank), ("starts", 2), ("doubt", False)):
        window.session.edits.parameter(name, value)
    return window, truth


def _menu(window: Window, key: str, words: str) -> Any:
    view: Any = window.desk.mixer.strip_view(key)
    return next(action for action in view.menu().actions() if action.text() == words)


def test_a_part_is_split_joined_and_named_and_every_run_is_there_to_compare(
    journey: Journey,
) -> None:
    window, truth = _ready(journey, "2")
    session = window.session
    journey.run(window)
    assert len(session.strips) == 3
    lump = int(np.argmin(match_parts(_found(window), truth).cosine))
    key = session.part_strips[lump].key
    other = session.part_strips[1 - lump].key
    session.edits.strip(other, "Rename", {"name": "Alone", "color": "#00aa88"})
    with journey.qtbot.waitSignal(session.run_added, timeout=60_000):
        _menu(window, key, "Split in two, and run").trigger()
    assert match_parts(truth, _found(window)).cosine.min() > 0.99
    assert ("Alone", "#00aa88") in {(s.name, s.color) for s in session.strips}
    assert session.parameters["rank"] == "3"
    assert "begun" in {line.check for line in session.run.result.trust} if session.run else False
    journey.picture(window, "split")

    first, second = [s.key for s in session.part_strips if s.name not in ("Alone", "Residual")]
    session.edits.join(first, second)
    session.edits.strip(first, "Rename", {"name": "Together"})
    journey.run(window)
    assert {s.name for s in session.strips} == {"Alone", "Together", "Residual"}
    assert session.parameters["rank"] == "2"
    assert [entry.title for entry in window.desk.tree.entries()][1:] == ["Run 3", "Run 2", "Run 1"]
    stories = [entry.story for entry in window.desk.tree.entries() if entry.is_run]
    assert "Parts: 3 → 2" in stories[0]

    session.select_run("run-2")
    window.comparing.begin("run-1")
    page = window.comparing.page
    assert page is not None
    shown = page.findChild(QTableWidget)
    assert shown is not None
    table = text_of_table(shown)
    assert "Parameter · Parts\t2\t3" in table
    journey.picture(window, "compare-runs")


def test_a_stopped_run_goes_on_where_it_stood_and_run_anew_begins_again(journey: Journey) -> None:
    window, _ = _ready(journey, "3")
    session = window.session
    session.edits.parameter("starts", 200)
    with journey.qtbot.waitSignal(session.snapshot_arrived, timeout=60_000):
        window.action("run_start").trigger()
    with journey.qtbot.waitSignal(session.stopped, timeout=10_000):
        window.action("run_stop").trigger()
    stood = session.run
    assert stood is not None
    assert stood.result.fit.stop == "cancelled"
    assert window.desk.plots.isVisible()
    session.edits.parameter("starts", 1)
    losses: list[float] = []
    session.snapshot_arrived.connect(lambda snapshot: losses.extend(snapshot.trace[:1]))
    journey.run(window)
    assert session.run is not None
    about = session.run.result.provenance
    assert about is not None
    assert [part.key for part in about.start] == [part.key for part in stood.result.parts]
    # The first step is at least as good as the last one that was seen.
    assert losses[0] <= 1.05 * stood.result.fit.value + 1e-9
    session.select_run(stood.id)
    with journey.qtbot.waitSignal(session.run_added, timeout=60_000):
        window.action("run_anew").trigger()
    assert session.run.result.provenance is not None
    assert session.run.result.provenance.start == ()


def test_a_locked_part_stays_while_the_others_are_found_again(journey: Journey) -> None:
    window, _ = _ready(journey, "3")
    session = window.session
    journey.run(window)
    kept = session.run.result.parts[0] if session.run else None
    assert kept is not None
    view: Any = window.desk.mixer.strip_view(session.part_strips[0].key)
    view._toggles["locked"].click()
    session.edits.parameter("loss", "kl")
    journey.run(window)
    assert session.run is not None
    same = next(part for part in session.run.result.parts if part.key == kept.key)
    np.testing.assert_array_equal(same.profile, kept.profile)
    assert "kept part 1" in window.desk.tree.entries()[1].facts
