"""What goes wrong on a long day, in the real window with a real worker."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from PySide6.QtWidgets import QLabel
from tests.fixtures import pebble
from tests.journeys.conftest import Journey

from partwise_app.notices import Notice
from partwise_app.window import Window


def _slow_run(journey: Journey) -> Window:
    window = journey.window(pebbles=True)
    journey.open(window, pebble.write_pebbles(journey.folder / "grains.txt"))
    window.session.edits.parameter("mode", "slow")
    with journey.qtbot.waitSignal(window.session.snapshot_arrived, timeout=30_000):
        window.action("run_start").trigger()
    return window


def test_stop_keeps_what_stands_and_says_so(journey: Journey) -> None:
    window = _slow_run(journey)
    session = window.session
    assert window.status.job.text() == "sorting"
    with journey.qtbot.waitSignal(session.stopped, timeout=10_000):
        window.action("run_stop").trigger()
    (run,) = session.state.runs
    assert session.run is run
    assert (run.result.fit.stop, len(run.result.fit.trace)) == ("cancelled", 1)
    assert [part.key for part in run.result.parts] == ["large"]
    assert "Stopped before the end" in window.desk.trust.texts()[0]
    assert "stopped" in window.desk.tree.entries()[1].facts
    assert "%" not in window.desk.trust.texts()[0]  # nothing that was not computed
    shares = [x.text() for x in window.desk.mixer.findChildren(QLabel) if "%" in x.text()]
    assert shares == []
    assert not window.action("file_export").isEnabled()
    journey.picture(window, "stopped")
    path = journey.folder / "stopped.partwise"
    journey.save(window, path)
    session.edits.parameter("mode", "plain")
    journey.run(window)
    assert len(session.state.runs) == 2
    assert window.action("file_export").isEnabled()
    other = journey.window(pebbles=True)
    journey.open(other, path)
    assert other.session.run is not None
    assert other.session.run.result.fit.stop == "cancelled"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_worker_costs_one_run_and_no_session(journey: Journey) -> None:
    window = _slow_run(journey)
    session = window.session
    notices: list[Notice] = []
    session.noticed.connect(notices.append)
    pid = session.worker_pid
    assert pid is not None
    with journey.qtbot.waitSignal(session.stopped, timeout=10_000):
        os.kill(pid, signal.SIGKILL)
    assert len(notices) == 1
    assert "ended the process" in notices[0].text
    assert "memory" in notices[0].text
    assert window.notices.isVisible()
    journey.picture(window, "worker-killed")
    session.edits.parameter("mode", "plain")
    journey.run(window)  # in a fresh process
    assert session.worker_pid != pid
    assert len(session.state.runs) == 1


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("raise", "grains overflow"),
        ("refuse", "no pebbles"),
        ("memory", "not enough memory"),
        ("huge", "GB of memory"),
    ],
)
def test_a_failing_analysis_is_told_in_words(journey: Journey, mode: str, words: str) -> None:
    window = journey.window(pebbles=True)
    journey.open(window, pebble.write_pebbles(journey.folder / "grains.txt"))
    window.session.edits.parameter("mode", mode)
    with journey.qtbot.waitSignal(window.session.noticed, timeout=30_000) as told:
        window.action("run_start").trigger()
    notice = told.args[0]
    assert words in notice.text
    assert "Traceback" not in notice.text + notice.detail
    assert window.action("run_start").isEnabled()


def test_a_run_that_hears_nothing_is_ended_and_the_next_one_runs(journey: Journey) -> None:
    window = journey.window(pebbles=True)
    journey.open(window, pebble.write_pebbles(journey.folder / "grains.txt"))
    session = window.session
    session.edits.parameter("mode", "deaf")
    with journey.qtbot.waitSignal(session.progressed, timeout=30_000, check_params_cb=_asleep):
        window.action("run_start").trigger()
    pid = session.worker_pid
    with journey.qtbot.waitSignal(session.stopped, timeout=10_000):
        window.action("run_stop").trigger()
    assert not session.running
    session.edits.parameter("mode", "plain")
    journey.run(window)
    assert session.worker_pid != pid
    assert [run.title for run in session.state.runs] == ["Run 1"]


def _asleep(fraction: float, text: str) -> bool:
    return text == "asleep"
