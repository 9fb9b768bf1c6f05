"""How far may Ki be off? Noise, what a core is made of, and what is known of blur, in one band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise_pet.beside import Beside
from partwise_pet.kinetics import Line
from partwise_pet.question import BESIDE_MM, Factors

__all__ = ["MODEL", "RATE", "Uptake", "uptakes_of"]

Array = NDArray[np.float64]

RATE = 0.9
"""How often the band is to hold the truth; tests/bench/pet.py counts how often it does."""
MODEL = 0.035
"""Of Ki, one standard deviation: edges, curves and the straight line are none of nature's."""
_TIMES = 1.645  # standard deviations on either side for that
_HIDDEN = 0.15  # of the share of a pool that its core does not show: how far off that share is
_OUTSIDE = 0.25  # of the surroundings in a tissue's core: the edge of a thin wall is hard to tell
_MOST = 1.0  # of a logarithm; what is further away is no better known


@dataclass(frozen=True)
class Uptake:
    """Ki of a tissue, and between which values it lies in nine of ten simulated scans.

    Attributes
    ----------
    factor : int
    ki, low, high : float
        ml/cm³/min.
    line, core, mixed, blur, blood : float
        Shares of Ki, one standard deviation each: noise about the line, what the core is made
        of, how far the core's own curve is from the factor's, the blur's width, and the input.
    narrower, wider : float
        Ki, were the blur by `BESIDE_MM` narrower or wider; NaN where nothing is known of blur.
    """

    factor: int
    ki: float
    low: float
    high: float
    line: float
    core: float
    mixed: float
    blur: float
    blood: float
    narrower: float = float("nan")
    wider: float = float("nan")


def uptakes_of(found: Factors, line: Line, from_factor: bool, beside: Beside) -> tuple[Uptake, ...]:
    """Return a band for each tissue whose core is known.

    Parameters
    ----------
    found : Factors
        Scaled by their cores.
    line : Line
        Patlak's, a line per factor.
    from_factor : bool
        Whether the input is the factor of blood; samples are taken as they are.
    beside : Beside
    """
    spill = found.spill_of(found.blood[-1]) if from_factor and found.blood else None
    hidden = _HIDDEN * (1 - spill.recovery) if spill is not None else 0.0
    told = []
    for own in found.owns:
        k, ki = own.factor, float(line.slope[own.factor])
        if not np.isfinite(ki) or ki <= 0:
            continue
        shaken = [_apart(each, beside.here, k) for each in beside.shaken] if from_factor else []
        blood = float(np.hypot(np.linalg.norm(shaken), hidden))
        mixed = abs(_apart(beside.seen, beside.here, k))
        widths = [_apart(each, beside.here, k) for each in beside.widths]
        blur = 0.0
        if len(widths) == 2:
            blur = abs(widths[1] - widths[0]) / (2 * BESIDE_MM) * found.spills[0].doubt_mm
        noise = _of_line(line, k) / ki
        core = float(np.hypot(own.off, _OUTSIDE * own.outside)) / own.share
        parts = (noise, core, mixed, blur, blood, MODEL)
        reach = float(np.exp(_TIMES * np.linalg.norm(parts)))
        others = [ki * float(np.exp(each)) for each in widths] or [float("nan")] * 2
        told.append(Uptake(k, ki, ki / reach, ki * reach, noise, core, mixed, blur, blood, *others))
    return tuple(told)


def _apart(line: Line, here: Line, k: int) -> float:
    """How far one slope is from another, as a logarithm."""
    slope, own = float(line.slope[k]), float(here.slope[k])
    if not (slope > 0 and own > 0):
        return _MOST
    return float(np.clip(np.log(slope / own), -_MOST, _MOST))


def _of_line(line: Line, k: int) -> float:
    """Standard error of a slope."""
    known = line.used & np.isfinite(line.x[k]) & np.isfinite(line.y[k])
    x, y = line.x[k][known], line.y[k][known]
    if x.size < 3:
        return float(line.slope[k])
    left = y - line.intercept[k] - line.slope[k] * x
    around = float(np.square(x - x.mean()).sum())
    return float(np.sqrt(np.square(left).sum() / (x.size - 2) / max(around, 1e-300)))
