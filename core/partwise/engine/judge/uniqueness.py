"""Do the data determine the parts, or would others fit as well?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import Factorization
from partwise.engine.judge.many import descend, side_by_side
from partwise.engine.judge.match import match_parts
from partwise.engine.judge.sample import cut_columns, few_columns
from partwise.engine.loss import AnyLoss
from partwise.engine.plan import choose, make
from partwise.engine.problem import Problem, pose
from partwise.engine.start import generator
from partwise.engine.stop import Rule

__all__ = ["Uniqueness", "uniqueness"]

Array = NDArray[Any]
Curve = NDArray[np.float64]
Verdict = Literal["good", "look", "bad"]
_RULE = Rule(tol=1e-6, max_iter=2000, gain=1e-7)
_COLUMNS = 4096  # of a long X; the starts share them
_GOOD, _LOOK = 0.98, 0.9
_FAINT = 0.05  # of the strongest sample; fainter ones are too noisy to be called pure


@dataclass(frozen=True)
class Uniqueness:
    """How far other solutions that fit as well lie from this one.

    Attributes
    ----------
    spread
        (rank,) the lowest cosine of each part with its like among all equally
        good solutions that were found; 1 when they are all the same.
    mixing
        (rank,) the lowest cosine that can be reached by moving one part's
        share into another, with W·H exactly as it is (see Notes of
        `uniqueness`). Part of `spread`.
    separability
        (rank, 2): how far each part is from having a sample, and a feature, of
        its own: 0 when some sample (feature) holds this part alone, near 1 when
        it only ever comes together with others.
    solutions
        How many of the other solutions fitted as well, and how many were tried.
    verdict
        "good" (all cosines at least 0.98), "look" (0.9) or "bad".
    text
        The same in a sentence or two.
    """

    spread: Curve
    mixing: Curve
    separability: Curve
    solutions: tuple[int, int]
    verdict: Verdict
    text: str


def uniqueness(
    X: Any,
    fit: Factorization,
    *,
    loss: AnyLoss = "frobenius",
    weights: Any = None,
    starts: int = 20,
    within: float = 0.01,
    seed: int = 0,
    on_step: Callable[[int], object] | None = None,
) -> Uniqueness:
    """Look for solutions that fit X as well as `fit` and say how they differ.

    Parameters
    ----------
    X, loss, weights
        What was fitted, as in `nmf`.
    fit
        The fit that is asked about.
    starts
        How many others are tried: every second from a random start, the others
        from `fit`, disturbed.
    within
        Equally good is an objective at most this share above the lowest, or
        above it by a millionth of that of a fit of nothing.
    seed
        Makes it repeatable.
    on_step
        Called with the number of starts done; returning False cancels.

    Returns
    -------
    Uniqueness

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.
    Cancelled
        If `on_step` returned False.

    Notes
    -----
    If row a of H is at least t times row b wherever b is not zero, then
    W_b + t W_a with H_a − t H_b gives the same product and the same fit; the
    same goes for columns of W. The largest such t of every pair of parts is
    exact evidence of freedom, though freedom of more than two parts at once may
    escape it (Laurberg et al., Comput. Intell. Neurosci. 2008). That every part
    has a sample and a feature of its own is enough for uniqueness (Donoho and
    Stodden, NIPS 2003), not necessary.
    """
    problem = pose(X, fit.rank, loss, weights=weights)
    if (fit.W.shape[0], fit.H.shape[1]) != problem.shape:
        raise InputProblem(
            f"the fit is of shape {(fit.W.shape[0], fit.H.shape[1])}, X of {problem.shape}",
            argument="fit",
            fix="give the fit of this X",
        )
    if starts < 1 or not within > 0:
        raise InputProblem(
            f"starts {starts} and within {within} show nothing",
            argument="starts",
            fix="use at least 1 start and a share such as 0.01",
        )
    mixing = _mixing(fit.W, fit.H)
    apart = np.column_stack([_purity(fit.W, fit.H), _purity(fit.H.T, fit.W.T)])
    picks = few_columns(problem.shape[1], _COLUMNS, generator(seed, 0, 0, "sample"))
    H = fit.H
    if picks is not None:
        given = None if weights is None else np.asarray(weights)
        few, few_weights = cut_columns(X, given, picks)
        problem = pose(few, fit.rank, loss, weights=few_weights)
        H = H[:, picks]
    cosines, good = _others(problem, (fit.W, H), starts, within, seed, on_step)
    spread = np.minimum(mixing, cosines[good].min(axis=0, initial=1.0))
    verdict, text = _said(spread, apart, int(good.sum()), starts)
    return Uniqueness(spread, mixing, apart, (int(good.sum()), starts), verdict, text)


def _others(
    problem: Problem,
    here: tuple[Array, Array],
    starts: int,
    within: float,
    seed: int,
    on_step: Callable[[int], object] | None,
) -> tuple[Curve, NDArray[np.bool_]]:
    """Cosines (starts, rank) of other solutions with this one, and which fit as well."""
    if problem.empty:
        return np.ones((starts, problem.rank)), np.ones(starts, dtype=bool)
    name = choose(problem, "auto")
    asked = [partial(_other, problem, name, here, seed, start) for start in range(starts + 1)]
    # The first goes on from where the fit stands: all are judged by one rule.
    (value, W), *found = side_by_side(asked, on_step)
    values = np.array([each[0] for each in found])
    best = min(value, float(values.min()))
    good = values <= best + max(within * best, 1e-6 * _size(problem))
    return np.stack([match_parts(W, each[1]).cosine for each in found]), good


def _other(
    problem: Problem, name: str, here: tuple[Array, Array], seed: int, start: int, stopped: Event
) -> tuple[float, Array]:
    init: Any = here
    if start % 2:
        init = "random"
    elif start:
        rng = generator(seed, problem.rank, start, "sample")
        # Each factor times noise around 1, and a little where it was zero.
        init = tuple(
            F * rng.lognormal(0, 0.5, F.shape) + 0.02 * F.mean() * rng.random(F.shape) for F in here
        )
    solver = make(name, problem, init, seed, start)
    value = descend(solver, _RULE, stopped)
    return value, np.array(solver.factors()[0], dtype=np.float64)


def _size(problem: Problem) -> float:
    """What there is to explain: half the sum of squares, or the sum, of X."""
    X = problem.scaled
    values = X.data if problem.sparse else X
    if problem.loss.beta == 2:
        return 0.5 * float(np.square(values, dtype=np.float64).sum())
    return float(np.asarray(values, dtype=np.float64).sum())


def _mixing(W: Array, H: Array) -> Curve:
    """Lowest cosine per part that an exact exchange between two parts can reach."""
    W, H = np.asarray(W, dtype=np.float64), np.asarray(H, dtype=np.float64)
    rank = W.shape[1]
    lowest = np.ones(rank)
    for a in range(rank):
        for b in range(rank):
            if a == b or not (W[:, a].any() and W[:, b].any()):
                continue
            # W_b + t W_a with H_a − t H_b, and W_b − t W_a with H_a + t H_b.
            added = W[:, b] + _room(H[a], H[b]) * W[:, a]
            taken = W[:, b] - _room(W[:, b], W[:, a]) * W[:, a]
            for moved in (added, taken):
                length = np.linalg.norm(moved) * np.linalg.norm(W[:, b])
                if length > 0:
                    lowest[b] = min(lowest[b], float(moved @ W[:, b] / length))
    return lowest


def _room(whole: Array, piece: Array) -> float:
    """The largest t with whole − t piece >= 0."""
    inside = piece > 1e-9 * max(float(piece.max()), 1e-300)
    return float((whole[inside] / piece[inside]).min()) if inside.any() else 0.0


def _purity(W: Array, H: Array) -> Curve:
    """1 − the largest share of each part in any sample that is not faint."""
    amount = np.asarray(H, dtype=np.float64) * np.linalg.norm(W, axis=0)[:, None]
    whole = amount.sum(axis=0)
    clear = whole > _FAINT * whole.max(initial=0)
    if not clear.any():
        return np.ones(len(amount))
    return np.asarray(1 - (amount[:, clear] / whole[clear]).max(axis=1))


def _said(spread: Curve, apart: Curve, good: int, starts: int) -> tuple[Verdict, str]:
    lowest = float(spread.min())
    which = int(spread.argmin()) + 1
    verdict: Verdict = "good" if lowest >= _GOOD else "look" if lowest >= _LOOK else "bad"
    if not good and verdict == "good":
        return "look", (
            f"None of {starts} other starts fits as well, so nothing speaks against the parts "
            "and nothing for them."
        )
    if verdict == "good":
        text = f"The data determine the parts: {good} of {starts} starts fit as well and agree "
        text += f"within a cosine of {np.floor(1000 * lowest) / 1000:.3f}."
    else:
        text = f"The data do not determine part {which}: equally good fits differ by a cosine "
        text += f"of {lowest:.2f}."
    alone = apart.max(axis=1) < 0.05
    if alone.all():
        text += " Every part has a sample and a feature of its own."
    elif not (apart[:, 0] < 0.05).any():
        text += " No part has a sample of its own."
    return verdict, text
