"""A slide from opening to the same numbers tomorrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel
from tests.journeys.conftest import Journey

from partwise_app.screenshot import Screenshot


def _pixels(image: QImage) -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def test_open_run_hide_save_and_find_the_same_numbers_again(journey: Journey) -> None:
    window = journey.window()
    session, stage = window.session, window.desk.stage
    snapshots: list[object] = []
    session.snapshot_arrived.connect(snapshots.append)
    path = journey.tissue("Gewebe – Probe 1.png")
    journey.open(window, path)
    assert stage.mode() == "whole"
    journey.run(window)
    run = session.run
    assert run is not None
    assert snapshots, "parts are seen before the run ends"
    assert [part.key for part in run.result.parts] == ["haematoxylin", "eosin"]
    assert stage.mode() == "compare:haematoxylin"
    trust = window.desk.trust.texts()
    assert len(trust) == len(run.result.trust) > 2
    journey.picture(window, "result")

    stage.set_mode("parts")
    size = QSize(192, 192)
    journey.qtbot.waitUntil(lambda: np.ptp(_pixels(stage.thumbnail("parts", size))) > 50)
    both = _pixels(stage.thumbnail("parts", size)).mean(axis=(0, 1))
    window.action("view_toggle:2").trigger()  # without eosin most of the green light comes back
    alone = _pixels(stage.thumbnail("parts", size)).mean(axis=(0, 1))
    assert alone[1] > both[1] + 10
    assert not session.strips[1].show
    journey.picture(window, "eosin-hidden")

    project = journey.folder / "probe.partwise"
    journey.save(window, project)
    other = journey.window()
    journey.open(other, project)
    again = other.session.run
    assert again is not None
    assert again.result.fit == run.result.fit
    assert again.result.measures == run.result.measures
    assert other.desk.trust.texts() == trust
    assert other.session.strips == session.strips
    for mine, theirs in zip(run.result.parts, again.result.parts, strict=True):
        np.testing.assert_array_equal(mine.profile, theirs.profile)

    other.session.edits.strip("eosin", "Show eosin", {"show": True})
    journey.run(other)
    fresh = other.session.run
    assert fresh is not None
    assert fresh.id != again.id
    for mine, theirs in zip(run.result.parts, fresh.result.parts, strict=True):
        np.testing.assert_array_equal(mine.profile, theirs.profile)


def test_a_locked_stain_stays_exactly_as_it_is(journey: Journey) -> None:
    window = journey.window()
    session = window.session
    journey.open(window, journey.tissue())
    journey.run(window)
    corrected = (0.6, 0.75, 0.28)
    session.edits.strip("haematoxylin", "Correct", {"profile": corrected, "locked": True})
    journey.run(window)
    assert session.run is not None
    first, second = session.run.result.parts
    np.testing.assert_array_equal(first.profile, corrected)
    assert np.linalg.norm(second.profile) > 0.99
    assert session.strips[0].locked
    assert "kept haematoxylin" in window.desk.tree.entries()[1].facts


def test_parts_come_back_whichever_entry_of_the_list_was_looked_at(journey: Journey) -> None:
    window = journey.window()
    session, stage = window.session, window.desk.stage
    journey.open(window, journey.tissue("a.png"))
    journey.run(window)
    run = session.run
    assert run is not None
    session.look_at_source(run.source)
    assert stage.mode() == "whole"
    journey.open(window, journey.tissue("b.png"))
    assert session.run is None
    session.select_run(run.id)
    assert stage.mode() == "compare:haematoxylin"
    size = QSize(96, 64)
    journey.qtbot.waitUntil(
        lambda: (
            np.ptp(_pixels(stage.thumbnail("whole", size))) > 50
            and stage.thumbnail("eosin", size) != stage.thumbnail("whole", size)
        ),
        timeout=60_000,
    )


def test_dragging_a_ray_corrects_the_picture_at_once_and_can_be_undone(journey: Journey) -> None:
    window = journey.window()
    session, desk = window.session, window.desk
    journey.open(window, journey.tissue())
    journey.run(window)
    before = session.strips
    x, y = desk.scatter.ray("eosin")
    desk.scatter.ray_moved.emit("eosin", (x + 0.05, y))
    profile = session.strips[1].profile
    assert profile is not None
    assert np.linalg.norm(profile) > 0.999
    assert session.undo_name == "Correct Eosin"
    numbers = {label.text() for label in desk.findChildren(QLabel)}
    assert {f"{value:.3f}" for value in profile} | {"Eosin *"} <= numbers  # in the plugin's panel
    assert desk.trust.texts()[0].startswith("worth a look: Corrected by hand: Eosin.")
    session.undo()
    assert session.strips == before
    assert "corrected" not in " ".join(desk.trust.texts())


def test_tissue_that_is_not_there_is_refused_with_the_reason(
    journey: Journey, shared_data: Path
) -> None:
    window = journey.window()
    journey.open(window, shared_data / "he" / "histolab_almost-white-2.png")
    with journey.qtbot.waitSignal(window.session.stopped, timeout=60_000):
        window.action("run_start").trigger()
    notice = window.notices.notice
    assert notice is not None
    assert "tissue" in notice.text
    assert notice.detail
    assert window.session.state.runs == ()
    journey.picture(window, "refused")


def test_a_picture_of_the_window_is_drawn_for_a_file(journey: Journey) -> None:
    window = journey.window()
    window.deeds.open_path(journey.tissue())
    target = journey.folder / "window.png"
    shot = Screenshot(window, target, window.size())
    with journey.qtbot.waitSignal(shot.finished, timeout=60_000) as told:
        pass
    assert told.args == [0]
    assert QImage(str(target)).size() == window.size()
    assert window.session.run is not None
