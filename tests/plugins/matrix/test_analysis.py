"""Planted parts are found, locked ones stay, and the card says what was computed."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partwise.api import Axis, Cancelled, Dataset, InputProblem, LocalJob, Part, Result, match_parts
from partwise_matrix import export
from partwise_matrix.analysis import MatrixAnalysis
from partwise_matrix.planted import plant_spectra
from partwise_matrix.readers import load_table
from partwise_matrix.samples import spectra_table
from partwise_matrix.trust import leftover


def dataset_of(values: Any, rows: tuple[str, ...] = ()) -> Dataset:
    X = np.asarray(values, dtype=float)
    axes = (Axis("row", X.shape[0], labels=rows), Axis("column", X.shape[1]))
    return Dataset("table", "made", axes, values=X)


def run(dataset: Dataset, job: LocalJob | None = None, **values: Any) -> Result:
    chosen = {"doubt": False, "starts": 3, **values}
    return MatrixAnalysis().run(dataset, MatrixAnalysis.Params(**chosen), job or LocalJob())


def factors(result: Result) -> tuple[Any, Any]:
    W = np.stack([part.profile for part in result.parts], axis=1)
    return W, np.stack([np.asarray(part.course) for part in result.parts])


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return load_table(spectra_table())


@pytest.fixture(scope="module")
def result(sample: Dataset) -> Result:
    return run(sample, starts=4, most=6, doubt=True)


@pytest.fixture(scope="module")
def small() -> Any:
    rng = np.random.default_rng(3)
    W, H = rng.gamma(0.4, size=(20, 3)), rng.gamma(0.4, size=(3, 30))
    return W @ H + 0.01 * rng.random((20, 30))


def test_the_sample_gives_back_its_dyes_and_their_amounts(result: Result) -> None:
    planted = plant_spectra()
    assert len(result.parts) == len(planted.dyes)
    W, H = factors(result)
    match = match_parts(planted.spectra, W)
    assert match.cosine.min() > 0.995
    amounts = H[match.permutation] / match.scale[:, None]
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(amounts, planted.amounts, strict=True)]
    assert min(alike) > 0.99
    assert [part.key for part in result.parts] == ["part-1", "part-2", "part-3", "part-4"]
    shares = [part.share for part in result.parts]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert len({part.color for part in result.parts}) == 4
    np.testing.assert_allclose(np.linalg.norm(W, axis=0), 1)


def test_the_card_tells_what_the_numbers_say(sample: Dataset, result: Result) -> None:
    card = {line.check: line for line in result.trust}
    W, H = factors(result)
    X = np.asarray(sample.values, dtype=float)
    known = ~np.isnan(X)
    left = ((X - W @ H)[known] ** 2).sum() / (X[known] ** 2).sum()
    assert card["explained"].value == pytest.approx(1 - left)
    assert result.residual.share == pytest.approx(left)
    assert card["missing"].text.startswith(f"{(~known).sum()} of {X.size:,}")
    assert card["rank"].text.startswith("4 parts: ")
    assert card["uniqueness"].verdict == "good"
    assert card["stability"].value == pytest.approx(1, abs=1e-3)
    assert all(line.detail for line in result.trust)


def test_the_views_carry_names_and_the_whole_scan(result: Result) -> None:
    kinds = [view.kind for view in result.views]
    assert kinds == ["matrix", "bars", "bars", "curves", "matrix"]
    scan = result.views[3]
    assert scan.arrays["x"].tolist() == [1, 2, 3, 4, 5, 6]
    assert {mark["text"] for mark in scan.options["marks"]} >= {"hidden entries", "90 % explained"}
    assert scan.options["chosen"] == 4
    consensus = result.views[4].arrays["values"]
    assert consensus.shape == (48, 48)
    np.testing.assert_array_equal(consensus, consensus.T)
    assert result.views[1].axes[0].labels[0] == "400 nm"


def test_what_is_left_is_noise_only_once_all_parts_are_found() -> None:
    planted = plant_spectra()
    noise = leftover(planted.table, planted.spectra, planted.amounts, None, 0)
    missed = leftover(planted.table, planted.spectra[:, :3], planted.amounts[:3], None, 0)
    assert noise.share < 1.25 * noise.chance
    assert missed.share > 3 * missed.chance


def test_a_locked_part_stays_bit_for_bit_and_keeps_its_key(small: Any) -> None:
    first = run(dataset_of(small), rank="3")
    kept = dataclasses.replace(first.parts[1], name="Mine", color="#123456")
    for normalise in ("none", "rows", "columns"):
        again = run(dataset_of(small), LocalJob(kept=(kept,)), rank="3", normalise=normalise).parts
        assert (again[0].key, again[0].name, again[0].color) == ("part-2", "Mine", "#123456")
        np.testing.assert_array_equal(again[0].profile, kept.profile)
        assert {part.key for part in again} == {"part-1", "part-2", "part-3"}


def test_locked_parts_of_another_table_are_refused(small: Any) -> None:
    alien = Part("part-1", "Alien", "#111111", np.ones(7))
    with pytest.raises(InputProblem, match="7 entries, the table has 20 rows"):
        run(dataset_of(small), LocalJob(kept=(alien,)), rank="2")
    known = run(dataset_of(small), rank="3").parts
    with pytest.raises(InputProblem, match="3 parts are locked and 2 asked for"):
        run(dataset_of(small), LocalJob(kept=known), rank="2")


@pytest.mark.parametrize("normalise", ["rows", "columns"])
def test_normalised_or_not_the_parts_are_in_the_unit_of_the_table(
    small: Any, normalise: str
) -> None:
    uneven = small * np.geomspace(1, 100, 20)[:, None]
    W, H = factors(run(dataset_of(uneven), rank="3", normalise=normalise))
    assert np.abs(W @ H - uneven).max() < 0.05 * uneven.max()


def test_a_column_that_outweighs_the_others_is_named_until_something_is_done(small: Any) -> None:
    checks = {line.check for line in run(dataset_of(small), rank="2").trust}
    assert "outweighed" not in checks
    large = small.copy()
    large[:, 4] *= 50
    told = run(dataset_of(large), rank="2").trust
    line = next(line for line in told if line.check == "outweighed")
    assert line.verdict == "look"
    assert line.value == pytest.approx((large[:, 4] ** 2).sum() / (large**2).sum())
    for name, value in (("loss", "kl"), ("normalise", "columns")):
        other = run(dataset_of(large), None, rank="2", **{name: value})
        assert "outweighed" not in {line.check for line in other.trust}


def test_a_turned_table_exchanges_the_factors(small: Any, tmp_path: Path) -> None:
    dataset = dataset_of(small)
    result = run(dataset, rank="3", transpose=True)
    W, H = factors(result)
    assert W.shape == (30, 3)
    assert np.linalg.norm(small.T - W @ H) < 0.02 * np.linalg.norm(small)
    export.write_residual(dataset, result, tmp_path / "r.csv", LocalJob(), None)
    rest = np.loadtxt(tmp_path / "r.csv", delimiter=",", skiprows=1)[:, 1:]
    np.testing.assert_allclose(rest, small.T - W @ H, atol=1e-6)


def test_entries_below_zero_are_refused_named_and_can_be_taken(small: Any) -> None:
    X = small.copy()
    X[4, 7] = -0.5
    names = tuple(f"g{k}" for k in range(20))
    with pytest.raises(InputProblem, match=r"row 5 \(“g4”\), column 8 is -0.5, below zero") as no:
        run(dataset_of(X, names), rank="3")
    assert "negative=clip" in no.value.fix
    clipped = run(dataset_of(X), rank="3", negative="clip")
    assert "clipped" in {line.check for line in clipped.trust}
    shifted = run(dataset_of(X), rank="4", negative="shift")
    W, H = factors(shifted)
    assert shifted.facts["offset"] == pytest.approx(0.5)
    assert np.linalg.norm(X + 0.5 - W @ H) < 0.1 * np.linalg.norm(X)


@pytest.mark.parametrize("transpose", [False, True])
def test_weights_go_with_the_names_of_the_table(
    small: Any, tmp_path: Path, transpose: bool
) -> None:
    names = [[f"{side}{k}" for k in range(12)] for side in "rc"]
    axes = (Axis("row", 12, labels=tuple(names[0])), Axis("column", 12, labels=tuple(names[1])))
    dataset = dataclasses.replace(dataset_of(small[:12, :12]), axes=axes)
    weights = np.random.default_rng(3).random((12, 12)) + 0.1
    mixed = np.random.default_rng(4).permutation(12)

    def fit(order: Any, title: str) -> Any:
        lines = [",".join(["id", *(names[1][k] for k in order)])]
        lines += [
            ",".join([names[0][k], *(repr(float(weights[k, j])) for j in order)]) for k in order
        ]
        path = tmp_path / f"{title}.csv"
        path.write_text("\n".join(lines), "utf-8")
        return factors(run(dataset, rank="2", weights=str(path), transpose=transpose))

    for one, other in zip(fit(range(12), "plain"), fit(mixed, "mixed"), strict=True):
        assert np.array_equal(one, other)
    lines = [",".join(["id", *names[0]])]  # the other way round, as the names say
    lines += [",".join([names[1][k], *map(repr, weights[:, k].tolist())]) for k in range(12)]
    (tmp_path / "crossed.csv").write_text("\n".join(lines), "utf-8")
    asked: dict[str, Any] = {"weights": str(tmp_path / "crossed.csv"), "transpose": transpose}
    for one, other in zip(
        fit(range(12), "plain"), factors(run(dataset, rank="2", **asked)), strict=True
    ):
        assert np.array_equal(one, other)
    names[0][3] = "nobody"
    with pytest.raises(InputProblem, match="“nobody”, which the table does not name"):
        fit(range(12), "strange")


def test_weights_of_other_names_go_by_place_and_that_is_told(small: Any, tmp_path: Path) -> None:
    axes = tuple(
        Axis(name, size, labels=tuple(f"{name}{k}" for k in range(size)))
        for name, size in (("row", 20), ("column", 30))
    )
    dataset = dataclasses.replace(dataset_of(small), axes=axes)
    lines = ["id,weight", *(f"sample{k},{k + 1}" for k in range(20))]
    (tmp_path / "w.csv").write_text("\n".join(lines), "utf-8")
    result = run(dataset, rank="2", weights=str(tmp_path / "w.csv"))
    (told,) = [each for each in result.trust if each.check == "weights"]
    assert "names “sample0” where the table has “row0”" in told.detail


def test_what_has_no_weight_decides_nothing(small: Any, tmp_path: Path) -> None:
    weights = np.ones((20, 30))
    weights[2, 4] = weights[5, 6] = 0
    np.savetxt(tmp_path / "w.csv", weights, delimiter=",")
    codes = small.copy()
    codes[2, 4], codes[5, 6] = -999, 1e6
    asked: dict[str, Any] = {
        "weights": str(tmp_path / "w.csv"),
        "rank": "3",
        "normalise": "columns",
    }
    plain, coded = (run(dataset_of(X), **asked) for X in (small, codes))
    for one, other in zip(factors(plain), factors(coded), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3 * one.max())
    assert "outweighed" not in {each.check for each in coded.trust}


def test_weights_leave_out_what_they_say(small: Any, tmp_path: Path) -> None:
    X = small.copy()
    X[3] = 50 * np.random.default_rng(0).random(30)
    weights = np.ones((20, 1))
    weights[3] = 0
    np.savetxt(tmp_path / "w.csv", weights)
    np.savetxt(tmp_path / "bad.csv", np.ones((7, 1)))
    W, H = factors(run(dataset_of(X), rank="3", weights=str(tmp_path / "w.csv")))
    others = np.arange(20) != 3
    assert np.linalg.norm((X - W @ H)[others]) < 0.02 * np.linalg.norm(X[others])
    with pytest.raises(InputProblem, match="7 × 1 weights for 20 × 30 entries"):
        run(dataset_of(X), rank="3", weights=str(tmp_path / "bad.csv"))


@pytest.mark.parametrize("loss", ["kl", "is", "0.5"])
def test_every_loss_fits(small: Any, loss: str) -> None:
    result = run(dataset_of(small), rank="3", loss=loss, starts=1)
    assert result.fit.explained > 0.98
    assert result.trust[2].value is None  # one start: no word on steadiness without a number


def test_more_parts_than_rows_and_empty_rows_do_no_harm() -> None:
    X = np.zeros((3, 6))
    X[0] = [1, 2, 3, 4, 5, 6]
    X[2, :3] = np.nan
    result = run(dataset_of(X), rank="5", doubt=True)
    assert len(result.parts) == 5
    assert all(np.isfinite(part.profile).all() for part in result.parts)


def test_parts_are_seen_while_they_emerge_and_a_stop_leaves_at_once(small: Any) -> None:
    seen: list[int] = []
    reports: list[float] = []

    def on_snapshot(parts: tuple[Part, ...], trace: tuple[float, ...]) -> None:
        seen.append(len(parts))

    def on_report(fraction: float, text: str) -> None:
        reports.append(fraction)

    run(dataset_of(small), LocalJob(on_report=on_report, on_snapshot=on_snapshot), most=4)
    assert seen[-1] == 3
    assert reports == sorted(reports)
    with pytest.raises(Cancelled):
        run(dataset_of(small), LocalJob(is_cancelled=lambda: len(reports) > 0), rank="3")


def test_a_run_goes_on_from_what_stood_and_says_so(small: Any) -> None:
    whole = run(dataset_of(small), rank="3")
    seen: list[Any] = []
    stood = tuple(
        dataclasses.replace(part, profile=np.asarray(part.profile) * np.linspace(0.9, 1.1, 20))
        for part in whole.parts
    )
    job = LocalJob(start=stood, on_snapshot=lambda parts, trace: seen.append((parts, trace)))
    again = run(dataset_of(small), job, rank="3", starts=1)
    assert seen[0][1][0] < 0.1 * (small**2).sum()  # the first step stands where the last one stood
    assert again.fit.value < 1.001 * whole.fit.value
    assert "begun" in {line.check for line in again.trust}
    for normalise in ("rows", "columns"):
        scaled = run(dataset_of(small), LocalJob(start=whole.parts), rank="3", normalise=normalise)
        assert scaled.fit.explained > 0.98


def test_auto_takes_as_many_as_it_begins_from_unless_they_were_only_tried(small: Any) -> None:
    parts = run(dataset_of(small), rank="4").parts
    assert len(run(dataset_of(small), LocalJob(start=parts)).parts) == 4
    tried = tuple(dataclasses.replace(part, facts={"tried": True}) for part in parts)
    assert len(run(dataset_of(small), LocalJob(start=tried), most=4).parts) == 3


def test_the_views_of_the_parts_are_there_while_they_emerge(small: Any) -> None:
    seen: list[Any] = []
    run(dataset_of(small), LocalJob(on_views=seen.append), rank="3", starts=1)
    assert [view.kind for view in seen[0]] == ["matrix", "bars", "bars"]
    assert seen[-1][1].arrays["values"].shape == (3, 20)


def test_exports_carry_the_names_and_read_back_the_same(
    sample: Dataset, result: Result, tmp_path: Path
) -> None:
    W, H = factors(result)
    for name in ("W", "H", "residual", "scan"):
        getattr(export, f"write_{name}")(sample, result, tmp_path / f"{name}.csv", LocalJob(), None)
    with (tmp_path / "W.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["emission", "Part 1", "Part 2", "Part 3", "Part 4"]
    assert rows[1][0] == "400 nm"
    np.testing.assert_array_equal(np.array([row[1:] for row in rows[1:]], float), W)
    assert np.array_equal(load_table(tmp_path / "H.csv").values, H)  # type: ignore[arg-type]
    rest = load_table(tmp_path / "residual.csv")
    assert rest.axes == sample.axes
    np.testing.assert_allclose(rest.values, sample.values - W @ H, rtol=1e-5, atol=1e-3)  # type: ignore[arg-type]
    export.write_large_residual(sample, result, tmp_path / "residual.npy", LocalJob(), None)
    large = np.load(tmp_path / "residual.npy")
    assert large.dtype == np.float32
    np.testing.assert_allclose(large, rest.values, rtol=1e-5, atol=1e-3)  # type: ignore[arg-type]
    assert export.residual_is_small(result)
    assert not export.residual_is_large(result)
    scan = (tmp_path / "scan.csv").read_text("utf-8").splitlines()
    assert scan[0].startswith("rank,error,r2,vaf,")
    assert len(scan) == 7
    assert export.has_scan(result)


def test_other_numbers_are_compared_where_one_is_asked_for(small: Any) -> None:
    dataset = dataset_of(small[:8, :12])
    alone = run(dataset, rank="2", most=3)
    assert not export.has_scan(alone)
    compared = run(dataset, rank="4", most=3, compare=True)
    assert len(compared.parts) == 4
    assert export.has_scan(compared)
    (line,) = [line for line in compared.trust if line.check == "rank"]
    assert "asked for" in line.text
    table = next(table for table in compared.tables if table.title != "Parts")
    assert [row[0] for row in table.rows] == [1, 2, 3, 4]
    tiny = dataset_of(small[:2, :3])
    assert len(run(tiny, rank="2", compare=True).parts) == 2
