"""Parts of any sign, present in nonnegative amounts.

    minimise ½ ‖X − W·H‖²   over H ≥ 0, W free

For data that go both ways (differences, log ratios, centred recordings), where
each sample is a nonnegative mixture of signed profiles. With nearly exclusive
parts it is a soft form of k-means, which is also where it starts. The factors
are seldom unique: W·Q⁻¹ and Q·H fit as well for every Q that keeps Q·H ≥ 0, so
look at the clusters, or at several starts, before reading single numbers.

C. Ding, T. Li, M. I. Jordan, "Convex and semi-nonnegative matrix
factorizations", IEEE Trans. Pattern Anal. Mach. Intell. 32 (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.loop import OnStep
from partwise.engine.models.descent import Budget, Form, ModelFit, empty_note, solve, sweep
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["SemiFit", "clusters", "semi_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class SemiFit(ModelFit):
    """X ≈ W·H with W (features, rank) of any sign and H (rank, samples) ≥ 0.

    The columns of W have unit length.
    """

    W: Array
    H: Array


class _Semi(Form):
    signed = (True, False)

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        W, H = factors
        X = target.filled(lambda: self.build(factors))
        H = sweep(H, W.T @ W, W.T @ X)
        return [_least_squares(X, H), H]


def _least_squares(X: Array, H: Array) -> Array:
    """The best W of any sign; parts that are absent or dependent get the shortest one."""
    gram = H.astype(np.float64) @ H.T.astype(np.float64)
    inverse = np.linalg.pinv(gram, hermitian=True)
    return np.asarray((X @ H.T).astype(np.float64) @ inverse).astype(X.dtype)


def clusters(X: Array, rank: int, rng: np.random.Generator) -> Array:
    """Return (rank, samples) memberships: 1.2 in the cluster of k-means, 0.2 elsewhere."""
    data = X.T.astype(np.float64)
    centres = _spread(data, rank, rng)
    label = np.zeros(len(data), np.intp)
    for _ in range(20):
        before = label
        label = (0.5 * (centres * centres).sum(axis=1) - data @ centres.T).argmin(axis=1)
        for k in np.unique(label):
            centres[k] = data[label == k].mean(axis=0)
        if (label == before).all():
            break
    member = np.full((rank, len(data)), 0.2)
    member[label, np.arange(len(data))] = 1.2
    # Clusters that nothing fell into must not begin as copies of each other.
    empty = np.setdiff1d(np.arange(rank), label)
    member[empty] = rng.random((len(empty), len(data)))
    return np.asarray(member.astype(X.dtype))


def _spread(data: Array, number: int, rng: np.random.Generator) -> Array:
    """Centres drawn far from each other (Arthur and Vassilvitskii, SODA 2007)."""
    picks = [int(rng.integers(len(data)))]
    nearest = ((data - data[picks[0]]) ** 2).sum(axis=1)
    for _ in range(number - 1):
        total = nearest.sum()
        p = nearest / total if total > 0 else None
        picks.append(int(rng.choice(len(data), p=p)))
        nearest = np.minimum(nearest, ((data - data[picks[-1]]) ** 2).sum(axis=1))
    return np.asarray(data[picks])


def semi_nmf(
    X: Any,
    rank: int,
    *,
    weights: Any = None,
    init: str | tuple[Any, Any] = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> SemiFit:
    """Find parts of any sign with nonnegative courses: X ≈ W·H, H ≥ 0.

    Parameters
    ----------
    X
        (features, samples), dense, of any sign; NaN marks a missing entry.
    weights
        As in `nmf`.
    init
        "auto" (k-means), "random" or a pair (W0, H0).
    rank, starts, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`.

    Returns
    -------
    SemiFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.outer([1.0, -2.0], [3.0, 0.0, 1.0])
    >>> fit = semi_nmf(X, 1)
    >>> bool(np.allclose(fit.W @ fit.H, X)), bool((fit.H >= 0).all())
    (True, True)
    """
    target = target_of(X, weights, signed=True)
    rank = check_rank(rank)
    m, n = target.X.shape
    first = given(init, [(m, rank), (rank, n)], target.X.dtype, _Semi.signed)

    def begin(start: int) -> list[Array]:
        if first is not None and start == 0:
            return [F.copy() for F in first]
        rng = generator(seed, rank, start, "start")
        if init == "random":
            H = rng.random((rank, n)).astype(target.X.dtype)
        else:
            H = clusters(target.plausible(), rank, rng)
        return [_least_squares(target.plausible(), H), H]

    budget = Budget(starts, seed, tol, max_iter, max_seconds, on_step)
    solved = solve(_Semi(), target, begin, budget)
    W, H = solved.factors
    norms = np.linalg.norm(W.astype(np.float64), axis=0)
    norms[norms == 0] = 1
    W, H = W / norms.astype(W.dtype), H * norms.astype(H.dtype)[:, None]
    return SemiFit(W=W, H=H, notes=empty_note(W.T, H), **solved.facts)
