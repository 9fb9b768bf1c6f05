"""A simulated walker whose synergies are known, and its analysis."""

from __future__ import annotations

from pathlib import Path

import pytest

from partwise.api import Dataset, LocalJob, Result
from partwise_emg.analysis import SynergyAnalysis
from partwise_emg.planted import Walker, simulate, write_walker
from partwise_emg.readers import load_recording


@pytest.fixture(scope="session")
def walker() -> Walker:
    return simulate(steps=7, seed=5)


@pytest.fixture(scope="session")
def walker_path(walker: Walker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("emg") / "walker.npz"
    write_walker(path, walker)
    return path


@pytest.fixture(scope="session")
def dataset(walker_path: Path) -> Dataset:
    return load_recording(walker_path)


@pytest.fixture(scope="session")
def result(dataset: Dataset) -> Result:
    asked = SynergyAnalysis.Params(starts=5, bootstrap=40)
    return SynergyAnalysis().run(dataset, asked, LocalJob(seed=5))


@pytest.fixture(scope="session")
def emg(shared_data: Path) -> Path:
    return shared_data / "emg"
