"""A small field of synthetic tissue whose truth is known, and its analysis."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from partwise.api import Dataset, LocalJob, Result
from partwise_stain.analysis import StainAnalysis
from partwise_stain.readers import load_picture
from partwise_stain.tissue import Tissue, make_tissue


@pytest.fixture(scope="session")
def tissue() -> Tissue:
    return make_tissue(480, 400, seed=3)


@pytest.fixture(scope="session")
def tissue_path(tissue: Tissue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stain") / "tissue.png"
    Image.fromarray(tissue.rgb).save(path)
    return path


@pytest.fixture(scope="session")
def dataset(tissue_path: Path) -> Dataset:
    return load_picture(tissue_path)


@pytest.fixture(scope="session")
def result(dataset: Dataset) -> Result:
    return StainAnalysis().run(dataset, StainAnalysis.Params(stains="he"), LocalJob(seed=5))


@pytest.fixture(scope="session")
def real() -> Path:
    folder = Path(__file__).resolve().parents[4] / "shared" / "data" / "he"
    if not folder.is_dir():
        pytest.skip("the folder of real slides is not beside this clone")
    return folder
