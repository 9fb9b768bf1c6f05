"""What does one update change? Factors of one stretch, fitted in blocks that stay in a cache.

A block is some patches with their activations and room to work in. Blocks are independent but for
the atoms that learn, so each is updated several times while it is at hand. Beside its atoms the
noise may have one column for each patch, the tracked noise there, of which only the amount is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partwise.api import blocks, run_blocks

__all__ = ["LEVEL_PRICE", "TINY", "Activations", "Adapts", "Allowed", "Factors"]

Array = NDArray[np.float32]

TINY = np.float32(1e-9)
# The tracked level is like the noise everywhere and would explain all of it. The atoms, of which it
# is known what they are, begin with more, the level with less, and its activity has a small price.
_MORE, _LESS = np.float32(10.0), np.float32(0.3)
LEVEL_PRICE = np.float32(1.03)
_BLOCK = 160  # patches; with their activations they stay in a cache of a few MB
_NONE = np.zeros((0, 0), np.float32)

# Which atoms learn: of noise, wherever it is heard; of noise, each bin counting by how surely it is
# noise; or of speech, half as fast, so that exemplars of others come to fit a talker.
Adapts = Literal["noise", "sure noise", "speech"]


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
        Both models, D·Hs and N·Hn, the latter with the tracked noise.
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


@dataclass(eq=False)
class _Block:
    """Some patches, their activations, and room to work in; all small enough for a cache."""

    V: Array
    H: Array
    ratio: Array
    change: Array
    allowed: Allowed | None
    level: Array | None
    much: Array
    swell: Array
    weight: Array | None
    grown: Array
    seen: Array
    value: float = 0.0


class Factors:
    """Factors of one stretch; W = [D, N] in columns, H in blocks of patches, likewise in rows.

    Parameters
    ----------
    V, speech, noise : ndarray of float32
        As in `partwise_speech.fit.separate`, like what follows.
    price : float
    allowed : Allowed or None
    level : ndarray of float32, optional
    among : int, optional
        How many atoms share what is there when the fit begins, where some are left out: updates are
        few, and what the noise begins with beside its level is seen in the end.

    Attributes
    ----------
    price : float
        By what each update of speech is divided: one more than its activity costs.
    kept : ndarray of int
        Atoms of speech that are gone on with.
    """

    def __init__(
        self,
        V: Array,
        speech: Array,
        noise: Array,
        price: float,
        allowed: Allowed | None,
        level: Array | None = None,
        among: int | None = None,
    ) -> None:
        self._among = among or speech.shape[1] + noise.shape[1]
        self.kept = np.arange(speech.shape[1])
        self._all = self._speech = speech.shape[1]
        self.price = price
        self.W = np.concatenate([speech, noise], axis=1, dtype=np.float32)
        self._cuts = blocks(V.shape[1], _BLOCK)
        self._blocks = [self._block(V[:, a:b], allowed, level, slice(a, b)) for a, b in self._cuts]

    def _block(
        self, V: Array, allowed: Allowed | None, level: Array | None, place: slice
    ) -> _Block:
        V = np.ascontiguousarray(V)
        H = np.empty((self.W.shape[1], V.shape[1]), np.float32)
        H[:] = V.sum(axis=0) / np.float32(self._among) + TINY
        free = None
        if allowed is not None:
            free = Allowed(
                np.ascontiguousarray(allowed.speech[:, place]),
                np.ascontiguousarray(allowed.noise[:, place]),
            )
        much = np.full(V.shape[1], _LESS)
        if level is not None:
            level = np.ascontiguousarray(level[:, place], np.float32)
            H[self._speech :] *= _MORE
        none = np.zeros(0, np.float32)
        ratio, change = np.empty_like(V), np.empty_like(H)
        return _Block(V, H, ratio, change, free, level, much, none, None, none, none)

    @property
    def atoms(self) -> Array:
        return self.W[:, self._speech :]

    @property
    def activations(self) -> Array:
        """H as it stands, float32 (kept atoms of speech + noise atoms, patches)."""
        return np.concatenate([b.H for b in self._blocks], axis=1)

    @property
    def level(self) -> Array:
        """What the tracked noise renders, float32 (features, patches); nothing without one."""
        return np.concatenate(
            [np.zeros_like(b.V) if b.level is None else b.level * b.much for b in self._blocks],
            axis=1,
        )

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

    def update(self, count: int, *, look: bool, adapt: Adapts | None = None) -> float:
        """Renew all activations `count` times, with the last some atoms from the same ratios.

        Returns the divergence before the last where it is looked at, else 0.
        """

        def work(slot: int, low: int, high: int) -> None:
            block = self._blocks[slot]
            for k in range(count):
                learns = adapt if k == count - 1 else None
                self._change(block, count=look and k == count - 1, weigh=learns == "sure noise")
                if learns is not None:
                    self._learn(block, learns)
                # To the power 3/2, by a product: np.power takes longer than the matrix products.
                block.H *= block.change
                np.sqrt(block.change, out=block.change)
                block.H *= block.change
                if block.level is not None:
                    block.much *= block.swell * np.sqrt(block.swell)

        run_blocks(work, self._cuts)
        if adapt is not None:
            self._adapt(adapt)
        return sum(b.value for b in self._blocks) if look else 0.0

    def _adapt(self, which: Adapts) -> None:
        """Renew atoms from what the blocks say to them."""
        place = self._rows(which)
        grown = np.asarray(sum(b.grown for b in self._blocks))
        if self._blocks[0].seen.size:
            # Where a model was not allowed nothing was seen of it, so nothing is learned there.
            grown /= np.maximum(sum(b.seen for b in self._blocks), TINY)
        if which == "speech":
            grown = np.sqrt(grown)
        grown *= self.W[:, place]
        self.W[:, place] = grown / (grown.sum(axis=0) + np.float32(1e-20))

    def _rows(self, which: Adapts) -> slice:
        """Columns of W, and so rows of H, that learn."""
        return slice(0, self._speech) if which == "speech" else slice(self._speech, None)

    def _learn(self, block: _Block, which: Adapts) -> None:
        """What this block says to the atoms that learn."""
        active = block.H[self._rows(which)]
        free = None
        if block.allowed is not None:
            free = block.allowed.speech if which == "speech" else block.allowed.noise
        if which == "sure noise" and block.weight is not None:
            free = block.weight if free is None else free * block.weight
        elif which == "speech" and free is None:
            free = np.ones((1, active.shape[1]), np.float32)
        if free is None:
            block.grown, block.seen = block.ratio @ active.T, np.zeros(0, np.float32)
            return
        block.grown = np.matmul(block.ratio * free, active.T, dtype=np.float32)
        block.seen = np.matmul(free, active.T, dtype=np.float32)

    def _change(self, block: _Block, *, count: bool = False, weigh: bool = False) -> None:
        """Find by which factor each activation wants to change; sets the ratios too."""
        K, ratio = self._speech, block.ratio
        if block.allowed is None:
            np.matmul(self.W, block.H, out=ratio)
            if block.level is not None:
                ratio += block.level * block.much
        else:
            np.add(*self._models(block), out=ratio)
        ratio += TINY
        if count:
            block.value = _divergence(block.V, ratio)
        block.weight = self._noise(block) / ratio if weigh else None
        np.divide(block.V, ratio, out=ratio)
        if block.level is not None:
            level = block.level if block.allowed is None else block.level * block.allowed.noise
            asked = LEVEL_PRICE * np.maximum(level.sum(axis=0), TINY)
            block.swell = (level * ratio).sum(axis=0) / asked
        if block.allowed is None:
            np.matmul(self.W.T, ratio, out=block.change)
            block.change[:K] /= np.float32(self.price)
            return
        both = ((block.allowed.speech, slice(0, K)), (block.allowed.noise, slice(K, None)))
        for allowed, rows in both:
            W = self.W[:, rows]
            price = W.T @ allowed + (self.price - 1 if rows.start == 0 else 0)
            block.change[rows] = (W.T @ (ratio * allowed)) / np.maximum(price, TINY)

    def _models(self, block: _Block) -> tuple[Array, Array]:
        s = self.W[:, : self._speech] @ block.H[: self._speech]
        if block.allowed is not None:
            s *= block.allowed.speech
        return s, self._noise(block)

    def _noise(self, block: _Block) -> Array:
        n = self.W[:, self._speech :] @ block.H[self._speech :]
        if block.level is not None:
            n += block.level * block.much
        if block.allowed is not None:
            n *= block.allowed.noise
        return np.asarray(n, np.float32)

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
            speech=s,
            noise=n,
            atoms=self.atoms.copy(),
            active=np.concatenate([b.H[self._speech :] for b in self._blocks], axis=1),
            used=used,
            trace=(*trace, sum(b.value for b in self._blocks)),
            updates=done,
            kkt=unrest / max(active, 1e-20),
            square=float(np.square(V).sum(dtype=np.float64)),
            error=float(np.square(rest).sum(dtype=np.float64)),
            mass=float(V.sum(dtype=np.float64)),
            missed=float(rest.sum(dtype=np.float64)),
        )


def _divergence(V: Array, model: Array) -> float:
    ratio = np.log(np.maximum(V, TINY) / model)
    value: Any = (V * ratio - V + model).sum(dtype=np.float64)
    return float(value)
