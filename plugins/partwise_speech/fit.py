"""How much of each atom is in each patch? Kullback-Leibler updates, speech fixed, noise learning.

Multiplicative updates (Lee and Seung, NIPS 13, 2000) of V ≈ D·Hs + N·Hn with the atoms of speech
kept (Schmidt, Larsen and Hsiao, MLSP 2007) and those of noise adapted to the recording as it is
fitted; the activations of speech are sparse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Activations", "learn_noise", "separate"]

Array = NDArray[np.float32]

_TINY = np.float32(1e-9)


@dataclass(frozen=True, eq=False)
class Activations:
    """What one stretch is made of.

    Attributes
    ----------
    speech, noise : ndarray of float32, shape (features, patches)
        Both models, D·Hs and N·Hn.
    atoms : ndarray of float32, shape (features, noise atoms)
        N as adapted.
    active : ndarray of float32, shape (noise atoms, patches)
        Hn.
    used : ndarray of float32, shape (speech atoms,)
        Sum of each row of Hs.
    trace : tuple of float
        Divergence, at each adaptation of the noise and at the end.
    updates : int
    kkt : float
        Mean relative change that the last update made to the activations, by their amount.
    square, error : float
        Sum of squares of V and of V less both models.
    mass, missed : float
        Sum of V, and of how much V differs from both models.
    """

    speech: Array
    noise: Array
    atoms: Array
    active: Array
    used: Array
    trace: tuple[float, ...]
    updates: int
    kkt: float
    square: float
    error: float
    mass: float
    missed: float


def learn_noise(
    patches: Array,
    count: int,
    *,
    seed: int = 0,
    updates: int = 60,
    on_step: Callable[[Array], bool] | None = None,
) -> Array:
    """Return `count` atoms of a stretch without speech, float32 (features, count).

    Parameters
    ----------
    patches : ndarray of float32, shape (features, patches)
    count : int
    seed : int
    updates : int
    on_step : callable, optional
        Sees the atoms as they form; stops by returning False.
    """
    V = np.maximum(patches, 0)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(V.shape[1], count, replace=V.shape[1] < count)
    W = V[:, chosen] + 0.05 * V.mean() + _TINY
    W /= W.sum(axis=0)
    H = rng.uniform(0.5, 1.5, (count, V.shape[1])).astype(np.float32)
    H *= V.sum(axis=0) / count + _TINY
    for step in range(updates):
        H *= W.T @ (V / (W @ H + _TINY))
        W *= (V / (W @ H + _TINY)) @ H.T
        W /= W.sum(axis=0) + np.float32(1e-20)
        if on_step is not None and step % 5 == 4 and not on_step(W):
            break
    return np.asarray(W, dtype=np.float32)


def separate(
    V: Array,
    speech: Array,
    noise: Array,
    *,
    updates: int = 60,
    adapt_every: int = 15,
    sparsity: float = 0.1,
    on_step: Callable[[int, Array], bool] | None = None,
) -> Activations:
    """Fit one stretch.

    Parameters
    ----------
    V : ndarray of float32, shape (features, patches)
    speech, noise : ndarray of float32, shape (features, atoms)
        Columns add up to one.
    updates : int
    adapt_every : int
        The noise atoms learn at every so many updates; 0 for never.
    sparsity : float
        What activity of speech costs.
    on_step : callable, optional
        Sees the number of updates done and the noise atoms; stops by returning False.
    """
    K = speech.shape[1]
    W = np.concatenate([speech, noise], axis=1, dtype=np.float32)
    H = np.ones((W.shape[1], V.shape[1]), np.float32)
    H *= V.sum(axis=0) / np.float32(W.shape[1]) + _TINY
    price = np.ones((W.shape[1], 1), np.float32)
    price[:K] += np.float32(sparsity)
    trace: list[float] = []
    done, kkt = 0, 0.0
    for step in range(updates):
        change = (W.T @ (V / (W @ H + _TINY))) / price
        if step == updates - 1:
            kkt = float((H * np.abs(change - 1)).sum() / max(H.sum(), 1e-20))
        H *= change
        done = step + 1
        if adapt_every and step % adapt_every == adapt_every - 1:
            model = W @ H + _TINY
            trace.append(_divergence(V, model))
            W[:, K:] *= (V / model) @ H[K:].T
            W[:, K:] /= W[:, K:].sum(axis=0) + np.float32(1e-20)
        if on_step is not None and not on_step(step + 1, W[:, K:]):
            break
    s, n = W[:, :K] @ H[:K], W[:, K:] @ H[K:]
    trace.append(_divergence(V, s + n + _TINY))
    rest = np.abs(V - s - n)
    return Activations(
        s,
        n,
        W[:, K:].copy(),
        H[K:].copy(),
        H[:K].sum(axis=1),
        tuple(trace),
        done,
        kkt,
        float(np.square(V).sum(dtype=np.float64)),
        float(np.square(rest).sum(dtype=np.float64)),
        float(V.sum(dtype=np.float64)),
        float(rest.sum(dtype=np.float64)),
    )


def _divergence(V: Array, model: Array) -> float:
    ratio = np.log(np.maximum(V, _TINY) / model)
    value: Any = (V * ratio - V + model).sum(dtype=np.float64)
    return float(value)
