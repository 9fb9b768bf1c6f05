"""Leukaemia by consensus, as published.

Brunet, Tamayo, Golub and Mesirov (PNAS 101, 2004): two parts tell lymphoblastic
from myeloid samples, three also tell B from T cells, and the cophenetic
correlation is high for both and falls beyond.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from partwise.engine.judge.consensus import consensus_clusters
from partwise.engine.judge.rank import RankScan, rank_scan


@pytest.fixture(scope="module")
def leukaemia(shared_data: Path) -> Any:
    path = shared_data / "systems" / "expression" / "leukemia_all_aml.npz"
    if not path.is_file():
        pytest.skip("the leukaemia samples are not among the shared data")
    return np.load(path)


@pytest.fixture(scope="module")
def scan(leukaemia: Any) -> RankScan:
    X = leukaemia["V"].astype(np.float32)
    return rank_scan(X, [2, 3, 5], loss="kl", starts=6, heldout=0, max_iter=50)


def misplaced(scan: RankScan, rank: int, names: Any, classes: Any) -> set[str]:
    """The samples that lie in a cluster where another class is the majority."""
    consensus = scan.consensus[int(np.flatnonzero(scan.rank == rank)[0])]
    clusters = consensus_clusters(consensus, rank)
    wrong = set()
    for cluster in range(rank):
        members = np.flatnonzero(clusters == cluster)
        kinds, counts = np.unique(classes[members], return_counts=True)
        wrong |= {str(names[i]) for i in members if classes[i] != kinds[counts.argmax()]}
    return wrong


def test_two_parts_tell_lymphoblastic_from_myeloid(leukaemia: Any, scan: RankScan) -> None:
    names = leukaemia["samples"]
    classes = np.array([str(name)[:3] for name in names])
    assert misplaced(scan, 2, names, classes) <= {"AML_13"}


def test_three_parts_also_tell_b_from_t_cells(leukaemia: Any, scan: RankScan) -> None:
    names = leukaemia["samples"]
    classes = np.array([str(name)[:3] + str(name)[-6:] * ("cell" in str(name)) for name in names])
    assert len(set(classes.tolist())) == 3
    assert len(misplaced(scan, 3, names, classes)) <= 1


def test_agreement_is_high_at_two_and_three_parts_and_falls_beyond(scan: RankScan) -> None:
    two, three, five = scan.cophenetic
    assert min(two, three) > 0.99
    assert five < min(two, three) - 0.01
