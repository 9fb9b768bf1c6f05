from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise_app.viewers.viewport import TILE, Box, Grid, Tile, Viewport

PANE = (900.0, 500.0)
points = st.tuples(st.floats(0, 900), st.floats(0, 500))
viewports = st.builds(Viewport, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.floats(0.001, 32.0))
sizes = st.integers(1, 60_000)


@given(viewports, points)
def test_pane_and_scene_are_each_others_inverse(
    viewport: Viewport, point: tuple[float, float]
) -> None:
    assert viewport.to_pane(viewport.to_scene(point, PANE), PANE) == pytest.approx(point, abs=1e-3)


@given(viewports, points, st.floats(0.2, 5.0))
def test_zooming_holds_what_is_under_the_cursor(
    viewport: Viewport, point: tuple[float, float], factor: float
) -> None:
    before = viewport.to_scene(point, PANE)
    after = viewport.zoomed(factor, point, PANE).to_scene(point, PANE)
    assert after == pytest.approx(before, rel=1e-9, abs=1e-5)


@given(sizes, sizes)
def test_fitting_shows_all_of_the_image(width: int, height: int) -> None:
    box = Viewport.fitted(width, height, PANE).box(PANE)
    assert box.x <= 1e-6
    assert box.y <= 1e-6
    assert box.x + box.width >= width - 1e-6
    assert box.y + box.height >= height - 1e-6


def test_moving_counts_in_screen_pixels() -> None:
    assert Viewport(100, 100, 0.5).moved(10, -20) == Viewport(120, 60, 0.5)


def test_the_middle_stays_on_the_image_and_the_scale_in_bounds() -> None:
    held = Viewport(-50, 9000, 1000.0).clamped(2000, 1000, PANE)
    assert (held.x, held.y, held.scale) == (0, 1000, 32.0)
    assert Viewport(0, 0, 1e-9).clamped(2000, 1000, PANE).scale == pytest.approx(0.225)


@given(sizes, sizes)
def test_the_top_level_is_one_tile(width: int, height: int) -> None:
    grid = Grid(width, height)
    assert grid.tiles(grid.top, Box(0, 0, width, height)) == [Tile(grid.top, 0, 0)]
    if grid.top:
        assert len(grid.tiles(grid.top - 1, Box(0, 0, width, height))) > 1


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 4))
def test_tiles_of_a_level_cover_the_image_without_overlap(
    width: int, height: int, level: int
) -> None:
    grid = Grid(width, height)
    boxes = [grid.box(t) for t in grid.tiles(min(level, grid.top), Box(0, 0, width, height))]
    assert sum(box.width * box.height for box in boxes) == width * height
    assert len(set(boxes)) == len(boxes)
    assert all(box.x + box.width <= width and box.y + box.height <= height for box in boxes)


def test_only_tiles_in_sight_are_named_the_middle_ones_first() -> None:
    grid = Grid(10_000, 10_000)
    tiles = grid.tiles(0, Box(600, 600, 1000, 400))
    assert {(t.column, t.row) for t in tiles} == {(1, 1), (2, 1), (3, 1)}
    assert tiles[0] == Tile(0, 2, 1) or tiles[0] == Tile(0, 1, 1)
    assert tiles[-1].column == 3
    assert grid.tiles(0, Box(-900, 0, 500, 500)) == []


def test_a_margin_adds_the_ring_around() -> None:
    grid = Grid(10_000, 10_000)
    inner = set(grid.tiles(0, Box(2060, 2060, 400, 400)))
    outer = set(grid.tiles(0, Box(2060, 2060, 400, 400), margin=0.5))
    assert inner < outer
    assert len(outer) == 9


def test_level_follows_the_zoom() -> None:
    grid = Grid(50_000, 40_000)
    scales = (4.0, 1.0, 0.9, 0.5, 0.51, 0.25, 1e-6)
    assert [grid.level_for(scale) for scale in scales] == [0, 0, 0, 1, 1, 2, 7]


@given(st.floats(0.001, 1.0))
def test_a_level_is_never_magnified_visibly_nor_wasteful(scale: float) -> None:
    grid = Grid(1 << 20, 1 << 20)
    shown = scale * 2 ** grid.level_for(scale)
    assert 0.5 * 2**0.25 <= shown * 1.0001
    assert shown <= 2**0.25 * 1.0001


def test_ancestors_contain_their_tile() -> None:
    grid = Grid(20_000, 9_000)
    tile = Tile(1, 13, 5)
    box = grid.box(tile)
    ancestors = grid.ancestors(tile)
    assert [a.level for a in ancestors] == list(range(2, grid.top + 1))
    for ancestor in ancestors:
        around = grid.box(ancestor)
        assert around.x <= box.x
        assert around.y <= box.y
        assert around.x + around.width >= box.x + box.width
        assert around.y + around.height >= box.y + box.height
    assert grid.box(tile).width <= TILE * 2
