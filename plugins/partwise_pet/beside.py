"""What else could Ki be? Under another blur, from what a core itself shows, with blood shaken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partwise_pet.core import Core
from partwise_pet.kinetics import Line
from partwise_pet.question import Factors, Question
from partwise_pet.scale import scaled_by_core

__all__ = ["Beside", "beside_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Beside:
    """Lines of Patlak's plot beside those of the answer, a line per factor in each.

    Attributes
    ----------
    here : Line
        Of the answer itself, found in the same way as the others.
    widths : tuple of Line
        For a blur that is narrower, and one that is wider; empty where no width is known.
    seen : Line
        Of the curves that the cores of tissues show once blood and surroundings are taken off.
    shaken : tuple of Line
        With blood moved by one standard deviation of its noise, one direction after another.
    """

    here: Line
    widths: tuple[Line, ...]
    seen: Line
    shaken: tuple[Line, ...]


def beside_of(
    loose: Factors,
    found: Factors,
    cores: Sequence[Core],
    roi: Sequence[Array],
    question: Question,
    line_of: Callable[[Factors], Line],
) -> Beside:
    """Return what Ki is judged by.

    Parameters
    ----------
    loose, found : Factors
        Before and after they were scaled by their cores.
    cores : sequence of Core
    roi : sequence of float64, shape (frames,)
        Mean curve of what was measured in each core.
    question : Question
    line_of : callable
        Patlak's lines of the curves of some factors.
    """
    widths = tuple(
        line_of(scaled_by_core(loose.taken_off(spills), cores, roi, question))
        for spills in (loose.narrower, loose.wider)
        if spills
    )
    shown = found.W.copy()
    for own in found.owns:
        shown[:, own.factor] = own.seen
    seen = line_of(replace(found, W=shown))
    shaken = tuple(line_of(each) for each in _shaken(found, roi, question.weights))
    return Beside(line_of(found), widths, seen, shaken)


def _shaken(found: Factors, roi: Sequence[Array], weights: Array) -> list[Factors]:
    """Blood as its core might have shown it: noise within what all curves span.

    How much noise a core has is told by what its mean curve has outside of that span.
    """
    if not found.blood:
        return []
    k = found.blood[-1]
    spill = found.spill_of(k)
    recovery = spill.recovery if spill is not None else 1.0
    root = np.sqrt(weights)[:, None]
    span, sizes, _ = np.linalg.svd(found.W * root, full_matrices=False)
    kept = sizes > 1e-9 * sizes.max(initial=0)
    curve = roi[k] * root[:, 0]
    left = curve - span[:, kept] @ (span[:, kept].T @ curve)
    noise = np.sqrt(float(left @ left) / max(len(curve) - int(kept.sum()), 1)) / recovery
    made = []
    # Of equal size in each direction: the frames are weighted to have the same noise.
    for way in (span[:, kept] / root).T:
        W = found.W.copy()
        W[:, k] = np.maximum(W[:, k] + noise * way, 1e-9 * W[:, k].max())
        made.append(replace(found, W=W))
    return made
