from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from tests.app.desktop import Desktop

from partwise.jobs import worker as w
from partwise_app.jobchip import JobChip


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that stands until its one entry is changed."""
    now = [100.0]
    monkeypatch.setattr("partwise_app.jobchip.time.monotonic", lambda: now[0])
    return now


def _texts(chip: JobChip) -> set[str]:
    return {label.text() for label in chip.findChildren(QLabel) if not label.isHidden()}


def test_time_left_is_told_by_the_pace_of_late(qtbot: Any, clock: list[float]) -> None:
    chip = JobChip()
    qtbot.addWidget(chip)
    chip.begin("beach: starting")
    for second in range(21):
        clock[0] = 100.0 + second
        chip.progress(second / 100, "sorting")
        if second < 2:
            assert _texts(chip) == {"sorting"}, "nobody can know yet"
    assert _texts(chip) == {"sorting", "80 s left"}
    clock[0] += 300  # the machine slept: one slow stretch among many
    chip.progress(0.22, "")
    assert _texts(chip) == {"sorting", "78 s left"}
    chip.begin("another")
    chip.progress(0.9, "nearly")
    assert _texts(chip) == {"nearly"}, "the pace of another run says nothing"


def test_silence_of_a_run_is_told_and_can_be_ended(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    window.session.start_run()
    chip = window.status.job
    (button,) = chip.findChildren(QPushButton)
    desktop.worker.say(w.Progress(1, 0.25, "sorting"))
    desktop.qtbot.waitUntil(lambda: chip.text() == "sorting")
    desktop.worker.say(w.Quiet(1, 12.3))
    desktop.qtbot.waitUntil(lambda: chip.text() == "No sign of life for 12 s")
    assert (button.text(), button.isVisible()) == ("Stop", True)
    desktop.worker.say(w.Progress(1, 0.5, ""))
    desktop.qtbot.waitUntil(lambda: chip.text() == "sorting")
    assert button.text() == "Cancel"
    desktop.worker.say(w.Quiet(1, 10.0))
    desktop.qtbot.waitUntil(lambda: button.text() == "Stop")
    desktop.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert desktop.worker.cancelled
    desktop.qtbot.waitUntil(lambda: not window.session.running)
    assert (chip.text(), button.isVisible()) == ("Stopped", False)


def test_that_stop_was_heard_is_not_covered_by_late_progress(qtbot: Any) -> None:
    chip = JobChip()
    qtbot.addWidget(chip)
    chip.begin("beach")
    chip.stopping()
    chip.progress(0.5, "sorting")
    chip.quiet(10.0)
    assert _texts(chip) == {"Stopping…"}
    chip.begin("again")
    chip.progress(0.1, "sorting")
    assert chip.text() == "sorting"
