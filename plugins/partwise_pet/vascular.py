"""How much of a curve is blood? What tracer kinetics tell, where images cannot.

Blood runs through all of a tissue, so that a factor may hold some of it and fit as well. But a
tissue answers to blood with a delay: its curve is a sum of the input convolved with falling
exponentials, all of them positive (spectral analysis: Cunningham, Jones, J. Cereb. Blood Flow
Metab. 13, 1993). What follows blood at once is blood.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import nnls
from scipy.signal import lfilter

__all__ = ["amounts_of", "answers_to", "blood_within", "first_pass_seen"]

Array = NDArray[np.float64]

_RATES = 24
_SLOWEST, _FASTEST = 0.003, 3.0  # 1/min; what is faster cannot be told from blood
_CELLS = 8_000  # of the fine grid at most
_HELD, _TOLD = 2.2, 0.03  # late part over the peak beside that of blood; residual of a tissue
_QUICK_S = 30.0  # a frame at the peak of blood that is longer shows no first pass


def first_pass_seen(blood: Array, frames: Array) -> bool:
    """Whether the frames begin before blood peaks and are short where it does.

    Parameters
    ----------
    blood : float64, shape (frames,)
    frames : float64, shape (frames, 2)
        Start and end in s.
    """
    k = int(blood.argmax())
    return bool(k > 0 and blood[0] < 0.5 * blood[k] and frames[k, 1] - frames[k, 0] <= _QUICK_S)


def blood_within(
    curve: Array, bloods: Sequence[Array], frames: Array, weights: Array
) -> tuple[Array, float]:
    """Return how much of each pool of blood a curve holds, shape (pools,), and a doubt.

    The doubt is one standard deviation of their sum, from what the curve's fit leaves over.

    Parameters
    ----------
    curve : float64, shape (frames,)
    bloods : sequence of float64, shape (frames,)
        The last of them feeds the tissue.
    frames : float64, shape (frames, 2)
        Start and end in s.
    weights : float64, shape (frames,)
    """
    columns = np.concatenate([np.stack(list(bloods), axis=1), _answers(bloods[-1], frames)], axis=1)
    found = amounts_of(curve, columns, weights)
    # As if no amount had to be at least 0, for those that are used and for what feeds the tissue.
    used = np.flatnonzero((found > 0) | (np.arange(found.size) == len(bloods) - 1))
    left = float(weights @ (curve - columns @ found) ** 2) / max(len(curve) - used.size, 1)
    pools = (used < len(bloods)).astype(np.float64)
    part = columns[:, used]
    spread = float(pools @ np.linalg.pinv((part * weights[:, None]).T @ part) @ pools)
    return found[: len(bloods)], float(np.sqrt(max(left * spread, 0.0)))


def answers_to(curve: Array, blood: Array, frames: Array) -> bool:
    """Whether a curve is that of a tissue: held longer than blood, and told by what feeds it.

    Parameters
    ----------
    curve, blood : float64, shape (frames,)
    frames : float64, shape (frames, 2)
        Start and end in s.
    """
    seconds = frames[:, 1] - frames[:, 0]
    late = frames[:, 0] >= (frames[0, 0] + frames[-1, 1]) / 2
    if curve.max() <= 0 or blood.max() <= 0 or not late.any():
        return False
    held, gone = (float(seconds[late] @ c[late]) / float(c.max()) for c in (curve, blood))
    if held <= _HELD * gone:
        return False
    columns = np.concatenate([blood[:, None], _answers(blood, frames)], axis=1)
    left = curve - columns @ amounts_of(curve, columns, seconds)
    return float(seconds @ left**2) <= _TOLD**2 * float(seconds @ curve**2)


def amounts_of(curve: Array, columns: Array, weights: Array) -> Array:
    """Return the amounts, at least 0, in which columns make up a curve best."""
    root = np.sqrt(weights)
    size = np.linalg.norm(columns * root[:, None], axis=0)
    size = np.where(size > 0, size, 1.0)
    weighted = columns * root[:, None] / size
    try:
        found = nnls(weighted, curve * root)[0]
    except RuntimeError:  # columns so alike that it does not come to an end
        found = np.maximum(np.linalg.lstsq(weighted, curve * root, rcond=None)[0], 0)
    return np.asarray(found / size)


def _answers(blood: Array, frames: Array) -> Array:
    """Frame means of the input convolved with exponentials, shape (frames, rates)."""
    edges = np.concatenate([frames[:1, 0], frames[:, 1]])
    # Gaps between frames count to the frame that follows them.
    area = np.concatenate([[0.0], np.cumsum(blood * np.diff(edges))])
    lasting = edges[-1] - edges[0]
    step = max(min(float(np.diff(edges).min()) / 5, 1.0), lasting / _CELLS)
    t = edges[0] + step * np.arange(int(np.ceil(lasting / step)) + 1)
    # Monotone through the areas: an input that is nowhere negative and has these frame means.
    fine = np.diff(PchipInterpolator(edges, area)(np.minimum(t, edges[-1]))) / step
    made = []
    for rate in (0.0, *np.geomspace(_SLOWEST, _FASTEST, _RATES)):
        fall = np.exp(-rate * step / 60)
        held = lfilter([0.5, 0.5 * fall], [1.0, -fall], fine)
        total = np.concatenate([[0.0], np.cumsum(held) * step])
        there = np.interp(frames, t, total)
        made.append((there[:, 1] - there[:, 0]) / (frames[:, 1] - frames[:, 0]))
    return np.stack(made, axis=1)
