"""Activity over dose per weight: what is known, what is asked for, and as of which moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.plugins.pet.test_readers import SHAPE, write_dicom

from partwise.api import InputProblem, LocalJob
from partwise_pet.dicom import load_dicom
from partwise_pet.nifti import load_nifti
from partwise_pet.scaling import Scaling
from partwise_pet.series import Series as Ready
from partwise_pet.series import Settings, prepare

Series = Callable[..., Path]
HALF_S = 6586.2
KNOWN = {"InjectedRadioactivity": 370, "InjectedRadioactivityUnits": "MBq", "BodyWeight": 74}


def ready(path: Path, **asked: Any) -> Ready:
    settings = Settings(threshold=0, scaling=Scaling(suv=True, **asked))
    return prepare(load_nifti(path), settings, 2, LocalJob())


@pytest.mark.parametrize(("unit", "per"), [("Bq/mL", 1), ("kBq/ml", 1e3), ("Bq/cc", 1)])
def test_suv_is_activity_over_dose_per_gram(series: Series, unit: str, per: float) -> None:
    made = ready(series(Units=unit, InjectionStart=0, **KNOWN))
    assert made.unit == "SUV"
    np.testing.assert_allclose(made.scale, per * 74_000 / 370e6)
    assert any("SUV from 370 MBq and 74 kg" in note for note in made.notes)


@pytest.mark.parametrize(
    ("fields", "minutes"),
    [
        ({"InjectionStart": 0}, 0),
        ({"InjectionStart": -1800}, 30),
        ({"InjectionStart": 0, "ImageDecayCorrectionTime": 600}, 10),
        ({"InjectionStart": -1800, "ImageDecayCorrectionTime": -1800}, 0),
    ],
)
def test_the_dose_decays_up_to_the_moment_that_values_are_corrected_to(
    series: Series, fields: dict[str, Any], minutes: float
) -> None:
    made = ready(series(**KNOWN, **fields))
    left = 0.5 ** (60 * minutes / HALF_S)
    np.testing.assert_allclose(made.scale, 74_000 / (370e6 * left))
    assert any("dose decayed" in note for note in made.notes) == (minutes > 0)


def test_an_injection_that_no_file_tells_is_said(series: Series) -> None:
    made = ready(series(**KNOWN))
    assert any("No file says when the tracer was injected" in note for note in made.notes)


def test_what_a_file_does_not_tell_can_be_given(series: Series) -> None:
    path = series(InjectionStart=0)
    with pytest.raises(InputProblem) as caught:
        ready(path)
    assert "the injected activity and the body weight, which no file tells" in str(caught.value)
    assert "dose, MBq" in caught.value.fix
    with pytest.raises(InputProblem, match="SUV needs the body weight, which"):
        ready(path, dose_mbq=185)
    made = ready(path, dose_mbq=185, weight_kg=60)
    np.testing.assert_allclose(made.scale, 60_000 / 185e6)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("SUV", "SUV already"),
        ("g/mL", "SUV already"),
        (None, "in no unit"),
        ("counts", "in counts"),
    ],
)
def test_units_that_are_no_activity_are_refused(series: Series, unit: Any, words: str) -> None:
    with pytest.raises(InputProblem) as caught:
        ready(series(Units=unit, **KNOWN))
    assert words in str(caught.value)


def test_decay_can_be_said_where_no_file_does(series: Series) -> None:
    path = series(ImageDecayCorrected=None, RadionuclideHalfLife=None)

    def of(**asked: Any) -> Ready:
        settings = Settings(threshold=0, scaling=Scaling(**asked))
        return prepare(load_nifti(path), settings, 2, LocalJob())

    np.testing.assert_array_equal(of().scale, 1)
    assert any("taken so" in note for note in of().notes)
    assert not any("decay" in note for note in of(decay="corrected").notes)
    with pytest.raises(InputProblem, match="half-life is not told"):
        of(decay="uncorrected")
    made = of(decay="uncorrected", half_life_min=HALF_S / 60)
    rate = np.log(2) / HALF_S
    np.testing.assert_allclose(made.scale, np.exp(rate * 60 * made.middle_min), rtol=1e-4)
    assert any("Corrected for decay here, as asked for" in note for note in made.notes)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [({"DecayCorrection": "START"}, 15), ({"DecayCorrection": "ADMIN"}, 0)],
)
def test_dicom_says_to_which_moment_it_is_corrected(
    tmp_path: Path, fields: dict[str, str], seconds: float
) -> None:
    counts = np.random.default_rng(0).integers(1, 30000, SHAPE).astype(np.int16)
    dataset = load_dicom(write_dicom(tmp_path / "d", counts, 1.0, **fields))
    settings = Settings(threshold=0, scaling=Scaling(suv=True))
    made = prepare(dataset, settings, 2, LocalJob())
    left = 0.5 ** (seconds / HALF_S)
    np.testing.assert_allclose(made.scale, 80_000 / (370e6 * left), rtol=1e-9)
