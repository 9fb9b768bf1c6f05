"""Parts of a table with three or more ways.

    T[i, j, …, l] ≈ Σ_k F₁[i, k] · F₂[j, k] ⋯ F_N[l, k],   all F ≥ 0

For data with more than two kinds of axes (ligand × time × dose; subject × channel
× frequency): each part has one profile per way. Unlike a matrix, a tensor's parts
are unique under mild conditions (Kruskal 1977), without any sparsity.

J. D. Carroll, J. J. Chang (1970) and R. A. Harshman (1970) for the model; A.
Cichocki, A. H. Phan, "Fast local algorithms for large scale nonnegative matrix
and tensor factorizations", IEICE Trans. E92-A (2009) for the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.loop import OnStep
from partwise.engine.models.descent import Budget, Form, ModelFit, empty_note, solve, sweep
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["ParafacFit", "parafac"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class ParafacFit(ModelFit):
    """`factors`: one (size, rank) per way; all but the last have columns of unit length."""

    factors: list[Array]

    def whole(self) -> Array:
        """The model of T."""
        return _build(self.factors)


def _khatri_rao(factors: list[Array]) -> Array:
    """Column-wise Kronecker product, the last factor running fastest."""
    rank = factors[0].shape[1]
    return reduce(lambda A, B: (A[:, None, :] * B[None, :, :]).reshape(-1, rank), factors)


def _build(factors: list[Array]) -> Array:
    shape = tuple(len(F) for F in factors)
    return np.asarray(factors[0] @ _khatri_rao(factors[1:]).T).reshape(shape)


def _project(T: Array, factors: list[Array], way: int) -> Array:
    """(size of `way`, rank): T against the product of all other factors."""
    others = factors[:way] + factors[way + 1 :]
    return np.moveaxis(T, way, 0).reshape(T.shape[way], -1) @ _khatri_rao(others)


class _Parafac(Form):
    def __init__(self, ways: int) -> None:
        self.signed = (False,) * ways
        self.axes = (1,) * ways

    def build(self, factors: list[Array]) -> Array:
        return _build(factors)

    def improve(self, target: Target, factors: list[Array]) -> list[Array]:
        T = target.filled(lambda: _build(factors))
        now = list(factors)
        grams = [F.T @ F for F in now]
        for way in range(len(now)):
            others = grams[:way] + grams[way + 1 :]
            atb = _project(T, now, way).T
            F = sweep(now[way].T, reduce(np.multiply, others), atb)
            now[way] = np.ascontiguousarray(F.T)
            grams[way] = now[way].T @ now[way]
        return now

    def pull(self, E: Array, factors: list[Array]) -> list[Array]:
        return [_project(E, factors, way) for way in range(len(factors))]


def parafac(
    T: Any,
    rank: int,
    *,
    weights: Any = None,
    init: str | list[Any] = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> ParafacFit:
    """Find the nonnegative parts of a tensor, one profile per way.

    Parameters
    ----------
    T
        Two or more ways, ≥ 0, dense; NaN marks a missing entry.
    weights
        Like T, or with sizes of 1 where they do not vary.
    init
        "auto" or "random", or a list of factors.
    rank, starts, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`.

    Returns
    -------
    ParafacFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> T = np.einsum("i,j,k->ijk", [1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 1.0])
    >>> fit = parafac(T, 1)
    >>> [F.shape for F in fit.factors], bool(np.allclose(fit.whole(), T))
    ([(2, 1), (3, 1), (2, 1)], True)
    """
    target = target_of(T, weights, ways=None, argument="T")
    rank = check_rank(rank)
    shape, dtype = target.X.shape, target.X.dtype
    first = given(init, [(size, rank) for size in shape], dtype)

    def begin(start: int) -> list[Array]:
        if first is not None and start == 0:
            return [F.copy() for F in first]
        rng = generator(seed, rank, start, "start")
        return [(0.05 + rng.random((size, rank))).astype(dtype) for size in shape]

    form = _Parafac(len(shape))
    budget = Budget(starts, seed, tol, max_iter, max_seconds, on_step)
    solved = solve(form, target, begin, budget)
    factors = solved.factors
    for way in range(len(factors) - 1):
        norms = np.linalg.norm(factors[way].astype(np.float64), axis=0)
        norms[norms == 0] = 1
        factors[way] = factors[way] / norms.astype(dtype)
        factors[-1] = factors[-1] * norms.astype(dtype)
    return ParafacFit(factors=factors, notes=empty_note(*(F.T for F in factors)), **solved.facts)
