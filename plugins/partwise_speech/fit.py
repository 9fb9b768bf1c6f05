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

from partwise.api import blocks, run_blocks, single_blas

__all__ = ["Activations", "Allowed", "learn_noise", "separate", "share_out"]

Array = NDArray[np.float32]

_TINY = np.float32(1e-9)
_BLOCK = 160  # patches; with their activations they stay in a cache of a few MB
_NONE = np.zeros((0, 0), np.float32)


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
    with single_blas():
        for step in range(updates):
            H *= W.T @ (V / (W @ H + _TINY))
            W *= (V / (W @ H + _TINY)) @ H.T
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
    sparsity: float = 0.1,
    keep: int = 400,
    keep_after: int = 8,
    allowed: Allowed | None = None,
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
        The noise atoms learn at every so many updates; 0 for never.
    sparsity : float
        What activity of speech costs.
    keep, keep_after : int
        How many atoms of speech are kept, and after how many updates the others are laid aside.
    allowed : Allowed, optional
        Where a hand has said what is speech and what is noise.
    moved : ndarray of bool, shape (speech atoms + noise atoms,), optional
        Atoms that are fitted as they stand, and whose part is counted to the other model.
    on_step : callable, optional
        Sees the number of updates done and the noise atoms; stops by returning False.
    """
    work = _Fit(V, speech, noise, 1 + sparsity, allowed)
    trace: list[float] = []
    done = 0
    with single_blas():
        while done < updates:
            if done == keep_after:
                work.lay_aside(keep)
            count = _until_next(done, updates, adapt_every, keep_after)
            done += count
            learns = bool(adapt_every) and done % adapt_every == 0
            value = work.update(count, adapt=learns)
            if learns:
                trace.append(value)
            if on_step is not None and not on_step(done, work.atoms):
                break
        return work.told(trace, done, moved)


def share_out(
    V: Array, atoms: Array, speech: int, *, updates: int, sparsity: float = 0.1
) -> tuple[Array, Array]:
    """Fit patches each for itself, all atoms kept as they are; returns both models.

    Parameters
    ----------
    V : ndarray of float32, shape (features, patches)
    atoms : ndarray of float32, shape (features, atoms)
        Columns add up to one.
    speech : int
        How many of the atoms, the first, are of speech.
    updates : int
    sparsity : float
        What activity of speech costs.
    """
    H = np.empty((atoms.shape[1], V.shape[1]), np.float32)
    H[:] = V.sum(axis=0) / np.float32(len(H)) + _TINY
    with single_blas():
        for _ in range(updates):
            change = atoms.T @ (V / (atoms @ H + _TINY))
            change[:speech] /= np.float32(1 + sparsity)
            H *= change * np.sqrt(change)
        return atoms[:, :speech] @ H[:speech], atoms[:, speech:] @ H[speech:]


def _until_next(done: int, updates: int, adapt_every: int, keep_after: int) -> int:
    """How many updates come before something else is to be done."""
    stops = [updates]
    if adapt_every:
        stops.append(done + adapt_every - done % adapt_every)
    if done < keep_after:
        stops.append(keep_after)
    return min(stops) - done


@dataclass(eq=False)
class _Block:
    """Some patches, their activations, and room to work in; all small enough for a cache."""

    V: Array
    H: Array
    ratio: Array
    change: Array
    allowed: Allowed | None
    grown: Array
    seen: Array
    value: float = 0.0


class _Fit:
    """Factors of one stretch; W = [D, N] in columns, H in blocks of patches, likewise in rows."""

    def __init__(
        self, V: Array, speech: Array, noise: Array, price: float, allowed: Allowed | None
    ) -> None:
        self.kept = np.arange(speech.shape[1])
        self._all = self._speech = speech.shape[1]
        self._price = np.float32(price)
        self.W = np.concatenate([speech, noise], axis=1, dtype=np.float32)
        self._cuts = blocks(V.shape[1], _BLOCK)
        self._blocks = [self._block(V[:, a:b], allowed, slice(a, b)) for a, b in self._cuts]

    def _block(self, V: Array, allowed: Allowed | None, place: slice) -> _Block:
        V = np.ascontiguousarray(V)
        H = np.empty((self.W.shape[1], V.shape[1]), np.float32)
        H[:] = V.sum(axis=0) / np.float32(len(H)) + _TINY
        free = None
        if allowed is not None:
            free = Allowed(
                np.ascontiguousarray(allowed.speech[:, place]),
                np.ascontiguousarray(allowed.noise[:, place]),
            )
        none = np.zeros(0, np.float32)
        return _Block(V, H, np.empty_like(V), np.empty_like(H), free, none, none)

    @property
    def atoms(self) -> Array:
        return self.W[:, self._speech :]

    def lay_aside(self, keep: int) -> None:
        """Go on with the `keep` atoms of speech that carry most."""
        if self._speech <= keep:
            return
        mass = sum(b.H[: self._speech].sum(axis=1) for b in self._blocks)
        heavy = np.sort(np.argsort(-np.asarray(mass), kind="stable")[:keep])
        self.kept = self.kept[heavy]
        rows = np.concatenate([heavy, np.arange(self._speech, self.W.shape[1])])
        self.W = np.ascontiguousarray(self.W[:, rows])
        for b in self._blocks:
            b.H = np.ascontiguousarray(b.H[rows])
            b.change = np.empty_like(b.H)
        self._speech = keep

    def update(self, count: int, *, adapt: bool) -> float:
        """Renew all activations `count` times, with the last the noise atoms from the same ratios.

        Returns the divergence before the last, where the atoms learned, else 0.
        """

        def work(slot: int, low: int, high: int) -> None:
            block = self._blocks[slot]
            for k in range(count):
                last = adapt and k == count - 1
                self._change(block, count=last)
                if last:
                    self._learn(block)
                # To the power 3/2, by a product: np.power takes longer than the matrix products.
                block.H *= block.change
                np.sqrt(block.change, out=block.change)
                block.H *= block.change

        run_blocks(work, self._cuts)
        if not adapt:
            return 0.0
        grown = self.atoms * sum(b.grown for b in self._blocks)
        if self._blocks[0].allowed is not None:
            # Where noise was not allowed nothing was seen of it, so nothing is learned there.
            grown /= np.maximum(sum(b.seen for b in self._blocks), _TINY)
        self.W[:, self._speech :] = grown / (grown.sum(axis=0) + np.float32(1e-20))
        return sum(b.value for b in self._blocks)

    def _learn(self, block: _Block) -> None:
        """What this block says to the noise atoms."""
        active = block.H[self._speech :]
        if block.allowed is None:
            block.grown = block.ratio @ active.T
            return
        free = block.allowed.noise
        block.grown = np.matmul(block.ratio * free, active.T, dtype=np.float32)
        block.seen = np.matmul(free, active.T, dtype=np.float32)

    def _change(self, block: _Block, *, count: bool = False) -> None:
        """Find by which factor each activation wants to change; sets the ratios too."""
        K, ratio = self._speech, block.ratio
        if block.allowed is None:
            np.matmul(self.W, block.H, out=ratio)
        else:
            s, n = self._models(block)
            np.add(s, n, out=ratio)
        ratio += _TINY
        if count:
            block.value = _divergence(block.V, ratio)
        np.divide(block.V, ratio, out=ratio)
        if block.allowed is None:
            np.matmul(self.W.T, ratio, out=block.change)
            block.change[:K] /= self._price
            return
        both = ((block.allowed.speech, slice(0, K)), (block.allowed.noise, slice(K, None)))
        for allowed, rows in both:
            W = self.W[:, rows]
            price = W.T @ allowed + (self._price - 1 if rows.start == 0 else 0)
            block.change[rows] = (W.T @ (ratio * allowed)) / np.maximum(price, _TINY)

    def _models(self, block: _Block) -> tuple[Array, Array]:
        K = self._speech
        s, n = self.W[:, :K] @ block.H[:K], self.W[:, K:] @ block.H[K:]
        if block.allowed is not None:
            s *= block.allowed.speech
            n *= block.allowed.noise
        return s, n

    def _handed_over(
        self, block: _Block, models: tuple[Array, Array], moved: NDArray[np.bool_]
    ) -> tuple[Array, Array]:
        """Count what moved atoms render to the other model."""
        K, (s, n) = self._speech, models
        moved = np.concatenate([moved[self.kept], moved[self._all :]])
        given = self.W[:, :K] @ (block.H[:K] * moved[:K, None])
        taken = self.W[:, K:] @ (block.H[K:] * moved[K:, None])
        if block.allowed is not None:
            given *= block.allowed.speech
            taken *= block.allowed.noise
        return np.maximum(s - given + taken, 0), np.maximum(n - taken + given, 0)

    def told(
        self, trace: list[float], done: int, moved: NDArray[np.bool_] | None = None
    ) -> Activations:
        """Sum everything up."""
        models: list[tuple[Array, Array]] = [(_NONE, _NONE)] * len(self._blocks)

        def work(slot: int, low: int, high: int) -> None:
            self._change(self._blocks[slot], count=True)
            models[slot] = self._models(self._blocks[slot])
            if moved is not None:
                models[slot] = self._handed_over(self._blocks[slot], models[slot], moved)

        run_blocks(work, self._cuts)
        unrest = sum(float((b.H * np.abs(b.change - 1)).sum()) for b in self._blocks)
        active = sum(float(b.H.sum()) for b in self._blocks)
        V = np.concatenate([b.V for b in self._blocks], axis=1)
        s, n = (np.concatenate([m[k] for m in models], axis=1) for k in range(2))
        rest = np.abs(V - s - n)
        heard = [b.H[: self._speech].sum(axis=1) for b in self._blocks]
        used = np.zeros(self._all, np.float32)
        used[self.kept] = np.sum(heard, axis=0, dtype=np.float32)
        return Activations(
            s,
            n,
            self.atoms.copy(),
            np.concatenate([b.H[self._speech :] for b in self._blocks], axis=1),
            used,
            (*trace, sum(b.value for b in self._blocks)),
            done,
            unrest / max(active, 1e-20),
            float(np.square(V).sum(dtype=np.float64)),
            float(np.square(rest).sum(dtype=np.float64)),
            float(V.sum(dtype=np.float64)),
            float(rest.sum(dtype=np.float64)),
        )


def _divergence(V: Array, model: Array) -> float:
    ratio = np.log(np.maximum(V, _TINY) / model)
    value: Any = (V * ratio - V + model).sum(dtype=np.float64)
    return float(value)
