"""How far may Ki be off? Noise, blood in the tissue, and what is known of blur, in one band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise_pet.kinetics import Line
from partwise_pet.question import Factors, Spill

__all__ = ["MODEL", "RATE", "Uptake", "uptakes_of"]

Array = NDArray[np.float64]

RATE = 0.9
"""How often the band is to hold the truth; tests/bench/pet.py counts how often it does."""
MODEL = 0.045
"""Of Ki, one standard deviation: edges, curves and the straight line are none of nature's."""
_TIMES = 1.645  # standard deviations on either side for that


@dataclass(frozen=True)
class Uptake:
    """Ki of a tissue, and between which values it lies in nine of ten simulated scans.

    Attributes
    ----------
    factor : int
    ki, low, high : float
        ml/cm³/min.
    line, core, blood : float
        Shares of Ki, one standard deviation each: noise about the line, what the core is made
        of, and the scale of the input.
    """

    factor: int
    ki: float
    low: float
    high: float
    line: float
    core: float
    blood: float


def uptakes_of(found: Factors, line: Line, from_factor: bool) -> tuple[Uptake, ...]:
    """Return a band for each tissue whose core is known.

    Parameters
    ----------
    found : Factors
        Scaled by their cores.
    line : Line
        Patlak's, a line per factor.
    from_factor : bool
        Whether the input is the factor of blood; samples are taken as they are.
    """
    blood = _of_input(found.spill_of(found.blood[-1])) if from_factor and found.blood else 0.0
    told = []
    for own in found.owns:
        ki = float(line.slope[own.factor])
        if not np.isfinite(ki) or ki <= 0:
            continue
        noise = _of_line(line, own.factor) / ki
        core = own.off / own.share
        reach = float(np.exp(_TIMES * np.sqrt(noise**2 + core**2 + blood**2 + MODEL**2)))
        told.append(Uptake(own.factor, ki, ki / reach, ki * reach, noise, core, blood))
    return tuple(told)


def _of_line(line: Line, k: int) -> float:
    """Standard error of a slope."""
    known = line.used & np.isfinite(line.x[k]) & np.isfinite(line.y[k])
    x, y = line.x[k][known], line.y[k][known]
    if x.size < 3:
        return float(line.slope[k])
    left = y - line.intercept[k] - line.slope[k] * x
    around = float(np.square(x - x.mean()).sum())
    return float(np.sqrt(np.square(left).sum() / (x.size - 2) / max(around, 1e-300)))


def _of_input(spill: Spill | None) -> float:
    """What the doubt about the blur does to the scale of blood.

    What blur takes grows about with the square of its width.
    """
    if spill is None:
        return 0.0
    return 2 * spill.doubt_mm / spill.width_mm * (1 - spill.recovery)
