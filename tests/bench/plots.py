"""How smooth are drawings over time, of bodies and of nets? Repaint at 1200 x 900.

    python tests/bench/plots.py [--quick]

Prints milliseconds: the median and the 99th percentile of a repaint after each small move of
the view, by the clock and by the processor's time in the window's thread (the same on an idle
machine); and how long the first preparation takes, done once, in a thread.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.viewers.graph import GraphView
from partwise_app.viewers.minmax import MinMax
from partwise_app.viewers.peaks import Peaks
from partwise_app.viewers.plotting import Plot
from partwise_app.viewers.spectrogram import SpectrogramView
from partwise_app.viewers.timeline import Window
from partwise_app.viewers.traces import TracesView
from partwise_app.viewers.volume import VolumeView
from partwise_resources import resource

GOAL = 33.0
COLORS = ("#3b82d6", "#c8503c", "#3f9d6b", "#8b63c6", "#d39a2d", "#2aa7a7", "#d1477a", "#8a8f2d")


def until(app: QApplication, ready: Callable[[], bool], limit: float = 60.0) -> float:
    """Run the window until something is ready; milliseconds."""
    start = time.perf_counter()
    while not ready():
        app.processEvents()
        if time.perf_counter() - start > limit:
            raise TimeoutError("nothing came")
        time.sleep(0.001)
    return 1e3 * (time.perf_counter() - start)


def row(name: str, widget: Plot, move: Callable[[int], None], steps: int) -> None:
    """Move and repaint, again and again, and print how long it took."""
    took, worked = [], []
    for step in range(steps):
        start, busy = time.perf_counter(), time.thread_time()
        move(step)
        widget.repaint()
        took.append(1e3 * (time.perf_counter() - start))
        worked.append(1e3 * (time.thread_time() - busy))
    print(
        f"  {name:<58} median {np.median(took):6.1f}   p99 {np.percentile(took, 99):6.1f}"
        f"   of the processor {np.median(worked):5.1f}   {np.percentile(worked, 99):5.1f}"
        f"   goal < {GOAL:.0f}"
    )


def shown(app: QApplication, widget: Plot, view: View, parts: tuple[Part, ...] = ()) -> None:
    widget.resize(1200, 900)
    widget.set_view(view, parts, [Strip(p.key, p.name, p.color) for p in parts])
    widget.show()
    app.processEvents()


def gone(app: QApplication, widget: Plot) -> None:
    widget.close()
    widget.deleteLater()
    app.processEvents()


def traces(app: QApplication, steps: int) -> None:
    rng = np.random.default_rng(0)
    channels, samples, rate = 16, 1_000_000, 1000.0
    y = rng.standard_normal((channels, samples)).astype(np.float32)
    axes = (
        Axis("muscle", channels, labels=tuple(f"Muscle {k}" for k in range(channels))),
        Axis("time", samples, "s", 1 / rate),
        Axis("amplitude", 0, "mV"),
    )
    start = time.perf_counter()
    MinMax(y)
    print(f"  pyramid of 16 x 1,000,000, in a thread {1e3 * (time.perf_counter() - start):27.1f}")
    made = TracesView()
    shown(app, made, View("traces", "Channels", {"y": y}, axes))
    until(app, lambda: not made.is_empty())
    for seconds in (0.5, 5.0, 60.0, 999.0):

        def pan(step: int, wide: float = seconds) -> None:
            made.look(Window(0.37 * step % 400, 0.37 * step % 400 + wide))

        row(f"traces, 16 x 1,000,000, window of {seconds:g} s", made, pan, steps)
    made.look(Window(0, 5))
    row("the same, cursor moves", made, lambda k: made._set_mark(QPointF(200.0 + k, 300.0)), steps)
    gone(app, made)
    turns = np.arange(samples) / rate / 1.1
    H = np.stack(
        [np.exp(8 * (np.cos(2 * np.pi * (turns - at)) - 1)) for at in (0.1, 0.4, 0.6, 0.9)]
    )
    W = rng.gamma(0.6, 0.5, (channels, 4))
    parts = tuple(Part(f"p{k}", f"P{k}", COLORS[k], W[:, k], 0.25, H[k]) for k in range(4))
    made = TracesView()
    shown(app, made, View("traces", "Channels", {"y": (W @ H).astype(np.float32)}, axes), parts)
    until(app, lambda: not made.is_empty())
    row(
        "envelopes, window of 5 s, four parts and their sum over them",
        made,
        lambda step: made.look(Window(0.37 * step, 0.37 * step + 5)),
        steps,
    )
    gone(app, made)


def spectrograms(app: QApplication, steps: int) -> None:
    rng = np.random.default_rng(0)
    for name, seconds in (("9 s", 9), ("an hour", 3600)):
        times = seconds * 125
        whole = rng.integers(0, 256, (257, times), dtype=np.uint8)
        start = time.perf_counter()
        Peaks(whole)
        print(
            f"  pyramid of 257 x {times:,}, in a thread {1e3 * (time.perf_counter() - start):30.1f}"
        )
        wave = rng.standard_normal(seconds * 16_000).astype(np.float32)
        axes = (Axis("frequency", 257, "Hz", 31.25), Axis("time", times, "s", 0.008))
        parts = (Part("v", "Voice", COLORS[0], np.ones(257)),)
        made = SpectrogramView()
        arrays: dict[str, Any] = {"whole": whole, "parts": whole[None], "wave": wave}
        shown(app, made, View("spectrogram", "Sound", arrays, axes), parts)
        until(app, lambda made=made: not made.is_empty())  # type: ignore[misc]  # bound now
        for wide in (1.0, 8.0, *((600.0, 3590.0) if seconds > 600 else ())):

            def pan(step: int, made: Any = made, wide: float = wide) -> None:
                made.look(Window(0.01 * step, 0.01 * step + wide))

            row(f"spectrogram of {name}, whole and part, {wide:g} s on screen", made, pan, steps)
        made.set_logarithmic(True)
        row(f"spectrogram of {name}, logarithmic, {wide:g} s", made, pan, steps)
        row(
            f"spectrogram of {name}, playhead moves",
            made,
            lambda k, made=made: made.set_playhead(0.02 * k),  # type: ignore[misc]  # bound now
            steps,
        )
        gone(app, made)


def volumes(app: QApplication, steps: int) -> None:
    rng = np.random.default_rng(0)
    shape, frames = (60, 128, 128), 42
    values = rng.random((frames, *shape), dtype=np.float32)
    images = rng.random((4, *shape), dtype=np.float32)
    axes = (
        Axis("time", frames, "min"),
        *(Axis(name, size, "mm", 2.0) for name, size in zip("zyx", shape, strict=True)),
    )
    parts = tuple(Part(f"f{k}", f"F{k}", COLORS[k], rng.random(frames)) for k in range(4))
    made = VolumeView()
    start = time.perf_counter()
    view = View("volume", "Series", {"values": values, "images": images}, axes)
    shown(app, made, view, parts)
    app.processEvents()
    print(f"  volume, first picture {1e3 * (time.perf_counter() - start):44.1f}")
    made.set_frame(20)
    row(
        "volume, 60 x 128 x 128, four factors, cross moves",
        made,
        lambda k: made.set_voxel((k % 60, (3 * k) % 128, (5 * k) % 128)),
        steps,
    )
    row("volume, frame by frame", made, lambda k: made.set_frame(k % frames), steps)
    made.set_frame(-1)
    row(
        "volume, mean of 42 frames, cross moves",
        made,
        lambda k: made.set_voxel((k % 60, (3 * k) % 128, (5 * k) % 128)),
        steps,
    )
    gone(app, made)


def graphs(app: QApplication, steps: int) -> None:
    rng = np.random.default_rng(0)
    count, ties = 2000, 20_000
    group = np.sort(rng.integers(0, 8, count))
    i = rng.integers(0, count, ties)
    near = np.clip(i + rng.integers(-120, 121, ties), 0, count - 1)
    j = np.where(rng.random(ties) < 0.88, near, rng.integers(0, count, ties))
    arrays = {"edges": np.stack([i, j], axis=1), "weights": rng.random(ties), "group": group}
    parts = tuple(Part(f"c{k}", f"Community {k}", COLORS[k], np.ones(3)) for k in range(8))
    made = GraphView()
    shown(app, made, View("graph", "Net", arrays, (Axis("node", count),)), parts)
    print(f"  graph, places found and all drawn {until(app, made.is_settled):32.1f}")
    row("graph, 2,000 nodes, 20,000 ties, repaint", made, lambda _: made.update(), steps)
    row("graph, pan", made, lambda k: made._move((1.5, 0.4 + 0.003 * (k % 30), 0.5)), steps)
    until(app, made.is_settled)
    row("graph, another node pointed at", made, lambda k: made._set_mark(k * 7 % count), steps)
    made._set_mark(None)
    made.fit()
    longest, start = 0.0, time.perf_counter()
    while not made.is_settled():
        began = time.perf_counter()
        app.processEvents()
        longest = max(longest, 1e3 * (time.perf_counter() - began))
    print(
        f"  graph, all ties sharp again after {1e3 * (time.perf_counter() - start):.0f} ms, "
        f"the window never deaf for more than {longest:.1f} ms"
    )
    gone(app, made)


def main() -> None:
    """Print all rows."""
    steps = 15 if "--quick" in sys.argv else 100
    app = QApplication.instance() or QApplication(sys.argv)
    assert isinstance(app, QApplication)
    QFontDatabase.addApplicationFont(str(resource("fonts", "Inter-Regular.otf")))
    font = QFont("Inter")
    font.setPixelSize(13)
    app.setFont(font)
    print("move and repaint at 1200 x 900, ms")
    for show in (traces, spectrograms, volumes, graphs):
        show(app, steps)


if __name__ == "__main__":
    main()
