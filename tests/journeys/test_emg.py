"""EMG from opening a file to synergies that can be defended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QListWidget, QPushButton
from tests.journeys.conftest import Journey

from partwise_app.window import Window
from partwise_emg.panel.board import Panel
from partwise_emg.panel.cycles import CycleList
from partwise_emg.panel.rules import Rules
from partwise_emg.samples import healthy
from partwise_emg.synergies import RULES


def _tour(journey: Journey, window: Window, name: str) -> None:
    """Keep a picture of every tab of the stage."""
    stage = window.desk.views
    for mode, words in stage.modes():
        stage.set_mode(mode)
        QApplication.processEvents()
        tab = "".join(ch if ch.isalnum() else "-" for ch in words.lower())
        journey.picture(window, f"emg-{name}-{tab}")


def _briefly(window: Window) -> None:
    window.session.edits.parameter("starts", 4)
    window.session.edits.parameter("bootstrap", 20)


@pytest.fixture
def emg(shared_data: Path) -> Path:
    return shared_data / "emg"


def test_a_raw_trial_with_its_events_becomes_synergies(journey: Journey, emg: Path) -> None:
    window = journey.window()
    session = window.session
    snapshots: list[Any] = []
    session.snapshot_arrived.connect(snapshots.append)
    journey.open(window, emg / "walk_raw_ID0012.csv")
    assert window.isActiveWindow()  # no section of the panel was a window of its own for a moment
    _briefly(window)
    journey.picture(window, "emg-raw-opened")
    journey.run(window)
    run = session.run
    assert run is not None
    assert snapshots, "synergies are seen before the run ends"
    assert run.result.facts["cycles"] == 4
    assert len(run.result.parts) == run.result.facts["rank"] == 4
    assert [words for _, words in window.desk.views.modes()][:2] == ["Envelopes", "Recording"]
    _tour(journey, window, "raw")

    window.action("view_toggle:1").trigger()
    assert not session.strips[0].show
    project = journey.folder / "walk.partwise"
    journey.save(window, project)
    other = journey.window()
    journey.open(other, project)
    again = other.session.run
    assert again is not None
    for mine, theirs in zip(run.result.parts, again.result.parts, strict=True):
        np.testing.assert_array_equal(mine.profile, theirs.profile)
    assert other.desk.trust.texts() == window.desk.trust.texts()


def test_the_two_sides_of_a_person_are_compared(journey: Journey, emg: Path) -> None:
    window = journey.window()
    journey.open(window, emg / "bilateral7_mean_cycle_10muscles.npz")
    _briefly(window)
    window.session.edits.parameter("compare", "sides")
    window.session.edits.parameter("trial", "S2")
    journey.run(window)
    run = window.session.run
    assert run is not None
    compared = run.result.facts["compared"]
    assert compared["with"] == "the right side"
    assert compared["muscles"] == ["TA", "LG", "MG", "VM", "Ham"]
    assert 0 < compared["chance"] < 1
    assert "Likeness" in [words for _, words in window.desk.views.modes()]
    _tour(journey, window, "sides")


def test_a_c3d_file_without_events_is_one_stretch_and_names_nobody(
    journey: Journey, emg: Path
) -> None:
    window = journey.window()
    journey.open(window, emg / "shoulder_13emg_2000Hz.c3d")
    _briefly(window)
    QApplication.processEvents()
    journey.picture(window, "emg-shoulder-opened")
    journey.run(window)
    run = window.session.run
    assert run is not None
    assert len(run.result.facts["muscles"]) == 13
    assert any("No gait events" in text for text in window.desk.trust.texts())
    _tour(journey, window, "shoulder")
    project = journey.folder / "shoulder.partwise"
    journey.save(window, project)
    data = project.read_bytes()
    assert b"EpauleDroiteStatique" not in data
    assert b"boite" not in data


def test_a_rule_is_taken_and_a_cycle_rejected_in_the_panel(journey: Journey) -> None:
    window = journey.window()
    journey.open(window, healthy())
    _briefly(window)
    journey.run(window)
    QApplication.processEvents()
    journey.picture(window, "emg-sample")
    panel = window.findChild(Panel)
    assert panel is not None
    found = panel.findChild(CycleList)
    assert found is not None
    cycles = found.findChild(QListWidget)
    assert cycles is not None
    assert cycles.count() == 9
    cycles.item(3).setCheckState(Qt.CheckState.Unchecked)
    assert window.session.parameters["reject"] == "4"
    rules = panel.findChild(Rules)
    assert rules is not None
    run = window.session.run
    assert run is not None
    name, number = next(
        (n, v)
        for n, v in run.result.facts["rules"].items()
        if v not in (None, len(run.result.parts))
    )
    place = list(RULES).index(name)
    take = rules.findChildren(QPushButton)[place]
    with journey.qtbot.waitSignal(window.session.run_added, timeout=60_000):
        take.click()
    after = window.session.run
    assert after is not None
    assert len(after.result.parts) == number
    assert after.result.facts["cycles"] == run.result.facts["cycles"] - 1
