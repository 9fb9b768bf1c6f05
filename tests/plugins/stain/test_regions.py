"""Numbers of a region are those of the pixels inside its outline, whoever drew it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from partwise.api import ArrayPyramid, Axis, Dataset, FileProblem, LocalJob, Mixing, Result
from partwise_stain.export import mixing_of
from partwise_stain.regional import BIN_OD, measure_region, regions_table, tally
from partwise_stain.regions import (
    Region,
    as_json,
    bounds,
    from_json,
    mask_of,
    read_regions,
    write_regions,
)

GRADES = (0.2, 0.4, 0.6)
SQUARE = Region("a", "Left", "rectangle", ((0, 0), (64, 0), (64, 128), (0, 128)))
TRIANGLE = Region("b", "Corner", "polygon", ((0, 0), (100, 0), (0, 100)))


def halves(unit: str = "µm") -> Dataset:
    """Left half with much of the second stain, right half with little, on a white frame."""
    vectors = np.array([(0.65, 0.70, 0.29), (0.27, 0.57, 0.78)])
    strength = np.zeros((128, 128, 2))
    strength[8:-8, 8:64] = (0.3, 0.7)
    strength[8:-8, 64:-8] = (0.3, 0.1)
    light = 240 * 10 ** -(strength @ vectors)
    axes = (Axis("y", 128, unit, 0.5), Axis("x", 128, unit, 0.5))
    return Dataset("image", "made", axes, pyramid=ArrayPyramid(np.rint(light).astype(np.uint8)))


@pytest.fixture
def mixing() -> Mixing:
    return Mixing(np.array([(0.65, 0.70, 0.29), (0.27, 0.57, 0.78)]).T, (240, 240, 240))


def test_a_region_counts_its_own_pixels(mixing: Mixing) -> None:
    told = measure_region(
        halves(), mixing, ("Haematoxylin", "DAB"), SQUARE, GRADES, LocalJob(), nuclei=None
    )
    assert told.tally.pixels == 64 * 128
    assert told.tally.tissue == 56 * 112
    assert told.mm2 == pytest.approx(56 * 112 * 0.0005**2)
    values = {number.name: number.value for number in told.numbers}
    assert values["DAB, positive tissue"] == pytest.approx(100)
    assert values["DAB, H-score by area"] == pytest.approx(300)
    assert values["DAB, mean"] == pytest.approx(0.7, abs=0.01)


def test_the_slide_is_the_sum_of_its_halves(mixing: Mixing) -> None:
    right = Region("r", "Right", "rectangle", ((64, 0), (128, 0), (128, 128), (64, 128)))
    parts = [tally(halves(), mixing, region, GRADES, LocalJob()) for region in (SQUARE, right)]
    whole = tally(halves(), mixing, None, GRADES, LocalJob())
    assert whole.tissue == sum(part.tissue for part in parts)
    np.testing.assert_allclose(whole.amount, parts[0].amount + parts[1].amount)
    np.testing.assert_array_equal(whole.histogram, parts[0].histogram + parts[1].histogram)
    assert whole.histogram.sum() == 2 * whole.tissue


def test_the_threshold_of_an_area_moves_it(mixing: Mixing) -> None:
    def area(threshold: float) -> float:
        told = measure_region(
            halves(), mixing, ("Haematoxylin", "DAB"), None, GRADES, LocalJob(), area_od=threshold
        )
        return next(n.value for n in told.numbers if n.name == "DAB, area")

    assert area(0.05) == pytest.approx(100)
    assert area(0.3) == pytest.approx(50)
    assert area(0.9) == 0
    counted = tally(halves(), mixing, None, GRADES, LocalJob())
    above = counted.histogram[1, round(0.3 / BIN_OD) :].sum() / counted.tissue
    assert above == pytest.approx(0.5)


def test_a_mask_holds_the_area_at_any_level() -> None:
    for down in (1.0, 2.0, 4.0):
        side = int(100 / down)
        mask = mask_of(TRIANGLE, (0, 0, side, side), down)
        assert mask.sum() * down**2 == pytest.approx(TRIANGLE.area, rel=0.05)
    assert TRIANGLE.area == 5000
    part = mask_of(TRIANGLE, (50, 0, 50, 50), 1.0)
    np.testing.assert_array_equal(part, mask_of(TRIANGLE, (0, 0, 100, 100), 1.0)[:50, 50:])


def test_holes_do_not_belong_to_a_region(tmp_path: Path) -> None:
    """Necrosis that was cut out of a tumour, as QuPath writes it."""
    ring = [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]
    hole = [[20, 20], [60, 20], [60, 60], [20, 60], [20, 20]]
    about = {"objectType": "annotation", "classification": {"name": "Tumour"}}
    geometry = {"type": "MultiPolygon", "coordinates": [[ring, hole]]}
    path = tmp_path / "regions.geojson"
    path.write_text(
        json.dumps([{"type": "Feature", "geometry": geometry, "properties": about}]), "utf-8"
    )
    (region,) = read_regions(path)
    assert (region.name, region.area) == ("Tumour", 8400)
    assert mask_of(region, (0, 0, 120, 120), 1.0).sum() == 8400
    assert not mask_of(region, (30, 30, 10, 10), 1.0).any()
    write_regions([region], path)
    for again in (*read_regions(path), *from_json(as_json([region]))):
        assert again.area == 8400
    moved = region.reshaped([(x + 5, y) for x, y in region.points], whole=True)
    assert list(moved.holes[0][0]) == [25, 20]
    assert region.reshaped(region.points[:3], whole=False).area == 5000 - 1600


def test_a_region_that_leaves_the_image_ends_at_its_border(mixing: Mixing) -> None:
    far = Region("f", "Far", "freehand", ((-50, -50), (64, -50), (64, 500), (-50, 500)))
    assert bounds(far, 128, 128) == (0, 0, 64, 128)
    told = tally(halves(), mixing, far, GRADES, LocalJob())
    assert told.tissue == 56 * 112
    outside = Region("o", "Out", "rectangle", ((500, 500), (600, 500), (600, 600), (500, 600)))
    nothing = measure_region(halves(), mixing, ("H", "DAB"), outside, GRADES, LocalJob(), nuclei=0)
    assert nothing.tally.tissue == 0
    assert all(np.isfinite(number.value) for number in nothing.numbers)


def test_nuclei_are_counted_inside_alone(dataset: Dataset, result: Result) -> None:
    mixing, names = mixing_of(result), tuple(part.name for part in result.parts)
    left = Region("l", "Left", "rectangle", ((0, 0), (240, 0), (240, 400), (0, 400)))
    right = Region("r", "Right", "rectangle", ((240, 0), (480, 0), (480, 400), (240, 400)))

    def density(region: Region | None) -> tuple[float, int]:
        told = measure_region(dataset, mixing, names, region, GRADES, LocalJob(), nuclei=0)
        value = next(n.value for n in told.numbers if n.name == "Nuclei")
        return value, told.tally.tissue

    whole, halved = density(None), [density(left), density(right)]
    assert min(value for value, _ in halved) < whole[0] < max(value for value, _ in halved)
    together = sum(value * tissue for value, tissue in halved) / sum(t for _, t in halved)
    assert together == pytest.approx(whole[0], rel=0.1)


def test_the_table_has_a_row_per_region_with_intervals(dataset: Dataset, result: Result) -> None:
    mixing, names = mixing_of(result), tuple(part.name for part in result.parts)
    told = [
        measure_region(dataset, mixing, names, region, GRADES, LocalJob(), nuclei=0)
        for region in (None, TRIANGLE)
    ]
    table = regions_table(told)
    assert [row[0] for row in table.rows] == ["Slide", "Corner"]
    assert all(len(row) == len(table.columns) for row in table.rows)
    place = table.columns.index("Eosin, area (%)")
    value, low, high = (float(table.rows[0][place + k]) for k in range(3))
    assert low < value < high


def test_regions_go_through_a_file_and_a_project(tmp_path: Path) -> None:
    path = tmp_path / "regions.geojson"
    write_regions([SQUARE, TRIANGLE], path)
    again = read_regions(path)
    assert [(r.name, r.kind, r.points) for r in again] == [
        (r.name, r.kind, r.points) for r in (SQUARE, TRIANGLE)
    ]
    assert from_json(json.loads(json.dumps(as_json(again)))) == again
    assert from_json([{"key": "x"}, 5, None, {"kind": "polygon", "points": [[1, "b"]]}]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2",
        '{"type": "FeatureCollection", "features": []}',
        '{"features": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}]}',
        '{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[NaN, 1], [2, 3]]]}}',
        '{"features": 7}',
    ],
)
def test_a_file_without_regions_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.geojson"
    path.write_text(text)
    with pytest.raises(FileProblem) as problem:
        read_regions(path)
    assert problem.value.path == path
    assert "GeoJSON" in problem.value.fix
