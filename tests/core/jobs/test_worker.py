"""Does the worker answer, stop, survive, and leave nothing behind?"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.fixtures import pebble

from partwise.errors import AnalysisProblem, InputProblem, WorkerLost
from partwise.jobs import worker as w
from partwise.jobs.perform import Request

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="counts /dev/shm")

_PATIENCE_S = 60


class Desk:
    """A worker and the events that it told."""

    def __init__(self) -> None:
        self.events: queue.Queue[w.Event] = queue.Queue()
        self.seen: list[w.Event] = []
        self.worker = w.Worker(self.events.put, registry="tests.fixtures.pebble:registry")

    def wait(self, *kinds: type[w.Event]) -> w.Event:
        while True:
            event = self.events.get(timeout=_PATIENCE_S)
            self.seen.append(event)
            if isinstance(event, kinds):
                return event

    def ask(self, **parameters: object) -> int:
        dataset = pebble.load(pebble.sample())
        return self.worker.submit(Request("pebble", "", dataset, parameters))


def _blocks() -> set[str]:
    return {p.name for p in Path("/dev/shm").glob(f"pw{os.getpid():x}-*")}


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    before = _blocks()
    desk = Desk()
    desk.worker.start()
    desk.wait(w.Ready)
    yield desk
    desk.worker.close()
    assert not desk.worker.alive
    assert _blocks() == before


def test_a_run_comes_back_whole_with_its_arrays(desk: Desk) -> None:
    generation = desk.ask(pebbles=200_000)
    event = desk.wait(w.Finished, w.Failed)
    assert isinstance(event, w.Finished)
    assert event.generation == generation
    course = event.result.parts[0].course
    assert course is not None
    np.testing.assert_array_equal(course, np.full(200_000, 10.0))
    assert course.flags.writeable
    assert event.result.provenance is not None
    assert event.result.provenance.parameters["pebbles"] == 200_000


def test_snapshots_come_while_it_runs_and_a_cancel_is_answered(desk: Desk) -> None:
    generation = desk.ask(mode="slow")
    shown = desk.wait(w.Snapshotted)
    assert isinstance(shown, w.Snapshotted)
    assert shown.snapshot.parts[0].key == "large"
    pid = desk.worker.pid
    desk.worker.cancel()
    answer = desk.wait(w.CancelledRun, w.Finished, w.Failed)
    assert isinstance(answer, w.CancelledRun)
    assert answer.generation == generation
    assert desk.worker.pid == pid  # it left by itself, the warm process stays


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("refuse", InputProblem, "no pebbles"),
        ("raise", AnalysisProblem, "grains overflow"),
        ("memory", AnalysisProblem, "not enough memory"),
    ],
)
def test_problems_come_back_as_they_were_raised(
    desk: Desk, mode: str, kind: type[Exception], words: str
) -> None:
    desk.ask(mode=mode)
    event = desk.wait(w.Failed, w.Finished)
    assert isinstance(event, w.Failed)
    assert type(event.problem) is kind
    assert words in str(event.problem)
    assert event.trace


def test_a_newer_request_silences_the_older(desk: Desk) -> None:
    older = desk.ask(mode="slow")
    desk.wait(w.Progress)
    newer = desk.ask()
    event = desk.wait(w.Finished, w.Failed, w.CancelledRun)
    assert event.generation == newer > older


@pytest.mark.parametrize("how", ["die", "killed"])
def test_a_lost_process_ends_one_run_and_a_fresh_one_takes_over(desk: Desk, how: str) -> None:
    before = desk.worker.pid
    if how == "die":
        desk.ask(mode="die")
    else:
        desk.ask(mode="slow")
        desk.wait(w.Snapshotted)
        assert before is not None
        os.kill(before, signal.SIGKILL)
    event = desk.wait(w.Failed, w.Finished)
    assert isinstance(event, w.Failed)
    assert isinstance(event.problem, WorkerLost)
    desk.wait(w.Ready)
    assert desk.worker.pid != before
    desk.ask()
    assert isinstance(desk.wait(w.Finished, w.Failed), w.Finished)


def test_one_that_does_not_listen_is_ended_after_a_second(desk: Desk) -> None:
    before = desk.worker.pid
    generation = desk.ask(mode="deaf")
    desk.wait(w.Progress)
    desk.worker.cancel()
    event = desk.wait(w.CancelledRun, w.Failed, w.Finished)
    assert isinstance(event, w.CancelledRun)
    assert event.generation == generation
    desk.ask()
    assert isinstance(desk.wait(w.Finished, w.Failed), w.Finished)
    assert desk.worker.pid != before


def test_a_request_behind_one_that_does_not_listen_is_still_answered(desk: Desk) -> None:
    desk.ask(mode="deaf")
    desk.wait(w.Progress)
    newer = desk.ask(pebbles=100_000)
    event = desk.wait(w.Finished, w.Failed, w.CancelledRun)
    assert isinstance(event, w.Finished)
    assert event.generation == newer


def test_many_requests_in_a_row_buy_a_deaf_run_no_time(desk: Desk) -> None:
    desk.ask(mode="deaf")
    desk.wait(w.Progress)
    pid = desk.worker.pid
    newest = 0
    while desk.worker.pid == pid:  # as fast as a slider can ask, until the deaf one is ended
        newest = desk.ask()
        with contextlib.suppress(queue.Empty):
            desk.events.get(timeout=0.05)
    newest = desk.ask()
    while desk.wait(w.Finished).generation < newest:
        pass


def test_what_was_in_flight_when_the_process_was_killed_is_freed(desk: Desk) -> None:
    for _ in range(3):
        desk.ask(pebbles=300_000)
        desk.wait(w.Began)
        pid = desk.worker.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        desk.wait(w.Finished, w.Failed)
        desk.wait(w.Ready)
    assert not _blocks()


_PARENT = """
import queue
import select
from partwise.jobs import worker as w
from partwise.jobs.perform import Request
from tests.fixtures import pebble
if __name__ == "__main__":
    events = queue.Queue()
    worker = w.Worker(events.put, registry="tests.fixtures.pebble:registry")
    worker.submit(Request("pebble", "", pebble.load(pebble.sample()), {"mode": "slow"}))
    while not isinstance(events.get(), w.Snapshotted):
        pass
    print(worker.pid, flush=True)
    input()
"""


def test_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(w, "_Child", full)
    desk = Desk()
    for _ in range(3):  # the session goes on, and each run is answered
        generation = desk.ask()
        event = desk.wait(w.Failed)
        assert isinstance(event, w.Failed)
        assert event.generation == generation
        assert isinstance(event.problem, WorkerLost)
        assert "Cannot allocate memory" in str(event.problem)
    assert not desk.worker.busy
    desk.worker.close()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process by its handle")
def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    root = str(Path(__file__).resolve().parents[3])
    before = _blocks()
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": root},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        handle = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
        ready, _, _ = select.select([handle], [], [], _PATIENCE_S)
        os.close(handle)
    assert ready
    assert _blocks() == before
