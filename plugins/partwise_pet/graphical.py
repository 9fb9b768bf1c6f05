"""What do Patlak's and Logan's plots say of factors, regions and voxels, with which input?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise_pet.blood import Samples
from partwise_pet.kinetics import Line, logan, patlak
from partwise_pet.question import Factors
from partwise_pet.series import Series

__all__ = ["Graphical", "graphical_of", "patlak_beside"]

Array = NDArray[np.float64]
_TILE = 1 << 15


@dataclass(frozen=True, eq=False)
class Graphical:
    """Plots, numbers and maps.

    Attributes
    ----------
    kind : {"factor", "region", "samples"}
        What the input is.
    source : str
        The same in words.
    input : float64, shape (frames,)
        At the middle of each frame, in the unit of the series.
    from_min : float
    factors, regions : tuple of Line
        Patlak and Logan of the factor curves, and of the regions' curves; a line per factor.
    ki, vt : float64, shape (voxels,)
        Of every voxel looked at; NaN where there is no line.
    """

    kind: str
    source: str
    input: Array
    from_min: float
    factors: tuple[Line, Line]
    regions: tuple[Line, Line]
    ki: Array
    vt: Array


def patlak_beside(series: Series, found: Factors, plots: Graphical) -> Line:
    """Return Patlak's lines of other curves than those of `plots`, from the same time on.

    Their own factor of blood is the input where that of `plots` was.
    """
    plasma = found.W[:, found.blood[-1]] if plots.kind == "factor" else plots.input
    return patlak(
        found.W.T,
        series.middle_min,
        plasma,
        plots.from_min,
        weights=series.weights,
        frames_min=series.frames / 60,
    )


def graphical_of(
    series: Series,
    found: Factors,
    roi: Sequence[Array],
    samples: Samples | None,
    choice: str,
    from_min: float,
) -> Graphical | None:
    """Return plots for the input that is chosen; None where there is no blood, or no line."""
    t, frames = series.middle_min, series.frames / 60
    if (t >= from_min).sum() < 3:
        return None
    plasma_t: Array | None = None
    if choice == "samples" and samples is not None:
        plasma, plasma_t, source = samples.activity, samples.t_min, f"samples ({samples.name})"
        kind = "samples"
    elif found.blood:
        k = found.blood[-1]
        plasma = found.W[:, k] if choice == "factor" else roi[k]
        kind = "factor" if choice == "factor" else "region"
        source = {
            "factor": "blood factor",
            "roi": "region of the blood factor",
            "core": "region of the blood factor, as the factor's own curve fails",
        }.get(choice, "region of the blood factor")
    else:
        return None
    if np.max(plasma) <= 0:
        return None

    told: dict[str, Any] = {
        "plasma_t_min": plasma_t,
        "weights": series.weights,
        "frames_min": frames if plasma_t is None else None,
    }

    def both(curves: Array) -> tuple[Line, Line]:
        return (
            patlak(curves, t, plasma, from_min, **told),
            logan(curves, t, plasma, from_min, **told),
        )

    count = series.X.shape[1]
    ki, vt = np.empty(count), np.empty(count)
    for first in range(0, count, _TILE):
        piece = slice(first, first + _TILE)
        lines = both(series.X[:, piece].T)
        ki[piece], vt[piece] = lines[0].slope, lines[1].slope
    at = plasma if plasma_t is None else np.interp(t, plasma_t, plasma)
    return Graphical(
        kind, source, np.asarray(at), from_min, both(found.W.T), both(np.stack(list(roi))), ki, vt
    )
