"""Files hold what was computed, byte for byte the same each time, and nothing after a cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from partwise.api import Axis, Cancelled, Dataset, InputProblem, LocalJob, Result
from partwise_stain import export
from partwise_stain.analysis import StainAnalysis
from partwise_stain.tissue import Tissue, make_tissue


def test_concentrations_read_back_as_named_channels_with_their_size(
    dataset: Dataset, result: Result, tissue: Tissue, tmp_path: Path
) -> None:
    height, width = tissue.rgb.shape[:2]
    scaled = replace(dataset, axes=(Axis("y", height, "µm", 0.25), Axis("x", width, "µm", 0.5)))
    path = tmp_path / "c.ome.tif"
    export.write_concentrations(scaled, result, path, LocalJob(), None)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        assert file.is_ome
        assert series.axes == "CYX"
        assert series.dtype == np.float32
        values = series.asarray()
        pixels = tifffile.xml2dict(file.ome_metadata or "")["OME"]["Image"]["Pixels"]
    expected = export.mixing_of(result).strengths(tissue.rgb)
    assert np.array_equal(np.moveaxis(values, 0, -1), expected)
    assert [channel["Name"] for channel in pixels["Channel"]] == ["Haematoxylin", "Eosin"]
    assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]) == (0.5, 0.25)


def test_the_residual_reads_back(
    dataset: Dataset, result: Result, tissue: Tissue, tmp_path: Path
) -> None:
    export.write_residual(dataset, result, tmp_path / "r.tif", LocalJob(), None)
    values = tifffile.imread(tmp_path / "r.tif")
    assert np.array_equal(values, export.mixing_of(result).residual(tissue.rgb))


def test_the_picture_of_a_stain_is_what_the_window_shows(
    dataset: Dataset, result: Result, tissue: Tissue, tmp_path: Path
) -> None:
    for part, shown in enumerate(([True, False], [False, True])):
        export.write_stain(dataset, result, tmp_path / "s.png", LocalJob(), part)
        with Image.open(tmp_path / "s.png") as image:
            drawn = np.asarray(image)
        assert np.array_equal(drawn, export.mixing_of(result).render(tissue.rgb, shown))


def test_normalising_gives_the_reference_its_own_colours_back(
    dataset: Dataset, tmp_path: Path
) -> None:
    other = make_tissue(400, 320, seed=11, vectors=((0.50, 0.77, 0.40), (0.05, 0.85, 0.53)))
    Image.fromarray(other.rgb).save(tmp_path / "reference.png")
    params = StainAnalysis.Params(
        stains="he", resample=False, reference=str(tmp_path / "reference.png")
    )
    result = StainAnalysis().run(dataset, params, LocalJob())
    assert export.has_reference(result)
    export.write_normalized(dataset, result, tmp_path / "n.tif", LocalJob(), None)
    values = tifffile.imread(tmp_path / "n.tif")
    assert values.shape == (400, 480, 3)
    own = tifffile.imread(tmp_path / "n.tif").reshape(-1, 3).mean(axis=0)
    assert dataset.pyramid is not None
    before = dataset.pyramid.read(0, 0, 0, 480, 400).reshape(-1, 3).mean(axis=0)
    wanted = other.rgb.reshape(-1, 3).mean(axis=0)

    # The tints agree better than they did; brightness depends on how much tissue there is.
    def tint(mean: np.ndarray) -> np.ndarray:
        return np.asarray(mean / mean.sum())

    assert np.abs(tint(own) - tint(wanted)).sum() < np.abs(tint(before) - tint(wanted)).sum()


def test_without_a_reference_there_is_nothing_to_normalise(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    assert not export.has_reference(result)
    with pytest.raises(InputProblem, match="no reference"):
        export.write_normalized(dataset, result, tmp_path / "n.tif", LocalJob(), None)


WRITERS: list[tuple[Callable[..., None], int | None]] = [
    (export.write_concentrations, None),
    (export.write_residual, None),
    (export.write_stain, 1),
]


@pytest.mark.parametrize(("write", "part"), WRITERS)
def test_the_same_result_gives_the_same_bytes(
    write: Callable[..., None], part: int | None, dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        write(dataset, result, tmp_path / name, LocalJob(), part)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("write", "part"), WRITERS)
def test_cancel_is_seen_at_the_first_tile(
    write: Callable[..., None], part: int | None, dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        write(dataset, result, tmp_path / "x", LocalJob(is_cancelled=lambda: True), part)
