"""Slides of billions of pixels are read in pieces: levels agree, and leaving works."""

from __future__ import annotations

import itertools
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
    told = _Told()
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


def test_who_waits_for_what_another_makes_may_leave(field: np.ndarray, tmp_path: Path) -> None:
    write_giant(tmp_path / "long.tif", field, 2048, aperio=False)
    pyramid = SlidePyramid(tmp_path / "long.tif")
    begun, done = threading.Event(), threading.Event()

    def slow(*_args: object) -> np.ndarray:
        begun.set()
        assert done.wait(30)
        return np.zeros((256, 256, 3), np.uint8)

    pyramid._reduced = slow  # type: ignore[assignment,method-assign]  # stands for a slide of gigapixels
    last = len(pyramid.levels) - 1
    other = threading.Thread(target=pyramid.read, args=(last, 0, 0, 10, 10))
    other.start()
    assert begun.wait(30)
    with pytest.raises(Cancelled), hearing(LocalJob(is_cancelled=lambda: True)):
        pyramid.read(last, 0, 0, 10, 10)
    done.set()
    other.join()


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
