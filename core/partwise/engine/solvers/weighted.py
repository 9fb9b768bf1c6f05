"""What does a least-squares step need where every entry has a weight of its own?

Each place has its own Gram matrix, ``Σ_i V_ij a_ki a_li``. All of them together
are one product of the weights with the table of all pairs ``a_k a_l``, so that
the work is done by the matrix library, and the descent runs along the places in
vector registers. Missing entries weigh 0.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.jit import compiled
from partwise.engine.pool import blocks, run_blocks, single_blas

__all__ = ["Weighted", "filled", "inner", "normal", "packed_slope", "packed_terms", "unit"]

Array = NDArray[Any]
_TILE = 256  # places whose packed Gram matrices are swept together
_LONG = 4096  # entries of a place that one block sums over


class Weighted:
    """Data (features, samples) with a weight for every entry."""

    def __init__(self, X: Array, weights: Array) -> None:
        self._X = X
        self._V = weights
        self._VX = weights * X

    @cached_property
    def _rows(self) -> tuple[Array, Array]:
        return np.ascontiguousarray(self._X), np.ascontiguousarray(self._V)

    @cached_property
    def _columns(self) -> tuple[Array, Array]:
        return np.ascontiguousarray(self._X.T), np.ascontiguousarray(self._V.T)

    @cached_property
    def half_square(self) -> float:
        """Half the weighted sum of squares of the data."""
        return 0.5 * float(np.einsum("ij,ij->i", self._VX, self._X, dtype=np.float64).sum())

    def laid(self, side: str) -> tuple[Array, Array]:
        """Data and weights with one row per place of the factor `side`."""
        return self._rows if side == "W" else self._columns

    def sweep(
        self,
        side: str,
        F: Array,
        A: Array,
        first: int,
        number: int,
        penalty: tuple[Array, Array],
        gradient: Array | None = None,
    ) -> tuple[float, float]:
        """Coordinate descent on F in place, each place with its own Gram matrix.

        Where `gradient` (r, places) is given it receives the slope of the error at F as it
        stood, and the weighted inner product of data and fit is returned, with the fit's square.
        """
        V, VX = (self._V.T, self._VX.T) if side == "W" else (self._V, self._VX)
        linear, ridge = penalty
        upper = np.triu_indices(len(A))
        length, places = V.shape
        wide = blocks(places, max(_TILE, (1 << 18) // (length + upper[0].size)))
        deep = blocks(length, _LONG)
        slope = np.empty((0, 0), F.dtype) if gradient is None else gradient
        with single_blas():
            if len(deep) > 1 and len(wide) < 8:
                gram, pull = self._deep(V, VX, A, upper, deep)
                seen = packed_slope(gram, pull, F, 0, slope) if slope.size else (0.0, 0.0)
                _packed_sweeps(gram, pull, F, 0, first, number, linear, ridge)
                return seen
            pairs = A[upper[0]] * A[upper[1]]
            told = np.zeros((len(wide), 2))

            def work(slot: int, lo: int, hi: int) -> None:
                gram, pull = pairs @ V[:, lo:hi], A @ VX[:, lo:hi]
                if slope.size:
                    told[slot] = packed_slope(gram, pull, F, lo, slope)
                _packed_sweeps(gram, pull, F, lo, first, number, linear, ridge)

            run_blocks(work, wide)
        inner, square = told.sum(axis=0)
        return float(inner), float(square)

    @staticmethod
    def _deep(
        V: Array, VX: Array, A: Array, upper: tuple[Array, Array], deep: list[tuple[int, int]]
    ) -> tuple[Array, Array]:
        """Normal equations of few and long places: the sums are shared out, not the places."""
        grams = np.empty((len(deep), upper[0].size, V.shape[1]), A.dtype)
        pulls = np.empty((len(deep), len(A), V.shape[1]), A.dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            part = np.ascontiguousarray(A[:, lo:hi])
            grams[slot] = (part[upper[0]] * part[upper[1]]) @ V[lo:hi]
            pulls[slot] = part @ VX[lo:hi]

        run_blocks(work, deep)
        gram = grams.sum(axis=0, dtype=np.float64).astype(A.dtype)
        return gram, pulls.sum(axis=0, dtype=np.float64).astype(A.dtype)

    def loss(self, Wt: Array, H: Array) -> float:
        """Half the weighted squared error."""
        m, n = self._X.shape
        cuts = blocks(n, max(64, (1 << 16) // m))
        parts = np.zeros(len(cuts))
        W = np.ascontiguousarray(Wt.T)

        def work(slot: int, lo: int, hi: int) -> None:
            parts[slot] = _half_squares(W @ H[:, lo:hi], self._X, self._V, lo)

        with single_blas():
            run_blocks(work, cuts)
        return float(parts.sum())

    def scale(self, Wt: Array, H: Array) -> tuple[float, float]:
        return inner(self._X, self._V, Wt, H)

    def leftover(self, Wt: Array, H: Array, rng: np.random.Generator) -> Array | None:
        picks = rng.integers(0, H.shape[1], size=min(64, H.shape[1]))
        left = (self._X[:, picks] - Wt.T @ H[:, picks]) * (self._V[:, picks] > 0)
        return unit(np.maximum(left, 0))

    def fill(self, Wt: Array, H: Array, k: int) -> None:
        left = Wt[k] @ (self._V * (self._X - Wt.T @ H))
        square = (Wt[k] * Wt[k]) @ self._V
        H[k] = np.divide(np.maximum(left, 0), square, out=np.zeros_like(left), where=square > 0)


def inner(X: Array, V: Array, Wt: Array, H: Array) -> tuple[float, float]:
    """Weighted inner products of the fit with the data, and with itself."""
    Y = Wt.T @ H
    weighted = V * Y
    return float((weighted * X).sum(dtype=np.float64)), float((weighted * Y).sum(dtype=np.float64))


def normal(Y: Array, V: Array, A: Array) -> tuple[Array, Array]:
    """Normal equations of every place: packed Gram matrices (q, places) and right sides.

    Y and V (places, length), A (parts, length).
    """
    upper = np.triu_indices(len(A))
    pairs = A[upper[0]] * A[upper[1]]
    gram = np.empty((len(pairs), len(Y)), A.dtype)
    pull = np.empty((len(A), len(Y)), A.dtype)

    def work(slot: int, lo: int, hi: int) -> None:
        gram[:, lo:hi] = pairs @ V[lo:hi].T
        pull[:, lo:hi] = A @ (V[lo:hi] * Y[lo:hi]).T

    with single_blas():
        run_blocks(work, blocks(len(Y), max(8, (1 << 17) // Y.shape[1])))
    return gram, pull


def unit(left: Array) -> Array | None:
    """The longest column at length 1, or None if all are zero."""
    norms = np.linalg.norm(left, axis=0)
    worst = int(norms.argmax())
    return np.asarray(left[:, worst] / norms[worst]) if norms[worst] > 0 else None


@compiled
def _half_squares(Y: Array, X: Array, V: Array, at: int) -> float:
    """``Σ V (X − Y)² / 2`` for the columns of Y, which begin at `at` of the others."""
    total = 0.0
    width = Y.shape[1]
    for i in range(Y.shape[0]):
        y, x, v = Y[i], X[i, at : at + width], V[i, at : at + width]
        s = Y.dtype.type(0)
        for j in range(y.shape[0]):
            e = x[j] - y[j]
            s += v[j] * e * e
        total += s
    return 0.5 * total


@compiled
def packed_slope(G: Array, b: Array, F: Array, at: int, out: Array) -> tuple[float, float]:
    """``G f − b`` of every place into `out` (r, all); and the sums of b f and of f G f.

    The places of G and b are those of F and `out` from `at` on.
    """
    rank, places = b.shape
    inner, square = 0.0, 0.0
    for lo in range(0, places, _TILE):
        width = min(_TILE, places - lo)
        here = at + lo
        for k in range(rank):
            s, fk = out[k, here : here + width], F[k, here : here + width]
            bk = b[k, lo : lo + width]
            for j in range(width):
                s[j] = 0
            for i in range(rank):
                low, high = min(i, k), max(i, k)
                g = G[low * rank - low * (low - 1) // 2 + high - low, lo : lo + width]
                fi = F[i, here : here + width]
                for j in range(width):
                    s[j] += g[j] * fi[j]
            for j in range(width):
                inner += bk[j] * fk[j]
                square += s[j] * fk[j]
                s[j] -= bk[j]
    return inner, square


@compiled
def packed_terms(G: Array, b: Array, F: Array, k: int, curve: Array, pull: Array) -> None:
    """What part k of every place lies in: ``G_kk`` and ``b_k`` less what the others explain."""
    rank, places = F.shape
    s = np.empty(_TILE, F.dtype)
    for lo in range(0, places, _TILE):
        width = min(_TILE, places - lo)
        bk = b[k, lo : lo + width]
        for j in range(width):
            s[j] = bk[j]
        for i in range(rank):
            if i != k:
                low, high = min(i, k), max(i, k)
                g = G[low * rank - low * (low - 1) // 2 + high - low, lo : lo + width]
                fi = F[i, lo : lo + width]
                for j in range(width):
                    s[j] -= g[j] * fi[j]
        g = G[k * rank - k * (k - 1) // 2, lo : lo + width]
        d, e = curve[lo : lo + width], pull[lo : lo + width]
        for j in range(width):
            d[j] = g[j]
            e[j] = s[j]


@compiled
def _packed_sweeps(
    G: Array, b: Array, F: Array, at: int, first: int, number: int, linear: Array, ridge: Array
) -> None:
    """Coordinate descent with a Gram matrix per place, packed by its upper rows (q, places).

    b (r, places); F (r, all) from `at` on; parts before `first` stay; `linear` and `ridge` hold
    one coefficient for each of all places, or are empty.
    """
    rank, places = b.shape
    zero = F.dtype.type(0)
    s = np.empty(min(places, _TILE), F.dtype)
    for lo in range(0, places, _TILE):
        width = min(_TILE, places - lo)
        here = at + lo
        for _ in range(number):
            for k in range(first, rank):
                bk, fk = b[k, lo : lo + width], F[k, here : here + width]
                for j in range(width):
                    s[j] = bk[j]
                for i in range(rank):
                    if i != k:
                        low, high = min(i, k), max(i, k)
                        g = G[low * rank - low * (low - 1) // 2 + high - low, lo : lo + width]
                        fi = F[i, here : here + width]
                        for j in range(width):
                            s[j] -= g[j] * fi[j]
                g = G[k * rank - k * (k - 1) // 2, lo : lo + width]
                if linear.shape[0] > 0:
                    more, extra = linear[here : here + width], ridge[here : here + width]
                    for j in range(width):
                        curve = g[j] + extra[j]
                        fk[j] = max((s[j] - more[j]) / curve, zero) if curve > zero else fk[j]
                else:
                    for j in range(width):
                        fk[j] = max(s[j] / g[j], zero) if g[j] > zero else fk[j]


@compiled
def filled(Y: Array, X: Array, V: Array, top: float, at: int, out: Array) -> float:
    """``Y + V (X − Y) / top`` into the rows of `out` from `at` on; returns ``Σ V (X − Y)² / 2``."""
    total = 0.0
    rows, columns = Y.shape
    share = Y.dtype.type(1 / top)
    for i in range(rows):
        y, x, v, o = Y[i], X[at + i], V[at + i], out[at + i]
        s = Y.dtype.type(0)
        for j in range(columns):
            e = x[j] - y[j]
            ve = v[j] * e
            s += ve * e
            o[j] = y[j] + share * ve
        total += s
    return 0.5 * total
