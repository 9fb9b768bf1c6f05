"""Compiled loops of the structured and the alternating solvers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.kernels import _lawson_hanson, _solve_passive, _weighted_normal

__all__ = [
    "active_set_columns",
    "add_part",
    "coupled_sweep",
    "normal_equations",
    "part_terms",
    "pivot_columns",
]

Array = NDArray[Any]
_PATIENCE = 3  # full exchanges in a row that may fail to help, before one at a time


@compiled
def coupled_sweep(
    d: Array,
    e: Array,
    f: Array,
    indptr: Array,
    indices: Array,
    data: Array,
    low: float,
    high: float,
) -> None:
    """One exact coordinate sweep on ``½ Σ d f² − Σ e f + ½ fᵀ Q f`` within [low, high].

    Q is CSR and symmetric, and f moves in place, one place after the other.
    """
    for j in range(f.shape[0]):
        pull = e[j]
        curve = d[j]
        for p in range(indptr[j], indptr[j + 1]):
            if indices[p] == j:
                curve += data[p]
            else:
                pull -= data[p] * f[indices[p]]
        if curve > 0.0:
            f[j] = min(max(pull / curve, low), high)


@compiled
def part_terms(R: Array, V: Array, a: Array, d: Array, g: Array) -> None:
    """``d[j] = Σ V a²`` and ``g[j] = Σ V a R`` over each row j, in float64."""
    for j in range(R.shape[0]):
        r, v = R[j], V[j]
        square = a.dtype.type(0)
        cross = a.dtype.type(0)
        for i in range(a.shape[0]):
            va = v[i] * a[i]
            square += va * a[i]
            cross += va * r[i]
        d[j] = square
        g[j] = cross


@compiled
def add_part(R: Array, f: Array, a: Array) -> None:
    """``R -= f aᵀ`` in place."""
    for j in range(R.shape[0]):
        r, s = R[j], f[j]
        if s != 0:
            for i in range(a.shape[0]):
                r[i] -= s * a[i]


@compiled
def normal_equations(Y: Array, V: Array, A: Array, grams: Array, b: Array) -> None:
    """Every place's own weighted Gram matrix (n, r, r) and right-hand side (n, r)."""
    for j in range(Y.shape[0]):
        _weighted_normal(Y[j], V[j], A, grams[j], b[j])


@compiled
def pivot_columns(  # noqa: C901, PLR0912 - a compiled loop is one function
    grams: Array, b: Array, F: Array
) -> None:
    """Nonnegative least squares by block principal pivoting, from where F stands.

    Parameters
    ----------
    grams
        (1, r, r) for all, or (n, r, r), one per place; float64.
    b
        (n, r) right-hand sides, float64.
    F
        (r, n): its support is where the search begins; receives the solution.

    Notes
    -----
    Kim and Park, SIAM J. Sci. Comput. 33 (2011), with their backup rule: all
    that is infeasible changes sides at once while that helps, then only the
    last one, which ends after finitely many exchanges. Dependent parts are left
    to Lawson and Hanson's method.
    """
    n, rank = b.shape
    chol = np.zeros((rank, rank))
    x = np.zeros(rank)
    wrong = np.zeros(rank, np.bool_)
    passive = np.zeros(rank, np.bool_)
    for j in range(n):
        gram = grams[j if grams.shape[0] > 1 else 0]
        largest = 0.0
        for k in range(rank):
            largest = max(largest, abs(b[j, k]))
            passive[k] = F[k, j] > 0.0 and gram[k, k] > 0.0
        slack = 1e-13 * largest
        fewest, patience, done = rank + 1, _PATIENCE, False
        for _ in range(20 * rank + 20):
            if not _solve_passive(gram, b[j], passive, chol, x):
                break
            number, last = 0, -1
            for k in range(rank):
                wrong[k] = False
                if passive[k]:
                    wrong[k] = x[k] < 0.0
                elif gram[k, k] > 0.0:
                    s = b[j, k]
                    for i in range(rank):
                        s -= gram[k, i] * x[i]
                    wrong[k] = s > slack
                if wrong[k]:
                    number += 1
                    last = k
            if number == 0:
                done = True
                break
            if number < fewest:
                fewest, patience = number, _PATIENCE
            elif patience > 0:
                patience -= 1
            else:
                for k in range(last):
                    wrong[k] = False
            for k in range(rank):
                if wrong[k]:
                    passive[k] = not passive[k]
        if not done:
            _lawson_hanson(gram, b[j], x, passive, chol, slack)
        for k in range(rank):
            F[k, j] = x[k]


@compiled
def active_set_columns(grams: Array, b: Array, F: Array) -> None:
    """Nonnegative least squares by Lawson and Hanson's active set; as `pivot_columns`."""
    n, rank = b.shape
    chol = np.zeros((rank, rank))
    x = np.zeros(rank)
    passive = np.zeros(rank, np.bool_)
    for j in range(n):
        largest = 0.0
        for k in range(rank):
            largest = max(largest, abs(b[j, k]))
        gram = grams[j if grams.shape[0] > 1 else 0]
        _lawson_hanson(gram, b[j], x, passive, chol, 1e-13 * largest)
        for k in range(rank):
            F[k, j] = x[k]
