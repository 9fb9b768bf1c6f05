"""Blood is moved from a tissue's curve to that of blood only where the sum of all stays."""

from __future__ import annotations

import numpy as np
import pytest

from partwise.api import LocalJob
from partwise_pet import scale
from partwise_pet.core import cores_of
from partwise_pet.factors import find_factors
from partwise_pet.nifti import load_nifti
from partwise_pet.question import Factors, Question
from partwise_pet.samples import heart_series
from partwise_pet.series import Series, Settings, prepare


def left(question: Question, found: Factors) -> float:
    """Share of the weighted squares that no factor explains."""
    off = ((question.X - found.W @ found.H) ** 2).sum(axis=1) @ question.weights
    return float(off / ((question.X**2).sum(axis=1) @ question.weights))


@pytest.fixture(scope="module")
def asked() -> tuple[Series, Question]:
    settings = Settings(region="box 2:28 3:23 8:12")
    series = prepare(load_nifti(heart_series()), settings, 6, LocalJob())
    question = Question(
        series.X, series.weights, series.frames, series.mask, 6, spacing_mm=series.spacing_mm
    )
    return series, question


def test_a_factor_that_is_one_too_many_does_not_spoil_the_others(
    asked: tuple[Series, Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    series, question = asked
    found = find_factors(question)
    cores = cores_of(found.H, series.mask, question.anchors, found.W)
    places = np.flatnonzero(series.mask)
    seen = [series.mean_curve(places[core.columns]) for core in cores]
    scaled = scale.scaled_by_core(found, cores, seen, question)
    assert left(question, scaled) < left(question, found) + 0.002
    # What is held back is what would have been lost.
    monkeypatch.setattr(scale, "_STAYS", np.inf)
    spoiled = scale.scaled_by_core(found, cores, seen, question)
    assert left(question, spoiled) > left(question, found) + 0.1
