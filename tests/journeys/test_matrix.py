"""A table from opening to the same numbers tomorrow."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage
from tests.journeys.conftest import Journey

from partwise_matrix.samples import spectra_table


def test_open_a_table_run_mute_save_and_find_the_same_numbers_again(journey: Journey) -> None:
    window = journey.window()
    session, plots = window.session, window.desk.plots
    snapshots: list[object] = []
    session.snapshot_arrived.connect(snapshots.append)
    journey.open(window, spectra_table())
    assert plots.isVisible()
    assert not window.desk.stage.isVisible()
    assert plots.mode() == "whole"
    journey.run(window)
    run = session.run
    assert run is not None
    assert snapshots, "parts are seen before the run ends"
    assert plots.mode() == "side"
    assert window.desk.mixer.keys() == ("part-1", "part-2", "part-3", "part-4", "residual")
    trust = window.desk.trust.texts()
    assert len(trust) == len(run.result.trust) > 4
    journey.picture(window, "matrix-result")

    window.action("view_mode:parts").trigger()
    both = plots.picture()
    window.action("view_toggle:1").trigger()
    assert not session.strips[0].show
    assert _differ(both, plots.picture())
    for mode, _ in plots.modes():
        plots.set_mode(mode)
        journey.picture(window, f"matrix-{mode.replace(':', '-')}")

    project = journey.folder / "dyes.partwise"
    journey.save(window, project)
    other = journey.window()
    journey.open(other, project)
    again = other.session.run
    assert again is not None
    assert again.result.fit == run.result.fit
    assert again.result.measures == run.result.measures
    assert other.desk.trust.texts() == trust
    assert other.session.strips == session.strips
    assert other.desk.plots.isVisible()
    for mine, theirs in zip(run.result.parts, again.result.parts, strict=True):
        np.testing.assert_array_equal(mine.profile, theirs.profile)
        np.testing.assert_array_equal(np.asarray(mine.course), np.asarray(theirs.course))
    journey.run(other)
    fresh = other.session.run
    assert fresh is not None
    assert fresh.id != again.id
    for mine, theirs in zip(run.result.parts, fresh.result.parts, strict=True):
        np.testing.assert_array_equal(mine.profile, theirs.profile)


def test_a_table_with_negative_entries_is_refused_with_the_way_out(journey: Journey) -> None:
    path = journey.folder / "below.csv"
    path.write_text("gene,a,b\nX,1,-2\nY,3,4\n", "utf-8")
    window = journey.window()
    journey.open(window, path)
    with journey.qtbot.waitSignal(window.session.stopped, timeout=60_000):
        window.action("run_start").trigger()
    notice = window.notices.notice
    assert notice is not None
    assert "Row 1 (“X”), column 2 (“b”) is -2" in notice.text
    assert "negative=clip" in notice.detail


def _differ(one: QImage, other: QImage) -> bool:
    return one.size() == other.size() and one != other
