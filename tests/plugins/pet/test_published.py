"""Patlak and Logan on real curves, beside the recipe that kinfitr publishes.

[11C]PBR28 in six regions of twelve scans with metabolite-corrected plasma, as the R package
kinfitr (Matheson, doi:10.1101/755751) brings them. Its recipe: plasma on 6000 even points, tissue
on the same, both axes of the plot formed there and read at the middles of the frames, a weighted
line through the last ten.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partwise_pet.kinetics import logan, patlak

REGIONS = ("FC", "TC", "STR", "THA", "WB", "CBL")
LAST = 10  # frames that the line goes through
POINTS = 6000


@dataclass(frozen=True, eq=False)
class Scan:
    name: str
    t: Any
    weights: Any
    curves: Any
    blood_t: Any
    plasma: Any


@pytest.fixture
def scans(shared_data: Path) -> list[Scan]:
    folder = shared_data / "pet"
    found = []
    tacs, blood = (_read(folder / f"pbr28_{name}_6subjects.csv") for name in ("tacs", "blood"))
    for name in sorted({row["PET"] for row in tacs}):
        mine = [row for row in tacs if row["PET"] == name and float(row["Times"]) > 0]
        told = [row for row in blood if row["PET"] == name]
        found.append(
            Scan(
                name,
                _column(mine, "Times") / 60,
                _column(mine, "Weights"),
                np.stack([_column(mine, region) for region in REGIONS]),
                _column(told, "Time") / 60,
                np.maximum(_column(told, "Cpl_metabcorr"), 0),
            )
        )
    return found


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _column(rows: list[dict[str, str]], name: str) -> Any:
    return np.array([float(row[name]) for row in rows])


def _as_published(scan: Scan, curve: Any, *, of_logan: bool) -> float:
    grid = np.linspace(0, max(scan.blood_t[-1], scan.t[-1]), POINTS)
    plasma = np.interp(grid, scan.blood_t, scan.plasma)
    tissue = np.interp(grid, np.concatenate([[0], scan.t]), np.concatenate([[0], curve]))

    def area(values: Any) -> Any:
        return np.concatenate([[0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(grid))])

    with np.errstate(divide="ignore", invalid="ignore"):
        below, above = (tissue, area(tissue)) if of_logan else (plasma, tissue)
        x, y = (np.interp(scan.t, grid, each / below) for each in (area(plasma), above))
    root = np.sqrt(scan.weights[-LAST:])
    return float(np.polyfit(x[-LAST:], y[-LAST:], 1, w=root)[0])


@pytest.mark.parametrize("method", [patlak, logan])
def test_slopes_are_those_of_the_published_recipe(scans: list[Scan], method: Any) -> None:
    off = []
    for scan in scans:
        line = method(
            scan.curves,
            scan.t,
            scan.plasma,
            scan.t[-LAST],
            plasma_t_min=scan.blood_t,
            weights=scan.weights,
        )
        want = [_as_published(scan, c, of_logan=method is logan) for c in scan.curves]
        off += list(np.abs(line.slope / want - 1))
    assert len(off) == 72
    assert max(off) < 0.01
    assert np.median(off) < 1e-4


def test_the_example_of_the_package_lies_where_its_own_tests_want_it(scans: list[Scan]) -> None:
    scan = next(each for each in scans if each.name == "cgyu_2")
    given = (scan.curves[:1], scan.t, scan.plasma, scan.t[-LAST])
    shifted: dict[str, Any] = {"plasma_t_min": scan.blood_t + 0.1438066, "weights": scan.weights}
    assert 2 < logan(*given, **shifted).slope[0] < 3
    assert 0 < patlak(*given, **shifted).slope[0] < 0.015
