"""A pyramid is written in one reading of the slide, and read back level by level."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.fixtures.giant import write_giant

from partwise.api import ArrayPyramid, Axis, Cancelled, Dataset, LocalJob, Mixing
from partwise_stain.normalise import Recolouring
from partwise_stain.pyramids import Channel, Picture, write_pyramid
from partwise_stain.readers import load_slide
from partwise_stain.tissue import Tissue

VECTORS = np.array([(0.65, 0.70, 0.29), (0.07, 0.99, 0.11)]).T


class Counting:
    """A pyramid that counts how often each pixel of level 0 is read."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._inner = ArrayPyramid(pixels)
        self.levels = self._inner.levels
        self.times = np.zeros(pixels.shape[:2], int)

    def read(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        if level == 0:
            self.times[y : y + height, x : x + width] += 1
        return self._inner.read(level, x, y, width, height)


@pytest.fixture(scope="module")
def pixels(tissue: Tissue) -> np.ndarray:
    return np.tile(tissue.rgb, (4, 5, 1))[:1301, :2203]


def as_dataset(pyramid: Any) -> Dataset:
    level = pyramid.levels[0]
    axes = (Axis("y", level.height, "µm", 0.5), Axis("x", level.width, "µm", 0.25))
    return Dataset("image", "made & <odd>", axes, pyramid=pyramid)


def test_all_channels_and_levels_come_from_one_reading(pixels: np.ndarray, tmp_path: Path) -> None:
    mixing, counting = Mixing(VECTORS, (243, 241, 244)), Counting(pixels)
    channels = (Channel("Haematoxylin", "#5a4fa0"), Channel("Eosin", "#e0559a"))
    picture = Picture(mixing.strengths, channels, np.dtype(np.float32), "t", "d")
    write_pyramid(tmp_path / "c.ome.tif", as_dataset(counting), picture, LocalJob())
    assert (counting.times == 1).all()
    with tifffile.TiffFile(tmp_path / "c.ome.tif") as file:
        assert file.is_ome
        series = file.series[0]
        assert series.axes == "CYX"
        shapes = [level.shape for level in series.levels]
        assert shapes == [(2, 1301, 2203), (2, 651, 1102), (2, 326, 551)]
        whole = series.levels[0].asarray()
        np.testing.assert_array_equal(np.moveaxis(whole, 0, -1), mixing.strengths(pixels))
        for finer, coarser in zip(series.levels, series.levels[1:], strict=False):
            fine, coarse = finer.asarray(), coarser.asarray()
            rows, columns = coarse.shape[1] - 1, coarse.shape[2] - 1
            means = fine[:, : 2 * rows, : 2 * columns].reshape(2, rows, 2, columns, 2)
            expected = means.mean(axis=(2, 4), dtype=np.float32)
            np.testing.assert_allclose(coarse[:, :rows, :columns], expected, atol=1e-6)
        pages = [(page.dtype, page.tile) for page in file.pages]
        assert pages == [(np.dtype(np.float32), (512, 512))] * 2


def test_a_slide_in_other_colours_opens_again_as_a_slide(
    pixels: np.ndarray, tmp_path: Path
) -> None:
    facts = {
        "high": [1.0, 0.8],
        "reference": {"vectors": VECTORS.T.tolist(), "white": [240, 240, 240], "high": [0.9, 0.9]},
    }
    recolouring = Recolouring(Mixing(VECTORS, (243, 241, 244)), facts)
    picture = Picture(recolouring.exact, (), np.dtype(np.uint8), "t", "d")
    path = tmp_path / "n.tif"
    write_pyramid(path, as_dataset(ArrayPyramid(pixels)), picture, LocalJob())
    again = load_slide(path)
    assert again.pyramid is not None
    assert [level.width for level in again.pyramid.levels[:3]] == [2203, 1102, 551]
    assert (again.axis("x").step, again.axis("x").unit) == (0.25, "µm")
    whole = again.pyramid.read(0, 0, 0, 2203, 1301)
    np.testing.assert_array_equal(whole, recolouring.exact(pixels))
    half = again.pyramid.read(1, 100, 100, 200, 200).astype(float)
    means = whole[200:600, 200:600].reshape(200, 2, 200, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - means).max() <= 0.51
    np.testing.assert_allclose(
        recolouring.quick(pixels).astype(int), recolouring.exact(pixels), atol=1
    )


def test_leaving_in_the_midst_leaves_nothing(tmp_path: Path, tissue: Tissue) -> None:
    write_giant(
        tmp_path / "giant.svs", np.tile(tissue.rgb, (2, 2, 1))[:512, :512], 50_000, levels=3
    )
    dataset = load_slide(tmp_path / "giant.svs")
    told: list[float] = []
    job = LocalJob(
        on_report=lambda share, _: told.append(share), is_cancelled=lambda: len(told) > 5
    )
    mixing = Mixing(VECTORS, (243, 241, 244))
    picture = Picture(
        mixing.strengths,
        (Channel("H", "#000000"), Channel("E", "#ffffff")),
        np.dtype(np.float32),
        "t",
        "d",
    )
    with pytest.raises(Cancelled):
        write_pyramid(tmp_path / "c.ome.tif", dataset, picture, job)
    assert max(told) < 0.01
    assert [path.name for path in tmp_path.iterdir()] == ["giant.svs"]


def test_a_picture_without_levels_is_one_page(tissue: Tissue, tmp_path: Path) -> None:
    Image.fromarray(tissue.rgb).save(tmp_path / "s.png")
    dataset = load_slide(tmp_path / "s.png")
    picture = Picture(lambda rgb: rgb, (), np.dtype(np.uint8), "t", "d")
    write_pyramid(tmp_path / "s.tif", dataset, picture, LocalJob())
    write_pyramid(tmp_path / "t.tif", dataclasses.replace(dataset), picture, LocalJob())
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "s.tif"), tissue.rgb)
    assert (tmp_path / "s.tif").read_bytes() == (tmp_path / "t.tif").read_bytes()
