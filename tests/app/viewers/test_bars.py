"""Bars follow the mixer and say what is under the cursor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QFontMetricsF

from partwise.api import Axis, Part, View
from partwise.project.document import Strip
from partwise_app.theme import LIGHT
from partwise_app.viewers.bars import BarsView
from partwise_app.viewers.plotting import number, ticks, wanted_below

PARTS = tuple(
    Part(f"p{k}", f"Part {k}", color, np.arange(4.0) + k)
    for k, color in enumerate(("#aa3355", "#3355aa"))
)
AXES = (Axis("muscle", 4, labels=("TA", "GM", "SOL", "RF")), Axis("weight", 2))


def bars(qtbot: Any, view: View, strips: tuple[Strip, ...] = ()) -> BarsView:
    made = BarsView()
    qtbot.addWidget(made)
    made.resize(420, 260)
    made.set_view(view, PARTS, strips)
    made.show()
    return made


def values() -> np.ndarray[Any, Any]:
    return np.stack([part.profile for part in PARTS])


def test_series_take_name_colour_and_show_from_the_mixer(qtbot: Any) -> None:
    view = View("bars", "Rows", {"values": values()}, AXES, {"of": "parts"})
    strips = (Strip("p0", "First", "#00ff00"), Strip("p1", "Second", "#0000ff", show=False))
    made = bars(qtbot, view, strips)
    assert [(s.name, s.color) for s in made.series] == [("First", "#00ff00")]
    soloed = (strips[0], Strip("p1", "Second", "#0000ff", show=False, solo=True))
    made.set_view(view, PARTS, soloed)
    assert [s.name for s in made.series] == ["Second"]
    made.set_view(view, PARTS, (Strip("p0", "a", "#111111", show=False), strips[1]))
    assert made.series == ()
    assert "No part is shown" in made.accessibleDescription()
    made.grab()


def test_bars_are_as_high_as_their_values(qtbot: Any) -> None:
    view = View("bars", "Rows", {"values": values()[1:]}, AXES, {"names": ["only"]})
    made = bars(qtbot, view)
    (lane,) = made._lanes()
    image = made.grab().toImage()
    color = made.series[0].color
    heights = []
    for place in range(4):
        x = int(lane.left() + (place + 0.5) * lane.width() / 4)
        heights.append(sum(image.pixelColor(x, y).name() == color for y in range(image.height())))
    np.testing.assert_allclose(np.array(heights) / heights[3], [0.25, 0.5, 0.75, 1], atol=0.03)


def test_the_cursor_reads_the_name_and_the_value(qtbot: Any) -> None:
    made = bars(qtbot, View("bars", "Rows", {"values": values()}, AXES, {"of": "parts"}))
    lane = made._lanes()[1]
    with qtbot.waitSignal(made.read) as told:
        qtbot.mouseMove(made, QPoint(int(lane.left() + lane.width() * 0.6), int(lane.center().y())))
    assert told.args == [("SOL", "Part 1 3")]


def test_intervals_many_bars_and_light_theme_draw(qtbot: Any) -> None:
    many = np.random.default_rng(0).random((2, 5000))
    arrays = {"values": many, "low": many - 0.1, "high": many + 0.1}
    made = bars(qtbot, View("bars", "Rows", arrays, (Axis("row", 5000), AXES[1])))
    made.set_theme(LIGHT)
    assert not made.grab().isNull()
    made.set_view(View("bars", "Rows", {k: v[:, :4] for k, v in arrays.items()}, AXES), PARTS, ())
    top = float((many[:, :4] + 0.1).max())
    assert 0.94 < top < made._range()[0] == 1.0, "the round number just beyond an interval's end"
    arrays = {name: 0.8 * array[:, :4] for name, array in arrays.items()}
    made.set_view(View("bars", "Rows", arrays, AXES), PARTS, ())
    assert made._range()[0] == pytest.approx(0.8 * top)
    assert not made.grab().isNull()


def test_numbers_are_printed_as_people_write_them() -> None:
    assert [number(v) for v in (0, 0.05, 3.14159, 12345, -2.5, 2e7, 3e-6, float("nan"))] == [
        "0", "0.05", "3.14", "12,345", "−2.5", "2 × 10⁷", "3 × 10⁻⁶", "missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high"), [(0, 4400), (0, 1), (-3, 17), (0, 1e-7), (990, 1000), (0, 3812.0)]
)
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    for most in (2, 5, 9):
        found = ticks(low, high, most)
        assert 1 <= len(found) <= most + 1
        assert min(found) >= low - 1e-12
        assert max(found) <= high + 1e-9 * abs(high)
    assert len(ticks(low, high, 2)) >= 2


def test_names_are_turned_where_they_would_touch(qtbot: Any) -> None:
    made = bars(qtbot, View("bars", "Rows", {"values": values()}, AXES))
    metrics = QFontMetricsF(made.font())
    axis = Axis("muscle", 3, labels=("Tibialis anterior", "Soleus", "Rectus femoris"))
    assert wanted_below(axis, 3, 30.0, metrics) > wanted_below(axis, 3, 300.0, metrics)
