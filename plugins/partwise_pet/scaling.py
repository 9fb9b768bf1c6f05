"""What are the values of a series multiplied with? Decay, and SUV where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, InputProblem

__all__ = ["Scaling", "half_life_s", "scaled"]

Array = NDArray[np.float64]

_BQ_PER_ML = {"bq/ml": 1.0, "bq/cc": 1.0, "kbq/ml": 1e3, "kbq/cc": 1e3, "mbq/ml": 1e6}
_LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class Scaling:
    """What is asked of `scaled`. 0 is as the file says.

    Attributes
    ----------
    decay : {"file", "corrected", "uncorrected"}
    half_life_min : float
    suv : bool
    dose_mbq : float
        At the time of injection.
    weight_kg : float
    """

    decay: str = "file"
    half_life_min: float = 0.0
    suv: bool = False
    dose_mbq: float = 0.0
    weight_kg: float = 0.0


def half_life_s(dataset: Dataset, asked: Scaling) -> float | None:
    """Return the half-life of the tracer; None where nobody says it."""
    if asked.half_life_min:
        return 60 * asked.half_life_min
    told = dataset.meta.get("half_life_s")
    return float(told) if isinstance(told, int | float) else None


def scaled(dataset: Dataset, asked: Scaling, frames: Array) -> tuple[Array, str, list[str]]:
    """Return a factor for each frame, the unit, and what a person should know.

    Parameters
    ----------
    dataset : Dataset
    asked : Scaling
    frames : float64, shape (frames, 2)
        Start and end in s.

    Raises
    ------
    InputProblem
        A half-life, dose, weight or unit that is needed and that nobody says.
    """
    scale, notes = np.ones(len(frames)), []
    said = {"corrected": True, "uncorrected": False}.get(asked.decay)
    corrected = dataset.meta.get("decay_corrected") if said is None else said
    if corrected is False:
        scale = _undecayed(dataset, asked, frames)
        who = "as the file says that it was not" if said is None else "as asked for"
        notes.append(f"Corrected for decay here, {who}.")
    elif corrected is None:
        notes.append("No file says whether decay was corrected; it was taken so.")
    if not asked.suv:
        return scale, str(dataset.meta.get("unit", "")), notes
    at = 0.0 if corrected is False else dataset.meta.get("decay_reference_s", 0.0)
    left, told = _left_of_dose(dataset, half_life_s(dataset, asked), at)
    factor, said_of_it = _suv(dataset, asked, left)
    return scale * factor, "SUV", [*notes, *told, said_of_it]


def _undecayed(dataset: Dataset, asked: Scaling, frames: Array) -> Array:
    half = half_life_s(dataset, asked)
    if half is None:
        raise InputProblem(
            f"{dataset.title} is not corrected for decay, and its half-life is not told",
            argument="half_life",
            fix="give it under Half-life (half_life, min), or add RadionuclideHalfLife to the "
            "sidecar",
        )
    rate = _LN2 / half
    seconds = frames[:, 1] - frames[:, 0]
    # Mean of the decay over the frame, not its value in the middle.
    return np.asarray(
        rate * seconds / (np.exp(-rate * frames[:, 0]) - np.exp(-rate * frames[:, 1]))
    )


def _suv(dataset: Dataset, asked: Scaling, left: float) -> tuple[float, str]:
    """What activity is multiplied with: body weight over what is left of the dose."""
    unit = str(dataset.meta.get("unit", ""))
    per = _BQ_PER_ML.get(unit.lower().replace(" ", ""))
    if per is None:
        already = unit.lower() in ("g/ml", "suv")
        raise InputProblem(
            f"SUV needs values in Bq/mL, and those of {dataset.title} are "
            + (f"in {unit}" if unit else "in no unit that a file tells"),
            argument="suv",
            fix="turn SUV off: the values are SUV already"
            if already
            else "export the series in Bq/mL, or turn SUV off",
        )
    dose = asked.dose_mbq * 1e6 or dataset.meta.get("dose_bq")
    weight = asked.weight_kg or dataset.meta.get("weight_kg")
    if not isinstance(dose, int | float) or not isinstance(weight, int | float):
        named = ((dose, "the injected activity"), (weight, "the body weight"))
        missing = [words for value, words in named if not isinstance(value, int | float)]
        raise InputProblem(
            f"SUV needs {' and '.join(missing)}, which no file tells",
            argument="suv",
            fix="give it under Injected activity (dose, MBq) and Body weight (weight, kg), or turn "
            "SUV off",
        )
    dose *= left
    return per * 1000.0 * weight / dose, f"SUV from {dose / 1e6:.4g} MBq and {weight:g} kg."


def _left_of_dose(dataset: Dataset, half: float | None, at: object) -> tuple[float, list[str]]:
    """The share of the dose that is left when the values are corrected to, at `at` s."""
    injected = dataset.meta.get("injected_s")
    if not isinstance(injected, int | float) or not isinstance(at, int | float):
        return 1.0, [
            (
                "No file says when the tracer was injected; its activity was taken as that of the "
                "moment to which the values are corrected for decay."
            )
        ]
    later = float(at - injected)
    if abs(later) <= 1:
        return 1.0, []
    moment = f"{later / 60:.3g} min, up to the moment to which the values are corrected"
    if half is None:
        return 1.0, [f"No file says the half-life: the dose was not let decay for {moment}."]
    return float(np.exp(-_LN2 / half * later)), [f"The dose decayed for {moment}."]
