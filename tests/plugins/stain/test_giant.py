"""Slides of billions of pixels are read in pieces: levels agree, and leaving works."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.fixtures.giant import write_giant

from partwise.api import Cancelled, LocalJob, Mixing
from partwise_stain import slide as slides
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
