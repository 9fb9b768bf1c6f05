"""How is a nonnegative quadratic lowered by its gradient alone?

Both ways work on ``q(F) = ½ ⟨F, C F⟩ − ⟨b, F⟩`` over F >= 0 by the gradient at
the start and products with C, so that they do not ask how C is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["nesterov", "projected"]

Array = NDArray[Any]
_STEPS = 20
_ENOUGH = 0.01  # of the first gradient; the other factor moves next anyway


def projected(F: Array, gradient: Array, curve: Callable[[Array], Array], reach: Array) -> Array:
    """Projected gradient with a line search along the bent path (Lin, Neural Comput. 19, 2007).

    Parameters
    ----------
    F, gradient
        (parts, places) where we stand, >= 0, and the derivative there.
    curve
        D -> C D.
    reach
        Largest curvature, (1, 1), or bounds that broadcast to F: where the
        first step length comes from.
    """
    step = 1.0 / max(float(np.max(reach)), 1e-300)
    enough = _ENOUGH * _slope(F, gradient)
    for _ in range(_STEPS):
        if _slope(F, gradient) <= enough:
            break
        found: tuple[float, Array, Array] | None = None
        growing: bool | None = None
        for _ in range(20):
            D = np.maximum(F - step * gradient, 0) - F
            bend = curve(D)
            fall = float((gradient * D).sum())
            # Sufficient decrease with 0.01, in the form for quadratics.
            good = 0.99 * fall + 0.5 * float((D * bend).sum()) <= 0
            if growing is None:
                growing = good
            if good:
                stands = found is not None and np.array_equal(D, found[1])
                found = step, D, bend
                if not growing or stands:
                    break
                step *= 10
            else:
                if growing:
                    break
                step *= 0.1
        if found is None:
            break
        step, D, bend = found
        F, gradient = F + D, gradient + bend
    return F


def nesterov(F: Array, gradient: Array, curve: Callable[[Array], Array], reach: Array) -> Array:
    """Nesterov's optimal gradient (Guan et al., IEEE Trans. Signal Process. 60, 2012).

    Restarted where the momentum points uphill (O'Donoghue and Candès, Found.
    Comput. Math. 15, 2015). Arguments as for `projected`; with a bound per entry
    each entry takes its own step.
    """
    step = 1.0 / np.maximum(reach, 1e-300)
    enough = _ENOUGH * _slope(F, gradient)
    ahead, slope = F, gradient
    now, now_slope = F, gradient
    t = 1.0  # as there, how far the momentum has built up
    for _ in range(_STEPS):
        new = np.maximum(ahead - step * slope, 0)
        new_slope = slope + curve(new - ahead)
        if float((slope * (new - now)).sum()) > 0:
            ahead, slope, t = now, now_slope, 1.0
            new = np.maximum(ahead - step * slope, 0)
            new_slope = slope + curve(new - ahead)
        later = (1 + np.sqrt(1 + 4 * t * t)) / 2
        push = (t - 1) / later
        ahead = new + push * (new - now)
        slope = new_slope + push * (new_slope - now_slope)
        now, now_slope, t = new, new_slope, later
        if _slope(now, now_slope) <= enough:
            break
    # Momentum may end above where it began; one plain step never does.
    if float(((now - F) * (gradient + now_slope)).sum()) > 0:
        now = np.maximum(F - step * gradient, 0)
    return np.asarray(now)


def _slope(F: Array, gradient: Array) -> float:
    """Length of the projected gradient."""
    inward = np.where(F > 0, gradient, np.minimum(gradient, 0))
    return float(np.linalg.norm(inward))
