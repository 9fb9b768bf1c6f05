"""Where does the search for curves begin?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from partwise.api import InputProblem, refit, separable_nmf
from partwise_pet.core import smoothed
from partwise_pet.question import Question, sampled, unit_length

__all__ = ["anchored_start", "pure_start"]

Array = NDArray[np.float64]

_FAINT = 0.1  # of the bright voxels; fainter ones are no place to begin at


def pure_start(question: Question, size: int) -> Array:
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
    few, _ = sampled(question)
    smooth = smooth[:, few] if few.size < smooth.shape[1] else smooth
    if W.shape[1]:
        # What the given ones do not explain.
        base = W * question.root
        smooth = np.maximum(smooth - base @ refit(smooth, base), 0)
    length = np.linalg.norm(smooth, axis=0)
    bright = np.flatnonzero(length > _FAINT * np.quantile(length, 0.99))
    if bright.size < wanted:
        bright = np.arange(length.size)
    try:
        found = separable_nmf(smooth[:, bright], min(wanted, bright.size)).anchors
    except InputProblem as problem:
        raise _too_alike(smooth[:, bright], question.rank) from problem
    fresh = smooth[:, bright[found]] / question.root
    return np.concatenate([W, fresh], axis=1)


def _too_alike(smooth: Array, rank: int) -> InputProblem:
    """What to say where the voxels hold fewer curves than are asked for."""
    if np.linalg.matrix_rank(smooth, tol=1e-6 * float(np.linalg.norm(smooth))) <= 1:
        return InputProblem(
            "all voxels that are looked at follow one and the same curve over time, so that "
            "nothing tells blood from tissue",
            argument="input",
            fix="check that the series is dynamic and was exported frame by frame; widen the mask",
        )
    return InputProblem(
        f"the voxels that are looked at hold fewer than {rank} curves that are no mixtures of "
        "each other",
        argument="rank",
        fix="ask for fewer factors (rank), or widen the mask",
    )


def anchored_start(question: Question, W: Array) -> Array:
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
    given = unit_length(np.stack(list(means.values()), axis=1))
    rows, columns = linear_sum_assignment(-(given.T @ unit_length(W[:, free])))
    taken = dict(zip(np.array(list(means))[rows], free[columns], strict=True))
    others = iter([int(k) for k in free if k not in taken.values()])
    made = np.array(W, dtype=np.float64)
    for k in range(question.kept, question.rank):
        made[:, k] = means[k] if k in means else W[:, next(others)]
    return made
