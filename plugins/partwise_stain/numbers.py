"""Which numbers go into the report? Areas, grades and nuclei with intervals over fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partwise.api import Measure, Table
from partwise_stain.nuclei import Nuclei
from partwise_stain.trust import in_sentence
from partwise_stain.unmix import AREA_OD, Fields

__all__ = ["Counted", "Number", "numbers", "numbers_table", "read_grades"]

_TIMES = 400
_FEWEST = 6  # fields; fewer say nothing of how they vary
# µm² of tissue that nuclei are told of: in less than some ten of them fill, one more or less is
# another density.
_LEAST_TISSUE = 1000.0
_SCALE = 0.5  # µm per pixel, where the file does not say


class Counted(Protocol):
    """What numbers are made of: tissue in pixels, sums of OD over it, and counts per field."""

    @property
    def tissue(self) -> int: ...

    @property
    def amount(self) -> NDArray[np.float64]: ...

    @property
    def fields(self) -> Fields: ...


@dataclass(frozen=True)
class Number:
    """A number with its 95 % interval over fields; None where there are too few fields."""

    name: str
    value: float
    unit: str
    meaning: str
    interval: tuple[float, float] | None = None

    def measure(self) -> Measure:
        """As the report has it."""
        meaning = self.meaning
        if self.interval:
            low, high = (_short(bound) for bound in self.interval)
            meaning += f" 95 % interval {low} to {high} over fields."
        return Measure(self.name, self.value, self.unit, meaning)


def numbers(
    counted: Counted,
    names: Sequence[str],
    grades: tuple[float, float, float],
    nuclei: Nuclei | None,
    seed: int,
    *,
    area_od: float = AREA_OD,
) -> list[Number]:
    """Return areas of all stains, grades of a chromogen, and nuclei.

    `area_od` is the OD from which the fields of `counted` hold a pixel for stained.
    """
    rng = np.random.default_rng([seed, 2])
    fields = counted.fields
    held = fields.tissue > 0
    tissue = fields.tissue[held]
    told = []
    for k, name in enumerate(names):
        told += [
            Number(
                f"{name}, mean",
                float(counted.amount[k]) / max(counted.tissue, 1),
                "OD",
                f"Mean optical density of {in_sentence(name)} in tissue.",
            ),
            _ratio(
                f"{name}, area",
                "%",
                f"Share of tissue with more than {area_od:g} OD of {in_sentence(name)}.",
                (100 * fields.stained[held, k], tissue),
                rng,
            ),
        ]
    if len(names) > 1 and names[1] in ("DAB", "AEC"):
        told += _graded(names[1], fields.graded[held], tissue, grades, rng)
    if nuclei is not None and len(nuclei.per_field):
        told += _of_nuclei(names, nuclei, grades, rng)
    return told


def _graded(
    name: str,
    graded: NDArray[np.float64],
    tissue: NDArray[np.float64],
    grades: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Number]:
    weak, moderate, strong = (f"{grade:g}" for grade in grades)
    return [
        _ratio(
            f"{name}, positive tissue",
            "%",
            f"Share of tissue with at least {weak} OD of {name}.",
            (100 * graded.sum(axis=1), tissue),
            rng,
        ),
        _ratio(
            f"{name}, H-score by area",
            "of 300",
            f"Weak tissue once, moderate twice, strong three times, from {weak}, {moderate} and "
            f"{strong} OD of {name}.",
            (100 * graded @ np.array([1.0, 2.0, 3.0]), tissue),
            rng,
        ),
    ]


def _of_nuclei(
    names: Sequence[str],
    nuclei: Nuclei,
    grades: tuple[float, float, float],
    rng: np.random.Generator,
) -> list[Number]:
    count = nuclei.per_field.astype(np.float64)
    if float(nuclei.tissue.sum()) * (nuclei.pixel or _SCALE) ** 2 < _LEAST_TISSUE:
        return []
    if nuclei.pixel is None:
        # Without a scale, half a micron is assumed in what a nucleus is; no area can be told.
        told = [_ratio("Nuclei", "per Mpx", _NUCLEI, (1e6 * count, nuclei.tissue), rng)]
    else:
        area = nuclei.tissue * (nuclei.pixel / 1000) ** 2
        told = [_ratio("Nuclei", "per mm²", _NUCLEI, (count, area), rng)]
    if len(names) > 1 and names[1] in ("DAB", "AEC") and count.sum() > 0:
        each = np.array([[float((od >= g).sum()) for g in grades] for od in nuclei.second])
        told += [
            _ratio(
                f"{names[1]}, positive nuclei",
                "%",
                f"Share of counted nuclei with at least {grades[0]:g} OD of {names[1]}.",
                (100 * each[:, 0], count),
                rng,
            ),
            _ratio(
                f"{names[1]}, H-score of nuclei",
                "of 300",
                "Weak nuclei once, moderate twice, strong three times.",
                (100 * each.sum(axis=1), count),
                rng,
            ),
        ]
    return told


_NUCLEI = "Blobs of haematoxylin of a nucleus's size, counted in up to 16 fields, by tissue."


def _ratio(
    name: str,
    unit: str,
    meaning: str,
    sums: tuple[NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
) -> Number:
    """A ratio of two sums over fields, with the percentile interval when fields are resampled."""
    above, below = sums
    value = float(above.sum() / max(below.sum(), 1e-12))
    if len(above) < _FEWEST:
        return Number(name, value, unit, meaning)
    times = rng.multinomial(len(above), np.full(len(above), 1 / len(above)), size=_TIMES)
    values = (times @ above) / np.maximum(times @ below, 1e-12)
    low, high = np.percentile(values, [2.5, 97.5])
    return Number(name, value, unit, meaning, (float(low), float(high)))


def numbers_table(told: Sequence[Number]) -> Table:
    """The same numbers as a table, intervals in columns of their own."""
    rows = tuple(
        (
            number.name,
            _rounded(number.value),
            _rounded(number.interval[0]) if number.interval else "",
            _rounded(number.interval[1]) if number.interval else "",
            number.unit,
        )
        for number in told
    )
    return Table("Numbers with 95 % intervals", ("Measure", "Value", "Low", "High", "Unit"), rows)


def read_grades(text: str) -> tuple[float, float, float]:
    """Read ``weak,moderate,strong``; raises `ValueError` unless they rise from above 0."""
    values = [float(part) for part in text.split(",")]
    if len(values) != 3 or not 0 < values[0] < values[1] < values[2] < 10:
        msg = "three rising optical densities are needed, as in 0.2,0.4,0.6"
        raise ValueError(msg)
    return (values[0], values[1], values[2])


def _short(value: float) -> str:
    return f"{_rounded(value):g}"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
