"""How much of each atom is in each patch? Kullback-Leibler updates, speech fixed, noise learning.

Multiplicative updates (Lee and Seung, NIPS 13, 2000) of V ≈ D·Hs + N·Hn with the atoms of speech
kept (Schmidt, Larsen and Hsiao, MLSP 2007), those of noise adapted to the recording as it is
fitted, and sparse activations of speech. Updates of activations are raised to the power 3/2, which
keeps a minimum stable and takes fewer of them (Badeau, Bertin and Vincent, IEEE Trans. Neural
Networks 21:1869, 2010); atoms of speech that a stretch hardly uses are laid aside after a few.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Activations", "Allowed", "learn_noise", "separate"]

Array = NDArray[np.float32]

_TINY = np.float32(1e-9)


@dataclass(frozen=True, eq=False)
class Allowed:
    """What a hand has painted: where each model may explain anything, 0 or 1, like V."""

    speech: Array
    noise: Array


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
        Sum of each row of Hs; 0 for atoms that were laid aside.
    trace : tuple of float
        Divergence, at each adaptation of the noise and at the end.
    updates : int
    kkt : float
        Mean relative change that a further update would make to the activations.
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
    W = V[:, chosen] + np.float32(0.05) * V.mean() + _TINY
    W /= W.sum(axis=0)
    H = rng.uniform(0.5, 1.5, (count, V.shape[1])).astype(np.float32)
    H *= V.sum(axis=0) / np.float32(count) + _TINY
    for step in range(updates):
        H *= W.T @ (V / (W @ H + _TINY))
        W *= (V / (W @ H + _TINY)) @ H.T
        W /= W.sum(axis=0) + np.float32(1e-20)
        if on_step is not None and step % 4 == 3 and not on_step(W):
            break
    return np.asarray(W, dtype=np.float32)


def separate(
    V: Array,
    speech: Array,
    noise: Array,
    *,
    updates: int = 25,
    adapt_every: int = 10,
    sparsity: float = 0.1,
    keep: int = 400,
    keep_after: int = 8,
    allowed: Allowed | None = None,
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
    keep, keep_after : int
        How many atoms of speech are kept, and after how many updates the others are laid aside.
    allowed : Allowed, optional
        Where a hand has said what is speech and what is noise.
    on_step : callable, optional
        Sees the number of updates done and the noise atoms; stops by returning False.
    """
    work = _Fit(V, speech, noise, sparsity, allowed)
    trace: list[float] = []
    done = 0
    for done in range(1, updates + 1):
        if done == keep_after + 1:
            work.lay_aside(keep)
        value = work.update(adapt=bool(adapt_every) and done % adapt_every == 0)
        if value is not None:
            trace.append(value)
        if on_step is not None and not on_step(done, work.atoms):
            break
    return work.told(trace, done)


class _Fit:
    """Factors and buffers of one stretch; W = [D, N] in columns, H likewise in rows."""

    def __init__(
        self, V: Array, speech: Array, noise: Array, sparsity: float, allowed: Allowed | None
    ) -> None:
        self.V = V
        self.kept = np.arange(speech.shape[1])
        self._all = speech.shape[1]
        self._speech = speech.shape[1]
        self._allowed = allowed
        self.W = np.concatenate([speech, noise], axis=1, dtype=np.float32)
        self.H = np.empty((self.W.shape[1], V.shape[1]), np.float32)
        self.H[:] = V.sum(axis=0) / np.float32(len(self.H)) + _TINY
        self._price = np.float32(1 + sparsity)
        self._ratio = np.empty_like(V)
        self._change = np.empty_like(self.H)
        self._divergence = 0.0

    @property
    def atoms(self) -> Array:
        return self.W[:, self._speech :]

    def lay_aside(self, keep: int) -> None:
        """Go on with the `keep` atoms of speech that carry most."""
        if self._speech <= keep:
            return
        heavy = np.sort(np.argsort(-self.H[: self._speech].sum(axis=1), kind="stable")[:keep])
        self.kept = self.kept[heavy]
        rows = np.concatenate([heavy, np.arange(self._speech, len(self.H))])
        self.W = np.ascontiguousarray(self.W[:, rows])
        self.H = np.ascontiguousarray(self.H[rows])
        self._change = np.empty_like(self.H)
        self._speech = keep

    def update(self, *, adapt: bool = False) -> float | None:
        """Renew all activations, and the noise atoms from the same ratios; returns the divergence.

        It is counted only where the atoms learn.
        """
        change = self._changes(count=adapt)
        if adapt:
            self._adapt()
        # To the power 3/2, by a product: np.power takes longer than the matrix products.
        self.H *= change
        np.sqrt(change, out=change)
        self.H *= change
        return self._divergence if adapt else None

    def _adapt(self) -> None:
        active, atoms = self.H[self._speech :], self.atoms
        if self._allowed is None:
            grown = atoms * (self._ratio @ active.T)
        else:
            # Where noise was not allowed nothing was seen of it, so nothing is learned there.
            seen = np.maximum(self._allowed.noise @ active.T, _TINY)
            grown = atoms * ((self._ratio * self._allowed.noise) @ active.T)
            grown *= active.sum(axis=1) / seen
        atoms[:] = grown / (grown.sum(axis=0) + np.float32(1e-20))

    def told(self, trace: list[float], done: int) -> Activations:
        change = self._changes()
        kkt = float((self.H * np.abs(change - 1)).sum() / max(float(self.H.sum()), 1e-20))
        s, n = self._models()
        V = self.V
        trace.append(_divergence(V, s + n + _TINY))
        rest = np.abs(V - s - n)
        used = np.zeros(self._all, np.float32)
        used[self.kept] = self.H[: self._speech].sum(axis=1)
        return Activations(
            s,
            n,
            self.atoms.copy(),
            self.H[self._speech :].copy(),
            used,
            tuple(trace),
            done,
            kkt,
            float(np.square(V).sum(dtype=np.float64)),
            float(np.square(rest).sum(dtype=np.float64)),
            float(V.sum(dtype=np.float64)),
            float(rest.sum(dtype=np.float64)),
        )

    def _models(self) -> tuple[Array, Array]:
        K = self._speech
        s, n = self.W[:, :K] @ self.H[:K], self.W[:, K:] @ self.H[K:]
        if self._allowed is not None:
            s *= self._allowed.speech
            n *= self._allowed.noise
        return s, n

    def _model(self) -> Array:
        if self._allowed is not None:
            s, n = self._models()
            s += n
            s += _TINY
            return s
        np.matmul(self.W, self.H, out=self._ratio)
        self._ratio += _TINY
        return self._ratio

    def _changes(self, *, count: bool = False) -> Array:
        """Return the factor by which each activation wants to change; sets the ratios."""
        K = self._speech
        model = self._model()
        if count:
            self._divergence = _divergence(self.V, model)
        np.divide(self.V, model, out=self._ratio)  # may be the model's own buffer
        if self._allowed is None:
            np.matmul(self.W.T, self._ratio, out=self._change)
            self._change[:K] /= self._price
            return self._change
        both = ((self._allowed.speech, slice(0, K)), (self._allowed.noise, slice(K, None)))
        for allowed, rows in both:
            W = self.W[:, rows]
            price = W.T @ allowed + (self._price - 1 if rows.start == 0 else 0)
            self._change[rows] = (W.T @ (self._ratio * allowed)) / np.maximum(price, _TINY)
        return self._change


def _divergence(V: Array, model: Array) -> float:
    ratio = np.log(np.maximum(V, _TINY) / model)
    value: Any = (V * ratio - V + model).sum(dtype=np.float64)
    return float(value)
