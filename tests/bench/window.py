"""Does the window stay awake? First paint, event loop while a run works, and cancel.

    python tests/bench/window.py [--runs 3] [--stops 20] [--only stain …] [--starts 5]

A real window, a real worker, and for each plugin a run: a picture of four megapixels for stain,
its first sample for the others. Lateness is how late a timer of 5 ms comes, all of the time from
pressing Run until the result is drawn. The window's own work is the time that its thread computed
between two ticks: it is the same on a busy machine, where lateness is not.
A run is stopped at a random moment of its time: how long until the window says so, and until the
run has left. Leaves with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QCoreApplication, QObject, QTimer

_Times = np.ndarray[tuple[int], np.dtype[np.float64]]

GOAL_P99_MS, GOAL_WORST_MS = 50.0, 150.0
GOAL_CANCEL_MS, GOAL_CANCEL_WORST_MS = 100.0, 1200.0
GOAL_START_S = 1.5
_TICK_MS = 5
_START = """
import sys, time
began = float(sys.argv[1])
from PySide6.QtCore import QTimer
from partwise_app import main
class Shown(main.Window):
    def paintEvent(self, event):
        super().paintEvent(event)
        if not getattr(self, "told", False):
            self.told = True
            print(time.time() - began, flush=True)
            QTimer.singleShot(0, self.close)
main.Window = Shown
sys.exit(main.main([]))
"""


class Ticker(QObject):
    """Notes how late each tick of a timer comes, and for how long the window itself was at work."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self.busy_ms: list[float] = []
        self._last, self._worked = time.perf_counter(), time.thread_time()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self.late_ms.clear()
        self.busy_ms.clear()
        self._last, self._worked = time.perf_counter(), time.thread_time()
        self._timer.start(_TICK_MS)

    def stop(self) -> tuple[_Times, _Times]:
        self._timer.stop()
        return np.array(self.late_ms), np.array(self.busy_ms)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(1000 * (now - self._last) - _TICK_MS)
        worked = time.thread_time()
        self.busy_ms.append(1000 * (worked - self._worked))
        self._last, self._worked = now, worked


def tissue(folder: Path, side: int = 2048) -> Path:
    """A picture of two dyes, `side` squared."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side] / 40.0
    nuclei = np.clip(2 * np.sin(y) * np.sin(1.3 * x) - 0.7, 0, 1.2)
    fibres = np.clip(0.6 + 0.4 * np.sin(0.2 * y + np.sin(0.1 * x)), 0, 1)
    fibres[:, : side // 8] = nuclei[:, : side // 8] = 0
    od = nuclei[..., None] * [0.65, 0.70, 0.29] + 0.6 * fibres[..., None] * [0.07, 0.99, 0.11]
    light = 243 * 10.0**-od + rng.normal(0, 1.5, od.shape)
    path = folder / "tissue.png"
    Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).save(path)
    return path


def wait(until: Callable[[], bool], seconds: float = 60.0) -> None:
    """Let the event loop go on until something is so."""
    end = time.monotonic() + seconds
    while not until():
        QCoreApplication.processEvents()
        time.sleep(0.0005)
        if time.monotonic() > end:
            msg = "it did not happen in time"
            raise TimeoutError(msg)


def first_paint(trials: int) -> list[float]:
    """Seconds from starting the process to the first paint of its window."""
    took = []
    for _ in range(trials):
        began = str(time.time())
        done = subprocess.run(
            [sys.executable, "-c", _START, began], capture_output=True, text=True, check=True
        )
        took.append(float(done.stdout.split()[0]))
    return took


def line(name: str, values: _Times, goal: str) -> str:
    """One row of the table, in milliseconds."""
    p50, p99 = np.percentile(values, [50, 99])
    return f"{name:<34}{len(values):>7}{p50:>9.1f}{p99:>9.1f}{values.max():>9.1f}   {goal}"


class Bench:
    """One window, and what was measured in it."""

    def __init__(self, folder: Path) -> None:
        from partwise.jobs.worker import Warm
        from partwise.plugins.registry import load_registry
        from partwise_app.main import _application
        from partwise_app.session import Session
        from partwise_app.settings import Settings
        from partwise_app.theme import Theme
        from partwise_app.window import Window

        app = _application()
        self.folder = folder
        self.registry = load_registry(safe_mode=True)
        self.session = Session(self.registry)
        self.window = Window(self.session, Theme(app, "dark"), Settings(folder / "window.ini"))
        self.window.resize(1280, 800)
        self.window.show()
        self.ticker = Ticker()
        self.left: list[float] = []  # when runs had left
        self.late: list[_Times] = []
        self.busy: list[_Times] = []
        self.heard: list[float] = []
        self.gone: list[float] = []
        self._rng = random.Random(0)
        ready: list[object] = []
        self.session._runs._runner._event.connect(
            lambda event: ready.append(event) if isinstance(event, Warm) else None
        )
        self.session.running_changed.connect(
            lambda on: None if on else self.left.append(time.perf_counter())
        )
        self.session.warm_up()
        wait(lambda: bool(ready), 300.0)

    def idle(self) -> None:
        """Measure a window that has nothing to do."""
        self.ticker.start()
        wait(lambda: len(self.ticker.late_ms) > 300)
        print(line("idle", self.ticker.stop()[0], ""))

    def open(self, plugin: str) -> None:
        """Open the input of a plugin's runs."""
        before = self.session.input
        if plugin == "stain":
            self.window.deeds.open_path(tissue(self.folder))
        else:
            self.session.open_sample(self.registry.get(plugin).samples[0].key)
        wait(lambda: self.session.input is not before and self.session.idle)

    def run(self) -> float:
        """Run to the end; returns how long it took, in seconds."""
        before, began = len(self.session.state.runs), time.perf_counter()
        self.session.start_run(anew=True)
        wait(lambda: len(self.session.state.runs) > before, 300.0)
        return time.perf_counter() - began

    def awake(self, plugin: str, runs: int) -> float:
        """Measure the event loop during some runs; returns how long one takes."""
        self.run()  # warm: kernels compiled, tiles read
        self.ticker.start()
        took = [self.run() for _ in range(runs)]
        late, busy = self.ticker.stop()
        self.late.append(late)
        self.busy.append(busy)
        goal = f"goal p99 < {GOAL_P99_MS:g}, max < {GOAL_WORST_MS:g}"
        print(line(f"{plugin}, runs of {np.median(took):.1f} s", late, goal))
        print(line(f"{plugin}, the window's own work", busy, ""))
        return float(np.median(took))

    def stops(self, plugin: str, stops: int, took: float) -> None:
        """Stop runs at random moments."""
        heard, gone = [], []
        for _ in range(stops):
            began = time.perf_counter()
            self.session.start_run(anew=True)
            moment = began + self._rng.uniform(0.02, 0.95) * took
            wait(lambda moment=moment: time.perf_counter() > moment or not self.session.running)  # type: ignore[misc]
            if not self.session.running:
                continue
            self.left.clear()
            asked = time.perf_counter()
            self.session.stop()
            assert self.window.status.job.text() == "Stopping…"  # painted before `stop` came back
            heard.append(1000 * (time.perf_counter() - asked))
            wait(lambda: not self.session.running)
            gone.append(1000 * (self.left[-1] - asked))
        if gone:
            print(line(f"{plugin}, Stop is acknowledged", np.array(heard), ""))
            print(line(f"{plugin}, the run has left", np.array(gone), ""))
        self.heard += heard
        self.gone += gone

    def close(self) -> None:
        self.session.close()
        self.window.keeper.close()
        self.window.desk.stage.close_threads()
        self.window.hide()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="runs measured, per plugin")
    parser.add_argument("--stops", type=int, default=20, help="runs stopped, per plugin")
    parser.add_argument("--starts", type=int, default=5, help="times the program is started")
    parser.add_argument("--only", nargs="*", metavar="PLUGIN", default=[])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PARTWISE_STATE"] = folder
        if asked.starts:
            took = first_paint(asked.starts)
            print(
                f"process start to first paint: median {np.median(took):.2f} s, "
                f"longest {max(took):.2f} s of {asked.starts} (goal {GOAL_START_S:g} s)\n"
            )
        print(f"{'lateness of a 5 ms timer, ms':<34}{'ticks':>7}{'p50':>9}{'p99':>9}{'max':>9}")
        return _measure(Path(folder), asked.only, asked.runs, asked.stops)


def _measure(folder: Path, only: list[str], runs: int, stops: int) -> int:
    bench = Bench(folder)
    bench.idle()
    for plugin in only or sorted(bench.registry.plugins):
        bench.open(plugin)
        bench.stops(plugin, stops, bench.awake(plugin, runs))
    late, gone = np.concatenate(bench.late), np.array(bench.gone)
    print(line("all runs", late, f"goal p99 < {GOAL_P99_MS:g}, max < {GOAL_WORST_MS:g}"))
    print(line("all runs, the window's own work", np.concatenate(bench.busy), ""))
    met = float(np.percentile(late, 99)) < GOAL_P99_MS and float(late.max()) < GOAL_WORST_MS
    if gone.size:
        goal = f"goal p99 < {GOAL_CANCEL_MS:g}, max < {GOAL_CANCEL_WORST_MS:g}"
        print(line("all stops, acknowledged", np.array(bench.heard), ""))
        print(line("all stops, the run has left", gone, goal))
        met &= float(np.percentile(gone, 99)) < GOAL_CANCEL_MS
        met &= float(gone.max()) < GOAL_CANCEL_WORST_MS
    bench.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
