"""Slides of billions of pixels are read in pieces: levels agree, and leaving works."""

from __future__ import annotations

import itertools
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.fixtures.giant import write_giant

from partwise.api import Cancelled, FileProblem, LocalJob, Mixing
from partwise_stain import slide as slides
from partwise_stain.afar import STEPS, see_from_afar
from partwise_stain.quality import inspect_slide
from partwise_stain.readers import load_slide
from partwise_stain.regional import measure_region
from partwise_stain.rising import Rising
from partwise_stain.slide import SlidePyramid, hearing
from partwise_stain.tissue import Tissue


@pytest.fixture(scope="module")
def field(tissue: Tissue) -> np.ndarray:
    return np.tile(tissue.rgb, (3, 3, 1))[:1024, :1024]


def test_levels_of_a_slide_that_has_one_are_halves_of_it(
    field: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_giant(tmp_path / "one.tif", field, 2048, aperio=False)
    whole = SlidePyramid(tmp_path / "one.tif")
    assert [level.width for level in whole.levels] == [2048, 1024, 512, 256]
    kept = [whole.read(k, 0, 0, level.width, level.height) for k, level in enumerate(whole.levels)]
    for finer, coarser in itertools.pairwise(kept):
        means = finer.reshape(len(finer) // 2, 2, -1, 2, 3).astype(float).mean(axis=(1, 3))
        assert np.abs(means - coarser).max() <= 0.5
    # The same where no level is small enough to be kept, and blocks are small.
    monkeypatch.setattr(slides, "_KEPT", 100)
    monkeypatch.setattr(slides, "_BLOCK", 512)
    pieces = SlidePyramid(tmp_path / "one.tif")
    for k, level in enumerate(pieces.levels):
        np.testing.assert_array_equal(pieces.read(k, 0, 0, level.width, level.height), kept[k])
    np.testing.assert_array_equal(pieces.read(2, 300, 400, 200, 100), kept[2][400:500, 300:500])


@pytest.mark.parametrize("aperio", [True, False])
def test_a_giant_of_one_level_is_seen_from_afar_as_its_means(
    field: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aperio: bool
) -> None:
    path = tmp_path / ("one.svs" if aperio else "one.tif")
    write_giant(path, field, 2300, aperio=aperio)
    exact = SlidePyramid(path)
    for k, level in enumerate(exact.levels):
        exact.read(k, 0, 0, level.width, level.height)
    monkeypatch.setattr(slides, "_GIANT", 1)
    monkeypatch.setattr(slides, "_KEPT", 1)
    monkeypatch.setattr(slides, "_BLOCK", 128)
    far = SlidePyramid(path)
    for k, level in enumerate(exact.levels):
        box = (k, level.width // 3, level.height // 4, level.width // 3, level.height // 2)
        one, other = exact.read(*box).astype(int), far.read(*box).astype(int)
        # From near it is read as it is.
        assert (k < STEPS) == bool((one == other).all())
        assert np.abs(one - other).mean() < 0.6
        assert np.abs(one - other).max() <= 8
    monkeypatch.setattr(slides, "_KEPT", 16_000_000)
    monkeypatch.setattr(slides, "_LONG", 1)
    far, told = SlidePyramid(path), _Told()
    with hearing(told):
        last = far.levels[-1]
        far.read(len(far.levels) - 1, 0, 0, last.width, last.height)
    assert told.fractions == sorted(told.fractions)
    assert 0 < told.fractions[-1] <= 0.1


def test_colours_that_are_stored_as_such_are_seen_from_afar_as_such(
    field: np.ndarray, tmp_path: Path
) -> None:
    """Aperio has slides whose tiles hold red, green and blue, not luma and chroma."""
    path = tmp_path / "rgb.tif"
    tifffile.imwrite(
        path,
        field,
        photometric="rgb",
        tile=(256, 256),
        compression="jpeg",
        compressionargs={"level": 90, "outcolorspace": "rgb"},
    )
    far = see_from_afar(path, (1024, 1024))
    assert far is not None
    means = field.reshape(128, 8, 128, 8, 3).mean(axis=(1, 3))
    assert np.abs(far.read(0, 0, 128, 128) - means).mean() < 1
    np.testing.assert_array_equal(far.read(20, 30, 50, 40), far.read(0, 0, 128, 128)[30:70, 20:70])


def test_what_is_no_tiled_jpeg_is_not_seen_from_afar(field: np.ndarray, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "lzw.tif", field, photometric="rgb", tile=(256, 256))
    Image.fromarray(field).save(tmp_path / "a.png")
    for name in ("lzw.tif", "a.png"):
        assert see_from_afar(tmp_path / name, (1024, 1024)) is None


def test_a_damaged_tile_of_a_giant_is_said(
    field: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.tif"
    write_giant(path, field, 2300, aperio=False)
    with tifffile.TiffFile(path) as file:
        offset = max(file.pages.first.dataoffsets)
    with path.open("r+b") as raw:
        raw.seek(offset)
        raw.write(bytes(200))
    near = SlidePyramid(path)
    monkeypatch.setattr(slides, "_GIANT", 1)
    monkeypatch.setattr(slides, "_KEPT", 1)
    for damaged in (near, SlidePyramid(path)):
        with pytest.raises(FileProblem, match="cannot be read"):
            damaged.read(3, 0, 0, damaged.levels[3].width, damaged.levels[3].height)


class _Told(LocalJob):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.fractions: list[float] = []

    def report(self, fraction: float, text: str = "") -> None:
        self.fractions.append(fraction)


def test_who_waits_for_what_another_makes_may_leave() -> None:
    begun, done = threading.Event(), threading.Event()

    def slow(box: tuple[int, int, int, int]) -> np.ndarray:
        begun.set()
        assert done.wait(30)
        return np.zeros((box[3], box[2], 3), np.uint8)

    rising = Rising((64, 64), (32, 32), slow)
    other = threading.Thread(target=rising.whole, args=(LocalJob(), _unheard))
    other.start()
    assert begun.wait(30)
    with pytest.raises(Cancelled):
        rising.whole(LocalJob(is_cancelled=lambda: True), _unheard)
    assert rising.draft(0.0) < 1  # and who only looks is not held up
    done.set()
    other.join()
    assert rising.share == 1


def test_what_was_made_before_leaving_is_not_made_again() -> None:
    made: list[tuple[int, ...]] = []

    def make(box: tuple[int, int, int, int]) -> np.ndarray:
        made.append(box)
        return np.full((box[3], box[2], 3), len(made), np.uint8)

    rising = Rising((100, 70), (10, 10), make)
    asked = iter(range(30))
    with pytest.raises(Cancelled):
        rising.whole(LocalJob(is_cancelled=lambda: next(asked, None) is None), _unheard)
    assert 0 < rising.share < 1
    image = rising.whole(LocalJob(), _unheard)
    assert len(made) == len(set(made)) == 70
    assert image.min() > 0


def test_cells_made_first_lie_all_over_the_level() -> None:
    where: list[tuple[int, ...]] = []

    def make(box: tuple[int, int, int, int]) -> np.ndarray:
        where.append(box)
        return np.zeros((box[3], box[2], 3), np.uint8)

    Rising((320, 320), (10, 10), make).whole(LocalJob(), _unheard)
    # Sixteen blocks of 8 × 8 cells, each with one of the first sixteen.
    assert len({(x // 80, y // 80) for x, y, _, _ in where[:16]}) == 16
    assert {y // 160 for _, y, _, _ in where[:6]} == {0, 1}
    strips = Rising((320, 320), (320, 10), make, in_turn=True)
    del where[:]
    strips.whole(LocalJob(), _unheard)
    assert {y for _, y, _, _ in where[:8]} <= set(range(0, 120, 10))


def test_a_draft_shows_what_is_known_and_the_colours_around_it() -> None:
    """Tissue on the left, glass on the right: an eighth of it tells where."""
    truth = np.full((256, 256, 3), 240, np.uint8)
    truth[:, :128] = np.random.default_rng(1).integers(90, 150, (256, 128, 3))
    asked = iter(range(64))

    def make(box: tuple[int, int, int, int]) -> np.ndarray:
        if next(asked, None) is None:
            raise Cancelled
        x, y, width, height = box
        return truth[y : y + height, x : x + width]

    rising = Rising((256, 256), (8, 8), make)
    with pytest.raises(Cancelled):
        rising.draft(60)
    assert rising.share == 64 / 32**2
    seen = rising.seen(0, 0, 256, 256, 0)
    known = (seen == truth).all(axis=2)
    assert known.sum() >= 64**2
    rough = seen.astype(float).mean(axis=2)
    assert np.abs(rough[:, :96] - 120).mean() < 12
    assert np.abs(rough[:, 160:] - 240).mean() < 4
    np.testing.assert_array_equal(rising.seen(32, 64, 100, 50, 0), seen[64:114, 32:132])
    half = rising.seen(0, 0, 128, 128, 1).astype(float)
    assert np.abs(half - seen.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))).mean() < 3


def test_a_draft_ends_as_what_is_read(
    field: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_giant(tmp_path / "one.tif", field, 3000, aperio=False)
    box = (2, -40, 100, 500, 700)
    exact = SlidePyramid(tmp_path / "one.tif").read(*box)
    monkeypatch.setattr(slides, "_KEPT", 600_000)  # level 2 is made, of tiles
    pyramid = SlidePyramid(tmp_path / "one.tif")
    image, share = pyramid.draft(*box, 0.0)
    shares = [share]
    while share < 1:
        assert image.shape == exact.shape
        image, share = pyramid.draft(*box, 0.0)
        shares.append(share)
    assert shares == sorted(shares)
    np.testing.assert_array_equal(image, exact)
    # What lies in the file, or is made region by region, has no draft.
    for level in (0, 1):
        near, known = SlidePyramid(tmp_path / "one.tif").draft(level, 10, 20, 30, 40, 0.0)
        assert known == 1
        np.testing.assert_array_equal(near, pyramid.read(level, 10, 20, 30, 40))


@pytest.mark.parametrize("rows", [1, 7, 64, 1500])
def test_a_slide_in_strips_is_halved_as_one_in_tiles(
    field: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    picture = np.tile(field, (2, 2, 1))[:1500, :1301]
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", rowsperstrip=rows)
    monkeypatch.setattr(slides, "_CELL", (1 << 14, 1 << 19))
    pyramid = SlidePyramid(tmp_path / "a.tif")
    half = pyramid.read(1, 0, 0, 650, 750)
    means = picture[:, :1300].reshape(750, 2, 650, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(half - means).max() <= 0.5


def test_a_small_level_that_was_made_goes_along_to_another_process(
    field: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "one.tif"
    write_giant(path, field, 2048, aperio=False)
    here = SlidePyramid(path)
    known = here.read(1, 0, 0, 1024, 1024)
    there = pickle.loads(pickle.dumps(here))
    there._rising = None  # it makes nothing any more
    np.testing.assert_array_equal(there.read(1, 0, 0, 1024, 1024), known)
    np.testing.assert_array_equal(there.read(2, 0, 0, 512, 512), here.read(2, 0, 0, 512, 512))
    # Of a file that is another by then, nothing is known.
    sent = pickle.dumps(here)
    write_giant(path, 255 - field, 2048, aperio=False)
    other = pickle.loads(sent)
    assert (other.read(1, 0, 0, 1024, 1024) != known).any()


def _unheard(share: float) -> None:
    """Tell nobody."""


def test_areas_of_a_giant_are_those_of_its_field(field: np.ndarray, tmp_path: Path) -> None:
    """A coarse level would tell most of its tissue for stained with everything."""
    write_giant(tmp_path / "giant.svs", field, 60_000, levels=4)
    giant = load_slide(tmp_path / "giant.svs")
    Image.fromarray(field).save(tmp_path / "field.png")
    mixing = Mixing(np.array([(0.65, 0.70, 0.29), (0.07, 0.99, 0.11)]).T, (243, 241, 245))
    names, grades = ("Haematoxylin", "Eosin"), (0.2, 0.4, 0.6)
    one, all_of_it = (
        measure_region(dataset, mixing, names, None, grades, LocalJob(), area_od=0.3)
        for dataset in (load_slide(tmp_path / "field.png"), giant)
    )
    for own, whole in zip(one.numbers, all_of_it.numbers, strict=True):
        assert whole.value == pytest.approx(own.value, rel=0.1), own.name
    area = next(number for number in all_of_it.numbers if number.name == "Haematoxylin, area")
    assert area.interval is not None
    assert all_of_it.mm2 == pytest.approx((0.7 * 30) ** 2, rel=0.15)
    assert 150 * 256**2 >= all_of_it.tally.tissue > 10 * 256**2


def test_whoever_waits_for_the_overview_of_a_long_slide_may_leave(
    field: np.ndarray, tmp_path: Path
) -> None:
    write_giant(tmp_path / "long.tif", field, 40_000, aperio=False)
    pyramid = SlidePyramid(tmp_path / "long.tif")
    asked = iter(range(4))
    job = LocalJob(is_cancelled=lambda: next(asked, None) is None)
    with pytest.raises(Cancelled), hearing(job):
        pyramid.read(len(pyramid.levels) - 1, 0, 0, 10, 10)
    asked = iter(range(4))
    with pytest.raises(Cancelled):
        inspect_slide(pyramid, job)


def test_a_slide_of_ten_gigapixels_is_looked_over_at_once(
    field: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "giant.svs"
    write_giant(path, field, 100_000, levels=4)
    assert path.stat().st_size < 4_000_000
    dataset = load_slide(path)
    pyramid = dataset.pyramid
    assert pyramid is not None
    assert dataset.axis("x").step == 0.5
    assert pyramid.levels[0].width == 100_000
    corner = pyramid.read(0, 99_700, 99_700, 300, 300)
    assert np.abs(corner.astype(int) - 243).max() < 3
    found = inspect_slide(pyramid, LocalJob())
    assert 0.2 < found.shares["tissue"] < 0.5
    assert found.shares["blur"] < 0.05
