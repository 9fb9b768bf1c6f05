"""How well are entries foretold that the fit has not seen?

Single entries at random places are given weight 0 and predicted from the parts
found without them (Wold, Technometrics 20, 1978; Owen and Perry, Ann. Appl.
Stat. 3, 2009). Too many parts fit the noise of what is seen, and foretell worse.
"""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.judge.many import descend
from partwise.engine.loss import AnyLoss, parse_loss
from partwise.engine.penalty import L2
from partwise.engine.plan import choose, make
from partwise.engine.problem import pose
from partwise.engine.refitting import refit
from partwise.engine.start import begin, generator
from partwise.engine.stop import Rule

__all__ = ["heldout_error", "speckles"]

Array = NDArray[Any]
_RIDGE = 1e-3  # of the square of a part


def speckles(
    shape: tuple[int, int], share: float, masks: int, seed: int
) -> list[NDArray[np.bool_]]:
    """Return `masks` disjoint random masks, each True at about `share` of the entries.

    Raises
    ------
    InputProblem
        If the masks together would hold more than all entries.
    """
    if not (0 < share < 1) or masks < 1 or masks * share > 1 + 1e-9:
        raise InputProblem(
            f"{masks} masks of {share:g} of the entries each cannot be held out",
            argument="heldout",
            fix="give a share above 0 such that masks times share is at most 1, such as 0.1 and 5",
        )
    place = generator(seed, 0, 0, "holdout").random(shape)
    return [(place >= k * share) & (place < (k + 1) * share) for k in range(masks)]


def heldout_error(
    X: Array,
    rank: int,
    mask: NDArray[np.bool_],
    *,
    loss: AnyLoss,
    weights: Any,
    seed: int,
    rule: Rule,
    stopped: Event,
) -> float:
    """Fit without the entries of `mask` and return how badly they are foretold.

    The divergence of the held-out entries from W·H, over that from the mean of
    the entries that were seen: 1 is no better than knowing the mean, and for
    the squared error 1 minus it is the cross-validated R² (Q²).
    """
    known = ~np.isnan(X)
    given = np.ones((1, 1)) if weights is None else np.asarray(weights, dtype=np.float64)
    counted = np.where(known, given, 0.0)
    seen, hidden = np.where(mask, 0.0, counted), np.where(mask, counted, 0.0)
    data = np.where(known, X, 0).astype(X.dtype if X.dtype.kind == "f" else np.float64)
    total = float((seen * data).sum())
    if not (total > 0 and hidden.any()):
        return float("nan")
    mean = total / float(seen.sum())
    visible = np.where(seen > 0, data, mean).astype(data.dtype)
    tell = parse_loss(loss)
    foretold = _foretold(visible, seen, rank, loss, seed, rule, stopped)
    if tell.beta <= 0:  # entries of 0 carry no weight there; keep them finite
        data = np.where(data > 0, data, mean)
    data = data.astype(np.float64)
    plain = tell.divergence(data, np.full_like(data, mean), hidden)
    return tell.divergence(data, foretold, hidden) / plain if plain > 0 else float("nan")


def _foretold(
    X: Array, seen: Array, rank: int, loss: AnyLoss, seed: int, rule: Rule, stopped: Event
) -> Array:
    """The mixture everywhere, from entries that hold the mean wherever they were not seen."""
    problem = pose(X, rank, loss, weights=seen)
    # Begin from the singular vectors of what is seen, its gaps filled by row means.
    weight = seen.sum(axis=1, keepdims=True)
    total = (seen * X).sum(axis=1, keepdims=True)
    level = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
    filled = pose(np.where(seen > 0, X, level).astype(X.dtype), rank)
    init = begin(filled, "nndsvd", seed, 0)
    solver = make(choose(problem, "auto"), problem, init, seed, 0)
    descend(solver, rule, stopped)
    W, H = (np.asarray(F, dtype=np.float64) for F in solver.factors())
    if problem.loss.beta == 2:
        # A part that lives on hidden entries alone has any strength it likes;
        # a slight preference for small ones settles that.
        W = W / np.maximum(np.linalg.norm(W, axis=0), 1e-300)
        small = L2(_RIDGE * float(seen.mean()))
        H = refit(X.astype(np.float64), W, weights=seen, penalty_H=small)
    # A column with few entries left may be foretold beyond all bounds; nothing
    # larger than what was seen is believed.
    return np.clip(W @ H, np.finfo(np.float32).tiny, float(X.max()))
