"""Do comparison, merging, classes, norms and statistics find what was planted, and nothing else?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from partwise.api import FileProblem, InputProblem
from partwise_emg.classes import classify
from partwise_emg.merging import merging, sums_of
from partwise_emg.norm import Member, Norm, build_norm, read_norm, walk_dmc, write_norm
from partwise_emg.planted import merge, simulate_cycles, truth
from partwise_emg.similar import common_muscles, likeness
from partwise_emg.statistics import compare_groups, group_of, read_groups


def test_likeness_pairs_sets_of_unequal_size_and_knows_chance() -> None:
    W, _ = truth()
    B = W[:, [3, 0, 2]]
    like = likeness(W, B)
    assert {b: a for a, b in like.pairs} == {0: 3, 1: 0, 2: 2}
    np.testing.assert_allclose([like.cosine[a, b] for a, b in like.pairs], 1.0)
    assert like.shared == 3
    assert 0.4 < like.chance < 1
    assert likeness(B, W).pairs == tuple(sorted((b, a) for a, b in like.pairs))


def test_muscles_are_matched_by_name() -> None:
    mine, theirs, names = common_muscles(("TA", "SO", "GM"), ("gm", "XX", "ta"))
    assert (mine, theirs, names) == ([0, 2], [2, 0], ("TA", "GM"))


def test_merged_synergies_are_told_from_a_lower_number_of_parts() -> None:
    W, H = truth()
    before = simulate_cycles(W, H, 8, np.random.default_rng(1))
    merged = simulate_cycles(*merge(W, H, 1, 3), 8, np.random.default_rng(2))
    apart = simulate_cycles(W, H, 8, np.random.default_rng(3), noise=0.1)
    test = merging(merged, W, [before], 200, nulls=60)
    assert (1, 3) in test.found()
    assert test.pairs[int(test.p.argmin())] == (1, 3)
    assert merging(apart, W, [before], 200, nulls=60).found() == []


def test_a_merged_module_is_the_sum_of_two() -> None:
    W, H = truth()
    fewer, _ = merge(W, H, 1, 3)
    sums = sums_of(fewer, W)
    assert sums.of(3) == [1, 3]
    np.testing.assert_allclose(sums.cosine, 1.0, atol=1e-9)
    assert sums.of(0) == [0]


def test_classes_are_the_synergies_that_all_walkers_share() -> None:
    W, H = truth()
    rng = np.random.default_rng(4)
    Ws, Hs = [], []
    for _ in range(8):
        order = rng.permutation(5)
        Ws.append(np.maximum(W + 0.05 * rng.standard_normal(W.shape), 0)[:, order])
        Hs.append(np.maximum(H + 0.03 * rng.standard_normal(H.shape), 0)[order])
    classes = classify(Ws, Hs)
    assert classes.W.shape[1] == 5
    assert classes.agreement == 1
    assert classes.label.reshape(8, 5).tolist() != [list(range(5))] * 8
    assert all(sorted(row) == list(range(5)) for row in classes.label.reshape(8, 5).tolist())
    assert all(
        b >= a - 1e-12 for a, b in zip(classes.explained, classes.explained[1:], strict=False)
    )


def _member(vaf1: float) -> Member:
    W, H = truth()
    return Member(W, H, W @ H, vaf1, 0.95, 0.9)


def test_walk_dmc_by_its_definition_and_only_with_enough_members() -> None:
    shares = [0.70, 0.74, 0.78]
    norm = Norm({"points": 200}, ("a",) * 12, tuple(_member(v) for v in shares))
    expected = 100 + 10 * (np.mean(shares) - 0.82) / np.std(shares, ddof=1)
    assert walk_dmc(0.82, norm) == pytest.approx(expected)
    assert walk_dmc(0.82, Norm({}, norm.muscles, norm.members[:2])) is None


def test_norms_are_put_together_and_those_of_another_protocol_are_not(tmp_path: Path) -> None:
    muscles = tuple(f"M{k}" for k in range(12))
    paths = []
    for k in range(3):
        path = tmp_path / f"n{k}.json"
        write_norm(path, Norm({"points": 200}, muscles, (_member(0.7 + 0.02 * k),)))
        paths.append(path)
    norm = build_norm(paths)
    assert len(norm.members) == 3
    W, _ = truth()
    np.testing.assert_allclose(norm.consensus(), W, atol=1e-6)
    write_norm(paths[1], Norm({"points": 100}, muscles, (_member(0.7),)))
    with pytest.raises(FileProblem, match="filtered or cut otherwise"):
        build_norm(paths)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps({"kind": "partwise-emg-norm", "version": 9}),
        json.dumps({"kind": "partwise-emg-norm", "version": 1, "muscles": ["a"], "members": [{}]}),
        json.dumps(
            {
                "kind": "partwise-emg-norm",
                "version": 1,
                "muscles": ["a"],
                "members": [{"W": [[-1]], "H": [[1]], "X": [[1]], "vaf1": 1, "vaf": 1, "r2": 1}],
            }
        ),
    ],
)
def test_a_hostile_norm_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "norm.json"
    path.write_text(text, "utf-8")
    with pytest.raises(FileProblem):
        read_norm(path)


def test_a_planted_difference_is_found_within_persons_and_between() -> None:
    rng = np.random.default_rng(5)
    base = rng.normal(0, 3, (12, 1))
    first = base + 0.3 * rng.standard_normal((12, 20))
    second = base + 0.3 * rng.standard_normal((12, 20))
    second[:, 4] += 1.0
    values = np.concatenate([first, second])
    groups = ["run"] * 12 + ["walk"] * 12
    names = [f"n{k}" for k in range(20)]
    persons = [f"P{k}" for k in range(12)]
    paired = compare_groups(values, names, groups, persons * 2)
    assert paired.paired
    assert np.flatnonzero(paired.adjusted <= 0.05).tolist() == [4]
    assert paired.permutations == 2**12
    # Between persons the spread of persons hides it: exchanging labels freely would be wrong here.
    apart = compare_groups(values, names, groups, [f"Q{k}" for k in range(24)])
    assert not apart.paired
    assert (apart.adjusted > 0.05).all()


def test_groups_come_from_names_or_a_table(tmp_path: Path) -> None:
    trials = ["walk/P1", "run/P1"]
    assert group_of(trials) == (["walk", "run"], ["P1", "P1"])
    assert group_of(["S1", "S2"]) is None
    path = tmp_path / "groups.csv"
    path.write_text("trial,group\nwalk/P1,a\nrun/P1,b\n", "utf-8")
    assert read_groups(path, trials) == (["a", "b"], trials)
    path.write_text("trial;group\nwalk/P1;1,2 m/s\nrun/P1;3 m/s\n", "utf-16")  # a spreadsheet's
    assert read_groups(path, trials) == (["1,2 m/s", "3 m/s"], trials)
    path.write_text("trial,group\nwalk/P1,a\n", "utf-8")
    with pytest.raises(FileProblem, match="names no group for run/P1"):
        read_groups(path, trials)
    with pytest.raises(InputProblem, match="has 1 trials"):
        compare_groups(np.zeros((2, 1)), ["x"], ["a", "b"], ["p", "q"])
