"""EMG from opening a file to synergies that can be defended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.journeys.conftest import Journey

from partwise_app.window import Window
from partwise_emg.samples import merged


def _tour(journey: Journey, window: Window, name: str) -> None:
    """Keep a picture of every tab of the stage."""
    stage = window.desk.views
    for mode, words in stage.modes():
        stage.set_mode(mode)
        tab = "".join(ch if ch.isalnum() else "-" for ch in words.lower())
        journey.picture(window, f"emg-{name}-{tab}")


@pytest.fixture
def emg(shared_data: Path) -> Path:
    return shared_data / "emg"


def test_a_raw_trial_with_its_events_becomes_synergies(journey: Journey, emg: Path) -> None:
    window = journey.window()
    session = window.session
    snapshots: list[Any] = []
    session.snapshot_arrived.connect(snapshots.append)
    journey.open(window, emg / "walk_raw_ID0012.csv")
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
