"""Are cycles behind their mean, cut curves and unmodelled traces drawn as they are asked for?"""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtGui import QColor, QImage

from partwise.api import Axis, Part, View
from partwise_app.viewers.curves import CurvesView
from partwise_app.viewers.matrix import MatrixView
from partwise_app.viewers.traces import TracesView


def _pixels(image: QImage) -> set[int]:
    return {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}


def _drawn(plot: Any, view: View, parts: tuple[Part, ...] = ()) -> QImage:
    plot.resize(420, 300)
    plot.set_view(view, parts, ())
    image: QImage = plot.picture()
    return image


def test_cycles_are_drawn_behind_their_mean(qtbot: Any) -> None:
    plot = CurvesView()
    qtbot.addWidget(plot)
    each = np.random.default_rng(0).random((1, 6, 50))
    axes = (Axis("cycle", 50, "%"), Axis("activation", 1))
    options = {"names": ["A"]}
    bare = _drawn(plot, View("curves", "t", {"y": each.mean(axis=1)}, axes, options))
    arrays = {"y": each.mean(axis=1), "each": each}
    full = _drawn(plot, View("curves", "t", arrays, axes, options))
    assert bare != full
    wrong = {"y": each.mean(axis=1), "each": each[:, :, :40]}
    assert _drawn(plot, View("curves", "t", wrong, axes, options)) == bare


def test_a_curve_is_cut_at_the_range_where_that_is_asked(qtbot: Any) -> None:
    plot = CurvesView()
    qtbot.addWidget(plot)
    y = np.array([[0.2, 0.5, 40.0, 0.3]])
    axes = (Axis("n", 4), Axis("value", 1))
    wide = View("curves", "t", {"y": y}, axes, {"names": ["A"], "range": [0, 1]})
    cut = View("curves", "t", {"y": y}, axes, {"names": ["A"], "range": [0, 1], "cut": True})
    assert _drawn(plot, wide) != _drawn(plot, cut)
    series = plot.series[0]
    color = QColor(series.color).rgb()
    image = _drawn(plot, cut)
    assert not any(image.pixel(x, 2) == color for x in range(image.width()))


def test_parts_are_not_drawn_over_traces_that_they_do_not_make(qtbot: Any) -> None:
    plot = TracesView()
    qtbot.addWidget(plot)
    rng = np.random.default_rng(1)
    W, H = rng.random(3), rng.random(80)
    part = Part("a", "A", "#ff8800", W, 1.0, H)
    axes = (Axis("muscle", 3, labels=("x", "y", "z")), Axis("time", 80, "s", 0.01))
    arrays = {"y": np.outer(W, H)}
    made = _drawn(plot, View("traces", "t", arrays, axes), (part,))
    plain = _drawn(plot, View("traces", "t", arrays, axes, {"model": "none"}), (part,))
    assert made != plain


def test_numbers_stand_in_cells_that_have_room(qtbot: Any) -> None:
    plot = MatrixView()
    qtbot.addWidget(plot)
    axes = (Axis("row", 2), Axis("column", 2))
    options = {"limit": 1.0, "square": True}
    few = _drawn(plot, View("matrix", "t", {"values": np.full((2, 2), 0.25)}, axes, options))
    assert QColor("#f4f6f8").rgb() in _pixels(few)
    many = tuple(Axis(name, 60) for name in ("row", "column"))
    full = _drawn(plot, View("matrix", "t", {"values": np.full((60, 60), 0.25)}, many, options))
    assert QColor("#f4f6f8").rgb() not in _pixels(full)
