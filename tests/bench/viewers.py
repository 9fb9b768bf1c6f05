"""How smooth is the stage? Repaint, pan and live edit, on images up to 50,000 x 50,000.

    python tests/bench/viewers.py [--quick]

Prints milliseconds. All panning and zooming happens in the window's own thread, all reading and
drawing of tiles in loader threads, so "longest paint" is what a hand feels. The large images are
made up tile by tile while they are read.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from partwise.data.mixing import Mixing
from partwise.data.pyramid import ArrayPyramid, Level, Pyramid
from partwise_app.viewers.image import ImagePane
from partwise_app.viewers.stage import ImageStage
from partwise_resources import resource

WHITE = (243.0, 241.0, 245.0)
GOAL_REPAINT = 33.0
GOAL_EDIT = 50.0
GOAL_CACHED, GOAL_NEW = 16.0, 150.0


class MadeUp:
    """A pyramid of any size whose pixels are computed when they are read; levels 4 apart."""

    def __init__(self, size: int) -> None:
        downs = [4**k for k in range(12) if size // 4**k >= 256]
        self.levels = tuple(Level(size // d, size // d, float(d)) for d in downs)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        down = int(self.levels[level].downsample)
        across = (np.arange(x, x + width) * down).astype(np.uint32)
        below = (np.arange(y, y + height) * down).astype(np.uint32)
        mixed = (across[None, :] ^ below[:, None]) >> 3
        fine = across[None, :] // 7 + below[:, None] // 5
        out = np.empty((height, width, 3), np.uint8)
        out[..., 0] = 120 + (mixed & 127)
        out[..., 1] = 90 + (fine & 127)
        out[..., 2] = 150 + ((mixed + fine) & 63)
        return out


def vectors(turn: float = 0.0) -> Mixing:
    """Two stains; `turn` (radians) turns the first a little."""
    first = np.array([0.65 + 0.3 * turn, 0.70 - 0.3 * turn, 0.29])
    second = np.array([0.07, 0.99, 0.11])
    columns = np.stack([first / np.linalg.norm(first), second / np.linalg.norm(second)], axis=1)
    return Mixing(columns, WHITE)


def settle(app: QApplication, stage: ImageStage, limit: float = 30.0) -> float:
    """Run the window until everything in sight is drawn; milliseconds."""
    start = time.perf_counter()
    while not stage.is_settled():
        app.processEvents()
        if time.perf_counter() - start > limit:
            raise TimeoutError("the view does not settle")
        time.sleep(0.002)  # asking all the time would take what is to be measured
    app.processEvents()
    return 1e3 * (time.perf_counter() - start)


def repaints(stage: ImageStage, steps: int) -> list[float]:
    """Pan by ten pixels and repaint at once, again and again; milliseconds each."""
    pane = next(p for p in stage.findChildren(ImagePane) if p.isVisible())
    took = []
    rect = stage.view_rect()
    for step in range(steps):
        rect.translate(rect.width() / 120 * (1 if step % 20 < 10 else -1), 0)
        stage.set_view_rect(rect)
        start = time.perf_counter()
        pane.repaint()
        took.append(1e3 * (time.perf_counter() - start))
    return took


def show_repaints(app: QApplication, name: str, pyramid: Pyramid, steps: int) -> None:
    stage = ImageStage()
    stage.resize(1200, 900)
    stage.show()
    stage.set_image(pyramid, microns_per_pixel=0.25)
    stage.set_mixing(vectors())
    wide = pyramid.levels[0].width
    views = {"fitted": wide * 1.34, "100 %": 1200.0, "37 %": 1200 / 0.37}
    for mode in ("whole", "compare", "residual"):
        stage.set_mode(mode)
        for view, width in views.items():
            corner = wide / 2 - width / 2
            stage.set_view_rect(QRectF(corner, corner, width, width * 0.75))
            settle(app, stage)
            took = repaints(stage, steps)
            print(
                f"  {name:>9}  {mode:<9} {view:<7} median {np.median(took):6.1f}"
                f"   p99 {np.percentile(took, 99):6.1f}   goal < {GOAL_REPAINT:.0f}"
            )
    stage.close()
    stage.deleteLater()
    app.processEvents()


def show_pans(app: QApplication, steps: int) -> None:
    stage = ImageStage()
    stage.resize(1200, 900)
    stage.show()
    start = time.perf_counter()
    stage.set_image(MadeUp(50_000), microns_per_pixel=0.25)
    stage.set_mixing(vectors())
    stage.set_mode("parts")
    settle(app, stage)
    print(
        f"  first overview, 50,000 x 50,000            {1e3 * (time.perf_counter() - start):6.1f}"
    )
    fresh, again, calls = [], [], []
    for step in range(steps):
        place = QRectF(1000 + 3000.0 * (step % 14), 2000 + 5000.0 * (step // 14), 1200, 900)
        start = time.perf_counter()
        stage.set_view_rect(place)
        app.processEvents()
        calls.append(1e3 * (time.perf_counter() - start))
        fresh.append(calls[-1] + settle(app, stage))
        start = time.perf_counter()
        stage.set_view_rect(place.translated(60, 0))
        app.processEvents()
        again.append(1e3 * (time.perf_counter() - start) + settle(app, stage))
    for name, took, goal in (
        ("pan to new tiles, all drawn", fresh, GOAL_NEW),
        ("pan within cached tiles", again, GOAL_CACHED),
        ("window's own part of a pan", calls, GOAL_REPAINT),
    ):
        print(
            f"  {name:<40} median {np.median(took):6.1f}   p99 {np.percentile(took, 99):6.1f}"
            f"   goal < {goal:.0f}"
        )
    stage.close()
    stage.deleteLater()
    app.processEvents()


def show_edits(app: QApplication, steps: int) -> None:
    stage = ImageStage()
    stage.resize(1920, 1080)
    stage.show()
    rng = np.random.default_rng(0)
    small = rng.integers(60, 240, (256, 256, 3), dtype=np.uint8)
    stage.set_image(ArrayPyramid(np.tile(small, (16, 16, 1))), microns_per_pixel=0.25)
    stage.set_view_rect(QRectF(1000, 1000, 1920, 1080))
    for mode in ("parts", "part:a", "residual", "compare"):
        stage.set_mode(mode)
        stage.set_mixing(vectors())
        settle(app, stage)
        took = []
        for step in range(steps):
            start = time.perf_counter()
            stage.set_mixing(vectors(0.01 * (step + 1)))
            settle(app, stage)
            took.append(1e3 * (time.perf_counter() - start))
        name = f"live edit, 1920 x 1080, {mode}"
        print(
            f"  {name:<40} median {np.median(took):6.1f}   p99 {np.percentile(took, 99):6.1f}"
            f"   best {min(took):6.1f}   goal < {GOAL_EDIT:.0f}"
        )
    stage.close()
    stage.deleteLater()
    app.processEvents()


def main() -> None:
    """Print all tables."""
    steps = 12 if "--quick" in sys.argv else 60
    app = QApplication.instance() or QApplication(sys.argv)
    assert isinstance(app, QApplication)
    QFontDatabase.addApplicationFont(str(resource("fonts", "Inter-Regular.otf")))
    font = QFont("Inter")
    font.setPixelSize(13)
    app.setFont(font)
    print("repaint at 1200 x 900 while panning, ms")
    rng = np.random.default_rng(1)
    for size in (1024, 2048, 4096):
        image = rng.integers(60, 240, (size, size, 3), dtype=np.uint8)
        show_repaints(app, f"{size}²", ArrayPyramid(image), steps)
    show_repaints(app, "50,000²", MadeUp(50_000), steps)
    print("pan, ms")
    show_pans(app, steps)
    print("edit of a vector until repainted, ms")
    show_edits(app, steps)


if __name__ == "__main__":
    main()
