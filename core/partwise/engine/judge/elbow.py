"""From which rank on is the curve only a line?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from partwise.engine.errors import InputProblem

__all__ = ["line_rule"]


def line_rule(ranks: ArrayLike, curve: ArrayLike, threshold: float = 1e-4) -> int:
    """Return the smallest rank from which the rest of the curve is straight.

    Straight means that the mean squared residual of a least-squares line
    through the points from that rank to the last is at most `threshold`. The
    rule of the muscle-synergy literature for a curve of R² (Cheung, d'Avella,
    Tresch and Bizzi, J. Neurosci. 25, 2005; d'Avella, Portone, Fernandez and
    Lacquaniti, J. Neurosci. 26, 2006).

    Parameters
    ----------
    ranks
        (k,) increasing ranks.
    curve
        (k,) the goodness of fit at each of them, such as R² or VAF.
    threshold
        Largest mean squared residual, in squared units of `curve`.

    Returns
    -------
    rank
        One of `ranks`. Two points always lie on a line: an answer within the
        last two ranks means that the scan ended before the curve was straight.

    Raises
    ------
    InputProblem
        If the two do not go together or hold values that are not finite.

    Examples
    --------
    >>> line_rule([1, 2, 3, 4, 5, 6], [0.5, 0.8, 0.9, 0.91, 0.92, 0.93])
    3
    """
    x = np.asarray(ranks, dtype=np.float64)
    y = np.asarray(curve, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise InputProblem(
            f"ranks have shape {x.shape} and curve {y.shape}",
            argument="curve",
            fix="give one value per rank",
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputProblem(
            "ranks or curve hold values that are not finite",
            argument="curve",
            fix="leave those ranks out",
        )
    for first in range(x.size):
        across = x[first:] - x[first:].mean()
        up = y[first:] - y[first:].mean()
        square = float(across @ across)
        slope = float(across @ up) / square if square > 0 else 0.0
        if float(np.mean((up - slope * across) ** 2)) <= threshold:
            break
    return int(x[first])
