"""Which few curves, and how much of each where, make up a dynamic series?

A fit alone does not say: a blood curve can hand its late part to the tissue around it and the
sum stays the same. What decides is named here, step by step:

1. Begin at voxels that stick out furthest of the smoothed series (pure pixels).
2. Find the tightest curves: overlap of the factor images is penalised, in proportion to the
   noise, so that voxels in the middle of a pool of blood are blood and nothing else.
3. Let tissue hold blood, as it does: blood keeps its curve, and only tissues avoid each other.

Anchors, voxels that a person says hold one factor alone, take the place of the second step's
preference where they are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from partwise.api import Factorization, Overlap, nmf, refit, separable_nmf
from partwise_pet.core import cores_of, smoothed
from partwise_pet.penalty import Apart, settled_images

__all__ = [
    "Factors",
    "Question",
    "blood_of",
    "find_factors",
    "loose_factors",
    "shares_of",
    "tight_factors",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Data = NDArray[np.floating[Any]]
OnStep = Callable[[Array, Array, list[float]], bool]
Alive = Callable[[], bool]

# Overlap per relative residual. Tuned on the large and the small heart at three noise levels,
# kinetics and sizes ±20 %, first eight seeds; the bench measures on others.
_OVERLAP = 0.085
_SAMPLE = 8_000  # voxels from which the curves are found; all others follow
_SPILL, _CHANCE = 0.08, 0.6  # what blur may bring into the core of blood, and noise per its size
_FIRMER, _STEP = 3, 1.5  # how often, and by how much, overlap is penalised more
_NEAR, _WIDE = 3, 5  # voxels across that are averaged to begin at
_NOISY = 0.15  # relative residual beyond which one start is not trusted
_FAINT = 0.1  # of the bright voxels; fainter ones are no place to begin at
_BAR = 1e3  # cost of a factor where it must not be, in units of the scaled data
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

    @property
    def root(self) -> Array:
        """Square roots of the weights, shape (frames, 1)."""
        return np.sqrt(self.weights)[:, None]

    @property
    def kept(self) -> int:
        return 0 if self.fixed is None else int(self.fixed.shape[1])


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
    """

    W: Array
    H: Array
    fit: Factorization
    overlap: float
    blood: tuple[int, ...]


def find_factors(
    question: Question, on_step: OnStep | None = None, alive: Alive | None = None
) -> Factors:
    """Find curves and images as described above.

    Parameters
    ----------
    question : Question
    on_step : callable, optional
        Called with W, H (of all voxels) and the objective per iteration; False stops the fit,
        and what stands is returned.
    alive : callable, optional
        The same without anything to see, for fits that nobody looks at; it may raise.
    """
    few, anchors = _sampled(question)
    data = _scaled(question, few)
    shown = _Shown(question, on_step, alive)
    if question.loss != "frobenius":
        return _diverging(question, few, shown)
    start = _unit(_begin(question, _NEAR) * question.root)
    plain = nmf(
        data, question.rank, init=_init(data, start), fixed_W=_fixed(question), seed=question.seed,
        tol=1e-4, max_iter=60, on_step=shown.step,
    )  # fmt: skip
    noise = relative_residual(data, plain)
    strength = _OVERLAP * noise if question.overlap is None else question.overlap
    everywhere = strength * (1 - np.eye(question.rank))
    tight = _fit(question, data, start, everywhere, None, question.kept, shown)
    if noise > _NOISY and question.start is None:
        # The brightest voxel may be chance: begin at wider means as well, and keep the better.
        wide = _unit(_begin(question, _WIDE) * question.root)
        other = _fit(question, data, wide, everywhere, None, question.kept, shown)
        tight = min(tight, other, key=_objective)
    if any(at.size for at in anchors):
        start = _unit(_anchored_start(question, np.asarray(tight.W)))
        barred = _barred(anchors, question.rank, data.shape[1], blood=())
        tight = _fit(question, data, start, everywhere, barred, question.kept, shown)
    blood = blood_of(_unscaled(question, tight.W), tight.H, question.frames)
    if question.overlap is None:
        # Where tissue is far brighter than blood the strength that suits the noise may be too
        # weak to hold blood together: its core tells, and the least that does is taken.
        barred = _barred(anchors, question.rank, data.shape[1], blood=())
        for number in range(_FIRMER):
            given, seen = _given_away(question, few, tight, everywhere, blood)
            if shown.stopped or given <= _SPILL + _CHANCE * noise:
                break
            if number:
                strength, everywhere = _STEP * strength, _STEP * everywhere
            # From what was measured there: a descent may not find its way back by itself.
            start = np.asarray(tight.W, np.float64)
            for k, curve in seen.items():
                start[:, k] = curve if k >= question.kept else start[:, k]
            start = _unit(start)
            tight = _fit(question, data, start, everywhere, barred, question.kept, shown)
            blood = blood_of(_unscaled(question, tight.W), tight.H, question.frames)
    last = _with_blood(question, data, tight, everywhere, anchors, blood, shown)
    H = _all_images(question, last, everywhere, blood)
    return Factors(_unscaled(question, last.W), H, last, float(strength), blood)


def tight_factors(question: Question, alive: Alive | None = None) -> Factors:
    """Return the tight curves of the first two steps alone: enough to tell how many there are."""
    few, _ = _sampled(question)
    data = _scaled(question, few)
    shown = _Shown(question, None, alive)
    start = _unit(_begin(question, _NEAR) * question.root)
    plain = nmf(data, question.rank, init=_init(data, start), seed=question.seed, tol=1e-3,
                max_iter=20, on_step=shown.step)  # fmt: skip
    strength = _OVERLAP * relative_residual(data, plain)
    pairs = strength * (1 - np.eye(question.rank))
    fit = _fit(replace(question, fixed=None), data, start, pairs, None, 0, shown)
    H = _all_images(question, fit, pairs, ())
    return Factors(_unscaled(question, fit.W), H, fit, float(strength), ())


def loose_factors(question: Question, *, weighted: bool = True) -> Factors:
    """Return what nonnegativity alone gives: no anchors, no overlap; as good a fit, or better.

    Parameters
    ----------
    question : Question
    weighted : bool
        False has all frames count alike.
    """
    X = question.X
    weights = question.weights[:, None] if weighted else None
    fit = nmf(
        X, question.rank, weights=weights, seed=question.seed, tol=1e-5, max_iter=1000,
        init="spa" if weighted else "random",
    )  # fmt: skip
    W, H = np.asarray(fit.W, np.float64), np.asarray(fit.H, np.float64)
    return Factors(W, H, fit, 0.0, blood_of(W, H, question.frames))


def shares_of(W: Array, H: Array, seconds: Array) -> Array:
    """Return the share of all counts that each factor carries, shape (factors,)."""
    mass = (W * seconds[:, None]).sum(axis=0) * H.sum(axis=1)
    total = float(mass.sum())
    return np.asarray(mass / total if total > 0 else np.zeros_like(mass))


def blood_of(W: Array, H: Array, frames: Array) -> tuple[int, ...]:
    """Return the factors whose curves peak early and high and then fall, earliest first.

    Heights are compared where each factor is strongest: a pool of blood outshines all tissue
    during the first pass.
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
    return tuple(sorted(found, key=lambda k: (at[k], -peaks[k])))


def relative_residual(data: Data, fit: Factorization) -> float:
    """Return the length of what a fit leaves over that of the data."""
    left = float(np.linalg.norm(data - fit.W @ fit.H))
    return left / max(float(np.linalg.norm(data)), 1e-300)


# Steps


def _fit(
    question: Question,
    data: Data,
    start: Array,
    pairs: Array,
    barred: Array | None,
    fixed: int,
    shown: _Shown,
) -> Factorization:
    kept = start[:, :fixed] if fixed else None
    plain = barred is None and not fixed and not question.anchors
    others = pairs[~np.eye(len(pairs), dtype=bool)]
    if plain and (not others.size or np.ptp(others) == 0):
        term: Any = Overlap(float(pairs[0, -1])) if len(pairs) > 1 else None
    else:
        term = Apart(pairs, barred)
    H = refit(data, start)
    if barred is not None:
        H = np.where(barred > 0, 0.0, H)
    return nmf(
        data, question.rank, init=(start, H), penalty_H=term, fixed_W=kept, seed=question.seed,
        tol=1e-5, max_iter=400, on_step=shown.step,
    )  # fmt: skip


def _with_blood(
    question: Question,
    data: Data,
    tight: Factorization,
    pairs: Array,
    anchors: tuple[NDArray[np.intp], ...],
    blood: tuple[int, ...],
    shown: _Shown,
) -> Factorization:
    """Fit again with the curves of blood as they are, and blood let into tissue."""
    if not blood or len(blood) == question.rank or shown.stopped:
        return tight
    kept = sorted({*blood, *range(question.kept)})
    order = [*kept, *(k for k in range(question.rank) if k not in kept)]
    back = np.argsort(order)
    barred = _barred(anchors, question.rank, data.shape[1], blood)
    fit = _fit(
        question,
        data,
        tight.W[:, order],
        _blood_let_in(pairs, blood)[np.ix_(order, order)],
        barred[order] if barred is not None else None,
        len(kept),
        _Reordered(shown, back),
    )
    return _replaced(fit, fit.W[:, back], fit.H[back])


def _objective(fit: Factorization) -> float:
    return fit.objective


def _replaced(fit: Factorization, W: Array, H: Array) -> Factorization:
    return replace(fit, W=W, H=H)


def _given_away(
    question: Question,
    few: NDArray[np.intp],
    fit: Factorization,
    pairs: Array,
    blood: tuple[int, ...],
) -> tuple[float, dict[int, Array]]:
    """Largest share of the late signal in the core of blood that is not its factor's.

    Also the weighted mean curve of each of these cores.
    """
    H = np.asarray(fit.H, np.float64)
    if few.size < question.X.shape[1]:
        H = _all_images(question, fit, pairs, ()) / _scale(question, few)
    W = np.asarray(fit.W, np.float64)
    middle = question.frames.mean(axis=1)
    late = middle >= middle[0] + (middle[-1] - middle[0]) / 3
    tail = (W / question.root)[late].sum(axis=0)
    worst, seen, scale = 0.0, {}, _scale(question, few)
    for k in blood:
        core = cores_of(H, question.mask, question.anchors, W, only=k)[0]
        curve = question.X[:, core.columns].mean(axis=1)
        there = float(curve[late].sum()) / scale
        own = float(tail[k] * H[k, core.columns].mean())
        worst = max(worst, abs(1 - own / there) if there > 0 else 0.0)
        seen[k] = curve * question.root[:, 0]
    return worst, seen


def _blood_let_in(pairs: Array, blood: tuple[int, ...]) -> Array:
    is_blood = np.isin(np.arange(len(pairs)), blood)
    return np.asarray(pairs * (is_blood[:, None] == is_blood[None]))


def _diverging(question: Question, few: NDArray[np.intp], shown: _Shown) -> Factors:
    """Another loss: the weights are those of the loss itself, and there is no overlap."""
    X = question.X[:, few]
    W0 = _begin(question, _NEAR)
    fit = nmf(
        X, question.rank, loss=question.loss, weights=_frame_share(question)[:, None],
        init=(W0, np.maximum(refit(X, W0), 1e-6 * X.max())), seed=question.seed, tol=1e-5,
        max_iter=400, on_step=shown.step,
    )  # fmt: skip
    W = np.asarray(fit.W, np.float64)
    H = refit(question.X, W, loss=question.loss) if few.size < question.X.shape[1] else fit.H
    H = np.asarray(H, np.float64)
    return Factors(W, H, fit, 0.0, blood_of(W, H, question.frames))


def _frame_share(question: Question) -> Array:
    """Weights without the activity, which a divergence brings by itself."""
    mean = np.maximum(question.X.mean(axis=1), 1e-12)
    share = question.weights * mean
    return np.asarray(share / share.mean())


# Where to begin


def _begin(question: Question, size: int) -> Array:
    """Return curves to begin from, in the unit of the data, shape (frames, rank)."""
    known = [given for given in (question.fixed, question.start) if given is not None]
    if question.fixed is not None and question.start is not None:
        known[1] = question.start[:, question.kept :]
    given = np.concatenate(known, axis=1) if known else np.empty((len(question.X), 0))
    return _filled(question, given, size)


def _filled(question: Question, given: Array, size: int) -> Array:
    """Add pure curves of the smoothed series until there are as many as are asked for."""
    W = np.maximum(given[:, : question.rank], 0)
    wanted = question.rank - W.shape[1]
    if wanted <= 0:
        return W
    smooth = smoothed(question.X, question.mask, size) * question.root
    few, _ = _sampled(question)
    smooth = smooth[:, few] if few.size < smooth.shape[1] else smooth
    if W.shape[1]:
        # What the given ones do not explain.
        base = W * question.root
        smooth = np.maximum(smooth - base @ refit(smooth, base), 0)
    length = np.linalg.norm(smooth, axis=0)
    bright = np.flatnonzero(length > _FAINT * np.quantile(length, 0.99))
    if bright.size < wanted:
        bright = np.arange(length.size)
    found = separable_nmf(smooth[:, bright], min(wanted, bright.size)).anchors
    fresh = smooth[:, bright[found]] / question.root
    return np.concatenate([W, fresh], axis=1)


def _anchored_start(question: Question, W: Array) -> Array:
    """Put the mean curves of the anchors in place of the factors that are most like them.

    Shape (frames, rank), weighted. An anchor stands at its own number, the others keep the order
    in which they were found.
    """
    means = {
        k: question.X[:, at].mean(axis=1) * question.root[:, 0]
        for k, at in enumerate(question.anchors)
        if at.size and k >= question.kept
    }
    if not means:
        return W
    free = np.arange(question.kept, question.rank)
    given = _unit(np.stack(list(means.values()), axis=1))
    rows, columns = linear_sum_assignment(-(given.T @ _unit(W[:, free])))
    taken = dict(zip(np.array(list(means))[rows], free[columns], strict=True))
    others = iter([int(k) for k in free if k not in taken.values()])
    made = np.array(W, dtype=np.float64)
    for k in range(question.kept, question.rank):
        made[:, k] = means[k] if k in means else W[:, next(others)]
    return made


# Within


def _sampled(question: Question) -> tuple[NDArray[np.intp], tuple[NDArray[np.intp], ...]]:
    """Columns from which the curves are found, and the anchors among them."""
    count = question.X.shape[1]
    if count <= _SAMPLE:
        return np.arange(count), question.anchors
    rng = np.random.default_rng([question.seed, 5])
    picked = [np.sort(rng.choice(count, _SAMPLE, replace=False)), *question.anchors]
    few = np.unique(np.concatenate(picked)).astype(np.intp)
    return few, tuple(np.searchsorted(few, at) for at in question.anchors)


def _scale(question: Question, few: NDArray[np.intp]) -> float:
    part = question.X[:, few] * question.root
    return float(np.sqrt(np.mean(part**2))) or 1.0


def _scaled(question: Question, few: NDArray[np.intp]) -> Data:
    """Weighted data of mean square 1, so that strengths mean the same for every scan."""
    part = question.X[:, few] * question.root
    scale = float(np.sqrt(np.mean(part**2))) or 1.0
    # Half the memory to read; the engine adds up in double precision.
    return np.asarray(part / scale, dtype=np.float32)


def _unscaled(question: Question, W: Array) -> Array:
    return np.asarray(np.asarray(W, np.float64) / question.root)


def _fixed(question: Question) -> Array | None:
    if question.fixed is None:
        return None
    return _unit(question.fixed * question.root)


def _unit(W: Array) -> Array:
    length = np.linalg.norm(W, axis=0)
    return np.asarray(W / np.where(length > 0, length, 1.0))


def _init(data: Data, start: Array) -> tuple[Array, Array]:
    return start, np.maximum(refit(data, start), 0)


def _barred(
    anchors: tuple[NDArray[np.intp], ...], rank: int, voxels: int, blood: tuple[int, ...]
) -> Array | None:
    """Costs that keep factors out of others' anchors; blood runs through tissue, not back."""
    if not any(at.size for at in anchors):
        return None
    barred = np.zeros((rank, voxels))
    for k, at in enumerate(anchors):
        for other in range(rank):
            if other != k and not (other in blood and k not in blood):
                barred[other, at] = _BAR
    return barred


def _all_images(
    question: Question, fit: Factorization, pairs: Array, blood: tuple[int, ...]
) -> Array:
    """Images of all voxels for the curves found, on the scale of the data."""
    few, _ = _sampled(question)
    if few.size == question.X.shape[1]:
        return np.asarray(fit.H, np.float64) * _scale(question, few)
    scale = _scale(question, few)
    pairs = _blood_let_in(pairs, blood) if blood else pairs
    barred = _barred(question.anchors, question.rank, question.X.shape[1], blood)
    W = np.asarray(fit.W, np.float64)
    # What the images need of the series: its products with the curves, not the series itself.
    cross = (W * (question.root / scale)).T @ question.X
    return settled_images(W.T @ W, cross, pairs, barred) * scale


class _Shown:
    """Hands steps on in the unit of the data, with images of all voxels."""

    def __init__(
        self, question: Question, on_step: OnStep | None, alive: Alive | None = None
    ) -> None:
        self._question = question
        self._on_step = on_step
        self._alive = alive
        self._trace: list[float] = []
        self.stopped = False

    def step(self, step: Any) -> bool:
        """Show one step of the engine; what comes first counts as the same descent."""
        return self.show(step.W, float(step.objective))

    def show(self, W: Array, objective: float) -> bool:
        self._trace.append(objective)
        question = self._question
        if self._on_step is None:
            going = self._alive is None or self._alive()
            self.stopped = self.stopped or not going
            return going
        curves = np.asarray(W, np.float64)
        if question.loss == "frobenius":
            curves = curves / question.root
        going = self._on_step(curves, refit(question.X, curves), self._trace)
        self.stopped = self.stopped or not going
        return going


class _Reordered(_Shown):
    """The same with the factors in another order."""

    def __init__(self, shown: _Shown, back: NDArray[np.intp]) -> None:
        super().__init__(shown._question, shown._on_step)
        self._shown, self._back = shown, back

    def show(self, W: Array, objective: float) -> bool:
        going = self._shown.show(W[:, self._back], objective)
        self.stopped = not going
        return going
