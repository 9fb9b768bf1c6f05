"""Are planted synergies found, told, written and refused as they should be?"""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from partwise.api import (
    Cancelled,
    Dataset,
    FileProblem,
    InputProblem,
    LocalJob,
    Result,
    UsageProblem,
    match_parts,
)
from partwise.plugins.registry import resolve
from partwise.project.document import Document, Source
from partwise.project.store import save
from partwise_emg import trust
from partwise_emg.analysis import SynergyAnalysis
from partwise_emg.norm import build_norm
from partwise_emg.planted import Walker, simulate, write_walker
from partwise_emg.plugin import PLUGIN
from partwise_emg.prepared import prepare, trials_of
from partwise_emg.readers import load_recording

ASKED = SynergyAnalysis.Params(starts=3, bootstrap=0, doubt=False)


def _run(dataset: Dataset, seed: int = 0, **changes: Any) -> Result:
    return SynergyAnalysis().run(
        dataset, dataclasses.replace(ASKED, **changes), LocalJob(seed=seed)
    )


def _write(result: Result, dataset: Dataset, role: str, folder: Path) -> Path:
    exporter = next(each for each in PLUGIN.exporters if each.role == role)
    path = folder / f"{role}{exporter.suffix}"
    resolve(exporter.write)(dataset, result, path, LocalJob(), None)
    return path


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_planted_synergies_are_found_in_the_order_in_which_they_act(
    walker: Walker, result: Result
) -> None:
    assert len(result.parts) == 5
    W = np.stack([part.profile for part in result.parts], axis=1)
    np.testing.assert_allclose(np.linalg.norm(W, axis=0), 1.0)
    match = match_parts(walker.W, W)
    assert match.cosine.min() > 0.9  # scaled to the maximum of each muscle, as the truth is not
    assert match.permutation.tolist() == [0, 1, 2, 3, 4]
    assert result.fit.explained > 0.9
    assert sum(part.share for part in result.parts) == pytest.approx(1)
    whole = W @ np.stack([np.asarray(part.course) for part in result.parts])
    envelopes = np.asarray(result.views[0].arrays["y"])
    left = ((envelopes - whole) ** 2).sum() / (envelopes**2).sum()
    assert result.residual.share == pytest.approx(left, abs=1e-9)


def test_every_rule_is_told_and_every_line_of_trust_has_its_number(result: Result) -> None:
    assert set(result.facts["rules"]) == {"line", "vaf90", "muscles90", "stability", "heldout"}
    checks = {line.check: line for line in result.trust}
    assert {"explained", "muscles", "residual", "stability", "uniqueness", "rank"} <= set(checks)
    assert checks["explained"].value == pytest.approx(result.fit.explained)
    assert "uncentred" in checks["explained"].detail.lower()
    assert "R²" in checks["explained"].detail


def test_intervals_hold_the_estimates_and_are_written(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    with _write(result, dataset, "intervals", tmp_path).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    weights = [row for row in rows if row["matrix"] == "W"]
    assert len(weights) == 5 * 12
    inside = [
        float(r["low"]) - 1e-9 <= float(r["estimate"]) <= float(r["high"]) + 1e-9 for r in weights
    ]
    assert np.mean(inside) > 0.9
    courses = [row for row in rows if row["matrix"] == "H"]
    assert len(courses) == 5 * np.asarray(result.parts[0].course).size


def test_tables_have_the_columns_that_are_promised(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    synergies = _rows(_write(result, dataset, "synergies", tmp_path))
    assert synergies[0] == ["muscle", *(part.name for part in result.parts)]
    assert [row[0] for row in synergies[1:]] == list(result.facts["muscles"])
    scan = _rows(_write(result, dataset, "rank-scan", tmp_path))
    assert scan[0][:3] == ["rank", "r2", "vaf"]
    assert [int(row[0]) for row in scan[1:]] == list(range(1, 10))
    envelopes = load_recording(_write(result, dataset, "envelopes", tmp_path))
    np.testing.assert_array_equal(np.asarray(envelopes.values), result.views[0].arrays["y"])
    activations = _rows(_write(result, dataset, "activations", tmp_path))
    assert len(activations) - 1 == np.asarray(envelopes.values).shape[1]
    timing = _rows(_write(result, dataset, "timing", tmp_path))
    assert len(timing) - 1 == 5 * result.facts["cycles"]


def test_a_figure_for_print_is_a_drawing_in_vectors(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    root = ElementTree.fromstring(_write(result, dataset, "figure", tmp_path).read_text("utf-8"))
    bars = [each for each in root.iter() if each.tag.endswith("rect")]
    curves = [each for each in root.iter() if each.tag.endswith("polyline")]
    assert len(bars) == 1 + 5 * 12
    assert [each.get("stroke") for each in curves] == [part.color for part in result.parts]
    words = " ".join(each.text or "" for each in root.iter())
    assert "uncentred" in words
    assert "about the grand mean" in words
    right = max(float(each.get("x", 0)) + float(each.get("width", 0)) for each in bars)
    assert right <= float(root.get("width", "0").removesuffix("pt"))


def test_a_norm_is_built_from_projects(dataset: Dataset, result: Result, tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        document = Document()
        assert dataset.source is not None
        document.add_source(Source("source-1", "emg", dataset.title, dataset.source))
        document.add_run("source-1", "emg", "", "synergies", result)
        paths.append(tmp_path / f"p{number}.partwise")
        save(document.state, paths[-1])
    norm = build_norm(paths)
    assert len(norm.members) == 2
    np.testing.assert_allclose(
        norm.members[1].W, np.stack([p.profile for p in result.parts], axis=1), rtol=1e-6
    )
    empty = tmp_path / "empty.partwise"
    save(Document().state, empty)
    with pytest.raises(FileProblem, match="holds no run of muscle synergies"):
        build_norm([empty])


def test_a_matrix_is_factored_as_it_stands(emg: Path) -> None:
    dataset = load_recording(emg / "walk11_mean_cycle_13muscles.npz")
    reference = np.load(emg / "walk11_mean_cycle_13muscles.npz")
    for name in ("ID0005_TW_01", "ID0013_TW_01"):
        for seed in (0, 1):
            result = _run(dataset, seed=seed, trial=name)
            np.testing.assert_array_equal(
                result.views[0].arrays["y"], reference[f"{name}/V"].astype(float)
            )
            assert result.facts["rules"]["line"] == int(reference[f"{name}/rank"])
        assert result.facts["r2"] >= float(reference[f"{name}/R2"])
        W = np.stack([part.profile for part in result.parts], axis=1)
        assert match_parts(reference[f"{name}/M"].astype(float), W).cosine.min() > 0.93


def test_the_same_seed_gives_the_same_numbers(dataset: Dataset) -> None:
    one, other = _run(dataset, seed=3), _run(dataset, seed=3)
    for mine, theirs in zip(one.parts, other.parts, strict=True):
        np.testing.assert_array_equal(mine.profile, theirs.profile)


def test_a_locked_synergy_stays_and_a_run_begins_where_it_stood(
    dataset: Dataset, result: Result
) -> None:
    kept = result.parts[2]
    again = SynergyAnalysis().run(dataset, ASKED, LocalJob(seed=1, kept=(kept,)))
    assert again.parts[0].key == kept.key
    np.testing.assert_array_equal(again.parts[0].profile, kept.profile)
    begun = SynergyAnalysis().run(dataset, ASKED, LocalJob(seed=1, start=result.parts[:3]))
    assert len(begun.parts) == 3
    with pytest.raises(InputProblem, match="is locked and is of 12 muscles"):
        SynergyAnalysis().run(
            dataset, dataclasses.replace(ASKED, channels="1-6"), LocalJob(kept=(kept,))
        )


def test_a_cancelled_run_leaves_nothing(dataset: Dataset) -> None:
    seen: list[float] = []
    job = LocalJob(on_report=lambda f, _: seen.append(f), is_cancelled=lambda: len(seen) > 3)
    with pytest.raises(Cancelled):
        SynergyAnalysis().run(dataset, ASKED, job)


def test_a_walker_with_merged_synergies_is_told_from_the_one_before(
    dataset: Dataset, walker_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "merged.npz"
    write_walker(path, simulate(merged=True, steps=7, seed=6))
    result = _run(load_recording(path), compare="file", against=str(walker_path))
    line = next(line for line in result.trust if line.check == "merged")
    assert "4 with 5 act together" in line.text
    assert result.facts["compared"]["merged_p"] <= 0.05
    assert any(table.title.startswith("Compared with") for table in result.tables)
    graph = next(view for view in result.views if view.kind == "graph")
    ours = graph.arrays["edges"][:, 0].tolist()
    theirs = (graph.arrays["edges"][:, 1] - len(result.parts)).tolist()
    # One synergy here is a sum of two of before; each other one is one of before.
    assert sorted(ours.count(k) for k in range(4)) == [1, 1, 1, 2]
    assert {j for k, j in zip(ours, theirs, strict=True) if ours.count(k) == 2} == {3, 4}
    same = tmp_path / "again.npz"
    write_walker(same, simulate(steps=7, seed=8))
    other = _run(load_recording(same), compare="file", against=str(walker_path))
    line = next(line for line in other.trust if line.check == "merged")
    assert "none have merged" in line.text


def test_synergies_can_be_compared_with_a_table_and_with_a_norm(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    table = _write(result, dataset, "synergies", tmp_path)
    # As a spreadsheet of another country writes it.
    table.write_text(table.read_text("utf-8").replace(",", ";").replace(".", ","), "utf-8")
    of_table = _run(dataset, compare="file", against=str(table))
    assert np.diag(of_table.facts["compared"]["cosine"]).min() > 0.99
    norm = _write(result, dataset, "norm", tmp_path)
    text = norm.read_text("utf-8")
    assert dataset.title not in text
    data = json.loads(text)
    data["members"] *= 3
    for k, member in enumerate(data["members"]):
        data["members"][k] = {**member, "vaf1": member["vaf1"] + 0.01 * k}
    norm.write_text(json.dumps(data), "utf-8")
    of_norm = _run(dataset, compare="file", against=str(norm))
    assert of_norm.facts["compared"]["walk_dmc"] == pytest.approx(110)
    other = _run(dataset, compare="file", against=str(norm), preset="clark")
    assert other.facts["compared"]["walk_dmc"] is None


def test_trials_of_a_file_are_classed_and_compared(emg: Path, tmp_path: Path) -> None:
    full = load_recording(emg / "walk_run_12pairs_factors_rank1to8.npz")
    wanted = [t for t in trials_of(full) if t["name"].endswith(("P0001", "P0002", "P0003"))]
    dataset = dataclasses.replace(full, meta={**full.meta, "trials": wanted})
    (tmp_path / "groups.csv").write_text("trial,group\nnobody,a\n", "utf-8")
    told: list[float] = []
    job = LocalJob(on_report=lambda fraction, _: told.append(fraction))
    asked = dataclasses.replace(ASKED, compare="trials", groups=str(tmp_path / "groups.csv"))
    with pytest.raises(FileProblem, match="names no group for walk/P0001"):
        SynergyAnalysis().run(dataset, asked, job)
    assert told == []  # said before any work
    result = _run(dataset, compare="trials", starts=2)
    assert len(result.facts["trials"]) == 6
    assert any(table.title == "Differences of two groups" for table in result.tables)
    shared = np.stack([part.profile for part in result.parts], axis=1)
    np.testing.assert_allclose(np.linalg.norm(shared, axis=0), 1, atol=1e-6)


def test_delays_are_found_where_muscles_follow_one_another() -> None:
    rng = np.random.default_rng(9)
    H = np.zeros((2, 800))
    H[0, 20::200] = H[1, 120::200] = 1.0
    shape = np.hanning(25)
    X = np.zeros((6, 800))
    for muscle in range(6):
        source = H[muscle // 3]
        delayed = np.roll(np.convolve(source, shape)[:800], 5 * (muscle % 3))
        X[muscle] = delayed + 0.01 * rng.random(800)
    from partwise.api import Axis

    names = tuple(f"M{k}" for k in range(6))
    dataset = Dataset(
        "traces",
        "delays",
        (Axis("muscle", 6, labels=names), Axis("point", 800)),
        values=X,
        meta={"preprocessed": True, "cycle": 200},
    )
    result = _run(dataset, model="delayed", rank="2", delay=20.0)
    line = next(line for line in result.trust if line.check == "delays")
    assert line.value is not None
    assert line.value > 0.05
    table = next(t for t in result.tables if t.title.startswith("Delays"))
    lags = np.array([[cell if cell != "" else np.nan for cell in row[1:]] for row in table.rows])
    for column in range(2):
        known = lags[np.isfinite(lags[:, column]), column]
        assert known.size == 3
        assert sorted(known) == pytest.approx([0, 2.5, 5], abs=0.6)


@pytest.mark.parametrize(
    ("changes", "problem", "words"),
    [
        ({"channels": "QQ"}, UsageProblem, "there is no channel QQ"),
        ({"channels": "1"}, InputProblem, "1 channels are chosen"),
        ({"rank": "12", "channels": "1-4"}, InputProblem, "12 synergies of 4"),
        ({"preprocessed": True}, InputProblem, "values below zero"),
        ({"reject": "1,2,3,4,5,6,7"}, InputProblem, "no cycle is left"),
        ({"reject": "2,99"}, InputProblem, "cycle 99 was to be left out, and there are 7"),
        ({"trial": "zzz"}, InputProblem, "no trial zzz: the file holds one recording"),
        ({"compare": "file"}, InputProblem, "nothing is chosen"),
        ({"compare": "sides"}, InputProblem, "0 muscles are named for both sides"),
        ({"compare": "trials"}, InputProblem, "one trial"),
        ({"side": "left"}, InputProblem, "no events of the left side"),
        ({"preset": "own", "highpass": 500.0}, InputProblem, "nothing above 500 Hz"),
        ({"events": "nowhere.csv"}, FileProblem, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_way_out(
    dataset: Dataset, changes: dict[str, Any], problem: type[Exception], words: str
) -> None:
    with pytest.raises(problem, match=words):
        _run(dataset, **changes)


def test_events_that_miss_one_or_are_of_another_record_are_told(
    dataset: Dataset, tmp_path: Path
) -> None:
    def told(times: list[float]) -> dict[str, str]:
        path = tmp_path / "events.csv"
        path.write_text("touchdown_s\n" + "\n".join(f"{t:.4f}" for t in times) + "\n")
        prepared = prepare(dataset, dataclasses.replace(ASKED, events=str(path)))
        return {each.check: each.text for each in trust._cycles(prepared)}

    events = prepare(dataset, ASKED).events
    assert events is not None
    times = list(events.touchdown)
    assert told(times) == {}
    assert told(times[:3] + times[4:]) == {
        "cycle-length": "Of another length than the rest: cycle 3"
    }
    half = (times[-1] - times[0]) / 2
    assert "outside the record" in told([t + half for t in times])["events"]


def test_a_muscle_that_is_not_there_is_told(dataset: Dataset) -> None:
    channels: Any = dataset.meta["channels"]
    gone = {"label": "SO", "name": "SO", "unit": "", "kind": "gaps", "why": "3 % are missing"}
    more = dataclasses.replace(dataset, meta={**dataset.meta, "channels": [*channels, gone]})
    (line,) = trust._channels(prepare(more, ASKED))
    assert (line.verdict, line.text) == ("look", "Without SO: no usable signal")
    asked = dataclasses.replace(ASKED, channels=",".join(dataset.axes[0].labels))
    assert trust._channels(prepare(more, asked)) == []


def test_one_cycle_alone_is_said_to_be_one(dataset: Dataset) -> None:
    result = _run(dataset, cycles=1, bootstrap=20)
    checks = {line.check: line for line in result.trust}
    assert checks["intervals"].verdict == "look"
    assert checks["cycles"].value == 1
    assert checks["residual"].value is None
