"""How much of each atom is in each patch? Kullback-Leibler updates, some atoms learning.

Multiplicative updates (Lee and Seung, NIPS 13, 2000) of V ≈ D·Hs + N·Hn + T·diag(g) with the atoms
of speech given (Schmidt, Larsen and Hsiao, MLSP 2007), those of noise or of speech adapted to the
recording as it is fitted, the tracked noise T of each patch in an amount g, and sparse activations
of speech. A noise that has changed since it was heard alone is in T and in no atom. Updates of
activations are raised to the power 3/2, which keeps a minimum stable and takes fewer of them
(Badeau, Bertin and Vincent, IEEE Trans. Neural Networks 21:1869, 2010); atoms of speech that a
stretch hardly uses are laid aside after a few. Sparsity chooses atoms and makes speech too weak:
relaxed in the last third of the updates, it keeps its choice and gives the level back (as in the
relaxed lasso: Meinshausen, Comput. Stat. Data Anal. 52:374, 2007).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partwise.api import single_blas
from partwise_speech.factors import TINY, Activations, Adapts, Allowed, Factors

__all__ = ["activations_of", "learn_noise", "separate", "take_turns"]

Array = NDArray[np.float32]

_LOOK = 8  # updates from one look at the objective to the next, where the noise does not learn


def learn_noise(
    patches: Array,
    count: int,
    *,
    seed: int = 0,
    updates: int = 40,
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
    W = V[:, chosen] + np.float32(0.05) * V.mean() + TINY
    W /= W.sum(axis=0)
    H = rng.uniform(0.5, 1.5, (count, V.shape[1])).astype(np.float32)
    H *= V.sum(axis=0) / np.float32(count) + TINY
    with single_blas():
        for step in range(updates):
            H *= W.T @ (V / (W @ H + TINY))
            W *= (V / (W @ H + TINY)) @ H.T
            W /= W.sum(axis=0) + np.float32(1e-20)
            if on_step is not None and step % 4 == 3 and not on_step(W):
                break
    return np.asarray(W, dtype=np.float32)


def separate(  # noqa: PLR0913 - a fit has as many knobs as this, each of them named
    V: Array,
    speech: Array,
    noise: Array,
    *,
    updates: int = 25,
    adapt_every: int = 10,
    adapts: Adapts = "noise",
    adapt_after: int = 0,
    sparsity: float = 0.1,
    relaxed: float | None = None,
    keep: int = 400,
    keep_after: int = 8,
    allowed: Allowed | None = None,
    level: Array | None = None,
    moved: NDArray[np.bool_] | None = None,
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
        Atoms learn at every so many updates; 0 for never.
    adapts : Adapts
        Which atoms do.
    adapt_after : int
        Updates before the first that they learn at.
    sparsity : float
        What activity of speech costs.
    relaxed : float, optional
        What it costs in the last third of the updates; the same unless given.
    keep, keep_after : int
        How many atoms of speech are kept, and after how many updates the others are laid aside.
    allowed : Allowed, optional
        Where a hand has said what is speech and what is noise.
    level : ndarray of float32, shape (features, patches), optional
        The tracked noise of each patch, T.
    moved : ndarray of bool, shape (speech atoms + noise atoms,), optional
        Atoms that are fitted as they stand, and whose part is counted to the other model.
    on_step : callable, optional
        Sees the number of updates done and the noise atoms; stops by returning False.
    """
    work = Factors(V, speech, noise, 1 + sparsity, allowed, level)
    trace, done = take_turns(
        work,
        updates=updates,
        adapt_every=adapt_every,
        adapts=adapts,
        adapt_after=adapt_after,
        relaxed=relaxed,
        keep=keep,
        keep_after=keep_after,
        on_step=on_step,
    )
    with single_blas():
        return work.told(trace, done, moved)


def take_turns(
    work: Factors,
    *,
    updates: int,
    adapt_every: int,
    adapts: Adapts,
    adapt_after: int,
    relaxed: float | None,
    keep: int,
    keep_after: int,
    on_step: Callable[[int, Array], bool] | None = None,
) -> tuple[list[float], int]:
    """Update factors, lay atoms aside, learn and relax, each in its turn.

    Parameters are those of `separate`.

    Returns
    -------
    trace : list of float
        Divergence, wherever it was looked at.
    done : int
        Updates; fewer than asked for where `on_step` stopped them.
    """
    trace: list[float] = []
    done, look, last = 0, adapt_every or _LOOK, _turn(updates)
    with single_blas():
        while done < updates:
            if done == keep_after:
                work.lay_aside(keep)
            if done == last and relaxed is not None:
                work.price = 1 + relaxed
            count = _until_next(done, updates, look, (keep_after, last))
            done += count
            looks = done % look == 0
            learns = looks and adapt_every and done > adapt_after
            value = work.update(count, look=looks, adapt=adapts if learns else None)
            if looks:
                trace.append(value)
            if on_step is not None and not on_step(done, work.atoms):
                break
    return trace, done


def activations_of(V: Array, atoms: Array, *, updates: int) -> Array:
    """Return how much of each atom is in each patch, all atoms kept as they are.

    Parameters
    ----------
    V : ndarray of float32, shape (features, patches)
    atoms : ndarray of float32, shape (features, atoms)
        Columns add up to one.
    updates : int

    Returns
    -------
    ndarray of float32, shape (atoms, patches)
    """
    H = np.empty((atoms.shape[1], V.shape[1]), np.float32)
    H[:] = V.sum(axis=0) / np.float32(len(H)) + TINY
    with single_blas():
        for _ in range(updates):
            change = atoms.T @ (V / (atoms @ H + TINY))
            H *= change * np.sqrt(change)
    return H


def _turn(updates: int) -> int:
    """After how many updates sparsity is relaxed."""
    return updates - updates // 3


def _until_next(done: int, updates: int, look: int, turns: tuple[int, ...]) -> int:
    """How many updates come before something else is to be done."""
    stops = [updates, done + look - done % look, *(turn for turn in turns if done < turn)]
    return min(stops) - done
