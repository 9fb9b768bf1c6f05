"""What is asked of a series, and what is answered: curves and images, and which are blood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Factorization
from partwise_pet.vascular import answers_to

__all__ = [
    "BESIDE_MM",
    "Factors",
    "Own",
    "Question",
    "Spill",
    "blood_of",
    "sampled",
    "scale_of",
    "scaled",
    "shares_of",
    "unit_length",
    "unscaled",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Data = NDArray[np.floating[Any]]

BESIDE_MM = 1.5
"""How much narrower and wider a blur is tried, to tell what rests on its width."""

_SAMPLE = 8_000  # voxels from which the curves are found; all others follow
_SHARP, _HIGH = 0.4, 0.5  # late part of a blood curve over its peak; its peak over the highest


@dataclass(frozen=True, eq=False)
class Question:
    """What is to be taken apart.

    Attributes
    ----------
    X : float64, shape (frames, voxels)
        Activity of the voxels looked at, at least 0.
    weights : float64, shape (frames,)
    frames : float64, shape (frames, 2)
        Start and end in s.
    mask : bool, shape (z, y, x)
        Which voxels of the volume the columns of X are, in C order.
    rank : int
    anchors : tuple of int arrays
        Columns of X that belong to one factor alone, per factor; empty arrays where none.
    overlap : float or None
        Strength of the penalty; None has it follow the noise.
    seed : int
    fixed : float64, shape (frames, kept), or None
        Curves that stay.
    start : float64, shape (frames, rank), or None
        Curves to begin from.
    loss : str
    spacing_mm : (z, y, x), or None
        Size of the voxels; without it nothing is known of blur.
    blur_mm : float or None
        Width (FWHM) of the blur; None has it estimated, 0 takes nothing off.
    filter_mm : float or None
        Width (FWHM) of the filter after reconstruction, where a file tells it.
    """

    X: Array
    weights: Array
    frames: Array
    mask: Mask
    rank: int
    anchors: tuple[NDArray[np.intp], ...] = ()
    overlap: float | None = None
    seed: int = 0
    fixed: Array | None = None
    start: Array | None = None
    loss: str | float = "frobenius"
    spacing_mm: tuple[float, float, float] | None = None
    blur_mm: float | None = None
    filter_mm: float | None = None

    @property
    def root(self) -> Array:
        """Square roots of the weights, shape (frames, 1)."""
        return np.sqrt(self.weights)[:, None]

    @property
    def kept(self) -> int:
        return 0 if self.fixed is None else int(self.fixed.shape[1])


@dataclass(frozen=True, eq=False)
class Spill:
    """What blur carries into the core of a factor of blood, and takes from it.

    Attributes
    ----------
    factor : int
    width_mm, doubt_mm : float
        FWHM of the blur, and one standard deviation of it.
    recovery : float
        Share of the pool's own signal that blur leaves in its core.
    curve : float64, shape (frames,)
        Signal in the core from outside of the pool, in the unit of the data.
    pool : float64, shape (frames,)
        The pool's own curve for this width, on any scale.
    """

    factor: int
    width_mm: float
    doubt_mm: float
    recovery: float
    curve: Array
    pool: Array


@dataclass(frozen=True, eq=False)
class Own:
    """What the core of a tissue is made of, as shares of its volume.

    Attributes
    ----------
    factor : int
    blood : float
        That runs through it or that blur brings.
    outside : float
        Surroundings that blur brings, in place of tissue that it takes.
    share : float
        The tissue itself.
    off : float
        One standard deviation of `share`, from the noise of the core's curve.
    seen : float64, shape (frames,)
        The core's mean curve without its blood, for as much as there is tissue.
    """

    factor: int
    blood: float
    outside: float
    share: float
    off: float
    seen: Array


@dataclass(frozen=True, eq=False)
class Factors:
    """Curves and images.

    Attributes
    ----------
    W : float64, shape (frames, factors)
        Curves in the unit of the data, for an image of 1.
    H : float64, shape (factors, voxels)
    fit : Factorization
        The last fit of the engine, on weighted and scaled data.
    overlap : float
        The strength that was used.
    blood : tuple of int
        Factors that look like blood, earliest first.
    spills : tuple of Spill
        What was taken off blood for blur; empty where nothing was.
    owns : tuple of Own
        What the cores of tissues are made of; empty until curves have their scale.
    narrower, wider : tuple of Spill
        What would be taken off, were the blur by `BESIDE_MM` narrower or wider.
    """

    W: Array
    H: Array
    fit: Factorization
    overlap: float
    blood: tuple[int, ...]
    spills: tuple[Spill, ...] = ()
    owns: tuple[Own, ...] = ()
    narrower: tuple[Spill, ...] = ()
    wider: tuple[Spill, ...] = ()

    def taken_off(self, spills: tuple[Spill, ...]) -> Factors:
        """Return the same with something else taken off blood."""
        W = self.W.copy()
        for each in spills:
            W[:, each.factor] = each.pool
        return replace(self, W=W, spills=spills)

    def in_order(self, order: Sequence[int]) -> Factors:
        """Return the same with the factors in another order."""
        back = {old: new for new, old in enumerate(order)}

        def moved(spills: tuple[Spill, ...]) -> tuple[Spill, ...]:
            return tuple(replace(each, factor=back[each.factor]) for each in spills)

        return replace(
            self,
            W=self.W[:, list(order)],
            H=self.H[list(order)],
            blood=tuple(back[k] for k in self.blood),
            spills=moved(self.spills),
            owns=tuple(replace(each, factor=back[each.factor]) for each in self.owns),
            narrower=moved(self.narrower),
            wider=moved(self.wider),
        )

    def spill_of(self, k: int) -> Spill | None:
        """Return what was taken off a factor for blur."""
        return next((each for each in self.spills if each.factor == k), None)

    def own_of(self, k: int) -> Own | None:
        """Return what the core of a tissue is made of."""
        return next((each for each in self.owns if each.factor == k), None)


def shares_of(W: Array, H: Array, seconds: Array) -> Array:
    """Return the share of all counts that each factor carries, shape (factors,)."""
    mass = (W * seconds[:, None]).sum(axis=0) * H.sum(axis=1)
    total = float(mass.sum())
    return np.asarray(mass / total if total > 0 else np.zeros_like(mass))


def blood_of(W: Array, H: Array, frames: Array) -> tuple[int, ...]:
    """Return the factors whose curves peak early and high and then fall, earliest first.

    Heights are compared where each factor is strongest: a pool of blood outshines all tissue
    during the first pass. A tissue that washes out quickly does the same, but is told by what
    feeds it.
    """
    top = np.quantile(H, 0.995, axis=1)
    curves = W * np.where(top > 0, top, 0)
    middle = frames.mean(axis=1)
    late = middle >= 0.6 * middle[-1]
    peaks = curves.max(axis=0)
    at = middle[curves.argmax(axis=0)]
    tail = curves[late].mean(axis=0)
    found = [
        k
        for k in range(W.shape[1])
        if peaks[k] > _HIGH * peaks.max()
        and tail[k] < _SHARP * peaks[k]
        and at[k] < 0.1 * frames[-1, 1]
    ]
    pools = [
        k
        for k in found
        if not any(peaks[j] > peaks[k] and answers_to(W[:, k], W[:, j], frames) for j in found)
    ]
    return tuple(sorted(pools, key=lambda k: (at[k], -peaks[k])))


def sampled(question: Question) -> tuple[NDArray[np.intp], tuple[NDArray[np.intp], ...]]:
    """Columns from which the curves are found, and the anchors among them."""
    count = question.X.shape[1]
    if count <= _SAMPLE:
        return np.arange(count), question.anchors
    rng = np.random.default_rng([question.seed, 5])
    picked = [np.sort(rng.choice(count, _SAMPLE, replace=False)), *question.anchors]
    few = np.unique(np.concatenate(picked)).astype(np.intp)
    return few, tuple(np.searchsorted(few, at) for at in question.anchors)


def scale_of(question: Question, few: NDArray[np.intp]) -> float:
    """Return the root mean square of the weighted data."""
    part = question.X[:, few] * question.root
    return float(np.sqrt(np.mean(part**2))) or 1.0


def scaled(question: Question, few: NDArray[np.intp]) -> Data:
    """Weighted data of mean square 1, so that strengths mean the same for every scan."""
    part = question.X[:, few] * question.root
    scale = float(np.sqrt(np.mean(part**2))) or 1.0
    # Half the memory to read; the engine adds up in double precision.
    return np.asarray(part / scale, dtype=np.float32)


def unscaled(question: Question, W: Array) -> Array:
    """Return weighted curves in the unit of the data."""
    return np.asarray(np.asarray(W, np.float64) / question.root)


def unit_length(W: Array) -> Array:
    """Return curves of length 1; those that are nothing stay so."""
    length = np.linalg.norm(W, axis=0)
    return np.asarray(W / np.where(length > 0, length, 1.0))
