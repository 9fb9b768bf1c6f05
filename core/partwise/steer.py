"""Where does a run begin that goes on from parts? From parts as they stand, joined or split.

A person stops a run, corrects a part, joins two or asks for one to be two; the next run begins
there. These are pure functions from parts to parts, and from parts to the factors that
`partwise.nmf` takes as ``init``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from partwise.result import Part

__all__ = ["joined_part", "split_part", "start_factors"]

Matrix = NDArray[np.float64]

_STEPS = 60  # of a small fit that only has to find a place to begin
_FLOOR = 1e-6  # of the largest; a solver that multiplies never leaves an exact zero


def joined_part(parts: Sequence[Part]) -> Part:
    """Return one part in place of several, under the first one's key, name and colour.

    The profile is their mean, weighted by how much of each there is; the course carries as much
    as theirs together. Sums of parts have no single profile, so this is where a run begins, not
    what it ends with.
    """
    first = parts[0]
    if len({np.size(part.profile) for part in parts}) != 1:
        return first
    profiles = np.stack([np.asarray(part.profile, dtype=np.float64) for part in parts])
    courses = [np.asarray(part.course) for part in parts if part.course is not None]
    share = float(sum(part.share for part in parts))
    if len(courses) < len(parts) or len({course.size for course in courses}) != 1:
        weights = np.array([max(part.share, 0.0) for part in parts])
        weights = weights if weights.sum() > 0 else np.ones(len(parts))
        profile = weights @ profiles / weights.sum()
        return dataclasses.replace(first, profile=profile, share=share, course=None)
    H = np.stack([np.asarray(course, dtype=np.float64) for course in courses])
    amount = H.sum(axis=1)
    total = float(amount.sum())
    weights = amount / total if total > 0 else np.full(len(parts), 1 / len(parts))
    profile = weights @ profiles
    size = float(profile.sum())
    # What all parts give together at each sample, told in units of the common profile.
    course = profiles.sum(axis=1) @ H / size if size > 0 else H.sum(axis=0)
    return dataclasses.replace(first, profile=profile, share=share, course=course)


def split_part(part: Part, key: str, name: str, color: str) -> tuple[Part, Part]:
    """Return a part as two halves alike, the second under another key, name and colour.

    `start_factors` tells halves by their equal profiles and turns them apart; an analysis with a
    beginning of its own does as it sees fit.
    """
    course = None if part.course is None else np.asarray(part.course) / 2
    first = dataclasses.replace(part, share=part.share / 2, course=course)
    return first, dataclasses.replace(first, key=key, name=name, color=color)


def start_factors(
    X: ArrayLike,
    parts: Sequence[Part],
    rank: int,
    *,
    fixed_W: ArrayLike | None = None,
    seed: int = 0,
) -> tuple[Matrix, Matrix] | None:
    """Return factors to begin a fit from, as ``init`` of `partwise.nmf`.

    Parts of equal profile (halves of one that was split) are turned apart: two parts are fitted
    to what the one part explains and what all parts leave over. Where fewer parts than `rank` are
    given, the others begin in what is left; of more, those that carry most are taken.

    Parameters
    ----------
    X : array, shape (features, samples)
        What is fitted, on the scale of the parts; NaN is missing.
    parts : sequence of Part
        `partwise.api.Job.start`; those whose profile does not fit `X` are passed over.
    rank : int
    fixed_W : array, shape (features, k), optional
        Columns that stay as they are; they come first.
    seed : int

    Returns
    -------
    (W, H) or None
        Shapes (features, rank) and (rank, samples); None where no part fits `X`.
    """
    data = np.asarray(X, dtype=np.float64)
    rows, columns = data.shape
    held = np.empty((rows, 0)) if fixed_W is None else np.asarray(fixed_W, dtype=np.float64)
    fitting = [part for part in parts if np.size(part.profile) == rows]
    free = rank - held.shape[1]
    if not fitting or free <= 0:
        return None
    W = np.column_stack([np.asarray(part.profile, dtype=np.float64) for part in fitting])
    W = np.hstack([held, np.maximum(np.nan_to_num(W), 0.0)])
    H = _courses(fitting, columns) if not held.shape[1] else None
    if H is None:
        from partwise.engine import refit

        H = np.array(refit(data, _distinct(W)), dtype=np.float64)
    for first, second in _halves(W, held.shape[1]):
        W, H = _turned_apart(data, W, H, (first, second), seed)
    W, H = _of_size(data, W, H, held.shape[1], rank, seed)
    if free:
        W[:, held.shape[1] :] = np.maximum(W[:, held.shape[1] :], _FLOOR * W.max())
    return W, np.maximum(H, _FLOOR * H.max())


def _courses(parts: Sequence[Part], columns: int) -> Matrix | None:
    found = [part.course for part in parts]
    if any(course is None or np.size(course) != columns for course in found):
        return None
    return np.maximum(np.nan_to_num(np.stack([np.asarray(c, np.float64) for c in found])), 0.0)


def _distinct(W: Matrix) -> Matrix:
    """Halves a hair's breadth apart: of two columns alike one would get everything."""
    out = W.copy()
    for k in range(1, W.shape[1]):
        if any(np.array_equal(W[:, k], W[:, j]) for j in range(k)):
            out[:, k] *= 1 + 1e-3 * np.cos(np.arange(len(W)) + k)
    return out


def _halves(W: Matrix, held: int) -> Iterator[tuple[int, int]]:
    taken: set[int] = set()
    for first in range(held, W.shape[1]):
        for second in range(first + 1, W.shape[1]):
            if second not in taken and np.array_equal(W[:, first], W[:, second]):
                taken |= {first, second}
                yield first, second
                break


def _rest(X: Matrix, W: Matrix, H: Matrix) -> Matrix:
    return np.asarray(X - W @ H)


def _turned_apart(
    X: Matrix, W: Matrix, H: Matrix, pair: tuple[int, int], seed: int
) -> tuple[Matrix, Matrix]:
    from partwise.engine import nmf

    both = list(pair)
    share = np.maximum(W[:, both] @ H[both] + _rest(X, W, H), 0.0)  # NaN stays missing
    if not np.nansum(share) > 0:
        return W, H
    found = nmf(share, 2, seed=seed, max_iter=_STEPS)
    W, H = W.copy(), H.copy()
    # The half that is more like the part keeps its key.
    like = W[:, both[0]] @ (found.W / np.maximum(np.linalg.norm(found.W, axis=0), 1e-300))
    order = np.argsort(-like, kind="stable")
    W[:, both], H[both] = found.W[:, order], found.H[order]
    return W, H


def _of_size(
    X: Matrix, W: Matrix, H: Matrix, held: int, rank: int, seed: int
) -> tuple[Matrix, Matrix]:
    missing = rank - W.shape[1]
    if missing > 0:
        from partwise.engine import nmf

        rest = np.maximum(_rest(X, W, H), 0.0)
        if np.nansum(rest) > 0:
            more = nmf(rest, missing, seed=seed, max_iter=_STEPS)
            return np.hstack([W, more.W]), np.vstack([H, more.H])
        rng = np.random.default_rng(seed)
        fresh = rng.random((len(W), missing)) * max(float(W.mean()), 1e-300)
        return np.hstack([W, fresh]), np.vstack([H, np.zeros((missing, H.shape[1]))])
    if missing < 0:
        mass = W.sum(axis=0) * H.sum(axis=1)
        mass[:held] = np.inf
        keep = np.sort(np.argsort(-mass, kind="stable")[:rank])
        return W[:, keep], H[keep]
    return W, H
