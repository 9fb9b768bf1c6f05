"""How much of each atom is in the newest patches, and what do the atoms learn from them?

The updates of a run (`partwise_speech.fit`), each patch fitted for itself. Atoms learn from sums
over what has been, in which the older counts less (as in the online factorisation of Lefèvre, Bach
and Févotte, WASPAA 2011). Atoms of the voice always count as they were, too: none of them comes to
be something else than a voice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise.api import single_blas
from partwise_speech.factors import LEVEL_PRICE, TINY, Adapts
from partwise_speech.frames import RATE, stft_for
from partwise_speech.separator import Settings

__all__ = ["Coming"]

Array = NDArray[np.float32]

_ATOMS = 400  # of the voice: the time of a patch grows with them
_UPDATES = 12
_MORE_UPDATES = 16  # where the voice learns; a crowd or a cry would be taken for it by more of them
_RELAXED = 0.05  # a patch that is fitted for itself bears no less sparsity than this
# As in `factors`, for fewer atoms of the voice: what atoms and level of the noise begin with.
_MORE, _LESS = np.float32(2.0), np.float32(0.06)
# Patches from one step of the atoms to the next: a cry has gone on after two of them.
_TOGETHER: dict[Adapts, int] = {"noise": 8, "speech": 8, "sure noise": 2}
_FORGETS_S: dict[Adapts, float] = {"noise": 3.0, "speech": 20.0, "sure noise": 1.0}
# Of noise at its mean loudness, that its atoms stand for as they were heard alone.
_HEARD_S: dict[Adapts, float] = {"noise": 3.0, "speech": 0.0, "sure noise": 1.0}


class Coming:
    """Fits patches as they come; the same comes out however many are given at a time.

    Parameters
    ----------
    voice, noise : ndarray of float32, shape (features, atoms)
        Columns add up to one. A voice of many atoms is thinned.
    loud : float
        Mean sum of a patch of the noise alone.
    settings : Settings
        Of a run: what speech costs, whether the level is in the fit, and what learns there.
    """

    def __init__(self, voice: Array, noise: Array, loud: float, settings: Settings) -> None:
        kept = voice[:, :: max(-(-voice.shape[1] // _ATOMS), 1)]
        self._speech = kept.shape[1]
        self._W = np.concatenate([kept, noise], axis=1, dtype=np.float32)
        self._price = 1 + settings.sparsity
        self._level = settings.level
        self._learns = settings.adapts if settings.adapt_every else None
        self._together = _TOGETHER[settings.adapts]
        self._updates = _MORE_UPDATES if self._learns == "speech" else _UPDATES
        self._since = 0
        self._waits: list[tuple[Array, Array, Array]] = []
        if self._learns is not None:
            self._born = self._W[:, self._place].copy()
            step_s = self._together * stft_for(RATE).hop / RATE
            self._keeps = np.float32(np.exp(-step_s / _FORGETS_S[self._learns]))
            much = _HEARD_S[self._learns] * RATE / stft_for(RATE).hop * loud / noise.shape[1]
            self._grown = self._born * np.float32(much)
            self._seen = np.full((1, self._born.shape[1]), much, np.float32)

    @property
    def _place(self) -> slice:
        """Columns of atoms that learn, and so rows of activations."""
        return slice(0, self._speech) if self._learns == "speech" else slice(self._speech, None)

    def fit(self, V: Array, level: Array | None) -> tuple[Array, Array]:
        """Return the models of speech and of noise, each like V.

        Parameters
        ----------
        V : ndarray of float32, shape (features, patches)
        level : ndarray of float32, shape (features, patches), or None
            The tracked noise of each patch; it counts where the settings say so.
        """
        speech, noise = np.empty_like(V), np.empty_like(V)
        first = 0
        with single_blas():
            while first < V.shape[1]:
                last = min(first + self._together - self._since, V.shape[1])
                some = slice(first, last)
                speech[:, some], noise[:, some] = self._fitted(
                    V[:, some], level[:, some] if self._level and level is not None else None
                )
                self._since = (self._since + last - first) % self._together
                if self._since == 0 and self._learns is not None:
                    self._learn()
                first = last
        return speech, noise

    def _fitted(self, V: Array, level: Array | None) -> tuple[Array, Array]:
        W, K = self._W, self._speech
        H = np.empty((W.shape[1], V.shape[1]), np.float32)
        H[:] = V.sum(axis=0) / np.float32(len(H)) + TINY
        much = np.full(V.shape[1], _LESS)
        if level is not None:
            H[K:] *= _MORE
            asked = LEVEL_PRICE * np.maximum(level.sum(axis=0), TINY)
        for done in range(self._updates):
            model = W @ H + TINY
            if level is not None:
                model += level * much
            ratio = V / model
            if done == self._updates - 1 and self._learns is not None:
                self._see(ratio, model, H)
            change = W.T @ ratio
            relaxed = done >= self._updates - self._updates // 3
            change[:K] /= np.float32(1 + _RELAXED if relaxed else self._price)
            H *= change * np.sqrt(change)
            if level is not None:
                swell = (level * ratio).sum(axis=0) / asked
                much *= swell * np.sqrt(swell)
        noise = W[:, K:] @ H[K:]
        if level is not None:
            noise += level * much
        return W[:, :K] @ H[:K], noise

    def _see(self, ratio: Array, model: Array, H: Array) -> None:
        """Keep what these patches say to the atoms that learn, until they do."""
        weight = np.ones((1, H.shape[1]), np.float32)
        if self._learns == "sure noise":
            # Each bin counts by how surely it is noise.
            weight = np.maximum(1 - self._W[:, : self._speech] @ H[: self._speech] / model, 0)
        self._waits.append((ratio * weight, weight, H[self._place].copy()))

    def _learn(self) -> None:
        """Renew the atoms from all that was heard, and forget a little."""
        ratio, weight, active = (
            np.concatenate(parts, axis=1) for parts in zip(*self._waits, strict=True)
        )
        self._waits.clear()
        atoms = self._W[:, self._place]
        self._grown = self._grown * self._keeps + atoms * (ratio @ active.T)
        self._seen = self._seen * self._keeps + weight @ active.T
        # An exemplar counts as much as any has been heard on average; nothing is left of silence.
        much = np.maximum(self._seen.mean() if self._learns == "speech" else 0, TINY)
        found = (self._grown + much * self._born) / (self._seen + much)
        atoms[:] = found / found.sum(axis=0)
