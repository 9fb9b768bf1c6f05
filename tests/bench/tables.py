"""How fast is a table drawn? Repaint of 5,000 x 1,000 cells after a pan, and of live parts.

    python tests/bench/tables.py

Prints milliseconds: the least and the middle of some repaints, each with all cells in sight.
"""

from __future__ import annotations

import os
import statistics
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication

from partwise.data.dataset import Axis, Dataset
from partwise.result import Part
from partwise_app.theme import Theme
from partwise_app.viewers.grids import Lens
from partwise_app.viewers.plots import PlotStage

ROWS, COLUMNS, PARTS = 5_000, 1_000, 6
GOAL = 33.0
REPEATS = 12


def main() -> None:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    Theme(app, "dark")
    rng = np.random.default_rng(0)
    W, H = rng.gamma(0.5, size=(ROWS, PARTS)), rng.gamma(0.4, size=(PARTS, COLUMNS))
    X = rng.poisson(3 * W @ H).astype(np.float32)
    print(f"{'a repaint, ms':24} {'least':>7} {'middle':>7}   least against {GOAL:.0f}")
    for missing in (0.0, 0.01):
        table = X.copy()
        table[rng.random(X.shape) < missing] = np.nan
        axes = (Axis("gene", ROWS), Axis("cell", COLUMNS))
        stage = PlotStage()
        stage.resize(1200, 700)
        stage.set_dataset(Dataset("table", "made", axes, values=table))
        parts = tuple(
            Part(f"part-{k}", f"Part {k}", "#3f8fd2", W[:, k], 1 / PARTS, H[k])
            for k in range(PARTS)
        )
        stage.set_live(parts, ())
        for mode in ("whole", "parts", "residual", "side"):
            stage.set_mode(mode)
            tell(f"{mode}, {missing:.0%} missing", [_pan(stage, step) for step in range(REPEATS)])
        tell(f"live, {missing:.0%} missing", [_live(stage, parts) for _ in range(REPEATS)])
        stage.deleteLater()


def tell(what: str, times: list[float]) -> None:
    least, middle = min(times), statistics.median(times)
    print(f"{what:24} {least:7.1f} {middle:7.1f}   {'within' if least <= GOAL else 'over'}")


def _pan(stage: PlotStage, step: int) -> float:
    begun = time.perf_counter()
    stage._look(Lens(step, COLUMNS - 20 + step, 5 * step, ROWS - 80 + 5 * step))
    _draw(stage)
    return 1000 * (time.perf_counter() - begun)


def _live(stage: PlotStage, parts: tuple[Part, ...]) -> float:
    begun = time.perf_counter()
    stage.set_live(parts, ())
    _draw(stage)
    return 1000 * (time.perf_counter() - begun)


def _draw(stage: PlotStage) -> None:
    for pane in stage._panes:
        if not pane.isHidden():
            pane.grab()


if __name__ == "__main__":
    main()
