"""What does a least-squares step need of the data? Products, and the error.

Three kinds of data answer alike: dense, sparse, and dense with a weight for
every entry (where missing ones weigh 0). Factors come scaled, one part per row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.problem import Problem
from partwise.engine.solvers.weighted import Weighted, unit

__all__ = ["Dense", "Sparse", "folded", "products_of", "sparse_inner"]

Array = NDArray[Any]


def products_of(problem: Problem) -> Dense | Sparse | Weighted:
    """The data of a problem for the squared error, in scaled terms."""
    if problem.weights is not None:
        return Weighted(problem.scaled, problem.weights)
    return folded(problem)


def folded(problem: Problem) -> Dense | Sparse:
    """The data of a problem that has no table of weights."""
    return Sparse(problem.scaled) if problem.sparse else Dense(problem.scaled)


class Dense:
    """Products with dense data in either memory order."""

    def __init__(self, X: Array) -> None:
        self._X = X
        self._turned = not X.flags.c_contiguous
        self._rows = X.T if self._turned else X
        m, n = self._rows.shape
        # A block is read twice and fits the second-level cache in between.
        self._cuts = blocks(m, max(8, (1 << 18) // n))
        self._wide = blocks(m, max(-(-m // 16), (1 << 18) // n))
        self._product: tuple[Array, Array] | None = None

    def times(self, side: str, A: Array) -> Array:
        """A X' (parts, features) for side 'W', A X (parts, samples) for 'H'."""
        if self._product is not None and self._product[0] is A:
            return self._product[1]
        if (side == "W") != self._turned:
            atb = np.empty((A.shape[0], self._rows.shape[0]), A.dtype)

            def along(slot: int, lo: int, hi: int) -> None:
                kernels.row_products(self._rows, A, lo, hi, atb)

            run_blocks(along, self._cuts)
        else:
            parts = np.empty((len(self._wide), A.shape[0], self._rows.shape[1]), A.dtype)

            def across(slot: int, lo: int, hi: int) -> None:
                kernels.column_products(self._rows, A, lo, hi, parts[slot])

            run_blocks(across, self._wide)
            atb = parts.sum(axis=0)
        return atb

    def loss(self, Wt: Array, H: Array) -> float:
        """Half the squared error; the same read of X gives the next product with it."""
        tall, wide = (H, Wt) if self._turned else (Wt, H)
        parts = np.zeros(len(self._cuts))
        product = np.empty_like(tall)

        def work(slot: int, lo: int, hi: int) -> None:
            parts[slot] = kernels.half_squared_error(self._rows, tall, wide, lo, hi)
            kernels.row_products(self._rows, wide, lo, hi, product)

        run_blocks(work, self._cuts)
        self._product = (wide, product)
        return float(parts.sum())

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        cross = float(((Wt @ self._X).astype(np.float64) * H).sum())
        return cross, float(((Wt @ Wt.T).astype(np.float64) * (H @ H.T)).sum())

    def leftover(self, Wt: Array, H: Array, rng: np.random.Generator) -> Array | None:
        """Positive part of the worst-fitted column among a few, at unit length."""
        picks = rng.integers(0, H.shape[1], size=min(64, H.shape[1]))
        left = np.maximum(self._X[:, picks] - Wt.T @ H[:, picks], 0)
        return unit(left)

    def fill(self, Wt: Array, H: Array, k: int) -> None:
        left = Wt[k] @ self._X - (Wt[k] @ Wt.T) @ H
        H[k] = np.maximum(left, 0) / (Wt[k] @ Wt[k])


class Sparse:
    """Products with CSR data."""

    def __init__(self, X: Any) -> None:
        self._by_row = X
        self._by_column = X.T.tocsr()
        self._square = float(np.square(X.data, dtype=np.float64).sum())
        self._product: tuple[Array, Array] | None = None

    def times(self, side: str, A: Array) -> Array:
        """A X' (parts, features) for side 'W', A X (parts, samples) for 'H'."""
        if side == "W" and self._product is not None and self._product[0] is A:
            return np.asarray(self._product[1].astype(A.dtype))
        return self._times(self._by_row if side == "W" else self._by_column, A, A.dtype)

    @staticmethod
    def _times(X: Any, A: Array, dtype: Any) -> Array:
        """A (r, columns) times X', as (r, rows)."""
        dense = np.ascontiguousarray(A.T)
        out = np.empty((X.shape[0], A.shape[0]), dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.csr_times(X.indptr, X.indices, X.data, dense, lo, hi, out)

        run_blocks(work, blocks(X.shape[0], max(64, X.shape[0] // 64)))
        return np.ascontiguousarray(out.T)

    def loss(self, Wt: Array, H: Array) -> float:
        # Forming W H would fill the zeros. All three terms are taken in
        # float64, and the product is the one that the next step needs.
        product = self._times(self._by_row, H, np.float64)
        self._product = (H, product)
        gram = (Wt @ Wt.T.astype(np.float64)) * (H @ H.T.astype(np.float64))
        cross = float(np.einsum("kj,kj->k", product, Wt).sum())
        return max(0.0, 0.5 * self._square - cross + 0.5 * float(gram.sum()))

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        cross = float(np.dot(self._by_row.data, sparse_inner(self._by_row, Wt, H)))
        return cross, float(((Wt @ Wt.T).astype(np.float64) * (H @ H.T)).sum())

    def leftover(self, Wt: Array, H: Array, rng: np.random.Generator) -> Array | None:
        picks = rng.integers(0, H.shape[1], size=min(64, H.shape[1]))
        left = self._by_column[picks].toarray().T - Wt.T @ H[:, picks]
        return unit(np.maximum(left, 0))

    def fill(self, Wt: Array, H: Array, k: int) -> None:
        left = self._by_column @ Wt[k] - (Wt[k] @ Wt.T) @ H
        H[k] = np.maximum(left, 0) / (Wt[k] @ Wt[k])


def sparse_inner(X: Any, Wt: Array, H: Array) -> Array:
    """W H at the stored entries of a CSR matrix."""
    W, Ht = np.ascontiguousarray(Wt.T), np.ascontiguousarray(H.T)
    out = np.empty(X.nnz, W.dtype)

    def work(slot: int, lo: int, hi: int) -> None:
        kernels.csr_inner(X.indptr, X.indices, W, Ht, lo, hi, out)

    run_blocks(work, blocks(X.shape[0], max(64, X.shape[0] // 64)))
    return out
