"""Figures from the literature, on the data they were found on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from partwise.engine import nmf
from partwise.engine.models import convolutive_nmf, parafac, symmetric_nmf

networkx = pytest.importorskip("networkx")


def _mutual(truth: np.ndarray, found: np.ndarray) -> float:
    """Normalised mutual information, by the arithmetic mean of entropies."""
    table = np.zeros((truth.max() + 1, found.max() + 1))
    np.add.at(table, (truth, found), 1 / len(truth))
    a, b = table.sum(axis=1), table.sum(axis=0)
    there = table > 0
    information = (table[there] * np.log(table[there] / np.outer(a, b)[there])).sum()
    entropies = [-(p[p > 0] * np.log(p[p > 0])).sum() for p in (a, b)]
    return float(2 * information / sum(entropies))


def _systems(shared_data: Path) -> Path:
    folder = shared_data / "systems"
    if not folder.is_dir():
        pytest.skip("the data of the other systems are not beside this clone")
    return folder


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_two_sides_of_the_karate_club(seed: int) -> None:
    club = networkx.karate_club_graph()
    A = networkx.to_numpy_array(club, weight=None)
    side = np.array([club.nodes[i]["club"] == "Officer" for i in club], dtype=int)
    fit = symmetric_nmf(A, 2, starts=10, seed=seed)
    assert _mutual(side, fit.W.argmax(axis=1)) >= 0.83


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_conferences_of_football(shared_data: Path, seed: int) -> None:
    path = _systems(shared_data) / "networks" / "football.gml"
    graph = networkx.read_gml(path, label="id")
    A = networkx.to_numpy_array(graph, weight=None)
    conference = np.array([graph.nodes[i]["value"] for i in graph])
    fit = symmetric_nmf(A, 12, starts=20, seed=seed)
    assert _mutual(conference, fit.W.argmax(axis=1)) >= 0.9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_sequences_of_a_songbird(shared_data: Path, seed: int) -> None:
    path = _systems(shared_data) / "neural" / "MackeviciusData.mat"
    X = scipy.io.loadmat(path)["NEURAL"]

    def power(Y: np.ndarray) -> float:
        return float(1 - ((X - Y) ** 2).sum() / (X**2).sum())

    plain = nmf(X, 3, starts=3, seed=seed)
    fit = convolutive_nmf(X, 3, 20, seed=seed)
    assert power(plain.W @ plain.H) == pytest.approx(0.24, abs=0.01)
    assert power(fit.whole) >= 0.39


def test_the_response_tensor_with_its_holes(shared_data: Path) -> None:
    path = _systems(shared_data) / "tensor" / "il2_response_tensor.npy"
    T = np.load(path)
    T = np.where(np.isnan(T), np.nan, np.maximum(T, 0))
    fit = parafac(T, 4, starts=2, max_iter=300)
    known = np.isfinite(T)
    assert [len(F) for F in fit.factors] == list(T.shape)
    assert 1 - 2 * fit.loss / (T[known] ** 2).sum() > 0.9
