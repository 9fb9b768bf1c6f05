"""A table in colour: the means that are drawn are the means of the table, at any zoom."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage

from partwise.api import Axis, Dataset, Fit, Part, Residual, Result, Table, View
from partwise.project.document import Strip
from partwise_app.theme import DARK, LIGHT
from partwise_app.viewers.cells import Layer, cells_image
from partwise_app.viewers.grids import Factors, Lens, TableGrid, edges
from partwise_app.viewers.matrix import MatrixView
from partwise_app.viewers.plots import PlotStage, is_table
from partwise_app.viewers.traces import TracesView

ROWS, COLUMNS = 30, 12


def parts_and_table(missing: bool = False) -> tuple[tuple[Part, ...], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(2)
    W, H = rng.random((ROWS, 2)), rng.random((2, COLUMNS))
    X = W @ H + 0.1 * rng.random((ROWS, COLUMNS))
    if missing:
        X[3, 4] = np.nan
    parts = tuple(
        Part(f"part-{k + 1}", f"Part {k + 1}", color, W[:, k], 0.5, H[k])
        for k, color in enumerate(("#3f8fd2", "#e08a2c"))
    )
    return parts, X


def dataset_of(X: np.ndarray[Any, Any]) -> Dataset:
    rows = Axis("gene", X.shape[0], labels=tuple(f"g{k}" for k in range(X.shape[0])))
    return Dataset("table", "made.csv", (rows, Axis("cell", X.shape[1])), values=X)


def result_of(parts: tuple[Part, ...], dataset: Dataset, **options: Any) -> Result:
    W = np.stack([part.profile for part in parts])
    views = (
        View("matrix", "Table", axes=dataset.axes, options={"model": "product", **options}),
        View("bars", "Rows", {"values": W}, (dataset.axes[0], Axis("weight", 2)), {"of": "parts"}),
        View("matrix", "Alike", {"values": np.eye(5)}, options={"limit": 1.0, "tab": "Together"}),
    )
    fit = Fit("frobenius", 0.1, 0.9, 3, "converged", 0.0)
    tables = (Table("T", ("a", "b"), (("x", 1.0),)),)
    return Result(parts, Residual(0.1), fit, views=views, tables=tables)


def strips_of(parts: tuple[Part, ...], **changes: dict[str, Any]) -> tuple[Strip, ...]:
    made = [
        Strip(part.key, part.name, part.color, **changes.get(part.key.replace("-", ""), {}))
        for part in parts
    ]
    return (*made, Strip("residual", "Residual", "#888888"))


@pytest.fixture
def stage(qtbot: Any) -> PlotStage:
    made = PlotStage()
    qtbot.addWidget(made)
    made.resize(900, 420)
    made.show()
    return made


def test_blocks_hold_the_means_of_table_and_residual() -> None:
    rng = np.random.default_rng(0)
    X = rng.random((503, 217))
    X[rng.random(X.shape) < 0.05] = np.nan
    X[:70, :20] = np.nan
    W, H = rng.random((503, 3)), rng.random((3, 217))
    grid, factors = TableGrid(X, 0.5), Factors(W, H)
    for (top, down, left, right), pixels in (
        ((0.0, 503.0, 0.0, 217.0), 20),
        ((10.2, 490.5, 3.0, 200.0), 60),
        ((0.0, 9.0, 0.0, 9.0), 99),
    ):
        rows, columns = edges(top, down, 503, pixels), edges(left, right, 217, pixels)
        for drawn, whole in (
            (grid.means(rows, columns), X + 0.5),
            (grid.residual(rows, columns, factors), X + 0.5 - W @ H),
        ):
            assert drawn.shape == (len(rows) - 1, len(columns) - 1)
            for i, j in np.ndindex(*drawn.shape):
                block = whole[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
                known = block[np.isfinite(block)]
                wanted = known.mean() if known.size else np.nan
                assert drawn[i, j] == pytest.approx(wanted, nan_ok=True)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1), st.integers(1, 900))
def test_edges_cover_what_is_in_sight_and_never_outgrow_the_screen(
    size: int, one: float, other: float, pixels: int
) -> None:
    low, high = sorted((one * size, other * size))
    found = edges(low, high, size, pixels)
    assert 0 <= found[0] <= max(low, 0)
    assert found[-1] <= size
    assert (np.diff(found) > 0).all()
    assert len(found) - 1 <= pixels
    assert found[-1] >= high - (high - low) / pixels - 1  # short by less than a pixel


def test_the_lens_stays_on_the_table() -> None:
    lens = Lens(0, 100, 0, 50).zoomed(4, 90, 5, (50, 100))
    assert lens.right - lens.left == 25
    assert (lens.right - 90) / 25 == pytest.approx(0.1)  # the cell under the hand stays there
    moved = lens.moved(500, -500, (50, 100))
    assert (moved.right, moved.top) == (100, 0)
    assert lens.zoomed(1e-9, 50, 25, (50, 100)) == Lens(0, 100, 0, 50)


def test_signs_and_missing_entries_have_colours_of_their_own() -> None:
    values = np.array([[-1.0, 0.0, 1.0, np.nan]])
    for tokens in (DARK, LIGHT):
        image = cells_image(values, Layer("", limit=1.0, signed=True), tokens)
        below, nothing, above, missing = (image.pixelColor(k, 0) for k in range(4))
        assert below.blue() > below.red()
        assert above.red() > above.blue()
        assert abs(nothing.red() - nothing.blue()) < 16
        assert len({c.name() for c in (below, nothing, above, missing)}) == 4


def test_whole_parts_and_residual_stand_side_by_side_after_a_run(stage: PlotStage) -> None:
    parts, X = parts_and_table(missing=True)
    dataset = dataset_of(X)
    stage.set_dataset(dataset)
    assert stage.modes() == (("whole", "Whole"),)
    stage.set_result(result_of(parts, dataset), strips_of(parts))
    assert stage.mode() == "side"
    layers = [pane.layer for pane in stage._panes if not pane.isHidden()]
    assert [layer.title for layer in layers] == ["Whole", "Parts", "Residual"]
    rows, columns = np.arange(ROWS + 1), np.arange(COLUMNS + 1)
    whole, model, rest = (layer.means(rows, columns) for layer in layers if layer.means)
    np.testing.assert_allclose((model + rest), X, atol=1e-12)
    np.testing.assert_allclose(whole, X)
    assert layers[0].limit == layers[1].limit  # one scale, or they could not be compared


def test_the_mixer_decides_which_parts_are_summed(stage: PlotStage) -> None:
    parts, X = parts_and_table()
    dataset = dataset_of(X)
    stage.set_dataset(dataset)
    result = result_of(parts, dataset)
    rows, columns = np.arange(ROWS + 1), np.arange(COLUMNS + 1)

    def drawn() -> tuple[str, str, Any]:
        layer = stage._panes[0].layer
        return layer.title, layer.color, layer.means(rows, columns) if layer.means else None

    one = np.outer(parts[1].profile, np.asarray(parts[1].course))
    stage.set_result(result, strips_of(parts))
    hidden = strips_of(parts, part1={"show": False})
    soloed = strips_of(parts, part2={"solo": True})
    for strips in (hidden, soloed):
        stage.set_result(result, strips)
        stage.set_mode("parts")
        title, color, values = drawn()
        assert (title, color) == ("Part 2", "#e08a2c")
        np.testing.assert_allclose(values, one)
    stage.set_mode("part:part-1")
    np.testing.assert_allclose(drawn()[2], np.outer(parts[0].profile, np.asarray(parts[0].course)))
    stage.set_mode("part:nobody")
    assert stage.mode() == "part:part-1"


def test_a_turned_and_raised_table_is_drawn_as_it_was_fitted(stage: PlotStage) -> None:
    parts, X = parts_and_table()
    stage.set_dataset(dataset_of(X.T - 0.05))
    axes = Dataset("table", "t", (Axis("gene", ROWS), Axis("cell", COLUMNS)), values=X)
    stage.set_result(result_of(parts, axes, transposed=True, offset=0.05), strips_of(parts))
    layer = stage._panes[0].layer
    assert layer.means is not None
    drawn = layer.means(np.arange(ROWS + 1), np.arange(COLUMNS + 1))
    np.testing.assert_allclose(drawn, X)


def test_the_cursor_reads_names_value_parts_and_rest(qtbot: Any, stage: PlotStage) -> None:
    parts, X = parts_and_table(missing=True)
    dataset = dataset_of(X)
    stage.set_dataset(dataset)
    stage.set_result(result_of(parts, dataset), strips_of(parts))
    said: list[Any] = []
    stage.cursor_moved.connect(said.append)
    stage._panes[1].hovered.emit((5, 7))
    model = sum(float(p.profile[5] * np.asarray(p.course)[7]) for p in parts)
    assert said[-1][0] == "g5, 8"
    assert float(said[-1][1].removeprefix("whole ")) == pytest.approx(X[5, 7], rel=1e-3)
    assert said[-1][2].startswith("Part 1 ")
    rest = float(said[-1][3].removeprefix("residual ").replace("−", "-"))
    assert rest == pytest.approx(X[5, 7] - model, rel=0.02)
    stage._panes[0].hovered.emit((3, 4))
    assert said[-1][1] == "whole missing"
    stage._panes[0].hovered.emit(None)
    assert said[-1] is None
    pane = stage._panes[0]
    middle = pane.plot().center()
    assert pane.cell_at(middle) == (ROWS // 2, COLUMNS // 2)
    assert pane.cell_at(QPointF(1, 1)) is None
    qtbot.mouseMove(pane, QPoint(int(middle.x()), int(middle.y())))


def test_zoom_is_linked_and_fit_shows_all(stage: PlotStage) -> None:
    parts, X = parts_and_table()
    dataset = dataset_of(X)
    stage.set_dataset(dataset)
    stage.set_result(result_of(parts, dataset), strips_of(parts))
    stage.zoom_in()
    lenses = {pane._lens for pane in stage._panes}
    assert len(lenses) == 1
    assert next(iter(lenses)).right - next(iter(lenses)).left < COLUMNS
    stage.fit()
    assert stage._panes[2]._lens == Lens(0, COLUMNS, 0, ROWS)


def test_a_view_that_can_be_zoomed_is(stage: PlotStage) -> None:
    parts, X = parts_and_table()
    dataset = dataset_of(X)
    stage.set_dataset(dataset)
    rng = np.random.default_rng(3)
    axes = (Axis("channel", 2), Axis("time", 400, "s", 0.01))
    traces = View("traces", "Signals", {"y": rng.random((2, 400))}, axes)
    result = result_of(parts, dataset)
    stage.set_result(dataclasses.replace(result, views=(traces,)), strips_of(parts))
    lens = stage._panes[0]._lens
    stage.set_mode("view:0")
    drawing = stage._drawing()
    assert isinstance(drawing, TracesView)
    whole = drawing.window_shown
    stage.zoom_in()
    assert drawing.window_shown.size < whole.size
    stage.zoom_out()
    assert drawing.window_shown.size == pytest.approx(whole.size)
    stage.zoom_in()
    stage.fit()
    assert drawing.window_shown == whole
    assert stage._panes[0]._lens == lens, "the table behind it stays where it was"


def test_every_mode_and_theme_draws_something(stage: PlotStage) -> None:
    parts, X = parts_and_table()
    dataset = dataset_of(X)
    stage.set_dataset(dataset)
    stage.set_result(result_of(parts, dataset), strips_of(parts))
    modes = [mode for mode, _ in stage.modes()]
    assert modes == ["whole", "side", "parts", "residual", "view:1", "view:2", "tables"]
    for tokens in (DARK, LIGHT):
        stage.set_theme(tokens)
        seen = set()
        for mode in modes:
            stage.set_mode(mode)
            image = stage.picture().convertToFormat(QImage.Format.Format_RGB32)
            pixels = np.frombuffer(image.constBits(), np.uint32)
            assert len(np.unique(pixels)) > 8, mode
            seen.add(pixels.tobytes())
        assert len(seen) == len(modes)


def test_thumbnails_are_bars_in_the_colour_of_the_part(stage: PlotStage) -> None:
    parts, X = parts_and_table()
    dataset = dataset_of(X)
    stage.set_dataset(dataset)
    stage.set_result(result_of(parts, dataset), strips_of(parts))
    size = QSize(120, 40)
    image = stage.thumbnail("part-2", size)
    names = {image.pixelColor(x, 38).name() for x in range(120)}
    assert QColor("#e08a2c").name() in names
    whole, rest = stage.thumbnail("whole", size), stage.thumbnail("residual", size)
    assert whole.size() == rest.size() == size
    assert whole != rest


def test_parts_of_another_shape_leave_the_table_alone(stage: PlotStage) -> None:
    _, X = parts_and_table()
    dataset = dataset_of(X)
    assert is_table(dataset)
    stage.set_dataset(dataset)
    alien = (Part("a", "A", "#123456", np.ones(3), 1.0, np.ones(4)),)
    stage.set_live(alien, ())
    assert stage.mode() == "whole"
    assert stage._panes[1].isHidden()


def test_a_matrix_view_keeps_its_own_limit_and_is_square(qtbot: Any) -> None:
    view = MatrixView()
    qtbot.addWidget(view)
    view.resize(500, 300)
    options = {"limit": 1.0, "square": True, "value": "share of starts"}
    axis = Axis("cell", 4, labels=("a", "b", "c", "d"))
    values = np.eye(4) * 0.5
    view.set_view(View("matrix", "Together", {"values": values}, (axis, axis), options), (), ())
    plot = view.plot()
    assert plot.width() == pytest.approx(plot.height())
    assert view.layer.limit == 1.0
    with qtbot.waitSignal(view.read) as told:
        view.hovered.emit((2, 2))
    assert told.args == [("c, c", "share of starts 0.5")]
    qtbot.keyClick(view, Qt.Key.Key_Tab)
