from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from partwise.data.pyramid import ArrayPyramid, Level
from partwise_app.viewers.layers import Recipe
from partwise_app.viewers.tiles import ByteCache, TileService, Wish, read_tile
from partwise_app.viewers.viewport import TILE, Grid, Tile


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


class Slow:
    """A pyramid whose reads wait for a gate, and are counted."""

    def __init__(self, image: np.ndarray) -> None:
        self._inner = ArrayPyramid(image)
        self.levels = self._inner.levels[:1]
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.reads: list[tuple[int, int]] = []

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        self.reads.append((x, y))
        self.entered.release()
        assert self.gate.wait(20)
        return self._inner.read(level, x, y, width, height)


class Broken(Slow):
    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        raise OSError("the drive is gone")


class Odd:
    """Levels that lie a factor of three and a bit apart."""

    levels = (Level(3000, 2100, 1.0), Level(998, 699, 3.005))

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        assert x >= 0
        assert y >= 0
        out = np.empty((height, width, 3), np.uint8)
        out[:] = np.clip(np.arange(x, x + width) * self.levels[level].downsample / 12, 0, 255)[
            None, :, None
        ]
        return out


@pytest.fixture
def service(qtbot: QtBot) -> Iterator[TileService]:
    made = TileService()
    yield made
    made.close()


def test_the_cache_keeps_within_its_bytes() -> None:
    cache = ByteCache(100)
    for number in range(30):
        cache.put(number, f"value {number}", 9)
        assert cache.bytes <= 100
    assert len(cache) == 11
    assert cache.get(0) is None
    assert cache.get(29) == "value 29"


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache = ByteCache(30)
    for name in "abc":
        cache.put(name, name, 10)
    cache.get("a")
    cache.put("d", "d", 10)
    assert [cache.get(name) for name in "abcd"] == ["a", None, "c", "d"]


def test_replacing_an_entry_counts_it_once() -> None:
    cache = ByteCache(30)
    cache.put("a", 1, 10)
    cache.put("a", 2, 20)
    assert (cache.bytes, len(cache), cache.get("a")) == (20, 1, 2)


def test_an_entry_larger_than_the_cache_is_still_kept() -> None:
    cache = ByteCache(30)
    cache.put("a", 1, 10)
    cache.put("b", 2, 90)
    assert cache.get("b") == 2
    assert cache.get("a") is None


def test_a_tile_of_the_finest_level_is_the_image() -> None:
    image = picture(1300, 1700)
    grid = Grid(1700, 1300)
    read = read_tile(ArrayPyramid(image), grid, Tile(0, 3, 2))
    assert np.array_equal(read, image[1024:, 1536:])


def test_missing_levels_are_made_of_means() -> None:
    image = picture(1300, 1700)
    one_level = Slow(image)
    one_level.gate.set()
    made = read_tile(one_level, Grid(1700, 1300), Tile(1, 0, 0))
    theirs = ArrayPyramid(image).read(1, 0, 0, 512, 512)
    assert made.shape == (512, 512, 3)
    assert np.array_equal(made, theirs)


def test_borders_are_not_lightened_by_white_from_outside() -> None:
    dark = Slow(np.full((1001, 1203, 3), 40, np.uint8))
    dark.gate.set()
    grid = Grid(1203, 1001)
    for tile in (Tile(1, 1, 0), Tile(grid.top, 0, 0)):
        assert read_tile(dark, grid, tile).max() == 40


def test_levels_at_odd_steps_lie_where_they_belong() -> None:
    odd, grid = Odd(), Grid(3000, 2100)
    for tile in (Tile(2, 0, 0), Tile(2, 1, 0), Tile(1, 2, 1), Tile(grid.top, 0, 0)):
        read, box = read_tile(odd, grid, tile), grid.box(tile)
        where = box.x + (np.arange(read.shape[1]) + 0.5) * box.width / read.shape[1]
        wanted = np.clip(where / 12, 0, 255)
        assert np.abs(read[0, :, 0] - wanted).max() < 2
        assert read.shape[1] <= 2 * TILE


def test_wishes_are_drawn_and_pixels_kept(qtbot: QtBot, service: TileService) -> None:
    image = picture(600, 900)
    service.open(ArrayPyramid(image))
    wish = Wish(Tile(0, 1, 0), Recipe("whole"))
    service.want("pane", [wish])
    qtbot.waitUntil(lambda: service.drawn("whole", wish.tile) is not None)
    pixels = service.pixels(wish.tile)
    assert pixels is not None
    assert np.array_equal(pixels, image[:512, 512:])


def test_the_overview_comes_without_asking(qtbot: QtBot, service: TileService) -> None:
    service.open(ArrayPyramid(picture(600, 900)))
    overview = service.overview(seconds=10)
    assert overview is not None
    assert overview.shape == (300, 450, 3)


def test_what_needs_pixels_alone_draws_over_nothing(qtbot: QtBot) -> None:
    service = TileService(threads=1)
    service.open(ArrayPyramid(picture(600, 900)))
    assert service.overview(seconds=10) is not None
    top, lit = Tile(service.grid.top, 0, 0), Recipe("whole", light=np.negative)
    service.want("pane", [Wish(top, lit)])
    qtbot.waitUntil(lambda: service.drawn("whole", top) is not None)
    # One thread serves the first wishes of all panes, and then the second of the newest.
    service.want("other", [Wish(top, lit), Wish(Tile(0, 1, 0), lit)])
    qtbot.waitUntil(lambda: service.drawn("whole", Tile(0, 1, 0)) is not None)
    entry = service.drawn("whole", top)
    assert entry is not None
    assert entry[0] is lit
    service.close()


class Rising(ArrayPyramid):
    """Its levels are known a quarter more each time that they are asked for."""

    def __init__(self, image: np.ndarray) -> None:
        super().__init__(image)
        self.share, self.step = 0.25, 0.0

    def draft(
        self, level: int, x: int, y: int, width: int, height: int, seconds: float
    ) -> tuple[np.ndarray, float]:
        share = self.share
        self.share = min(1.0, share + self.step)
        pixels = self.read(level, x, y, width, height)
        return (pixels if share == 1 else np.full_like(pixels, 77)), share


def test_a_level_in_the_making_is_drawn_as_a_draft_and_counted_by_nobody(
    qtbot: QtBot, service: TileService
) -> None:
    image = picture(600, 900)
    rising, recipe = Rising(image), Recipe("whole")
    service.open(rising)
    top = Tile(service.grid.top, 0, 0)
    service.want("pane", [Wish(top, recipe)])
    qtbot.waitUntil(lambda: service.drawn("whole", top) is not None)
    draft = service.drawn("whole", top)
    assert draft is not None
    assert draft[0] is None
    assert draft[1].pixelColor(5, 5).red() == 77
    assert service.known == 0.25
    assert service.pixels(top) is None
    assert service.overview() is None
    rising.step = 0.25
    overview = service.overview(seconds=10)
    assert overview is not None
    np.testing.assert_array_equal(overview, rising.read(1, 0, 0, 450, 300))

    def is_exact() -> bool:
        entry = service.drawn("whole", top)
        return entry is not None and entry[0] is recipe

    qtbot.waitUntil(is_exact)
    assert service.known == 1


def test_a_replaced_wish_is_never_read(qtbot: QtBot, service: TileService) -> None:
    slow = Slow(picture(512, 512 * 6))
    service.open(slow)
    for _ in range(2):  # both threads are held: by the overview, and by the first wish
        service.want("pane", [Wish(Tile(0, 0, 0), Recipe("whole"))])
        slow.entered.acquire(timeout=10)
    service.want("pane", [Wish(Tile(0, c, 0), Recipe("whole")) for c in (1, 2, 3)])
    service.want("pane", [Wish(Tile(0, 5, 0), Recipe("whole"))])
    slow.gate.set()
    qtbot.waitUntil(lambda: service.drawn("whole", Tile(0, 5, 0)) is not None)
    assert not {(c * 512, 0) for c in (1, 2, 3)} & set(slow.reads)


def test_a_recipe_that_was_replaced_during_the_read_is_not_drawn(
    qtbot: QtBot, service: TileService
) -> None:
    class Spy(Recipe):
        def draw(self, rgb: np.ndarray):  # type: ignore[no-untyped-def]
            drawn.append(self.shown)
            return super().draw(rgb)

    drawn: list[tuple[bool, ...]] = []
    slow = Slow(picture(512, 512))
    service.open(slow)
    old, new = Spy("parts", shown=(True,)), Spy("parts", shown=(False,))
    service.want("pane", [Wish(Tile(0, 0, 0), old)])
    slow.entered.acquire(timeout=10)
    service.want("pane", [Wish(Tile(0, 0, 0), new)])
    slow.gate.set()
    qtbot.waitUntil(lambda: service.drawn("parts", Tile(0, 0, 0)) is not None)
    entry = service.drawn("parts", Tile(0, 0, 0))
    assert entry is not None
    assert entry[0] is new
    assert drawn == [(False,)]


def test_tiles_of_an_earlier_image_are_dropped(qtbot: QtBot, service: TileService) -> None:
    slow = Slow(np.zeros((512, 512, 3), np.uint8))
    service.open(slow)
    slow.entered.acquire(timeout=10)
    service.open(ArrayPyramid(np.full((512, 512, 3), 200, np.uint8)))
    slow.gate.set()
    overview = service.overview(seconds=10)
    assert overview is not None
    assert overview.min() == 200


def test_a_tile_is_read_once_for_many_layers(qtbot: QtBot, service: TileService) -> None:
    slow = Slow(picture(512, 512))
    slow.gate.set()
    service.open(slow)
    tile = Tile(0, 0, 0)
    for layer in ("whole", "parts", "residual"):
        service.want(layer, [Wish(tile, Recipe(layer))])
    layers = ("whole", "parts", "residual")
    qtbot.waitUntil(lambda: all(service.drawn(layer, tile) is not None for layer in layers))
    assert slow.reads == [(0, 0)]


def test_a_reader_that_fails_is_told_once_and_the_rest_goes_on(
    qtbot: QtBot, service: TileService, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    service.failed.connect(told.append)
    service.open(Broken(picture(512, 1024)))
    service.want("pane", [Wish(Tile(0, c, 0), Recipe("whole")) for c in (0, 1)])
    qtbot.waitUntil(lambda: len(told) == 1)
    service.open(ArrayPyramid(picture(100, 100)))
    assert service.overview(seconds=10) is not None
    assert told == ["the drive is gone"]


def test_threads_start_with_the_first_wish_and_end_on_close(qtbot: QtBot) -> None:
    before = threading.active_count()
    made = TileService()
    assert threading.active_count() == before
    made.open(ArrayPyramid(picture(600, 600)))
    assert threading.active_count() == before + 2
    made.close()
    assert threading.active_count() == before
    made.want("pane", [Wish(Tile(0, 0, 0), Recipe("whole"))])
    assert threading.active_count() == before
