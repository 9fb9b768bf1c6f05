"""How fast does the worker start, show, stop and come back?

    python tests/bench/jobs.py [--trials 40] [--kills 50] [--cancels 20 [--only stain …]]

Without a window: times are from the call to the event in the manager's thread. The analysis is
the tests' pebble sorter, which looks at its flag every 5 ms. With ``--cancels`` it is each plugin's
own, on its first sample, cancelled at random moments in this process; the processor's time tells,
on a busy machine too, what the run still did.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import random
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fixtures import pebble

from partwise.errors import Cancelled, WorkerLost
from partwise.job import LocalJob
from partwise.jobs import worker as w
from partwise.jobs.perform import Request, perform
from partwise.plugins.registry import load_registry


class Bench:
    """A worker whose events carry the time at which they came."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[float, w.Event]] = queue.Queue()
        self.worker = w.Worker(self._note, registry="tests.fixtures.pebble:registry")

    def _note(self, event: w.Event) -> None:
        self.events.put((time.perf_counter(), event))

    def wait(self, kind: type[w.Event]) -> float:
        """Return when the next event of `kind` came."""
        while True:
            at, event = self.events.get(timeout=60)
            if isinstance(event, kind):
                return at

    def ended(self) -> tuple[float, w.Event]:
        """Return the event that ends a run, and when it came."""
        while True:
            at, event = self.events.get(timeout=60)
            if isinstance(event, w.Finished | w.Failed | w.CancelledRun):
                return at, event

    def ask(self, **parameters: object) -> float:
        """Ask for a run, and return when."""
        dataset = pebble.load(pebble.sample())
        now = time.perf_counter()
        self.worker.submit(Request("pebble", "", dataset, parameters))
        return now


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=40)
    options.add_argument("--kills", type=int, default=0, help="only this: kill -9 that often")
    options.add_argument("--cancels", type=int, default=0, help="only this, per plugin")
    options.add_argument("--only", nargs="*", metavar="PLUGIN", default=[])
    asked = options.parse_args()
    if asked.kills:
        sys.exit(_kill(asked.kills))
    if asked.cancels:
        _cancel(asked.cancels, asked.only)
        return
    trials = asked.trials
    bench = Bench()
    start = time.perf_counter()
    bench.worker.start()
    called = time.perf_counter() - start
    _row("start() returns", [called])
    _row("warm after start()", [bench.wait(w.Warm) - start])

    answers, cancels, firsts = [], [], []
    for _ in range(trials):
        answers.append(-bench.ask() + bench.wait(w.Finished))
        firsts.append(-bench.ask(mode="slow") + bench.wait(w.Snapshotted))
        now = time.perf_counter()
        bench.worker.cancel()
        cancels.append(bench.wait(w.CancelledRun) - now)
    _row("small run, there and back", answers)
    _row("first snapshot", firsts)
    _row("cancel answered", cancels)

    big = [-bench.ask(pebbles=10_000_000) + bench.wait(w.Finished) for _ in range(5)]
    _row("run that returns 80 MB", big)

    bench.ask(mode="slow")
    times = [bench.wait(w.Snapshotted) for _ in range(21)]
    print(f"{'snapshots a second':34}{20 / (times[-1] - times[0]):8.1f}")
    bench.worker.cancel()
    bench.wait(w.CancelledRun)

    deaf, lost, back = [], [], []
    for _ in range(3):
        bench.ask(mode="deaf")
        bench.wait(w.Progress)
        now = time.perf_counter()
        bench.worker.cancel()
        deaf.append(bench.wait(w.CancelledRun) - now)
        bench.wait(w.Warm)
        bench.ask(mode="slow")
        bench.wait(w.Snapshotted)
        pid = bench.worker.pid
        assert pid is not None
        now = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        lost.append(bench.wait(w.Failed) - now)
        back.append(bench.wait(w.Warm) - now)
    _row("cancel of one that does not listen", deaf)
    _row("kill -9 is told", lost)
    _row("kill -9 to a warm fresh process", back)
    bench.worker.close()
    left = sorted(p.name for p in Path("/dev/shm").glob(f"pw{os.getpid():x}-*"))
    print(f"{'shared blocks left':34}{len(left):8d}")


def _kill(kills: int) -> int:
    """Kill the process at random moments of a run; returns 0 where every loss was told."""
    rng = random.Random(0)
    bench = Bench()
    bench.worker.start()
    bench.wait(w.Warm)
    told = answered = 0
    seconds = []
    for _ in range(kills):
        bench.ask(mode="slow")
        bench.wait(w.Began)
        time.sleep(rng.uniform(0, 0.4))
        pid = bench.worker.pid
        assert pid is not None
        now = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        at, event = bench.ended()
        told += isinstance(event, w.Failed) and isinstance(event.problem, WorkerLost)
        seconds.append(at - now)
        bench.ask()
        _, event = bench.ended()
        answered += isinstance(event, w.Finished)
    bench.worker.close()
    left = sorted(p.name for p in Path("/dev/shm").glob(f"pw{os.getpid():x}-*"))
    _row("kill -9 is told", seconds)
    print(
        f"{kills} kills: {told} told as lost, {answered} next runs answered, "
        f"{len(left)} blocks left"
    )
    return 0 if told == answered == kills and not left else 1


def _cancel(cancels: int, only: list[str]) -> None:
    """Cancel runs of the built-in plugins at random moments of their time."""
    rng = random.Random(0)
    registry = load_registry(safe_mode=True)
    walls, works = [], []
    for name in only or sorted(registry.plugins):
        plugin, sample, path = registry.sample(registry.get(name).samples[0].key)
        _, dataset = registry.open(path, name)
        request = Request(name, "", dataset, dict(sample.parameters))
        perform(request, LocalJob(), registry)  # warm
        began = time.perf_counter()
        perform(request, LocalJob(), registry)
        took = time.perf_counter() - began
        wall, work = [], []
        for _ in range(cancels):
            asked = threading.Event()
            at = [0.0, 0.0]

            def press(asked: threading.Event = asked, at: list[float] = at) -> None:
                at[:] = [time.perf_counter(), time.process_time()]
                asked.set()

            timer = threading.Timer(rng.uniform(0.02, 0.9) * took, press)
            timer.start()
            with contextlib.suppress(Cancelled):
                perform(request, LocalJob(is_cancelled=asked.is_set), registry)
            left = time.perf_counter(), time.process_time()
            timer.cancel()
            timer.join()
            if asked.is_set() and left[0] > at[0]:
                wall.append(left[0] - at[0])
                work.append(left[1] - at[1])
        if wall:
            _row(f"{plugin.id}, run of {took:.1f} s, cancelled", wall)
            _row(f"{plugin.id}, the processor's time", work)
        walls += wall
        works += work
    _row(f"all {len(walls)} cancels", walls)
    _row("the processor's time", works)


def _row(name: str, seconds: list[float]) -> None:
    ms = sorted(1000 * s for s in seconds)
    p99 = ms[min(len(ms) - 1, int(0.99 * len(ms)))]
    print(f"{name:34}p50 {statistics.median(ms):8.1f}  p99 {p99:8.1f}  max {ms[-1]:8.1f} ms")


if __name__ == "__main__":
    main()
