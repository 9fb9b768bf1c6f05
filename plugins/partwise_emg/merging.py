"""Have synergies merged, or is the number of parts merely lower?

Cheung and others (PNAS 109:14652, 2012) call a module merged when it is a sum of several of
another set. Lowering the rank of healthy data gives such sums too, so sums alone prove nothing.
Here the other set's modules are kept apart and asked when they act: modules that have merged act
at the same times. How much together unmerged modules seem to act in data that are explained no
better (matched VAF) is the null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from partwise.api import nmf, refit

__all__ = ["Merging", "Sums", "merging", "sums_of"]

Array = NDArray[np.floating[Any]]

_TAKES_PART = 0.2  # Cheung and others: a smaller coefficient is none
_NULLS = 200
_HALVINGS = 7
# Steps in which the modules may bend to the data: electrodes never sit quite alike. Far more, and
# a module that has merged would be free to become something else.
_BEND = 3
_FLOOR = 1e-6
_CLOSE = 0.4  # correlation; of merged pairs in noise as in real walking, 95 % reach it


@dataclass(frozen=True, eq=False)
class Sums:
    """Each module of one set as a nonnegative sum of those of another.

    `weights` (other, modules) are the coefficients of unit columns, `cosine` (modules,) how near
    the sum comes.
    """

    weights: NDArray[np.float64]
    cosine: NDArray[np.float64]

    def of(self, module: int) -> list[int]:
        """Which modules of the other set take part in one."""
        return np.flatnonzero(self.weights[:, module] >= _TAKES_PART).tolist()


@dataclass(frozen=True, eq=False)
class Merging:
    """How much pairs of reference modules act together in other data.

    Attributes
    ----------
    pairs : tuple of (first, second)
        Of the reference modules.
    together : float64, shape (pairs,)
        Correlation of the two activations over the mean cycle.
    null : float64, shape (nulls, pairs)
        The same in reference data that are explained as badly.
    p : float64, shape (pairs,)
        Share of nulls whose closest pair, on the scale of its own null, is at least as close:
        corrected for the number of pairs.
    vaf : float
        What the reference modules explain of the other data.
    """

    pairs: tuple[tuple[int, int], ...]
    together: NDArray[np.float64]
    null: NDArray[np.float64]
    p: NDArray[np.float64]
    vaf: float

    @property
    def score(self) -> float:
        """How far the closest pair is beyond its null, in standard deviations."""
        return float(_beyond(self.together, self.null).max()) if self.pairs else 0.0

    def found(self, level: float = 0.05) -> list[tuple[int, int]]:
        """Pairs that act together beyond the null, and closely at that."""
        rows = zip(self.pairs, self.p.tolist(), self.together.tolist(), strict=True)
        return [pair for pair, p, r in rows if p <= level and r >= _CLOSE]


def sums_of(W: Array, reference: Array) -> Sums:
    """Write each column of `W` as a nonnegative sum of the columns of `reference`."""
    A, B = _unit(reference), _unit(W)
    weights = np.stack([nnls(A, column)[0] for column in B.T], axis=1)
    made = A @ weights
    length = np.linalg.norm(made, axis=0)
    cosine = np.einsum("ij,ij->j", made, B) / np.where(length > 0, length, 1.0)
    return Sums(weights, cosine)


def merging(
    X: Array,
    reference_W: Array,
    reference_X: Sequence[Array],
    points: int,
    seed: int = 0,
    nulls: int = _NULLS,
) -> Merging:
    """Test whether reference modules have merged in `X`.

    Parameters
    ----------
    X : ndarray, shape (muscles, cycles × points)
    reference_W : ndarray, shape (muscles, modules)
    reference_X : list of ndarray, shape (muscles, cycles × points)
        Data in which the modules are known to be apart: a session before, or healthy persons.
    points : int
        Columns of a cycle.
    seed : int
    nulls : int
        How many sets of reference data are drawn; p is no finer than one in so many.
    """
    W = _unit(reference_W)
    # What is asked is about the mean cycle, and so is the null.
    X, data = _mean(X, points), [_mean(each, points) for each in reference_X]
    count = W.shape[1]
    pairs = tuple((a, b) for a in range(count) for b in range(a + 1, count))
    seen, vaf = _activations(X, W, points)
    rng = np.random.default_rng([seed, 11])
    null = np.empty((nulls, len(pairs)))
    sources = [_source(each, W, points, vaf, rng) for each in data]
    for number in range(nulls):
        source = sources[number % len(sources)]
        H, _ = _activations(source.drawn(rng, source.scale), W, points)
        null[number] = _pairs(H, pairs)
    found = _pairs(seen, pairs)
    own = _beyond(found, null)
    each = _beyond(null, null).max(axis=1) if pairs else np.zeros(nulls)
    p = (1 + (each[:, None] >= own).sum(axis=0)) / (1 + nulls)
    return Merging(pairs, found, null, np.asarray(p), vaf)


def _beyond(values: Array, null: Array) -> NDArray[np.float64]:
    """Return Fisher's z of correlations on the scale of the nulls' mean and spread."""
    z = np.arctanh(np.clip(values, -0.999, 0.999))
    base = np.arctanh(np.clip(null, -0.999, 0.999))
    spread = np.maximum(base.std(axis=0, ddof=1), 0.05)
    return np.asarray((z - base.mean(axis=0)) / spread)


def _activations(X: Array, W: Array, points: int) -> tuple[NDArray[np.float64], float]:
    """Mean cycle of each module's activation, and the VAF with all of them kept apart."""
    X = np.asarray(X, dtype=np.float64)
    H = np.asarray(refit(X, W))
    start = np.maximum(W, _FLOOR), H + _FLOOR * max(float(H.max()), 1e-12)
    bent = nmf(X, W.shape[1], init=start, max_iter=_BEND)
    H = np.asarray(bent.H) * np.linalg.norm(bent.W, axis=0)[:, None]
    W = _unit(bent.W)
    total = float((X**2).sum())
    vaf = 1 - float(((X - W @ H) ** 2).sum()) / total if total > 0 else 0.0
    return H.reshape(len(H), -1, points).mean(axis=1), vaf


@dataclass(frozen=True, eq=False)
class _Source:
    """Reference data as model and residual, and how large the residual has to be."""

    model: NDArray[np.float64]
    rest: NDArray[np.float64]
    points: int
    scale: float = 1.0

    def drawn(self, rng: np.random.Generator, scale: float) -> NDArray[np.float64]:
        """The model with its residual drawn anew, as smooth as before and in step with nothing."""
        turned = np.stack([np.roll(each, int(rng.integers(self.points))) for each in self.rest])
        noise = turned * rng.choice((-1.0, 1.0), (len(turned), 1))
        made = self.model + scale * noise
        return np.asarray(np.maximum(made, 0.0))


def _source(X: Array, W: Array, points: int, vaf: float, rng: np.random.Generator) -> _Source:
    """Scale the residual of reference data so that the modules explain as little as `vaf`."""
    X = np.asarray(X, dtype=np.float64)
    model = W @ np.asarray(refit(X, W))
    plain = _Source(model, X - model, points)
    low, high = 0.0, 1.0
    state = rng.bit_generator.state

    def explained(scale: float) -> float:
        rng.bit_generator.state = state  # the same draw: what is left over rises with the scale
        made = plain.drawn(rng, scale)
        return _activations(made, W, points)[1]

    while explained(high) > vaf and high < 16:
        high *= 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if explained(middle) > vaf else (low, middle)
    return _Source(model, plain.rest, points, (low + high) / 2)


def _mean(X: Array, points: int) -> NDArray[np.float64]:
    X = np.asarray(X, dtype=np.float64)
    return np.asarray(X.reshape(len(X), -1, points).mean(axis=1))


def _pairs(H: Array, pairs: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    table = _correlation(H)
    return np.array([table[a, b] for a, b in pairs], dtype=np.float64)


def _correlation(H: Array) -> NDArray[np.float64]:
    centred = H - H.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1)
    unit = centred / np.where(length > 0, length, 1.0)[:, None]
    return np.asarray(np.clip(unit @ unit.T, -1, 1))


def _unit(A: Array) -> NDArray[np.float64]:
    A = np.asarray(A, dtype=np.float64)
    length = np.linalg.norm(A, axis=0)
    return A / np.where(length > 0, length, 1.0)
