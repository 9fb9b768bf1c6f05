"""Curves: values where they belong, marks, gaps and lanes."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint

from partwise.api import Axis, Part, View
from partwise.project.document import Strip
from partwise_app.theme import LIGHT
from partwise_app.viewers.curves import CurvesView, _apart, _runs, _thinned

SCAN = View(
    "curves",
    "How many parts",
    {"x": np.arange(1.0, 6), "y": np.array([[0.2, 0.6, 0.9, 0.92, 0.93], [1, 1, 1, 0.7, 0.5]])},
    (Axis("parts", 5), Axis("value", 2)),
    {
        "names": ["R²", "Alike"],
        "marks": [{"x": x, "text": t} for x, t in ((3, "bend"), (3, "agreement"), (4, "90 %"))],
        "chosen": 3,
        "points": True,
        "range": [0.0, 1.05],
    },
)  # fmt: skip


def curves(qtbot: Any, view: View, parts: tuple[Part, ...] = (), strips: Any = ()) -> CurvesView:
    made = CurvesView()
    qtbot.addWidget(made)
    made.resize(560, 300)
    made.set_view(view, parts, strips)
    made.show()
    return made


def test_a_scan_shows_every_rule_at_its_number(qtbot: Any) -> None:
    made = curves(qtbot, SCAN)
    assert [s.name for s in made.series] == ["R²", "Alike"]
    assert made._grouped_marks() == [(3.0, "bend · agreement"), (4.0, "90 %")]
    assert made._range() == (0.0, 1.05)
    assert not made.grab().isNull()
    made.set_theme(LIGHT)
    assert not made.grab().isNull()


def test_the_cursor_reads_the_nearest_value(qtbot: Any) -> None:
    made = curves(qtbot, SCAN)
    lane = made._lanes()[0]
    x = int(made._to_screen(3.0, 0.5, lane, made._range()).x()) + 4
    with qtbot.waitSignal(made.read) as told:
        qtbot.mouseMove(made, QPoint(x, int(lane.center().y())))
    assert told.args == [("Parts 3", "R² 0.9   Alike 1")]


def test_lines_of_parts_follow_the_mixer_and_the_axis(qtbot: Any) -> None:
    parts = (Part("a", "A", "#aa3355", np.ones(3)), Part("b", "B", "#3355aa", np.ones(3)))
    axis = Axis("wavelength", 7, "nm", step=5.0, start=400.0)
    view = View("curves", "Spectra", {"y": np.random.default_rng(0).random((2, 7))}, (axis,))
    made = curves(qtbot, view, parts, (Strip("a", "Azure", "#0000ff"),))
    assert [(s.name, s.color) for s in made.series] == [("Azure", "#0000ff"), ("B", "#3355aa")]
    assert made._x.tolist() == [400, 405, 410, 415, 420, 425, 430]
    image = made.grab().toImage()
    colors = {image.pixelColor(x, y).name() for x in range(560) for y in range(0, 300, 3)}
    assert "#0000ff" in colors


def test_lanes_gaps_and_bands_draw(qtbot: Any) -> None:
    y = np.random.default_rng(1).random((3, 50))
    y[1, 10:20] = np.nan
    arrays = {"y": y, "low": y - 0.1, "high": y + 0.1}
    made = curves(
        qtbot, View("curves", "H", arrays, (Axis("t", 50, "s", step=0.1),), {"lanes": True})
    )
    lanes = made._lanes()
    assert len(lanes) == 3
    assert all(a.bottom() < b.top() for a, b in itertools.pairwise(lanes))
    assert not made.grab().isNull()


def test_missing_values_break_the_line() -> None:
    y = np.array([np.nan, 1, 2, np.nan, np.nan, 3])
    assert _runs(y) == [slice(1, 3), slice(5, 6)]
    assert _runs(np.full(3, np.nan)) == []


def test_a_long_line_keeps_its_peaks() -> None:
    y = np.zeros(100_000)
    y[54_321], y[12_345] = 7.0, -3.0
    x, thin = _thinned(np.arange(100_000.0), y, 400)
    assert len(thin) == len(x) == 800
    assert (thin.max(), thin.min()) == (7.0, -3.0)


def test_names_at_the_ends_do_not_overlap() -> None:
    places = _apart([10.0, 11.0, 12.0, 95.0, 99.0], 12.0, 100.0)
    assert np.diff(places).min() >= 12 - 1e-9
    assert places[-1] <= 100
    assert _apart([5.0, 50.0], 12.0, 100.0) == [5.0, 50.0]


def test_values_in_the_middle_of_cells_have_the_edges_at_the_ends_of_the_axis(qtbot: Any) -> None:
    cycle = Axis("cycle", 200, "%", step=0.5, start=0.25)
    made = curves(qtbot, View("curves", "H", {"y": np.ones((1, 200))}, (cycle,)))
    lane = made._lanes()[0]
    places = made._all_to_screen(np.array([0.0, 100.0]), np.zeros(2), lane, (0.0, 1.0))
    assert [place.x() for place in places] == [lane.left(), lane.right()]
    one = made._to_screen(0.25, 0.5, lane, (0.0, 1.0))
    assert made._all_to_screen(np.array([0.25]), np.array([0.5]), lane, (0.0, 1.0)) == [one]


def test_a_note_on_the_band_stands_beside_the_title_of_the_axis(qtbot: Any) -> None:
    y = np.ones((1, 50))
    plain = View("curves", "H", {"y": y, "low": y, "high": y}, (Axis("t", 50, "s", step=0.1),))
    noted = dataclasses.replace(plain, options={"note": "Band: other fits as good"})
    pictures = [curves(qtbot, view).grab().toImage() for view in (plain, noted)]
    line = pictures[0].height() - 22
    assert pictures[0].copy(0, 0, 560, line) == pictures[1].copy(0, 0, 560, line)
    assert pictures[0].copy(0, line, 560, 22) != pictures[1].copy(0, line, 560, 22)
