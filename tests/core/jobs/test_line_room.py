"""Do runs wait their turn, is a silent process noticed, and is what does not fit refused?"""

from __future__ import annotations

import os
import queue
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.fixtures import pebble

from partwise.errors import AnalysisProblem
from partwise.job import LocalJob
from partwise.jobs import room
from partwise.jobs import worker as w
from partwise.jobs.line import Line
from partwise.jobs.pace import Pace
from partwise.jobs.perform import Request, perform

_PATIENCE_S = 60


class Desk:
    def __init__(self) -> None:
        self.events: queue.Queue[w.Event] = queue.Queue()
        self.line = Line(self.events.put, registry="tests.fixtures.pebble:registry")

    def ask(self, **parameters: object) -> int:
        return self.line.add(Request("pebble", "", pebble.load(pebble.sample()), parameters))

    def wait(self, *kinds: type[w.Event]) -> w.Event:
        while True:
            event = self.events.get(timeout=_PATIENCE_S)
            if isinstance(event, kinds):
                return event


_ENDS = (w.Finished, w.Failed, w.CancelledRun)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.line.close()


def test_runs_wait_their_turn_and_one_that_fails_holds_nobody_up(desk: Desk) -> None:
    numbers = [desk.ask(), desk.ask(mode="raise"), desk.ask(pebbles=7), desk.ask()]
    assert desk.line.running == numbers[0]
    assert set(desk.line.waiting) <= set(numbers[1:])
    ends = [desk.wait(*_ENDS) for _ in numbers]
    assert [event.generation for event in ends] == numbers
    assert [type(event) for event in ends] == [w.Finished, w.Failed, w.Finished, w.Finished]
    third = ends[2]
    assert isinstance(third, w.Finished)
    assert third.result.provenance is not None
    assert third.result.provenance.parameters["pebbles"] == 7


def test_one_run_is_taken_out_of_the_line_and_one_is_stopped(desk: Desk) -> None:
    slow, waiting, last = desk.ask(mode="slow"), desk.ask(), desk.ask()
    desk.wait(w.Progress)
    desk.line.cancel(waiting)
    assert desk.wait(*_ENDS).generation == waiting
    assert desk.line.waiting == (last,)
    desk.line.cancel(slow)
    ended = desk.wait(*_ENDS)
    assert isinstance(ended, w.CancelledRun)
    assert ended.generation == slow
    assert desk.wait(w.Finished).generation == last
    desk.line.cancel(99)  # nobody


def test_clearing_the_line_ends_every_run(desk: Desk) -> None:
    numbers = [desk.ask(mode="slow") for _ in range(3)]
    desk.wait(w.Progress)
    desk.line.clear()
    ends = [desk.wait(*_ENDS) for _ in numbers]
    assert all(isinstance(event, w.CancelledRun) for event in ends)
    assert sorted(event.generation for event in ends) == numbers
    assert desk.line.waiting == ()


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process by a POSIX signal")
def test_a_process_without_a_sign_of_life_is_told_and_can_be_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(w, "_QUIET_S", 1.5)
    events: queue.Queue[w.Event] = queue.Queue()
    worker = w.Worker(events.put, registry="tests.fixtures.pebble:registry")
    try:
        request = Request("pebble", "", pebble.load(pebble.sample()), {"mode": "deaf"})
        generation = worker.submit(request)
        while not isinstance(events.get(timeout=_PATIENCE_S), w.Progress):
            pass
        pid = worker.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # as if it hung in foreign code
        event = events.get(timeout=_PATIENCE_S)
        assert isinstance(event, w.Quiet)
        assert event.generation == generation
        assert event.seconds >= 1.5
        worker.cancel()
        assert isinstance(events.get(timeout=_PATIENCE_S), w.CancelledRun)
    finally:
        worker.close()


class Hungry(pebble.Analysis):
    needs: ClassVar[int] = 10**15

    def memory(self, dataset: Any, params: Any) -> int:
        return self.needs


def _hungry() -> Any:
    import dataclasses

    from partwise.plugins.registry import Registry

    name = f"{__name__}:Hungry"
    return Registry([dataclasses.replace(pebble.PLUGIN, analyses=(name,))])


def test_a_run_that_does_not_fit_is_refused_with_both_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "available_memory", lambda: 4 * 10**9)
    request = Request("pebble", "", pebble.load(pebble.sample()))
    with pytest.raises(AnalysisProblem, match=r"1000000\.0 GB .* 4\.0 GB are free"):
        perform(request, LocalJob(), _hungry())
    monkeypatch.setattr(Hungry, "needs", 10**9)
    assert perform(request, LocalJob(), _hungry()).parts
    monkeypatch.setattr(Hungry, "needs", 10**15)
    monkeypatch.setattr(room, "available_memory", lambda: None)
    assert perform(request, LocalJob(), _hungry()).parts  # where nobody tells, it is tried


def test_free_memory_is_the_least_of_machine_and_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(room, "_CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    assert room.available_memory() == 5_120_000
    (tmp_path / "memory.max").write_text("4000000\n")
    (tmp_path / "memory.current").write_text("3000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 500000\n")
    assert room.available_memory() == 1_500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert room.available_memory() == 5_120_000


def test_time_left_is_robust_and_not_said_too_early() -> None:
    pace = Pace()
    assert pace.left() is None
    now = 0.0
    for step in range(51):
        pace.note(step / 100, now)
        now += 30.0 if step in (0, 20) else 1.0  # compiling at first, a slow disk once
        if step < 3:
            assert pace.left() is None
    assert pace.left() == pytest.approx(50, rel=0.05)
    pace.note(0.1, now)
    assert pace.left() is None  # it began again
    pace.note(1.0, now + 1)
    assert pace.left() is None
