"""Does the window stay awake? First paint, event loop while a run works, and cancel.

    python tests/bench/window.py [--runs N]

A real window, a real worker, and a picture of four megapixels. Latency is how late a timer of
5 ms comes, all of the time between pressing Run and the result; what a hand feels is the longest.
"""

from __future__ import annotations

import argparse
import os
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

GOAL_P99_MS, GOAL_CANCEL_MS, GOAL_START_S = 50.0, 100.0, 3.0
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
    """Notes how late each tick of a timer comes."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self.late_ms.clear()
        self._last = time.perf_counter()
        self._timer.start(_TICK_MS)

    def stop(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        self._timer.stop()
        return np.array(self.late_ms)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(1000 * (now - self._last) - _TICK_MS)
        self._last = now


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


def line(name: str, values: np.ndarray[tuple[int], np.dtype[np.float64]], goal: str) -> str:
    """One row of the table, in milliseconds."""
    p50, p99 = np.percentile(values, [50, 99])
    return f"{name:<34}{len(values):>7}{p50:>9.1f}{p99:>9.1f}{values.max():>9.1f}   {goal}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5, help="runs and cancels measured")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PARTWISE_STATE"] = folder
        took = first_paint(runs)
        print(
            f"process start to first paint: median {np.median(took):.2f} s, "
            f"longest {max(took):.2f} s of {runs} (goal {GOAL_START_S:g} s)\n"
        )
        print(f"{'lateness of a 5 ms timer, ms':<34}{'ticks':>7}{'p50':>9}{'p99':>9}{'max':>9}")
        _measure(Path(folder), runs)


def _measure(folder: Path, runs: int) -> None:
    from partwise.jobs.worker import Ready
    from partwise.plugins.registry import load_registry
    from partwise_app.main import _application
    from partwise_app.session import Session
    from partwise_app.settings import Settings
    from partwise_app.theme import Theme
    from partwise_app.window import Window

    app = _application()
    session = Session(load_registry())
    window = Window(session, Theme(app, "dark"), Settings(folder / "window.ini"))
    window.resize(1280, 800)
    window.show()
    ready: list[bool] = []
    session._runner._event.connect(
        lambda event: ready.append(True) if isinstance(event, Ready) else None
    )
    session.warm_up()
    window.deeds.open_path(tissue(folder))
    wait(lambda: session.input is not None)
    wait(lambda: bool(ready))

    def run() -> None:
        before = len(session.state.runs)
        session.start_run()
        wait(lambda: len(session.state.runs) > before)

    run()  # warm: kernels compiled, tiles read
    ticker = Ticker()
    ticker.start()
    wait(lambda: len(ticker.late_ms) > 300)
    print(line("idle", ticker.stop(), ""))
    ticker.start()
    for _ in range(runs):
        run()
    print(line("while a run works", ticker.stop(), f"goal p99 < {GOAL_P99_MS:g} ms"))
    stops: list[float] = []
    heard: list[float] = []
    snapshots: list[object] = []
    session.snapshot_arrived.connect(snapshots.append)
    for _ in range(runs):
        snapshots.clear()
        session.start_run()
        wait(lambda: bool(snapshots) or not session.running)
        if not session.running:
            continue
        began = time.perf_counter()
        session.stop()
        assert window.status.job.text() == "Stopping…"  # painted before `stop` came back
        heard.append(1000 * (time.perf_counter() - began))
        wait(lambda: not session.running)
        stops.append(1000 * (time.perf_counter() - began))
    if stops:
        print(line("Stop until it is acknowledged", np.array(heard), ""))
        print(
            line("Stop until the run has ended", np.array(stops), f"goal < {GOAL_CANCEL_MS:g} ms")
        )
    session.close()
    window.keeper.close()
    window.desk.stage.close_threads()
    window.hide()


if __name__ == "__main__":
    main()
