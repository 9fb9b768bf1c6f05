"""The cone that a ray may lie in is as wide as it was said to be, and follows the ray."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtGui import QColor, QImage

from partwise.data.dataset import Axis
from partwise.result import Part, View
from partwise_app.viewers.scatter import ScatterView

PARTS = tuple(
    Part(key, key.title(), color, np.array(vector))
    for key, color, vector in (("a", "#ff0000", (0.9, 0.1)), ("b", "#0000ff", (0.1, 0.9)))
)


def view_of(*spread: float | None) -> View:
    return View(
        "scatter",
        "Colours",
        arrays={"points": np.zeros((1, 2)), "rays": np.array([(-0.3, 1.0), (0.6, 1.0)])},
        axes=(Axis("across", 1, "OD"), Axis("density", 1, "OD")),
        options={"spread": list(spread)},
    )


def red(image: QImage) -> int:
    """Pixels that are redder than anything else."""
    colors = (
        QColor(image.pixel(x, y)) for x in range(image.width()) for y in range(image.height())
    )
    return sum(c.red() > c.green() + 40 and c.red() > c.blue() + 40 for c in colors)


def drawn(qtbot: Any, *spread: float | None) -> QImage:
    scatter = ScatterView()
    qtbot.addWidget(scatter)
    scatter.resize(240, 180)
    scatter.set_view(view_of(*spread), PARTS)
    return scatter.grab().toImage()


def test_the_cone_grows_with_what_is_not_known(qtbot: Any) -> None:
    none, narrow, wide = (red(drawn(qtbot, angle, None)) for angle in (None, 5.0, 12.0))
    assert none < narrow < wide
    assert (wide - none) / (narrow - none) > 1.8


def test_a_spread_that_was_not_computed_draws_nothing(qtbot: Any) -> None:
    plain = red(drawn(qtbot))
    for spread in ((None, None), (float("nan"), 3.0), (0.0, 3.0)):
        assert red(drawn(qtbot, *spread)) == plain
