"""Patlak and Logan, against known slopes and against the plots done step by step."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partwise.api import FileProblem
from partwise_pet.blood import read_samples
from partwise_pet.kinetics import cumulative, integral_at, logan, patlak
from partwise_pet.phantom import FRAMES, Tissue, frame_means, plasma_input, tissue_curve


def test_patlak_finds_the_uptake_of_a_tissue_that_traps() -> None:
    step = 0.5 / 60
    t: Any = step * np.arange(7201)
    plasma = plasma_input(t)
    tissue = Tissue(0.6, 1.2, 0.1)
    curve = frame_means(tissue_curve(tissue, plasma, step), FRAMES)
    line = patlak(
        curve[None],
        FRAMES.mean(axis=1) / 60,
        frame_means(plasma, FRAMES),
        20,
        frames_min=FRAMES / 60,
    )
    assert line.slope[0] == pytest.approx(0.6 * 0.1 / 1.3, rel=0.01)


def test_logan_finds_the_volume_of_a_tissue_that_washes_out() -> None:
    step = 0.5 / 60
    t: Any = step * np.arange(7201)
    plasma = plasma_input(t)
    curve = frame_means(tissue_curve(Tissue(0.4, 0.5), plasma, step), FRAMES)
    middle = FRAMES.mean(axis=1) / 60
    line = logan(curve[None], middle, plasma, 20, plasma_t_min=t, frames_min=FRAMES / 60)
    assert line.slope[0] == pytest.approx(0.8, rel=0.01)


def test_integrals_are_those_of_straight_pieces() -> None:
    t = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(cumulative(t, np.array([2.0, 2.0, 4.0])), [1.0, 3.0, 9.0])
    np.testing.assert_allclose(
        integral_at(t, np.array([2.0, 2.0, 4.0]), np.array([1.5, 3.0])), [2.0, 5.5]
    )


def test_too_few_points_give_no_line() -> None:
    t = np.array([1.0, 2.0, 3.0])
    assert np.isnan(patlak(np.ones((1, 3)), t, np.ones(3), 2.5).slope[0])
    assert np.isnan(logan(np.zeros((1, 3)), t, np.ones(3), 0.0).slope[0])


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("start", [15.0, 30.0])
def test_real_curves_agree_with_plots_done_on_a_fine_grid(shared_data: Path, start: float) -> None:
    """Six regions of twelve [11C]PBR28 scans, integrated on 6000 points as kinfitr does."""
    folder = shared_data / "pet"
    tacs = _read(folder / "pbr28_tacs_6subjects.csv")
    blood = _read(folder / "pbr28_blood_6subjects.csv")
    worst = 0.0
    for scan in sorted({row["PET"] for row in tacs}):
        mine = [row for row in tacs if row["PET"] == scan]
        told = [row for row in blood if row["PET"] == scan]
        t = np.array([float(r["Times"]) for r in mine]) / 60
        weights = np.array([float(r["Weights"]) for r in mine])
        tb = np.array([float(r["Time"]) for r in told]) / 60
        plasma = np.maximum([float(r["Cpl_metabcorr"]) for r in told], 0)
        keep = t > 0
        t, weights = t[keep], weights[keep]
        regions = [np.array([float(r[n]) for r in mine])[keep] for n in ("FC", "THA", "CBL")]
        curves = np.stack(regions)
        for method in (patlak, logan):
            line = method(curves, t, plasma, start, plasma_t_min=tb, weights=weights)
            for k, curve in enumerate(curves):
                want = _by_hand(method is logan, curve, t, plasma, tb, start, weights)
                worst = max(worst, abs(float(line.slope[k]) / want - 1))
    assert worst < 0.01


def _by_hand(
    is_logan: bool, curve: Any, t: Any, plasma: Any, tb: Any, start: float, weights: Any
) -> float:
    grid = np.linspace(0, t[-1], 6000)
    fine_plasma = np.interp(grid, tb, plasma)
    fine = np.interp(grid, np.concatenate([[0], t]), np.concatenate([[0], curve]))

    def area(values: Any) -> Any:
        steps = (values[1:] + values[:-1]) / 2 * np.diff(grid)
        return np.interp(t, grid, np.concatenate([[0], np.cumsum(steps)]))

    used = t >= start
    curve, of_plasma, of_curve = curve[used], area(fine_plasma)[used], area(fine)[used]
    if is_logan:
        x, y = of_plasma / curve, of_curve / curve
    else:
        at = np.interp(t[used], grid, fine_plasma)
        x, y = of_plasma / at, curve / at
    return float(np.polyfit(x, y, 1, w=np.sqrt(weights[used]))[0])


def test_samples_say_their_unit_of_time(tmp_path: Path) -> None:
    path = tmp_path / "blood.tsv"
    path.write_text("time_s\tplasma\n0\t0\n30\t10\n90\t4\n", "utf-8")
    told = read_samples(path)
    np.testing.assert_allclose(told.t_min, [0, 0.5, 1.5])
    assert told.name == "plasma"
    for text, words in (
        ("time\tplasma\n0\t0\n1\t1\n", "none with a time"),
        ("time_s\tplasma\n0\t0\n1\tx\n", "no number"),
        ("time_s\tplasma\n5\t0\n1\t1\n", "do not rise"),
        ("time_s\tplasma\n", "no table"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(FileProblem, match=words):
            read_samples(path)


@pytest.mark.parametrize(
    ("head", "unit", "first"),
    [
        ("sample,time_s,activity", "Bq/mL", 7.0),
        ("time_s,no,whole blood [kBq/mL]", "Bq/mL", 7000.0),
        ("time_s,no,plasma_kBq_mL", "kBq/mL", 7.0),
        ("time_s,no,plasma (Bq/cc)", "SUV", 7.0),
        ("time_s,no,C", "Bq/mL", 7.0),
    ],
)
def test_the_column_of_activity_is_found_and_has_the_unit_of_the_series(
    head: str, unit: str, first: float, tmp_path: Path
) -> None:
    def cell(name: str, k: int) -> float:
        return {"time_s": 60 * k, "sample": k, "no": k}.get(name, 7.0 + k)

    rows = [",".join(str(cell(name, k)) for name in head.split(",")) for k in range(4)]
    path = tmp_path / "blood.csv"
    path.write_text("\n".join([head, *rows]), "utf-8")
    told = read_samples(path, unit)
    assert told.activity[0] == first
    assert told.t_min.tolist() == [0, 1, 2, 3]
